//! The connection to the process of a service: frames of the dispatcher protocol, and the process itself held by a descriptor.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::{Pin, pin};
use std::sync::Arc;

use svckit_core::dispatch::{FromProcess, MAX_FRAME, ToProcess};
use svckit_os::pidfd::PidFd;
use svckit_os::socket;
use tokio::io::unix::AsyncFd;
use tokio::io::{Interest, Ready};
use tokio::net::UnixStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::actor::Input;
use crate::doors::Listener;
use crate::readable::readable;
use crate::scm::ProcessEvent;

/// How much is read at once: some messages, so that what waits for the actor is bounded by [`Turns`] also if one process says a lot.
const CHUNK: usize = 4 * 1024;

/// How many reads may wait for the actor.
const TURNS: usize = 32;

/// Who of the processes may be read from. What they say when all of a thousand have something to say stays in their sockets but for a few reads: a client's question, which
/// goes the same way, has to wait for no more than these.
#[derive(Debug, Clone)]
pub(crate) struct Turns(Arc<Semaphore>);

/// That something was read and the actor hasn't taken it yet.
pub(crate) type Turn = OwnedSemaphorePermit;

impl Turns {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(TURNS)))
    }

    /// Waits for a turn, in the order of those who wait.
    async fn next(self) -> Option<Turn> {
        // It is never closed.
        self.0.acquire_owned().await.ok()
    }
}

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
    turns: Turns,
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
    Turn(Option<Turn>),
    Ended,
}

impl Link {
    pub(crate) fn new(instance: String, inputs: UnboundedSender<Input>, turns: Turns) -> Self {
        let (partial, output, cargo) = (Vec::new(), Vec::new(), VecDeque::new());
        Self { instance, inputs, turns, process: None, kill: false, partial, output, cargo }
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
        // Absent: nothing is there to be read, as far as is known.
        let mut turn = pin!(None);
        loop {
            let interest = self.interest(turn.is_some());
            let happened = {
                let ended = ended(self.process.as_ref());
                tokio::select! {
                    biased;
                    order = orders.recv() => Happened::Order(order),
                    turn = next(turn.as_mut()) => Happened::Turn(turn),
                    ready = ready(stream, interest) => ready.map(Happened::Ready)?,
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
                    if ready.is_readable() {
                        turn.set(Some(self.turns.clone().next()));
                    }
                }
                Happened::Turn(taken) => {
                    turn.set(None);
                    if self.read(stream, taken)? {
                        return Ok(());
                    }
                }
                Happened::Ended => {
                    // What it said at last is still there.
                    while !self.read(stream, self.turns.clone().next().await)? {}
                    return Ok(());
                }
            }
        }
    }

    /// What is waited for at the socket; who waits for a turn knows that it can be read.
    fn interest(&self, waits: bool) -> Option<Interest> {
        match (waits, self.output.is_empty()) {
            (false, true) => Some(Interest::READABLE),
            (false, false) => Some(Interest::READABLE | Interest::WRITABLE),
            (true, false) => Some(Interest::WRITABLE),
            (true, true) => None,
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
    fn read(&mut self, stream: &UnixStream, turn: Option<Turn>) -> io::Result<bool> {
        let mut buffer = vec![0; CHUNK];
        let mut descriptors = Vec::new();
        let mut received = Ok(0);
        let told = stream.try_io(Interest::READABLE, || {
            received = socket::receive(stream, &mut buffer, &mut descriptors);
            match &received {
                // Less than there was room for: nothing more is there, and it is told when there is. (What comes with descriptors ends a read, too.)
                Ok(1..CHUNK) if descriptors.is_empty() => Err(io::ErrorKind::WouldBlock.into()),
                Err(error) => Err(error.kind().into()),
                Ok(_) => Ok(()),
            }
        });
        match (received, told) {
            (Ok(0), Ok(())) => Ok(true),
            (Ok(length @ 1..), _) => {
                self.take(&buffer[..length], descriptors, turn)?;
                Ok(false)
            }
            (Err(error), _) | (_, Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                Ok(self.has_ended())
            }
            (Err(error), _) | (Ok(0), Err(error)) => Err(error),
        }
    }

    /// Takes what was read: its messages go to the actor together, and with them the turn.
    fn take(&mut self, bytes: &[u8], descriptors: Vec<OwnedFd>, turn: Option<Turn>) -> io::Result<()> {
        if let Some(descriptor) = descriptors.into_iter().next() {
            self.obey(LinkOrder::Process(PidFd::from(descriptor)));
        }
        self.partial.extend_from_slice(bytes);
        let mut said = Vec::new();
        let taken = messages(&self.partial, &mut said);
        if !said.is_empty() {
            // If nobody listens, the service control manager is ending.
            let _ = self.inputs.send(Input::Said { instance: self.instance.clone(), said, turn });
        }
        self.partial.drain(..taken?);
        if self.partial.is_empty() {
            // There may be a thousand of them, which say something once in a while.
            self.partial = Vec::new();
        }
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

/// Reads the messages that are complete; how many bytes they were.
fn messages(input: &[u8], said: &mut Vec<FromProcess>) -> io::Result<usize> {
    let mut rest = input;
    while let Some((head, tail)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*head) as usize;
        if length > MAX_FRAME {
            return Err(invalid(format!("a frame of {length} bytes")));
        }
        let Some((content, after)) = tail.split_at_checked(length) else { break };
        said.push(serde_json::from_slice(content).map_err(|error| invalid(error.to_string()))?);
        rest = after;
    }
    Ok(input.len() - rest.len())
}

/// The turn that is waited for, if one is.
async fn next(turn: Pin<&mut Option<impl Future<Output = Option<Turn>>>>) -> Option<Turn> {
    match turn.as_pin_mut() {
        Some(turn) => turn.await,
        None => std::future::pending().await,
    }
}

async fn ready(stream: &UnixStream, interest: Option<Interest>) -> io::Result<Ready> {
    match interest {
        Some(interest) => stream.ready(interest).await,
        None => std::future::pending().await,
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::io::Write;

    use svckit_core::win32::Win32Error;
    use tokio::sync::mpsc::unbounded_channel;
    use tokio::task::{LocalSet, spawn_local, yield_now};

    const PROCESSES: u64 = 300;
    const EACH: u64 = 40;

    /// A process that has said this many things, and will say no more.
    fn talkative(messages: u64) -> (std::os::unix::net::UnixStream, UnixStream) {
        let (mut process, ours) = std::os::unix::net::UnixStream::pair().unwrap();
        for id in 0..messages {
            let said =
                serde_json::to_vec(&FromProcess::ControlDone { id, code: Win32Error::SUCCESS }).unwrap();
            process.write_all(&u32::try_from(said.len()).unwrap().to_le_bytes()).unwrap();
            process.write_all(&said).unwrap();
        }
        ours.set_nonblocking(true).unwrap();
        (process, UnixStream::from_std(ours).unwrap())
    }

    async fn a_storm() {
        let (inputs, mut heard) = unbounded_channel();
        let turns = Turns::new();
        let mut held = Vec::new();
        for number in 0..PROCESSES {
            let (order, ordered) = unbounded_channel();
            let (process, stream) = talkative(EACH);
            held.push((process, order));
            let link = Link::new(number.to_string(), inputs.clone(), turns.clone());
            spawn_local(link.run(Ok(stream), ordered));
        }
        while heard.len() < TURNS {
            yield_now().await;
        }
        // More often than there are links: each has had its chance to say more than it may.
        for _ in 0..4 * PROCESSES {
            yield_now().await;
        }
        assert_eq!(heard.len(), TURNS, "reads that wait for the actor");
        inputs.send(Input::End).unwrap();
        let mut next: HashMap<String, u64> = HashMap::new();
        let (mut before, mut reached) = (0, false);
        while next.values().sum::<u64>() < PROCESSES * EACH {
            match heard.recv().await {
                Some(Input::Said { instance, said, turn }) => {
                    before += usize::from(!reached);
                    let place = next.entry(instance).or_default();
                    for one in said {
                        assert_eq!(one, FromProcess::ControlDone { id: *place, code: Win32Error::SUCCESS });
                        *place += 1;
                    }
                    drop(turn);
                }
                Some(Input::End) => reached = true,
                _ => unreachable!("nothing else is put in"),
            }
        }
        assert!(reached && before == TURNS, "{before} reads came before the question");
    }

    #[test]
    fn a_question_waits_for_few_of_the_messages_that_processes_have_sent() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        LocalSet::new().block_on(&runtime, a_storm());
    }
}
