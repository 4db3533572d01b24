//! Deletion: a mark first, the end when nobody holds the service any more.

use svckit_core::access::ServiceAccess;
use svckit_core::backend::{Backend, Manager};
use svckit_core::config::ConfigChange;
use svckit_core::control::Control;
use svckit_core::kind::ServiceType;
use svckit_core::name::ServiceName;
use svckit_core::status::{NotifyMask, StateFilter};
use svckit_core::win32::Win32Error;

use super::Fixture;
use super::fixture::{code, create, manager, open, start};
use crate::PATIENCE;
use crate::gate::Gate;

super::cases!(
    a_deleted_service_is_gone_with_its_last_handle,
    a_marked_service_takes_no_further_changes,
    a_marked_service_is_not_started,
    a_marked_service_is_not_waited_for,
    a_marked_service_runs_until_it_is_stopped,
    a_marked_service_is_gone_when_it_has_stopped,
    a_name_is_free_again_after_the_end,
);

const MARKED: Win32Error = Win32Error::SERVICE_MARKED_FOR_DELETE;

fn exists(manager: &dyn Manager, name: &ServiceName) -> bool {
    manager
        .enumerate(ServiceType::WIN32, StateFilter::ALL, None)
        .unwrap()
        .iter()
        .any(|found| found.name == name.as_str())
}

fn a_deleted_service_is_gone_with_its_last_handle(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let name = fixture.name("gone");
    let first = fixture.create(&*manager, "gone", &[]);
    let second = open(&*manager, &name);
    first.delete().unwrap();
    drop(first);
    assert!(exists(&*manager, &name), "a handle is open");
    second.status().unwrap();
    drop(second);
    assert!(!exists(&*manager, &name));
    let opened = manager.open_service(name.as_str(), ServiceAccess::QUERY_STATUS);
    assert_eq!(code(opened), Win32Error::SERVICE_DOES_NOT_EXIST);
}

fn a_marked_service_takes_no_further_changes(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let new = fixture.service("marked", &[]);
    let service = create(&*manager, &new);
    let _other = open(&*manager, &new.name);
    service.delete().unwrap();
    assert_eq!(code(service.delete()), MARKED);
    assert_eq!(code(service.change_config(&ConfigChange::default())), MARKED);
    assert_eq!(code(manager.create_service(&new, ServiceAccess::ALL_ACCESS)), MARKED);
}

fn a_marked_service_is_not_started(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "marked", &[]);
    service.delete().unwrap();
    assert_eq!(code(service.start(&[])), MARKED);
}

fn a_marked_service_is_not_waited_for(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "marked", &[]);
    start(&*service);
    service.delete().unwrap();
    assert_eq!(code(service.wait(NotifyMask::STOPPED, PATIENCE)), MARKED);
}

fn a_marked_service_runs_until_it_is_stopped(backend: &dyn Backend, fixture: &Fixture) {
    run_marked(&*manager(backend), fixture);
}

fn a_marked_service_is_gone_when_it_has_stopped(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    run_marked(&*manager, fixture);
    assert!(!exists(&*manager, &fixture.name("running")));
}

/// Marks a service while it runs and then stops it. No handle of it is left open.
fn run_marked(manager: &dyn Manager, fixture: &Fixture) {
    let name = fixture.name("running");
    let gate = Gate::new();
    let alive = format!("alive={}", gate.address());
    let service = fixture.create(manager, "running", &[&alive]);
    let pid = start(&*service).pid;
    service.delete().unwrap();
    drop(service);
    assert!(exists(manager, &name), "it runs");
    let service = open(manager, &name);
    assert_eq!(service.status().unwrap().pid, pid);
    service.control(Control::STOP).unwrap();
    // It may answer before it has stopped, and nobody can wait for the state of a marked service.
    gate.arrival().gone();
}

fn a_name_is_free_again_after_the_end(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    for _ in 0..3 {
        let service = fixture.create(&*manager, "again", &[]);
        service.delete().unwrap();
    }
    assert!(!exists(&*manager, &fixture.name("again")));
}
