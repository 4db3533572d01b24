use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType};

/// An attempt to connect.
#[derive(Debug)]
pub struct Attempt {
    socket: OwnedFd,
}

impl Attempt {
    /// Begins to connect.
    pub fn begin(address: SocketAddr) -> io::Result<Self> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
        match rustix::net::connect(&socket, &address) {
            Ok(()) | Err(rustix::io::Errno::INPROGRESS | rustix::io::Errno::INTR) => Ok(Self { socket }),
            Err(errno) => Err(errno.into()),
        }
    }

    /// How the attempt ended, when it has.
    pub fn result(self) -> io::Result<()> {
        match rustix::net::sockopt::socket_error(&self.socket)? {
            Ok(()) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl AsFd for Attempt {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
