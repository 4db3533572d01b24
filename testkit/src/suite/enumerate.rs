//! Enumeration and its filters.

use svckit_core::backend::{Backend, Enumerated, Manager};
use svckit_core::config::NewService;
use svckit_core::kind::ServiceType;
use svckit_core::name::GroupName;
use svckit_core::status::{ServiceState, StateFilter};
use svckit_core::win32::Win32Error;

use super::Fixture;
use super::fixture::{code, create, manager, open, start};

super::cases!(
    a_service_is_listed_with_its_status,
    types_are_told_apart,
    states_are_told_apart,
    groups_are_told_apart,
    a_group_is_found_whatever_its_case,
    no_group_is_a_group_too,
    a_filter_that_is_none_is_refused,
    a_filter_of_unknown_states_is_refused,
    a_long_list_is_complete,
);

fn find<'a>(found: &'a [Enumerated], new: &NewService) -> Option<&'a Enumerated> {
    found.iter().find(|service| service.name == new.name.as_str())
}

fn list(manager: &dyn Manager, types: ServiceType, states: StateFilter) -> Vec<Enumerated> {
    manager.enumerate(types, states, None).unwrap()
}

fn a_service_is_listed_with_its_status(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let new = fixture.service("Listed", &[]);
    let service = create(&*manager, &new);
    let status = start(&*service);
    let all = list(&*manager, ServiceType::WIN32, StateFilter::ALL);
    let found = find(&all, &new).expect("it is there, its case kept");
    assert_eq!(found.display_name, new.config.display_name.as_str());
    assert_eq!(found.status, status);
}

fn types_are_told_apart(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let types = [
        ServiceType::WIN32_OWN_PROCESS,
        ServiceType::WIN32_SHARE_PROCESS,
        ServiceType::KERNEL_DRIVER,
        ServiceType::FILE_SYSTEM_DRIVER,
    ];
    let services = types.map(|service_type| {
        let mut new = fixture.service(&format!("type{}", service_type.0), &[]);
        new.config.service_type = service_type;
        if !service_type.is_win32() {
            new.config.account = None;
        }
        create(&*manager, &new);
        new
    });
    for asked in types.into_iter().chain([ServiceType::WIN32, ServiceType::DRIVER]) {
        let found = list(&*manager, asked, StateFilter::ALL);
        for new in &services {
            let expected = asked.intersects(new.config.service_type);
            assert_eq!(find(&found, new).is_some(), expected, "{} among {asked}", new.name);
        }
    }
}

fn states_are_told_apart(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let running = fixture.service("running", &[]);
    let stopped = fixture.service("stopped", &[]);
    create(&*manager, &stopped);
    start(&*create(&*manager, &running));
    let active = list(&*manager, ServiceType::WIN32, StateFilter::ACTIVE);
    assert!(find(&active, &running).is_some() && find(&active, &stopped).is_none());
    assert!(active.iter().all(|service| service.status.state != ServiceState::STOPPED));
    let inactive = list(&*manager, ServiceType::WIN32, StateFilter::INACTIVE);
    assert!(find(&inactive, &running).is_none() && find(&inactive, &stopped).is_some());
}

fn member(fixture: &Fixture, group: &str) -> NewService {
    let mut member = fixture.service("member", &[]);
    member.config.load_order_group = Some(GroupName::new(group).unwrap());
    member
}

fn groups_are_told_apart(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let group = fixture.text("Group");
    let member = member(fixture, &group);
    let loner = fixture.service("loner", &[]);
    create(&*manager, &member);
    create(&*manager, &loner);
    let of = |group: &str| manager.enumerate(ServiceType::WIN32, StateFilter::ALL, Some(group));
    let found = of(&group).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(find(&found, &member).is_some());
    assert_eq!(code(of(&fixture.text("no such group"))), Win32Error::SERVICE_DOES_NOT_EXIST);
}

fn a_group_is_found_whatever_its_case(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let group = fixture.text("Group");
    let member = member(fixture, &group);
    create(&*manager, &member);
    for name in [group.to_uppercase(), group.to_lowercase()] {
        let found = manager.enumerate(ServiceType::WIN32, StateFilter::ALL, Some(&name)).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(find(&found, &member).is_some());
    }
}

fn no_group_is_a_group_too(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let member = member(fixture, &fixture.text("group"));
    let loner = fixture.service("loner", &[]);
    create(&*manager, &member);
    create(&*manager, &loner);
    let ungrouped = manager.enumerate(ServiceType::WIN32, StateFilter::ALL, Some("")).unwrap();
    assert!(find(&ungrouped, &member).is_none() && find(&ungrouped, &loner).is_some());
}

fn a_filter_that_is_none_is_refused(backend: &dyn Backend, _: &Fixture) {
    let manager = manager(backend);
    let bad = Win32Error::INVALID_PARAMETER;
    assert_eq!(code(manager.enumerate(ServiceType(0), StateFilter::ALL, None)), bad);
    assert_eq!(code(manager.enumerate(ServiceType::WIN32, StateFilter(0), None)), bad);
}

fn a_filter_of_unknown_states_is_refused(backend: &dyn Backend, _: &Fixture) {
    let listed = manager(backend).enumerate(ServiceType::WIN32, StateFilter(4), None);
    assert_eq!(code(listed), Win32Error::INVALID_PARAMETER);
}

fn a_long_list_is_complete(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    // More than one answer of the protocol can hold.
    let long = "x".repeat(220);
    let services: Vec<NewService> = (0..600)
        .map(|number| {
            let mut new = fixture.service(&format!("long{number}"), &[]);
            new.config.display_name = fixture.text(&format!("{long}{number}")).parse().unwrap();
            create(&*manager, &new);
            new
        })
        .collect();
    let found = list(&*manager, ServiceType::WIN32, StateFilter::ALL);
    for new in &services {
        assert_eq!(found.iter().filter(|service| service.name == new.name.as_str()).count(), 1);
    }
    for new in &services {
        open(&*manager, &new.name).delete().unwrap();
    }
}
