#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::windows::io::AsRawHandle;
use std::path::Path;

use windows_sys::Win32::Foundation::{ERROR_IO_PENDING, ERROR_LOCK_VIOLATION};
use windows_sys::Win32::Storage::FileSystem::{
    LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx,
};
use windows_sys::Win32::System::IO::{OVERLAPPED, OVERLAPPED_0, OVERLAPPED_0_0};

/// The byte that is locked: far behind the text, which others read while the lock is held.
const PLACE: u32 = 1 << 30;

/// A held lock; released when it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock if nobody has it, and writes this process's identifier into the file. `None` if somebody has it.
    pub fn try_take(path: &Path) -> io::Result<Option<Self>> {
        let file = open(path)?;
        match lock(&file, LOCKFILE_FAIL_IMMEDIATELY) {
            Ok(()) => Self::sign(file).map(Some),
            Err(error) if is_held(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes the lock, waiting until it is free.
    pub fn take(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        lock(&file, 0)?;
        Self::sign(file)
    }

    /// Who wrote itself into the file last; `None` if that can't be told.
    pub fn holder(path: &Path) -> Option<u32> {
        let mut text = String::new();
        File::open(path).ok()?.take(32).read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }

    fn sign(mut file: File) -> io::Result<Self> {
        file.rewind()?;
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Self { _file: file })
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn is_held(error: &io::Error) -> bool {
    let held = [ERROR_LOCK_VIOLATION, ERROR_IO_PENDING];
    error.raw_os_error().is_some_and(|code| held.contains(&code.cast_unsigned()))
}

fn lock(file: &File, flags: u32) -> io::Result<()> {
    let place = OVERLAPPED_0 { Anonymous: OVERLAPPED_0_0 { Offset: PLACE, OffsetHigh: 0 } };
    let mut overlapped =
        OVERLAPPED { Internal: 0, InternalHigh: 0, Anonymous: place, hEvent: std::ptr::null_mut() };
    // SAFETY: the handle is the file's and open; it was not opened for overlapped use, so the call is over when it returns and `overlapped`, which lives until then,
    // only tells the place.
    let done = unsafe {
        LockFileEx(file.as_raw_handle(), flags | LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, &raw mut overlapped)
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time_and_it_is_known() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("l");
        assert_eq!(Lock::holder(&path), None);
        let held = Lock::try_take(&path).unwrap().unwrap();
        assert!(Lock::try_take(&path).unwrap().is_none());
        assert_eq!(Lock::holder(&path), Some(std::process::id()));
        drop(held);
        drop(Lock::take(&path).unwrap());
        drop(Lock::try_take(&path).unwrap().unwrap());
    }
}
