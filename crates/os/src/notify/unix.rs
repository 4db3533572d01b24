use std::ffi::{OsStr, OsString};
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketAddrUnix, SocketFlags,
    SocketType, UCred, sockopt,
};
use svckit_core::dispatch::MARK_VARIABLE;

use crate::pidfd::PidFd;
use crate::process::{self, Children};

/// A message isn't longer than this; what is, is cut.
const LONGEST: usize = 4 << 10;

/// Where a program says how it is: a datagram socket, as `sd_notify(3)` has it, with a name that is no file.
#[derive(Debug)]
pub struct Inbox {
    socket: OwnedFd,
    name: String,
}

impl Inbox {
    /// An empty one.
    pub fn new() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let unique = crate::random::unit().to_bits();
        let name = format!("svckit.{}.{count}.{unique:x}", std::process::id());
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
        // Before it can be written to: each message comes with who sent it.
        sockopt::set_socket_passcred(&socket, true)?;
        rustix::net::bind(&socket, &SocketAddrUnix::new_abstract_name(name.as_bytes())?)?;
        Ok(Self { socket, name })
    }

    /// The variable by which a program knows where it is.
    pub fn variable(&self) -> (OsString, OsString) {
        ("NOTIFY_SOCKET".into(), format!("@{}", self.name).into())
    }

    /// Takes the next message from a program, or another process with its mark or in its session; `None` if there is none now. What others send is thrown away, and
    /// descriptors are.
    pub fn next(&mut self, _: &Children, program: u32, mark: &OsStr) -> io::Result<Option<Vec<u8>>> {
        self.take(program, mark)
    }

    fn take(&mut self, program: u32, mark: &OsStr) -> io::Result<Option<Vec<u8>>> {
        let mut message = [0; LONGEST];
        loop {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
            let mut ancillary = RecvAncillaryBuffer::new(&mut space);
            let parts = &mut [IoSliceMut::new(&mut message)];
            match rustix::net::recvmsg(&self.socket, parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(None),
                Err(errno) => return Err(errno.into()),
                Ok(received) => {
                    let sender = ancillary.drain().find_map(|message| match message {
                        RecvAncillaryMessage::ScmCredentials(sender) => Some(sender),
                        _ => None,
                    });
                    if sender.is_some_and(|sender| is_of(sender, program, mark)) {
                        return Ok(Some(message.get(..received.bytes).unwrap_or_default().to_vec()));
                    }
                }
            }
        }
    }
}

/// Whether a message is a program's. A sender that has ended already, as a command that only sends does at once, has to have been of this process's user.
fn is_of(sender: UCred, program: u32, mark: &OsStr) -> bool {
    let pid = sender.pid.as_raw_nonzero().get().cast_unsigned();
    match process::session(pid) {
        _ if pid == program => true,
        Some(session) if session == program => true,
        None if PidFd::open(pid).is_err() => sender.uid == rustix::process::geteuid(),
        // A container with process ids of its own hides a session from outside.
        _ => process::environment_value(pid, MARK_VARIABLE).as_deref() == Some(mark),
    }
}

impl AsFd for Inbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Interest, Poller};
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
    use std::io::IoSlice;

    fn send(inbox: &Inbox, bytes: &[u8], descriptor: Option<BorrowedFd<'_>>) {
        let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::DGRAM, None).unwrap();
        let (_, value) = inbox.variable();
        let name = value.to_str().unwrap().strip_prefix('@').unwrap();
        rustix::net::connect(&socket, &SocketAddrUnix::new_abstract_name(name.as_bytes()).unwrap()).unwrap();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let descriptors: Vec<_> = descriptor.into_iter().collect();
        ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
        rustix::net::sendmsg(&socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::empty()).unwrap();
    }

    #[test]
    fn messages_come_whole_and_only_from_the_program() {
        let mut inbox = Inbox::new().unwrap();
        let poller = Poller::new().unwrap();
        poller.add(&inbox, 1, Interest::Read).unwrap();
        let mut ready = Vec::new();
        send(&inbox, b"READY=1\nSTATUS=up", None);
        // sd_notify_barrier(3) waits until its descriptor is closed.
        let (waits, held) = rustix::pipe::pipe().unwrap();
        send(&inbox, b"BARRIER=1", Some(held.as_fd()));
        drop(held);
        poller.wait(&mut ready, None).unwrap();
        let own = std::process::id();
        assert_eq!(inbox.take(own, OsStr::new("x")).unwrap().unwrap(), b"READY=1\nSTATUS=up");
        assert_eq!(inbox.take(own, OsStr::new("x")).unwrap().unwrap(), b"BARRIER=1");
        assert_eq!(inbox.take(own, OsStr::new("x")).unwrap(), None);
        assert_eq!(rustix::io::read(&waits, &mut [0; 1]).unwrap(), 0);
        send(&inbox, b"READY=1", None);
        // No process has this number, so this one is in no session that it leads, and it has no mark.
        assert_eq!(inbox.take(u32::MAX >> 1, OsStr::new("x")).unwrap(), None);
    }
}
