use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use super::{LONGEST_ANSWER, PIECE};
use crate::event::{Interest, Poller};

/// An attempt to connect, and to be answered if there is a question.
#[derive(Debug)]
pub struct Attempt {
    socket: OwnedFd,
    is_connected: bool,
    /// What of the question was not sent yet.
    question: Vec<u8>,
    is_asked: bool,
    answer: Vec<u8>,
}

impl Attempt {
    /// Begins to connect; then the question is asked, if it is not empty. It takes as long as its owner keeps it, on other systems at most about the limit.
    pub fn begin(address: SocketAddr, question: Vec<u8>, _: Duration) -> io::Result<Self> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
        match rustix::net::connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let is_asked = question.is_empty();
        Ok(Self { socket, is_connected: false, question, is_asked, answer: Vec::new() })
    }

    /// Goes on when its poller, where it was added for [`Interest::Write`], brought its number; whether it is over: connected, or answered.
    pub fn go_on(&mut self, poller: &Poller, token: u64) -> io::Result<bool> {
        if !self.is_connected {
            rustix::net::sockopt::socket_error(&self.socket)??;
            self.is_connected = true;
            if self.is_asked {
                return Ok(true);
            }
        }
        match self.talk(poller, token) {
            Err(Errno::AGAIN | Errno::INTR) => Ok(false),
            // Who answered and went away has answered.
            Err(Errno::CONNRESET | Errno::PIPE) if !self.answer.is_empty() => Ok(true),
            other => Ok(other?),
        }
    }

    fn talk(&mut self, poller: &Poller, token: u64) -> Result<bool, Errno> {
        while !self.is_asked {
            let sent = rustix::net::send(&self.socket, &self.question, SendFlags::NOSIGNAL)?;
            self.question.drain(..sent);
            self.is_asked = self.question.is_empty();
            if self.is_asked {
                poller
                    .modify(&self.socket, token, Interest::Read)
                    .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
            }
        }
        let mut piece = [0; PIECE];
        while self.answer.len() < LONGEST_ANSWER {
            match rustix::net::recv(&self.socket, &mut piece, RecvFlags::empty())?.0 {
                0 => return Ok(true),
                count => self.answer.extend(piece.get(..count).unwrap_or_default()),
            }
        }
        Ok(true)
    }

    /// What was answered so far.
    pub fn answer(&self) -> &[u8] {
        &self.answer
    }
}

impl AsFd for Attempt {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
