//! The connection to the service control manager, which may end and be made again at any moment.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};

use svckit_core::dispatch::{FromProcess, MAX_FRAME, PROTOCOL, ServiceReport, ToProcess};
use svckit_os::event::{Interest, Poller};
use svckit_os::{process, socket};

/// How many events wait for a service control manager; of more, the oldest are forgotten.
const EVENTS_KEPT: usize = 256;

/// How much may wait for a service control manager that doesn't read, before the connection counts as lost.
const OUTPUT_LIMIT: usize = 2 * MAX_FRAME;

pub(crate) const LISTENER: u64 = u64::MAX;
pub(crate) const CONNECTION: u64 = u64::MAX - 1;

/// The listening socket and the newest connection that was made to it.
#[derive(Debug)]
pub(crate) struct Link {
    listener: UnixListener,
    connection: Option<Connection>,
    waiting: VecDeque<FromProcess>,
}

#[derive(Debug)]
struct Connection {
    stream: UnixStream,
    input: Vec<u8>,
    output: Vec<u8>,
    /// Events that are not written yet, each with how much has to be written until it is.
    events: VecDeque<(usize, FromProcess)>,
    /// Whether the poller watches for room to write.
    full: bool,
}

impl Link {
    /// Listens on an inherited socket.
    pub(crate) fn new(listener: OwnedFd, poller: &Poller) -> io::Result<Self> {
        let listener = UnixListener::from(listener);
        listener.set_nonblocking(true)?;
        poller.add(&listener, LISTENER, Interest::Read)?;
        Ok(Self { listener, connection: None, waiting: VecDeque::new() })
    }

    /// Whether a service control manager is there.
    pub(crate) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Takes the newest connection that waits, in place of the one there was, and greets. `services` are told only if there is one.
    pub(crate) fn accept(
        &mut self,
        poller: &Poller,
        services: impl FnOnce() -> Vec<ServiceReport>,
    ) -> io::Result<()> {
        let mut newest = None;
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => newest = Some(stream),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error),
            }
        }
        let Some(stream) = newest else { return Ok(()) };
        stream.set_nonblocking(true)?;
        poller.add(&stream, CONNECTION, Interest::Read)?;
        let pid = std::process::id();
        let hello = encode(&FromProcess::Hello { protocol: PROTOCOL, pid, services: services() });
        let own = process::pidfd(pid)?;
        // The first bytes into an empty socket; if they are not taken, the other end is gone already.
        let sent = socket::send(&stream, &hello, &[own.as_fd()]).unwrap_or(0);
        if sent == 0 {
            return Ok(());
        }
        let output = hello.get(sent..).unwrap_or_default().to_vec();
        self.disconnect();
        let waiting = std::mem::take(&mut self.waiting);
        self.connection =
            Some(Connection { stream, input: Vec::new(), output, events: VecDeque::new(), full: false });
        for event in waiting {
            self.send(event);
        }
        Ok(())
    }

    /// Sends a frame, or keeps it if it is an event and nobody is there; everything else the next greeting tells.
    pub(crate) fn send(&mut self, frame: FromProcess) {
        let is_event = matches!(frame, FromProcess::Event { .. });
        match &mut self.connection {
            Some(connection) => {
                connection.output.extend(encode(&frame));
                if is_event {
                    connection.events.push_back((connection.output.len(), frame));
                }
            }
            None if is_event => self.keep(frame),
            None => {}
        }
    }

    fn keep(&mut self, event: FromProcess) {
        if self.waiting.len() == EVENTS_KEPT {
            self.waiting.pop_front();
        }
        self.waiting.push_back(event);
    }

    /// Drops the connection, if there is one; events that it did not take wait for the next.
    fn disconnect(&mut self) {
        if let Some(connection) = self.connection.take() {
            for (_, event) in connection.events {
                self.keep(event);
            }
        }
    }

    /// Writes what waits, as far as there is room.
    pub(crate) fn flush(&mut self, poller: &Poller) -> io::Result<()> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let alive = connection.write_out() && connection.output.len() <= OUTPUT_LIMIT;
        if !alive {
            self.disconnect();
            return Ok(());
        }
        let full = !connection.output.is_empty();
        if full != connection.full {
            connection.full = full;
            let interest = if full { Interest::Both } else { Interest::Read };
            poller.modify(&connection.stream, CONNECTION, interest)?;
        }
        Ok(())
    }

    /// The frames that came. When the connection ended, or what came is no frame, it is dropped.
    pub(crate) fn receive(&mut self) -> Vec<ToProcess> {
        let Some(connection) = &mut self.connection else { return Vec::new() };
        let (frames, alive) = connection.read_in();
        if !alive {
            self.disconnect();
        }
        frames
    }
}

impl Connection {
    fn write_out(&mut self) -> bool {
        let mut written = 0;
        let alive = loop {
            let rest = self.output.get(written..).unwrap_or_default();
            if rest.is_empty() {
                break true;
            }
            match (&self.stream).write(rest) {
                Ok(0) => break false,
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break false,
            }
        };
        if written == self.output.len() {
            // Gives the memory back: a host is idle nearly all its life.
            self.output = Vec::new();
            self.events = VecDeque::new();
        } else {
            self.output.drain(..written);
            self.events.retain(|(end, _)| *end > written);
            for (end, _) in &mut self.events {
                *end -= written;
            }
        }
        alive
    }

    fn read_in(&mut self) -> (Vec<ToProcess>, bool) {
        let limit = (MAX_FRAME + 4 - self.input.len()) as u64;
        let mut alive = match (&self.stream).take(limit).read_to_end(&mut self.input) {
            // Not the end if the limit was reached: the rest is read when these frames are done.
            Ok(count) => count as u64 == limit,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        };
        let mut frames = Vec::new();
        let mut at = 0;
        while let Some(frame) = frame_at(&self.input, at) {
            match frame.and_then(|body| Ok(serde_json::from_slice(body).map(|frame| (frame, body.len()))?)) {
                Ok((frame, length)) => {
                    frames.push(frame);
                    at += 4 + length;
                }
                Err(_) => {
                    alive = false;
                    break;
                }
            }
        }
        if at == self.input.len() {
            self.input = Vec::new();
        } else {
            self.input.drain(..at);
        }
        (frames, alive)
    }
}

fn encode(frame: &FromProcess) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    // Plain data with string keys can always be written to memory.
    let _ = serde_json::to_writer(&mut bytes, frame);
    let length = u32::try_from(bytes.len() - 4).unwrap_or(u32::MAX);
    if let Some(place) = bytes.first_chunk_mut() {
        *place = length.to_le_bytes();
    }
    bytes
}

/// The body of the frame that begins at `at`, if it is there as a whole; an error if there can't be such a frame.
fn frame_at(input: &[u8], at: usize) -> Option<io::Result<&[u8]>> {
    let rest = input.get(at..)?;
    let length = u32::from_le_bytes(*rest.first_chunk()?);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > MAX_FRAME {
        return Some(Err(io::ErrorKind::InvalidData.into()));
    }
    rest.get(4..4 + length).map(Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_when_they_are_complete() {
        let bytes = [2, 0, 0, 0, b'{', b'}', 9, 0, 0];
        assert_eq!(frame_at(&bytes, 0).unwrap().unwrap(), b"{}");
        assert!(frame_at(&bytes[..5], 0).is_none());
        assert!(frame_at(&bytes, 6).is_none());
        assert!(frame_at(&[255; 8], 0).unwrap().is_err());
    }
}
