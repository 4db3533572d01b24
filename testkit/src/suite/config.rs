//! The basic configuration: what was set comes back, what is absent stays, what can't be is refused.

use svckit_core::access::ServiceAccess;
use svckit_core::backend::Backend;
use svckit_core::config::{ConfigChange, NewService, ServiceConfig};
use svckit_core::kind::{ErrorControl, ServiceType, StartType};
use svckit_core::name::{Dependency, GroupName};
use svckit_core::win32::Win32Error;

use super::Fixture;
use super::fixture::{code, create, manager, open};

super::cases!(
    a_configuration_comes_back_as_it_was_given,
    an_absent_field_stays,
    every_field_can_be_changed,
    dependencies_come_back_as_they_were_given,
    dependencies_are_cleared_by_an_empty_list,
    a_tag_is_unique_in_its_group,
    a_tag_needs_a_group,
    a_type_that_is_none_is_refused,
    a_start_type_that_is_none_is_refused,
    an_error_control_that_is_none_is_refused,
    a_refused_change_changes_nothing,
    a_service_on_a_missing_dependency_can_be_created,
    a_circle_is_refused,
);

fn a_configuration_comes_back_as_it_was_given(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let mut new = fixture.service("whole", &["start=ok", "two words", "quo\"te"]);
    new.config.service_type = ServiceType::WIN32_SHARE_PROCESS;
    new.config.start_type = StartType::DISABLED;
    new.config.error_control = ErrorControl::SEVERE;
    new.config.load_order_group = Some(GroupName::new(fixture.text("group")).unwrap());
    new.config.display_name = format!("Gänze \u{1F600} {}", fixture.text("all")).parse().unwrap();
    drop(create(&*manager, &new));
    let config = open(&*manager, &new.name).config().unwrap();
    assert_eq!(config, new.config);
    assert_eq!(config.display_name.as_str(), new.config.display_name.as_str());
}

fn an_absent_field_stays(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let new = fixture.service("stays", &[]);
    let service = create(&*manager, &new);
    assert_eq!(service.change_config(&ConfigChange::default()).unwrap(), 0);
    assert_eq!(service.config().unwrap(), new.config);
}

fn every_field_can_be_changed(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let mut expected = fixture.service("changed", &[]);
    let service = create(&*manager, &expected);
    let target = fixture.service("other", &["other"]).config;
    let group = Some(GroupName::new(fixture.text("group")).unwrap());
    let changes = [
        ConfigChange { service_type: Some(ServiceType::WIN32_SHARE_PROCESS), ..Default::default() },
        ConfigChange { start_type: Some(StartType::AUTO_START), ..Default::default() },
        ConfigChange { error_control: Some(ErrorControl::IGNORE), ..Default::default() },
        ConfigChange { image_path: Some(target.image_path), ..Default::default() },
        ConfigChange { load_order_group: Some(group), ..Default::default() },
        ConfigChange { display_name: Some(target.display_name), ..Default::default() },
        ConfigChange { load_order_group: Some(None), ..Default::default() },
    ];
    for change in changes {
        service.change_config(&change).unwrap();
        apply(&mut expected, change.clone());
        assert_eq!(service.config().unwrap(), expected.config, "after {change:?}");
    }
    assert_eq!(open(&*manager, &expected.name).config().unwrap(), expected.config);
}

fn apply(service: &mut NewService, change: ConfigChange) {
    let config = &mut service.config;
    config.service_type = change.service_type.unwrap_or(config.service_type);
    config.start_type = change.start_type.unwrap_or(config.start_type);
    config.error_control = change.error_control.unwrap_or(config.error_control);
    if let Some(image_path) = change.image_path {
        config.image_path = image_path;
    }
    if let Some(group) = change.load_order_group {
        config.load_order_group = group;
    }
    if let Some(display_name) = change.display_name {
        config.display_name = display_name;
    }
}

fn dependencies_come_back_as_they_were_given(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let mut new = fixture.service("needing", &[]);
    new.config.dependencies = vec![
        Dependency::new(&fixture.text("some")).unwrap(),
        Dependency::new(&fixture.text("+Any")).unwrap(),
    ];
    let service = create(&*manager, &new);
    let found = open(&*manager, &new.name).config().unwrap().dependencies;
    assert_eq!(found, new.config.dependencies);
    assert_eq!(found[0].to_string(), new.config.dependencies[0].to_string());

    let other = vec![Dependency::Service(fixture.name("other"))];
    let change = ConfigChange { dependencies: Some(other.clone()), ..Default::default() };
    service.change_config(&change).unwrap();
    assert_eq!(service.config().unwrap().dependencies, other);
}

fn dependencies_are_cleared_by_an_empty_list(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let needed = fixture.service("needed", &[]);
    let service = create(&*manager, &fixture.dependent("needing", &[], &[&needed]));
    let cleared = ConfigChange { dependencies: Some(Vec::new()), ..Default::default() };
    service.change_config(&cleared).unwrap();
    assert_eq!(service.config().unwrap().dependencies, []);
}

fn a_tag_is_unique_in_its_group(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let group = Some(GroupName::new(fixture.text("group")).unwrap());
    let mut tags = Vec::new();
    for stem in ["one", "two", "three"] {
        let mut new = fixture.service(stem, &[]);
        new.config.load_order_group = group.clone();
        new.want_tag = true;
        let (service, tag) = manager.create_service(&new, ServiceAccess::ALL_ACCESS).unwrap();
        assert_eq!(service.config().unwrap().tag, tag);
        tags.push(tag);
    }
    let service = open(&*manager, &fixture.name("two"));
    let again = ConfigChange { want_tag: true, load_order_group: Some(group), ..Default::default() };
    tags[1] = service.change_config(&again).unwrap();
    assert_eq!(service.config().unwrap().tag, tags[1]);
    assert!(tags.iter().all(|tag| *tag != 0), "{tags:?}");
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), 3);
}

fn a_tag_needs_a_group(backend: &dyn Backend, fixture: &Fixture) {
    let mut new = fixture.service("tagged", &[]);
    new.want_tag = true;
    let created = manager(backend).create_service(&new, ServiceAccess::ALL_ACCESS);
    assert_eq!(code(created), Win32Error::INVALID_PARAMETER);
}

fn is_refused(backend: &dyn Backend, fixture: &Fixture, spoil: impl FnOnce(&mut ServiceConfig)) {
    let mut new = fixture.service("bad", &[]);
    spoil(&mut new.config);
    let created = manager(backend).create_service(&new, ServiceAccess::ALL_ACCESS);
    assert_eq!(code(created), Win32Error::INVALID_PARAMETER, "{:?}", new.config);
}

fn a_type_that_is_none_is_refused(backend: &dyn Backend, fixture: &Fixture) {
    for bad in [0, 0x11, 0x30] {
        is_refused(backend, fixture, |config| config.service_type = ServiceType(bad));
    }
}

fn a_start_type_that_is_none_is_refused(backend: &dyn Backend, fixture: &Fixture) {
    // Only drivers start with the system.
    for bad in [StartType(5), StartType::BOOT_START] {
        is_refused(backend, fixture, |config| config.start_type = bad);
    }
}

fn an_error_control_that_is_none_is_refused(backend: &dyn Backend, fixture: &Fixture) {
    is_refused(backend, fixture, |config| config.error_control = ErrorControl(4));
}

fn a_refused_change_changes_nothing(backend: &dyn Backend, fixture: &Fixture) {
    let new = fixture.service("kept", &[]);
    let service = create(&*manager(backend), &new);
    let change = ConfigChange {
        display_name: Some(fixture.text("never").parse().unwrap()),
        start_type: Some(StartType(9)),
        ..Default::default()
    };
    assert_eq!(code(service.change_config(&change)), Win32Error::INVALID_PARAMETER);
    assert_eq!(service.config().unwrap(), new.config);
}

fn a_service_on_a_missing_dependency_can_be_created(backend: &dyn Backend, fixture: &Fixture) {
    let missing = fixture.service("missing", &[]);
    let new = fixture.dependent("early", &[], &[&missing]);
    let manager = manager(backend);
    drop(create(&*manager, &new));
    open(&*manager, &new.name).status().unwrap();
}

fn a_circle_is_refused(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let b = fixture.service("b", &[]);
    let a = fixture.dependent("a", &[], &[&b]);
    let _a = create(&*manager, &a);
    let round = fixture.dependent("b", &[], &[&a]);
    let created = manager.create_service(&round, ServiceAccess::ALL_ACCESS);
    assert_eq!(code(created), Win32Error::CIRCULAR_DEPENDENCY);
    let b = create(&*manager, &b);
    let change = ConfigChange { dependencies: Some(round.config.dependencies), ..Default::default() };
    assert_eq!(code(b.change_config(&change)), Win32Error::CIRCULAR_DEPENDENCY);
    assert_eq!(b.config().unwrap().dependencies, []);
}
