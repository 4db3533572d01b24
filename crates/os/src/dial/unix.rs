use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType};

/// Begins to connect. The socket is writable when it is decided; [`result`] tells how.
pub fn begin(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(rustix::io::Errno::INPROGRESS | rustix::io::Errno::INTR) => Ok(socket),
        Err(errno) => Err(errno.into()),
    }
}

/// How the attempt ended, when it has.
pub fn result(socket: impl AsFd) -> io::Result<()> {
    match rustix::net::sockopt::socket_error(socket)? {
        Ok(()) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Interest, Poller};
    use std::net::TcpListener;

    fn attempt(address: SocketAddr) -> io::Result<()> {
        let socket = begin(address)?;
        let poller = Poller::new().unwrap();
        poller.add(&socket, 0, Interest::Write).unwrap();
        poller.wait(&mut Vec::new(), None).unwrap();
        result(&socket)
    }

    #[test]
    fn tells_whether_somebody_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        attempt(address).unwrap();
        drop(listener);
        assert_eq!(attempt(address).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }
}
