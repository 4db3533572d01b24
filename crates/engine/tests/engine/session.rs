//! What a session begins with, and what a service control manager finds that takes one over.

use svckit_core::backend::Backend;
use svckit_core::config::Config2Change;
use svckit_core::control::Control;
use svckit_core::name::{Dependency, GroupName};
use svckit_core::native::{EventId, Level};
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;
use svckit_manager::Embedded;
use svckit_testkit::gate::Gate;
use svckit_testkit::svc::Svc;

use crate::support::{Scm, automatic, create, events, open, reaches, scripted, settings, start, state};

/// The services that came to run, in order.
fn running(backend: &dyn Backend) -> Vec<String> {
    events(backend)
        .into_iter()
        .filter(|event| event.message.ends_with("entered the RUNNING state"))
        .map(|event| event.service.unwrap().to_string())
        .collect()
}

#[test]
fn groups_start_in_order_then_the_others_each_after_what_it_needs() {
    let state = state();
    settings(state.path(), "group-order = [\"first\", \"second\"]\n");
    let grouped = |name: &str, group: &str| {
        let mut new = automatic(name, &[]);
        new.config.load_order_group = Some(GroupName::new(group).unwrap());
        new
    };
    let mut alone = automatic("alone", &[]);
    alone.config.dependencies = vec![Dependency::new("needed").unwrap()];
    let scm = Scm::serve(state.path());
    let needed = scripted("needed", &[]);
    create(
        &scm.direct,
        &[alone, grouped("b", "second"), grouped("x", "unlisted"), grouped("a", "first"), needed],
    );
    assert_eq!(running(&scm.direct), [""; 0], "what is created in a session is not started in it");
    scm.stop();
    let scm = Scm::serve(state.path());
    reaches(&*open(&scm.direct, "alone"), ServiceState::RUNNING);
    assert_eq!(running(&scm.direct), ["a", "b", "x", "needed", "alone"]);
}

#[test]
fn a_tag_is_a_place_in_the_group() {
    let state = state();
    let scm = Scm::serve(state.path());
    for (name, tagged) in [("c", true), ("b", true), ("a", false)] {
        let mut new = automatic(name, &[]);
        new.config.load_order_group = Some(GroupName::new("g").unwrap());
        new.want_tag = tagged;
        create(&scm.direct, &[new]);
    }
    let tags = ["c", "b", "a"].map(|name| open(&scm.direct, name).config().unwrap().tag);
    assert_eq!(tags, [1, 2, 0]);
}

#[test]
fn delayed_services_start_after_the_others() {
    let state = state();
    settings(state.path(), "delayed-start-delay = 0.3\n");
    let scm = Scm::serve(state.path());
    create(&scm.direct, &[automatic("late", &[]), automatic("early", &[])]);
    open(&scm.direct, "late").change_config2(&Config2Change::DelayedAutoStart(true)).unwrap();
    scm.stop();
    let scm = Scm::serve(state.path());
    reaches(&*open(&scm.direct, "late"), ServiceState::RUNNING);
    assert_eq!(running(&scm.direct), ["early", "late"]);
}

#[test]
fn an_automatic_start_that_fails_is_an_event_and_nobody_elses_problem() {
    let state = state();
    let scm = Scm::serve(state.path());
    let mut dependent = automatic("dependent", &[]);
    dependent.config.dependencies = vec![Dependency::new("broken").unwrap()];
    let mut broken = automatic("broken", &[]);
    broken.config.image_path = svckit_core::image_path::ImagePath::new("/no/such/program").unwrap();
    create(&scm.direct, &[broken, dependent, automatic("fine", &[])]);
    scm.stop();
    let scm = Scm::serve(state.path());
    reaches(&*open(&scm.direct, "fine"), ServiceState::RUNNING);
    // Both have failed before: "fine" comes last by name, and they fail as their processes are ordered.
    let code = |name| open(&scm.direct, name).status().unwrap().win32_exit_code;
    assert_eq!(code("broken"), Win32Error::FILE_NOT_FOUND);
    assert_eq!(code("dependent"), Win32Error::SERVICE_DEPENDENCY_FAIL);
    let errors: Vec<(EventId, String)> = events(&scm.direct)
        .into_iter()
        .filter(|event| event.level == Level::Error)
        .map(|event| (event.id, event.service.unwrap().to_string()))
        .collect();
    let expected =
        [(EventId::START_FAILED, "broken".to_owned()), (EventId::DEPENDENCY_FAILED, "dependent".to_owned())];
    assert_eq!(errors, expected);
}

#[test]
fn a_boot_is_accepted_once_in_a_session() {
    let svc = Svc::new();
    connect(&svc).report_boot(true).unwrap();
    svc.kill_scm();
    let again = connect(&svc).report_boot(true).unwrap_err();
    assert_eq!(again.code, Win32Error::BOOT_ALREADY_ACCEPTED);
    svc.ok(&["scm", "stop"]);
    connect(&svc).report_boot(true).unwrap();
}

/// A way to the service control manager of `svc`, which is started if there is none.
fn connect(svc: &Svc) -> impl Backend {
    svc.ok(&["list"]);
    Embedded::new(svc.state()).connect().unwrap()
}

#[test]
fn a_successor_starts_nothing_that_was_stopped_and_finishes_what_was_begun() {
    let svc = Svc::new();
    let gate = Gate::new();
    let backend = connect(&svc);
    let mut held = automatic("a-held", &[&format!("start=gate:{}", gate.address())]);
    held.config.load_order_group = Some(GroupName::new("g").unwrap());
    create(&backend, &[held, automatic("b-stopped", &[]), automatic("c-rest", &[])]);
    svc.ok(&["scm", "stop"]);
    // The next session stands in its first phase.
    let backend = connect(&svc);
    let at_gate = gate.arrival();
    let stopped = open(&backend, "b-stopped");
    start(&*stopped);
    stopped.control(Control::STOP).unwrap();
    svc.kill_scm();
    let backend = connect(&svc);
    assert_eq!(open(&backend, "a-held").status().unwrap().state, ServiceState::START_PENDING);
    at_gate.release();
    reaches(&*open(&backend, "a-held"), ServiceState::RUNNING);
    reaches(&*open(&backend, "c-rest"), ServiceState::RUNNING);
    assert_eq!(open(&backend, "b-stopped").status().unwrap().state, ServiceState::STOPPED);
}

#[test]
fn a_failure_action_that_is_due_is_taken_by_the_successor_and_the_count_goes_on() {
    use std::time::Duration;
    use svckit_core::failure::{ActionType, FailureAction, FailureActionsChange, ResetPeriod};

    let svc = Svc::new();
    let backend = connect(&svc);
    create(&backend, &[scripted("web", &["on-128=abort"])]);
    let action = |kind, millis| FailureAction { kind, delay: Duration::from_millis(millis) };
    let actions = vec![action(ActionType::RESTART, 1500), action(ActionType::NONE, 0)];
    let change = FailureActionsChange { actions: Some((ResetPeriod::Never, actions)), ..Default::default() };
    let web = open(&backend, "web");
    web.change_config2(&Config2Change::FailureActions(change)).unwrap();
    let first = start(&*web).pid;
    // The process ends while it handles the control.
    let _ = web.control(Control(128));
    reaches(&*web, ServiceState::STOPPED);
    svc.kill_scm();
    let backend = connect(&svc);
    let web = open(&backend, "web");
    let second = reaches(&*web, ServiceState::RUNNING).pid;
    assert_ne!(first, second);
    let _ = web.control(Control(128));
    reaches(&*web, ServiceState::STOPPED);
    let deaths: Vec<String> = events(&backend)
        .into_iter()
        .filter(|event| [EventId::DIED, EventId::DIED_ACTION].contains(&event.id))
        .map(|event| event.message)
        .collect();
    let expected = [
        r#"service "web" ended unexpectedly, for the first time; in 1500 ms it will be restarted"#,
        r#"service "web" ended unexpectedly, 2 times now"#,
    ];
    assert_eq!(deaths, expected);
}
