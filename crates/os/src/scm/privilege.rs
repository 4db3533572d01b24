#![allow(unsafe_code)]

use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use svckit_core::Win32Error;
use windows_sys::Win32::Foundation::{ERROR_NOT_ALL_ASSIGNED, SetLastError};
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW, SE_PRIVILEGE_ENABLED,
    TOKEN_ADJUST_PRIVILEGES, TOKEN_PRIVILEGES, TOKEN_QUERY,
};

use super::text::wide;
use super::{check, last_error};
use crate::{errno, token};

/// What reading and setting an audit list takes: it has to be on when the handle is opened.
pub(super) const AUDIT: &str = "SeSecurityPrivilege";

/// Privileges are the whole process's: who turns one off must not do it under the feet of another.
static TURN: Mutex<()> = Mutex::new(());

/// A privilege of this process that is on as long as this lives. Others wait for it meanwhile.
pub(super) struct Privilege {
    token: OwnedHandle,
    /// What changed; nothing if it was on already.
    before: TOKEN_PRIVILEGES,
    _turn: MutexGuard<'static, ()>,
}

impl Privilege {
    /// Turns it on; `ERROR_PRIVILEGE_NOT_HELD` for a user who doesn't have it.
    pub(super) fn enable(name: &str) -> Result<Self, Win32Error> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let name = wide(name);
        let mut wanted = TOKEN_PRIVILEGES {
            PrivilegeCount: 1,
            Privileges: [LUID_AND_ATTRIBUTES { Attributes: SE_PRIVILEGE_ENABLED, ..Default::default() }],
        };
        // SAFETY: without a system it is this one; the name ends with NUL and lives during the call; the number is written where told.
        check(unsafe {
            LookupPrivilegeValueW(ptr::null(), name.as_ptr(), &raw mut wanted.Privileges[0].Luid)
        })?;
        let token =
            token::own(TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY).map_err(|error| errno::win32(&error))?;
        let (mut before, mut size) = (TOKEN_PRIVILEGES::default(), 0);
        let room = u32::try_from(size_of::<TOKEN_PRIVILEGES>()).unwrap_or(0);
        // Success tells by the code whether the privilege is there, so what was before must not be taken for it.
        // SAFETY: a call without pointers.
        unsafe { SetLastError(0) };
        // SAFETY: the token is open; one privilege is changed, and there is room for what one was before.
        check(unsafe {
            AdjustTokenPrivileges(
                token.as_raw_handle(),
                0,
                &raw const wanted,
                room,
                &raw mut before,
                &raw mut size,
            )
        })?;
        match last_error() {
            Win32Error(ERROR_NOT_ALL_ASSIGNED) => Err(Win32Error::PRIVILEGE_NOT_HELD),
            _ => Ok(Self { token, before, _turn: turn }),
        }
    }
}

impl Drop for Privilege {
    fn drop(&mut self) {
        // SAFETY: the token is open; the structure is what the system wrote.
        unsafe {
            AdjustTokenPrivileges(
                self.token.as_raw_handle(),
                0,
                &raw const self.before,
                0,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_privilege_is_on_as_long_as_it_is_wanted_and_one_that_is_not_held_is_told() {
        for time in 1..=2 {
            let privilege = Privilege::enable(AUDIT).unwrap();
            assert_eq!(privilege.before.PrivilegeCount, 1, "it was off before time {time}");
        }
        let none = Privilege::enable("SeCreateTokenPrivilege").err();
        assert_eq!(none, Some(Win32Error::PRIVILEGE_NOT_HELD));
    }
}
