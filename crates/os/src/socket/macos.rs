use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::io::FdFlags;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};

pub(super) fn new_socket() -> io::Result<OwnedFd> {
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    Ok(socket)
}

/// An address.
pub(super) struct Address {
    pub(super) address: SocketAddrUnix,
}

/// The address of an existing socket. A path too long for an address is an error: nothing else leads there.
pub(super) fn socket_address(path: &Path) -> io::Result<Address> {
    Ok(Address { address: SocketAddrUnix::new(path)? })
}

/// The address of a socket to be made.
pub(super) fn parent_address(path: &Path) -> io::Result<Address> {
    socket_address(path)
}
