//! Security descriptors, for callers who are not the system.

use svckit_core::Win32Error;
use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Backend, Manager, Service};
use svckit_core::config::Config2Change;
use svckit_core::error::Result;
use svckit_core::kind::ServiceType;
use svckit_core::name::ServiceName;
use svckit_core::native::{LogFrom, Reply, Request};
use svckit_core::rights::{MANAGER_SECURITY, SERVICE_SECURITY};
use svckit_core::security::check::{Privileges, Token};
use svckit_core::security::{SecurityDescriptor, SecurityInformation};
use svckit_core::sid::Sid;
use svckit_core::status::{ServiceState, StateFilter};
use svckit_core::trigger::{Guid, Raised, Trigger, TriggerAction, TriggerType};
use svckit_manager::configurations::configurations;

use crate::support::{Scm, reaches, scripted, state};

const DACL: SecurityInformation = SecurityInformation::DACL;
const DENIED: Win32Error = Win32Error::ACCESS_DENIED;

fn code<T>(result: Result<T>) -> Win32Error {
    result.map(drop).expect_err("it must not succeed").code
}

fn parsed(text: &str) -> SecurityDescriptor {
    text.parse().unwrap()
}

fn create(backend: &dyn Backend, name: &str) -> Box<dyn Service> {
    let manager = backend.open_manager(ManagerAccess::ALL_ACCESS).unwrap();
    manager.create_service(&scripted(name, &[]), ServiceAccess::ALL_ACCESS).unwrap().0
}

fn open(backend: &dyn Backend, name: &str, access: ServiceAccess) -> Result<Box<dyn Service>> {
    backend.open_manager(ManagerAccess::CONNECT)?.open_service(name, access)
}

/// Somebody who is logged on at the machine.
fn ann() -> Token {
    let sid = |text: &str| text.parse().unwrap();
    Token::user(sid("S-1-5-21-1-2-3-1001"), vec![Sid::EVERYONE, Sid::AUTHENTICATED_USERS, sid("S-1-5-4")])
}

/// The services that are told, whether by the call of the service API or by those that `svc list` and `svc status` make.
fn told(backend: &dyn Backend) -> Vec<String> {
    let manager = backend.open_manager(ManagerAccess::ENUMERATE_SERVICE).unwrap();
    let all = manager.enumerate(ServiceType::WIN32, StateFilter::ALL, None).unwrap();
    let all: Vec<String> = all.into_iter().map(|one| one.name).collect();
    match backend.native(Request::Overview { after: None, services: None }).unwrap() {
        Reply::Overview(seen) => {
            let seen: Vec<_> = seen.services.iter().map(|view| view.service.as_str()).collect();
            assert_eq!(seen, all);
        }
        other => panic!("{other:?}"),
    }
    let Reply::List { services } = backend.native(Request::List).unwrap() else { panic!() };
    let listed: Vec<_> = services.iter().map(|listed| listed.service.as_str()).collect();
    assert_eq!(listed, all);
    all
}

#[test]
fn how_the_boot_went_is_told_by_who_may() {
    let state = state();
    let scm = Scm::serve(state.path());
    let user = scm.direct.speaking_for(ann());
    for acceptable in [true, false] {
        assert_eq!(code(user.report_boot(acceptable)), DENIED);
    }
    let refused = scm.direct.report_boot(false).unwrap_err();
    assert_eq!(refused.code, Win32Error::NOT_SUPPORTED);
    assert!(refused.to_string().contains("no earlier configuration is kept"), "{refused}");
    scm.direct.report_boot(true).unwrap();
    assert_eq!(code(user.report_boot(true)), DENIED);
    assert_eq!(code(scm.direct.report_boot(true)), Win32Error::BOOT_ALREADY_ACCEPTED);
}

#[test]
fn a_user_may_look_and_no_more() {
    let state = state();
    let scm = Scm::serve(state.path());
    create(&scm.direct, "web");
    let user = scm.direct.speaking_for(ann());
    for (access, is_granted) in [
        (ServiceAccess::QUERY_STATUS | ServiceAccess::QUERY_CONFIG | ServiceAccess::READ_CONTROL, true),
        (ServiceAccess::MAXIMUM_ALLOWED, true),
        (ServiceAccess::START, false),
        (ServiceAccess::WRITE_DAC, false),
        (ServiceAccess::ALL_ACCESS, false),
    ] {
        assert_eq!(open(&user, "web", access).is_ok(), is_granted, "{access}");
    }
    assert_eq!(
        code(open(&user, "web", ServiceAccess::ACCESS_SYSTEM_SECURITY)),
        Win32Error::PRIVILEGE_NOT_HELD
    );
    assert_eq!(told(&user), ["web"]);
    assert_eq!(code(user.open_manager(ManagerAccess::CREATE_SERVICE)), DENIED);
    let nobody = scm.direct.speaking_for(Token::user(Sid::ANONYMOUS, Vec::new()));
    assert_eq!(code(nobody.open_manager(ManagerAccess::CONNECT)), DENIED);
}

#[test]
fn a_list_may_give_a_user_more() {
    let state = state();
    let scm = Scm::serve(state.path());
    let service = create(&scm.direct, "web");
    let name = ann().user;
    let list = parsed(&format!("D:(A;;RPWPLC;;;{name})(A;;GA;;;BA)"));
    service.set_security(DACL, &list).unwrap();
    let user = scm.direct.speaking_for(ann());
    let web = open(&user, "web", ServiceAccess::START | ServiceAccess::STOP | ServiceAccess::QUERY_STATUS);
    web.unwrap().start(&[]).unwrap();
    assert_eq!(code(open(&user, "web", ServiceAccess::QUERY_CONFIG)), DENIED);
    let creators = parsed(&format!("D:(A;;CCDC;;;{name})(A;;KA;;;BA)"));
    let manager = scm.direct.open_manager(ManagerAccess::ALL_ACCESS).unwrap();
    manager.set_security(DACL, &creators).unwrap();
    let manager = user.open_manager(ManagerAccess::CREATE_SERVICE).unwrap();
    let created = manager.create_service(&scripted("own", &[]), ServiceAccess::ALL_ACCESS);
    assert_eq!(code(created), DENIED, "the descriptor of what is created doesn't grant that");
    manager.create_service(&scripted("own", &[]), ServiceAccess::QUERY_STATUS).unwrap();
    assert_eq!(code(user.open_manager(ManagerAccess::ENUMERATE_SERVICE)), DENIED);
    for request in [Request::Overview { after: None, services: None }, Request::List] {
        match user.native(request).unwrap() {
            Reply::Error { code, .. } => assert_eq!(code, DENIED),
            other => panic!("{other:?}"),
        }
    }
}

/// A list that denies everything to everybody is mended by the owner, who is the system.
#[test]
fn administrators_may_lock_themselves_out() {
    let state = state();
    let scm = Scm::serve(state.path());
    let service = create(&scm.direct, "web");
    service.set_security(DACL, &parsed("D:(D;;GA;;;BA)(A;;GA;;;SY)")).unwrap();
    drop(service);
    assert_eq!(code(open(&scm.direct, "web", ServiceAccess::START)), DENIED);
    assert_eq!(told(&scm.direct), [""; 0]);
    let administrator = Token {
        privileges: Privileges::TAKE_OWNERSHIP,
        ..Token::user(ann().user, vec![Sid::ADMINISTRATORS, Sid::AUTHENTICATED_USERS])
    };
    let administrator = scm.direct.speaking_for(administrator);
    assert_eq!(code(open(&administrator, "web", ServiceAccess::WRITE_DAC)), DENIED);
    let taken = open(&administrator, "web", ServiceAccess::WRITE_OWNER).unwrap();
    assert_eq!(
        code(taken.set_security(SecurityInformation::OWNER, &parsed("O:SU"))),
        Win32Error::INVALID_OWNER
    );
    taken.set_security(SecurityInformation::OWNER, &parsed("O:BA")).unwrap();
    let mended = open(&administrator, "web", ServiceAccess::WRITE_DAC | ServiceAccess::READ_CONTROL).unwrap();
    mended.set_security(DACL, &SERVICE_SECURITY).unwrap();
    assert_eq!(mended.security(DACL).unwrap(), SERVICE_SECURITY.only(DACL));
    let service = open(&scm.direct, "web", ServiceAccess::ALL_ACCESS).unwrap();
    service.set_security(SecurityInformation::OWNER, &parsed("O:SY")).unwrap();
    service.set_security(DACL, &parsed("D:")).unwrap();
    drop(service);
    open(&scm.direct, "web", ServiceAccess::WRITE_DAC).unwrap();
}

#[test]
fn the_second_interface_keeps_to_the_same_rights() {
    let state = state();
    let scm = Scm::serve(state.path());
    let service = create(&scm.direct, "web");
    service.set_security(DACL, &parsed("D:(A;;GA;;;BA)")).unwrap();
    create(&scm.direct, "db");
    let user = scm.direct.speaking_for(ann());
    let name = |text: &str| ServiceName::new(text).unwrap();
    let refused = |request| match user.native(request).unwrap() {
        Reply::Error { code, .. } => Some(code),
        _ => None,
    };
    assert_eq!(refused(Request::Definition { service: name("web") }), Some(DENIED));
    assert_eq!(refused(Request::Definition { service: name("db") }), None);
    assert_eq!(refused(Request::SetDefinition { service: name("db"), definition: None }), Some(DENIED));
    assert_eq!(refused(Request::HostStates { services: Some(vec![name("web")]) }), Some(DENIED));
    let log = Request::Log { service: name("web"), from: LogFrom::Tail { lines: 1 }, wait: false };
    assert_eq!(refused(log), Some(DENIED));
    let Reply::Configurations { services } = user.native(Request::Configurations).unwrap() else { panic!() };
    assert_eq!(services.iter().map(|one| one.service.as_str()).collect::<Vec<_>>(), ["db"]);
    assert_eq!(told(&user), ["db"]);
    // One that is wanted by name is not taken for one that isn't there.
    let named =
        |names: &[&str]| configurations(&user, &names.iter().map(|text| name(text)).collect::<Vec<_>>());
    assert_eq!(named(&["db", "new"]).unwrap().len(), 1);
    assert_eq!(
        named(&["db", "new", "WEB"]).unwrap_err().to_string(),
        "cannot query configuration of service \"WEB\": access is denied, it needs SERVICE_QUERY_CONFIG (5 ERROR_ACCESS_DENIED)"
    );
}

#[test]
fn an_event_starts_what_its_raiser_may_not_even_see_and_does_not_tell_him() {
    const PROVIDER: &str = "6b2c91d4-3f0e-4a57-8d16-52c7e90ba3f8";
    let state = state();
    let scm = Scm::serve(state.path());
    let provider: Guid = PROVIDER.parse().unwrap();
    let trigger = Trigger {
        kind: TriggerType::CUSTOM,
        action: TriggerAction::SERVICE_START,
        subtype: provider,
        data: Vec::new(),
    };
    for (name, list) in [("hidden", "D:(A;;GA;;;BA)"), ("seen", "D:(A;;GR;;;WD)(A;;GA;;;BA)")] {
        let service = create(&scm.direct, name);
        service.change_config2(&Config2Change::Triggers(vec![trigger.clone()])).unwrap();
        service.set_security(DACL, &parsed(list)).unwrap();
    }
    let user = scm.direct.speaking_for(ann());
    assert_eq!(code(open(&user, "seen", ServiceAccess::START)), DENIED);
    let raised = Raised { provider, data: Vec::new(), level: 0, keywords: 0 };
    match user.native(Request::Raise(raised)).unwrap() {
        Reply::Raised { started, stopped } => {
            assert_eq!((started, stopped), (vec![ServiceName::new("seen").unwrap()], Vec::new()));
        }
        other => panic!("{other:?}"),
    }
    for name in ["hidden", "seen"] {
        reaches(&*open(&scm.direct, name, ServiceAccess::QUERY_STATUS).unwrap(), ServiceState::RUNNING);
    }
}

#[test]
fn descriptors_outlive_the_service_control_manager() {
    let state = state();
    let scm = Scm::serve(state.path());
    let whole =
        "O:BAG:SYD:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)(0x16;;#01020304)S:(AU;SA;RP;;;WD)(ML;;NW;;;HI)";
    let all = SecurityInformation(0x1F);
    let access = ServiceAccess::ALL_ACCESS | ServiceAccess::ACCESS_SYSTEM_SECURITY;
    create(&scm.direct, "web");
    let web = open(&scm.embedded().connect().unwrap(), "web", access).unwrap();
    web.set_security(all, &parsed(whole)).unwrap();
    drop(web);
    let lists = parsed("D:(A;;CC;;;AU)(A;;KA;;;BA)S:(AU;FA;GA;;;WD)");
    let manager = |backend: &dyn Backend| {
        let access = ManagerAccess::ALL_ACCESS | ManagerAccess::ACCESS_SYSTEM_SECURITY;
        backend.open_manager(access).unwrap()
    };
    let parts = DACL | SecurityInformation::SACL;
    manager(&scm.embedded().connect().unwrap()).set_security(parts, &lists).unwrap();
    scm.stop();
    let scm = Scm::serve(state.path());
    for backend in [&scm.direct as &dyn Backend, &scm.embedded().connect().unwrap()] {
        let web = open(backend, "web", access).unwrap();
        assert_eq!(web.security(all).unwrap().to_string(), whole);
        let manager: Box<dyn Manager> = manager(backend);
        assert_eq!(
            manager.security(parts).unwrap().to_string(),
            "D:(A;;CC;;;AU)(A;;KA;;;BA)S:(AU;FA;KA;;;WD)"
        );
        let owner = manager.security(SecurityInformation::OWNER).unwrap();
        assert_eq!(owner, MANAGER_SECURITY.only(SecurityInformation::OWNER));
    }
}

/// More than the first buffer of the client, and than the 8 KiB of other calls.
#[test]
fn a_long_list_goes_through_the_wire() {
    let state = state();
    let scm = Scm::serve(state.path());
    create(&scm.direct, "web");
    let entries: String = (0..1000).map(|number| format!("(A;;LC;;;S-1-5-21-1-2-3-{number})")).collect();
    let text = format!("D:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA){entries}");
    let web = open(&scm.embedded().connect().unwrap(), "web", ServiceAccess::ALL_ACCESS).unwrap();
    web.set_security(DACL, &parsed(&text)).unwrap();
    assert_eq!(web.security(DACL).unwrap().to_string(), text);
}
