//! Where wrappers of services hurt people on Windows, one test each, by `svc.exe` from end to end; `docs/design/testing.md` has the list.

#![forbid(unsafe_code)]
#![cfg(windows)]
#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

use std::fs;
use std::os::windows::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use serde_json::Value;
use svckit_core::record::SERVICES_KEY;
use svckit_os::event::Poller;
use svckit_os::process::Children;
use svckit_os::registry::Key;
use svckit_testkit::binary;
use svckit_testkit::following::Following;
use svckit_testkit::gate::{self, Gate, Reporter};
use svckit_testkit::role;
use svckit_testkit::svc::{Output, Svc, starting};

/// Events: the program ended unexpectedly, it runs again, its variables may be old.
const DIED: u32 = 3;
const RECOVERED: u32 = 4;
const OLD_VARIABLES: u32 = 16;

/// A variable that no program has but for its service.
const OWN: &str = "SVCKIT_TEST_OWN";

/// Where the system keeps the variables of all.
const SYSTEM: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment";

const DETACHED_PROCESS: u32 = 8;

/// Programs of services begin here, since they are this program too.
#[test]
fn role() {
    let Some((role, with)) = role::asked() else { return };
    match role.as_str() {
        "gate" => gate::pass(&with),
        // Tells its variables and fails when it may go on.
        "teller" => {
            let (reporter, its_gate) = with.split_once(' ').unwrap();
            let own = std::env::var(OWN).unwrap_or_default();
            gate::report(reporter, &["path", &std::env::var("PATH").unwrap(), &own]);
            gate::pass(its_gate);
            panic!("a program that fails");
        }
        // Fails when Ctrl+C comes, or doesn't care.
        "polite" | "deaf" => {
            let poller = Poller::new().unwrap();
            let _hears = Children::new(&poller, 0, "polite").unwrap();
            thread::spawn(move || gate::pass(&with));
            let mut ready = Vec::new();
            poller.wait(&mut ready, None).unwrap();
            println!("Ctrl+C has come");
            assert!(role == "deaf", "a program that fails when it is to end");
            loop {
                thread::park();
            }
        }
        // Leaves somebody who has its output and isn't at its console.
        "parent" => {
            let (own, its) = with.split_once(' ').unwrap();
            drop(role::command("gate", its).creation_flags(DETACHED_PROCESS).spawn().unwrap());
            gate::pass(own);
            panic!("a program that fails");
        }
        other => panic!("no role {other}"),
    }
}

fn write(svc: &Svc, service: &str, lines: &str) -> PathBuf {
    let (name, log) = (svc.name(service), svc.folder().join(format!("{service}.log")));
    svc.write(&format!("{service}.toml"), &format!("[service.{name}]\nlog.file = {log:?}\n{lines}"))
}

/// Installs a service whose program follows steps.
fn install(svc: &Svc, service: &str, steps: &str, more: &str) -> String {
    let run = format!("run = [{:?}, \"program={steps}\"]\n", binary::scripted());
    svc.ok(&["install", write(svc, service, &format!("{run}{more}")).to_str().unwrap()]);
    svc.name(service)
}

/// Installs a service whose program plays a role of this file.
fn play(svc: &Svc, service: &str, role: &str, with: &str, more: &str) -> String {
    let lines = role::lines(role, with);
    svc.ok(&["install", write(svc, service, &format!("{lines}{more}")).to_str().unwrap()]);
    svc.name(service)
}

fn start(svc: &Svc, name: &str) -> Output {
    starting(|| svc.run(&["start", name]))
}

#[track_caller]
fn starts(svc: &Svc, name: &str) {
    let output = start(svc, name);
    assert!(output.status.success(), "{}{}", output.stdout, output.stderr);
}

#[test]
fn a_second_service_of_the_same_executable_name_is_not_killed() {
    let (svc, gates) = (Svc::new(), [Gate::new(), Gate::new()]);
    let names = [0, 1].map(|number| {
        let steps = format!("gate:{}", gates[number].address());
        install(&svc, &format!("twin-{number}"), &steps, "")
    });
    names.iter().for_each(|name| starts(&svc, name));
    let [one, other] = gates.each_ref().map(Gate::arrival);
    let before = svc.status(&names[1])["host"]["child_pid"].clone();
    svc.ok(&["stop", &names[0]]);
    one.gone();
    // It goes on and ends well.
    assert_eq!(svc.status(&names[1])["host"]["child_pid"], before);
    other.release();
    svc.ok(&["wait", &names[1], "--state", "stopped"]);
    assert_eq!(svc.status(&names[1])["host"]["last_exit"]["code"], 0);
}

#[test]
fn ctrl_c_arrives_and_a_graceful_stop_triggers_no_restart() {
    let (svc, gate) = (Svc::new(), Gate::new());
    let name = play(
        &svc,
        "polite",
        "polite",
        &gate.address().to_string(),
        "restart = { when = \"always\", delay = \"0s\" }\n",
    );
    starts(&svc, &name);
    let _held = gate.arrival();
    svc.ok(&["stop", &name]);
    assert!(svc.ok(&["logs", &name]).contains("Ctrl+C has come"));
    let status = svc.status(&name);
    assert_eq!((&status["state"], &status["win32_exit_code"]), (&"STOPPED".into(), &0.into()), "{status}");
    assert_eq!((&status["host"]["restarts"], &status["host"]["last_exit"]["code"]), (&0.into(), &101.into()));
    assert!(gate.is_empty(), "it is not run again");
}

#[test]
fn stop_pending_does_not_last_for_ever() {
    let (svc, gate) = (Svc::new(), Gate::new());
    let ladder = "stop.ladder = [{ ctrl-c = \"200ms\" }, { wm-close = \"200ms\" }, { terminate = \"0s\" }]\n";
    let name = play(&svc, "deaf", "deaf", &gate.address().to_string(), ladder);
    starts(&svc, &name);
    let held = gate.arrival();
    svc.ok(&["stop", &name]);
    held.gone();
    assert!(svc.ok(&["logs", &name]).contains("Ctrl+C has come"));
    assert_eq!(svc.status(&name)["win32_exit_code"], 0);
}

#[test]
fn the_last_output_before_the_end_is_not_lost() {
    const RUNS: usize = 10;
    let svc = Svc::new();
    let restart = format!(
        "restart = {{ when = \"always\", delay = \"10ms\", factor = 1, budget = \"{}ms\" }}\n",
        10 * (RUNS - 1)
    );
    let name = install(&svc, "brief", "lines:1-1000,say:last,complain: words,exit:3", &restart);
    let started = start(&svc, &name);
    assert!(matches!(started.code(), Some(0 | 7)), "{}{}", started.stdout, started.stderr);
    svc.ok(&["wait", &name, "--state", "stopped"]);
    let log = fs::read_to_string(svc.folder().join("brief.log")).unwrap();
    assert!(log.matches("last words").count() >= RUNS - 1 && log.ends_with("last words"), "{}", log.len());
    assert_eq!(log.matches("0000001000.").count(), log.matches("last words").count());
}

#[test]
fn a_grandchild_that_holds_the_pipe_open_does_not_hang_the_restart() {
    let (svc, gate, holds) = (Svc::new(), Gate::new(), Gate::new());
    let both = format!("{} {}", gate.address(), holds.address());
    let name = play(&svc, "family", "parent", &both, "restart = { delay = \"0s\" }\n");
    starts(&svc, &name);
    let events = Following::events(&svc, &name);
    for _ in 0..2 {
        let holder = holds.arrival();
        gate.arrival().release();
        events.event(DIED);
        holder.gone();
        events.event(RECOVERED);
    }
    let holder = holds.arrival();
    svc.ok(&["stop", &name]);
    holder.gone();
}

#[test]
fn a_crash_loop_at_full_speed_holds_up_nobody() {
    const CRASHES: usize = 30;
    let svc = Svc::new();
    let calm = install(&svc, "calm", "hang", "");
    starts(&svc, &calm);
    let name = install(&svc, "loop", "exit:1", "restart = { delay = \"0s\" }\n");
    let started = start(&svc, &name);
    assert!(matches!(started.code(), Some(0 | 7)), "{}{}", started.stdout, started.stderr);
    let events = Following::events(&svc, &name);
    for crash in 0..CRASHES {
        events.event(RECOVERED);
        if crash % 10 == 0 {
            assert_eq!(svc.status(&calm)["state"], "RUNNING");
        }
    }
    svc.ok(&["stop", &name]);
    let status = svc.status(&name);
    assert_eq!((&status["state"], &status["host"]["phase"]), (&"STOPPED".into(), &"stopped".into()));
    assert!(status["host"]["restarts"].as_u64() >= Some(CRASHES as u64), "{status}");
}

/// The system's `PATH` as it is stored, which is put back when this is dropped.
struct SystemPath {
    kind: String,
    value: String,
}

impl SystemPath {
    fn take() -> Self {
        let told = Self::reg(&["query", SYSTEM, "/v", "PATH"]);
        let line = told.lines().find(|line| line.contains("REG_")).unwrap().trim();
        let (_, stored) = line.split_at(line.find("REG_").unwrap());
        let (kind, value) = stored.split_once(char::is_whitespace).unwrap();
        Self { kind: kind.to_owned(), value: value.trim().to_owned() }
    }

    /// Puts a folder at its end.
    fn lengthen(&self, folder: &str) {
        self.set(&format!("{};{folder}", self.value));
    }

    fn set(&self, value: &str) {
        Self::reg(&["add", SYSTEM, "/v", "PATH", "/t", &self.kind, "/d", value, "/f"]);
    }

    fn reg(words: &[&str]) -> String {
        let output = Command::new("reg").args(words).output().unwrap();
        assert!(output.status.success(), "reg {words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for SystemPath {
    fn drop(&mut self) {
        self.set(&self.value);
    }
}

#[test]
fn changes_of_path_are_seen_and_the_service_s_own_variables_win() {
    let (svc, gate, reporter) = (Svc::new(), Gate::new(), Reporter::new());
    let both = format!("{} {}", reporter.address(), gate.address());
    let name = play(&svc, "teller", "teller", &both, "restart = { delay = \"0s\" }\n");
    let folder = format!(r"C:\{}", svc.name("tools"));
    let seen = |report: &[String]| report[1].split(';').any(|one| one == folder);
    starts(&svc, &name);
    assert!(!seen(&reporter.next()));
    // The host goes on, and with it what it was started with.
    let path = SystemPath::take();
    path.lengthen(&folder);
    gate.arrival().release();
    let report = reporter.next();
    assert!(seen(&report), "{report:?}");
    let told = svc.json(&["env", &name]);
    let row = |told: &Value, variable: &str| {
        let is_it = |row: &&Value| row["name"].as_str().unwrap().eq_ignore_ascii_case(variable);
        told.as_array().unwrap().iter().find(is_it).unwrap().clone()
    };
    assert_eq!(row(&told, "PATH")["value"], report[1]);
    let held = gate.arrival();
    svc.ok(&["stop", &name]);
    held.gone();
    drop(path);
    let key = Key::create(&format!(r"{SERVICES_KEY}\{name}")).unwrap();
    key.set_strings("Environment", &[&format!("Path={folder}"), &format!("{OWN}=its")]).unwrap();
    starts(&svc, &name);
    assert_eq!(reporter.next(), ["path", &folder, "its"]);
    let told = svc.json(&["env", &name]);
    for (variable, value) in [("PATH", &*folder), (OWN, "its")] {
        let row = row(&told, variable);
        assert_eq!((&row["from"], &row["value"]), (&"service".into(), &value.into()));
    }
    // What can't be read is told, and the program runs.
    key.set_number("Environment", 1).unwrap();
    gate.arrival().release();
    let told = Following::events(&svc, &name).event(OLD_VARIABLES)["message"].to_string();
    assert!(told.contains("no later changes") && told.contains("Environment"), "{told}");
    reporter.next();
    svc.ok(&["stop", &name]);
}

#[test]
fn a_missing_library_is_told_by_its_name_and_is_no_time_out() {
    let svc = Svc::new();
    let mut program = fs::read(binary::scripted()).unwrap();
    let name = b"ws2_32.dll";
    let at = program.windows(name.len()).position(|bytes| bytes.eq_ignore_ascii_case(name)).unwrap();
    program[at..at + name.len()].copy_from_slice(b"no_way.dll");
    let path = svc.folder().join("lacking.exe");
    fs::write(&path, program).unwrap();
    let lines = format!("run = [{path:?}, \"program=hang\"]\nrestart = {{ when = \"never\" }}\n");
    svc.ok(&["install", write(&svc, "lacking", &lines).to_str().unwrap()]);
    let name = svc.name("lacking");
    let told = start(&svc, &name);
    svc.ok(&["wait", &name, "--state", "stopped"]);
    assert!(!format!("{}{}", told.stdout, told.stderr).contains("1053"), "{}", told.stderr);
    let events = svc.ok(&["events", &name]);
    assert!(events.contains("a DLL was not found"), "{events}");
    let doctor = svc.run(&["doctor", &name]);
    assert!(doctor.stdout.contains("no_way.dll"), "{}{}", doctor.stdout, doctor.stderr);
}
