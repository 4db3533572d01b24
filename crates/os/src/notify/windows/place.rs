//! The place for one client of an inbox.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;

use windows_sys::Win32::Foundation::{
    ERROR_MORE_DATA, ERROR_NO_DATA, ERROR_PIPE_CONNECTED, HANDLE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, PIPE_ACCESS_DUPLEX, ReadFile,
    SetFileCompletionNotificationModes,
};
use windows_sys::Win32::System::Pipes::{
    ConnectNamedPipe, CreateNamedPipeW, DisconnectNamedPipe, GetNamedPipeClientProcessId,
    PIPE_READMODE_MESSAGE, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_MESSAGE, PIPE_WAIT,
};

use super::{LONGEST, PLACES};
use crate::event::Bell;
use crate::overlapped::{Operation, is};
use crate::security::Descriptor;

/// `FILE_SKIP_COMPLETION_PORT_ON_SUCCESS`: what succeeds at once is not told of at the port as well.
const SKIP_PORT_ON_SUCCESS: u8 = 1;

/// What came of a look at a place.
pub(super) enum Step {
    /// Nothing; the bell rings when there is something.
    Nothing,
    /// Something that is no message: somebody came or went.
    Other,
    /// A message.
    Message(Vec<u8>),
}

/// The place for one client, and for the next when that is gone.
pub(super) struct Place {
    /// INVARIANT: made for overlapped operations.
    pipe: OwnedHandle,
    /// The wait for a client, or while one is there, a read.
    operation: Operation,
    client: Option<Client>,
}

struct Client {
    /// INVARIANT: while a read is under way, the system may write to it; nobody else touches it, and it stays where it is.
    buffer: Box<UnsafeCell<[u8; LONGEST]>>,
    /// Whether what follows is the rest of a message that was cut.
    is_rest: bool,
}

impl Place {
    /// The `first` one is refused if somebody has the name.
    pub(super) fn new(name: &[u16], descriptor: &Descriptor, first: bool) -> io::Result<Self> {
        let attributes = descriptor.attributes();
        let flags = if first { FILE_FLAG_FIRST_PIPE_INSTANCE } else { 0 };
        // Clients need not read, but most libraries open a pipe for both.
        // SAFETY: the name ends with NUL (`wide`); it, the attributes and the descriptor that they point to live during the call.
        let pipe = unsafe {
            CreateNamedPipeW(
                name.as_ptr(),
                PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | flags,
                PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
                PLACES as u32,
                0,
                LONGEST as u32,
                0,
                &raw const attributes,
            )
        };
        if pipe == INVALID_HANDLE_VALUE {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle is new, and nobody else's.
        let pipe = unsafe { OwnedHandle::from_raw_handle(pipe) };
        Ok(Self { pipe, operation: Operation::new()?, client: None })
    }

    /// Lets the ends of operations ring.
    pub(super) fn follow(&self, bell: &Bell) -> io::Result<()> {
        bell.follow(self.raw())?;
        // SAFETY: the handle is open. Without this there is more to be told than needed, which is no harm.
        unsafe { SetFileCompletionNotificationModes(self.raw(), SKIP_PORT_ON_SUCCESS) };
        Ok(())
    }

    /// Looks once: for a client, who is sent away unless `is_of` says that it may speak, or for what that one says.
    pub(super) fn step(&mut self, is_of: &dyn Fn(u32) -> bool) -> Step {
        if self.client.is_some() {
            return self.read();
        }
        match self.has_come() {
            Ok(false) => Step::Nothing,
            Ok(true) if self.sender().is_none_or(is_of) => {
                self.client =
                    Some(Client { buffer: Box::new(UnsafeCell::new([0; LONGEST])), is_rest: false });
                Step::Other
            }
            Ok(true) => self.leave(),
            // It is tried again at the next look; others can be had meanwhile.
            Err(_) => {
                self.leave();
                Step::Nothing
            }
        }
    }

    /// Whether a client is there; otherwise the bell rings when one is.
    fn has_come(&mut self) -> io::Result<bool> {
        let pipe = self.raw();
        if !self.operation.is_pending() {
            // SAFETY: none is pending, and nothing else is passed; the end is seen before the operation is dropped: `drop`.
            match unsafe { self.operation.begin(|operation| ConnectNamedPipe(pipe, operation)) } {
                Ok(_) => {}
                // It was there before, and what it wrote is, even if it is not any more.
                Err(error) if is(&error, ERROR_PIPE_CONNECTED) || is(&error, ERROR_NO_DATA) => {
                    return Ok(true);
                }
                Err(error) => return Err(error),
            }
        }
        self.operation.settle(pipe, false).map_or(Ok(false), |ended| ended.map(|_| true))
    }

    /// The process that the client is, if the system tells; of one that has gone it need not.
    fn sender(&self) -> Option<u32> {
        let mut process = 0;
        // SAFETY: the handle is open; the number is written where told.
        let told = unsafe { GetNamedPipeClientProcessId(self.raw(), &raw mut process) };
        (told != 0).then_some(process)
    }

    fn read(&mut self) -> Step {
        let Some(client) = &mut self.client else { return Step::Nothing };
        let pipe = self.pipe.as_raw_handle();
        if !self.operation.is_pending() {
            let start = client.buffer.get().cast::<u8>();
            let room = LONGEST as u32;
            // SAFETY: none is pending. The buffer has so much room and is there until the end was seen, untouched: `client` is taken away only then, and in `drop`.
            let begun = unsafe {
                self.operation.begin(|operation| ReadFile(pipe, start, room, ptr::null_mut(), operation))
            };
            if let Err(error) = begun {
                return if is(&error, ERROR_MORE_DATA) { client.piece(LONGEST, true) } else { self.leave() };
            }
        }
        match self.operation.settle(pipe, false) {
            None => Step::Nothing,
            Some(Ok(count)) => client.piece(count, false),
            Some(Err(error)) if is(&error, ERROR_MORE_DATA) => client.piece(LONGEST, true),
            Some(Err(_)) => self.leave(),
        }
    }

    /// The client is gone or sent away, and another may come.
    fn leave(&mut self) -> Step {
        self.client = None;
        // SAFETY: the handle is open, and the one of a place; nothing is under way. That there is no client is no matter.
        unsafe { DisconnectNamedPipe(self.raw()) };
        Step::Other
    }

    fn raw(&self) -> HANDLE {
        self.pipe.as_raw_handle()
    }
}

impl Client {
    /// So many bytes were read, and there are `more` of the same message. Nothing is under way.
    fn piece(&mut self, count: usize, more: bool) -> Step {
        let was_rest = std::mem::replace(&mut self.is_rest, more);
        match self.buffer.get_mut().get(..count) {
            Some(bytes) if !was_rest && !bytes.is_empty() => Step::Message(bytes.to_vec()),
            _ => Step::Other,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Whatever it brings: what counts is that the system doesn't write to our memory any more.
        let _ = self.operation.settle(self.pipe.as_raw_handle(), true);
    }
}
