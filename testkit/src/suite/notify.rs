//! Waiting for a change.

use std::time::Duration;

use svckit_core::backend::{Backend, SetChange, Watch};
use svckit_core::control::Control;
use svckit_core::name::ServiceName;
use svckit_core::status::{NotifyMask, ServiceState};

use super::Fixture;
use super::fixture::{manager, open, start};
use crate::PATIENCE;

super::cases!(
    a_state_that_is_there_is_told_at_once,
    a_wait_ends_with_its_time,
    a_change_by_another_is_told,
    a_state_is_told_once,
    only_states_asked_for_are_told,
    a_created_and_a_deleted_service_are_told,
    a_watch_on_all_services_ends_with_its_time,
    a_service_is_told_to_be_deleted_when_it_is_gone,
);

fn a_state_that_is_there_is_told_at_once(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "there", &[]);
    let told = service.wait(NotifyMask::SERVICE, PATIENCE).unwrap().unwrap();
    assert_eq!(told.triggered, NotifyMask::STOPPED);
    assert_eq!(told.status.state, ServiceState::STOPPED);
}

fn a_wait_ends_with_its_time(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "quiet", &[]);
    assert_eq!(service.wait(NotifyMask::RUNNING, Duration::from_millis(20)).unwrap(), None);
    // The handle is as good as before.
    start(&*service);
}

fn a_change_by_another_is_told(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let watched = fixture.create(&*manager, "watched", &[]);
    let other = open(&*manager, &fixture.name("watched"));
    assert_eq!(watched.wait(NotifyMask::RUNNING, Duration::from_millis(1)).unwrap(), None);
    other.start(&[]).unwrap();
    let told = watched.wait(NotifyMask::RUNNING | NotifyMask::STOP_PENDING, PATIENCE).unwrap().unwrap();
    assert_eq!(told.triggered, NotifyMask::RUNNING);
    assert_ne!(told.status.pid, 0);
    other.control(Control::STOP).unwrap();
    let told = watched.wait(NotifyMask::STOPPED, PATIENCE).unwrap().unwrap();
    assert_eq!(told.status.pid, 0);
}

fn a_state_is_told_once(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let service = fixture.create(&*manager, "once", &[]);
    start(&*service);
    assert_eq!(service.wait(NotifyMask::RUNNING, Duration::from_millis(20)).unwrap(), None, "told already");
    let other = open(&*manager, &fixture.name("once"));
    assert!(other.wait(NotifyMask::RUNNING, PATIENCE).unwrap().is_some(), "another handle was not told");
}

fn only_states_asked_for_are_told(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "some", &["accept=STOP,PAUSE_CONTINUE"]);
    service.start(&[]).unwrap();
    service.wait(NotifyMask::RUNNING, PATIENCE).unwrap().unwrap();
    service.control(Control::PAUSE).unwrap();
    let told = service.wait(NotifyMask::PAUSED | NotifyMask::STOPPED, PATIENCE).unwrap().unwrap();
    assert_eq!(told.triggered, NotifyMask::PAUSED);
}

/// Waits until a service is told to be among the created or the deleted ones; others may come and go meanwhile.
fn told_of(watch: &mut dyn Watch, name: &ServiceName, which: fn(&SetChange) -> &Vec<String>) {
    loop {
        let change = watch.wait(PATIENCE).unwrap().expect("the change is told");
        if which(&change).iter().any(|told| told == name.as_str()) {
            return;
        }
    }
}

fn a_created_and_a_deleted_service_are_told(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let mut watch = manager.watch().unwrap();
    for _ in 0..2 {
        let service = fixture.create(&*manager, "told", &[]);
        told_of(&mut *watch, &fixture.name("told"), |change| &change.created);
        service.delete().unwrap();
        drop(service);
        told_of(&mut *watch, &fixture.name("told"), |change| &change.deleted);
    }
}

fn a_watch_on_all_services_ends_with_its_time(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let mut watch = manager.watch().unwrap();
    assert_eq!(watch.wait(Duration::from_millis(1)).unwrap(), None);
    // It is as good as before.
    fixture.create(&*manager, "later", &[]);
    told_of(&mut *watch, &fixture.name("later"), |change| &change.created);
}

fn a_service_is_told_to_be_deleted_when_it_is_gone(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let service = fixture.create(&*manager, "held", &[]);
    let other = open(&*manager, &fixture.name("held"));
    let mut watch = manager.watch().unwrap();
    service.delete().unwrap();
    drop(service);
    let told = watch.wait(Duration::from_millis(20)).unwrap().unwrap_or_default();
    assert!(!told.deleted.contains(&fixture.text("held")), "a handle is open");
    drop(other);
    told_of(&mut *watch, &fixture.name("held"), |change| &change.deleted);
}
