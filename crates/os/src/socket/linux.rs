use std::ffi::OsStr;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sockopt,
};

/// The most descriptors that one message carries here.
const MAX_DESCRIPTORS: usize = 16;

/// Two connected sockets that keep the borders of messages.
pub fn packet_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Has the system ask a silent peer of a TCP connection whether it is still there, first after `idle`; one that doesn't answer for about half a minute more is gone. What is sent goes at once.
pub fn keep_alive(socket: impl AsFd, idle: Duration) -> io::Result<()> {
    const BETWEEN: Duration = Duration::from_secs(10);
    const TIMES: u32 = 3;
    sockopt::set_socket_keepalive(&socket, true)?;
    sockopt::set_tcp_keepidle(&socket, idle)?;
    sockopt::set_tcp_keepintvl(&socket, BETWEEN)?;
    sockopt::set_tcp_keepcnt(&socket, TIMES)?;
    Ok(sockopt::set_tcp_nodelay(&socket, true)?)
}

/// Who is at the other end of a socket: as it was when the connection was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The user.
    pub uid: u32,
    /// The process.
    pub pid: u32,
}

/// Asks the system who is at the other end.
pub fn peer(socket: impl AsFd) -> io::Result<Peer> {
    let credentials = sockopt::socket_peercred(socket)?;
    Ok(Peer { uid: credentials.uid.as_raw(), pid: credentials.pid.as_raw_nonzero().get().cast_unsigned() })
}

/// Whether a client may believe the server at the other end: it runs as the same user or as root; root believes everybody it asks.
pub fn is_trusted(socket: impl AsFd) -> io::Result<bool> {
    let own = rustix::process::geteuid();
    Ok(own.is_root() || [0, own.as_raw()].contains(&peer(socket)?.uid))
}

/// Sends bytes with descriptors (at most sixteen); the number of bytes that were taken. The descriptors go with the first of them.
pub fn send(socket: impl AsFd, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "too many descriptors for one message"));
    }
    loop {
        match rustix::net::sendmsg(&socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL) {
            Err(rustix::io::Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}

/// Receives bytes, and adds the descriptors that came with them to `descriptors`; zero bytes mean the end.
pub fn receive(socket: impl AsFd, buffer: &mut [u8], descriptors: &mut Vec<OwnedFd>) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    loop {
        let parts = &mut [IoSliceMut::new(buffer)];
        match rustix::net::recvmsg(&socket, parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            other => {
                let bytes = other?.bytes;
                for message in ancillary.drain() {
                    if let RecvAncillaryMessage::ScmRights(received) = message {
                        descriptors.extend(received);
                    }
                }
                return Ok(bytes);
            }
        }
    }
}

pub(super) fn new_socket() -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?)
}

/// An address, with the descriptor that has to stay open while it is used.
pub(super) struct Address {
    pub(super) address: SocketAddrUnix,
    _anchor: Option<OwnedFd>,
}

/// The address of an existing socket. A path too long for an address is reached through a descriptor of the socket itself.
pub(super) fn socket_address(path: &Path) -> io::Result<Address> {
    if let Ok(address) = SocketAddrUnix::new(path) {
        return Ok(Address { address, _anchor: None });
    }
    let anchor = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    through(anchor, None)
}

/// The address of a socket to be made. A path too long for an address is reached through a descriptor of its directory.
pub(super) fn parent_address(path: &Path) -> io::Result<Address> {
    if let Ok(address) = SocketAddrUnix::new(path) {
        return Ok(Address { address, _anchor: None });
    }
    let directory = path.parent().unwrap_or(Path::new("/"));
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    through(rustix::fs::open(directory, flags, Mode::empty())?, path.file_name())
}

fn through(anchor: OwnedFd, name: Option<&OsStr>) -> io::Result<Address> {
    let mut path = PathBuf::from(format!("/proc/self/fd/{}", anchor.as_raw_fd()));
    path.extend(name);
    let address = SocketAddrUnix::new(&path)?;
    Ok(Address { address, _anchor: Some(anchor) })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::fs::PermissionsExt;

    use super::super::*;
    use super::*;

    #[test]
    fn a_listener_is_for_its_owner_and_replaces_a_stale_socket() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.sock");
        drop(bind(&path).unwrap());
        assert_eq!(connect(&path).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        let listener = bind(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let client = connect(&path).unwrap();
        let (server, _) = listener.accept().unwrap();
        for end in [peer(&client).unwrap(), peer(&server).unwrap()] {
            assert_eq!(end, Peer { uid: rustix::process::getuid().as_raw(), pid: std::process::id() });
        }
        assert_eq!(directory.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn a_path_longer_than_an_address_works() {
        let directory = tempfile::tempdir().unwrap();
        let deep = directory.path().join("d".repeat(150)).join("e".repeat(150));
        std::fs::create_dir_all(&deep).unwrap();
        let path = deep.join("f".repeat(200));
        let listener = bind(&path).unwrap();
        let mut client = connect(&path).unwrap();
        client.write_all(b"far").unwrap();
        drop(client);
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        assert_eq!(text, "far");
    }

    #[test]
    fn descriptors_travel_with_the_bytes() {
        let (left, right) = packet_pair().unwrap();
        let (mut reader, writer) = io::pipe().unwrap();
        assert_eq!(send(&left, b"take", &[writer.as_fd()]).unwrap(), 4);
        drop(writer);
        let (mut buffer, mut descriptors) = ([0; 16], Vec::new());
        assert_eq!(receive(&right, &mut buffer, &mut descriptors).unwrap(), 4);
        let taken = std::fs::File::from(descriptors.pop().unwrap());
        assert!(descriptors.is_empty());
        (&taken).write_all(b"through").unwrap();
        drop(taken);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
        drop(left);
        assert_eq!(receive(&right, &mut buffer, &mut descriptors).unwrap(), 0);
    }
}
