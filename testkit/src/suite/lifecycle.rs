//! The life cycle: states, controls and the codes of what can't be done now.

use svckit_core::backend::{Backend, Service};
use svckit_core::config::NewService;
use svckit_core::control::{Control, ControlsAccepted};
use svckit_core::kind::{ServiceType, StartType};
use svckit_core::reason::StopReason;
use svckit_core::status::{ServiceState, ServiceStatus};
use svckit_core::win32::Win32Error;

use super::Fixture;
use super::fixture::{code, create, manager, reaches, start, stop};
use crate::gate::{Gate, Reporter};

super::cases!(
    a_stop_may_have_a_reason,
    a_stop_with_a_reason_that_cannot_be_is_refused,
    a_service_that_never_ran_says_so,
    a_service_starts_and_stops,
    a_running_service_cannot_be_started,
    a_stopped_service_takes_no_control,
    a_disabled_service_cannot_be_started,
    a_control_that_is_not_accepted_is_refused,
    an_undefined_control_is_refused,
    a_control_reaches_the_service,
    what_a_handler_answers_is_the_answer,
    a_service_pauses_and_goes_on,
    a_paused_service_can_be_stopped,
    interrogate_tells_the_status,
    start_pending_lasts_until_the_service_runs,
    a_stopping_service_takes_no_control,
    start_arguments_reach_the_service,
    an_empty_start_argument_is_one,
    an_error_at_the_end_is_kept,
    a_code_of_its_own_is_kept,
    a_driver_has_no_account,
    a_driver_cannot_be_started,
);

fn a_service_that_never_ran_says_so(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "never", &[]);
    let expected = ServiceStatus::stopped(ServiceType::WIN32_OWN_PROCESS, Win32Error::SERVICE_NEVER_STARTED);
    assert_eq!(service.status().unwrap(), expected);
}

fn a_service_starts_and_stops(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "cycle", &["accept=STOP,SHUTDOWN"]);
    let mut pids = Vec::new();
    for _ in 0..3 {
        let running = start(&*service);
        assert_eq!(running.state, ServiceState::RUNNING);
        assert_eq!(running.controls_accepted, ControlsAccepted::STOP | ControlsAccepted::SHUTDOWN);
        assert_eq!((running.win32_exit_code, running.checkpoint), (Win32Error::SUCCESS, 0));
        assert_ne!(running.pid, 0);
        pids.push(running.pid);
        let expected = ServiceStatus::stopped(ServiceType::WIN32_OWN_PROCESS, Win32Error::SUCCESS);
        assert_eq!(stop(&*service), expected);
        assert_eq!(service.status().unwrap(), expected);
    }
    pids.dedup();
    assert_eq!(pids.len(), 3, "every run has a process of its own: {pids:?}");
}

fn a_running_service_cannot_be_started(backend: &dyn Backend, fixture: &Fixture) {
    let gate = Gate::new();
    let script = [format!("start=gate:{}", gate.address())];
    let service = fixture.create(&*manager(backend), "running", &[&script[0]]);
    service.start(&[]).unwrap();
    let held = gate.arrival();
    assert_eq!(code(service.start(&[])), Win32Error::SERVICE_ALREADY_RUNNING, "while it starts");
    held.release();
    reaches(&*service, ServiceState::RUNNING);
    assert_eq!(code(service.start(&[])), Win32Error::SERVICE_ALREADY_RUNNING);
}

fn a_stopped_service_takes_no_control(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "stopped", &[]);
    for control in [Control::STOP, Control::PAUSE, Control::CONTINUE, Control::INTERROGATE, Control(200)] {
        assert_eq!(code(service.control(control)), Win32Error::SERVICE_NOT_ACTIVE, "{control}");
    }
}

fn a_disabled_service_cannot_be_started(backend: &dyn Backend, fixture: &Fixture) {
    let mut new = fixture.service("disabled", &[]);
    new.config.start_type = StartType::DISABLED;
    let service = create(&*manager(backend), &new);
    assert_eq!(code(service.start(&[])), Win32Error::SERVICE_DISABLED);
    assert_eq!(service.status().unwrap().state, ServiceState::STOPPED);
}

fn a_control_that_is_not_accepted_is_refused(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "refusing", &["accept=STOP"]);
    start(&*service);
    for control in [Control::PAUSE, Control::CONTINUE, Control::PARAMCHANGE, Control::NETBINDADD] {
        assert_eq!(code(service.control(control)), Win32Error::INVALID_SERVICE_CONTROL, "{control}");
    }
    assert_eq!(service.status().unwrap().state, ServiceState::RUNNING);
}

fn an_undefined_control_is_refused(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "undefined", &[]);
    start(&*service);
    for control in [0, 127, 256] {
        let refused = code(service.control(Control(control)));
        assert_eq!(refused, Win32Error::INVALID_PARAMETER, "{control}");
    }
}

fn a_control_reaches_the_service(backend: &dyn Backend, fixture: &Fixture) {
    let reporter = Reporter::new();
    let script =
        [format!("report={}", reporter.address()), "accept=STOP,PARAMCHANGE,NETBINDCHANGE".to_owned()];
    let service = fixture.create(&*manager(backend), "reached", &[&script[0], &script[1]]);
    start(&*service);
    assert_eq!(reporter.next()[..2], ["started", fixture.name("reached").as_str()]);
    for control in [Control::PARAMCHANGE, Control::NETBINDDISABLE, Control(128), Control(255), Control::STOP]
    {
        service.control(control).unwrap();
        let heard = reporter.next();
        assert_eq!(heard, ["control", fixture.name("reached").as_str(), &control.0.to_string()]);
    }
    reaches(&*service, ServiceState::STOPPED);
}

fn what_a_handler_answers_is_the_answer(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "answering", &["on-200=code:50"]);
    start(&*service);
    assert_eq!(code(service.control(Control(200))), Win32Error::NOT_SUPPORTED);
    service.control(Control(201)).unwrap();
}

fn pausing(backend: &dyn Backend, fixture: &Fixture) -> Box<dyn Service> {
    let service = fixture.create(&*manager(backend), "pausing", &["accept=STOP,PAUSE_CONTINUE"]);
    start(&*service);
    service.control(Control::PAUSE).unwrap();
    let paused = reaches(&*service, ServiceState::PAUSED);
    assert!(paused.controls_accepted.contains(ControlsAccepted::PAUSE_CONTINUE));
    service
}

fn a_service_pauses_and_goes_on(backend: &dyn Backend, fixture: &Fixture) {
    let service = pausing(backend, fixture);
    let pid = service.status().unwrap().pid;
    service.control(Control::CONTINUE).unwrap();
    assert_eq!(reaches(&*service, ServiceState::RUNNING).pid, pid);
}

fn a_paused_service_can_be_stopped(backend: &dyn Backend, fixture: &Fixture) {
    let service = pausing(backend, fixture);
    assert_eq!(code(service.start(&[])), Win32Error::SERVICE_ALREADY_RUNNING);
    assert_eq!(stop(&*service).win32_exit_code, Win32Error::SUCCESS);
}

fn interrogate_tells_the_status(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "interrogated", &["accept=", "on-128=stop:0"]);
    let running = start(&*service);
    let told = service.control(Control::INTERROGATE).unwrap();
    // ControlService has no process in its answer.
    assert_eq!((told.state, told.controls_accepted), (running.state, ControlsAccepted::empty()));
    assert_eq!(code(service.control(Control::STOP)), Win32Error::INVALID_SERVICE_CONTROL);
    // It accepts no stop; a control of its own ends it.
    service.control(Control(128)).unwrap();
    reaches(&*service, ServiceState::STOPPED);
}

fn start_pending_lasts_until_the_service_runs(backend: &dyn Backend, fixture: &Fixture) {
    let gate = Gate::new();
    let script = format!("start=gate:{}", gate.address());
    let service = fixture.create(&*manager(backend), "starting", &[&script]);
    service.start(&[]).unwrap();
    let held = gate.arrival();
    let pending = reaches(&*service, ServiceState::START_PENDING);
    assert_ne!(pending.pid, 0);
    for control in [Control::PAUSE, Control::INTERROGATE, Control(128)] {
        assert_eq!(code(service.control(control)), Win32Error::SERVICE_CANNOT_ACCEPT_CTRL, "{control}");
    }
    held.release();
    reaches(&*service, ServiceState::RUNNING);
}

fn a_stopping_service_takes_no_control(backend: &dyn Backend, fixture: &Fixture) {
    let gate = Gate::new();
    let script = format!("on-1=gate:{}", gate.address());
    let service = fixture.create(&*manager(backend), "stopping", &[&script]);
    start(&*service);
    let answer = service.control(Control::STOP).unwrap();
    assert_eq!(answer.state, ServiceState::STOP_PENDING);
    assert_eq!(answer.checkpoint, 1);
    let held = gate.arrival();
    for control in [Control::STOP, Control::INTERROGATE, Control(128)] {
        assert_eq!(code(service.control(control)), Win32Error::SERVICE_CANNOT_ACCEPT_CTRL, "{control}");
    }
    assert_eq!(code(service.start(&[])), Win32Error::SERVICE_ALREADY_RUNNING);
    held.release();
    reaches(&*service, ServiceState::STOPPED);
}

fn start_arguments_reach_the_service(backend: &dyn Backend, fixture: &Fixture) {
    arguments_reach(backend, fixture, &["two words", "quo\"te", "ümläut", r"back\slash\"]);
}

fn an_empty_start_argument_is_one(backend: &dyn Backend, fixture: &Fixture) {
    arguments_reach(backend, fixture, &["", "first", "", "last"]);
}

fn arguments_reach(backend: &dyn Backend, fixture: &Fixture, arguments: &[&str]) {
    let reporter = Reporter::new();
    let script = format!("report={}", reporter.address());
    let service = fixture.create(&*manager(backend), "arguments", &[&script]);
    let owned: Vec<String> = arguments.iter().copied().map(str::to_owned).collect();
    service.start(&owned).unwrap();
    reaches(&*service, ServiceState::RUNNING);
    assert_eq!(reporter.next()[3..], *arguments);
}

fn an_error_at_the_end_is_kept(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "failing", &["on-1=stop:1234"]);
    start(&*service);
    let status = stop(&*service);
    assert_eq!((status.win32_exit_code, status.service_exit_code), (Win32Error(1234), 0));
}

fn a_code_of_its_own_is_kept(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "specific", &["on-1=specific:4294967295"]);
    start(&*service);
    let status = stop(&*service);
    let expected = (Win32Error::SERVICE_SPECIFIC_ERROR, u32::MAX);
    assert_eq!((status.win32_exit_code, status.service_exit_code), expected);
    assert_eq!(start(&*service).win32_exit_code, Win32Error::SUCCESS, "a new run has a new end");
}

fn driver(fixture: &Fixture) -> NewService {
    let mut new = fixture.service("driver", &[]);
    new.config.service_type = ServiceType::KERNEL_DRIVER;
    new.config.account = None;
    new
}

fn a_driver_has_no_account(backend: &dyn Backend, fixture: &Fixture) {
    let config = create(&*manager(backend), &driver(fixture)).config().unwrap();
    assert_eq!((config.service_type, config.account), (ServiceType::KERNEL_DRIVER, None));
}

fn a_driver_cannot_be_started(backend: &dyn Backend, fixture: &Fixture) {
    let service = create(&*manager(backend), &driver(fixture));
    assert_eq!(code(service.start(&[])), Win32Error::BAD_EXE_FORMAT);
}

fn a_stop_may_have_a_reason(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "reasoned", &[]);
    start(&*service);
    let reason = StopReason::new(4, 5, 4).unwrap();
    service.stop(&StopReason { comment: Some("a new version, bald".to_owned()), ..reason.clone() }).unwrap();
    reaches(&*service, ServiceState::STOPPED);
    assert_eq!(code(service.stop(&reason)), Win32Error::SERVICE_NOT_ACTIVE);
}

fn a_stop_with_a_reason_that_cannot_be_is_refused(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "unreasoned", &[]);
    start(&*service);
    for code_of_reason in [0, 0x4005_0000, 0x4040_0100, 0x2005_0004] {
        let reason = StopReason { code: code_of_reason, comment: None };
        assert_eq!(code(service.stop(&reason)), Win32Error::INVALID_PARAMETER, "{code_of_reason:#x}");
    }
    assert_eq!(service.status().unwrap().state, ServiceState::RUNNING);
}
