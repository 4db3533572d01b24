//! The stop ladder.

use std::net::TcpListener;
use std::time::Duration;

use svckit_core::call::HttpRequest;
use svckit_core::control::Control;
use svckit_core::definition::{RestartWhen, StopAction};
use svckit_core::dispatch::FromProcess;
use svckit_core::native::EventId;
use svckit_core::signal::Signal;
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;

use crate::support::{Bed, answer, rung, wait_gone};

#[test]
fn rungs_are_climbed_in_order_and_force_ends_what_obeys_nothing() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut deaf = bed.gate("deaf");
    let script = "trap 'echo int' INT; trap 'echo usr1' USR1; trap 'echo term' TERM; echo > deaf; while :; do sleep 1000 & wait; done";
    let mut definition = bed.script(script);
    definition.stop.ladder = vec![
        rung(StopAction::WmClose, 60_000),
        rung(StopAction::CtrlC, 300),
        rung(StopAction::Signal(Signal::Usr1), 300),
        rung(StopAction::Signal(Signal::Term), 300),
    ];
    host.link.start("deaf", definition);
    deaf.wait();
    let status = host.link.stop("deaf");
    assert_eq!(status.win32_exit_code, Win32Error::SUCCESS);
    assert_eq!(bed.log(), "int\nusr1\nterm\n");
    let rungs: Vec<_> = host
        .link
        .events()
        .into_iter()
        .filter(|(id, _)| *id == EventId::STOP_RUNG)
        .map(|(_, text)| text)
        .collect();
    assert_eq!(
        rungs,
        [
            r#""deaf" has not ended yet; SIGUSR1 follows"#,
            r#""deaf" has not ended yet; SIGTERM follows"#,
            r#""deaf" has not ended yet; force follows"#,
        ]
    );
    let checkpoints: Vec<u32> = host
        .link
        .seen
        .iter()
        .filter_map(|frame| match frame {
            FromProcess::Status { status, .. } if status.state == ServiceState::STOP_PENDING => {
                Some(status.checkpoint)
            }
            _ => None,
        })
        .collect();
    assert_eq!(checkpoints, [1, 2, 3, 4]);
    wait_gone(host.link.program());
}

#[test]
fn a_program_can_be_stopped_by_the_end_of_its_input() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = bed.script("cat; echo end of input; exit 7");
    definition.stop.ladder = vec![rung(StopAction::StdinClose, 60_000)];
    host.link.start("reader", definition);
    host.link.state("reader", ServiceState::RUNNING);
    let status = host.link.stop("reader");
    assert_eq!(status.win32_exit_code, Win32Error::SUCCESS, "what was asked for is no error");
    assert_eq!(bed.log(), "end of input\n");
}

fn command(script: &str) -> StopAction {
    StopAction::Command(["/bin/sh", "-c", script].map(str::to_owned).to_vec())
}

#[test]
fn a_program_can_be_stopped_by_a_command_which_may_end_after_it() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut ready = bed.gate("ready");
    let script = "trap 'echo bye; exit 0' USR1; echo > ready; while :; do sleep 1000 & wait; done";
    let mut definition = bed.script(script);
    let stops = r#"echo "$SVC_HOOK $SVC_NAME"; kill -USR1 $SVC_PID; while kill -0 $SVC_PID 2> /dev/null; do sleep 0.01; done; echo it has gone"#;
    definition.stop.ladder = vec![rung(command(stops), 60_000)];
    host.link.start("shop", definition);
    ready.wait();
    let status = host.link.stop("shop");
    assert_eq!(status.win32_exit_code, Win32Error::SUCCESS);
    // Two that write at the same time come in any order.
    let log = bed.log();
    let mut lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.pop(), Some("it has gone"));
    lines.sort_unstable();
    assert_eq!(lines, ["bye", "stop shop"]);
}

#[test]
fn a_program_can_be_stopped_by_a_request_and_one_that_fails_is_not_waited_for() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let (mut ready, mut door) = (bed.gate("ready"), bed.gate("door"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let request = HttpRequest::new(&format!("http://{}/stop", listener.local_addr().unwrap())).unwrap();
    let http = rung(StopAction::Http(request), 3_600_000);
    let mut definition = bed.script("echo > ready; read word < door; echo bye");
    definition.stop.ladder = vec![http.clone()];
    host.link.start("shop", definition);
    ready.wait();
    assert_eq!(host.link.control("shop", Control::STOP), Win32Error::SUCCESS);
    assert!(answer(&listener, "HTTP/1.1 200 Fine\r\n\r\n").starts_with("POST /stop HTTP/1.1\r\n"));
    door.open();
    assert_eq!(host.link.state("shop", ServiceState::STOPPED).win32_exit_code, Win32Error::SUCCESS);
    assert_eq!(bed.log(), "bye\n");
    let mut host = bed.host();
    let mut definition = bed.script("echo > ready; exec sleep 1000");
    definition.stop.ladder = vec![http, rung(StopAction::Signal(Signal::Term), 60_000)];
    host.link.start("web", definition);
    ready.wait();
    assert_eq!(host.link.control("web", Control::STOP), Win32Error::SUCCESS);
    answer(&listener, "HTTP/1.1 404 No\r\n\r\n");
    assert_eq!(
        host.link.event(EventId::HOOK_FAILED),
        r#""web": the request of the stop ladder failed: the answer has the status 404"#
    );
    host.link.state("web", ServiceState::STOPPED);
}

#[test]
fn a_command_of_the_ladder_that_fails_or_hangs_holds_nothing_up() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut pids = bed.gate("pids");
    let mut definition = bed.script("trap '' TERM; echo $$ > pids; while :; do sleep 1000 & wait; done");
    definition.stop.ladder = vec![
        rung(command("exit 3"), 3_600_000),
        rung(StopAction::Command(vec!["/no/such/command".to_owned()]), 3_600_000),
        rung(command("trap '' TERM; echo $$ > pids; while :; do sleep 1000; done"), 500),
    ];
    host.link.start("shop", definition);
    pids.wait();
    assert_eq!(host.link.stop("shop").win32_exit_code, Win32Error::SUCCESS);
    let failures: Vec<_> = host
        .link
        .events()
        .into_iter()
        .filter(|(id, _)| *id == EventId::HOOK_FAILED)
        .map(|(_, text)| text)
        .collect();
    let [code, missing, hang] = failures.as_slice() else { panic!("{failures:?}") };
    let name = r#""shop": the command of the stop ladder"#;
    assert_eq!(*code, format!("{name} ended with exit code 3"));
    assert!(missing.starts_with(&format!("{name} could not be run: ")), "{missing}");
    assert_eq!(*hang, format!("{name} took longer than 500 ms and was ended"));
    wait_gone(pids.wait().trim().parse().unwrap());
}

#[test]
fn shutdown_stops_like_stop_and_a_second_stop_is_refused() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut deaf = bed.gate("deaf");
    let mut definition = bed.script("trap '' TERM; echo > deaf; while :; do sleep 1000; done");
    definition.stop.ladder = vec![rung(StopAction::Signal(Signal::Term), 500)];
    host.link.start("slow", definition);
    deaf.wait();
    assert_eq!(host.link.control("slow", Control::PRESHUTDOWN), Win32Error::SUCCESS);
    assert_eq!(host.link.control("slow", Control::STOP), Win32Error::SERVICE_CANNOT_ACCEPT_CTRL);
    let status = host.link.state("slow", ServiceState::STOPPED);
    assert_eq!(status.wait_hint, Duration::ZERO);
    assert_eq!(host.link.control("slow", Control::STOP), Win32Error::SERVICE_NOT_ACTIVE);
    assert_eq!(host.link.control("other", Control::STOP), Win32Error::SERVICE_NOT_ACTIVE);
}

#[test]
fn a_paused_program_hears_that_it_shall_end() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut ready = bed.gate("ready");
    let mut definition =
        bed.script("trap 'echo bye; exit 0' TERM; echo > ready; while :; do sleep 1000 & wait; done");
    definition.controls = [
        (Control::PAUSE.0, svckit_core::definition::ControlAction::Signal(Signal::Stop)),
        (Control::CONTINUE.0, svckit_core::definition::ControlAction::Signal(Signal::Cont)),
    ]
    .into();
    host.link.start("frozen", definition);
    ready.wait();
    assert_eq!(host.link.control("frozen", Control::PAUSE), Win32Error::SUCCESS);
    host.link.stop("frozen");
    assert_eq!(bed.log(), "bye\n");
}

#[test]
fn a_host_that_is_asked_to_end_stops_its_services() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut ready = bed.gate("ready");
    host.link.start(
        "tidy",
        bed.script("trap 'echo bye; exit 0' TERM; echo > ready; while :; do sleep 1000 & wait; done"),
    );
    ready.wait();
    rustix::process::pidfd_send_signal(&host.pidfd, rustix::process::Signal::TERM).unwrap();
    host.link.state("tidy", ServiceState::STOPPED);
    assert_eq!(bed.log(), "bye\n");
    host.link.release("tidy");
    host.wait_end();
}

#[test]
fn a_graceful_stop_triggers_no_restart_whatever_the_program_ends_with() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("gate");
    let mut definition = bed
        .script("trap 'echo asked; exit 7' TERM; echo run; echo > gate; while :; do sleep 1000 & wait; done");
    definition.restart.when = RestartWhen::Always;
    definition.restart.delay = Duration::ZERO;
    definition.stop.ladder = vec![rung(StopAction::Signal(Signal::Term), 60_000)];
    host.link.start("web", definition);
    gate.wait();
    let status = host.link.stop("web");
    assert_eq!(status.win32_exit_code, Win32Error::SUCCESS);
    assert_eq!(bed.log(), "run\nasked\n");
    assert_eq!(host.link.last_host_state().unwrap().last_exit.unwrap().code, Some(7));
}
