//! Programs that end by themselves.

use std::time::Duration;

use svckit_core::control::Control;
use svckit_core::definition::{ExitAction, HostDefinition, RestartWhen};
use svckit_core::dispatch::FromProcess;
use svckit_core::native::{EventId, Phase};
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;

use crate::support::{Bed, wait_gone};

fn restarting(bed: &Bed, script: &str, delay: u64) -> HostDefinition {
    let mut definition = bed.script(script);
    definition.restart.when = RestartWhen::OnFailure;
    definition.restart.delay = Duration::from_millis(delay);
    definition
}

#[test]
fn an_exit_status_of_zero_stops_the_service() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let status = host.link.run("done", restarting(&bed, "exit 0", 1));
    assert_eq!(status.win32_exit_code, Win32Error::SUCCESS);
    assert_eq!(host.link.events().last().unwrap().1, r#""done" ended with exit code 0; the service stops"#);
}

#[test]
fn a_failing_program_is_run_again_until_the_budget_is_spent() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = restarting(&bed, "echo run; exit 3", 10);
    definition.restart.budget = Duration::from_millis(50);
    let status = host.link.run("crash", definition);
    // 10, 20 and 40 ms are spent when the fourth run ends.
    assert_eq!(bed.log(), "run\n".repeat(4));
    assert_eq!((status.win32_exit_code, status.service_exit_code), (Win32Error::SERVICE_SPECIFIC_ERROR, 3));
    let events = host.link.events();
    let of = |id: EventId| {
        events.iter().filter(|(of, _)| *of == id).map(|(_, text)| text.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(
        of(EventId::PROGRAM_DIED),
        [
            r#""crash" ended unexpectedly with exit code 3; it is started again in 10 ms"#,
            r#""crash" ended unexpectedly with exit code 3; it is started again in 20 ms"#,
            r#""crash" ended unexpectedly with exit code 3; it is started again in 40 ms"#,
        ]
    );
    assert_eq!(of(EventId::PROGRAM_RECOVERED).len(), 3);
    assert_eq!(of(EventId::GAVE_UP).len(), 1);
    let last = host.link.last_host_state().unwrap();
    assert_eq!((last.phase, last.restarts, last.child_pid), (Phase::GaveUp, 3, None));
    assert_eq!(last.last_exit.unwrap().code, Some(3));
}

#[test]
fn a_killed_program_is_back_at_once_and_the_service_never_left_running() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    host.link.start("web", restarting(&bed, "exec sleep 1000", 0));
    host.link.state("web", ServiceState::RUNNING);
    for restarts in 1..=5 {
        let before = host.link.program();
        svckit_os::process::kill(before).unwrap();
        let state = host.link.host_state(|state| state.child_pid.is_some_and(|pid| pid != before));
        assert_eq!((state.restarts, state.phase), (restarts, Phase::Running));
        assert_eq!(state.last_exit.unwrap().signal, Some(9));
    }
    let states = host.link.seen.iter().filter(|frame| matches!(frame, FromProcess::Status { .. })).count();
    assert_eq!(states, 1, "{:#?}", host.link.seen);
    let died = host.link.events().into_iter().find(|(id, _)| *id == EventId::PROGRAM_DIED).unwrap().1;
    assert_eq!(died, r#""web" ended unexpectedly with SIGKILL; it is started again at once"#);
    host.link.stop("web");
}

#[test]
fn exit_codes_have_the_meaning_that_they_were_given() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = restarting(&bed, "exit 75", 60_000);
    definition.restart.exit_codes = [(75, ExitAction::Stop), (78, ExitAction::Fail)].into();
    assert_eq!(host.link.run("codes", definition.clone()).win32_exit_code, Win32Error::SUCCESS);
    definition.program.command[2] = "exit 78".to_owned();
    assert_eq!(host.link.run("codes", definition).service_exit_code, 78);
}

#[test]
fn a_stop_during_the_back_off_is_obeyed_at_once() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    host.link.start("patient", restarting(&bed, "exit 1", 3_600_000));
    let state = host.link.host_state(|state| state.phase == Phase::Backoff);
    assert!(state.next_retry_at.is_some() && state.child_pid.is_none());
    assert_eq!(host.link.control("patient", Control::STOP), Win32Error::SUCCESS);
    let stopped = host.link.seen.iter().rev().find_map(|frame| match frame {
        FromProcess::Status { status, .. } => Some(status.state),
        _ => None,
    });
    assert_eq!(stopped, Some(ServiceState::STOPPED), "before the answer to the control");
}

#[test]
fn a_program_that_vanished_is_tried_again_and_told_of() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let program = bed.path("vanishing");
    std::os::unix::fs::symlink("/bin/sleep", &program).unwrap();
    let mut definition = restarting(&bed, "", 0);
    definition.program.command = vec![bed.text("vanishing"), "1000".to_owned()];
    definition.restart.budget = Duration::ZERO;
    host.link.start("vanishing", definition);
    host.link.state("vanishing", ServiceState::RUNNING);
    std::fs::remove_file(&program).unwrap();
    svckit_os::process::kill(host.link.program()).unwrap();
    let words = host.link.event(EventId::PROGRAM_NOT_STARTED);
    assert!(words.contains("vanishing") && words.ends_with("it is tried again in 1 s"), "{words}");
    std::os::unix::fs::symlink("/bin/sleep", &program).unwrap();
    let program = host.link.host_state(|state| state.child_pid.is_some()).child_pid.unwrap();
    host.link.event(EventId::PROGRAM_RECOVERED);
    host.link.stop("vanishing");
    wait_gone(program);
}
