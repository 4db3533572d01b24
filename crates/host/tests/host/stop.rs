//! The stop ladder.

use std::time::Duration;

use svckit_core::control::Control;
use svckit_core::definition::StopAction;
use svckit_core::dispatch::FromProcess;
use svckit_core::native::EventId;
use svckit_core::signal::Signal;
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;

use crate::support::{Bed, rung, wait_gone};

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
