//! Dependencies: what starts first, what must stop first, what can't start at all.

use svckit_core::access::ServiceAccess;
use svckit_core::backend::{Backend, Enumerated, Manager};
use svckit_core::config::NewService;
use svckit_core::control::Control;
use svckit_core::kind::StartType;
use svckit_core::name::{Dependency, GroupName};
use svckit_core::status::{ServiceState, StateFilter};
use svckit_core::win32::Win32Error;

use super::Fixture;
use super::fixture::{code, create, manager, open, reaches, start, stop};
use crate::gate::{Gate, Reporter};

super::cases!(
    what_is_needed_is_started_first,
    a_service_waits_until_its_dependency_runs,
    a_service_that_is_needed_cannot_be_stopped,
    a_missing_dependency_is_named,
    a_dependency_marked_for_deletion_counts_as_missing,
    a_failed_dependency_fails_the_start,
    a_disabled_dependency_fails_the_start,
    a_group_is_up_when_one_of_it_is,
    dependents_are_listed_in_the_order_to_stop_them,
    dependents_are_filtered_by_state,
);

fn what_is_needed_is_started_first(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let reporter = Reporter::new();
    let script = format!("report={}", reporter.address());
    let base = fixture.service("base", &[&script]);
    let middle = fixture.dependent("middle", &[&script], &[&base]);
    let top = fixture.dependent("top", &[&script], &[&middle, &base]);
    for new in [&base, &middle, &top] {
        create(&*manager, new);
    }
    start(&*open(&*manager, &top.name));
    let order: Vec<String> = (0..3).map(|_| reporter.next().swap_remove(1)).collect();
    assert_eq!(order, [base.name.as_str(), middle.name.as_str(), top.name.as_str()]);
    for new in [&base, &middle] {
        assert_eq!(open(&*manager, &new.name).status().unwrap().state, ServiceState::RUNNING);
    }
}

fn a_service_waits_until_its_dependency_runs(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let gate = Gate::new();
    let reporter = Reporter::new();
    let slow = fixture.service("slow", &[&format!("start=gate:{}", gate.address())]);
    let waiting = fixture.dependent("waiting", &[&format!("report={}", reporter.address())], &[&slow]);
    create(&*manager, &slow);
    let waiting = create(&*manager, &waiting);
    // The call comes back when the process of the service itself has connected, and so not before the gate was opened.
    let gatekeeper = std::thread::spawn(move || {
        let held = gate.arrival();
        let early = reporter.rest();
        held.release();
        (early, reporter)
    });
    waiting.start(&[]).unwrap();
    let (early, reporter) = gatekeeper.join().unwrap();
    assert_eq!(early, Vec::<Vec<String>>::new(), "it was not started yet");
    reporter.next_of("started");
    reaches(&*waiting, ServiceState::RUNNING);
    assert_eq!(open(&*manager, &slow.name).status().unwrap().state, ServiceState::RUNNING);
}

fn a_service_that_is_needed_cannot_be_stopped(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let base = fixture.service("base", &[]);
    let top = fixture.dependent("top", &[], &[&base]);
    let base = create(&*manager, &base);
    let top = create(&*manager, &top);
    start(&*top);
    assert_eq!(code(base.control(Control::STOP)), Win32Error::DEPENDENT_SERVICES_RUNNING);
    assert_eq!(base.status().unwrap().state, ServiceState::RUNNING);
    stop(&*top);
    stop(&*base);
}

fn a_missing_dependency_is_named(backend: &dyn Backend, fixture: &Fixture) {
    let missing = fixture.service("missing", &[]);
    let service = create(&*manager(backend), &fixture.dependent("needing", &[], &[&missing]));
    let error = service.start(&[]).unwrap_err();
    assert_eq!(error.code, Win32Error::SERVICE_DEPENDENCY_DELETED);
    assert_eq!(service.status().unwrap().state, ServiceState::STOPPED);
}

fn a_dependency_marked_for_deletion_counts_as_missing(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let base = fixture.service("base", &[]);
    let top = fixture.dependent("top", &[], &[&base]);
    let base = create(&*manager, &base);
    let top = create(&*manager, &top);
    base.delete().unwrap();
    assert_eq!(code(top.start(&[])), Win32Error::SERVICE_DEPENDENCY_DELETED);
}

/// The end of a service whose start failed on its way, whether the call waited for it or not.
fn fails_to_start(manager: &dyn Manager, new: &NewService) -> Win32Error {
    let service = open(manager, &new.name);
    match service.start(&[]) {
        Err(error) => error.code,
        Ok(()) => reaches(&*service, ServiceState::STOPPED).win32_exit_code,
    }
}

fn a_failed_dependency_fails_the_start(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let base = fixture.service("base", &["start=stop:5"]);
    let middle = fixture.dependent("middle", &[], &[&base]);
    let top = fixture.dependent("top", &[], &[&middle]);
    for new in [&base, &middle, &top] {
        create(&*manager, new);
    }
    assert_eq!(fails_to_start(&*manager, &top), Win32Error::SERVICE_DEPENDENCY_FAIL);
    assert_eq!(open(&*manager, &top.name).status().unwrap().state, ServiceState::STOPPED);
    assert_eq!(open(&*manager, &base.name).status().unwrap().win32_exit_code, Win32Error(5));
}

fn a_disabled_dependency_fails_the_start(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let mut base = fixture.service("base", &[]);
    base.config.start_type = StartType::DISABLED;
    let top = fixture.dependent("top", &[], &[&base]);
    for new in [&base, &top] {
        create(&*manager, new);
    }
    let code = fails_to_start(&*manager, &top);
    assert!([Win32Error::SERVICE_DEPENDENCY_FAIL, Win32Error::SERVICE_DISABLED].contains(&code), "{code:?}");
}

fn a_group_is_up_when_one_of_it_is(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let group = GroupName::new(fixture.text("group")).unwrap();
    let mut works = fixture.service("works", &[]);
    let mut fails = fixture.service("fails", &["start=stop:5"]);
    for new in [&mut works, &mut fails] {
        new.config.load_order_group = Some(group.clone());
        create(&*manager, new);
    }
    let mut top = fixture.service("top", &[]);
    top.config.dependencies = vec![Dependency::Group(group)];
    let top = create(&*manager, &top);
    start(&*top);
    assert_eq!(open(&*manager, &works.name).status().unwrap().state, ServiceState::RUNNING);
}

/// A chain of three with a branch: `base` ← `middle` ← `top`, `base` ← `side`.
fn chain(manager: &dyn Manager, fixture: &Fixture) -> [NewService; 4] {
    let base = fixture.service("base", &[]);
    let middle = fixture.dependent("middle", &[], &[&base]);
    let top = fixture.dependent("top", &[], &[&middle]);
    let side = fixture.dependent("side", &[], &[&base]);
    let all = [base, middle, top, side];
    for new in &all {
        create(manager, new);
    }
    all
}

fn position(found: &[Enumerated], new: &NewService) -> Option<usize> {
    found.iter().position(|service| service.name == new.name.as_str())
}

fn dependents_are_listed_in_the_order_to_stop_them(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let [base, middle, top, side] = chain(&*manager, fixture);
    let found = open(&*manager, &base.name).dependents(StateFilter::ALL).unwrap();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(position(&found, &top).unwrap() < position(&found, &middle).unwrap());
    assert!(position(&found, &side).is_some());
    assert!(!found[0].display_name.is_empty());
    let found = open(&*manager, &middle.name).dependents(StateFilter::ALL).unwrap();
    assert_eq!((found.len(), position(&found, &top)), (1, Some(0)));
    assert_eq!(open(&*manager, &top.name).dependents(StateFilter::ALL).unwrap(), []);
}

fn dependents_are_filtered_by_state(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let [base, middle, top, side] = chain(&*manager, fixture);
    let service = manager.open_service(base.name.as_str(), ServiceAccess::ENUMERATE_DEPENDENTS).unwrap();
    assert_eq!(service.dependents(StateFilter::ACTIVE).unwrap(), []);
    start(&*open(&*manager, &middle.name));
    let active = service.dependents(StateFilter::ACTIVE).unwrap();
    assert_eq!((active.len(), position(&active, &middle)), (1, Some(0)));
    assert_eq!(active[0].status.state, ServiceState::RUNNING);
    let inactive = service.dependents(StateFilter::INACTIVE).unwrap();
    assert!(position(&inactive, &top).is_some() && position(&inactive, &side).is_some());
    assert_eq!(inactive.len(), 2);
}
