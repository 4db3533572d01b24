//! Security descriptors: who may open what, and with which rights.

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Backend, Manager, Service};
use svckit_core::kind::ServiceType;
use svckit_core::rights::SERVICE_SECURITY;
use svckit_core::security::{SecurityDescriptor, SecurityInformation};
use svckit_core::status::StateFilter;
use svckit_core::win32::Win32Error;

use super::Fixture;
use super::fixture::{code, manager};

super::cases!(
    a_new_service_has_the_usual_access_list,
    an_access_list_comes_back_as_it_was_set,
    whoever_is_denied_a_right_is_not_granted_it,
    the_descriptor_of_a_service_needs_its_rights,
    the_descriptor_of_the_manager_needs_its_right,
    parts_that_nothing_has_are_refused,
    a_marked_service_keeps_its_access_list,
    whoever_may_not_ask_is_not_told_of_it,
);

const DACL: SecurityInformation = SecurityInformation::DACL;

fn set(service: &dyn Service, text: &str) {
    service.set_security(DACL, &text.parse().unwrap()).unwrap();
}

fn a_new_service_has_the_usual_access_list(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let service = fixture.create(&*manager, "usual", &[]);
    assert_eq!(service.security(DACL).unwrap().to_string(), SERVICE_SECURITY.only(DACL).to_string());
}

fn an_access_list_comes_back_as_it_was_set(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let service = fixture.create(&*manager, "listed", &[]);
    let kept = "(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;SY)";
    for (written, read) in [
        (format!("D:{kept}"), format!("D:{kept}")),
        (
            format!("D:(D;;0x100;;;S-1-5-21-1-2-3-4){kept}(A;;GR;;;WD)"),
            format!("D:(D;;CR;;;S-1-5-21-1-2-3-4){kept}(A;;CCLCSWLORC;;;WD)"),
        ),
    ] {
        set(&*service, &written);
        assert_eq!(service.security(DACL).unwrap().to_string(), read);
    }
}

fn whoever_is_denied_a_right_is_not_granted_it(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let service = fixture.create(&*manager, "denied", &[]);
    set(&*service, "D:(D;;DT;;;WD)(A;;GA;;;BA)(A;;GA;;;SY)");
    let name = fixture.name("denied");
    let open = |access| manager.open_service(name.as_str(), access);
    for denied in [
        ServiceAccess::PAUSE_CONTINUE,
        ServiceAccess::ALL_ACCESS,
        ServiceAccess::GENERIC_EXECUTE,
        ServiceAccess::PAUSE_CONTINUE | ServiceAccess::MAXIMUM_ALLOWED,
    ] {
        assert_eq!(code(open(denied)), Win32Error::ACCESS_DENIED, "{denied}");
    }
    open(ServiceAccess::ALL_ACCESS.without(ServiceAccess::PAUSE_CONTINUE)).unwrap();
    open(ServiceAccess::MAXIMUM_ALLOWED).unwrap().config().unwrap();
    // What is open stays open with its rights.
    set(&*service, "D:(A;;GA;;;BA)(A;;GA;;;SY)");
    open(ServiceAccess::ALL_ACCESS).unwrap();
}

fn the_descriptor_of_a_service_needs_its_rights(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let service = fixture.create(&*manager, "rights", &[]);
    let list = service.security(DACL).unwrap();
    let name = fixture.name("rights");
    let open = |access| manager.open_service(name.as_str(), access).unwrap();
    let denied = Win32Error::ACCESS_DENIED;
    let without = |right| open(ServiceAccess::ALL_ACCESS.without(right));
    for part in [DACL, SecurityInformation::OWNER, SecurityInformation::GROUP] {
        assert_eq!(code(without(ServiceAccess::READ_CONTROL).security(part)), denied, "{part}");
        open(ServiceAccess::READ_CONTROL).security(part).unwrap();
    }
    assert_eq!(code(service.security(SecurityInformation::SACL)), denied);
    assert_eq!(code(without(ServiceAccess::WRITE_DAC).set_security(DACL, &list)), denied);
    open(ServiceAccess::WRITE_DAC).set_security(DACL, &list).unwrap();
    let owned: SecurityDescriptor = "O:BAG:BA".parse().unwrap();
    let owner = SecurityInformation::OWNER;
    assert_eq!(code(without(ServiceAccess::WRITE_OWNER).set_security(owner, &owned)), denied);
    open(ServiceAccess::WRITE_OWNER).set_security(owner, &owned).unwrap();
    assert_eq!(service.security(owner).unwrap().to_string(), "O:BA");
    assert_eq!(code(service.set_security(owner, &list)), Win32Error::INVALID_OWNER);
}

fn the_descriptor_of_the_manager_needs_its_right(backend: &dyn Backend, _: &Fixture) {
    let reader = backend.open_manager(ManagerAccess::READ_CONTROL).unwrap();
    let list = reader.security(DACL).unwrap();
    assert!(list.to_string().contains("(A;;KA;;;BA)"), "{list}");
    let manager = backend.open_manager(ManagerAccess::ALL_ACCESS.without(ManagerAccess::READ_CONTROL));
    assert_eq!(code(manager.unwrap().security(DACL)), Win32Error::ACCESS_DENIED);
    assert_eq!(code(reader.set_security(DACL, &list)), Win32Error::ACCESS_DENIED);
    let manager = backend.open_manager(ManagerAccess::WRITE_DAC).unwrap();
    manager.set_security(DACL, &list).unwrap();
    assert_eq!(reader.security(DACL).unwrap(), list);
}

fn parts_that_nothing_has_are_refused(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let service = fixture.create(&*manager, "parts", &[]);
    let list = service.security(DACL).unwrap();
    let nothing = SecurityInformation::empty();
    assert_eq!(code(service.security(nothing)), Win32Error::INVALID_PARAMETER);
    assert_eq!(code(service.set_security(nothing, &list)), Win32Error::INVALID_PARAMETER);
}

fn a_marked_service_keeps_its_access_list(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let service = fixture.create(&*manager, "marked", &[]);
    let list = service.security(DACL).unwrap();
    service.delete().unwrap();
    assert_eq!(code(service.set_security(DACL, &list)), Win32Error::SERVICE_MARKED_FOR_DELETE);
}

fn whoever_may_not_ask_is_not_told_of_it(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let service = fixture.create(&*manager, "secret", &[]);
    let name = fixture.name("secret");
    let is_told = |manager: &dyn Manager| {
        let all = manager.enumerate(ServiceType::WIN32, StateFilter::ALL, None).unwrap();
        all.iter().any(|one| one.name == name.as_str())
    };
    assert!(is_told(&*manager));
    set(&*service, "D:(D;;LC;;;WD)(A;;GA;;;BA)(A;;GA;;;SY)");
    assert!(!is_told(&*manager));
    set(&*service, "D:(A;;GA;;;BA)(A;;GA;;;SY)");
    assert!(is_told(&*manager));
}
