//! Who may do what: which access a handle is granted, and which access each call, control and information level needs
//! ([MS-SCMR] 3.1.4).

use std::sync::LazyLock;

use crate::access::{ManagerAccess, ServiceAccess};
use crate::config::Config2Change;
use crate::control::Control;
use crate::failure::ActionType;
use crate::security::check::{GenericMapping, Token, access_check};
use crate::security::{SecurityDescriptor, SecurityInformation};
use crate::win32::Win32Error;

/// `STANDARD_RIGHTS_READ`, `_WRITE` and `_EXECUTE`: all three are `READ_CONTROL`.
const STANDARD_RIGHTS: u32 = 0x2_0000;

/// [MS-SCMR] 3.1.4, generic rights on the service control manager.
pub const MANAGER: GenericMapping = GenericMapping {
    read: STANDARD_RIGHTS | ManagerAccess::ENUMERATE_SERVICE.0 | ManagerAccess::QUERY_LOCK_STATUS.0,
    write: STANDARD_RIGHTS | ManagerAccess::CREATE_SERVICE.0 | ManagerAccess::MODIFY_BOOT_CONFIG.0,
    execute: STANDARD_RIGHTS | ManagerAccess::CONNECT.0 | ManagerAccess::LOCK.0,
    all: ManagerAccess::ALL_ACCESS.0,
};

/// [MS-SCMR] 3.1.4, generic rights on a service.
pub const SERVICE: GenericMapping = GenericMapping {
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

/// What Windows gives a service that is created: the system may run it, administrators may do everything, those who are logged on at the machine and services may look.
pub static SERVICE_SECURITY: LazyLock<SecurityDescriptor> = LazyLock::new(|| {
    constant(
        "O:SYG:SY\
         D:(A;;CCLCSWRPWPDTLOCRRC;;;SY)(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)(A;;CCLCSWLOCRRC;;;IU)(A;;CCLCSWLOCRRC;;;SU)\
         S:(AU;FA;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;WD)",
    )
});

/// What the service control manager of Windows 10 has: everybody who has logged on may connect, administrators may do everything.
pub static MANAGER_SECURITY: LazyLock<SecurityDescriptor> = LazyLock::new(|| {
    constant(
        "O:SYG:SY\
         D:(A;;CC;;;AU)(A;;CCLCRPRC;;;IU)(A;;CCLCRPRC;;;SU)(A;;CCLCRPWPRC;;;SY)(A;;KA;;;BA)(A;;CC;;;AC)\
         (A;;CC;;;S-1-15-3-1024-528118966-3876874398-709513571-1907873084-3598227634-3698730060-278077788-3990600205)\
         S:(AU;FA;KA;;;WD)(AU;OIIOFA;GA;;;WD)",
    )
});

/// A descriptor that is known to be one: a test reads each.
fn constant(text: &str) -> SecurityDescriptor {
    text.parse().unwrap_or_default()
}

/// The rights of a handle to the service control manager. Every such handle may connect, so who may not gets none.
pub fn grant_manager(
    descriptor: &SecurityDescriptor,
    token: &Token,
    wanted: ManagerAccess,
) -> Result<ManagerAccess, Win32Error> {
    let wanted = wanted | ManagerAccess::CONNECT;
    let granted = access_check(descriptor, token, wanted.0, &MANAGER)?;
    remaining(token, wanted.0, granted, REMOTE_ADMINISTRATORS_MANAGER.0, &MANAGER).map(ManagerAccess)
}

/// The rights of a handle to a service.
pub fn grant_service(
    descriptor: &SecurityDescriptor,
    token: &Token,
    wanted: ServiceAccess,
) -> Result<ServiceAccess, Win32Error> {
    let granted = grant_exempt_service(descriptor, token, wanted)?;
    remaining(token, wanted.0, granted.0, REMOTE_ADMINISTRATORS.0, &SERVICE).map(ServiceAccess)
}

/// The rights of a handle to a service about which the access list alone decides, also for remote callers.
pub fn grant_exempt_service(
    descriptor: &SecurityDescriptor,
    token: &Token,
    wanted: ServiceAccess,
) -> Result<ServiceAccess, Win32Error> {
    access_check(descriptor, token, wanted.0, &SERVICE).map(ServiceAccess)
}

/// Rights on a service that Windows gives remote callers only if they are administrators, whatever the access list says; since version 1709, unless the service is on a list of exemptions
/// (Microsoft's article 4457739).
pub const REMOTE_ADMINISTRATORS: ServiceAccess = ServiceAccess(
    ServiceAccess::CHANGE_CONFIG.0
        | ServiceAccess::START.0
        | ServiceAccess::STOP.0
        | ServiceAccess::PAUSE_CONTINUE.0
        | ServiceAccess::DELETE.0
        | ServiceAccess::WRITE_DAC.0
        | ServiceAccess::WRITE_OWNER.0,
);

/// The same for the service control manager.
pub const REMOTE_ADMINISTRATORS_MANAGER: ManagerAccess = ManagerAccess::CREATE_SERVICE;

/// What of the rights of a handle remains to `token`, who asked for `wanted`: asked for by name, a right that only administrators get from afar is no handle at all; as one of all that may be had, it is left out.
fn remaining(
    token: &Token,
    wanted: u32,
    granted: u32,
    withheld: u32,
    mapping: &GenericMapping,
) -> Result<u32, Win32Error> {
    if !token.is_remote_user() {
        return Ok(granted);
    }
    let left = granted & !withheld;
    if mapping.apply(wanted) & withheld != 0 || left == 0 {
        return Err(Win32Error::ACCESS_DENIED);
    }
    Ok(left)
}

/// The parts of a security descriptor that services and the service control manager have.
const PARTS: SecurityInformation = SecurityInformation(0xC000_001F);

/// The rights that reading parts of a security descriptor needs ([MS-SCMR] 3.1.4.5), as a mask; an error for parts that nothing has.
pub fn for_security_query(parts: SecurityInformation) -> Result<u32, Win32Error> {
    const READABLE: SecurityInformation = SecurityInformation(0x1F);
    if parts.0 == 0 || !READABLE.contains(parts) {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    let audit = parts.contains(SecurityInformation::SACL);
    let rest = parts.without(SecurityInformation::SACL) != SecurityInformation::empty();
    let rights = [(audit, ServiceAccess::ACCESS_SYSTEM_SECURITY), (rest, ServiceAccess::READ_CONTROL)];
    Ok(needed(rights))
}

/// The rights that setting parts of a security descriptor needs ([MS-SCMR] 3.1.4.6), as a mask; an error for parts that nothing has.
pub fn for_security_change(parts: SecurityInformation) -> Result<u32, Win32Error> {
    let sets = SecurityInformation(parts.0 & 0x1F);
    if sets.0 == 0 || !PARTS.contains(parts) {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    let owned = SecurityInformation::OWNER | SecurityInformation::GROUP | SecurityInformation::LABEL;
    let rights = [
        (parts.contains(SecurityInformation::SACL), ServiceAccess::ACCESS_SYSTEM_SECURITY),
        (parts.contains(SecurityInformation::DACL), ServiceAccess::WRITE_DAC),
        (parts.intersects(owned), ServiceAccess::WRITE_OWNER),
    ];
    Ok(needed(rights))
}

/// These rights are the same bits on services and on the service control manager.
fn needed<const N: usize>(rights: [(bool, ServiceAccess); N]) -> u32 {
    rights.into_iter().filter(|(needed, _)| *needed).fold(0, |all, (_, right)| all | right.0)
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
    use crate::sid::Sid;

    #[test]
    fn generic_rights_are_those_of_the_specification() {
        let system = Token::local_system();
        let manager = |wanted| grant_manager(&MANAGER_SECURITY, &system, wanted).unwrap().0;
        assert_eq!(
            manager(ManagerAccess::GENERIC_READ),
            0x2_0015,
            "with the right to connect that every handle has"
        );
        assert_eq!(manager(ManagerAccess::GENERIC_WRITE), 0x2_0023);
        assert_eq!(manager(ManagerAccess::GENERIC_EXECUTE), 0x2_0009);
        assert_eq!(manager(ManagerAccess::GENERIC_ALL), 0xF_003F);
        let service = |wanted| grant_service(&SERVICE_SECURITY, &system, wanted).unwrap().0;
        assert_eq!(service(ServiceAccess::GENERIC_READ), 0x2_008D);
        assert_eq!(service(ServiceAccess::GENERIC_WRITE), 0x2_0002);
        assert_eq!(service(ServiceAccess::GENERIC_EXECUTE), 0x2_0170);
        assert_eq!(service(ServiceAccess::GENERIC_ALL), 0xF_01FF);
        assert_eq!(service(ServiceAccess::MAXIMUM_ALLOWED), 0xF_01FF);
    }

    #[test]
    fn the_descriptors_of_windows_are_read() {
        for descriptor in [&*SERVICE_SECURITY, &*MANAGER_SECURITY] {
            let parts = SecurityInformation(0xF);
            assert_eq!(descriptor.parts(), parts);
        }
        let user = Token::user(Sid::ANONYMOUS, vec![Sid::AUTHENTICATED_USERS, "S-1-5-4".parse().unwrap()]);
        let looking = ServiceAccess(0x2_018D);
        assert_eq!(grant_service(&SERVICE_SECURITY, &user, ServiceAccess::MAXIMUM_ALLOWED), Ok(looking));
        assert_eq!(
            grant_service(&SERVICE_SECURITY, &user, ServiceAccess::START),
            Err(Win32Error::ACCESS_DENIED)
        );
        let manager = ManagerAccess(0x2_0015);
        assert_eq!(grant_manager(&MANAGER_SECURITY, &user, ManagerAccess::MAXIMUM_ALLOWED), Ok(manager));
        let nobody = Token::user(Sid::ANONYMOUS, Vec::new());
        assert_eq!(
            grant_manager(&MANAGER_SECURITY, &nobody, ManagerAccess::empty()),
            Err(Win32Error::ACCESS_DENIED)
        );
    }

    #[test]
    fn from_afar_only_administrators_change_anything() {
        let everybody: SecurityDescriptor = "D:(A;;0xf01ff;;;WD)".parse().unwrap();
        let user: Sid = "S-1-5-21-1-2-3-1001".parse().unwrap();
        let (remote, administrator) = (Token::network(user, false), Token::network(user, true));
        let local = Token::user(user, vec![Sid::EVERYONE]);
        for bit in
            (0..20).map(|bit| ServiceAccess(1 << bit)).filter(|bit| ServiceAccess::ALL_ACCESS.contains(*bit))
        {
            let withheld = REMOTE_ADMINISTRATORS.contains(bit);
            let expected = if withheld { Err(Win32Error::ACCESS_DENIED) } else { Ok(bit) };
            assert_eq!(grant_service(&everybody, &remote, bit), expected, "{bit}");
            assert_eq!(grant_exempt_service(&everybody, &remote, bit), Ok(bit), "{bit}");
            assert_eq!(grant_service(&everybody, &administrator, bit), Ok(bit), "{bit}");
            assert_eq!(grant_service(&everybody, &local, bit), Ok(bit), "{bit}");
        }
        let all = grant_service(&everybody, &remote, ServiceAccess::MAXIMUM_ALLOWED).unwrap();
        assert_eq!(all, ServiceAccess::ALL_ACCESS.without(REMOTE_ADMINISTRATORS));
        for generic in
            [ServiceAccess::GENERIC_ALL, ServiceAccess::GENERIC_WRITE, ServiceAccess::GENERIC_EXECUTE]
        {
            assert_eq!(
                grant_service(&everybody, &remote, generic),
                Err(Win32Error::ACCESS_DENIED),
                "{generic}"
            );
        }
        assert!(grant_service(&everybody, &remote, ServiceAccess::GENERIC_READ).is_ok());
        let create = ManagerAccess::CREATE_SERVICE;
        assert_eq!(grant_manager(&everybody, &remote, create), Err(Win32Error::ACCESS_DENIED));
        assert!(grant_manager(&everybody, &administrator, create).is_ok());
        assert!(grant_manager(&MANAGER_SECURITY, &remote, ManagerAccess::CONNECT).is_ok());
        assert_eq!(
            grant_manager(&MANAGER_SECURITY, &remote, ManagerAccess::ENUMERATE_SERVICE),
            Err(Win32Error::ACCESS_DENIED),
            "the list of Windows itself"
        );
        assert!(grant_manager(&MANAGER_SECURITY, &administrator, ManagerAccess::ALL_ACCESS).is_ok());
    }

    #[test]
    fn each_part_of_a_descriptor_has_its_rights() {
        for (part, query, change) in [
            (SecurityInformation::OWNER, 0x2_0000, 0x8_0000),
            (SecurityInformation::GROUP, 0x2_0000, 0x8_0000),
            (SecurityInformation::DACL, 0x2_0000, 0x4_0000),
            (SecurityInformation::SACL, 0x100_0000, 0x100_0000),
            (SecurityInformation::LABEL, 0x2_0000, 0x8_0000),
        ] {
            assert_eq!(
                (for_security_query(part), for_security_change(part)),
                (Ok(query), Ok(change)),
                "{part}"
            );
        }
        let all = SecurityInformation(0x1F);
        assert_eq!((for_security_query(all), for_security_change(all)), (Ok(0x102_0000), Ok(0x10C_0000)));
        let protected = SecurityInformation::DACL | SecurityInformation::PROTECTED_DACL;
        assert_eq!(for_security_change(protected), Ok(0x4_0000));
        for wrong in [0, 0x20, 0x1_0001, 0x8000_0000] {
            let wrong = SecurityInformation(wrong);
            assert_eq!(for_security_change(wrong), Err(Win32Error::INVALID_PARAMETER), "{wrong}");
            assert_eq!(for_security_query(wrong), Err(Win32Error::INVALID_PARAMETER), "{wrong}");
        }
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
        fn a_grant_never_has_more_than_all_and_never_less_than_asked(wanted in prop_oneof![any::<u32>(), any::<u32>().prop_map(|bits| bits & 0xFB0F_01FF)]) {
            const NAMES: u32 = 0xF200_0000;
            const AUDIT: u32 = 0x100_0000;
            let system = Token::local_system();
            for (all, granted) in [
                (ManagerAccess::ALL_ACCESS.0 | AUDIT, grant_manager(&MANAGER_SECURITY, &system, ManagerAccess(wanted)).map(|g| g.0)),
                (ServiceAccess::ALL_ACCESS.0 | AUDIT, grant_service(&SERVICE_SECURITY, &system, ServiceAccess(wanted)).map(|g| g.0)),
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
