//! Definitions that are brought about on Windows, which may be Wine, by `svc.exe` from end to end. What Wine can't do is named in
//! `NOT_UNDER_WINE` of `xtask/src/wine.rs`.

#![forbid(unsafe_code)]
#![cfg(windows)]
#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Backend;
use svckit_core::status::{NotifyMask, ServiceState};
use svckit_manager::windows::WindowsBackend;
use svckit_testkit::gate::Gate;
use svckit_testkit::svc::{Svc, starting};
use svckit_testkit::{PATIENCE, binary};

/// The exit status of a plan with something to do.
const DIFFERENT: i32 = 11;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The section of a service whose program follows steps.
fn section(svc: &Svc, service: &str, steps: &str, more: &str) -> String {
    let (name, program) = (svc.name(service), binary::scripted());
    let log = svc.folder().join(format!("{service}.log"));
    let run = format!("run = [{program:?}, {:?}]", format!("program={steps}"));
    format!("[service.{name}]\n{run}\nlog = {{ file = {log:?} }}\n{more}")
}

/// What was done, with names as tests have them: `install web`.
#[track_caller]
fn apply(svc: &Svc, file: &Path, more: &[&str]) -> Vec<String> {
    let ran = starting(|| svc.run(&[&["apply", text(file), "--json"], more].concat()));
    assert!(ran.status.success(), "{}{}", ran.stdout, ran.stderr);
    steps(svc, &serde_json::from_str(&ran.stdout).unwrap())
}

fn steps(svc: &Svc, all: &Value) -> Vec<String> {
    let word = |step: &Value, key: &str| step[key].as_str().unwrap().replace(&svc.name(""), "");
    let line = |step: &Value| format!("{} {}", word(step, "step"), word(step, "service"));
    all.as_array().unwrap().iter().map(line).collect()
}

/// What would be done; the exit status has to tell whether that is anything.
#[track_caller]
fn planned(svc: &Svc, file: &Path) -> Vec<String> {
    let ran = svc.run(&["plan", text(file), "--json"]);
    let plan: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
    let steps = steps(svc, &plan["steps"]);
    assert_eq!(
        ran.code(),
        Some(if steps.is_empty() { 0 } else { DIFFERENT }),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    steps
}

fn start(svc: &Svc, names: &[&str]) {
    let ran = starting(|| svc.run(&[&["start", "--jobs", "1"], names].concat()));
    assert!(ran.status.success(), "{}{}", ran.stdout, ran.stderr);
}

fn program(svc: &Svc, service: &str) -> Value {
    svc.status(&svc.name(service))["host"]["child_pid"].clone()
}

#[track_caller]
fn reaches(svc: &Svc, service: &str, state: ServiceState) {
    let manager = WindowsBackend::local().open_manager(ManagerAccess::CONNECT).unwrap();
    let service = manager.open_service(&svc.name(service), ServiceAccess::QUERY_STATUS).unwrap();
    assert!(service.wait(NotifyMask::of(state), PATIENCE).unwrap().is_some(), "it does not become {state}");
}

#[test]
fn what_files_say_is_brought_about_and_kept() {
    let svc = Svc::new();
    let (web, db) = (svc.name("web"), svc.name("db"));
    let both = |variable: u32| {
        let more = format!("description = 'The web'\nenvironment = {{ N = '{variable}' }}\n");
        section(&svc, "web", "hang", &more) + &section(&svc, "db", "hang", "")
    };
    let file = svc.write("service.toml", &both(1));
    assert_eq!(planned(&svc, &file), ["install web", "install db"]);
    assert_eq!(apply(&svc, &file, &[]), ["install web", "install db"]);
    assert_eq!(apply(&svc, &file, &[]), [""; 0]);
    assert_eq!(planned(&svc, &file), [""; 0]);
    start(&svc, &[&web, &db]);
    let before = ["web", "db"].map(|service| program(&svc, service));

    // Somebody else changes something, with Windows' own program.
    let mut sc = std::process::Command::new("sc");
    sc.args(["description", &web, "Somebody's"]);
    let changed = svckit_testkit::svc::finish(sc);
    assert!(changed.status.success(), "{}{}", changed.stdout, changed.stderr);
    assert_eq!(planned(&svc, &file), ["update web"]);
    let diff = svc.run(&["diff", text(&file)]);
    assert_eq!(diff.code(), Some(DIFFERENT), "{}", diff.stderr);
    assert!(diff.stdout.contains("description: \"Somebody's\" -> \"The web\""), "{}", diff.stdout);
    assert_eq!(apply(&svc, &file, &[]), ["update web"]);
    assert_eq!(planned(&svc, &file), [""; 0]);
    assert_eq!(["web", "db"].map(|service| program(&svc, service)), before, "nobody was restarted");

    // Just who is affected gets another program.
    svc.write("service.toml", &both(2));
    assert_eq!(apply(&svc, &file, &[]), ["update web", "stop web", "start web"]);
    let after = ["web", "db"].map(|service| program(&svc, service));
    assert!(after[0] != before[0] && after[1] == before[1], "{before:?} {after:?}");
    assert_eq!(apply(&svc, &file, &[]), [""; 0]);

    // What the file lost goes only when that is asked for.
    svc.write("service.toml", &section(&svc, "db", "hang", ""));
    assert_eq!(apply(&svc, &file, &[]), [""; 0]);
    assert_eq!(apply(&svc, &file, &["--prune"]), ["stop web", "remove web"]);
    assert_eq!(svc.run(&["status", &web]).code(), Some(3));
    assert_eq!(program(&svc, "db"), before[1]);
}

#[test]
fn a_run_that_is_killed_while_a_service_stops_is_finished_by_the_next() {
    let (svc, gate) = (Svc::new(), Gate::new());
    let slow = |variable: u32| {
        // The program doesn't care, so the stop takes as long as the test wants.
        let more = format!(
            "environment = {{ N = '{variable}' }}\nstop = {{ ladder = [{{ stdin-close = '1h' }}] }}\n"
        );
        section(&svc, "slow", &format!("gate:{}", gate.address()), &more)
    };
    let file = svc.write("service.toml", &slow(1));
    apply(&svc, &file, &[]);
    start(&svc, &[&svc.name("slow")]);
    let first = gate.arrival();
    svc.write("service.toml", &slow(2));
    let mut killed = svc.command(&["apply", text(&file)]);
    let mut killed = killed.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    reaches(&svc, "slow", ServiceState::STOP_PENDING);
    killed.kill().unwrap();
    assert!(!killed.wait().unwrap().success(), "it was still under way");
    first.release();
    reaches(&svc, "slow", ServiceState::STOPPED);
    assert_eq!(svc.run(&["diff", text(&file)]).code(), Some(0), "nothing differs any more");
    assert_eq!(planned(&svc, &file), ["start slow"]);
    assert_eq!(apply(&svc, &file, &[]), ["start slow"]);
    assert_eq!(apply(&svc, &file, &[]), [""; 0]);
    gate.arrival().release();
    reaches(&svc, "slow", ServiceState::STOPPED);
}

#[test]
fn who_needs_one_that_is_restarted_is_restarted_too() {
    let svc = Svc::new();
    let both = |variable: u32| {
        let more = format!("environment = {{ N = '{variable}' }}\n");
        let needs = format!("depends-on = [{:?}]\n", svc.name("db"));
        section(&svc, "db", "hang", &more) + &section(&svc, "web", "hang", &needs)
    };
    let file = svc.write("service.toml", &both(1));
    assert_eq!(apply(&svc, &file, &[]), ["install db", "install web"]);
    assert_eq!(apply(&svc, &file, &[]), [""; 0]);
    start(&svc, &[&svc.name("web")]);
    svc.write("service.toml", &both(2));
    assert_eq!(apply(&svc, &file, &[]), ["update db", "stop web", "stop db", "start db", "start web"]);
    assert_eq!(apply(&svc, &file, &[]), [""; 0]);
}

#[test]
fn a_program_that_is_a_service_itself_needs_no_host() {
    let svc = Svc::new();
    let name = svc.name("own");
    let define = |words: &str| {
        let path = format!("\"{}\" {words} %SystemRoot%", binary::scripted().display());
        svc.write("service.toml", &format!("[service.{name}]\nbinary-path = '{path}'\ndescription = 'Own'\n"))
    };
    let file = define("accept=STOP");
    assert_eq!(planned(&svc, &file), ["install own"]);
    assert_eq!(apply(&svc, &file, &[]), ["install own"]);
    assert_eq!(planned(&svc, &file), [""; 0]);
    let up = starting(|| svc.run(&["up", text(&file)]));
    assert!(up.status.success() && up.stdout.contains("RUNNING"), "{}{}", up.stdout, up.stderr);
    assert_eq!(apply(&svc, &file, &[]), [""; 0]);
    let shown = svc.json(&["show", &name]);
    assert_eq!((shown.get("host"), &shown["definition"]), (None, &Value::Null), "{shown}");
    let process = shown["pid"].clone();

    define("accept=STOP,PAUSE_CONTINUE");
    assert_eq!(apply(&svc, &file, &[]), ["update own", "stop own", "start own"]);
    reaches(&svc, "own", ServiceState::RUNNING);
    assert_ne!(svc.json(&["show", &name])["pid"], process);
    svc.ok(&["pause", &name]);
    svc.ok(&["continue", &name]);
    let exported = svc.ok(&["export", &name]);
    assert!(exported.contains("binary-path = ") && exported.contains("PAUSE_CONTINUE"), "{exported}");
    let again = svc.write("again.toml", &exported);
    assert_eq!(planned(&svc, &again), [""; 0]);

    // What svckit hosts may do without a host, and nobody tells afterwards who made it.
    svc.ok(&["down", text(&file)]);
    svc.write("service.toml", &section(&svc, "own", "hang", ""));
    let made = svckit_testkit::svc::making_anew(|| svc.run(&["apply", text(&file)]));
    assert!(made.status.success(), "{}{}", made.stdout, made.stderr);
    define("accept=STOP");
    assert_eq!(apply(&svc, &file, &[]), ["update own"]);
    assert_eq!(svc.json(&["show", &name])["definition"], Value::Null);
    assert_eq!(planned(&svc, &file), [""; 0]);
    svc.write("service.toml", &section(&svc, "own", "hang", ""));
    assert_eq!(svc.run(&["apply", text(&file)]).code(), Some(2));
    svc.ok(&["remove", &name]);
}
