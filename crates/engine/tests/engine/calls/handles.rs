//! Handles: of nothing, of another kind, closed, of another connection, or without the right.

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::config::{Config2Level, ConfigChange};
use svckit_core::control::Control;
use svckit_core::status::NotifyMask;
use svckit_core::win32::Win32Error;
use svckit_scmr::ops::{Call, ChangeServiceConfig, ConfigInfo, CreateService, Handle, NotifyParams, Opnum};

use super::bed::{Bed, LARGE, dependents, list, list_ex, start};
use crate::support::scripted;

/// What a call is made on.
#[derive(Clone, Copy)]
enum Object {
    Manager(ManagerAccess),
    Service(ServiceAccess),
    Wait,
    Any,
}

type Make = fn(Handle) -> Call;

/// Every call that takes a handle, with the right that the handle needs.
const CALLS: &[(Object, Make)] = &[
    (Object::Any, |handle| Call::CloseServiceHandle { handle }),
    (Object::Service(ServiceAccess::STOP), |service| control(service, Control::STOP)),
    (Object::Service(ServiceAccess::PAUSE_CONTINUE), |service| control(service, Control::PAUSE)),
    (Object::Service(ServiceAccess::PAUSE_CONTINUE), |service| control(service, Control::NETBINDADD)),
    (Object::Service(ServiceAccess::INTERROGATE), |service| control(service, Control::INTERROGATE)),
    (Object::Service(ServiceAccess::USER_DEFINED_CONTROL), |service| control(service, Control(200))),
    (Object::Service(ServiceAccess::DELETE), |service| Call::DeleteService { service }),
    (Object::Service(ServiceAccess::QUERY_STATUS), |service| Call::QueryServiceStatus { service }),
    (Object::Service(ServiceAccess::CHANGE_CONFIG), |service| {
        Call::ChangeServiceConfig(Box::new(ChangeServiceConfig::new(service, &ConfigChange::default())))
    }),
    (Object::Manager(ManagerAccess::CREATE_SERVICE), |manager| {
        let new = scripted("refused", &[]);
        Call::CreateService(Box::new(CreateService::new(manager, &new, ServiceAccess::ALL_ACCESS)))
    }),
    (Object::Service(ServiceAccess::ENUMERATE_DEPENDENTS), |service| dependents(service, LARGE)),
    (Object::Manager(ManagerAccess::LOCK), |manager| Call::LockServiceDatabase { manager }),
    (Object::Manager(ManagerAccess::QUERY_LOCK_STATUS), |manager| Call::QueryServiceLockStatus {
        manager,
        size: 100,
    }),
    (Object::Manager(ManagerAccess::ENUMERATE_SERVICE), |manager| list(manager, LARGE, None)),
    (Object::Manager(ManagerAccess::empty()), |manager| Call::OpenService {
        manager,
        name: "service 1".to_owned(),
        access: ServiceAccess::QUERY_STATUS,
    }),
    (Object::Service(ServiceAccess::QUERY_CONFIG), |service| Call::QueryServiceConfig {
        service,
        size: LARGE,
    }),
    (Object::Service(ServiceAccess::START), start),
    (Object::Manager(ManagerAccess::empty()), |manager| Call::GetServiceDisplayName {
        manager,
        name: "service 1".to_owned(),
        size: 100,
    }),
    (Object::Manager(ManagerAccess::empty()), |manager| Call::GetServiceKeyName {
        manager,
        display_name: "service 1".to_owned(),
        size: 100,
    }),
    (Object::Service(ServiceAccess::CHANGE_CONFIG), |service| Call::ChangeServiceConfig2 {
        service,
        info: ConfigInfo::DelayedAutoStart(Some(false)),
    }),
    (Object::Service(ServiceAccess::QUERY_CONFIG), |service| Call::QueryServiceConfig2 {
        service,
        level: Config2Level::DESCRIPTION,
        size: LARGE,
    }),
    (Object::Service(ServiceAccess::QUERY_STATUS), |service| Call::QueryServiceStatusEx {
        service,
        level: 0,
        size: LARGE,
    }),
    (Object::Manager(ManagerAccess::ENUMERATE_SERVICE), |manager| list_ex(manager, LARGE, None)),
    (Object::Service(ServiceAccess::QUERY_STATUS), |service| Call::NotifyServiceStatusChange {
        service,
        params: NotifyParams::request(NotifyMask::RUNNING),
    }),
    (Object::Manager(ManagerAccess::ENUMERATE_SERVICE), |service| Call::NotifyServiceStatusChange {
        service,
        params: NotifyParams::request(NotifyMask::CREATED),
    }),
    (Object::Wait, |notify| Call::GetNotifyResults { notify }),
    (Object::Wait, |notify| Call::CloseNotifyHandle { notify }),
    (Object::Service(ServiceAccess::QUERY_CONFIG), |service| Call::QueryServiceConfigEx {
        service,
        level: Config2Level::TRIGGER_INFO,
    }),
];

fn control(service: Handle, control: Control) -> Call {
    Call::ControlService { service, control }
}

/// The calls and codes that are tried here, and opening with rights that there aren't.
pub(super) fn covered() -> impl Iterator<Item = (u16, u32)> {
    let calls = CALLS.iter().flat_map(|(object, make)| {
        let opnum = make(Handle::NULL).opnum().0;
        let denied = match object {
            Object::Manager(right) => right.0 != 0,
            Object::Service(_) => true,
            Object::Wait | Object::Any => false,
        };
        [Some((opnum, 6)), denied.then_some((opnum, 5))].into_iter().flatten()
    });
    calls.chain([(Opnum::OPEN_SC_MANAGER.0, 5), (Opnum::OPEN_SERVICE.0, 5)])
}

#[test]
fn a_handle_that_is_none_is_refused_by_every_call() {
    let mut bed = Bed::new();
    let service = bed.service(&[]);
    let manager = bed.manager;
    let closed = bed.open("service 1", ServiceAccess::ALL_ACCESS);
    assert_eq!(bed.code(&Call::CloseServiceHandle { handle: closed }), Win32Error::SUCCESS);
    let never = Handle::from_number(u64::MAX);
    let garbage = Handle([0xA5; 20]);
    for (object, make) in CALLS {
        let other_kind = match object {
            Object::Any => None,
            Object::Manager(_) | Object::Wait => Some(service),
            Object::Service(_) => Some(manager),
        };
        for handle in [Handle::NULL, never, garbage, closed].into_iter().chain(other_kind) {
            let call = make(handle);
            assert_eq!(bed.code(&call), Win32Error::INVALID_HANDLE, "{call:?}");
        }
    }
    assert_eq!(bed.code(&Call::QueryServiceStatus { service }), Win32Error::SUCCESS, "nothing was closed");
}

#[test]
fn a_handle_of_another_connection_is_none() {
    let mut bed = Bed::new();
    let service = bed.service(&[]);
    let mut other = bed.another_client();
    for handle in [service, bed.manager] {
        assert_eq!(other.code(&Call::CloseServiceHandle { handle }), Win32Error::INVALID_HANDLE);
    }
    assert_eq!(bed.code(&Call::QueryServiceStatus { service }), Win32Error::SUCCESS);
}

#[test]
fn each_call_needs_its_right_and_no_other() {
    let mut bed = Bed::new();
    bed.service(&["accept=STOP,PAUSE_CONTINUE,NETBINDCHANGE"]);
    for (object, make) in CALLS {
        let (without, alone) = match object {
            Object::Manager(right) if right.0 != 0 => {
                (bed.open_manager(ManagerAccess::ALL_ACCESS.without(*right)), bed.open_manager(*right))
            }
            Object::Service(right) => (
                bed.open("service 1", ServiceAccess::ALL_ACCESS.without(*right)),
                bed.open("service 1", *right),
            ),
            _ => continue,
        };
        let call = make(without);
        assert_eq!(bed.code(&call), Win32Error::ACCESS_DENIED, "{call:?}");
        // Whatever else may be wrong with it, it isn't the right. What would change something for the others is left out.
        if !matches!(call, Call::DeleteService { .. } | Call::CreateService(_)) {
            let call = make(alone);
            assert_ne!(bed.code(&call), Win32Error::ACCESS_DENIED, "{call:?}");
        }
        for handle in [without, alone] {
            assert_eq!(bed.code(&Call::CloseServiceHandle { handle }), Win32Error::SUCCESS);
        }
    }
}

#[test]
fn rights_that_there_are_not_are_refused_at_opening() {
    let mut bed = Bed::new();
    bed.service(&[]);
    let (manager, name) = (bed.manager, "service 1".to_owned());
    let denied = Win32Error::ACCESS_DENIED;
    let open = Call::OpenScManager { machine: None, database: None, access: ManagerAccess(0x40) };
    assert_eq!(bed.code(&open), denied);
    let access = ServiceAccess(0x1000);
    assert_eq!(bed.code(&Call::OpenService { manager, name, access }), denied);
    let new = bed.new_service(&[]);
    let create = CreateService::new(manager, &new, access);
    assert_eq!(bed.code(&Call::CreateService(Box::new(create))), denied);
}
