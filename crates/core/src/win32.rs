//! Win32 error codes, the codes in which every service control manager answers.

use crate::open::open_value;

open_value! {
    /// A Win32 error code ([MS-ERREF] 2.2). Zero is success; an unknown code survives and prints as hexadecimal.
    Win32Error {
        /// The operation succeeded.
        SUCCESS = 0 => "ERROR_SUCCESS",
        /// The function is not known to this system.
        INVALID_FUNCTION = 1 => "ERROR_INVALID_FUNCTION",
        /// A file is missing.
        FILE_NOT_FOUND = 2 => "ERROR_FILE_NOT_FOUND",
        /// A folder is missing.
        PATH_NOT_FOUND = 3 => "ERROR_PATH_NOT_FOUND",
        /// A right is missing.
        ACCESS_DENIED = 5 => "ERROR_ACCESS_DENIED",
        /// The handle is not open, or of another kind.
        INVALID_HANDLE = 6 => "ERROR_INVALID_HANDLE",
        /// Out of memory.
        NOT_ENOUGH_MEMORY = 8 => "ERROR_NOT_ENOUGH_MEMORY",
        /// The data is malformed.
        INVALID_DATA = 13 => "ERROR_INVALID_DATA",
        /// The medium is write protected.
        WRITE_PROTECT = 19 => "ERROR_WRITE_PROTECT",
        /// A device or the system failed in a way that has no code of its own.
        GEN_FAILURE = 31 => "ERROR_GEN_FAILURE",
        /// The system doesn't support the request.
        NOT_SUPPORTED = 50 => "ERROR_NOT_SUPPORTED",
        /// A parameter is wrong.
        INVALID_PARAMETER = 87 => "ERROR_INVALID_PARAMETER",
        /// The other end of the pipe is gone.
        BROKEN_PIPE = 109 => "ERROR_BROKEN_PIPE",
        /// The disk is full.
        DISK_FULL = 112 => "ERROR_DISK_FULL",
        /// The call does not exist on this system.
        CALL_NOT_IMPLEMENTED = 120 => "ERROR_CALL_NOT_IMPLEMENTED",
        /// The buffer is too small; the size needed is told.
        INSUFFICIENT_BUFFER = 122 => "ERROR_INSUFFICIENT_BUFFER",
        /// A name is malformed.
        INVALID_NAME = 123 => "ERROR_INVALID_NAME",
        /// The information level is not known.
        INVALID_LEVEL = 124 => "ERROR_INVALID_LEVEL",
        /// A library is missing.
        MOD_NOT_FOUND = 126 => "ERROR_MOD_NOT_FOUND",
        /// The file is not a program that this system can run.
        BAD_EXE_FORMAT = 193 => "ERROR_BAD_EXE_FORMAT",
        /// The program is for another kind of processor.
        EXE_MACHINE_TYPE_MISMATCH = 216 => "ERROR_EXE_MACHINE_TYPE_MISMATCH",
        /// The file was held back as malware.
        VIRUS_INFECTED = 225 => "ERROR_VIRUS_INFECTED",
        /// More entries are there than fit.
        MORE_DATA = 234 => "ERROR_MORE_DATA",
        /// The wait ended without an answer.
        WAIT_TIMEOUT = 258 => "WAIT_TIMEOUT",
        /// The name of the folder is not valid.
        DIRECTORY = 267 => "ERROR_DIRECTORY",
        /// The signature of the file is not accepted.
        INVALID_IMAGE_HASH = 577 => "ERROR_INVALID_IMAGE_HASH",
        /// An environment variable is not set.
        ENVVAR_NOT_FOUND = 203 => "ERROR_ENVVAR_NOT_FOUND",
        /// The program asks for an administrator's rights.
        ELEVATION_REQUIRED = 740 => "ERROR_ELEVATION_REQUIRED",
        /// A control was sent to a service whose dependents run.
        DEPENDENT_SERVICES_RUNNING = 1051 => "ERROR_DEPENDENT_SERVICES_RUNNING",
        /// The control is not valid for this service.
        INVALID_SERVICE_CONTROL = 1052 => "ERROR_INVALID_SERVICE_CONTROL",
        /// The service did not answer in time.
        SERVICE_REQUEST_TIMEOUT = 1053 => "ERROR_SERVICE_REQUEST_TIMEOUT",
        /// The service's process could not make a thread.
        SERVICE_NO_THREAD = 1054 => "ERROR_SERVICE_NO_THREAD",
        /// The service database is locked.
        SERVICE_DATABASE_LOCKED = 1055 => "ERROR_SERVICE_DATABASE_LOCKED",
        /// The service runs already.
        SERVICE_ALREADY_RUNNING = 1056 => "ERROR_SERVICE_ALREADY_RUNNING",
        /// The account or its password is wrong.
        INVALID_SERVICE_ACCOUNT = 1057 => "ERROR_INVALID_SERVICE_ACCOUNT",
        /// The service is disabled.
        SERVICE_DISABLED = 1058 => "ERROR_SERVICE_DISABLED",
        /// Services depend on each other in a circle.
        CIRCULAR_DEPENDENCY = 1059 => "ERROR_CIRCULAR_DEPENDENCY",
        /// No service has that name.
        SERVICE_DOES_NOT_EXIST = 1060 => "ERROR_SERVICE_DOES_NOT_EXIST",
        /// The service can't accept controls now.
        SERVICE_CANNOT_ACCEPT_CTRL = 1061 => "ERROR_SERVICE_CANNOT_ACCEPT_CTRL",
        /// The service is not running.
        SERVICE_NOT_ACTIVE = 1062 => "ERROR_SERVICE_NOT_ACTIVE",
        /// The service process could not connect to the service control manager.
        FAILED_SERVICE_CONTROLLER_CONNECT = 1063 => "ERROR_FAILED_SERVICE_CONTROLLER_CONNECT",
        /// The service threw while it handled a control.
        EXCEPTION_IN_SERVICE = 1064 => "ERROR_EXCEPTION_IN_SERVICE",
        /// The database does not exist.
        DATABASE_DOES_NOT_EXIST = 1065 => "ERROR_DATABASE_DOES_NOT_EXIST",
        /// The service returned an error of its own; see the service-specific code.
        SERVICE_SPECIFIC_ERROR = 1066 => "ERROR_SERVICE_SPECIFIC_ERROR",
        /// The process ended unexpectedly.
        PROCESS_ABORTED = 1067 => "ERROR_PROCESS_ABORTED",
        /// A service that this one depends on failed to start.
        SERVICE_DEPENDENCY_FAIL = 1068 => "ERROR_SERVICE_DEPENDENCY_FAIL",
        /// The account could not log on.
        SERVICE_LOGON_FAILED = 1069 => "ERROR_SERVICE_LOGON_FAILED",
        /// The service hung while it started.
        SERVICE_START_HANG = 1070 => "ERROR_SERVICE_START_HANG",
        /// The lock is not the one that is held.
        INVALID_SERVICE_LOCK = 1071 => "ERROR_INVALID_SERVICE_LOCK",
        /// The service is marked for deletion.
        SERVICE_MARKED_FOR_DELETE = 1072 => "ERROR_SERVICE_MARKED_FOR_DELETE",
        /// A service of that name exists.
        SERVICE_EXISTS = 1073 => "ERROR_SERVICE_EXISTS",
        /// The system runs with the last known good configuration already.
        ALREADY_RUNNING_LKG = 1074 => "ERROR_ALREADY_RUNNING_LKG",
        /// A service that this one depends on is missing or marked for deletion.
        SERVICE_DEPENDENCY_DELETED = 1075 => "ERROR_SERVICE_DEPENDENCY_DELETED",
        /// The configuration of this boot was accepted already.
        BOOT_ALREADY_ACCEPTED = 1076 => "ERROR_BOOT_ALREADY_ACCEPTED",
        /// No attempt to start the service was made since the last boot.
        SERVICE_NEVER_STARTED = 1077 => "ERROR_SERVICE_NEVER_STARTED",
        /// The name is a key name or a display name of another service.
        DUPLICATE_SERVICE_NAME = 1078 => "ERROR_DUPLICATE_SERVICE_NAME",
        /// The account differs from that of the other services in the process.
        DIFFERENT_SERVICE_ACCOUNT = 1079 => "ERROR_DIFFERENT_SERVICE_ACCOUNT",
        /// A failure action can't be set for a driver.
        CANNOT_DETECT_DRIVER_FAILURE = 1080 => "ERROR_CANNOT_DETECT_DRIVER_FAILURE",
        /// A recovery program is missing.
        NO_RECOVERY_PROGRAM = 1082 => "ERROR_NO_RECOVERY_PROGRAM",
        /// The program does not offer the service.
        SERVICE_NOT_IN_EXE = 1083 => "ERROR_SERVICE_NOT_IN_EXE",
        /// The system is going down.
        SHUTDOWN_IN_PROGRESS = 1115 => "ERROR_SHUTDOWN_IN_PROGRESS",
        /// Services in one process have SID types that don't go together.
        INCOMPATIBLE_SERVICE_SID_TYPE = 1290 => "ERROR_INCOMPATIBLE_SERVICE_SID_TYPE",
        /// The account lacks a privilege that the service requires.
        INCOMPATIBLE_SERVICE_PRIVILEGE = 1297 => "ERROR_INCOMPATIBLE_SERVICE_PRIVILEGE",
        /// Who asks may not make that one the owner.
        INVALID_OWNER = 1307 => "ERROR_INVALID_OWNER",
        /// There is no group where one is needed.
        INVALID_PRIMARY_GROUP = 1308 => "ERROR_INVALID_PRIMARY_GROUP",
        /// Nobody who knows the account's domain can be asked.
        NO_LOGON_SERVERS = 1311 => "ERROR_NO_LOGON_SERVERS",
        /// A needed right is not held.
        PRIVILEGE_NOT_HELD = 1314 => "ERROR_PRIVILEGE_NOT_HELD",
        /// The name of the account or its password is wrong.
        LOGON_FAILURE = 1326 => "ERROR_LOGON_FAILURE",
        /// The account may not be used like this: without a password, or against a policy.
        ACCOUNT_RESTRICTION = 1327 => "ERROR_ACCOUNT_RESTRICTION",
        /// The account may not log on at this time.
        INVALID_LOGON_HOURS = 1328 => "ERROR_INVALID_LOGON_HOURS",
        /// The password of the account has expired.
        PASSWORD_EXPIRED = 1330 => "ERROR_PASSWORD_EXPIRED",
        /// The account is disabled.
        ACCOUNT_DISABLED = 1331 => "ERROR_ACCOUNT_DISABLED",
        /// The account lacks the right to log on in this way.
        LOGON_TYPE_NOT_GRANTED = 1385 => "ERROR_LOGON_TYPE_NOT_GRANTED",
        /// The other side is not known by that name.
        WRONG_TARGET_NAME = 1396 => "ERROR_WRONG_TARGET_NAME",
        /// The clocks of two machines differ too much.
        TIME_SKEW = 1398 => "ERROR_TIME_SKEW",
        /// Too few resources.
        NO_SYSTEM_RESOURCES = 1450 => "ERROR_NO_SYSTEM_RESOURCES",
        /// The call was cancelled.
        CANCELLED = 1223 => "ERROR_CANCELLED",
        /// The request was given up.
        REQUEST_ABORTED = 1235 => "ERROR_REQUEST_ABORTED",
        /// It is registered already.
        ALREADY_REGISTERED = 1242 => "ERROR_ALREADY_REGISTERED",
        /// Somebody who waits for news has missed some; who opens the service control manager anew can wait again.
        SERVICE_NOTIFY_CLIENT_LAGGING = 1294 => "ERROR_SERVICE_NOTIFY_CLIENT_LAGGING",
        /// The command line is wrong.
        INVALID_COMMAND_LINE = 1639 => "ERROR_INVALID_COMMAND_LINE",
        /// The server could not be reached.
        RPC_S_SERVER_UNAVAILABLE = 1722 => "RPC_S_SERVER_UNAVAILABLE",
        /// A remote procedure call failed; it may have been carried out.
        RPC_S_CALL_FAILED = 1726 => "RPC_S_CALL_FAILED",
        /// A remote procedure call broke the protocol.
        RPC_S_PROTOCOL_ERROR = 1728 => "RPC_S_PROTOCOL_ERROR",
        /// The procedure number is out of range.
        RPC_S_PROCNUM_OUT_OF_RANGE = 1745 => "RPC_S_PROCNUM_OUT_OF_RANGE",
        /// The stub received bad data.
        RPC_X_BAD_STUB_DATA = 1783 => "RPC_X_BAD_STUB_DATA",
        /// The account has expired.
        ACCOUNT_EXPIRED = 1793 => "ERROR_ACCOUNT_EXPIRED",
        /// The security of a connection could not be agreed upon.
        RPC_S_SEC_PKG_ERROR = 1825 => "RPC_S_SEC_PKG_ERROR",
        /// The password has to be changed before the first logon.
        PASSWORD_MUST_CHANGE = 1907 => "ERROR_PASSWORD_MUST_CHANGE",
        /// The account is locked.
        ACCOUNT_LOCKED_OUT = 1909 => "ERROR_ACCOUNT_LOCKED_OUT",
        /// The program's side-by-side configuration is wrong.
        SXS_CANT_GEN_ACTCTX = 14001 => "ERROR_SXS_CANT_GEN_ACTCTX",
    }
}

impl Win32Error {
    /// Whether this is `ERROR_SUCCESS`.
    pub const fn is_success(self) -> bool {
        self.0 == 0
    }

    /// The code as a result: success, or itself as the error.
    pub fn check(self) -> Result<(), Self> {
        if self.is_success() { Ok(()) } else { Err(self) }
    }

    /// Whether who came was not let in: by the name, the password or the state of the account. Rights are no matter of it: who lacks them was let in.
    pub const fn refuses_logon(self) -> bool {
        matches!(
            self,
            Self::LOGON_FAILURE
                | Self::ACCOUNT_RESTRICTION
                | Self::INVALID_LOGON_HOURS
                | Self::PASSWORD_EXPIRED
                | Self::ACCOUNT_DISABLED
                | Self::ACCOUNT_EXPIRED
                | Self::PASSWORD_MUST_CHANGE
                | Self::ACCOUNT_LOCKED_OUT
        )
    }

    /// The number and, where it has one, the name: `1060 ERROR_SERVICE_DOES_NOT_EXIST`.
    pub fn numbered(self) -> String {
        match self.name() {
            Some(name) => format!("{} {name}", self.0),
            None => format!("{} ({:#x})", self.0, self.0),
        }
    }
}

impl std::error::Error for Win32Error {}

impl Win32Error {
    /// What the code means, as a phrase in lower case without full stop, for the codes that service control managers answer with.
    pub const fn description(self) -> Option<&'static str> {
        Some(match self {
            Self::FILE_NOT_FOUND => "the file does not exist",
            Self::PATH_NOT_FOUND => "the folder does not exist",
            Self::ACCESS_DENIED => "access is denied",
            Self::INVALID_HANDLE => "the handle is not valid",
            Self::NOT_SUPPORTED => "the request is not supported here",
            Self::INVALID_PARAMETER => "a parameter is not valid",
            Self::DISK_FULL => "the disk is full",
            Self::INVALID_NAME => "the name is not valid",
            Self::INVALID_LEVEL => "the information level is not known here",
            Self::BAD_EXE_FORMAT => "the file is not a program that this system can run",
            Self::WAIT_TIMEOUT => "it took too long",
            Self::DIRECTORY => "the working directory is not valid",
            Self::DEPENDENT_SERVICES_RUNNING => "services that depend on it are running",
            Self::INVALID_SERVICE_CONTROL => "the service does not accept this control",
            Self::SERVICE_REQUEST_TIMEOUT => "the service did not answer in time",
            Self::SERVICE_DATABASE_LOCKED => "the service database is locked",
            Self::SERVICE_ALREADY_RUNNING => "the service is already running",
            Self::INVALID_SERVICE_ACCOUNT => "the account does not exist or its password is wrong",
            Self::SERVICE_DISABLED => "the service is disabled",
            Self::CIRCULAR_DEPENDENCY => "the services depend on each other in a circle",
            Self::SERVICE_DOES_NOT_EXIST => "the service does not exist",
            Self::SERVICE_CANNOT_ACCEPT_CTRL => "the service cannot accept controls at this time",
            Self::SERVICE_NOT_ACTIVE => "the service is not running",
            Self::SERVICE_SPECIFIC_ERROR => "the service ended with an error of its own",
            Self::PROCESS_ABORTED => "the process ended unexpectedly",
            Self::SERVICE_DEPENDENCY_FAIL => "a service that it depends on failed to start",
            Self::SERVICE_LOGON_FAILED => "the account could not be switched to",
            Self::SERVICE_START_HANG => "the service hung while it started",
            Self::INVALID_SERVICE_LOCK => "the lock is none that is held",
            Self::SERVICE_MARKED_FOR_DELETE => "the service is marked for deletion",
            Self::SERVICE_EXISTS => "a service of that name exists",
            Self::ALREADY_RUNNING_LKG => "the last known good configuration is in use already",
            Self::SERVICE_DEPENDENCY_DELETED => {
                "a service that it depends on is missing or marked for deletion"
            }
            Self::BOOT_ALREADY_ACCEPTED => "the start of the system was accepted already",
            Self::SERVICE_NEVER_STARTED => "it has not been started yet",
            Self::DUPLICATE_SERVICE_NAME => {
                "the name is in use as a key name or display name of another service"
            }
            Self::SERVICE_NOT_IN_EXE => "the program does not offer this service",
            Self::SHUTDOWN_IN_PROGRESS => "the service control manager is going down",
            Self::SERVICE_NOTIFY_CLIENT_LAGGING => "more services came and went than are remembered",
            Self::RPC_S_SERVER_UNAVAILABLE => "the service control manager cannot be reached",
            Self::RPC_S_CALL_FAILED => "the connection to the service control manager was lost",
            Self::RPC_S_PROTOCOL_ERROR => "the answer does not follow the protocol",
            _ => return None,
        })
    }
}
