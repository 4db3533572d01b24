use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::ExitCode;
use std::thread;

use svckit_core::Win32Error;
use svckit_core::dispatch::{CHANNEL_VARIABLE, MARK_VARIABLE};
use svckit_core::restart::Ended;
use svckit_os::event::{Interest, Poller};
use svckit_os::gate::Gate;
use svckit_os::process::{self, Birth, Command, Credentials, End, Forked, Stage, Stdio, Terms};
use svckit_os::signal::{Delivered, SignalSource};
use svckit_os::tree::Groups;
use svckit_os::{errno, file, pipe, socket};

use super::{Answer, Image, MAX_MESSAGE, Order};
use crate::environment::SPAWNER_VARIABLE;
use crate::link::{self, Ticket};
use crate::whole::inherited;

/// The longest reason in words, in characters, so that the answer with all escapes fits into [`super::MAX_ANSWER`].
const LONGEST_REASON: usize = 1024;

const SOCKET: u64 = 0;
const SIGNALS: u64 = 1;

/// `svc host spawner`: serves orders until the socket is closed; in a process that it made, runs the host.
pub fn serve() -> ExitCode {
    match Server::new().and_then(Server::run) {
        Ok(Some(ticket)) => link::run(ticket),
        Ok(None) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

struct Server {
    socket: OwnedFd,
    signals: SignalSource,
    poller: Poller,
    answers: VecDeque<(Answer, Option<OwnedFd>)>,
    /// Whether the socket was full, so that answers wait.
    full: bool,
    terms: Terms,
    buffer: Vec<u8>,
    places: Groups,
    /// Where the hosts that are made take turns.
    gate: Option<Gate>,
}

impl Server {
    fn new() -> io::Result<Self> {
        let number = std::env::var(SPAWNER_VARIABLE).ok().and_then(|text| text.parse().ok());
        let number = number.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "this is started by the service control manager only")
        })?;
        let socket = process::adopt_descriptor(number)?;
        pipe::set_nonblocking(&socket, true)?;
        process::name_process(c"svc-spawner");
        let terms = Terms::of_this_process();
        let signals = SignalSource::new(&[Delivered::Child])?;
        let poller = Poller::new()?;
        poller.add(&socket, SOCKET, Interest::Read)?;
        poller.add(&signals, SIGNALS, Interest::Read)?;
        let buffer = vec![0; MAX_MESSAGE];
        let places = Groups::here();
        places.sweep();
        let answers = VecDeque::new();
        // Without it they don't.
        let gate = Gate::new(thread::available_parallelism().map_or(1, |count| count.get())).ok();
        Ok(Self { socket, signals, poller, answers, full: false, terms, buffer, places, gate })
    }

    /// Serves; returns a ticket in a process that is to be a host, and nothing when the service control manager is gone.
    fn run(mut self) -> io::Result<Option<Ticket>> {
        let mut ready = Vec::new();
        loop {
            self.poller.wait(&mut ready, None)?;
            for event in &ready {
                if event.token == SIGNALS {
                    while self.signals.next()?.is_some() {}
                    self.reap()?;
                    continue;
                }
                if event.writable {
                    self.full = false;
                }
                if event.readable {
                    match self.orders() {
                        Ok(None) => {}
                        Ok(ticket) => return Ok(ticket),
                        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                        Err(error) => return Err(error),
                    }
                }
            }
            self.flush()?;
        }
    }

    /// Carries out the orders that are there.
    fn orders(&mut self) -> io::Result<Option<Ticket>> {
        loop {
            let mut descriptors = Vec::new();
            let length = match socket::receive(&self.socket, &mut self.buffer, &mut descriptors) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            };
            let order: Order = serde_json::from_slice(self.buffer.get(..length).unwrap_or_default())?;
            let Some(listener) = descriptors.pop() else {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "an order without a listener"));
            };
            let instance = order.instance.clone();
            match self.carry_out(order, listener) {
                Ok(Made::Host(ticket)) => return Ok(Some(*ticket)),
                Ok(Made::Process(pid)) => {
                    let pidfd = process::pidfd(pid)?;
                    self.answers.push_back((Answer::Launched { instance, pid }, Some(pidfd)));
                }
                Err((code, mut message)) => {
                    message = message.chars().take(LONGEST_REASON).collect();
                    self.answers.push_back((Answer::Failed { instance, code, message }, None));
                }
            }
            self.flush()?;
        }
    }

    fn carry_out(&mut self, order: Order, listener: OwnedFd) -> Result<Made, (Win32Error, String)> {
        let credentials = order.user.as_deref().map(credentials).transpose()?.flatten();
        let mut group = self.places.make(&order.instance);
        let directory = group.as_ref().and_then(|group| group.directory().ok());
        let directory = directory.as_ref().map(AsFd::as_fd);
        match order.image {
            Image::Host => match process::fork(directory).or_else(|_| {
                // A spawner that starts sweeps empty groups away, and may have met this one.
                group = None;
                process::fork(None)
            }) {
                Ok(Forked::Parent(pid)) => Ok(Made::Process(pid)),
                Ok(Forked::Child) => Ok(Made::Host(Box::new(Ticket {
                    listener,
                    instance: order.instance,
                    group,
                    environment: order.environment,
                    terms: Terms { credentials, ..self.terms.clone() },
                    gate: self.gate.clone(),
                }))),
                Err(error) => {
                    let _ = group.map(|group| group.remove());
                    Err((errno::win32(&error), errno::describe(&error)))
                }
            },
            Image::Exec { arguments } => {
                let channel = listener.as_raw_fd();
                let command = Command {
                    command: arguments.into_iter().map(OsString::from).collect(),
                    directory: None,
                    environment: environment(order.instance, order.environment, channel),
                    leave: Vec::new(),
                    limits: Default::default(),
                    terms: Terms { credentials, ..self.terms.clone() },
                };
                let birth = Birth { group: directory, keep: Some(channel), ends_with_parent: false };
                let null =
                    file::null_device().map_err(|error| (errno::win32(&error), errno::describe(&error)))?;
                let stdio =
                    Stdio { input: End::from(&null), output: End::from(&null), error: End::from(&null) };
                let spawned = match process::spawn(&command, stdio, birth) {
                    Err(error) if error.stage == Stage::Process && directory.is_some() => {
                        process::spawn(&command, stdio, Birth { group: None, ..birth })
                    }
                    other => other,
                };
                match spawned {
                    Ok(pid) => Ok(Made::Process(pid)),
                    Err(error) => {
                        let _ = group.map(|group| group.remove());
                        Err((error.code(), error.to_string()))
                    }
                }
            }
        }
    }

    fn reap(&mut self) -> io::Result<()> {
        while let Some((pid, how)) = process::reap()? {
            let (code, signal) = match how {
                Ended::Code(code) => (Some(code), None),
                Ended::Signal(signal) => (None, Some(signal)),
            };
            if let (Some(gate), false) = (&self.gate, code == Some(0)) {
                // It may have been killed in its turn.
                gate.mend();
            }
            self.answers.push_back((Answer::Exited { pid, code, signal }, None));
        }
        Ok(())
    }

    /// Sends what can be sent. It never waits: the service control manager may be busy with sending orders itself.
    fn flush(&mut self) -> io::Result<()> {
        while !self.full
            && let Some((answer, pidfd)) = self.answers.front()
        {
            let bytes = serde_json::to_vec(answer)?;
            let pidfd = pidfd.as_ref().map(AsFd::as_fd);
            match socket::send(&self.socket, &bytes, pidfd.as_slice()) {
                Ok(_) => {
                    self.answers.pop_front();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.full = true,
                // The service control manager is gone; reading tells the same.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.answers.clear(),
                Err(error) => return Err(error),
            }
        }
        let interest = if self.full { Interest::Both } else { Interest::Read };
        self.poller.modify(&self.socket, SOCKET, interest)
    }
}

enum Made {
    Process(u32),
    /// This is the new process.
    Host(Box<Ticket>),
}

/// Who a user is; nothing to do if it is who this process runs as.
fn credentials(user: &str) -> Result<Option<Credentials>, (Win32Error, String)> {
    let found = Credentials::of_user(user).map_err(|error| {
        (
            Win32Error::SERVICE_LOGON_FAILED,
            format!("cannot look up the user {user:?}: {}", errno::describe(&error)),
        )
    })?;
    let Some(found) = found else {
        return Err((Win32Error::INVALID_SERVICE_ACCOUNT, format!("there is no user {user:?} here")));
    };
    if found.is_current() {
        return Ok(None);
    }
    if !Credentials::may_change() {
        return Err((
            Win32Error::SERVICE_LOGON_FAILED,
            format!("only root may run a service as another user, here {user:?}"),
        ));
    }
    Ok(Some(found))
}

/// The environment of a process that speaks the dispatcher protocol itself.
fn environment(
    instance: String,
    additions: Vec<(String, String)>,
    channel: i32,
) -> Vec<(OsString, OsString)> {
    let mut all: Vec<(OsString, OsString)> = inherited().collect();
    let mut set = |name: OsString, value: OsString| {
        all.retain(|(other, _)| *other != name);
        all.push((name, value));
    };
    set(MARK_VARIABLE.into(), instance.into());
    for (name, value) in additions {
        set(name.into(), value.into());
    }
    set(CHANNEL_VARIABLE.into(), channel.to_string().into());
    all
}
