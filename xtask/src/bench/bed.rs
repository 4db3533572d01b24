//! Where a contender works: a folder, services to run in it, and a mark by which every process of it is found and ended.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::measure;
use crate::Outcome;

/// The variable that marks every process of a bed.
const MARK: &str = "SVCKIT_BENCH";

/// How long is waited for anything before the run is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// A service to be run.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) command: Vec<String>,
    /// Where its output goes, to be rotated at 1 MB with everything kept; absent: it writes nothing.
    pub(crate) log: Option<PathBuf>,
}

/// A folder of its own with services, gone with all its processes when it is dropped.
#[derive(Debug)]
pub(crate) struct Bed {
    pub(crate) directory: PathBuf,
    pub(crate) services: Vec<Service>,
    mark: String,
    measured: PathBuf,
    said: Receiver<(Instant, String)>,
    supervisor: Option<Child>,
}

impl Bed {
    /// A bed with so many services that only say that they run.
    pub(crate) fn with_services(measured: &Path, count: usize) -> Outcome<Self> {
        let mut bed = Self::empty(measured)?;
        bed.services = (0..count)
            .map(|number| {
                let name = format!("service-{number:04}");
                Service { command: bed.command(&["ready", &bed.socket(), &name]), name, log: None }
            })
            .collect();
        Ok(bed)
    }

    /// A bed with a service that runs and, after it, one that fails whenever it is run.
    pub(crate) fn with_a_loop(measured: &Path) -> Outcome<Self> {
        let mut bed = Self::with_services(measured, 2)?;
        let socket = bed.socket();
        let crash = bed.command(&["crash", &socket, &bed.services[1].name]);
        bed.services[1].command = crash;
        Ok(bed)
    }

    /// A bed with one service that writes so many bytes.
    pub(crate) fn with_flood(measured: &Path, bytes: usize) -> Outcome<Self> {
        let mut bed = Self::empty(measured)?;
        let logs = bed.directory.join("logs");
        fs::create_dir(&logs).map_err(|error| format!("{}: {error}", logs.display()))?;
        let command = bed.command(&["flood", &bed.socket(), &bytes.to_string()]);
        bed.services = vec![Service { name: "flood".to_owned(), command, log: Some(logs) }];
        Ok(bed)
    }

    fn empty(measured: &Path) -> Outcome<Self> {
        static COUNTER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let count = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mark = format!("{}-{count}", std::process::id());
        let directory = std::env::temp_dir().join(format!("svckit-bench-{mark}"));
        let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
        fs::create_dir(&directory).map_err(failed)?;
        let socket = UnixDatagram::bind(directory.join("said")).map_err(failed)?;
        let (say, said) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 256];
            while let Ok(length) = socket.recv(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if say.send((measure::now(), text)).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            directory,
            services: Vec::new(),
            mark,
            measured: measured.to_owned(),
            said,
            supervisor: None,
        })
    }

    fn socket(&self) -> String {
        self.directory.join("said").display().to_string()
    }

    fn command(&self, words: &[&str]) -> Vec<String> {
        let program = self.measured.display().to_string();
        std::iter::once(program).chain(words.iter().map(|word| (*word).to_owned())).collect()
    }

    /// A command that belongs to this bed.
    pub(crate) fn program(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env(MARK, &self.mark).current_dir(&self.directory).stdin(Stdio::null());
        command
    }

    /// A file of this bed.
    pub(crate) fn write(&self, path: impl AsRef<Path>, text: &str) -> Outcome<PathBuf> {
        let path = self.directory.join(path);
        let parent = path.parent().unwrap_or(&self.directory);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }

    /// The same, to be executed.
    pub(crate) fn write_script(&self, path: impl AsRef<Path>, text: &str) -> Outcome {
        use std::os::unix::fs::PermissionsExt;
        let path = self.write(path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            .map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Starts the supervisor.
    pub(crate) fn launch(&mut self, mut command: Command) -> Outcome<Instant> {
        let log =
            fs::File::create(self.directory.join("supervisor.log")).map_err(|error| error.to_string())?;
        let errors = log.try_clone().map_err(|error| error.to_string())?;
        command.stdout(log).stderr(errors);
        let before = measure::now();
        self.supervisor = Some(command.spawn().map_err(|error| format!("{command:?}: {error}"))?);
        Ok(before)
    }

    /// The next thing that a service says, and when.
    pub(crate) fn hear(&self) -> Outcome<(Instant, String)> {
        self.said.recv_timeout(PATIENCE).map_err(|_| {
            let log = fs::read_to_string(self.directory.join("supervisor.log")).unwrap_or_default();
            format!("no service said anything within {PATIENCE:?}; the supervisor said: {log}")
        })
    }

    /// What was said that nobody has heard yet.
    pub(crate) fn heard(&self) -> impl Iterator<Item = (Instant, String)> {
        self.said.try_iter()
    }

    /// Forgets what was said.
    pub(crate) fn clear(&self) {
        self.heard().for_each(drop);
    }

    /// Every process of this bed.
    fn processes(&self) -> Vec<u32> {
        let mark = format!("{MARK}={}", self.mark);
        measure::processes(|environment| {
            environment.split(|byte| *byte == 0).any(|line| line == mark.as_bytes())
        })
    }

    /// The processes that supervise.
    pub(crate) fn supervisors(&self) -> Vec<u32> {
        let is_measured =
            |pid: &u32| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == self.measured);
        self.processes().into_iter().filter(|pid| !is_measured(pid)).collect()
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        // A process may start another while it is being ended, so this goes on until none is left.
        loop {
            let processes = self.processes();
            if processes.is_empty() {
                break;
            }
            processes.into_iter().for_each(measure::kill);
        }
        if let Some(mut supervisor) = self.supervisor.take() {
            let _ = supervisor.wait();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}
