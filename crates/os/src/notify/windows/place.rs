//! The place for one client of an inbox.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::io;
use std::ptr;

use windows_sys::Win32::Foundation::ERROR_MORE_DATA;
use windows_sys::Win32::Storage::FileSystem::ReadFile;
use windows_sys::Win32::System::Pipes::{PIPE_READMODE_MESSAGE, PIPE_TYPE_MESSAGE};

use super::{LONGEST, PLACES};
use crate::event::Bell;
use crate::named_pipe::end::{End, Form};
use crate::overlapped::{Operation, is};
use crate::security::Descriptor;

/// Nothing is said to clients.
const FORM: Form = Form {
    mode: PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE,
    places: PLACES as u32,
    outward: 0,
    inward: LONGEST as u32,
};

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
    end: End,
    client: Option<Client>,
}

struct Client {
    /// A read.
    read: Operation,
    /// INVARIANT: while a read is under way, the system may write to it; nobody else touches it, and it stays where it is.
    buffer: Box<UnsafeCell<[u8; LONGEST]>>,
    /// Whether what follows is the rest of a message that was cut.
    is_rest: bool,
}

impl Place {
    /// The `first` one is refused if somebody has the name.
    pub(super) fn new(name: &[u16], descriptor: &Descriptor, first: bool) -> io::Result<Self> {
        Ok(Self { end: End::new(name, &FORM, descriptor, first)?, client: None })
    }

    /// Lets the ends of operations ring.
    pub(super) fn follow(&self, bell: &Bell) -> io::Result<()> {
        self.end.follow(bell)
    }

    /// Looks once: for a client, who is sent away unless `is_of` says that it may speak, or for what that one says.
    pub(super) fn step(&mut self, is_of: &dyn Fn(u32) -> bool) -> Step {
        if self.client.is_some() {
            return self.read();
        }
        match self.end.has_client() {
            Ok(false) => Step::Nothing,
            Ok(true) if self.end.client().is_none_or(is_of) => {
                self.client = Client::new().ok();
                // Without an operation there is no reading.
                if self.client.is_some() { Step::Other } else { self.leave() }
            }
            Ok(true) => self.leave(),
            // It is tried again at the next look; others can be had meanwhile.
            Err(_) => {
                self.leave();
                Step::Nothing
            }
        }
    }

    fn read(&mut self) -> Step {
        let Some(client) = &mut self.client else { return Step::Nothing };
        let pipe = self.end.raw();
        if !client.read.is_pending() {
            let start = client.buffer.get().cast::<u8>();
            let room = LONGEST as u32;
            // SAFETY: none is pending. The buffer has so much room and is there until the end was seen, untouched: `client` is taken away only then, and in `drop`.
            let begun = unsafe {
                client.read.begin(|operation| ReadFile(pipe, start, room, ptr::null_mut(), operation))
            };
            if let Err(error) = begun {
                return if is(&error, ERROR_MORE_DATA) { client.piece(LONGEST, true) } else { self.leave() };
            }
        }
        match client.read.settle(pipe, false) {
            None => Step::Nothing,
            Some(Ok(count)) => client.piece(count, false),
            Some(Err(error)) if is(&error, ERROR_MORE_DATA) => client.piece(LONGEST, true),
            Some(Err(_)) => self.leave(),
        }
    }

    /// The client is gone or sent away, and another may come. Nothing is under way.
    fn leave(&mut self) -> Step {
        self.client = None;
        self.end.send_away();
        Step::Other
    }
}

impl Client {
    fn new() -> io::Result<Self> {
        Ok(Self { read: Operation::new()?, buffer: Box::new(UnsafeCell::new([0; LONGEST])), is_rest: false })
    }

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
        if let Some(client) = &mut self.client {
            // Whatever it brings: what counts is that the system doesn't write to our memory any more.
            let _ = client.read.settle(self.end.raw(), true);
        }
    }
}
