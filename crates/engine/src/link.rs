//! The connection to the process of a service: frames of the dispatcher protocol, and the process itself held by a descriptor.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use svckit_core::dispatch::{FromProcess, MAX_FRAME, ToProcess};
use svckit_os::pidfd::PidFd;
use svckit_os::socket;
use tokio::io::unix::AsyncFd;
use tokio::io::{Interest, Ready};
use tokio::net::UnixStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use crate::actor::Input;
use crate::doors::Listener;
use crate::readable::readable;
use crate::scm::ProcessEvent;

/// How much is read at once.
const CHUNK: usize = 16 * 1024;

/// What a link is told to do.
pub(crate) enum LinkOrder {
    /// Say this to the process, and hand these sockets over with it.
    Tell(Box<ToProcess>, Vec<Listener>),
    /// This is the process.
    Process(PidFd),
    /// End the process by force.
    Kill,
}

/// A connection to a process, until the orders end.
pub(crate) struct Link {
    instance: String,
    inputs: UnboundedSender<Input>,
    process: Option<AsyncFd<PidFd>>,
    /// Whether the process is to be ended as soon as it is known.
    kill: bool,
    /// Bytes of a frame that is not complete.
    partial: Vec<u8>,
    /// Bytes that the process has not taken yet.
    output: Vec<u8>,
    /// Sockets that go with the byte of the output at the place that is told.
    cargo: VecDeque<(usize, Vec<Listener>)>,
}

/// What happened on a connection.
enum Happened {
    Order(Option<LinkOrder>),
    Ready(Ready),
    Ended,
}

impl Link {
    pub(crate) fn new(instance: String, inputs: UnboundedSender<Input>) -> Self {
        let (partial, output, cargo) = (Vec::new(), Vec::new(), VecDeque::new());
        Self { instance, inputs, process: None, kill: false, partial, output, cargo }
    }

    /// Carries messages both ways until the process is gone, and holds the process until it is let go.
    pub(crate) async fn run(
        mut self,
        stream: io::Result<UnixStream>,
        mut orders: UnboundedReceiver<LinkOrder>,
    ) {
        match stream {
            Ok(stream) => {
                if let Err(error) = self.carry(&stream, &mut orders).await {
                    tracing::debug!("connection to process {}: {error}", self.instance);
                }
            }
            Err(error) => tracing::debug!("process {} can't be reached: {error}", self.instance),
        }
        if orders.is_closed() && orders.is_empty() {
            return;
        }
        self.tell(ProcessEvent::Gone);
        while let Some(order) = orders.recv().await {
            self.obey(order);
        }
    }

    async fn carry(
        &mut self,
        stream: &UnixStream,
        orders: &mut UnboundedReceiver<LinkOrder>,
    ) -> io::Result<()> {
        loop {
            let writing = !self.output.is_empty();
            let interest = if writing { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            let happened = {
                let ended = ended(self.process.as_ref());
                tokio::select! {
                    biased;
                    order = orders.recv() => Happened::Order(order),
                    ready = stream.ready(interest) => ready.map(Happened::Ready)?,
                    () = ended => Happened::Ended,
                }
            };
            match happened {
                Happened::Order(None) => return Ok(()),
                Happened::Order(Some(LinkOrder::Tell(message, listeners))) => {
                    if !listeners.is_empty() {
                        self.cargo.push_back((self.output.len(), listeners));
                    }
                    self.output.append(&mut frame(&message)?);
                    self.write(stream);
                }
                Happened::Order(Some(order)) => self.obey(order),
                Happened::Ready(ready) => {
                    if ready.is_writable() {
                        self.write(stream);
                    }
                    if ready.is_readable() && self.read(stream)? {
                        return Ok(());
                    }
                }
                Happened::Ended => {
                    // What it said at last is still there.
                    while !self.read(stream)? {}
                    return Ok(());
                }
            }
        }
    }

    /// Writes what the process takes; the rest waits until it takes more.
    fn write(&mut self, stream: &UnixStream) {
        while !self.output.is_empty() {
            match self.write_piece(stream) {
                Ok(length) => {
                    self.output.drain(..length);
                    self.cargo.retain(|(at, _)| *at >= length);
                    self.cargo.iter_mut().for_each(|(at, _)| *at -= length);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    // Its end shows when what it said before has been read.
                    tracing::debug!("process {} takes nothing more: {error}", self.instance);
                    break;
                }
            }
        }
        self.output = Vec::new();
        self.cargo = VecDeque::new();
    }

    /// Writes up to where the next sockets go, or these with what follows them.
    fn write_piece(&self, stream: &UnixStream) -> io::Result<usize> {
        let until = |cargo: Option<&(usize, Vec<Listener>)>| cargo.map_or(self.output.len(), |(at, _)| *at);
        match self.cargo.front() {
            Some((0, listeners)) => {
                let piece = self.output.get(..until(self.cargo.get(1))).unwrap_or_default();
                let descriptors: Vec<_> = listeners.iter().map(AsFd::as_fd).collect();
                stream.try_io(Interest::WRITABLE, || socket::send(stream, piece, &descriptors))
            }
            next => stream.try_write(self.output.get(..until(next)).unwrap_or_default()),
        }
    }

    /// Reads what is there; whether the connection has ended (or, for a process that has ended, nothing more is there).
    fn read(&mut self, stream: &UnixStream) -> io::Result<bool> {
        let mut buffer = vec![0; CHUNK];
        let mut descriptors = Vec::new();
        let receive = || socket::receive(stream, &mut buffer, &mut descriptors);
        match stream.try_io(Interest::READABLE, receive) {
            Ok(0) => Ok(true),
            Ok(length) => {
                self.take(&buffer[..length], descriptors)?;
                Ok(false)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(self.has_ended()),
            Err(error) => Err(error),
        }
    }

    fn take(&mut self, bytes: &[u8], descriptors: Vec<OwnedFd>) -> io::Result<()> {
        if let Some(descriptor) = descriptors.into_iter().next() {
            self.obey(LinkOrder::Process(PidFd::from(descriptor)));
        }
        let mut input = std::mem::take(&mut self.partial);
        input.extend_from_slice(bytes);
        let mut rest = input.as_slice();
        while let Some((head, tail)) = rest.split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*head) as usize;
            if length > MAX_FRAME {
                return Err(invalid(format!("a frame of {length} bytes")));
            }
            let Some((content, after)) = tail.split_at_checked(length) else { break };
            let message: FromProcess =
                serde_json::from_slice(content).map_err(|error| invalid(error.to_string()))?;
            self.tell(ProcessEvent::Said(message));
            rest = after;
        }
        self.partial = rest.to_vec();
        Ok(())
    }

    fn obey(&mut self, order: LinkOrder) {
        match order {
            LinkOrder::Tell(..) => {}
            LinkOrder::Process(process) => {
                if self.process.is_none() {
                    self.process = readable(process)
                        .inspect_err(|error| {
                            tracing::error!("cannot watch process {}: {error}", self.instance)
                        })
                        .ok();
                }
            }
            LinkOrder::Kill => self.kill = true,
        }
        if let (true, Some(process)) = (self.kill, &self.process) {
            self.kill = false;
            if let Err(error) = process.get_ref().kill() {
                tracing::error!("cannot end process {}: {error}", self.instance);
            }
        }
    }

    fn has_ended(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.get_ref().has_ended().unwrap_or(false))
    }

    fn tell(&self, event: ProcessEvent) {
        // If nobody listens, the service control manager is ending.
        let _ = self.inputs.send(Input::Process { instance: self.instance.clone(), event });
    }
}

async fn ended(process: Option<&AsyncFd<PidFd>>) {
    match process {
        // Readable, or no longer to be waited for: either way there is nothing more to come.
        Some(process) => drop(process.readable().await),
        None => std::future::pending().await,
    }
}

fn frame(message: &ToProcess) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(message)?;
    if json.len() > MAX_FRAME {
        return Err(invalid(format!("a frame of {} bytes", json.len())));
    }
    let length = u32::try_from(json.len()).map_err(|error| invalid(error.to_string()))?;
    Ok([&length.to_le_bytes(), json.as_slice()].concat())
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
