#![allow(unsafe_code)]

use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::path::Path;
use std::ptr;

use svckit_core::space::Space;
use windows_sys::Win32::Storage::FileSystem::{GetDiskFreeSpaceExW, GetVolumePathNameW};

use crate::path::wide;

/// Longer than where any volume is mounted.
const LONGEST: usize = 1024;

pub(super) fn of(path: &Path) -> io::Result<(OsString, Space)> {
    let wide = wide(path);
    let mut volume = [0_u16; LONGEST];
    // SAFETY: the path ends with NUL and lives during the call, as does the place for the answer, whose length is told.
    if unsafe { GetVolumePathNameW(wide.as_ptr(), volume.as_mut_ptr(), LONGEST as u32) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let (mut free, mut total) = (0, 0);
    // SAFETY: the name of the volume ends with NUL, and the places for the answers live during the call.
    let done =
        unsafe { GetDiskFreeSpaceExW(volume.as_ptr(), &raw mut free, &raw mut total, ptr::null_mut()) };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    let end = volume.iter().position(|unit| *unit == 0).unwrap_or(LONGEST);
    Ok((OsString::from_wide(&volume[..end]), Space { free, total }))
}
