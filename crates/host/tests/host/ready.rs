//! When a program counts as ready.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use svckit_core::control::ControlsAccepted;
use svckit_core::definition::{HostDefinition, LogTarget, RestartPolicy, StopAction, StopPolicy};
use svckit_core::native::{EventId, Phase};
use svckit_core::probe::{HttpUrl, LinePattern, ReadyPolicy, ReadyWhen};
use svckit_core::signal::Signal;
use svckit_core::status::ServiceState;
use svckit_core::target::Target;
use svckit_core::win32::Win32Error;

use crate::support::{Bed, answer, rung, wait_gone};

/// A port on which nobody listens.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn ready(when: ReadyWhen, millis: u64) -> Option<ReadyPolicy> {
    Some(ReadyPolicy {
        when,
        timeout: Duration::from_millis(millis),
        interval: Some(Duration::from_millis(20)),
    })
}

fn line(pattern: &str) -> Option<ReadyPolicy> {
    ready(ReadyWhen::Log(LinePattern::new(pattern).unwrap()), 60_000)
}

/// A program that does nothing, and is ready in some way.
fn hanging(bed: &Bed, ready: Option<ReadyPolicy>) -> HostDefinition {
    HostDefinition { ready, ..bed.script("exec sleep 1000") }
}

#[test]
fn a_service_runs_only_when_its_program_accepts_connections() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let port = free_port();
    let definition = hanging(&bed, ready(ReadyWhen::Ask(Target::Tcp(format!("127.0.0.1:{port}"))), 60_000));
    host.link.start("web", definition);
    let state = host.link.host_state(|state| state.child_pid.is_some());
    assert!(!state.ready && state.phase == Phase::Starting);
    let status = host.link.state("web", ServiceState::START_PENDING);
    assert!(
        status.checkpoint > 0
            && status.wait_hint > Duration::ZERO
            && status.controls_accepted == ControlsAccepted::STOP
    );
    let _listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    host.link.state("web", ServiceState::RUNNING);
    assert!(host.link.last_host_state().unwrap().ready, "the state of the host comes before the status");
    host.link.stop("web");
}

#[test]
fn a_name_is_looked_up_while_the_host_does_other_things() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://localhost:{}/up", listener.local_addr().unwrap().port());
    let when = ReadyWhen::Ask(Target::Http(HttpUrl::new(&url).unwrap()));
    host.link.start("web", hanging(&bed, ready(when, 60_000)));
    answer(&listener, "HTTP/1.1 503 Wait\r\n\r\n");
    answer(&listener, "HTTP/1.1 200 Fine\r\n\r\n");
    host.link.state("web", ServiceState::RUNNING);
    host.link.stop("web");
}

#[test]
fn a_program_that_is_not_ready_in_time_is_ended() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("asked");
    let mut definition = bed.script(&format!(
        "trap 'echo asked > {}; exit 0' TERM; while :; do sleep 1000 & wait; done",
        bed.text("asked")
    ));
    definition.ready = ready(ReadyWhen::Ask(Target::Tcp(format!("127.0.0.1:{}", free_port()))), 3000);
    let status = host.link.run("web", definition);
    assert_eq!(status.win32_exit_code, Win32Error::SERVICE_REQUEST_TIMEOUT);
    let told = host.link.events().into_iter().filter(|(id, _)| *id == EventId::START_HANG);
    let [(_, words)] = &told.collect::<Vec<_>>()[..] else { panic!("it is told once") };
    assert!(
        words.starts_with(r#""web" was not ready within 3 s: nobody accepts connections at 127.0.0.1:"#),
        "{words}"
    );
    wait_gone(host.link.program());
    assert_eq!(gate.wait(), "asked\n", "the stop ladder is for it too");
}

#[test]
fn an_answer_over_http_has_to_be_a_good_one() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let url = HttpUrl::new(&format!("http://{address}/health?all")).unwrap();
    host.link.start("web", hanging(&bed, ready(ReadyWhen::Ask(Target::Http(url)), 60_000)));
    let mut requests = Vec::new();
    for with in [
        "HTTP/1.1 503 Wait\r\nContent-Length: 4\r\n\r\nwait",
        "SSH-2.0-no\r\n",
        "",
        "HTTP/1.0 404 No\r\n\r\n",
    ] {
        requests.push(answer(&listener, with));
    }
    assert!(!host.link.was_running());
    requests.push(answer(&listener, "HTTP/1.1 204 Fine\r\n\r\n"));
    host.link.state("web", ServiceState::RUNNING);
    for request in requests {
        assert!(
            request.starts_with(&format!("GET /health?all HTTP/1.1\r\nHost: {address}\r\n")),
            "{request}"
        );
    }
    host.link.stop("web");
}

fn script(script: &str) -> ReadyWhen {
    ReadyWhen::Ask(Target::Command(["/bin/sh", "-c", script].map(str::to_owned).to_vec()))
}

#[test]
fn a_command_is_run_again_and_again_until_it_ends_with_0() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut asked = bed.gate("asked");
    let mut door = bed.gate("door");
    let words =
        r#"echo "$SVC_HOOK ${SVC_PID:+there}"; echo $SVC_HOOK > asked; read word < door; test $word = go"#;
    host.link.start(
        "web",
        HostDefinition { ready: ready(script(words), 60_000), ..bed.script("echo out; exec sleep 1000") },
    );
    for _ in 0..3 {
        assert_eq!(asked.wait(), "ready\n");
        assert!(!host.link.was_running());
        std::fs::write(bed.path("door"), "no\n").unwrap();
    }
    assert_eq!(asked.wait(), "ready\n");
    door.open();
    host.link.state("web", ServiceState::RUNNING);
    let state = host.link.last_host_state().unwrap();
    assert_eq!((state.hook, state.hook_failure), (None, None), "it is no hook");
    host.link.stop("web");
    assert_eq!(bed.log(), "out\n", "what it writes is not the program's");
}

#[test]
fn the_last_words_of_a_command_are_told_and_one_that_hangs_is_ended() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let words = script("echo hello; echo 'no database' >&2; echo; exit 3");
    host.link.run("web", hanging(&bed, ready(words, 3000)));
    let told = host.link.events().into_iter().find(|(id, _)| *id == EventId::START_HANG).unwrap().1;
    let why = r#"the command "/bin/sh" does not end with 0 (exit code 3: no database)"#;
    assert_eq!(told, format!("\"web\" was not ready within 3 s: {why}; the service stops"));
    let mut host = bed.host();
    let mut pids = bed.gate("pids");
    host.link.run("web", hanging(&bed, ready(script("echo $$ > pids; exec sleep 1000"), 2000)));
    wait_gone(pids.wait().trim().parse().unwrap());
}

#[test]
fn the_last_answer_is_told_when_the_time_is_over() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = HttpUrl::new(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let server = std::thread::spawn(move || {
        while !answer(&listener, "HTTP/1.1 503 Wait\r\n\r\n").contains("Host: end") {}
        listener
    });
    let status = host.link.run("web", hanging(&bed, ready(ReadyWhen::Ask(Target::Http(url.clone())), 2000)));
    assert_eq!(status.win32_exit_code, Win32Error::SERVICE_REQUEST_TIMEOUT);
    let words = host.link.events().into_iter().find(|(id, _)| *id == EventId::START_HANG).unwrap().1;
    let expected = format!(
        "\"web\" was not ready within 2 s: nobody answers at {url} (the answer has the status 503); the service stops"
    );
    assert_eq!(words, expected);
    let mut last = TcpStream::connect(url.address()).unwrap();
    last.write_all(b"GET / HTTP/1.1\r\nHost: end\r\n\r\n").unwrap();
    server.join().unwrap();
}

#[test]
fn a_line_of_either_output_is_found_wherever_it_is_cut() {
    for (stream, separate) in [("1", false), ("2", false), ("1", true), ("2", true)] {
        let mut bed = Bed::new();
        let mut host = bed.host();
        let mut gate = bed.gate("go");
        let script = format!(
            "printf 'not\nlis' >&{stream}; read x < {}; printf 'tening on 80' >&{stream}; exec sleep 1000",
            bed.text("go")
        );
        let mut definition = HostDefinition { ready: line("listening * 8"), ..bed.script(&script) };
        if separate {
            definition.log.stderr = LogTarget::File(bed.path("err.log"));
        }
        host.link.start("web", definition);
        host.link.host_state(|state| state.child_pid.is_some());
        assert!(!host.link.was_running());
        gate.open();
        host.link.state("web", ServiceState::RUNNING);
        host.link.stop("web");
        let file = if separate && stream == "2" { "err.log" } else { "out.log" };
        assert_eq!(std::fs::read_to_string(bed.path(file)).unwrap(), "not\nlistening on 80");
    }
}

#[test]
fn a_line_is_found_in_output_that_no_file_takes() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = bed.script("echo much; head -c 100000 /dev/zero; echo; echo up; exec sleep 1000");
    definition.log.stdout = LogTarget::File(bed.path("nowhere/out.log"));
    definition.log.stderr = definition.log.stdout.clone();
    definition.log.buffer = 1000;
    definition.ready = line("up");
    host.link.start("web", definition);
    host.link.state("web", ServiceState::RUNNING);
    host.link.stop("web");
}

#[test]
fn each_program_has_to_write_its_own_line() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("go");
    let script = format!("echo listening; read x < {0}; exit 3", bed.text("go"));
    let mut definition = HostDefinition { ready: line("listening"), ..bed.script(&script) };
    definition.restart = RestartPolicy { delay: Duration::from_millis(1), ..RestartPolicy::default() };
    host.link.start("web", definition);
    for restarts in 0..3 {
        host.link.host_state(|state| state.ready && state.restarts == restarts);
        gate.open();
        host.link.host_state(|state| !state.ready);
    }
    host.link.stop("web");
}

#[test]
fn a_file_has_to_be_made_or_written_after_the_start() {
    for (path, exists) in [("ready", false), ("ready", true), ("later/still/ready", false)] {
        let mut bed = Bed::new();
        let mut host = bed.host();
        let mut gate = bed.gate("go");
        let file: PathBuf = bed.path(path);
        if exists {
            std::fs::write(&file, "of an earlier run").unwrap();
        }
        let script = format!(
            "read x < {}; mkdir -p later/still; echo 1 > other; echo up > {path}; exec sleep 1000",
            bed.text("go")
        );
        host.link.start(
            "web",
            HostDefinition { ready: ready(ReadyWhen::File(file), 60_000), ..bed.script(&script) },
        );
        host.link.host_state(|state| state.child_pid.is_some());
        assert!(!host.link.was_running());
        gate.open();
        host.link.state("web", ServiceState::RUNNING);
        host.link.stop("web");
    }
}

#[test]
fn a_program_that_is_stopped_before_it_is_ready_climbs_down_the_ladder() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("deaf");
    let mut definition =
        bed.script(&format!("trap '' INT; echo deaf > {}; exec sleep 1000", bed.text("deaf")));
    definition.ready = ready(ReadyWhen::File(bed.path("never")), 60_000);
    definition.stop = StopPolicy {
        ladder: vec![
            rung(StopAction::Signal(Signal::Int), 600),
            rung(StopAction::Signal(Signal::Term), 60_000),
        ],
    };
    host.link.start("web", definition);
    gate.wait();
    let status = host.link.stop("web");
    assert_eq!(status.win32_exit_code, Win32Error::SUCCESS);
    let ids: Vec<_> = host.link.events().into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [EventId::PROGRAM_STARTED, EventId::STOP_RUNG, EventId::PROGRAM_STOPPED]);
}
