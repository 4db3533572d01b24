//! The client's side.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle};
use std::ptr;

use windows_sys::Win32::Foundation::{HANDLE, WAIT_FAILED};
use windows_sys::Win32::Storage::FileSystem::{FILE_FLAG_OVERLAPPED, ReadFile};
use windows_sys::Win32::System::Threading::{INFINITE, WaitForMultipleObjects};

use super::{PATIENCE, connect_within};
use crate::interrupt::Interrupt;
use crate::overlapped::Operation;

/// So many bytes, which are the same news, are taken at once.
const MOST: u32 = 512;

/// Hears from [`Notices`](super::Notices) that there is something new.
pub struct Listener {
    /// INVARIANT: made for overlapped operations.
    pipe: File,
    hearing: Operation,
    /// INVARIANT: what is read goes there; nobody else touches it, and it stays where it is.
    bytes: Box<UnsafeCell<[u8; MOST as usize]>>,
}

impl Listener {
    /// Connects to a named pipe of this machine, such as `\\.\pipe\svckit\web`.
    ///
    /// Who answers can find out who we are, but can't act in our name (`SECURITY_IDENTIFICATION`), since anybody may have taken a name that is free.
    ///
    /// # Errors
    /// `InvalidInput` for a name that is none of a pipe on this machine; `NotFound` if nobody has it; `TimedOut` if there is no place for this client
    /// for five seconds; `PermissionDenied`.
    pub fn connect(name: &str) -> io::Result<Self> {
        let pipe = connect_within(name, PATIENCE, FILE_FLAG_OVERLAPPED)?;
        let bytes = Box::new(UnsafeCell::new([0; MOST as usize]));
        Ok(Self { pipe, hearing: Operation::new()?, bytes })
    }

    /// Waits until there is something new; `false` when nobody is there any more who could tell. To be interrupted is an error.
    pub fn wait(&mut self, interrupt: Option<&Interrupt>) -> io::Result<bool> {
        let pipe = self.raw();
        if !self.hearing.is_pending() {
            let bytes = self.bytes.get().cast::<u8>();
            // SAFETY: none is pending; the bytes are there and nobody's until the end is seen, here or in `drop`, by their invariant.
            let begun =
                unsafe { self.hearing.begin(|end| ReadFile(pipe, bytes, MOST, ptr::null_mut(), end)) };
            if begun.is_err() {
                return Ok(false);
            }
        }
        let ended = self.hearing.event().as_raw_handle();
        let other = interrupt.map_or(ptr::null_mut(), |interrupt| interrupt.as_handle().as_raw_handle());
        let count = 1 + u32::from(interrupt.is_some());
        // SAFETY: so many handles can be read, and they are open.
        if unsafe { WaitForMultipleObjects(count, [ended, other].as_ptr(), 0, INFINITE) } == WAIT_FAILED {
            return Err(io::Error::last_os_error());
        }
        interrupt.map_or(Ok(()), Interrupt::check)?;
        Ok(self.hearing.settle(pipe, false).is_some_and(|read| read.is_ok_and(|count| count > 0)))
    }

    fn raw(&self) -> HANDLE {
        self.pipe.as_raw_handle()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Until then the system may write to the bytes.
        self.hearing.settle(self.raw(), true);
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Listener({:?})", self.pipe)
    }
}
