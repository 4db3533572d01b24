use std::ffi::{OsStr, OsString};
use std::io;

use crate::event::{Bell, Interest, Source};

/// Where a program says how it is: there is none on Windows yet, and so nothing that could be of this type.
#[derive(Debug)]
pub enum Inbox {}

impl Inbox {
    /// Fails always.
    pub fn new() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The variable by which a program knows where it is.
    pub fn variable(&self) -> (OsString, OsString) {
        match *self {}
    }

    /// Takes the next message from a program.
    pub fn next(&mut self, _program: u32, _mark: &OsStr) -> io::Result<Option<Vec<u8>>> {
        match *self {}
    }
}

impl Source for Inbox {
    fn attach(&self, _: &Bell, _: Interest) -> io::Result<()> {
        match *self {}
    }
}
