#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use super::unix::{END, block};

/// A signal that this process received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// A child ended (or several did).
    Child,
    /// Ctrl+C, or a request to end.
    End,
}

/// Signals as something that can be waited for.
#[derive(Debug)]
pub struct SignalSource {
    file: File,
}

impl SignalSource {
    /// From now on these signals come here, and do nothing else, to every thread that is made later too.
    pub fn new(wanted: &[Delivered]) -> io::Result<Self> {
        let set = block(wanted.iter().flat_map(|wanted| numbers(*wanted)).copied())?;
        // SAFETY: the set is initialised and lives during the call.
        let fd = unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and belongs to nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { file: File::from(fd) })
    }

    /// The next signal, if one came.
    pub fn next(&self) -> io::Result<Option<Delivered>> {
        let mut record = [0u8; size_of::<libc::signalfd_siginfo>()];
        match (&self.file).read(&mut record) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
        let [a, b, c, d, ..] = record;
        let signal = u32::from_ne_bytes([a, b, c, d]).cast_signed();
        Ok(Some(if signal == libc::SIGCHLD { Delivered::Child } else { Delivered::End }))
    }
}

impl AsFd for SignalSource {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn numbers(delivered: Delivered) -> &'static [i32] {
    match delivered {
        Delivered::Child => &[libc::SIGCHLD],
        Delivered::End => END,
    }
}
