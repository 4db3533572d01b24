use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use super::{LONGEST_ANSWER, PIECE, resolve};
use crate::event::{Interest, Poller, Waker};

/// An attempt to connect, and to be answered if there is a question.
#[derive(Debug)]
pub struct Attempt {
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The name is looked up by a thread, which wakes the poller. That has the waker only as long as it is here.
    Looking {
        found: Receiver<io::Result<SocketAddr>>,
        _waker: Waker,
        question: Vec<u8>,
    },
    Talking(Talk),
}

#[derive(Debug)]
struct Talk {
    socket: OwnedFd,
    is_connected: bool,
    /// What of the question was not sent yet.
    question: Vec<u8>,
    is_asked: bool,
    answer: Vec<u8>,
}

impl Attempt {
    /// Begins to connect to one of the addresses of `HOST:PORT`; then the question is asked, if it is not empty. It takes as long as its owner keeps it, on
    /// other systems at most about the limit.
    pub fn begin(
        poller: &Poller,
        token: u64,
        (name, turn): (&str, usize),
        question: Vec<u8>,
        _: Duration,
    ) -> io::Result<Self> {
        let stage = match name.parse() {
            Ok(address) => Stage::Talking(Talk::begin(poller, token, address, question)?),
            Err(_) => {
                let waker = poller.waker(token)?;
                let found = look_up(waker.clone(), name.to_owned(), turn)?;
                Stage::Looking { found, _waker: waker, question }
            }
        };
        Ok(Self { stage })
    }

    /// Goes on when its poller brought its number; whether it is over: connected, or answered.
    pub fn go_on(&mut self, poller: &Poller, token: u64) -> io::Result<bool> {
        match &mut self.stage {
            Stage::Looking { found, question, .. } => {
                if let Ok(address) = found.try_recv() {
                    let question = std::mem::take(question);
                    self.stage = Stage::Talking(Talk::begin(poller, token, address?, question)?);
                }
                Ok(false)
            }
            Stage::Talking(talk) => talk.go_on(poller, token),
        }
    }

    /// What was answered so far.
    pub fn answer(&self) -> &[u8] {
        match &self.stage {
            Stage::Looking { .. } => &[],
            Stage::Talking(talk) => &talk.answer,
        }
    }
}

/// Looks a name up in a thread, which ends when the system has an answer, however late.
fn look_up(waker: Waker, name: String, turn: usize) -> io::Result<Receiver<io::Result<SocketAddr>>> {
    let (tell, found) = mpsc::channel();
    thread::Builder::new().name("look-up".to_owned()).spawn(move || {
        // Who has given it up is not to be woken.
        if tell.send(resolve(&name, turn)).is_ok() {
            let _ = waker.wake();
        }
    })?;
    Ok(found)
}

impl Talk {
    fn begin(poller: &Poller, token: u64, address: SocketAddr, question: Vec<u8>) -> io::Result<Self> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
        match rustix::net::connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        poller.add(&socket, token, Interest::Write)?;
        let is_asked = question.is_empty();
        Ok(Self { socket, is_connected: false, question, is_asked, answer: Vec::new() })
    }

    fn go_on(&mut self, poller: &Poller, token: u64) -> io::Result<bool> {
        if !self.is_connected {
            rustix::net::sockopt::socket_error(&self.socket)??;
            match rustix::net::getpeername(&self.socket) {
                Ok(_) => self.is_connected = true,
                // The number was brought for an attempt before this one.
                Err(Errno::NOTCONN) => return Ok(false),
                Err(errno) => return Err(errno.into()),
            }
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
}
