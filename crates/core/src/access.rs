//! Access rights: what a handle was opened for.

use crate::open::open_flags;

open_flags! {
    /// Rights on the service control manager ([MS-SCMR] 3.1.4, table of access masks).
    ManagerAccess {
        /// Connect.
        CONNECT = 0x1 => "SC_MANAGER_CONNECT",
        /// Create services.
        CREATE_SERVICE = 0x2 => "SC_MANAGER_CREATE_SERVICE",
        /// List services and be told of created and deleted ones.
        ENUMERATE_SERVICE = 0x4 => "SC_MANAGER_ENUMERATE_SERVICE",
        /// Lock the database.
        LOCK = 0x8 => "SC_MANAGER_LOCK",
        /// Ask who holds the lock.
        QUERY_LOCK_STATUS = 0x10 => "SC_MANAGER_QUERY_LOCK_STATUS",
        /// Tell how the boot went.
        MODIFY_BOOT_CONFIG = 0x20 => "SC_MANAGER_MODIFY_BOOT_CONFIG",
        /// Delete.
        DELETE = 0x1_0000 => "DELETE",
        /// Read the security descriptor.
        READ_CONTROL = 0x2_0000 => "READ_CONTROL",
        /// Change the access list.
        WRITE_DAC = 0x4_0000 => "WRITE_DAC",
        /// Change the owner.
        WRITE_OWNER = 0x8_0000 => "WRITE_OWNER",
        /// Read and change the audit list.
        ACCESS_SYSTEM_SECURITY = 0x100_0000 => "ACCESS_SYSTEM_SECURITY",
        /// Whatever may be granted.
        MAXIMUM_ALLOWED = 0x200_0000 => "MAXIMUM_ALLOWED",
        /// All rights, by generic name.
        GENERIC_ALL = 0x1000_0000 => "GENERIC_ALL",
        /// Execute, by generic name.
        GENERIC_EXECUTE = 0x2000_0000 => "GENERIC_EXECUTE",
        /// Write, by generic name.
        GENERIC_WRITE = 0x4000_0000 => "GENERIC_WRITE",
        /// Read, by generic name.
        GENERIC_READ = 0x8000_0000 => "GENERIC_READ",
    }
}

impl ManagerAccess {
    /// `SC_MANAGER_ALL_ACCESS`.
    pub const ALL_ACCESS: Self = Self(0xF003F);
}

open_flags! {
    /// Rights on one service ([MS-SCMR] 3.1.4, table of access masks).
    ServiceAccess {
        /// Read the configuration.
        QUERY_CONFIG = 0x1 => "SERVICE_QUERY_CONFIG",
        /// Change the configuration.
        CHANGE_CONFIG = 0x2 => "SERVICE_CHANGE_CONFIG",
        /// Read the status and be told of its changes.
        QUERY_STATUS = 0x4 => "SERVICE_QUERY_STATUS",
        /// List the services that depend on it.
        ENUMERATE_DEPENDENTS = 0x8 => "SERVICE_ENUMERATE_DEPENDENTS",
        /// Start.
        START = 0x10 => "SERVICE_START",
        /// Stop.
        STOP = 0x20 => "SERVICE_STOP",
        /// Pause and continue, and the controls about parameters and network bindings.
        PAUSE_CONTINUE = 0x40 => "SERVICE_PAUSE_CONTINUE",
        /// Ask for the state.
        INTERROGATE = 0x80 => "SERVICE_INTERROGATE",
        /// Send controls 128 to 255.
        USER_DEFINED_CONTROL = 0x100 => "SERVICE_USER_DEFINED_CONTROL",
        /// Report a status (only the service itself).
        SET_STATUS = 0x8000 => "SERVICE_SET_STATUS",
        /// Delete.
        DELETE = 0x1_0000 => "DELETE",
        /// Read the security descriptor.
        READ_CONTROL = 0x2_0000 => "READ_CONTROL",
        /// Change the access list.
        WRITE_DAC = 0x4_0000 => "WRITE_DAC",
        /// Change the owner.
        WRITE_OWNER = 0x8_0000 => "WRITE_OWNER",
        /// Read and change the audit list.
        ACCESS_SYSTEM_SECURITY = 0x100_0000 => "ACCESS_SYSTEM_SECURITY",
        /// Whatever may be granted.
        MAXIMUM_ALLOWED = 0x200_0000 => "MAXIMUM_ALLOWED",
        /// All rights, by generic name.
        GENERIC_ALL = 0x1000_0000 => "GENERIC_ALL",
        /// Execute, by generic name.
        GENERIC_EXECUTE = 0x2000_0000 => "GENERIC_EXECUTE",
        /// Write, by generic name.
        GENERIC_WRITE = 0x4000_0000 => "GENERIC_WRITE",
        /// Read, by generic name.
        GENERIC_READ = 0x8000_0000 => "GENERIC_READ",
    }
}

impl ServiceAccess {
    /// `SERVICE_ALL_ACCESS`.
    pub const ALL_ACCESS: Self = Self(0xF01FF);
}
