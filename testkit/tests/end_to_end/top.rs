//! `svc top` in a terminal.

use rustix::process::{Pid, Signal, kill_process};
use svckit_core::status::ServiceState;
use svckit_os::pidfd::PidFd;
use svckit_testkit::gate::Gate;
use svckit_testkit::svc::Svc;

use crate::terminal::Terminal;
use crate::{define, reaches, up};

fn top(svc: &Svc, arguments: &[&str]) -> Terminal {
    Terminal::run(&svc.command(&[&["top"], arguments].concat()), 24, 100)
}

/// The line of a service.
fn line<'a>(screen: &'a str, service: &str) -> &'a str {
    screen.lines().find(|line| line.starts_with(&format!("{service} "))).unwrap_or_default()
}

#[test]
fn services_are_shown_live_stopped_and_started() {
    let svc = Svc::new();
    up(&svc, "web", "hang", "");
    let mut top = top(&svc, &["--interval", "0.1"]);
    // The second sample is the first that tells how much of the processor is used.
    top.until(|text| line(text, "web").contains("RUNNING") && line(text, "web").contains("0.0 "));
    let file = define(&svc, "other", "hang", "");
    svc.ok(&["install", file.to_str().unwrap()]);
    top.until(|text| line(text, "other").contains("STOPPED"));
    svc.ok(&["remove", "other"]);
    top.until(|text| line(text, "other").is_empty());
    top.keys("S");
    top.shows("stop web? (y/n)");
    top.keys("n");
    top.shows("web is left as it is");
    assert!(line(&top.text(), "web").contains("RUNNING"));
    top.keys("S");
    top.shows("stop web? (y/n)");
    top.keys("y");
    top.until(|text| line(text, "web").contains("STOPPED"));
    top.shows("stop web: done");
    top.keys("s");
    top.until(|text| line(text, "web").contains("RUNNING") && text.contains("start web: done"));
    svc.ok(&["stop", "web"]);
    top.until(|text| line(text, "web").contains("STOPPED"));
    top.keys("q");
    assert!(top.ends().success());
}

#[test]
fn what_a_program_writes_is_shown_as_it_does() {
    let svc = Svc::new();
    let gate = Gate::new();
    let scripted = svckit_testkit::binary::scripted();
    let wait = format!("{} program=gate:{}", scripted.display(), gate.address());
    let run = format!("echo first; {wait}; echo second; exec {wait}");
    let text = format!("[service.web]\nrun = [\"sh\", \"-c\", {run:?}]\n");
    let file = svc.write("web.toml", &text);
    svc.ok(&["up", file.to_str().unwrap()]);
    let mut top = top(&svc, &[]);
    top.shows("RUNNING");
    top.keys("l");
    top.shows("first");
    assert!(!top.text().contains("second"));
    gate.arrival().release();
    top.shows("second");
    top.keys("e");
    let events = top.shows("entered the RUNNING state");
    assert!(!events.contains("second"), "{events}");
    top.keys("d");
    top.shows("host uses");
    top.keys("q");
    assert!(top.ends().success());
}

#[test]
fn a_program_that_dies_is_seen_to_be_restarted() {
    let svc = Svc::new();
    up(&svc, "web", "hang", "[service.web.restart]\ndelay = \"50ms\"\n");
    let mut top = top(&svc, &[]);
    top.shows("RUNNING");
    top.keys("e");
    top.shows("[events]");
    let program = svc.status("web")["host"]["child_pid"].as_u64().unwrap();
    PidFd::open(u32::try_from(program).unwrap()).unwrap().kill().unwrap();
    top.shows("SIGKILL");
    top.keys("d");
    top.until(|text| text.contains("restarts      1") && text.contains("the program was ended by SIGKILL"));
}

#[test]
fn the_picture_follows_the_size_of_the_terminal() {
    let svc = Svc::new();
    up(&svc, "web", "hang", "");
    let mut top = top(&svc, &[]);
    assert!(top.shows("RUNNING").contains("RETRY"));
    for (lines, columns) in [(10, 30), (3, 12), (1, 1), (40, 200)] {
        top.resize(lines, columns);
        if lines > 1 {
            top.until(|text| text.lines().count() <= lines.into() && text.contains("web"));
        }
    }
    top.until(|text| line(text, "web").contains("RUNNING") && text.contains("DETAIL"));
    top.keys("?");
    top.shows("select a service");
    top.keys("x/nothing\r");
    top.shows("no service matches");
    // Esc alone is told from the beginning of another key by nothing following.
    top.keys("\x1b");
    top.until(|text| line(text, "web").contains("RUNNING"));
}

#[test]
fn a_request_to_end_gives_the_terminal_back() {
    let svc = Svc::new();
    svc.ok(&["list"]);
    for signal in [Signal::TERM, Signal::HUP] {
        let mut top = top(&svc, &[]);
        top.shows("no services");
        let process = Pid::from_raw(top.pid().cast_signed()).unwrap();
        kill_process(process, signal).unwrap();
        assert!(top.ends().success());
    }
}

#[test]
fn a_service_control_manager_may_go_and_come_back() {
    let svc = Svc::new();
    up(&svc, "web", "hang", "");
    let mut top = top(&svc, &[]);
    top.shows("RUNNING");
    top.keys("l");
    svc.kill_scm();
    top.shows("NOT CONNECTED");
    assert!(line(&top.text(), "web").contains("RUNNING"), "what was known is shown");
    svc.ok(&["list"]);
    top.until(|text| text.contains("1 service, 1 active") && text.contains("is back"));
    svc.ok(&["stop", "web"]);
    top.until(|text| line(text, "web").contains("STOPPED"));
    svc.ok(&["scm", "stop"]);
    top.shows("NOT CONNECTED");
    assert_eq!(svc.run(&["scm", "status"]).code(), Some(8), "it was not started again");
    top.keys("\x03");
    assert!(top.ends().success());
}

#[test]
fn a_failure_that_can_not_be_gives_the_terminal_back_and_says_what_it_was() {
    let svc = Svc::new();
    up(&svc, "web", "hang", "");
    for (place, code, said) in [
        ("draw", 101, "told to fail at draw"),
        ("usage", 1, "a part of svc top failed: usage: told to fail at usage"),
    ] {
        let mut command = svc.command(&["top"]);
        command.env("SVCKIT_TEST_PANIC", place);
        let mut top = Terminal::run(&command, 24, 100);
        assert_eq!(top.ends().code(), Some(code), "{place}");
        top.shows(said);
    }
}

#[test]
fn read_only_leaves_services_alone() {
    let svc = Svc::new();
    up(&svc, "web", "hang", "");
    up(&svc, "other", "hang", "");
    let mut top = top(&svc, &["--read-only", "WEB"]);
    let text = top.shows("RUNNING");
    assert!(line(&text, "other").is_empty(), "{text}");
    for key in ["s", "S", "r"] {
        top.keys(key);
        top.shows("--read-only: web is left as it is");
        top.keys("i");
        top.until(|text| !text.contains("is left as it is"));
    }
    assert_eq!(reaches(&svc, "web", ServiceState::RUNNING).state, ServiceState::RUNNING);
}

#[test]
fn without_a_terminal_it_is_printed_once_or_refused() {
    let svc = Svc::new();
    up(&svc, "web", "hang", "");
    let refused = svc.run(&["top"]);
    assert_eq!(refused.code(), Some(2));
    assert!(refused.stderr.contains("svc status"), "{}", refused.stderr);
    let text = svc.ok(&["top", "--once"]);
    let (headings, web) = text.split_once('\n').unwrap();
    assert!(headings.contains("CPU TIME") && headings.contains("MEMORY"), "{text}");
    assert!(web.starts_with("web") && web.contains("RUNNING") && web.contains(" M "), "{text}");
    let one = &svc.json(&["top", "--once", "web"])[0];
    assert_eq!(one["state"], "RUNNING");
    assert_eq!(one["usage"]["program"]["processes"], 1);
    assert!(one["usage"]["host"]["memory_bytes"].as_u64().unwrap() > 100_000, "{one}");
    svc.ok(&["stop", "web"]);
    assert!(svc.json(&["top", "--once"])[0]["usage"].is_null());
}
