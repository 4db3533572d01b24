//! Who may do what: which access a handle is granted, and which access each call, control and information level needs
//! ([MS-SCMR] 3.1.4).

use crate::access::{ManagerAccess, ServiceAccess};
use crate::config::Config2Change;
use crate::control::Control;
use crate::failure::ActionType;
use crate::win32::Win32Error;

/// `STANDARD_RIGHTS_READ`, `_WRITE` and `_EXECUTE`: all three are `READ_CONTROL`.
const STANDARD_RIGHTS: u32 = 0x2_0000;

const GENERIC_ALL: u32 = 0x1000_0000;
const GENERIC_EXECUTE: u32 = 0x2000_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;
const GENERIC_READ: u32 = 0x8000_0000;
const MAXIMUM_ALLOWED: u32 = 0x200_0000;

/// What the four generic rights mean on one kind of object.
struct Generic {
    read: u32,
    write: u32,
    execute: u32,
    all: u32,
}

/// [MS-SCMR] 3.1.4, generic rights on the service control manager.
const MANAGER: Generic = Generic {
    read: STANDARD_RIGHTS | ManagerAccess::ENUMERATE_SERVICE.0 | ManagerAccess::QUERY_LOCK_STATUS.0,
    write: STANDARD_RIGHTS | ManagerAccess::CREATE_SERVICE.0 | ManagerAccess::MODIFY_BOOT_CONFIG.0,
    execute: STANDARD_RIGHTS | ManagerAccess::CONNECT.0 | ManagerAccess::LOCK.0,
    all: ManagerAccess::ALL_ACCESS.0,
};

/// [MS-SCMR] 3.1.4, generic rights on a service.
const SERVICE: Generic = Generic {
    read: STANDARD_RIGHTS
        | ServiceAccess::QUERY_CONFIG.0
        | ServiceAccess::QUERY_STATUS.0
        | ServiceAccess::INTERROGATE.0
        | ServiceAccess::ENUMERATE_DEPENDENTS.0,
    write: STANDARD_RIGHTS | ServiceAccess::CHANGE_CONFIG.0,
    execute: STANDARD_RIGHTS
        | ServiceAccess::START.0
        | ServiceAccess::STOP.0
        | ServiceAccess::PAUSE_CONTINUE.0
        | ServiceAccess::USER_DEFINED_CONTROL.0,
    all: ServiceAccess::ALL_ACCESS.0,
};

impl Generic {
    /// The specific rights that are granted when `wanted` is asked for and everything in `all` may be had.
    fn grant(&self, wanted: u32) -> Result<u32, Win32Error> {
        let mut granted =
            wanted & !(GENERIC_ALL | GENERIC_EXECUTE | GENERIC_WRITE | GENERIC_READ | MAXIMUM_ALLOWED);
        for (generic, specific) in [
            (GENERIC_READ, self.read),
            (GENERIC_WRITE, self.write),
            (GENERIC_EXECUTE, self.execute),
            (GENERIC_ALL, self.all),
            (MAXIMUM_ALLOWED, self.all),
        ] {
            if wanted & generic != 0 {
                granted |= specific;
            }
        }
        if granted & !self.all == 0 { Ok(granted) } else { Err(Win32Error::ACCESS_DENIED) }
    }
}

/// The rights of a handle to the service control manager for a caller who may have all of them. Every such handle may connect.
pub fn grant_manager(wanted: ManagerAccess) -> Result<ManagerAccess, Win32Error> {
    MANAGER.grant(wanted.0).map(|granted| ManagerAccess(granted) | ManagerAccess::CONNECT)
}

/// The rights of a handle to a service for a caller who may have all of them; the audit list needs a privilege that nobody holds here.
pub fn grant_service(wanted: ServiceAccess) -> Result<ServiceAccess, Win32Error> {
    if wanted.intersects(ServiceAccess::ACCESS_SYSTEM_SECURITY) {
        return Err(Win32Error::PRIVILEGE_NOT_HELD);
    }
    SERVICE.grant(wanted.0).map(ServiceAccess)
}

/// Whether a handle to the service control manager has a right.
pub fn check_manager(granted: ManagerAccess, needed: ManagerAccess) -> Result<(), Win32Error> {
    if granted.contains(needed) { Ok(()) } else { Err(Win32Error::ACCESS_DENIED) }
}

/// Whether a handle to a service has a right.
pub fn check_service(granted: ServiceAccess, needed: ServiceAccess) -> Result<(), Win32Error> {
    if granted.contains(needed) { Ok(()) } else { Err(Win32Error::ACCESS_DENIED) }
}

/// The right that sending a control needs ([MS-SCMR] 3.1.4.2); an error for a control that can't be requested.
pub fn for_control(control: Control) -> Result<ServiceAccess, Win32Error> {
    if !control.may_be_requested() {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    Ok(match control {
        Control::STOP => ServiceAccess::STOP,
        Control::INTERROGATE => ServiceAccess::INTERROGATE,
        own if own.is_user_defined() => ServiceAccess::USER_DEFINED_CONTROL,
        _ => ServiceAccess::PAUSE_CONTINUE,
    })
}

/// The rights that a change of the optional configuration needs: a service that is to be restarted after a failure must be one that the
/// caller may start.
pub fn for_config2_change(change: &Config2Change) -> ServiceAccess {
    match change {
        Config2Change::FailureActions(failure) => {
            let restarts = failure
                .actions
                .as_ref()
                .is_some_and(|(_, actions)| actions.iter().any(|action| action.kind == ActionType::RESTART));
            if restarts {
                ServiceAccess::CHANGE_CONFIG | ServiceAccess::START
            } else {
                ServiceAccess::CHANGE_CONFIG
            }
        }
        _ => ServiceAccess::CHANGE_CONFIG,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::failure::{FailureAction, FailureActionsChange, ResetPeriod};

    #[test]
    fn generic_rights_are_those_of_the_specification() {
        let manager = |wanted| grant_manager(wanted).unwrap().0;
        assert_eq!(
            manager(ManagerAccess::GENERIC_READ),
            0x2_0015,
            "with the right to connect that every handle has"
        );
        assert_eq!(manager(ManagerAccess::GENERIC_WRITE), 0x2_0023);
        assert_eq!(manager(ManagerAccess::GENERIC_EXECUTE), 0x2_0009);
        assert_eq!(manager(ManagerAccess::GENERIC_ALL), 0xF_003F);
        let service = |wanted| grant_service(wanted).unwrap().0;
        assert_eq!(service(ServiceAccess::GENERIC_READ), 0x2_008D);
        assert_eq!(service(ServiceAccess::GENERIC_WRITE), 0x2_0002);
        assert_eq!(service(ServiceAccess::GENERIC_EXECUTE), 0x2_0170);
        assert_eq!(service(ServiceAccess::GENERIC_ALL), 0xF_01FF);
        assert_eq!(service(ServiceAccess::MAXIMUM_ALLOWED), 0xF_01FF);
    }

    #[test]
    fn only_requestable_controls_have_a_right() {
        assert_eq!(for_control(Control::STOP), Ok(ServiceAccess::STOP));
        assert_eq!(for_control(Control::PARAMCHANGE), Ok(ServiceAccess::PAUSE_CONTINUE));
        assert_eq!(for_control(Control::NETBINDADD), Ok(ServiceAccess::PAUSE_CONTINUE));
        assert_eq!(for_control(Control(200)), Ok(ServiceAccess::USER_DEFINED_CONTROL));
        for refused in [Control(0), Control::SHUTDOWN, Control::PRESHUTDOWN, Control(127), Control(256)] {
            assert_eq!(for_control(refused), Err(Win32Error::INVALID_PARAMETER), "{refused:?}");
        }
    }

    #[test]
    fn a_restart_action_needs_the_right_to_start() {
        let change = |kind| {
            let action = FailureAction { kind, delay: Duration::ZERO };
            Config2Change::FailureActions(FailureActionsChange {
                actions: Some((ResetPeriod::Never, vec![action])),
                ..Default::default()
            })
        };
        let both = ServiceAccess::CHANGE_CONFIG | ServiceAccess::START;
        assert_eq!(for_config2_change(&change(ActionType::RESTART)), both);
        assert_eq!(for_config2_change(&change(ActionType::RUN_COMMAND)), ServiceAccess::CHANGE_CONFIG);
        assert_eq!(for_config2_change(&Config2Change::DelayedAutoStart(true)), ServiceAccess::CHANGE_CONFIG);
    }

    proptest! {
        #[test]
        fn a_grant_never_has_more_than_all_and_never_less_than_asked(wanted in any::<u32>()) {
            const NAMES: u32 = 0xF200_0000;
            for (all, granted) in [
                (ManagerAccess::ALL_ACCESS.0, grant_manager(ManagerAccess(wanted)).map(|g| g.0)),
                (ServiceAccess::ALL_ACCESS.0, grant_service(ServiceAccess(wanted)).map(|g| g.0)),
            ] {
                let foreign = wanted & !(all | NAMES);
                match granted {
                    Ok(granted) => {
                        prop_assert_eq!(foreign, 0);
                        prop_assert_eq!(granted & !all, 0);
                        prop_assert_eq!(granted & wanted, wanted & !NAMES);
                    }
                    Err(_) => prop_assert_ne!(foreign, 0),
                }
            }
        }
    }
}
