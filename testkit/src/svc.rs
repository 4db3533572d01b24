//! The `svc` program on a state directory of its own, for tests from end to end.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use serde_json::Value;
use svckit_os::pidfd::PidFd;
use svckit_os::process::{environment_value, kill};
use tempfile::TempDir;

use crate::{PATIENCE, binary};

/// The variable that marks every process that comes from a test's `svc`.
const MARK: &str = "SVCKIT_TEST";

/// A state directory and everything that runs from it; all of it is gone when this is dropped.
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
        let mark = format!("{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let folder = tempfile::Builder::new().prefix("svckit-test-").tempdir().expect("a folder of its own");
        Self { folder, program: binary::svc(), mark }
    }

    /// The folder that is this test's, with the state directory in it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The state directory.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
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
            .env("SVC_SCM", format!("embedded:{}", self.state().display()))
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

    /// The process of the service control manager.
    #[track_caller]
    pub fn scm(&self) -> u32 {
        let status = self.json(&["scm", "status"]);
        let pid = status["pid"].as_u64().unwrap_or_else(|| panic!("no process in {status}"));
        u32::try_from(pid).expect("processes have small numbers")
    }

    /// Ends the service control manager by force.
    #[track_caller]
    pub fn kill_scm(&self) {
        let scm = PidFd::open(self.scm()).expect("it runs");
        scm.kill().expect("it is ours");
        assert!(scm.wait(PATIENCE).expect("it can be waited for"), "it does not end");
    }

    /// The service control manager's own log.
    pub fn scm_log(&self) -> String {
        fs::read_to_string(self.state().join("scm.log")).unwrap_or_default()
    }

    /// Waits until no process from here is left but these.
    ///
    /// # Panics
    /// If one doesn't end in a test's time.
    #[track_caller]
    pub fn wait_for_all_but(&self, these: &[u32]) {
        while let Some(pid) = self.processes().into_iter().find(|pid| !these.contains(pid)) {
            // It may have ended in between.
            let Ok(process) = PidFd::open(pid) else { continue };
            assert!(process.wait(PATIENCE).expect("it can be waited for"), "process {pid} does not end");
        }
    }

    /// Every process that comes from here.
    pub fn processes(&self) -> Vec<u32> {
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid| environment_value(*pid, MARK).is_some_and(|mark| mark == *self.mark))
            .collect()
    }
}

impl Default for Svc {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Svc {
    fn drop(&mut self) {
        // What is ended may start something before it is: this goes on until nothing is left.
        loop {
            let processes = self.processes();
            if processes.is_empty() {
                return;
            }
            for pid in processes {
                // It may have ended by itself.
                let Ok(process) = PidFd::open(pid) else { continue };
                let _ = process.kill();
                let _ = process.wait(PATIENCE);
            }
        }
    }
}

/// Runs a command to its end, which has to come in a test's time.
pub fn finish(mut command: Command) -> Output {
    let shown = format!("{command:?}");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{shown}: {error}"));
    let pid = child.id();
    let (done, ended) = channel();
    thread::spawn(move || {
        let output = collect(&mut child);
        // The test may have given up.
        let _ = done.send(output);
    });
    ended.recv_timeout(2 * PATIENCE).unwrap_or_else(|_| {
        let _ = kill(pid);
        panic!("{shown} did not end within {:?}", 2 * PATIENCE)
    })
}

fn collect(child: &mut Child) -> Output {
    let mut errors = child.stderr.take().expect("it is piped");
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        errors.read_to_end(&mut bytes).map(|_| bytes).expect("a pipe can be read")
    });
    let mut bytes = Vec::new();
    child.stdout.take().expect("it is piped").read_to_end(&mut bytes).expect("a pipe can be read");
    let stderr = reader.join().expect("the reader of errors");
    Output {
        status: child.wait().expect("a child can be waited for"),
        stdout: String::from_utf8_lossy(&bytes).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    }
}
