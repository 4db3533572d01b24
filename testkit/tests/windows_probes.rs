//! What runs beside a program and asks how it is, on Windows, which may be Wine, by `svc.exe` from end to end: hooks, readiness, health, and commands and
//! requests of the stop ladder and of controls.

#![forbid(unsafe_code)]
#![cfg(windows)]
#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::thread;

use svckit_testkit::following::Following;
use svckit_testkit::gate::{self, Gate, Reporter};
use svckit_testkit::svc::{Output, Svc, starting};
use svckit_testkit::{binary, role};

/// Events: the program runs again, was not ready in time, a hook failed, the program is not alive.
const RECOVERED: u32 = 4;
const START_HANG: u32 = 7022;
const HOOK_FAILED: u32 = 12;
const NOT_ALIVE: u32 = 13;

/// No waiting between restarts.
const QUICK: &str = "restart = { delay = \"10ms\" }\n";

/// Processes of this file are programs of services, or with `SVC_HOOK` commands beside one.
#[test]
fn role() {
    let Some((role, with)) = role::asked() else { return };
    if let Ok(hook) = std::env::var("SVC_HOOK") {
        let seen = format!(
            "{hook} {}",
            std::env::var("SVC_PID").map_or("", |pid| if pid.is_empty() { "" } else { "there" })
        );
        println!("seen {seen}");
        assert!(role != "asked" || fs::exists(&with).unwrap(), "there is no {with}");
        return;
    }
    match role.as_str() {
        "gate" => gate::pass(&with),
        "line" => {
            gate::pass(&with);
            println!("listening on 8080");
            gate::pass(&with);
        }
        _ => loop {
            thread::park();
        },
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A definition of a service whose program plays a role of this file.
fn play(svc: &Svc, service: &str, role: &str, with: &str, more: &str) -> PathBuf {
    write(svc, service, &format!("{}{more}", role::lines(role, with)))
}

/// A definition of a service whose program follows steps.
fn define(svc: &Svc, service: &str, steps: &str, more: &str) -> PathBuf {
    write(svc, service, &format!("run = {}\n{more}", scripted(&format!("program={steps}"))))
}

fn write(svc: &Svc, service: &str, lines: &str) -> PathBuf {
    let log = svc.folder().join(format!("{service}.log"));
    let name = svc.name(service);
    svc.write(&format!("{service}.toml"), &format!("[service.{name}]\nlog = {{ file = {log:?} }}\n{lines}"))
}

/// The command that follows words.
fn scripted(words: &str) -> String {
    format!("[{:?}, {words:?}]", binary::scripted())
}

fn start(svc: &Svc, name: &str) -> Output {
    starting(|| svc.run(&["start", name]))
}

/// Starts a service that is not ready before `then` was done.
fn ready_after(svc: &Svc, name: &str, then: impl FnOnce()) {
    let started = thread::scope(|scope| {
        let starts = scope.spawn(|| start(svc, name));
        let events = Following::events(svc, name);
        events.until(|line| line.contains("runs as process"));
        assert_eq!(svc.status(name)["state"], "START_PENDING");
        then();
        starts.join().unwrap()
    });
    assert!(started.status.success(), "{}{}", started.stdout, started.stderr);
    assert_eq!(svc.status(name)["state"], "RUNNING");
    svc.ok(&["stop", name]);
}

/// Answers the next request: what it was.
fn answer(listener: &TcpListener, status: u16) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "the request has an end");
        request.extend(&piece[..count]);
    }
    write!(stream, "HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n").unwrap();
    String::from_utf8(request).unwrap()
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn hooks_are_run_in_the_order_of_a_life() {
    let (svc, gate, reporter) = (Svc::new(), Gate::new(), Reporter::new());
    let note = |moment: &str| {
        let command = scripted(&format!("note={}:{moment}", reporter.address()));
        format!("{moment} = {command}\n")
    };
    let moments = ["pre-start", "post-start", "pre-stop", "post-stop", "on-crash"];
    let hooks = moments.map(note).concat();
    let more = format!("{QUICK}[service.{}.hooks]\n{hooks}", svc.name("life"));
    let (file, name) =
        (define(&svc, "life", &format!("gate:{},exit:3", gate.address()), &more), svc.name("life"));
    svc.ok(&["install", text(&file)]);
    assert!(start(&svc, &name).status.success());
    let told = |expected: &[&str]| {
        for word in expected {
            assert_eq!(reporter.next(), ["note", word]);
        }
    };
    told(&["pre-start", "post-start"]);
    gate.arrival().release();
    told(&["on-crash", "pre-start", "post-start"]);
    let _held = gate.arrival();
    svc.ok(&["stop", &name]);
    told(&["pre-stop", "post-stop"]);
    assert_eq!(reporter.rest(), Vec::<Vec<String>>::new());
}

#[test]
fn a_hook_writes_into_the_log_and_one_that_hangs_or_fails_is_told() {
    let (svc, gate) = (Svc::new(), Gate::new());
    let name = svc.name("hooks");
    let hang = scripted("program=hang");
    let fails = scripted("program=exit:3");
    let hooks = format!(
        "pre-start = {}\npost-start = {{ run = {hang}, timeout = \"300ms\" }}\npre-stop = {fails}\n",
        role::run()
    );
    let file =
        play(&svc, "hooks", "gate", &gate.address().to_string(), &format!("[service.{name}.hooks]\n{hooks}"));
    svc.ok(&["install", text(&file)]);
    assert!(start(&svc, &name).status.success());
    let _held = gate.arrival();
    let log = svc.ok(&["logs", &name]);
    assert!(log.contains("seen pre-start \n") || log.contains("seen pre-start \r\n"), "{log}");
    svc.ok(&["stop", &name]);
    let events = svc.ok(&["events", &name]);
    assert!(events.contains("the hook post-start took longer than 300 ms and was ended"), "{events}");
    assert!(events.contains("the hook pre-stop ended with exit code 3"), "{events}");
    let file = define(
        &svc,
        "never",
        "hang",
        &format!("[service.{}.hooks]\npre-start = {fails}\n", svc.name("never")),
    );
    svc.ok(&["install", text(&file)]);
    let never = start(&svc, &svc.name("never"));
    assert!(!never.status.success(), "{}{}", never.stdout, never.stderr);
    assert_eq!(svc.status(&svc.name("never"))["state"], "STOPPED");
}

#[test]
fn a_program_is_ready_when_it_accepts_connections_or_answers() {
    let svc = Svc::new();
    let (free, address) = listener();
    drop(free);
    let name = svc.name("tcp");
    let file = define(&svc, "tcp", "hang", &format!("ready = {{ tcp = \"{address}\" }}\n"));
    svc.ok(&["install", text(&file)]);
    let mut listens = None;
    ready_after(&svc, &name, || listens = Some(TcpListener::bind(address).unwrap()));
    let (listener, address) = listener();
    let name = svc.name("http");
    // A name is looked up.
    let port = address.port();
    let file =
        define(&svc, "http", "hang", &format!("ready = {{ http = \"http://localhost:{port}/up\" }}\n"));
    svc.ok(&["install", text(&file)]);
    ready_after(&svc, &name, || {
        answer(&listener, 503);
        assert_eq!(svc.status(&name)["state"], "START_PENDING");
        assert!(answer(&listener, 200).starts_with("GET /up HTTP/1.1\r\n"));
    });
}

#[test]
fn a_program_is_ready_when_a_line_a_file_or_a_command_says_so() {
    let (svc, gate) = (Svc::new(), Gate::new());
    let name = svc.name("line");
    let file =
        play(&svc, "line", "line", &gate.address().to_string(), "ready = { log = \"listening on\" }\n");
    svc.ok(&["install", text(&file)]);
    ready_after(&svc, &name, || gate.arrival().release());
    let sign = svc.folder().join("sign");
    let name = svc.name("file");
    let file = define(&svc, "file", "hang", &format!("ready = {{ file = {sign:?} }}\n"));
    svc.ok(&["install", text(&file)]);
    ready_after(&svc, &name, || fs::write(&sign, "up").unwrap());
    let flag = svc.folder().join("flag");
    let name = svc.name("command");
    let ready = format!("ready = {{ command = {}, interval = \"50ms\" }}\n", role::run());
    let file = play(&svc, "command", "asked", text(&flag), &ready);
    svc.ok(&["install", text(&file)]);
    ready_after(&svc, &name, || fs::write(&flag, "up").unwrap());
    let log = svc.ok(&["logs", &name]);
    assert!(!log.contains("seen ready"), "what it writes is not the program's: {log}");
}

#[test]
fn why_a_command_does_not_find_a_program_ready_is_told() {
    let svc = Svc::new();
    let name = svc.name("late");
    let ready = format!("ready = {{ command = {}, timeout = \"3s\" }}\n", scripted("program=exit:3"));
    let file = define(&svc, "late", "hang", &ready);
    svc.ok(&["install", text(&file)]);
    assert!(!start(&svc, &name).status.success());
    let told = Following::events(&svc, &name).event(START_HANG)["message"].to_string();
    assert!(told.contains("was not ready within 3 s") && told.contains("(exit code 3"), "{told}");
}

#[test]
fn a_program_that_does_not_answer_well_is_ended_and_run_again() {
    let svc = Svc::new();
    let (listener, address) = listener();
    let name = svc.name("sick");
    let health = format!("health = {{ http = \"http://{address}/\", interval = \"50ms\", threshold = 2 }}\n");
    let file = define(&svc, "sick", "hang", &format!("{QUICK}{health}"));
    svc.ok(&["install", text(&file)]);
    assert!(start(&svc, &name).status.success());
    let events = Following::events(&svc, &name);
    for status in [200, 500, 200, 500, 500] {
        answer(&listener, status);
    }
    let told = events.event(NOT_ALIVE)["message"].to_string();
    assert!(told.contains("(the answer has the status 500)"), "{told}");
    events.event(RECOVERED);
    drop(listener);
    let told = events.event(NOT_ALIVE)["message"].to_string();
    assert!(told.contains(&format!("nobody answers at http://{address}/")), "{told}");
    events.event(RECOVERED);
}

#[test]
fn a_program_that_a_command_finds_dead_or_that_is_silent_is_ended_and_run_again() {
    let svc = Svc::new();
    let flag = svc.folder().join("flag");
    fs::write(&flag, "up").unwrap();
    let name = svc.name("asked");
    let health = format!(
        "health = {{ command = {}, interval = \"50ms\", timeout = \"60s\", threshold = 1 }}\n",
        role::run()
    );
    let file = play(&svc, "asked", "asked", text(&flag), &format!("{QUICK}{health}"));
    svc.ok(&["install", text(&file)]);
    assert!(start(&svc, &name).status.success());
    let events = Following::events(&svc, &name);
    fs::remove_file(&flag).unwrap();
    let told = events.event(NOT_ALIVE)["message"].to_string();
    assert!(told.contains("does not end with 0 (exit code 101: "), "{told}");
    fs::write(&flag, "up").unwrap();
    events.event(RECOVERED);
    let name = svc.name("silent");
    let file = define(&svc, "silent", "hang", &format!("{QUICK}health = {{ silence = \"1s\" }}\n"));
    svc.ok(&["install", text(&file)]);
    assert!(start(&svc, &name).status.success());
    let events = Following::events(&svc, &name);
    assert!(events.event(NOT_ALIVE)["message"].to_string().contains("it wrote nothing for 1 s"));
    events.event(RECOVERED);
}

#[test]
fn a_command_that_hangs_is_ended_with_its_time() {
    let svc = Svc::new();
    let name = svc.name("hung");
    let health = format!(
        "health = {{ command = {}, interval = \"50ms\", timeout = \"300ms\", threshold = 1 }}\n",
        scripted("program=hang")
    );
    let file = define(&svc, "hung", "hang", &format!("{QUICK}{health}"));
    svc.ok(&["install", text(&file)]);
    assert!(start(&svc, &name).status.success());
    let events = Following::events(&svc, &name);
    let told = events.event(NOT_ALIVE)["message"].to_string();
    assert!(told.contains("it took longer than 300 ms and was ended"), "{told}");
    svc.ok(&["stop", &name]);
}

#[test]
fn requests_and_commands_stop_a_program_and_pass_controls_on_to_it() {
    let (svc, gate, reporter) = (Svc::new(), Gate::new(), Reporter::new());
    let (listener, address) = listener();
    let name = svc.name("tame");
    let note = scripted(&format!("note={}:own", reporter.address()));
    let more = format!(
        "stop = {{ ladder = [{{ http = \"http://{address}/refused\", wait = \"60s\" }}, {{ http = \"PUT http://{address}/stop\", wait = \"60s\" }}] }}\n\
         controls = {{ 200 = {{ command = {note} }}, 201 = {{ http = \"http://{address}/reload\" }} }}\n"
    );
    let file = play(&svc, "tame", "gate", &gate.address().to_string(), &more);
    svc.ok(&["install", text(&file)]);
    assert!(start(&svc, &name).status.success());
    let held = gate.arrival();
    svc.ok(&["sc", "control", &name, "200"]);
    assert_eq!(reporter.next(), ["note", "own"]);
    svc.ok(&["sc", "control", &name, "201"]);
    assert!(answer(&listener, 200).starts_with("POST /reload HTTP/1.1\r\n"));
    let events = Following::events(&svc, &name);
    thread::scope(|scope| {
        let stops = scope.spawn(|| svc.ok(&["stop", &name]));
        assert!(answer(&listener, 404).starts_with("POST /refused HTTP/1.1\r\n"));
        let told = events.event(HOOK_FAILED)["message"].to_string();
        assert!(
            told.contains("the request of the stop ladder failed: the answer has the status 404"),
            "{told}"
        );
        assert!(answer(&listener, 200).starts_with("PUT /stop HTTP/1.1\r\n"));
        held.release();
        stops.join().unwrap();
    });
    assert_eq!(svc.status(&name)["win32_exit_code"], 0);
}
