//! Waiting until services are ready, which only their hosts know.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Stdio};

use serde_json::Value;
use svckit_core::status::ServiceState;
use svckit_os::pidfd::PidFd;
use svckit_testkit::gate::Gate;
use svckit_testkit::svc::Svc;

use crate::{define, reaches, up};

/// Nothing of what other tests connect to is at this address, so that a port that was free stays so.
const HOST: &str = "127.83.7.1";

/// The place at which a program is ready when the test listens there.
struct Place(SocketAddr);

impl Place {
    fn new() -> Self {
        Self(TcpListener::bind((HOST, 0)).unwrap().local_addr().unwrap())
    }

    fn lines(&self) -> String {
        let address = self.0.to_string();
        format!("ready = {{ tcp = {address:?}, timeout = \"1h\" }}\nrestart = {{ delay = \"10ms\" }}\n")
    }

    fn open(&self) -> TcpListener {
        TcpListener::bind(self.0).unwrap()
    }
}

/// A `svc` that has said this.
fn waiting(svc: &Svc, arguments: &[&str], line: &str) -> Child {
    let mut command = svc.command(&[arguments, &["--verbose"]].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(told.any(|told| told.unwrap() == line), "{line:?} is not said");
    // Somebody has to go on reading, or it ends with nobody to tell.
    std::thread::spawn(move || told.for_each(drop));
    child
}

/// Ends the program of a service that is up, and with it that it is ready.
fn kill_program(svc: &Svc, service: &str) {
    let program = svc.status(service)["host"]["child_pid"].as_u64().unwrap();
    PidFd::open(u32::try_from(program).unwrap()).unwrap().kill().unwrap();
}

#[test]
fn a_wait_ends_when_the_program_is_ready() {
    let (svc, place) = (Svc::new(), Place::new());
    let file = define(&svc, "web", "hang", &place.lines());
    svc.ok(&["install", file.to_str().unwrap()]);
    // It may be started by somebody some time.
    let wait = waiting(&svc, &["wait", "web", "--state", "ready", "--json"], "waiting for web: STOPPED");
    svc.ok(&["start", "web", "--wait", "0"]);
    reaches(&svc, "web", ServiceState::START_PENDING);
    let listener = place.open();
    let output = wait.wait_with_output().unwrap();
    assert!(output.status.success());
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told[0]["name"], &told[0]["host"]["ready"]), (&"web".into(), &true.into()));
    drop(listener);
}

#[test]
fn running_is_not_enough_and_up_waits_too() {
    let (svc, place) = (Svc::new(), Place::new());
    let listener = place.open();
    up(&svc, "web", "hang", &place.lines());
    let file = svc.folder().join("web.toml");
    drop(listener);
    kill_program(&svc, "web");
    let wait = ["wait", "web", "--state", "ready"];
    let waits = [&wait[..], &["up", file.to_str().unwrap()]];
    let waits = waits.map(|arguments| waiting(&svc, arguments, "waiting for web: RUNNING"));
    let late = svc.run(&[&wait[..], &["--timeout", "0.2"]].concat());
    assert_eq!(late.code(), Some(5), "{}", late.stderr);
    assert!(late.stderr.contains("it is not ready after 200ms: its program "), "{}", late.stderr);
    let _listener = place.open();
    for wait in waits {
        assert!(wait.wait_with_output().unwrap().status.success());
    }
    assert_eq!(svc.status("web")["host"]["restarts"], 1);
}

#[test]
fn up_waits_for_all_at_the_same_time() {
    let (svc, place) = (Svc::new(), Place::new());
    let services = ["web-1", "web-2"];
    let listener = place.open();
    let one = |name: &&str| format!("[service.{name}]\nrun = 'sleep 1000'\n{}", place.lines());
    let text: String = services.iter().map(one).collect();
    let file = svc.write("service.toml", &text);
    svc.ok(&["up", file.to_str().unwrap()]);
    drop(listener);
    services.iter().for_each(|service| kill_program(&svc, service));
    let mut up = svc.command(&["up", file.to_str().unwrap(), "--verbose"]);
    let mut up = up.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(up.stderr.take().unwrap()).lines().map(Result::unwrap);
    // Neither is ready before both are waited for.
    let mut awaited: Vec<_> = services.iter().map(|name| format!("waiting for {name}: RUNNING")).collect();
    while !awaited.is_empty() {
        let line = told.next().expect("svc up has not ended");
        awaited.retain(|other| *other != line);
    }
    let _listener = place.open();
    std::thread::spawn(move || told.for_each(drop));
    assert!(up.wait().unwrap().success());
}

#[test]
fn one_that_stops_fails_at_once_and_the_others_are_waited_for() {
    let (svc, place) = (Svc::new(), Place::new());
    for service in ["web-1", "web-2"] {
        let file = define(&svc, service, "hang", &place.lines());
        svc.ok(&["install", file.to_str().unwrap()]);
    }
    let never = "restart = { when = \"never\" }\nready.tcp = \"127.83.7.1:1\"\n";
    let file = define(&svc, "other", "exit:3", never);
    svc.ok(&["install", file.to_str().unwrap()]);
    svc.ok(&["start", "web-*", "--wait", "0"]);
    let arguments = ["wait", "other", "web-*", "--state", "ready", "--wait", "1000"];
    let wait = waiting(&svc, &arguments, "waiting for other: STOPPED");
    svc.run(&["start", "other"]);
    svc.ok(&["stop", "web-2"]);
    let _listener = place.open();
    let output = wait.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.starts_with("web-1: RUNNING, pid ") && told.lines().count() == 1, "{told}");
    svc.ok(&["stop", "web-1"]);
    let over = svc.run(&["wait", "web-1", "--state", "ready", "--json"]);
    assert_eq!(over.code(), Some(7), "{}", over.stderr);
    let error: Value = serde_json::from_str(&over.stderr).unwrap();
    assert_eq!((&error["error"]["service"], &error["error"]["code"]), (&"web-1".into(), &1062.into()));
}

#[test]
fn one_that_gives_up_or_is_removed_is_waited_for_no_longer() {
    let (svc, place) = (Svc::new(), Place::new());
    let file = define(&svc, "new", "hang", "");
    svc.ok(&["install", file.to_str().unwrap()]);
    let wait = waiting(&svc, &["wait", "new", "--state", "ready"], "waiting for new: STOPPED");
    svc.ok(&["remove", "new"]);
    assert_eq!(wait.wait_with_output().unwrap().status.code(), Some(3));

    // Its first end spends the budget, and the second is the last.
    let (listener, gate) = (place.open(), Gate::new());
    let lines = place.lines().replace("\"10ms\"", "\"10ms\", budget = \"1ms\"");
    up(&svc, "web", &format!("gate:{},exit:3", gate.address()), &lines);
    let first = gate.arrival();
    drop(listener);
    first.release();
    let second = gate.arrival();
    let wait = waiting(&svc, &["wait", "web", "--state", "ready", "--json"], "waiting for web: RUNNING");
    second.release();
    assert_eq!(wait.wait_with_output().unwrap().status.code(), Some(7));
    let over = svc.run(&["wait", "web", "--state", "ready"]);
    assert_eq!(over.code(), Some(7), "{}", over.stderr);
    let cause = "it stopped with the error 3 of its own, and is not started again: it gave up (1066";
    assert!(over.stderr.contains(cause), "{}", over.stderr);
}
