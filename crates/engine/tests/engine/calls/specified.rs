//! The error codes of each call, as the section of [MS-SCMR] that is named with it lists them; what is not in its list is said.

use svckit_core::win32::Win32Error;
use svckit_scmr::ops::Opnum;

/// For each call its codes.
pub(super) const SPECIFIED: &[(Opnum, &[u32])] = &[
    // 3.1.4.1.
    (Opnum::CLOSE_SERVICE_HANDLE, &[6, 0xFFFF_75FD, 0xFFFF_75FE]),
    // 3.1.4.2.
    (Opnum::CONTROL_SERVICE, &[5, 6, 87, 1051, 1052, 1053, 1061, 1062, 1115]),
    // 3.1.4.3.
    (Opnum::DELETE_SERVICE, &[5, 6, 1072, 1115]),
    // 3.1.4.4.
    (Opnum::LOCK_SERVICE_DATABASE, &[5, 6, 1055]),
    // 3.1.4.7.
    (Opnum::QUERY_SERVICE_STATUS, &[3, 5, 6, 1115]),
    // 3.1.4.9.
    (Opnum::UNLOCK_SERVICE_DATABASE, &[1071]),
    // 3.1.4.10.
    (Opnum::NOTIFY_BOOT_CONFIG_STATUS, &[5, 1074, 1076]),
    // 3.1.4.11.
    (Opnum::CHANGE_SERVICE_CONFIG, &[5, 6, 87, 1057, 1059, 1072, 1078, 1115]),
    // 3.1.4.12.
    (Opnum::CREATE_SERVICE, &[5, 6, 13, 87, 123, 1057, 1059, 1072, 1073, 1078, 1115]),
    // 3.1.4.13.
    (Opnum::ENUM_DEPENDENT_SERVICES, &[5, 6, 87, 234, 1115]),
    // 3.1.4.14.
    (Opnum::ENUM_SERVICES_STATUS, &[5, 6, 87, 234]),
    // 3.1.4.15.
    (Opnum::OPEN_SC_MANAGER, &[5, 123, 1065, 1115]),
    // 3.1.4.16.
    (Opnum::OPEN_SERVICE, &[5, 6, 123, 1060, 1115]),
    // 3.1.4.17.
    (Opnum::QUERY_SERVICE_CONFIG, &[5, 6, 122, 1115]),
    // 3.1.4.18.
    (Opnum::QUERY_SERVICE_LOCK_STATUS, &[5, 6, 122]),
    // 3.1.4.19; what is no program (193) is told as `CreateProcess` tells it, and a circle as at the change that would make one.
    (
        Opnum::START_SERVICE,
        &[2, 3, 5, 6, 87, 193, 1053, 1054, 1055, 1056, 1058, 1059, 1068, 1069, 1072, 1075, 1115],
    ),
    // 3.1.4.20; a handle that is none is not in its list.
    (Opnum::GET_SERVICE_DISPLAY_NAME, &[6, 122, 123, 1060]),
    // 3.1.4.21; as before, and 122 is only in its text.
    (Opnum::GET_SERVICE_KEY_NAME, &[6, 122, 123, 1060]),
    // 3.1.4.35; 124 only in a note about older systems, and as `ChangeServiceConfig2` has it.
    (Opnum::CHANGE_SERVICE_CONFIG2, &[5, 6, 87, 124, 1072, 1080, 1115]),
    // 3.1.4.37; 1080 is that of the change.
    (Opnum::QUERY_SERVICE_CONFIG2, &[5, 6, 87, 122, 124, 1080, 1115]),
    // 3.1.4.38.
    (Opnum::QUERY_SERVICE_STATUS_EX, &[5, 6, 87, 122, 124, 1115]),
    // 3.1.4.40.
    (Opnum::ENUM_SERVICES_STATUS_EX, &[5, 6, 87, 124, 234, 1060, 1115]),
    // 3.1.4.43.
    (Opnum::NOTIFY_SERVICE_STATUS_CHANGE, &[5, 6, 50, 87, 124, 1072, 1115, 1242, 1294]),
    // 3.1.4.44.
    (Opnum::GET_NOTIFY_RESULTS, &[6, 1115, 1235]),
    // 3.1.4.45.
    (Opnum::CLOSE_NOTIFY_HANDLE, &[6]),
    // 3.1.4.48.
    (Opnum::QUERY_SERVICE_CONFIG_EX, &[5, 6, 124, 1115]),
];

/// Calls whose cases are where they were made: security, reasons of a stop, and what does the same as another. What isn't known is answered with a fault.
pub(super) const ELSEWHERE: &[u16] = &[4, 5, 7, 35, 45, 51, 60, 64];

/// What can't come about here, and why.
pub(super) const EXCEPTIONS: &[(Opnum, Win32Error, &str)] = &[
    (Opnum::LOCK_SERVICE_DATABASE, Win32Error::SERVICE_DATABASE_LOCKED, NO_LOCKS),
    (
        Opnum::NOTIFY_BOOT_CONFIG_STATUS,
        Win32Error::ACCESS_DENIED,
        "who connects is an administrator: the suite asks for somebody else",
    ),
    (
        Opnum::NOTIFY_BOOT_CONFIG_STATUS,
        Win32Error::ALREADY_RUNNING_LKG,
        "no earlier configuration is kept, so none is in use",
    ),
    (Opnum::QUERY_SERVICE_STATUS, Win32Error::SHUTDOWN_IN_PROGRESS, QUESTIONS),
    (Opnum::ENUM_DEPENDENT_SERVICES, Win32Error::SHUTDOWN_IN_PROGRESS, QUESTIONS),
    (Opnum::OPEN_SC_MANAGER, Win32Error::SHUTDOWN_IN_PROGRESS, QUESTIONS),
    (Opnum::OPEN_SERVICE, Win32Error::SHUTDOWN_IN_PROGRESS, QUESTIONS),
    (Opnum::QUERY_SERVICE_CONFIG, Win32Error::SHUTDOWN_IN_PROGRESS, QUESTIONS),
    (Opnum::QUERY_SERVICE_CONFIG2, Win32Error::SHUTDOWN_IN_PROGRESS, QUESTIONS),
    (Opnum::QUERY_SERVICE_STATUS_EX, Win32Error::SHUTDOWN_IN_PROGRESS, QUESTIONS),
    (Opnum::ENUM_SERVICES_STATUS_EX, Win32Error::SHUTDOWN_IN_PROGRESS, QUESTIONS),
    (Opnum::QUERY_SERVICE_CONFIG_EX, Win32Error::SHUTDOWN_IN_PROGRESS, QUESTIONS),
    (Opnum::START_SERVICE, Win32Error::PATH_NOT_FOUND, "whatever of the path is missing, the program is: 2"),
    (Opnum::START_SERVICE, Win32Error::SERVICE_NO_THREAD, "no thread is made for a service here"),
    (Opnum::START_SERVICE, Win32Error::SERVICE_DATABASE_LOCKED, NO_LOCKS),
    (
        Opnum::START_SERVICE,
        Win32Error::CIRCULAR_DEPENDENCY,
        "what would make a circle is refused before, at creation and change",
    ),
    (
        Opnum::START_SERVICE,
        Win32Error::SERVICE_LOGON_FAILED,
        "it depends on who runs the tests: `launch` asks the system about the account",
    ),
    (
        Opnum::START_SERVICE,
        Win32Error::INVALID_PARAMETER,
        "more arguments than there may be are a fault: the stub can't be read",
    ),
    (Opnum::CLOSE_SERVICE_HANDLE, Win32Error(0xFFFF_75FD), CLOSED),
    (Opnum::CLOSE_SERVICE_HANDLE, Win32Error(0xFFFF_75FE), CLOSED),
    (Opnum::QUERY_SERVICE_STATUS, Win32Error::PATH_NOT_FOUND, "a status has nothing to do with files here"),
    (
        Opnum::CREATE_SERVICE,
        Win32Error::INVALID_DATA,
        "what is malformed is 87 or 123, or can't be read: a fault",
    ),
    (Opnum::QUERY_SERVICE_CONFIG2, Win32Error::INVALID_PARAMETER, POINTERS),
    (Opnum::QUERY_SERVICE_STATUS_EX, Win32Error::INVALID_PARAMETER, POINTERS),
    (Opnum::NOTIFY_SERVICE_STATUS_CHANGE, Win32Error::SHUTDOWN_IN_PROGRESS, QUESTIONS),
    (Opnum::GET_NOTIFY_RESULTS, Win32Error::SHUTDOWN_IN_PROGRESS, QUESTIONS),
];

const NO_LOCKS: &str = "a lock holds nothing back since Windows Vista, not even another lock";

const QUESTIONS: &str = "questions are answered as long as there is somebody to answer";

const POINTERS: &str = "the pointers that it is about are not on the wire";

const CLOSED: &str = "these mean success, for the client library of Windows to tidy up; every other client takes them for an error";
