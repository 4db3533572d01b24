#![allow(unsafe_code)]

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::backend::LockStatus;
use windows_sys::Win32::System::Services::{
    LockServiceDatabase, NotifyBootConfigStatus, QUERY_SERVICE_LOCK_STATUSW, QueryServiceLockStatusW,
    UnlockServiceDatabase,
};

use super::manager::Manager;
use super::text::{Buffer, read};
use super::{check, last_error};

/// The first buffer for the status of the lock: the structure, and the name of an owner.
const FIRST_BUFFER: u32 = 1024;

/// A lock of the service database, released when it is dropped.
#[derive(Debug)]
pub struct Lock {
    /// INVARIANT: held until this is dropped, and nobody else releases it.
    raw: *mut c_void,
}

impl Lock {
    /// Releases it.
    pub fn unlock(self) -> Result<(), Win32Error> {
        let lock = ManuallyDrop::new(self);
        // SAFETY: the lock is held by the invariant; it is not dropped, so nobody releases it again.
        check(unsafe { UnlockServiceDatabase(lock.raw) })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // SAFETY: the lock is held by the invariant, and nobody can use it after this.
        unsafe { UnlockServiceDatabase(self.raw) };
    }
}

impl Manager {
    /// Locks the service database, which holds nothing back since Windows Vista.
    pub fn lock(&self) -> Result<Lock, Win32Error> {
        // SAFETY: the handle is open.
        let raw = unsafe { LockServiceDatabase(self.raw()) };
        if raw.is_null() { Err(last_error()) } else { Ok(Lock { raw }) }
    }

    /// Who locks the service database.
    pub fn lock_status(&self) -> Result<LockStatus, Win32Error> {
        let mut buffer = Buffer::new(FIRST_BUFFER);
        loop {
            let mut needed = 0;
            // SAFETY: the handle is open; the buffer has the length that is said; the number is written where told.
            let done = unsafe {
                QueryServiceLockStatusW(self.raw(), buffer.as_mut_ptr().cast(), buffer.len(), &raw mut needed)
            };
            match check(done) {
                Ok(()) => break,
                Err(Win32Error::INSUFFICIENT_BUFFER) if needed > buffer.len() => buffer = Buffer::new(needed),
                Err(code) => return Err(code),
            }
        }
        // SAFETY: the system filled the structure at the aligned start of the buffer, and its string points into it.
        unsafe {
            let status = &*buffer.as_ptr().cast::<QUERY_SERVICE_LOCK_STATUSW>();
            Ok(LockStatus {
                locked: status.fIsLocked != 0,
                owner: read(status.lpLockOwner).unwrap_or_default(),
                held_for: Duration::from_secs(status.dwLockDuration.into()),
            })
        }
    }
}

/// Tells whether the system started well. If not, the system restarts at once.
pub fn report_boot(acceptable: bool) -> Result<(), Win32Error> {
    // SAFETY: a call without pointers.
    check(unsafe { NotifyBootConfigStatus(acceptable.into()) })
}
