//! What the clock has a service do.

use std::time::Duration;

use svckit_core::control::Control;
use svckit_core::definition::{HostDefinition, StopAction, StopPolicy};
use svckit_core::dispatch::FromProcess;
use svckit_core::hook::{Errand, Hook, Moment, OnFailure};
use svckit_core::log::rotation::RotateTime;
use svckit_core::native::{EventId, Phase};
use svckit_core::signal::Signal;
use svckit_core::status::ServiceState;
use svckit_core::timetable::{Deed, Occasion, Timetable};
use svckit_core::win32::Win32Error;

use crate::support::{Bed, rung};

/// Every second of the clock.
fn often() -> Vec<Occasion> {
    let interval = Duration::from_secs(1);
    vec![Occasion::Regular(RotateTime::Every { interval, at: Duration::ZERO })]
}

fn restarted(bed: &Bed, script: &str) -> HostDefinition {
    HostDefinition { schedule: Timetable { restart: often(), ..Timetable::default() }, ..bed.script(script) }
}

#[test]
fn a_program_is_run_again_by_the_clock_which_is_no_failure() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = restarted(&bed, "echo run; exec sleep 1000");
    let crash =
        Errand { command: vec!["touch".to_owned(), bed.text("crashed")], timeout: Duration::from_secs(30) };
    definition.hooks = [(Moment::OnCrash, Hook { errand: crash, on_failure: OnFailure::GoOn }.into())].into();
    host.link.start("web", definition);
    host.link.state("web", ServiceState::RUNNING);
    let state = host.link.host_state(|state| state.restarts >= 2 && state.child_pid.is_some());
    assert_eq!((state.phase, state.scheduled.unwrap().action), (Phase::Running, Deed::Restart));
    assert_eq!(state.last_exit.unwrap().signal, Some(15), "it was asked to end");
    let states = host.link.seen.iter().filter(|frame| matches!(frame, FromProcess::Status { .. })).count();
    assert_eq!(states, 1, "the service never left RUNNING: {:#?}", host.link.seen);
    host.link.stop("web");
    let events = host.link.events();
    let texts: Vec<_> = events.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(
        texts[1..3],
        [r#""web" is run again as scheduled"#, r#""web" was stopped to be run again; it ended with SIGTERM"#]
    );
    assert_eq!(events[3].0, EventId::PROGRAM_RECOVERED);
    assert!(!events.iter().any(|(id, _)| *id == EventId::PROGRAM_DIED), "{texts:#?}");
    assert!(!bed.path("crashed").exists(), "nothing has crashed");
}

#[test]
fn a_program_that_does_not_end_when_it_is_to_be_run_again_is_ended_by_force() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = restarted(&bed, "trap '' TERM; while :; do sleep 1000; done");
    definition.stop = StopPolicy { ladder: vec![rung(StopAction::Signal(Signal::Term), 50)] };
    host.link.start("deaf", definition);
    // One that was asked before it could refuse has ended by itself.
    host.link.host_state(|state| {
        state.last_exit.is_some_and(|exit| exit.signal == Some(9)) && state.child_pid.is_some()
    });
    assert_eq!(host.link.control("deaf", Control::STOP), Win32Error::SUCCESS);
}

#[test]
fn a_stop_while_the_program_is_to_be_run_again_is_a_stop() {
    let mut bed = Bed::new();
    let mut gate = bed.gate("asked");
    let mut host = bed.host();
    let script = format!(
        "echo run; trap 'echo asked > {}; trap \"exit 0\" TERM' TERM; while :; do sleep 1000 & wait; done",
        bed.text("asked")
    );
    host.link.start("slow", restarted(&bed, &script));
    host.link.state("slow", ServiceState::RUNNING);
    assert_eq!(gate.wait(), "asked\n");
    assert_eq!(host.link.control("slow", Control::PARAMCHANGE), Win32Error::SERVICE_CANNOT_ACCEPT_CTRL);
    let before = bed.log();
    let status = host.link.stop("slow");
    assert_eq!(status.win32_exit_code, Win32Error::SUCCESS);
    assert_eq!(bed.log(), before, "it is not run again");
}

#[test]
fn a_service_stops_by_the_clock() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let schedule = Timetable { stop: often(), restart: often(), ..Timetable::default() };
    let status =
        host.link.run("shift", HostDefinition { schedule, ..bed.script("echo run; exec sleep 1000") });
    assert_eq!((status.state, status.win32_exit_code), (ServiceState::STOPPED, Win32Error::SUCCESS));
    let events = host.link.events();
    assert_eq!(events[1], (EventId::SCHEDULED, r#""shift" is stopped as scheduled"#.to_owned()));
    assert_eq!(host.link.last_host_state().unwrap().scheduled, None, "nothing is stopped that does not run");
}
