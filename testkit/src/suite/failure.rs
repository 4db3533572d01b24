//! Failure actions: what follows when a service ends without having been stopped.

use std::time::Duration;

use svckit_core::backend::{Backend, Service};
use svckit_core::config::Config2Change;
use svckit_core::control::Control;
use svckit_core::failure::{ActionType, FailureAction, FailureActionsChange, ResetPeriod};
use svckit_core::status::{NotifyMask, ServiceState};
use svckit_core::win32::Win32Error;

use super::Fixture;
use super::fixture::{manager, reaches, start, stop};
use crate::gate::Reporter;

super::cases!(
    without_actions_a_dead_service_stays_stopped,
    a_dead_service_is_restarted,
    each_failure_has_its_action_and_the_last_repeats,
    a_command_is_run,
    an_end_with_an_error_is_a_failure_only_if_flagged,
    a_stop_that_was_asked_for_is_no_failure,
    a_reboot_is_not_carried_out,
);

/// How long is waited to see that nothing happens: it can't be known, only made unlikely to be missed.
const A_WHILE: Duration = Duration::from_millis(200);

fn set(service: &dyn Service, actions: &[(ActionType, Duration)], command: Option<String>) {
    let actions = actions.iter().map(|(kind, delay)| FailureAction { kind: *kind, delay: *delay }).collect();
    let change = FailureActionsChange {
        actions: Some((ResetPeriod::Never, actions)),
        command,
        ..FailureActionsChange::default()
    };
    service.change_config2(&Config2Change::FailureActions(change)).unwrap();
}

/// Makes a running service die.
fn kill(service: &dyn Service) {
    // Whether the control is answered depends on how fast the process ends.
    let _ = service.control(Control(128));
}

fn stays_stopped(service: &dyn Service) {
    reaches(service, ServiceState::STOPPED);
    stays_stopped_from_here(service);
}

fn stays_stopped_from_here(service: &dyn Service) {
    let started = service.wait(NotifyMask::START_PENDING | NotifyMask::RUNNING, A_WHILE).unwrap();
    assert_eq!(started, None);
}

fn without_actions_a_dead_service_stays_stopped(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "alone", &["on-128=abort"]);
    start(&*service);
    kill(&*service);
    assert_eq!(reaches(&*service, ServiceState::STOPPED).win32_exit_code, Win32Error::PROCESS_ABORTED);
    stays_stopped_from_here(&*service);
}

fn a_dead_service_is_restarted(backend: &dyn Backend, fixture: &Fixture) {
    let reporter = Reporter::new();
    let script = format!("report={}", reporter.address());
    let service = fixture.create(&*manager(backend), "restarted", &["on-128=abort", &script]);
    set(&*service, &[(ActionType::RESTART, Duration::from_millis(10))], None);
    let mut pid = start(&*service).pid;
    reporter.next_of("started");
    for _ in 0..3 {
        kill(&*service);
        let words = reporter.next_of("started");
        assert_ne!(words[2], pid.to_string());
        pid = words[2].parse().unwrap();
        let running = reaches(&*service, ServiceState::RUNNING);
        assert_eq!(running.pid, pid);
    }
}

fn each_failure_has_its_action_and_the_last_repeats(backend: &dyn Backend, fixture: &Fixture) {
    let reporter = Reporter::new();
    let report = format!("report={}", reporter.address());
    let service = fixture.create(&*manager(backend), "turns", &["on-128=abort", &report]);
    set(&*service, &[(ActionType::RESTART, Duration::ZERO), (ActionType::NONE, Duration::ZERO)], None);
    start(&*service);
    let first = reporter.next_of("started");
    kill(&*service);
    assert_ne!(reporter.next_of("started")[2], first[2], "the first failure: restart");
    for _ in 0..2 {
        reaches(&*service, ServiceState::RUNNING);
        kill(&*service);
        stays_stopped(&*service);
        service.start(&[]).unwrap();
        reporter.next_of("started");
    }
}

fn a_command_is_run(backend: &dyn Backend, fixture: &Fixture) {
    let reporter = Reporter::new();
    let service = fixture.create(&*manager(backend), "alarming", &["on-128=abort"]);
    let command = fixture.image(&[&format!("note={}:it died", reporter.address())]);
    set(&*service, &[(ActionType::RUN_COMMAND, Duration::ZERO)], Some(command.as_str().to_owned()));
    start(&*service);
    kill(&*service);
    assert_eq!(reporter.next(), ["note", "it died"]);
    stays_stopped(&*service);
}

fn an_end_with_an_error_is_a_failure_only_if_flagged(backend: &dyn Backend, fixture: &Fixture) {
    let reporter = Reporter::new();
    let report = format!("report={}", reporter.address());
    let service = fixture.create(&*manager(backend), "erring", &["on-129=stop:1234", &report]);
    set(&*service, &[(ActionType::RESTART, Duration::ZERO)], None);
    start(&*service);
    reporter.next_of("started");
    service.control(Control(129)).unwrap();
    stays_stopped(&*service);

    service.change_config2(&Config2Change::FailureActionsFlag(true)).unwrap();
    start(&*service);
    reporter.next_of("started");
    service.control(Control(129)).unwrap();
    reporter.next_of("started");
}

fn a_stop_that_was_asked_for_is_no_failure(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "obeying", &[]);
    set(&*service, &[(ActionType::RESTART, Duration::ZERO)], None);
    service.change_config2(&Config2Change::FailureActionsFlag(true)).unwrap();
    start(&*service);
    stop(&*service);
    stays_stopped_from_here(&*service);
}

fn a_reboot_is_not_carried_out(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "rebooting", &["on-128=abort"]);
    set(&*service, &[(ActionType::REBOOT, Duration::ZERO)], None);
    start(&*service);
    kill(&*service);
    stays_stopped(&*service);
    start(&*service);
}
