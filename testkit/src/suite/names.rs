//! Names: what exists, what doesn't, what can't be.

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Backend;
use svckit_core::win32::Win32Error;

use super::Fixture;
use super::fixture::{code, create, manager, open};

super::cases!(
    a_created_service_can_be_opened_whatever_its_case,
    a_missing_service_is_said_to_be_missing,
    a_malformed_name_is_refused,
    a_name_is_taken_once,
    a_display_name_is_taken_once,
    a_display_name_is_no_key_name_of_another,
    a_display_name_may_be_the_key_name,
    names_are_looked_up_both_ways,
    an_empty_handle_right_on_the_manager_still_connects,
);

fn a_created_service_can_be_opened_whatever_its_case(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let new = fixture.service("Case", &[]);
    drop(create(&*manager, &new));
    for name in
        [new.name.as_str().to_owned(), new.name.as_str().to_uppercase(), new.name.as_str().to_lowercase()]
    {
        manager.open_service(&name, ServiceAccess::QUERY_STATUS).unwrap();
    }
    assert_eq!(
        manager.key_name(new.config.display_name.as_str()).unwrap(),
        new.name.as_str(),
        "the case is kept"
    );
}

fn a_missing_service_is_said_to_be_missing(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let missing = fixture.text("missing");
    let gone = Win32Error::SERVICE_DOES_NOT_EXIST;
    assert_eq!(code(manager.open_service(&missing, ServiceAccess::QUERY_STATUS)), gone);
    assert_eq!(code(manager.display_name(&missing)), gone);
    assert_eq!(code(manager.key_name(&missing)), gone);
}

fn a_malformed_name_is_refused(backend: &dyn Backend, _: &Fixture) {
    let manager = manager(backend);
    for name in ["", "a/b", r"a\b"] {
        let opened = manager.open_service(name, ServiceAccess::QUERY_STATUS);
        assert_eq!(code(opened), Win32Error::INVALID_NAME, "{name:?}");
    }
}

fn a_name_is_taken_once(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let first = fixture.service("Taken", &[]);
    let _first = create(&*manager, &first);
    let mut second = fixture.service("taken", &[]);
    second.config.display_name = fixture.text("another name").parse().unwrap();
    let again = manager.create_service(&second, ServiceAccess::ALL_ACCESS);
    assert_eq!(code(again), Win32Error::SERVICE_EXISTS);
}

fn a_display_name_is_taken_once(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let first = fixture.service("first", &[]);
    let _first = create(&*manager, &first);
    let mut second = fixture.service("second", &[]);
    second.config.display_name = first.config.display_name.as_str().to_uppercase().parse().unwrap();
    let again = manager.create_service(&second, ServiceAccess::ALL_ACCESS);
    assert_eq!(code(again), Win32Error::DUPLICATE_SERVICE_NAME);

    let second = fixture.create(&*manager, "second", &[]);
    let change = svckit_core::config::ConfigChange {
        display_name: Some(first.config.display_name.clone()),
        ..Default::default()
    };
    assert_eq!(code(second.change_config(&change)), Win32Error::DUPLICATE_SERVICE_NAME);
}

fn a_display_name_is_no_key_name_of_another(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let first = fixture.service("first", &[]);
    let _first = create(&*manager, &first);
    let mut second = fixture.service("second", &[]);
    second.config.display_name = first.name.as_str().parse().unwrap();
    let taken = manager.create_service(&second, ServiceAccess::ALL_ACCESS);
    assert_eq!(code(taken), Win32Error::DUPLICATE_SERVICE_NAME);
}

fn a_display_name_may_be_the_key_name(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let mut new = fixture.service("same", &[]);
    new.config.display_name = new.name.as_str().parse().unwrap();
    drop(create(&*manager, &new));
    assert_eq!(open(&*manager, &new.name).config().unwrap().display_name, new.config.display_name);
}

fn names_are_looked_up_both_ways(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let new = fixture.service("looked-up", &[]);
    let _service = create(&*manager, &new);
    let display_name = manager.display_name(&new.name.as_str().to_uppercase()).unwrap();
    assert_eq!(display_name, new.config.display_name.as_str());
    let key_name = manager.key_name(&new.config.display_name.as_str().to_lowercase()).unwrap();
    assert_eq!(key_name, new.name.as_str());
}

fn an_empty_handle_right_on_the_manager_still_connects(backend: &dyn Backend, fixture: &Fixture) {
    let _service = fixture.create(&*manager(backend), "connect", &[]);
    let manager = backend.open_manager(ManagerAccess::CONNECT).unwrap();
    manager.open_service(fixture.name("connect").as_str(), ServiceAccess::QUERY_STATUS).unwrap();
}
