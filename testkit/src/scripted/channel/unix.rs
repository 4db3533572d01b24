use std::io::{self, Write};
use std::net::TcpListener;
use std::os::fd::{AsFd, IntoRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::Sender;
use std::thread;

use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use svckit_core::dispatch::{CHANNEL_VARIABLE, FromProcess};
use svckit_os::process::adopt_descriptor;

use super::super::Event;
use crate::frame;

/// A connection of the service control manager; what can't be said any more is not, since the next connection is told everything.
pub(in crate::scripted) struct Connection(UnixStream);

impl Connection {
    /// Says the first message, with a descriptor of this process.
    pub(in crate::scripted) fn introduce(&mut self, hello: &FromProcess) {
        let Ok(myself) = pidfd_open(getpid(), PidfdFlags::empty()) else { return self.say(hello) };
        let bytes = frame::encode(hello);
        if let Ok(sent) = svckit_os::socket::send(&self.0, &bytes, &[myself.as_fd()]) {
            let _ = self.0.write_all(&bytes[sent..]);
        }
    }

    /// Says a message.
    pub(in crate::scripted) fn say(&mut self, message: &FromProcess) {
        let _ = frame::write(&mut self.0, message);
    }
}

/// Hears every service control manager that connects to the inherited socket, one after the other. It knows whom it starts in this process.
pub(in crate::scripted) fn listen(_: &[String], events: Sender<Event>) -> io::Result<()> {
    let listener = inherited_listener()?;
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let Ok(mut reader) = stream.try_clone() else { continue };
            if events.send(Event::Connected(Connection(stream))).is_err() {
                return;
            }
            while let Ok(Some(message)) = frame::read(&mut reader) {
                if events.send(Event::Said(message)).is_err() {
                    return;
                }
            }
        }
    });
    Ok(())
}

/// The socket that this process was started with. A duplicate taken through the process's own pidfd needs no trust in the number.
fn inherited_listener() -> io::Result<UnixListener> {
    let number =
        std::env::var(CHANNEL_VARIABLE).ok().and_then(|number| number.parse().ok()).ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("{CHANNEL_VARIABLE} holds no number of a socket"))
        })?;
    let myself = pidfd_open(getpid(), PidfdFlags::empty())?;
    Ok(UnixListener::from(pidfd_getfd(myself, number, PidfdGetfdFlags::empty())?))
}

/// Accepts a connection from an inherited socket, as `sd_listen_fds(3)` has it, and says who this is.
pub(in crate::scripted) fn answer(index: u32) {
    const FIRST: i32 = 3;
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    assert_eq!(variable("LISTEN_PID"), std::process::id().to_string());
    let names = variable("LISTEN_FDNAMES");
    let names: Vec<&str> = names.split(':').collect();
    assert_eq!(variable("LISTEN_FDS"), names.len().to_string());
    let name = names[index as usize];
    let socket = adopt_descriptor(FIRST + index as i32).expect("the socket is there");
    let line = format!("{} {name}\n", std::process::id());
    // The socket is kept for the next connection.
    let socket = if name == "unix" {
        let listener = UnixListener::from(socket);
        let _ = listener.accept().expect("somebody connected").0.write_all(line.as_bytes());
        OwnedFd::from(listener)
    } else {
        let listener = TcpListener::from(socket);
        let _ = listener.accept().expect("somebody connected").0.write_all(line.as_bytes());
        OwnedFd::from(listener)
    };
    let _ = socket.into_raw_fd();
}
