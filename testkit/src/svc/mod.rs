//! The `svc` program for tests from end to end: on a state directory of its own where there is a built-in service control manager, with names of its own on Windows.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(windows)]
pub use windows::{making_anew, starting};

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use crate::{PATIENCE, binary};

/// The variable that marks every process that comes from a test's `svc`.
const MARK: &str = "SVCKIT_TEST";

/// A folder and, where there is a built-in service control manager, its state directory in it; all services and whatever runs from here is gone when this is
/// dropped.
#[derive(Debug)]
pub struct Svc {
    folder: TempDir,
    program: PathBuf,
    mark: String,
}

/// What came of a command.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it printed as errors.
    pub stderr: String,
}

impl Output {
    /// The exit code; a command that a signal ended has none.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

impl Svc {
    /// A new folder in which nothing runs yet.
    pub fn new() -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let folder = tempfile::Builder::new().prefix("svckit-test-").tempdir().expect("a folder of its own");
        // Ids of processes come again; the name of the folder doesn't.
        let unique = folder.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let unique = unique.rsplit('-').next().unwrap_or_default();
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{}-{number}-{unique}", std::process::id());
        Self { folder, program: binary::svc(), mark }
    }

    /// The folder that is this test's.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("the folder can be written");
        path
    }

    /// A command, ready to be run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env(MARK, &self.mark)
            .env("SVC_SCM", self.target())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        finish(self.command(arguments))
    }

    /// Runs a command that has to succeed, and returns what it printed.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "svc {arguments:?}: {}\n{}{}\n{}",
            output.status,
            output.stdout,
            output.stderr,
            self.scm_log()
        );
        output.stdout
    }

    /// Runs a command that has to succeed and to print JSON.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.ok(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("svc {arguments:?}: {error}\n{text}"))
    }

    /// What `svc status` says of one service.
    #[track_caller]
    pub fn status(&self, service: &str) -> Value {
        self.json(&["status", service])[0].clone()
    }
}

impl Default for Svc {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs a command to its end, which has to come in a test's time.
pub fn finish(mut command: Command) -> Output {
    let shown = format!("{command:?}");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = spawn(&mut command).unwrap_or_else(|error| panic!("{shown}: {error}"));
    let stdout = Collected::of(child.stdout.take().expect("it is piped"));
    let stderr = Collected::of(child.stderr.take().expect("it is piped"));
    let rest = |stream: &Collected, child: &mut Child| {
        stream.whole().unwrap_or_else(|| {
            // It may have ended in between.
            let _ = child.kill();
            let (printed, told) = (stdout.so_far(), stderr.so_far());
            panic!("{shown} did not end within {:?}; it said so far:\n{printed}{told}", 2 * PATIENCE)
        })
    };
    let (stdout, stderr) = (rest(&stdout, &mut child), rest(&stderr, &mut child));
    Output { status: child.wait().expect("a child can be waited for"), stdout, stderr }
}

/// Under Wine a new process ends before its first instruction now and then, which is told as `ERROR_INTERNAL_ERROR`: nothing of it has run, and it is made again.
fn spawn(command: &mut Command) -> io::Result<Child> {
    const ATTEMPTS: usize = 3;
    const ERROR_INTERNAL_ERROR: i32 = 1359;
    let is_still_born =
        |error: &io::Error| cfg!(windows) && error.raw_os_error() == Some(ERROR_INTERNAL_ERROR);
    for _ in 1..ATTEMPTS {
        match command.spawn() {
            Err(error) if is_still_born(&error) => {}
            spawned => return spawned,
        }
    }
    command.spawn()
}

/// What comes from a stream.
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    ended: Receiver<()>,
}

impl Collected {
    fn of(mut stream: impl Read + Send + 'static) -> Self {
        let (done, ended) = channel();
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let collected = Arc::clone(&bytes);
        thread::spawn(move || {
            let mut part = [0; 4096];
            loop {
                match stream.read(&mut part).expect("a pipe can be read") {
                    0 => break,
                    read => collected.lock().unwrap().extend_from_slice(&part[..read]),
                }
            }
            // The test may have given up.
            let _ = done.send(());
        });
        Self { bytes, ended }
    }

    /// All of it, when it has ended; `None` if it doesn't in a test's time.
    fn whole(&self) -> Option<String> {
        self.ended.recv_timeout(2 * PATIENCE).ok().map(|()| self.so_far())
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }
}
