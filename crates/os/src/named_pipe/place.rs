//! The place for one who is told what is new.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::io;
use std::ptr;

use windows_sys::Win32::Storage::FileSystem::{ReadFile, WriteFile};
use windows_sys::Win32::System::Pipes::{PIPE_READMODE_BYTE, PIPE_TYPE_BYTE, PIPE_UNLIMITED_INSTANCES};

use super::end::{End, Form};
use crate::event::Bell;
use crate::overlapped::Operation;
use crate::security::Descriptor;

/// How much the system holds each way for a client that is busy.
const PIPE_SIZE: u32 = 4 << 10;

const FORM: Form = Form {
    mode: PIPE_TYPE_BYTE | PIPE_READMODE_BYTE,
    places: PIPE_UNLIMITED_INSTANCES,
    outward: PIPE_SIZE,
    inward: PIPE_SIZE,
};

/// The place for one client, who is sent away when this is dropped.
pub(super) struct Place {
    end: End,
    /// A read, whose end tells that the client went.
    farewell: Operation,
    notice: Operation,
    /// Whether there was something new while a notice was under way.
    is_behind: bool,
    /// INVARIANT: what is read goes to the first and what is written is the second; nobody else touches them, and they stay where they are.
    bytes: Box<UnsafeCell<[u8; 2]>>,
}

impl Place {
    /// The `first` one is refused if somebody has the name.
    pub(super) fn new(name: &[u16], sddl: &str, first: bool) -> io::Result<Self> {
        Ok(Self {
            end: End::new(name, &FORM, &Descriptor::from_sddl(sddl)?, first)?,
            farewell: Operation::new()?,
            notice: Operation::new()?,
            is_behind: false,
            bytes: Box::default(),
        })
    }

    /// Lets the ends of operations ring.
    pub(super) fn follow(&self, bell: &Bell) -> io::Result<()> {
        self.end.follow(bell)
    }

    /// Whether a client came; otherwise the bell rings when one does.
    pub(super) fn has_client(&mut self) -> io::Result<bool> {
        self.end.has_client()
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
        let pipe = self.end.raw();
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
        let pipe = self.end.raw();
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
}

impl Drop for Place {
    fn drop(&mut self) {
        let pipe = self.end.raw();
        for operation in [&mut self.farewell, &mut self.notice] {
            // Whatever it brings: what counts is that the system doesn't write to our memory any more.
            let _ = operation.settle(pipe, true);
        }
    }
}
