//! What programs say of themselves on Windows, which may be Wine, by `svc.exe` from end to end.

#![forbid(unsafe_code)]
#![cfg(windows)]
#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::thread;

use svckit_testkit::binary;
use svckit_testkit::following::Following;
use svckit_testkit::gate::{self, Gate, Reporter};
use svckit_testkit::role;
use svckit_testkit::svc::{Output, Svc, starting};

/// Events: the program runs again, was not ready in time, is not alive.
const RECOVERED: u32 = 4;
const START_HANG: u32 = 7022;
const NOT_ALIVE: u32 = 13;

/// What a program is told of the inbox.
const PLACE: &str = "SVCKIT_NOTIFY";
const WATCHDOG: &str = "WATCHDOG_USEC";

#[test]
fn role() {
    let Some((role, with)) = role::asked() else { return };
    if role == "say" {
        return say(&with);
    }
    let (reporter, its_gate) = with.split_once(' ').unwrap();
    let told = |name| std::env::var(name).unwrap_or_default();
    gate::report(reporter, &["told", &told(PLACE), &told(WATCHDOG)]);
    gate::pass(its_gate);
    match role.as_str() {
        "speaker" => {
            say("STATUS=warming up");
            say("READY=1\nSTATUS=serving at port 8080");
        }
        // Another process of it says so.
        "parent" => {
            assert!(role::command("say", "READY=1").status().unwrap().success());
        }
        "sick" => say("WATCHDOG=1\nWATCHDOG=trigger"),
        _ => {}
    }
    loop {
        thread::park();
    }
}

fn say(text: &str) {
    let mut place = OpenOptions::new().write(true).open(std::env::var(PLACE).unwrap()).unwrap();
    place.write_all(text.as_bytes()).unwrap();
}

/// A program of a service, and what a test knows of it.
struct Played {
    svc: Svc,
    name: String,
    gate: Gate,
    reporter: Reporter,
}

impl Played {
    /// Installs a service whose program plays a role of this file.
    fn new(role: &str, more: &str) -> Self {
        let (svc, gate, reporter) = (Svc::new(), Gate::new(), Reporter::new());
        let lines = role::lines(role, &format!("{} {}", reporter.address(), gate.address()));
        let file = write(&svc, role, &format!("{lines}{more}"));
        svc.ok(&["install", file.to_str().unwrap()]);
        Self { name: svc.name(role), svc, gate, reporter }
    }

    /// Starts it, which has to succeed, and does something meanwhile.
    fn start(&self, meanwhile: impl FnOnce()) {
        let (svc, name) = (&self.svc, &self.name);
        let started = thread::scope(|scope| {
            let starts = scope.spawn(|| start(svc, name));
            meanwhile();
            starts.join().unwrap()
        });
        assert!(started.status.success(), "{}{}", started.stdout, started.stderr);
    }

    /// The status text, and the state.
    fn status(&self) -> (String, String) {
        let status = self.svc.status(&self.name);
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        (text(&status["host"]["status_text"]), text(&status["state"]))
    }
}

fn write(svc: &Svc, service: &str, lines: &str) -> PathBuf {
    let (name, log) = (svc.name(service), svc.folder().join(format!("{service}.log")));
    svc.write(&format!("{service}.toml"), &format!("[service.{name}]\nlog.file = {log:?}\n{lines}"))
}

fn start(svc: &Svc, name: &str) -> Output {
    starting(|| svc.run(&["start", name]))
}

#[test]
fn a_program_is_ready_when_it_says_so_and_not_when_a_stranger_does() {
    let played = Played::new("speaker", "ready = { notify = true }\n");
    played.start(|| {
        let told = played.reporter.next();
        assert_eq!(told[2], "", "nobody waits for signs of life");
        let mut stranger = OpenOptions::new().read(true).write(true).open(&told[1]).unwrap();
        // It is sent away, maybe before it has said anything.
        let _ = stranger.write_all(b"READY=1\nSTATUS=a lie");
        assert!(!stranger.read(&mut [0]).is_ok_and(|count| count > 0));
        assert_eq!(played.status(), (String::new(), "START_PENDING".to_owned()));
        played.gate.arrival().release();
    });
    let (text, state) = played.status();
    assert_eq!((&*text, &*state), ("serving at port 8080", "RUNNING"));
    assert!(played.svc.ok(&["status", &played.name]).contains("serving at port 8080"));
    played.svc.ok(&["stop", &played.name]);
    assert_eq!(played.status().0, "");
}

#[test]
fn what_a_program_starts_may_speak_for_it() {
    let played = Played::new("parent", "ready = { notify = true }\n");
    played.start(|| {
        played.reporter.next();
        assert_eq!(played.status().1, "START_PENDING");
        played.gate.arrival().release();
    });
    assert_eq!(played.status().1, "RUNNING");
}

#[test]
fn a_batch_file_says_that_it_is_ready() {
    let svc = Svc::new();
    let batch = svc.write(
        "ready.cmd",
        &format!(">%{PLACE}% echo READY=1\r\n\"{}\" program=hang\r\n", binary::scripted().display()),
    );
    let file = write(&svc, "batch", &format!("run = [{batch:?}]\nready = {{ notify = true }}\n"));
    svc.ok(&["install", file.to_str().unwrap()]);
    let started = start(&svc, &svc.name("batch"));
    assert!(started.status.success(), "{}{}", started.stdout, started.stderr);
    assert_eq!(svc.status(&svc.name("batch"))["state"], "RUNNING");
}

#[test]
fn one_that_never_says_that_it_is_ready_has_failed() {
    let played = Played::new("silent", "ready = { notify = true, timeout = \"1s\" }\n");
    assert!(!start(&played.svc, &played.name).status.success());
    let told = Following::events(&played.svc, &played.name).event(START_HANG)["message"].to_string();
    assert!(told.contains("was not ready within 1 s"), "{told}");
}

#[test]
fn one_that_is_silent_or_says_that_it_is_ill_is_ended_and_run_again() {
    let again = "restart = { delay = \"0s\" }\n";
    let played = Played::new("sick", &format!("{again}health = {{ notify = \"1h\" }}\n"));
    played.start(|| assert_eq!(played.reporter.next()[2], "3600000000"));
    let events = Following::events(&played.svc, &played.name);
    let mut places = Vec::new();
    for _ in 0..2 {
        played.gate.arrival().release();
        let told = events.event(NOT_ALIVE)["message"].to_string();
        assert!(told.contains("is not alive: it says so"), "{told}");
        events.event(RECOVERED);
        places.push(played.reporter.next()[1].clone());
    }
    assert_ne!(places[0], places[1], "each run has a place of its own");
    played.svc.ok(&["stop", &played.name]);
    let silent = Played::new("silent", &format!("{again}health = {{ notify = \"1s\" }}\n"));
    silent.start(|| {});
    let events = Following::events(&silent.svc, &silent.name);
    let told = events.event(NOT_ALIVE)["message"].to_string();
    assert!(told.contains("it did not say for 1 s that it is"), "{told}");
    events.event(RECOVERED);
}
