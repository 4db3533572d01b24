//! Rights: a call needs the right that its handle was opened with, and no other.

use std::time::Duration;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Backend, Manager, Service};
use svckit_core::config::{Config2Change, Config2Level, ConfigChange};
use svckit_core::control::Control;
use svckit_core::error::Result;
use svckit_core::failure::{ActionType, FailureAction, FailureActionsChange, ResetPeriod};
use svckit_core::kind::ServiceType;
use svckit_core::status::{NotifyMask, StateFilter};
use svckit_core::win32::Win32Error;

use super::Fixture;
use super::fixture::{code, manager, start};

super::cases!(
    every_call_on_a_service_needs_its_right,
    the_list_of_dependents_needs_its_right,
    every_call_on_the_manager_needs_its_right,
    a_restart_action_needs_the_right_to_start,
    generic_rights_stand_for_the_specific_ones,
    the_most_that_is_allowed_is_all_for_the_owner,
);

type Call = fn(&dyn Service) -> Result<()>;

/// Each call with the right that it needs.
const CALLS: [(&str, ServiceAccess, Call); 12] = [
    ("config", ServiceAccess::QUERY_CONFIG, |s| s.config().map(drop)),
    ("config2", ServiceAccess::QUERY_CONFIG, |s| s.config2(Config2Level::DESCRIPTION).map(drop)),
    ("change", ServiceAccess::CHANGE_CONFIG, |s| s.change_config(&ConfigChange::default()).map(drop)),
    ("change2", ServiceAccess::CHANGE_CONFIG, |s| s.change_config2(&Config2Change::Description(None))),
    ("status", ServiceAccess::QUERY_STATUS, |s| s.status().map(drop)),
    ("wait", ServiceAccess::QUERY_STATUS, |s| s.wait(NotifyMask::SERVICE, Duration::from_secs(60)).map(drop)),
    ("start", ServiceAccess::START, |s| s.start(&[])),
    ("interrogate", ServiceAccess::INTERROGATE, |s| s.control(Control::INTERROGATE).map(drop)),
    ("pause", ServiceAccess::PAUSE_CONTINUE, |s| s.control(Control::PAUSE).map(drop)),
    ("custom", ServiceAccess::USER_DEFINED_CONTROL, |s| s.control(Control(128)).map(drop)),
    ("stop", ServiceAccess::STOP, |s| s.control(Control::STOP).map(drop)),
    ("delete", ServiceAccess::DELETE, |s| s.delete()),
];

fn every_call_on_a_service_needs_its_right(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let service = fixture.create(&*manager, "guarded", &["accept=STOP,PAUSE_CONTINUE"]);
    start(&*service);
    for (call, right, make) in CALLS {
        match needs(&*manager, fixture, call, right, make) {
            Ok(()) => {}
            // It runs already, so the right was there.
            Err(error) if call == "start" => assert_eq!(error.code, Win32Error::SERVICE_ALREADY_RUNNING),
            Err(error) => panic!("{call} with {right} only: {error}"),
        }
    }
}

/// A call on the service `guarded` is denied with all rights but its own; returned is what comes of it with this one alone.
fn needs(
    manager: &dyn Manager,
    fixture: &Fixture,
    call: &str,
    right: ServiceAccess,
    make: Call,
) -> Result<()> {
    let open = |access| manager.open_service(fixture.name("guarded").as_str(), access).unwrap();
    let denied = make(&*open(ServiceAccess::ALL_ACCESS.without(right)));
    assert_eq!(code(denied), Win32Error::ACCESS_DENIED, "{call} without {right}");
    make(&*open(right))
}

fn the_list_of_dependents_needs_its_right(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    fixture.create(&*manager, "guarded", &[]);
    let list: Call = |service| service.dependents(StateFilter::ALL).map(drop);
    needs(&*manager, fixture, "dependents", ServiceAccess::ENUMERATE_DEPENDENTS, list).unwrap();
}

fn every_call_on_the_manager_needs_its_right(backend: &dyn Backend, fixture: &Fixture) {
    let connected = backend.open_manager(ManagerAccess::CONNECT).unwrap();
    let denied = Win32Error::ACCESS_DENIED;
    let created = connected.create_service(&fixture.service("denied", &[]), ServiceAccess::ALL_ACCESS);
    assert_eq!(code(created), denied);
    assert_eq!(code(connected.enumerate(ServiceType::WIN32, StateFilter::ALL, None)), denied);
    let lister = backend.open_manager(ManagerAccess::ENUMERATE_SERVICE).unwrap();
    lister.enumerate(ServiceType::WIN32, StateFilter::ALL, None).unwrap();
    let creator = backend.open_manager(ManagerAccess::CREATE_SERVICE).unwrap();
    creator.create_service(&fixture.service("created", &[]), ServiceAccess::QUERY_STATUS).unwrap();
}

fn a_restart_action_needs_the_right_to_start(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    fixture.create(&*manager, "restarted", &[]);
    let handle = |access| manager.open_service(fixture.name("restarted").as_str(), access).unwrap();
    let actions = |kind| {
        let actions = vec![FailureAction { kind, delay: Duration::ZERO }];
        Config2Change::FailureActions(FailureActionsChange {
            actions: Some((ResetPeriod::Never, actions)),
            ..Default::default()
        })
    };
    let changer = handle(ServiceAccess::CHANGE_CONFIG);
    assert_eq!(code(changer.change_config2(&actions(ActionType::RESTART))), Win32Error::ACCESS_DENIED);
    changer.change_config2(&actions(ActionType::NONE)).unwrap();
    let starter = handle(ServiceAccess::CHANGE_CONFIG | ServiceAccess::START);
    starter.change_config2(&actions(ActionType::RESTART)).unwrap();
}

fn generic_rights_stand_for_the_specific_ones(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    fixture.create(&*manager, "generic", &[]);
    let open = |access| manager.open_service(fixture.name("generic").as_str(), access).unwrap();
    let reader = open(ServiceAccess::GENERIC_READ);
    reader.config().unwrap();
    reader.status().unwrap();
    assert_eq!(code(reader.start(&[])), Win32Error::ACCESS_DENIED);
    let runner = open(ServiceAccess::GENERIC_EXECUTE);
    assert_eq!(code(runner.config()), Win32Error::ACCESS_DENIED);
    runner.start(&[]).unwrap();
    let writer = open(ServiceAccess::GENERIC_WRITE);
    writer.change_config(&ConfigChange::default()).unwrap();
    assert_eq!(code(writer.status()), Win32Error::ACCESS_DENIED);
    open(ServiceAccess::GENERIC_ALL).delete().unwrap();
}

fn the_most_that_is_allowed_is_all_for_the_owner(backend: &dyn Backend, fixture: &Fixture) {
    let manager = backend.open_manager(ManagerAccess::MAXIMUM_ALLOWED).unwrap();
    let new = fixture.service("most", &[]);
    let (service, _) = manager.create_service(&new, ServiceAccess::MAXIMUM_ALLOWED).unwrap();
    service.status().unwrap();
    service.change_config(&ConfigChange::default()).unwrap();
    service.delete().unwrap();
}
