//! Services that a connection or an event starts.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU8, Ordering};

use svckit_core::status::ServiceState;
use svckit_testkit::following::Following;
use svckit_testkit::svc::Svc;

use crate::{define, reaches};

const TRIGGERED: u32 = 21;
const IGNORED: u32 = 22;
const LISTEN_FAILED: u32 = 23;
const TOO_OFTEN: u32 = 24;

/// An address of this machine that no other test uses.
fn address() -> String {
    static COUNTER: AtomicU8 = AtomicU8::new(1);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    format!("127.{}.{low}.{}:47011", high | 64, COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// Who answers, and by which socket.
fn answer(stream: impl Read) -> (u32, String) {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    let (pid, name) = line.trim_end().split_once(' ').unwrap_or_else(|| panic!("nobody answered: {line:?}"));
    (pid.parse().unwrap(), name.to_owned())
}

/// Installs a service with a trigger whose program follows steps.
fn install(svc: &Svc, steps: &str, trigger: &str) {
    let file = define(svc, "web", steps, &format!("[service.web.windows]\ntriggers = [{trigger:?}]\n"));
    svc.ok(&["install", file.to_str().unwrap()]);
}

fn child(svc: &Svc) -> u64 {
    svc.status("web")["host"]["child_pid"].as_u64().unwrap()
}

#[test]
fn a_connection_starts_a_service_which_answers_it() {
    let (svc, address) = (Svc::new(), address());
    install(&svc, "answer:0,answer:0,exit:0", &format!("start/tcp/{address}"));
    assert_eq!(svc.status("web")["state"], "STOPPED");
    let (first, name) = answer(TcpStream::connect(&address).unwrap());
    assert_eq!(name, "tcp-47011");
    assert_eq!(child(&svc), u64::from(first));
    // The service runs: it takes the next one itself.
    assert_eq!(answer(TcpStream::connect(&address).unwrap()).0, first);
    reaches(&svc, "web", ServiceState::STOPPED);
    // It has stopped: the next one starts it again, as another process.
    assert_ne!(answer(TcpStream::connect(&address).unwrap()).0, first);
    let events = svc.ok(&["events", "web"]);
    let started = format!("service \"web\" is started by a connection to {address}");
    assert_eq!(events.matches(&started).count(), 2, "{events}");
}

#[test]
fn connections_start_services_after_the_death_of_the_service_control_manager_too() {
    let (svc, address) = (Svc::new(), address());
    install(&svc, "answer:0,answer:0,answer:0,hang", &format!("start/tcp/{address}"));
    svc.kill_scm();
    svc.ok(&["list"]);
    let (first, _) = answer(TcpStream::connect(&address).unwrap());
    // While the service runs nobody else listens, and its program goes on doing so.
    svc.kill_scm();
    assert_eq!(answer(TcpStream::connect(&address).unwrap()).0, first);
    assert_eq!(child(&svc), u64::from(first));
    // The new one has never had the socket; when the service stops, it listens.
    svc.ok(&["stop", "web"]);
    let (second, _) = answer(TcpStream::connect(&address).unwrap());
    assert_ne!(second, first);
    // Whoever starts it, its program gets the socket.
    svc.ok(&["restart", "web"]);
    assert_ne!(answer(TcpStream::connect(&address).unwrap()).0, second);
    assert!(!svc.ok(&["events", "web"]).contains("nobody listens"));
}

#[test]
fn a_unix_socket_is_made_and_removed_and_never_written_over() {
    let svc = Svc::new();
    let path = svc.folder().join("web.sock");
    let trigger = format!("start/namedpipe/{}", path.display());
    install(&svc, "answer:0,exit:0", &trigger);
    assert_eq!(answer(UnixStream::connect(&path).unwrap()).1, "unix");
    reaches(&svc, "web", ServiceState::STOPPED);
    svc.ok(&["sc", "triggerinfo", "web", "delete"]);
    assert!(!path.exists(), "nobody listens any more");
    std::fs::write(&path, "somebody's").unwrap();
    let events = Following::events(&svc, "web");
    svc.ok(&["sc", "triggerinfo", "web", &trigger]);
    events.event(LISTEN_FAILED);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "somebody's");
}

#[test]
fn nobody_listens_for_a_service_that_can_not_start() {
    let (svc, address) = (Svc::new(), address());
    install(&svc, "answer:0,exit:0", &format!("start/tcp/{address}"));
    svc.ok(&["sc", "config", "web", "start=", "disabled"]);
    assert!(TcpStream::connect(&address).is_err(), "it is disabled");
    svc.ok(&["sc", "config", "web", "start=", "demand"]);
    answer(TcpStream::connect(&address).unwrap());
    reaches(&svc, "web", ServiceState::STOPPED);
    svc.ok(&["remove", "web"]);
    assert!(TcpStream::connect(&address).is_err(), "it is gone");
}

#[test]
fn a_program_that_does_not_take_connections_is_not_started_for_ever() {
    let (svc, address) = (Svc::new(), address());
    let more = format!(
        "[service.web.restart]\nwhen = \"never\"\n[service.web.windows]\ntriggers = [\"start/tcp/{address}\"]\n"
    );
    let file = define(&svc, "web", "exit:3", &more);
    svc.ok(&["install", file.to_str().unwrap()]);
    let events = Following::events(&svc, "web");
    let mut waiting = TcpStream::connect(&address).unwrap();
    events.event(TRIGGERED);
    events.event(TOO_OFTEN);
    // Whoever waits is told that nobody will come.
    let _ = waiting.read(&mut [0]);
    assert!(TcpStream::connect(&address).is_err());
    drop(events);
    // A start that somebody asks for is a new beginning.
    let _ = svc.run(&["start", "web"]);
    reaches(&svc, "web", ServiceState::STOPPED);
    TcpStream::connect(&address).unwrap();
}

#[test]
fn a_raised_event_starts_and_stops_what_has_a_trigger_for_it() {
    const PROVIDER: &str = "6b2c91d4-3f0e-4a57-8d16-52c7e90ba3f8";
    let svc = Svc::new();
    install(&svc, "hang", &format!("start/strcustom/{PROVIDER}/open"));
    let file = define(
        &svc,
        "other",
        "hang",
        &format!("[service.other.windows]\ntriggers = [\"stop/strcustom/{PROVIDER}/open\"]\n"),
    );
    svc.ok(&["up", file.to_str().unwrap()]);
    let none = serde_json::json!({ "started": [], "stopped": [] });
    assert_eq!(svc.json(&["raise", PROVIDER, "--text", "closed"]), none);
    let told = svc.json(&["raise", PROVIDER, "--text", "open"]);
    assert_eq!(told, serde_json::json!({ "started": ["web"], "stopped": ["other"] }));
    reaches(&svc, "web", ServiceState::RUNNING);
    reaches(&svc, "other", ServiceState::STOPPED);
    assert_eq!(svc.json(&["raise", PROVIDER, "--text", "open"]), none, "all is so already");
    let wrong = svc.run(&["raise", "open"]);
    assert_eq!(wrong.code(), Some(2), "{}", wrong.stderr);
}

#[test]
fn triggers_that_are_only_stored_are_told_of() {
    let svc = Svc::new();
    install(&svc, "hang", "start/domainjoin");
    let events = Following::events(&svc, "web");
    events.event(IGNORED);
    drop(events);
    svc.ok(&["sc", "create", "bare", "binpath=", "/bin/true"]);
    svc.ok(&["sc", "triggerinfo", "bare", "start/tcp/1"]);
    let told = svc.ok(&["events", "bare"]);
    assert!(told.contains("nobody listens: only a service with a definition"), "{told}");
    let exported = svc.ok(&["export", "web"]);
    assert!(exported.contains("triggers = [\"start/domainjoin\"]\n"), "{exported}");
}
