#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::io::AsRawHandle;
use std::path::Path;

use windows_sys::Win32::Foundation::{ERROR_IO_PENDING, ERROR_LOCK_VIOLATION};
use windows_sys::Win32::Storage::FileSystem::{
    LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx,
};
use windows_sys::Win32::System::IO::{OVERLAPPED, OVERLAPPED_0, OVERLAPPED_0_0};

/// The byte that is locked: far behind the text, which others read while the lock is held.
const PLACE: u32 = 1 << 30;

pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn is_held(error: &io::Error) -> bool {
    let held = [ERROR_LOCK_VIOLATION, ERROR_IO_PENDING];
    error.raw_os_error().is_some_and(|code| held.contains(&code.cast_unsigned()))
}

/// Takes the lock; `false` if somebody has it.
pub(super) fn lock(file: &File, wait: bool) -> io::Result<bool> {
    let flags = if wait { 0 } else { LOCKFILE_FAIL_IMMEDIATELY };
    let place = OVERLAPPED_0 { Anonymous: OVERLAPPED_0_0 { Offset: PLACE, OffsetHigh: 0 } };
    let mut overlapped =
        OVERLAPPED { Internal: 0, InternalHigh: 0, Anonymous: place, hEvent: std::ptr::null_mut() };
    // SAFETY: the handle is the file's and open; it was not opened for overlapped use, so the call is over when it returns and `overlapped`, which lives until then,
    // only tells the place.
    let done = unsafe {
        LockFileEx(file.as_raw_handle(), flags | LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, &raw mut overlapped)
    };
    if done != 0 {
        return Ok(true);
    }
    match io::Error::last_os_error() {
        error if !wait && is_held(&error) => Ok(false),
        error => Err(error),
    }
}
