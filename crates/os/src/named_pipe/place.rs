//! One end of a named pipe: the place for a client.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_NO_DATA, ERROR_PIPE_CONNECTED, HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_OVERLAPPED, PIPE_ACCESS_DUPLEX, ReadFile, SetFileCompletionNotificationModes, WriteFile,
};
use windows_sys::Win32::System::Pipes::{
    ConnectNamedPipe, CreateNamedPipeW, DisconnectNamedPipe, PIPE_READMODE_BYTE, PIPE_REJECT_REMOTE_CLIENTS,
    PIPE_TYPE_BYTE, PIPE_UNLIMITED_INSTANCES, PIPE_WAIT,
};

use crate::event::Bell;
use crate::overlapped::{Operation, is};
use crate::security::Descriptor;

/// How much the system holds each way for a client that is busy.
const PIPE_SIZE: u32 = 4 << 10;

/// `FILE_SKIP_COMPLETION_PORT_ON_SUCCESS`: what succeeds at once is not told of at the port as well.
const SKIP_PORT_ON_SUCCESS: u8 = 1;

/// The place for one client, who is sent away when this is dropped.
pub(super) struct Place {
    /// INVARIANT: made for overlapped operations.
    pipe: OwnedHandle,
    arrival: Operation,
    /// A read, whose end tells that the client went.
    farewell: Operation,
    notice: Operation,
    /// Whether there was something new while a notice was under way.
    is_behind: bool,
    /// INVARIANT: what is read goes to the first and what is written is the second; nobody else touches them, and they stay where they are.
    bytes: Box<UnsafeCell<[u8; 2]>>,
}

impl Place {
    pub(super) fn new(name: &[u16], sddl: &str, flags: u32) -> io::Result<Self> {
        let descriptor = Descriptor::from_sddl(sddl)?;
        let attributes = descriptor.attributes();
        // SAFETY: the name ends with NUL (`wide`); it, the attributes and the descriptor that they point to live during the call.
        let pipe = unsafe {
            CreateNamedPipeW(
                name.as_ptr(),
                PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | flags,
                PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
                PIPE_UNLIMITED_INSTANCES,
                PIPE_SIZE,
                PIPE_SIZE,
                0,
                &raw const attributes,
            )
        };
        if pipe == INVALID_HANDLE_VALUE {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            // SAFETY: the handle is new, and nobody else's.
            pipe: unsafe { OwnedHandle::from_raw_handle(pipe) },
            arrival: Operation::new()?,
            farewell: Operation::new()?,
            notice: Operation::new()?,
            is_behind: false,
            bytes: Box::default(),
        })
    }

    /// Lets the ends of operations ring.
    pub(super) fn follow(&self, bell: &Bell) -> io::Result<()> {
        bell.follow(self.raw())?;
        // SAFETY: the handle is open. Without this there is more to be told than needed, which is no harm.
        unsafe { SetFileCompletionNotificationModes(self.raw(), SKIP_PORT_ON_SUCCESS) };
        Ok(())
    }

    /// Whether a client came; otherwise the bell rings when one does.
    pub(super) fn has_client(&mut self) -> io::Result<bool> {
        let pipe = self.raw();
        if !self.arrival.is_pending() {
            // SAFETY: none is pending, and nothing else is passed; the end is seen before the operation is dropped: `drop`.
            match unsafe { self.arrival.begin(|operation| ConnectNamedPipe(pipe, operation)) } {
                Ok(_) => {}
                // It was there before, and maybe is not any more.
                Err(error) if is(&error, ERROR_PIPE_CONNECTED) || is(&error, ERROR_NO_DATA) => {
                    return Ok(true);
                }
                Err(error) => return Err(error),
            }
        }
        self.arrival.settle(pipe, false).map_or(Ok(false), |ended| ended.map(|_| true))
    }

    /// Tells the client that there is something new; one that is busy hears of it when it has read what it was told before.
    pub(super) fn tell(&mut self) -> io::Result<()> {
        self.is_behind = true;
        self.write()?;
        self.read()
    }

    /// Whether the client is still there, and is told what it was too busy for.
    pub(super) fn is_there(&mut self) -> bool {
        self.write().and_then(|()| self.read()).is_ok()
    }

    /// Writes as long as there is something new and the client takes it.
    fn write(&mut self) -> io::Result<()> {
        let pipe = self.raw();
        loop {
            self.notice.settle(pipe, false).transpose()?;
            if self.notice.is_pending() || !self.is_behind {
                return Ok(());
            }
            self.is_behind = false;
            let start = self.bytes.get().cast::<u8>();
            // SAFETY: none is pending. The second byte is there until the end was seen: `drop`; nobody changes it.
            unsafe {
                let byte = start.add(1);
                self.notice.begin(|operation| WriteFile(pipe, byte, 1, ptr::null_mut(), operation))?;
            }
        }
    }

    /// Reads, so that the end of that tells of the client's. One that writes has nothing to say here, and counts as gone.
    fn read(&mut self) -> io::Result<()> {
        let pipe = self.raw();
        if !self.farewell.is_pending() {
            let start = self.bytes.get().cast::<u8>();
            // SAFETY: none is pending. The first byte is there until the end was seen: `drop`; nobody looks at it.
            unsafe { self.farewell.begin(|operation| ReadFile(pipe, start, 1, ptr::null_mut(), operation))? };
        }
        match self.farewell.settle(pipe, false) {
            None => Ok(()),
            Some(ended) => Err(ended.map_or_else(|error| error, |_| io::ErrorKind::InvalidData.into())),
        }
    }

    fn raw(&self) -> HANDLE {
        self.pipe.as_raw_handle()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let pipe = self.raw();
        for operation in [&mut self.arrival, &mut self.farewell, &mut self.notice] {
            // Whatever it brings: what counts is that the system doesn't write to our memory any more.
            let _ = operation.settle(pipe, true);
        }
        // SAFETY: the handle is open, and the one of a place. That there is no client is no matter.
        unsafe { DisconnectNamedPipe(pipe) };
    }
}
