//! The server's end of a named pipe: the place for one client, and for the next when that one was sent away.

#![allow(unsafe_code)]

use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, FromRawHandle, OwnedHandle};

use windows_sys::Win32::Foundation::{ERROR_NO_DATA, ERROR_PIPE_CONNECTED, HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, PIPE_ACCESS_DUPLEX,
};
use windows_sys::Win32::System::Pipes::{
    ConnectNamedPipe, CreateNamedPipeW, DisconnectNamedPipe, GetNamedPipeClientProcessId, NAMED_PIPE_MODE,
    PIPE_REJECT_REMOTE_CLIENTS, PIPE_WAIT,
};

use crate::event::Bell;
use crate::overlapped::{Operation, is, skip_port_on_success};
use crate::security::Descriptor;

/// What all ends of one pipe have in common.
pub(crate) struct Form {
    /// Whether bytes or messages go through it (`PIPE_TYPE_…`, `PIPE_READMODE_…`).
    pub(crate) mode: NAMED_PIPE_MODE,
    /// How many ends it can have at once.
    pub(crate) places: u32,
    /// How many bytes the system holds for a client that is busy.
    pub(crate) outward: u32,
    /// How many bytes it holds of what clients wrote.
    pub(crate) inward: u32,
}

/// One end, whose client is sent away when it is dropped. Operations on its handle are the owner's, who sees their ends before that.
pub(crate) struct End {
    /// INVARIANT: made for overlapped operations.
    pipe: OwnedHandle,
    arrival: Operation,
}

impl End {
    /// An end for clients of this machine whom the descriptor lets in. The `first` one is refused if somebody has the name.
    pub(crate) fn new(name: &[u16], form: &Form, descriptor: &Descriptor, first: bool) -> io::Result<Self> {
        let attributes = descriptor.attributes();
        let first = if first { FILE_FLAG_FIRST_PIPE_INSTANCE } else { 0 };
        // Most libraries open a pipe for both directions, whichever they need.
        // SAFETY: the name ends with NUL (`wide`); it, the attributes and the descriptor that they point to live during the call.
        let pipe = unsafe {
            CreateNamedPipeW(
                name.as_ptr(),
                PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | first,
                form.mode | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
                form.places,
                form.outward,
                form.inward,
                0,
                &raw const attributes,
            )
        };
        if pipe == INVALID_HANDLE_VALUE {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle is new, and nobody else's.
        let pipe = unsafe { OwnedHandle::from_raw_handle(pipe) };
        Ok(Self { pipe, arrival: Operation::new()? })
    }

    /// Lets the ends of operations ring.
    pub(crate) fn follow(&self, bell: &Bell) -> io::Result<()> {
        bell.follow(self.raw())?;
        // Without this there is more to be told than needed, which is no harm.
        skip_port_on_success(self.pipe.as_handle());
        Ok(())
    }

    /// Whether a client came; otherwise the bell rings when one does.
    pub(crate) fn has_client(&mut self) -> io::Result<bool> {
        let pipe = self.raw();
        if !self.arrival.is_pending() {
            // SAFETY: none is pending, and nothing else is passed; the end is seen before the operation is dropped: `drop`.
            match unsafe { self.arrival.begin(|operation| ConnectNamedPipe(pipe, operation)) } {
                Ok(_) => {}
                // It was there before, and what it wrote is, even if it is not any more.
                Err(error) if is(&error, ERROR_PIPE_CONNECTED) || is(&error, ERROR_NO_DATA) => {
                    return Ok(true);
                }
                Err(error) => return Err(error),
            }
        }
        self.arrival.settle(pipe, false).map_or(Ok(false), |ended| ended.map(|_| true))
    }

    /// The process that the client is, if the system tells; of one that has gone it need not.
    pub(crate) fn client(&self) -> Option<u32> {
        let mut process = 0;
        // SAFETY: the handle is open; the number is written where told.
        let told = unsafe { GetNamedPipeClientProcessId(self.raw(), &raw mut process) };
        (told != 0).then_some(process)
    }

    /// Sends the client away, so that another may come. That there is none is no matter.
    pub(crate) fn send_away(&mut self) {
        // SAFETY: the handle is open, and the one of a server's end.
        unsafe { DisconnectNamedPipe(self.raw()) };
    }

    /// The handle, for overlapped operations whose ends are seen before this is dropped.
    pub(crate) fn raw(&self) -> HANDLE {
        self.pipe.as_raw_handle()
    }
}

impl Drop for End {
    fn drop(&mut self) {
        // Whatever it brings: what counts is that the system doesn't write to our memory any more.
        let _ = self.arrival.settle(self.pipe.as_raw_handle(), true);
        self.send_away();
    }
}
