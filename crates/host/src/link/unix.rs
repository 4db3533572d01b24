//! The built-in service control manager connects to an inherited socket; the connection may end and be made again at any moment.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;

use svckit_core::dispatch::{
    CHANNEL_VARIABLE, FromProcess, MARK_VARIABLE, MAX_FRAME, PROTOCOL, ServiceReport, ToProcess,
};
use svckit_os::event::{Interest, Poller, Ready};
use svckit_os::gate::Gate;
use svckit_os::process::{Sockets, Terms};
use svckit_os::tree::Group;
use svckit_os::{process, socket};

use super::TOKENS;
use crate::runtime;
use crate::supervisor::{Output, Setting};
use crate::whole;

/// How many events wait for a service control manager; of more, the oldest are forgotten.
const EVENTS_KEPT: usize = 256;

/// How much may wait for a service control manager that doesn't read, before the connection counts as lost.
const OUTPUT_LIMIT: usize = 2 * MAX_FRAME;

/// How much is read at once.
const CHUNK: usize = 16 << 10;

const LISTENER: u64 = TOKENS.start;
const CONNECTION: u64 = TOKENS.start + 1;

/// What a host is made with.
#[derive(Debug)]
pub(crate) struct Ticket {
    /// The listening socket.
    pub(crate) listener: OwnedFd,
    /// The instance.
    pub(crate) instance: String,
    /// The control group of the instance, where there are such.
    pub(crate) group: Option<Group>,
    /// Variables for its programs.
    pub(crate) environment: Vec<(String, String)>,
    /// Who runs its programs, and what they may have.
    pub(crate) terms: Terms,
    /// Where the hosts of a service control manager take turns.
    pub(crate) gate: Option<Gate>,
}

/// `svc host run`: the host of the services that a service control manager will ask for over the inherited socket, which needs no name.
pub fn run_from_environment(_service: Option<&str>) -> ExitCode {
    let channel = std::env::var(CHANNEL_VARIABLE).ok().and_then(|text| text.parse().ok());
    let Some(Ok(listener)) = channel.map(process::adopt_descriptor) else {
        return ExitCode::FAILURE;
    };
    let mark = std::env::var(MARK_VARIABLE).unwrap_or_default();
    let instance = mark.split('/').next().unwrap_or_default().to_owned();
    let (environment, terms) = (Vec::new(), Terms::of_this_process());
    run(Ticket { listener, instance, group: None, environment, terms, gate: None })
}

/// `svc host spawner`: makes hosts until nobody wants any.
pub fn serve_spawner() -> io::Result<ExitCode> {
    Ok(crate::spawner::serve())
}

/// Is the host until no service is left.
pub(crate) fn run(mut ticket: Ticket) -> ExitCode {
    process::leave_terminal();
    process::name_process(c"svc-host");
    let group = ticket.group.take();
    if let Some(group) = &group {
        // Where it can't be, marks and sessions tell what belongs to the instance.
        let _ = group.join();
    }
    let Ticket { listener, instance, group: _, environment, terms, gate } = ticket;
    let inherit = whole::of_this_process;
    let setting = Setting { instance, inherit, environment, terms, output: Output::Logs, gate };
    let done = runtime::run(setting, |poller| Link::new(listener, poller));
    if let Some(group) = group
        && group.leave().is_ok()
    {
        // Refused when something is left in it; whoever ends that removes it.
        let _ = group.remove();
    }
    if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

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
    /// Descriptors that came with the input, in their order.
    descriptors: VecDeque<OwnedFd>,
    output: Vec<u8>,
    /// Events that are not written yet, each with how much has to be written until it is.
    events: VecDeque<(usize, FromProcess)>,
    /// Whether the poller watches for room to write.
    full: bool,
}

impl Link {
    /// Listens on an inherited socket.
    fn new(listener: OwnedFd, poller: &Poller) -> io::Result<Self> {
        let listener = UnixListener::from(listener);
        listener.set_nonblocking(true)?;
        poller.add(&listener, LISTENER, Interest::Read)?;
        Ok(Self { listener, connection: None, waiting: VecDeque::new() })
    }

    /// Whether a service control manager is there.
    pub(crate) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Nothing but services keeps a host: who wants another starts another.
    pub(crate) fn keeps_process(&self) -> bool {
        false
    }

    /// Takes an event of this link: a connection, or orders.
    pub(crate) fn ready(
        &mut self,
        event: Ready,
        poller: &Poller,
        services: impl FnOnce() -> Vec<ServiceReport>,
    ) -> io::Result<Vec<ToProcess>> {
        if event.token == LISTENER {
            self.accept(poller, services)?;
            return Ok(Vec::new());
        }
        Ok(self.receive())
    }

    /// Takes the newest connection that waits, in place of the one there was, and greets. `services` are told only if there is one.
    fn accept(&mut self, poller: &Poller, services: impl FnOnce() -> Vec<ServiceReport>) -> io::Result<()> {
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
        self.connection = Some(Connection {
            stream,
            input: Vec::new(),
            descriptors: VecDeque::new(),
            output,
            events: VecDeque::new(),
            full: false,
        });
        for event in waiting {
            self.send(event);
        }
        Ok(())
    }

    /// The sockets that came with a `Start`, by the names that it has for them. With the connection they may be lost: the next service control
    /// manager sends the order again.
    pub(crate) fn sockets(&mut self, names: Vec<String>) -> Sockets {
        let Some(connection) = &mut self.connection else { return Sockets::default() };
        let count = names.len().min(connection.descriptors.len());
        Sockets::new(names.into_iter().zip(connection.descriptors.drain(..count)))
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
    fn receive(&mut self) -> Vec<ToProcess> {
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

    /// Reads what is there, as far as a frame may be long: the rest is read when the frames are done. Whether more can come.
    fn take_in(&mut self) -> bool {
        let mut chunk = vec![0; CHUNK];
        let mut descriptors = Vec::new();
        let alive = loop {
            let room = (MAX_FRAME + 4 - self.input.len()).min(CHUNK);
            if room == 0 {
                break true;
            }
            match socket::receive(&self.stream, &mut chunk[..room], &mut descriptors) {
                Ok(0) => break false,
                Ok(count) => self.input.extend_from_slice(&chunk[..count]),
                Err(error) => break error.kind() == io::ErrorKind::WouldBlock,
            }
        };
        self.descriptors.extend(descriptors);
        alive
    }

    fn read_in(&mut self) -> (Vec<ToProcess>, bool) {
        let mut alive = self.take_in();
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
#[path = "night.rs"]
mod night;

#[cfg(test)]
#[path = "turns.rs"]
mod turns;

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
