//! The generated `winservice.py` with Windows' own Python and pywin32, and the service control manager of Windows, which may be that of Wine: the program is
//! started, killed, run again and stopped by the script itself, and then by `svc.exe` in its place.

#![forbid(unsafe_code)]
#![cfg(windows)]
#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Backend;
use svckit_core::status::{NotifyMask, ServiceState, ServiceStatus};
use svckit_manager::windows::WindowsBackend;
use svckit_testkit::gate::{Gate, Held, Reporter};
use svckit_testkit::svc::{Output, Svc, finish, starting};
use svckit_testkit::{PATIENCE, need};

/// What the service runs: tells the test where it is, waits at its gate or for Ctrl+C, and ends with the status that it was told.
const PROGRAM: &str = r#"import os
import select
import signal
import socket
import sys

reporter, gate, status = sys.argv[1:4]


def dial(address):
    host, port = address.split(":")
    return socket.create_connection((host, int(port)))


def report(*words):
    with dial(reporter) as connection:
        connection.sendall(("\t".join(words) + "\n").encode("utf-8"))


interrupted, interrupt = socket.socketpair()
interrupt.setblocking(False)
signal.set_wakeup_fd(interrupt.fileno())
signal.signal(signal.SIGINT, lambda number, frame: None)
report("runs", str(os.getpid()), os.environ.get("ZMANAGED", ""), os.getcwd(), *sys.argv[4:])
with dial(gate) as connection:
    ready, _, _ = select.select([connection, interrupted], [], [])
if interrupted in ready:
    report("is asked to stop")
elif status == "raise":
    raise ValueError("no way on")
else:
    sys.exit(int(status))
"#;

/// A buildout with one part, the service.
struct Site {
    svc: Svc,
    folder: PathBuf,
    python: PathBuf,
    name: String,
    reporter: Reporter,
    gate: Gate,
}

impl Site {
    /// A site whose path has what makes a careless script invalid: `\u`, `\N`, `\x`, blanks, and what is not in ASCII.
    fn new(status: &str, more: &str) -> Option<Self> {
        let svc = Svc::new();
        let folder =
            svc.folder().join("u0041 Gr\u{fc}\u{df}e").join("N{BULLET}").join("x41 \u{4f60}\u{597d}");
        Self::at(svc, folder, status, more)
    }

    /// Makes a site, if there is a Python to run the script with.
    fn at(svc: Svc, folder: PathBuf, status: &str, more: &str) -> Option<Self> {
        let python = need::windows_python()?;
        fs::create_dir_all(folder.join("bin")).unwrap();
        let name = svc.name("site");
        let site = Self { svc, folder, python, name, reporter: Reporter::new(), gate: Gate::new() };
        fs::write(site.folder.join("bin").join("app-script.py"), PROGRAM).unwrap();
        site.configure(status, more);
        Some(site)
    }

    /// Describes the service, in place of what was there, and generates the script.
    fn configure(&self, status: &str, more: &str) {
        let (reporter, gate) = (self.reporter.address(), self.gate.address());
        let lines = [
            "[buildout]".to_owned(),
            "parts = winservice".to_owned(),
            format!("executable = {}", self.python.display()),
            "[winservice]".to_owned(),
            "recipe = p01.recipe.setup:winservice".to_owned(),
            "runzope = app".to_owned(),
            format!("serviceName = {}", self.name),
            format!("name = Site \u{fc} \u{4f60} of {}", self.name),
            format!("parameters = {reporter} {gate} {status} \"two words\" Gr\u{fc}\u{df}e"),
            more.to_owned(),
        ];
        fs::write(self.folder.join("buildout.cfg"), lines.join("\n")).unwrap();
        assert_eq!(self.buildout(&[]), "", "there is nothing to warn of");
    }

    /// Runs `svc buildout`, which has to succeed; what it warns of.
    #[track_caller]
    fn buildout(&self, overrides: &[&str]) -> String {
        let mut buildout = self.svc.command(&[&["buildout"], overrides].concat());
        buildout.current_dir(&self.folder);
        let output = finish(buildout);
        assert!(output.status.success(), "{}{}", output.stdout, output.stderr);
        output.stderr
    }

    fn script(&self) -> PathBuf {
        self.folder.join("bin").join("winservice.py")
    }

    /// The script with words of a command line.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(self.script()).args(words).env("PYTHONIOENCODING", "utf-8").stdin(Stdio::null());
        command
    }

    /// Runs the script, which has to succeed.
    #[track_caller]
    fn script_does(&self, words: &[&str]) -> String {
        succeeded(starting(|| self.finish(self.command(words))))
    }

    /// Runs a command to its end. Its output goes into files: what Wine itself starts for the first program that has to do with windows, and leaves running,
    /// holds a pipe open.
    fn finish(&self, mut command: Command) -> Output {
        let [stdout, stderr] = ["stdout.txt", "stderr.txt"].map(|name| self.svc.folder().join(name));
        command.stdout(File::create(&stdout).unwrap()).stderr(File::create(&stderr).unwrap());
        let status = command.status().unwrap();
        let [stdout, stderr] = [stdout, stderr].map(|path| fs::read_to_string(path).unwrap());
        Output { status, stdout, stderr }
    }

    /// Waits until the program runs, and sees that it does so as it should. Its process.
    #[track_caller]
    fn runs(&self) -> String {
        let report = self.reporter.next();
        let [_, pid, managed, directory, words @ ..] = &report[..] else { panic!("{report:?}") };
        assert_eq!((managed.as_str(), Path::new(directory)), ("1", self.folder.as_path()));
        assert_eq!(words, ["two words", "Gr\u{fc}\u{df}e"]);
        pid.clone()
    }

    /// Waits until the program is asked to stop, and has done so.
    #[track_caller]
    fn is_asked_to_stop(&self, held: Held) {
        assert_eq!(self.reporter.next(), ["is asked to stop"]);
        held.gone();
    }

    /// Ends a process by force, with a status that is not 0, as it would be if Wine's `taskkill` did it.
    fn kill(&self, pid: &str) {
        let mut command = Command::new(&self.python);
        command.args(["-c", "import os, sys; os.kill(int(sys.argv[1]), 9)", pid]);
        succeeded(self.finish(command));
    }

    /// Waits until the service has stopped.
    #[track_caller]
    fn stops(&self) -> ServiceStatus {
        let manager = WindowsBackend::local().open_manager(ManagerAccess::CONNECT).unwrap();
        let service = manager.open_service(&self.name, ServiceAccess::ALL_ACCESS).unwrap();
        let stopped = service.wait(NotifyMask::of(ServiceState::STOPPED), PATIENCE).unwrap();
        stopped.unwrap_or_else(|| panic!("it does not stop\n{}", events())).status
    }

    #[track_caller]
    fn is_gone(&self) {
        let status = self.svc.run(&["status", &self.name]);
        assert_eq!(status.code(), Some(3), "{}{}", status.stdout, status.stderr);
    }

    /// What this service told the event log.
    fn told(&self) -> Vec<String> {
        events().lines().filter(|line| line.contains(&self.name)).map(str::to_owned).collect()
    }
}

/// What all services told the event log, as Wine shows it: characters that are not in ASCII as numbers, and nothing of what is very long but its beginning.
fn events() -> String {
    let path = std::env::var_os("SVCKIT_WINE_EVENTS").unwrap();
    String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
}

/// What the script printed that has to have succeeded, also as pywin32 tells it.
#[track_caller]
fn succeeded(output: Output) -> String {
    let Output { status, stdout, stderr } = output;
    let is_good = status.success() && !stdout.contains("Error") && stderr.is_empty();
    assert!(is_good, "{status}\n{stdout}{stderr}\n{}", events());
    stdout
}

#[track_caller]
fn position(lines: &[String], part: &str) -> usize {
    lines
        .iter()
        .position(|line| line.contains(part))
        .unwrap_or_else(|| panic!("{part:?} is not in {lines:#?}"))
}

#[test]
fn the_script_installs_starts_restarts_updates_stops_and_removes() {
    let Some(site) = Site::new("0", "description = It's the \"first\"") else {
        return;
    };
    site.script_does(&["--startup", "auto", "install"]);
    let shown = site.svc.json(&["show", &site.name]);
    assert_eq!(shown["display_name"], format!("Site \u{fc} \u{4f60} of {}", site.name));
    assert_eq!(shown["description"], "It's the \"first\"");
    assert_eq!((&shown["start_type"], &shown["state"]), (&"AUTO_START".into(), &"STOPPED".into()));

    site.script_does(&["start"]);
    let first = site.runs();
    let held = site.gate.arrival();
    assert_eq!(site.svc.status(&site.name)["state"], "RUNNING");
    site.kill(&first);
    held.gone();
    // It comes again by itself.
    let second = site.runs();
    assert_ne!(first, second);
    let held = site.gate.arrival();

    site.configure("0", "description = The second");
    site.script_does(&["update"]);
    assert_eq!(site.svc.json(&["show", &site.name])["description"], "The second");
    site.script_does(&["restart"]);
    site.is_asked_to_stop(held);
    site.runs();
    let held = site.gate.arrival();

    site.script_does(&["stop"]);
    site.is_asked_to_stop(held);
    let stopped = site.stops();
    assert_eq!((stopped.win32_exit_code.0, stopped.service_exit_code), (0, 0));
    let told = site.told();
    let (died, recovered) = (position(&told, "died unexpectedly"), position(&told, "new process started"));
    assert!(died < recovered && told[died].contains('5'), "{told:#?}");
    site.script_does(&["remove"]);
    site.is_gone();
}

#[test]
fn a_python_without_pywin32_is_told_of() {
    let Some(site) = Site::new("0", "") else { return };
    let warned = site.buildout(&[r"buildout:executable=C:\windows\system32\cmd.exe"]);
    assert!(warned.contains(r"Lib\site-packages\win32\pythonservice.exe is missing"), "{warned}");
    assert!(warned.contains("needs pywin32") && warned.contains("svc install"), "{warned}");
}

#[test]
fn a_program_that_ends_well_stops_the_service() {
    let Some(site) = Site::new("0", "") else { return };
    site.script_does(&["install"]);
    site.script_does(&["start"]);
    site.runs();
    site.gate.arrival().release();
    let stopped = site.stops();
    assert_eq!((stopped.win32_exit_code.0, stopped.service_exit_code), (0, 0));
}

#[test]
fn when_it_gives_up_the_service_reports_the_last_exit_status() {
    let Some(site) = Site::new("7", "") else { return };
    let script = fs::read_to_string(site.script()).unwrap();
    let impatient = script.replace("\nRESTART_BUDGET = 300\n", "\nRESTART_BUDGET = 0\n");
    assert_ne!(script, impatient);
    fs::write(site.script(), impatient).unwrap();
    site.script_does(&["install"]);
    site.script_does(&["start"]);
    for _ in 0..2 {
        site.runs();
        site.gate.arrival().release();
    }
    let stopped = site.stops();
    assert_eq!((stopped.win32_exit_code.0, stopped.service_exit_code), (1066, 7));
    position(&site.told(), "gave up");
}

#[test]
fn the_script_runs_the_program_in_its_console() {
    let Some(site) = Site::new("0", "") else { return };
    site.script_does(&["install"]);
    let [stdout, stderr] = ["debug.txt", "errors.txt"].map(|name| site.svc.folder().join(name));
    let mut debug = site.command(&["debug"]);
    debug.stdout(File::create(stdout).unwrap()).stderr(File::create(stderr).unwrap());
    let mut debug = debug.spawn().unwrap();
    site.runs();
    site.gate.arrival().release();
    assert!(debug.wait().unwrap().success());
    assert_eq!(site.svc.status(&site.name)["state"], "STOPPED");
}

#[test]
fn what_the_debug_copy_raises_is_told_and_a_stop_does_not_wait_for_the_next_start() {
    // Of a long text Wine shows the beginning only.
    let short = tempfile::tempdir_in(r"C:\").unwrap();
    let site = Site::at(Svc::new(), short.path().to_owned(), "raise", "debug = true");
    let Some(site) = site else { return };
    site.script_does(&["install"]);
    site.script_does(&["start"]);
    site.runs();
    site.gate.arrival().release();
    // What was told before it died is there when it runs again.
    site.runs();
    let folder = short.path().file_name().unwrap().to_str().unwrap();
    let script = format!(r"Script C:\\{folder}\\bin\\app-servicedebug.py had an exception: ");
    let events: Vec<String> = events().lines().map(str::to_owned).collect();
    let told = &events[position(&events, &script)];
    for part in ["err:", r#"app-script.py\", line "#, "ValueError: no way on"] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }

    site.gate.arrival().release();
    site.script_does(&["stop"]);
    site.stops();
    assert_eq!(site.reporter.rest().len(), 0, "it is not started again");
}

#[test]
fn svc_takes_over_what_the_script_ran() {
    let Some(site) = Site::new("0", "") else { return };
    site.script_does(&["install"]);
    site.script_does(&["remove"]);
    site.is_gone();
    let script = site.script();
    let script = script.to_str().unwrap();
    let output = starting(|| site.svc.run(&["up", script]));
    assert!(output.status.success(), "{}{}", output.stdout, output.stderr);
    let first = site.runs();
    let held = site.gate.arrival();
    site.kill(&first);
    held.gone();
    assert_ne!(site.runs(), first);
    let held = site.gate.arrival();
    site.svc.ok(&["stop", &site.name]);
    site.is_asked_to_stop(held);
    assert_eq!(site.stops().win32_exit_code.0, 0);
    site.svc.ok(&["remove", &site.name]);
    site.is_gone();
}
