//! Access tokens: who a process is, and what it may do.

#![allow(unsafe_code)]

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle, RawHandle};
use std::ptr;

use windows_sys::Win32::Foundation::ERROR_INSUFFICIENT_BUFFER;
use windows_sys::Win32::Security::{GetTokenInformation, TOKEN_ACCESS_MASK, TOKEN_INFORMATION_CLASS};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, OpenProcess, OpenProcessToken, PROCESS_QUERY_LIMITED_INFORMATION,
};

use crate::overlapped::is;

/// That of this process.
pub(crate) fn own(access: TOKEN_ACCESS_MASK) -> io::Result<OwnedHandle> {
    // SAFETY: a call without arguments; the pseudo-handle that it gives is always valid.
    open(unsafe { GetCurrentProcess() }, access)
}

/// That of another process, for who may look into it.
pub(crate) fn of(process: u32, access: TOKEN_ACCESS_MASK) -> io::Result<OwnedHandle> {
    // SAFETY: plain numbers are passed.
    let handle = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, process) };
    if handle.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is new, and nobody else's.
    let process = unsafe { OwnedHandle::from_raw_handle(handle) };
    open(process.as_raw_handle(), access)
}

fn open(process: RawHandle, access: TOKEN_ACCESS_MASK) -> io::Result<OwnedHandle> {
    let mut token = ptr::null_mut();
    // SAFETY: the handle is open, or the one that stands for this process; the token is written on success.
    if unsafe { OpenProcessToken(process, access, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is new, and nobody else's.
    Ok(unsafe { OwnedHandle::from_raw_handle(token) })
}

/// What the system knows of a token, in the structure of the class, which is at the beginning, with what it points to behind it.
pub(crate) fn information(token: &OwnedHandle, class: TOKEN_INFORMATION_CLASS) -> io::Result<Vec<u64>> {
    // A pointer and the longest identifier, which it points to.
    let mut space = vec![0u64; 16];
    loop {
        let size = u32::try_from(size_of_val(space.as_slice())).unwrap_or(0);
        let (raw, start, mut needed) = (token.as_raw_handle(), space.as_mut_ptr().cast(), 0);
        // SAFETY: the token is open; the buffer is aligned and has the size that is said.
        if unsafe { GetTokenInformation(raw, class, start, size, &raw mut needed) } != 0 {
            return Ok(space);
        }
        let error = io::Error::last_os_error();
        if needed <= size || !is(&error, ERROR_INSUFFICIENT_BUFFER) {
            return Err(error);
        }
        space = vec![0; (needed as usize).div_ceil(size_of::<u64>())];
    }
}
