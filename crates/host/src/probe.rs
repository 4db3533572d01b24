//! Whether a program is ready: somebody accepts a TCP connection.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use svckit_core::time::Tick;
use svckit_os::dial::Attempt;

/// The time between the first attempts; it doubles up to the longest.
const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(320);

/// An attempt that is not decided after so long is given up for another.
const PATIENCE: Duration = Duration::from_secs(5);

/// Attempts to connect, until one succeeds.
#[derive(Debug)]
pub(crate) struct Probe {
    address: String,
    attempt: Option<Attempt>,
    next: Tick,
    pause: Duration,
    attempts: usize,
}

impl Probe {
    /// Attempts are due from now on.
    pub(crate) fn new(address: &str, now: Tick) -> Self {
        Self { address: address.to_owned(), attempt: None, next: now, pause: FIRST, attempts: 0 }
    }

    /// When [`Probe::attempt`] is to be called.
    pub(crate) fn deadline(&self) -> Tick {
        self.next
    }

    /// Begins the attempt that is due; what is to be waited for.
    pub(crate) fn attempt(&mut self, now: Tick) -> Option<&Attempt> {
        self.attempt = None;
        self.next = now + PATIENCE;
        self.attempts += 1;
        match resolve(&self.address, self.attempts).and_then(Attempt::begin) {
            Ok(attempt) => self.attempt = Some(attempt),
            Err(_) => self.again(now),
        }
        self.attempt.as_ref()
    }

    /// The attempt is decided: whether somebody accepted.
    pub(crate) fn decided(&mut self, now: Tick) -> bool {
        let Some(attempt) = self.attempt.take() else { return false };
        let accepted = attempt.result().is_ok();
        if !accepted {
            self.again(now);
        }
        accepted
    }

    fn again(&mut self, now: Tick) {
        self.next = now + self.pause;
        self.pause = (self.pause * 2).min(LONGEST);
    }
}

/// One of the addresses of a name, another with each attempt: the program may listen on only one of them.
fn resolve(name: &str, attempt: usize) -> io::Result<SocketAddr> {
    let all: Vec<SocketAddr> = name.to_socket_addrs()?.collect();
    all.get(attempt % all.len().max(1)).copied().ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}
