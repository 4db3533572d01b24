//! What a service is: its type, when it starts, and what its failure to start means.

use crate::open::{open_flags, open_value};

open_flags! {
    /// `dwServiceType` ([MS-SCMR] 3.1.4.12).
    ServiceType {
        /// A kernel driver.
        KERNEL_DRIVER = 0x1 => "KERNEL_DRIVER",
        /// A file system driver.
        FILE_SYSTEM_DRIVER = 0x2 => "FILE_SYSTEM_DRIVER",
        /// A service in a process of its own.
        WIN32_OWN_PROCESS = 0x10 => "WIN32_OWN_PROCESS",
        /// A service that shares its process with others.
        WIN32_SHARE_PROCESS = 0x20 => "WIN32_SHARE_PROCESS",
        /// The template of a per-user service.
        USER_SERVICE = 0x40 => "USER_SERVICE",
        /// An instance of a per-user service.
        USERSERVICE_INSTANCE = 0x80 => "USERSERVICE_INSTANCE",
        /// The service may interact with the desktop.
        INTERACTIVE_PROCESS = 0x100 => "INTERACTIVE_PROCESS",
    }
}

impl ServiceType {
    /// `SERVICE_WIN32`: every service that is not a driver.
    pub const WIN32: Self = Self(0x30);
    /// `SERVICE_DRIVER`: every driver.
    pub const DRIVER: Self = Self(0xB);

    /// Whether this is a service with a process (own or shared).
    pub const fn is_win32(self) -> bool {
        self.intersects(Self::WIN32)
    }
}

open_value! {
    /// `dwStartType` ([MS-SCMR] 3.1.4.12).
    StartType {
        /// A driver that the boot loader starts.
        BOOT_START = 0 => "BOOT_START",
        /// A driver that the kernel starts.
        SYSTEM_START = 1 => "SYSTEM_START",
        /// Started when the service control manager starts.
        AUTO_START = 2 => "AUTO_START",
        /// Started when asked for.
        DEMAND_START = 3 => "DEMAND_START",
        /// Not to be started.
        DISABLED = 4 => "DISABLED",
    }
}

open_value! {
    /// `dwErrorControl` ([MS-SCMR] 3.1.4.12): what it means for the system when the service fails to start.
    ErrorControl {
        /// Ignored.
        IGNORE = 0 => "ERROR_IGNORE",
        /// Logged.
        NORMAL = 1 => "ERROR_NORMAL",
        /// Logged, and the last known good configuration is tried.
        SEVERE = 2 => "ERROR_SEVERE",
        /// As severe; the start of the system fails if it was the last known good one.
        CRITICAL = 3 => "ERROR_CRITICAL",
    }
}

open_value! {
    /// `dwServiceSidType` ([MS-SCMR] 2.2.40).
    SidType {
        /// No service SID.
        NONE = 0 => "SID_TYPE_NONE",
        /// The service SID is in the process's token.
        UNRESTRICTED = 1 => "SID_TYPE_UNRESTRICTED",
        /// The token is write-restricted as well.
        RESTRICTED = 3 => "SID_TYPE_RESTRICTED",
    }
}

open_value! {
    /// `dwLaunchProtected` (`SERVICE_LAUNCH_PROTECTED_INFO` of the service API; [MS-SCMR] doesn't have it): processes that are protected less
    /// can't control, change or delete the service, nor touch its process. Windows grants a protection only to programs that are signed for it.
    LaunchProtection {
        /// None.
        NONE = 0 => "LAUNCH_PROTECTED_NONE",
        /// For Windows itself.
        WINDOWS = 1 => "LAUNCH_PROTECTED_WINDOWS",
        /// For Windows itself, the lighter one.
        WINDOWS_LIGHT = 2 => "LAUNCH_PROTECTED_WINDOWS_LIGHT",
        /// For services against malware.
        ANTIMALWARE_LIGHT = 3 => "LAUNCH_PROTECTED_ANTIMALWARE_LIGHT",
    }
}
