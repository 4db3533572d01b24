//! Overlapped operations that outlast the call that begins them, and the events that tell of their ends.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::process;
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_IO_INCOMPLETE, ERROR_IO_PENDING, HANDLE};
use windows_sys::Win32::Storage::FileSystem::SetFileCompletionNotificationModes;
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::Threading::CreateEventW;

/// An event without a name, which is not set: one that stays set once it is, or one that the system resets when somebody has waited for it.
pub(crate) fn new_event(stays: bool) -> io::Result<OwnedHandle> {
    // SAFETY: an event without a name and without security attributes.
    let event = unsafe { CreateEventW(ptr::null(), i32::from(stays), 0, ptr::null()) };
    if event.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is new, and nobody else's.
    Ok(unsafe { OwnedHandle::from_raw_handle(event) })
}

/// Whether the system refused with this code.
pub(crate) fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code.cast_signed())
}

/// `FILE_SKIP_COMPLETION_PORT_ON_SUCCESS`.
const SKIP_PORT_ON_SUCCESS: u8 = 1;

/// Operations on the handle that succeed at once are not told of at the completion port as well; whether the system does so.
pub(crate) fn skip_port_on_success(handle: BorrowedHandle<'_>) -> bool {
    // SAFETY: the handle is open.
    unsafe { SetFileCompletionNotificationModes(handle.as_raw_handle(), SKIP_PORT_ON_SUCCESS) != 0 }
}

/// An operation on a handle, one after the other.
pub(crate) struct Operation {
    /// INVARIANT: while `is_pending` the system may write to it; nobody else touches it, and it stays where it is.
    raw: Box<UnsafeCell<OVERLAPPED>>,
    /// What the operation waits at, so that its end can be told from that of others.
    event: OwnedHandle,
    is_pending: bool,
}

impl Operation {
    /// None yet.
    pub(crate) fn new() -> io::Result<Self> {
        let event = new_event(true)?;
        let raw = OVERLAPPED { hEvent: event.as_raw_handle(), ..OVERLAPPED::default() };
        Ok(Self { raw: Box::new(UnsafeCell::new(raw)), event, is_pending: false })
    }

    /// What is signalled when the one that was begun last has ended.
    pub(crate) fn event(&self) -> BorrowedHandle<'_> {
        self.event.as_handle()
    }

    /// Whether one was begun whose end [`settle`](Self::settle) has not told.
    pub(crate) fn is_pending(&self) -> bool {
        self.is_pending
    }

    /// Begins one by a call of the system, which says whether it succeeded at once. An error: none was begun.
    ///
    /// # Safety
    /// None is pending. What the call passes to the system besides lives, and is touched by nobody, until `settle` has told the end; that is asked for on the
    /// same handle, and before this is dropped.
    pub(crate) unsafe fn begin(&mut self, call: impl FnOnce(*mut OVERLAPPED) -> i32) -> io::Result<bool> {
        let at_once = call(self.raw.get()) != 0;
        if !at_once {
            let error = io::Error::last_os_error();
            if !is(&error, ERROR_IO_PENDING) {
                return Err(error);
            }
        }
        self.is_pending = true;
        Ok(at_once)
    }

    /// How the pending one ended: with how many bytes; `None` while it is under way, and if there is none. With `now` it is ended first, if it can be.
    pub(crate) fn settle(&mut self, handle: HANDLE, now: bool) -> Option<io::Result<usize>> {
        if !self.is_pending {
            return None;
        }
        if now {
            // SAFETY: the operation is under way or has ended; either is fine. That there is nothing to cancel is, too.
            unsafe { CancelIoEx(handle, self.raw.get()) };
        }
        let mut count = 0;
        // SAFETY: the operation was begun on this handle (`begin`), and its end was not seen yet.
        let done = unsafe { GetOverlappedResult(handle, self.raw.get(), &raw mut count, i32::from(now)) };
        let error = (done == 0).then(io::Error::last_os_error);
        match error {
            Some(error) if is(&error, ERROR_IO_INCOMPLETE) => {
                if now {
                    // The system would write to memory that is somebody else's by then.
                    process::abort();
                }
                None
            }
            error => {
                self.is_pending = false;
                Some(error.map_or(Ok(usize::try_from(count).unwrap_or(0)), Err))
            }
        }
    }
}
