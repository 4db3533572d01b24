//! Whether a program that runs is alive, and what it says of itself.

use std::io::Read;
use std::net::TcpListener;
use std::time::Duration;

use svckit_core::control::Control;
use svckit_core::definition::{ControlAction, ExitAction, HostDefinition, RestartPolicy};
use svckit_core::health::{AskPolicy, HealthPolicy};
use svckit_core::native::EventId;
use svckit_core::probe::{HttpUrl, ReadyPolicy, ReadyWhen};
use svckit_core::signal::Signal;
use svckit_core::status::ServiceState;
use svckit_core::target::Target;
use svckit_core::win32::Win32Error;

use crate::support::{Bed, answer, wait_gone};

/// A program that is run again at once.
fn watched(bed: &Bed, script: &str, health: HealthPolicy) -> HostDefinition {
    let restart = RestartPolicy {
        delay: Duration::from_millis(1),
        // Nothing of that is for a program that was ended.
        exit_codes: [(0, ExitAction::Stop), (1, ExitAction::Stop), (137, ExitAction::Stop)].into(),
        ..RestartPolicy::default()
    };
    HostDefinition { health: Some(health), restart, ..bed.script(script) }
}

fn ask(target: Target) -> HealthPolicy {
    HealthPolicy::Ask(AskPolicy {
        target,
        interval: Duration::from_millis(20),
        timeout: Duration::from_secs(60),
        threshold: 3,
    })
}

/// A command that asks.
fn script(script: &str) -> Target {
    Target::Command(["/bin/sh", "-c", script].map(str::to_owned).to_vec())
}

/// Says something as `systemd-notify` does.
fn say(words: &str) -> String {
    let code = "import os,socket; s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.connect(chr(0)+os.environ[chr(78)+'OTIFY_SOCKET'][1:]); s.send(os.environ['SAY'].replace('|',chr(10)).encode())";
    format!("SAY='{words}' python3 -c \"{code}\"")
}

#[test]
fn a_program_that_answers_badly_so_many_times_is_run_again() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = HttpUrl::new(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let health = ask(Target::Http(url.clone()));
    host.link.start("web", watched(&bed, "exec sleep 1000", health));
    host.link.state("web", ServiceState::RUNNING);
    let first = host.link.program();
    let (good, bad) = ("HTTP/1.1 200 Fine\r\n\r\n", "HTTP/1.1 500 No\r\n\r\n");
    for with in [good, bad, bad, good, bad, bad] {
        answer(&listener, with);
    }
    assert!(!host.link.events().iter().any(|(id, _)| *id == EventId::NOT_ALIVE));
    answer(&listener, bad);
    let why = format!("nobody answers at {url} (the answer has the status 500)");
    assert_eq!(host.link.event(EventId::NOT_ALIVE), format!("\"web\" is not alive: {why}; it is ended"));
    let died = host.link.event(EventId::PROGRAM_DIED);
    assert!(died.starts_with(&format!("\"web\" was ended because it was not alive: {why}; ")), "{died}");
    let state = host.link.host_state(|state| state.restarts == 1 && state.child_pid.is_some());
    assert_eq!(state.exit_reason, Some(format!("it was not alive: {why}").into()));
    wait_gone(first);
    // The next is watched anew.
    answer(&listener, bad);
    answer(&listener, bad);
    answer(&listener, good);
    host.link.stop("web");
    assert_eq!(host.link.events().iter().filter(|(id, _)| *id == EventId::NOT_ALIVE).count(), 1);
}

#[test]
fn a_port_that_nobody_listens_at_is_told_and_a_program_that_is_not_to_be_run_again_stops() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let definition =
        HostDefinition { health: Some(ask(Target::Tcp(port.to_string()))), ..bed.script("exec sleep 1000") };
    let status = host.link.run("web", definition);
    assert_eq!(status.win32_exit_code, Win32Error::PROCESS_ABORTED);
    let told = host.link.events();
    let why = &told.iter().find(|(id, _)| *id == EventId::NOT_ALIVE).unwrap().1;
    assert!(
        why.starts_with(&format!("\"web\" is not alive: nobody accepts connections at {port} (")),
        "{why}"
    );
}

#[test]
fn a_program_is_not_asked_before_it_is_ready_nor_while_it_is_paused() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("go");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Target::Tcp(listener.local_addr().unwrap().to_string());
    let script = format!("read x < {}; echo up > up; exec sleep 1000", bed.text("go"));
    let mut definition = watched(&bed, &script, ask(target));
    definition.ready = Some(ReadyPolicy {
        when: ReadyWhen::File(bed.path("up")),
        timeout: Duration::from_secs(60),
        interval: None,
    });
    let signal = |control: Control, signal| (control.0, ControlAction::Signal(signal));
    definition.controls =
        [signal(Control::PAUSE, Signal::Stop), signal(Control::CONTINUE, Signal::Cont)].into();
    listener.set_nonblocking(true).unwrap();
    host.link.start("web", definition);
    host.link.host_state(|state| state.child_pid.is_some());
    gate.open();
    host.link.state("web", ServiceState::RUNNING);
    listener.set_nonblocking(false).unwrap();
    listener.accept().unwrap();
    assert_eq!(host.link.control("web", Control::PAUSE), Win32Error::SUCCESS);
    drop(listener);
    // Nobody listens any more, which nobody notices.
    assert_eq!(host.link.control("web", Control::INTERROGATE), Win32Error::SUCCESS);
    assert!(!host.link.events().iter().any(|(id, _)| *id == EventId::NOT_ALIVE));
    assert_eq!(host.link.control("web", Control::CONTINUE), Win32Error::SUCCESS);
    host.link.event(EventId::NOT_ALIVE);
    host.link.event(EventId::PROGRAM_DIED);
    host.link.stop("web");
}

#[test]
fn a_command_says_whether_the_program_is_alive() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let door = bed.gate("door");
    let words = r#"read word number < door; echo "answer $number"; test $word = go"#;
    host.link.start("web", watched(&bed, "echo out; exec sleep 1000", ask(script(words))));
    host.link.state("web", ServiceState::RUNNING);
    std::fs::write(bed.path("door"), "go 1\nno 2\nno 3\ngo 4\nno 5\nno 6\nno 7\n").unwrap();
    let why = r#"the command "/bin/sh" does not end with 0 (exit code 1: answer 7)"#;
    assert_eq!(host.link.event(EventId::NOT_ALIVE), format!("\"web\" is not alive: {why}; it is ended"));
    host.link.host_state(|state| state.restarts == 1 && state.child_pid.is_some());
    host.link.stop("web");
    assert_eq!(bed.log().replace("out\n", ""), "", "what it writes is not the program's");
    let told = host.link.events();
    assert!(!told.iter().any(|(id, _)| *id == EventId::HOOK_FAILED), "{told:?}");
    drop(door);
}

#[test]
fn a_command_that_hangs_is_ended_and_counts_as_an_answer_that_does_not_come() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut pids = bed.gate("pids");
    let target = script("trap '' TERM; echo $$ > pids; while :; do sleep 1000; done");
    let HealthPolicy::Ask(mut policy) = ask(target) else { unreachable!() };
    (policy.timeout, policy.threshold) = (Duration::from_millis(300), 2);
    let definition =
        HostDefinition { health: Some(HealthPolicy::Ask(policy)), ..bed.script("exec sleep 1000") };
    assert_eq!(host.link.run("web", definition).win32_exit_code, Win32Error::PROCESS_ABORTED);
    let why = &host.link.events().into_iter().find(|(id, _)| *id == EventId::NOT_ALIVE).unwrap().1;
    let expected = r#""web" is not alive: the command "/bin/sh" does not end with 0 (it took longer than 300 ms and was ended); it is ended"#;
    assert_eq!(why, expected);
    // One that was ended before it came so far has said nothing.
    for pid in pids.wait().lines() {
        wait_gone(pid.parse().unwrap());
    }
}

#[test]
fn a_program_that_writes_nothing_for_so_long_is_run_again() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("go");
    // It writes until it is told to be silent.
    let script = format!(
        "test -e again && exec yes; >again; yes & read x < {}; kill $!; exec sleep 1000",
        bed.text("go")
    );
    let mut definition = watched(&bed, &script, HealthPolicy::Silence(Duration::from_millis(1500)));
    definition.log.rotate_size = Some(1 << 20);
    definition.log.keep_count = Some(1);
    host.link.start("web", definition);
    host.link.state("web", ServiceState::RUNNING);
    gate.open();
    let told = host.link.event(EventId::NOT_ALIVE);
    assert_eq!(told, "\"web\" is not alive: it wrote nothing for 1.5 s; it is ended");
    host.link.host_state(|state| state.restarts == 1 && state.child_pid.is_some());
    host.link.stop("web");
    assert_eq!(host.link.events().iter().filter(|(id, _)| *id == EventId::NOT_ALIVE).count(), 1);
}

fn notified(millis: u64) -> Option<ReadyPolicy> {
    Some(ReadyPolicy { when: ReadyWhen::Notify, timeout: Duration::from_millis(millis), interval: None })
}

#[test]
fn a_program_says_that_it_is_ready_and_what_it_does() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("go");
    let script = format!(
        "{}; read x < {}; {}; exec sleep 1000",
        say("STATUS=warming up"),
        bed.text("go"),
        say("READY=1|STATUS=serving")
    );
    host.link.start("web", HostDefinition { ready: notified(60_000), ..bed.script(&script) });
    let state = host.link.host_state(|state| state.status_text.is_some());
    assert_eq!((state.status_text.as_deref(), state.ready), (Some("warming up"), false));
    gate.open();
    host.link.state("web", ServiceState::RUNNING);
    let told = host.link.last_host_state().unwrap().status_text;
    if told.as_deref() != Some("serving") {
        host.link.host_state(|state| state.status_text.as_deref() == Some("serving"));
    }
    host.link.stop("web");
}

#[test]
fn a_program_that_asks_for_time_has_it_and_one_that_does_not_say_it_is_ready_is_late() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("go");
    let extend = say("EXTEND_TIMEOUT_USEC=3600000000");
    let script = format!("{extend}; read x < {}; {}; exec sleep 1000", bed.text("go"), say("READY=1"));
    host.link.start("web", HostDefinition { ready: notified(4000), ..bed.script(&script) });
    // One that has as much time, begins later and asks for none more is late.
    let clock = HostDefinition { ready: notified(4000), ..bed.script("exec sleep 1000") };
    host.link.run("clock", clock);
    gate.open();
    host.link.state("web", ServiceState::RUNNING);
    host.link.stop_of("web");
    let status =
        host.link.run("late", HostDefinition { ready: notified(200), ..bed.script("exec sleep 1000") });
    assert_eq!(status.win32_exit_code, Win32Error::SERVICE_REQUEST_TIMEOUT);
    let told = host.link.events().into_iter().rfind(|(id, _)| *id == EventId::START_HANG).unwrap().1;
    assert_eq!(told, "\"late\" was not ready within 200 ms: it did not say that it is; the service stops");
}

#[test]
fn a_program_that_stops_saying_that_it_is_alive_is_run_again() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = watched(
        &bed,
        &format!(
            "test -e again || {{ >again; {}; echo $WATCHDOG_USEC; }}; exec sleep 1000",
            say("WATCHDOG=1")
        ),
        HealthPolicy::Notify(Duration::from_secs(3)),
    );
    host.link.start("web", definition.clone());
    let told = host.link.event(EventId::NOT_ALIVE);
    assert_eq!(told, "\"web\" is not alive: it did not say for 3 s that it is; it is ended");
    host.link.event(EventId::PROGRAM_RECOVERED);
    assert_eq!(bed.log(), "3000000\n");
    host.link.stop("web");

    definition.health = Some(HealthPolicy::Notify(Duration::from_secs(3600)));
    definition.program.command[2] = format!("{}; exec sleep 1000", say("WATCHDOG=trigger"));
    host.link.start("other", definition);
    assert_eq!(host.link.event(EventId::NOT_ALIVE), "\"other\" is not alive: it says so; it is ended");
    host.link.stop("other");
}

#[test]
fn what_others_say_counts_for_nothing() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("where");
    let script = format!("echo $NOTIFY_SOCKET > {}; exec sleep 1000", bed.text("where"));
    host.link.start("web", HostDefinition { ready: notified(60_000), ..bed.script(&script) });
    let place = gate.wait();
    let code = format!(
        "import socket,time; s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.connect(chr(0)+{:?}); s.send(b'READY=1'); print('sent',flush=True); time.sleep(1000)",
        place.trim().strip_prefix('@').unwrap()
    );
    let mut stranger = std::process::Command::new("python3")
        .args(["-c", &code])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    stranger.stdout.as_mut().unwrap().read_exact(&mut [0; 5]).unwrap();
    // It was read before this is answered, since both came to the same loop.
    assert_eq!(host.link.control("web", Control::INTERROGATE), Win32Error::SUCCESS);
    host.link.stop("web");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    assert!(!host.link.was_running());
}
