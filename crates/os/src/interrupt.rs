//! Ending from another thread what a thread waits for.

#![allow(unsafe_code)]

use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle};
use std::sync::Arc;

use windows_sys::Win32::Foundation::{ERROR_OPERATION_ABORTED, WAIT_OBJECT_0};
use windows_sys::Win32::System::Threading::{SetEvent, WaitForSingleObject};

use crate::overlapped::new_event;

/// Ends the waits that it was given to: those under way, and all that begin later. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Interrupt {
    /// Stays set once it is.
    event: Arc<OwnedHandle>,
}

impl Interrupt {
    /// One that has not come.
    pub fn new() -> io::Result<Self> {
        Ok(Self { event: Arc::new(new_event(true)?) })
    }

    /// From now on the waits fail.
    pub fn interrupt(&self) {
        // SAFETY: the event is open for as long as this is, and may be set by whoever made it.
        unsafe { SetEvent(self.event.as_raw_handle()) };
    }

    /// An error (`ERROR_OPERATION_ABORTED`) if it has come.
    pub fn check(&self) -> io::Result<()> {
        // SAFETY: the event is open for as long as this is.
        match unsafe { WaitForSingleObject(self.event.as_raw_handle(), 0) } {
            WAIT_OBJECT_0 => Err(io::Error::from_raw_os_error(ERROR_OPERATION_ABORTED.cast_signed())),
            _ => Ok(()),
        }
    }
}

impl AsHandle for Interrupt {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.event.as_handle()
    }
}
