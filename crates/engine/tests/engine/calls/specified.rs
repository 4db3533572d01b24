//! The error codes of each call: [MS-SCMR] 3.1.4, and where it names none the Win32 reference of the function that makes the call.

use svckit_core::win32::Win32Error;
use svckit_scmr::ops::Opnum;

/// For each call its codes.
pub(super) const SPECIFIED: &[(Opnum, &[u32])] = &[
    (Opnum::CLOSE_SERVICE_HANDLE, &[6]),
    (Opnum::CONTROL_SERVICE, &[5, 6, 87, 1051, 1052, 1053, 1061, 1062, 1115]),
    (Opnum::DELETE_SERVICE, &[5, 6, 1072, 1115]),
    (Opnum::LOCK_SERVICE_DATABASE, &[5, 6, 1055]),
    (Opnum::QUERY_SERVICE_STATUS, &[5, 6, 1115]),
    (Opnum::UNLOCK_SERVICE_DATABASE, &[1071]),
    (Opnum::NOTIFY_BOOT_CONFIG_STATUS, &[5, 1074, 1076]),
    (Opnum::CHANGE_SERVICE_CONFIG, &[5, 6, 87, 1057, 1059, 1072, 1078, 1115]),
    (Opnum::CREATE_SERVICE, &[5, 6, 87, 123, 1057, 1059, 1072, 1073, 1078, 1115]),
    (Opnum::ENUM_DEPENDENT_SERVICES, &[5, 6, 87, 234, 1115]),
    (Opnum::ENUM_SERVICES_STATUS, &[5, 6, 87, 234, 1115]),
    (Opnum::OPEN_SC_MANAGER, &[5, 123, 1065, 1115]),
    (Opnum::OPEN_SERVICE, &[5, 6, 123, 1060, 1115]),
    (Opnum::QUERY_SERVICE_CONFIG, &[5, 6, 122, 1115]),
    (Opnum::QUERY_SERVICE_LOCK_STATUS, &[5, 6, 122]),
    (
        Opnum::START_SERVICE,
        &[2, 3, 5, 6, 87, 193, 1053, 1054, 1055, 1056, 1058, 1059, 1068, 1069, 1072, 1075, 1115],
    ),
    (Opnum::GET_SERVICE_DISPLAY_NAME, &[5, 6, 122, 123, 1060]),
    (Opnum::GET_SERVICE_KEY_NAME, &[5, 6, 122, 1060]),
    (Opnum::CHANGE_SERVICE_CONFIG2, &[5, 6, 87, 124, 1072, 1080, 1115]),
    (Opnum::QUERY_SERVICE_CONFIG2, &[5, 6, 122, 124, 1080, 1115]),
    (Opnum::QUERY_SERVICE_STATUS_EX, &[5, 6, 122, 124, 1115]),
    (Opnum::ENUM_SERVICES_STATUS_EX, &[5, 6, 87, 124, 234, 1060, 1115]),
    (Opnum::NOTIFY_SERVICE_STATUS_CHANGE, &[5, 6, 87, 124, 1072, 1242, 1294]),
    (Opnum::GET_NOTIFY_RESULTS, &[6, 1235]),
    (Opnum::CLOSE_NOTIFY_HANDLE, &[6]),
    (Opnum::QUERY_SERVICE_CONFIG_EX, &[5, 6, 124, 1115]),
];

/// Calls whose cases are where they were made: security, reasons of a stop. What isn't known is answered with a fault.
pub(super) const ELSEWHERE: &[u16] = &[4, 5, 35, 51];

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
    (Opnum::ENUM_SERVICES_STATUS, Win32Error::SHUTDOWN_IN_PROGRESS, QUESTIONS),
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
    (
        Opnum::GET_SERVICE_DISPLAY_NAME,
        Win32Error::ACCESS_DENIED,
        "every handle of the manager has the right to connect",
    ),
    (
        Opnum::GET_SERVICE_KEY_NAME,
        Win32Error::ACCESS_DENIED,
        "every handle of the manager has the right to connect",
    ),
    (
        Opnum::NOTIFY_SERVICE_STATUS_CHANGE,
        Win32Error(1294),
        "a client that lags behind is told the newest state, not refused",
    ),
];

const NO_LOCKS: &str = "a lock holds nothing back since Windows Vista, not even another lock";

const QUESTIONS: &str = "questions are answered as long as there is somebody to answer";
