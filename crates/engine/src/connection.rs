//! A client's connection: bytes in, calls to the actor; answers of the actor, bytes out.
//!
//! Of this machine, who is at the other end is known from the start. Who comes over the network has a little time and a few bytes to show it, and has to take its answers.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use svckit_core::native::{Reply as NativeReply, Request};
use svckit_core::security::check::Token;
use svckit_os::{dump, socket};
use svckit_scmr::ops::{Answer, Call};
use svckit_scmr::pdu::MAX_FRAGMENT;
use svckit_scmr::server::{Incoming, Server};
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use zeroize::Zeroize;

use crate::actor::Input;
use crate::network::Guest;
use crate::scm::ConnectionId;

/// How much is read at once.
const CHUNK: usize = 64 * 1024;

/// How many bytes somebody from the network has for that: three tokens are a fraction of it.
const LOGON_BYTES: usize = 16 * 1024;

/// The same where tickets are taken: those of Windows tell all groups of a user.
const TICKET_BYTES: usize = 96 * 1024;

/// How many calls somebody from the network may have under way at the same time.
const REMOTE_CALLS: usize = 64;

/// The size of fragments over the network: that of Windows.
pub(crate) const REMOTE_FRAGMENT: u16 = 5840;

/// An answer on its way to a client.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Answer(u32, Box<Answer>),
    Reply(u32, Box<NativeReply>),
}

/// What a client asks the actor.
pub(crate) enum Asked {
    Call(Box<Call>),
    Native(Box<Request>),
}

/// A question with the way back.
pub(crate) struct Question {
    pub(crate) connection: ConnectionId,
    /// For whom the connection speaks.
    pub(crate) token: Arc<Token>,
    pub(crate) call_id: u32,
    pub(crate) asked: Asked,
    pub(crate) answers: UnboundedSender<Outgoing>,
}

/// The process at the other end and for whom it speaks, if it may speak to us: it is the same user's or root's, who are the system and administrators here.
pub(crate) fn welcome(stream: &UnixStream) -> Option<(u32, Token)> {
    match socket::peer(stream) {
        Ok(peer) if peer.uid == 0 || peer.uid == svckit_os::session::user() => {
            Some((peer.pid, Token::local_system()))
        }
        Ok(_) => {
            tracing::warn!("a client of another user is turned away");
            None
        }
        Err(error) => {
            tracing::warn!("a client that can't be identified is turned away: {error}");
            None
        }
    }
}

/// What carries a connection.
pub(crate) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// For whom a connection speaks.
pub(crate) enum Speaker {
    Known(Arc<Token>),
    /// Somebody from the network who has to show it.
    Unknown(Guest),
    /// Somebody from the network who has shown it.
    Shown(Arc<Token>),
    /// Somebody from the network who hasn't. It may hear so.
    Nobody,
}

/// How long is waited for somebody from the network.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Patience {
    /// Until it has shown who it is.
    pub(crate) logon: Duration,
    /// Until it takes something of what is sent to it.
    pub(crate) send: Duration,
}

/// Serves a client until it goes or breaks the protocol, or until `closing` is set and it has the answers that there are.
pub(crate) async fn serve(
    id: ConnectionId,
    speaker: Speaker,
    server: Server,
    (stream, patience): (Stream, Patience),
    inputs: UnboundedSender<Input>,
    closing: watch::Receiver<bool>,
) {
    let (sender, receiver) = unbounded_channel();
    let mut connection =
        Connection { id, speaker, server, inputs: inputs.clone(), sender, heard: 0, broken: None };
    if let Err(error) = connection.run(&stream, patience, receiver, closing).await {
        tracing::warn!("connection {} was closed: {error}", id.0);
    }
    // If nobody listens, the service control manager is ending.
    let _ = inputs.send(Input::Closed(id));
}

/// A connection of this machine.
pub(crate) fn local() -> Server {
    Server::new(MAX_FRAGMENT)
}

struct Connection {
    id: ConnectionId,
    speaker: Speaker,
    server: Server,
    inputs: UnboundedSender<Input>,
    sender: UnboundedSender<Outgoing>,
    /// How many bytes were read while nobody knew who speaks.
    heard: usize,
    /// Why nothing more is read; the connection ends when what is left has been sent.
    broken: Option<io::Error>,
}

impl Connection {
    async fn run(
        &mut self,
        stream: &Stream,
        patience: Patience,
        mut answers: UnboundedReceiver<Outgoing>,
        mut closing: watch::Receiver<bool>,
    ) -> io::Result<()> {
        let mut output = Vec::new();
        let mut logon = pin!(sleep(patience.logon));
        let mut stalled = pin!(sleep(patience.send));
        loop {
            while let Ok(answer) = answers.try_recv() {
                self.put(answer);
            }
            if output.is_empty() {
                output = self.server.take_output();
                if self.is_remote() && !output.is_empty() {
                    stalled.as_mut().reset(Instant::now() + patience.send);
                }
            }
            if let Some(error) = self.broken.take_if(|_| output.is_empty()) {
                return Err(error);
            }
            if output.is_empty() && *closing.borrow() {
                return Ok(());
            }
            // A client that doesn't take its answers isn't heard, so what is kept for it is bounded.
            let interest = if output.is_empty() { Interest::READABLE } else { Interest::WRITABLE };
            tokio::select! {
                ready = stream.ready(interest) => {
                    ready?;
                    if output.is_empty() {
                        if !self.read(stream)? {
                            return Ok(());
                        }
                    } else if write(stream, &mut output)? && self.is_remote() {
                        stalled.as_mut().reset(Instant::now() + patience.send);
                    }
                }
                Some(answer) = answers.recv() => self.put(answer),
                () = &mut logon, if self.is_unknown() => return Err(late("it did not show in time who it is")),
                () = &mut stalled, if self.is_remote() && !output.is_empty() => {
                    return Err(late("it does not take its answers"));
                }
                Ok(()) = closing.changed() => {}
            }
        }
    }

    fn is_remote(&self) -> bool {
        !matches!(self.speaker, Speaker::Known(_))
    }

    /// Whether nobody knows who speaks: from the network, and hasn't shown it.
    fn is_unknown(&self) -> bool {
        matches!(self.speaker, Speaker::Unknown(_) | Speaker::Nobody)
    }

    /// Reads what is there; whether the connection goes on.
    fn read(&mut self, stream: &Stream) -> io::Result<bool> {
        let mut buffer = vec![0; if self.is_remote() { REMOTE_FRAGMENT.into() } else { CHUNK }];
        let length = match stream.try_read(&mut buffer) {
            Ok(0) => return Ok(false),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        };
        if self.is_unknown() {
            self.heard += length;
        }
        // Whoever logs on brings verifiers of passwords into memory.
        let _withheld = self.is_unknown().then(dump::withhold);
        let received = self.server.receive(&buffer[..length]);
        // There may be a password in it.
        buffer[..length].zeroize();
        let understood = match received {
            Ok(understood) => understood,
            Err(error) => {
                self.broken = Some(invalid(error.to_string()));
                self.server.take_understood()
            }
        };
        for incoming in understood {
            if !self.take(incoming)? {
                return Ok(false);
            }
        }
        let most = if self.server.waits_for_ticket() { TICKET_BYTES } else { LOGON_BYTES };
        if self.is_unknown() && self.heard > most {
            return Err(invalid("it says too much without showing who it is".to_owned()));
        }
        if self.is_remote() && self.server.calls_under_way() > REMOTE_CALLS {
            return Err(invalid(format!("it has more than {REMOTE_CALLS} calls under way")));
        }
        Ok(true)
    }

    /// Takes what a client wants; whether anybody is there to hear it.
    fn take(&mut self, incoming: Incoming) -> io::Result<bool> {
        let (call_id, asked) = match incoming {
            Incoming::Call { call_id, call } => (call_id, Asked::Call(Box::new(call))),
            Incoming::Native { call_id, request } => (call_id, Asked::Native(Box::new(request))),
            Incoming::LoggedOn(account) => {
                let Speaker::Unknown(guest) = std::mem::replace(&mut self.speaker, Speaker::Nobody) else {
                    return Err(invalid("it logged on twice".to_owned()));
                };
                self.speaker = Speaker::Shown(Arc::new(guest.welcome(&account).map_err(invalid)?));
                return Ok(true);
            }
            Incoming::LogonFailed { account, error } => {
                if let Speaker::Unknown(guest) = std::mem::replace(&mut self.speaker, Speaker::Nobody) {
                    let failed = Input::LogonFailed(Box::new(guest.turn_away(&account, error)));
                    return Ok(self.inputs.send(failed).is_ok());
                }
                return Ok(true);
            }
        };
        let (Speaker::Known(token) | Speaker::Shown(token)) = &self.speaker else {
            return Err(invalid("it calls without having shown who it is".to_owned()));
        };
        let (token, answers) = (Arc::clone(token), self.sender.clone());
        let question = Question { connection: self.id, token, call_id, asked, answers };
        Ok(self.inputs.send(Input::Question(question)).is_ok())
    }

    fn put(&mut self, answer: Outgoing) {
        match answer {
            Outgoing::Answer(call_id, answer) => self.server.answer(call_id, &answer),
            Outgoing::Reply(call_id, reply) => self.server.reply(call_id, &reply),
        }
    }
}

impl Stream {
    async fn ready(&self, interest: Interest) -> io::Result<tokio::io::Ready> {
        match self {
            Self::Unix(stream) => stream.ready(interest).await,
            Self::Tcp(stream) => stream.ready(interest).await,
        }
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.try_read(buffer),
            Self::Tcp(stream) => stream.try_read(buffer),
        }
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.try_write(bytes),
            Self::Tcp(stream) => stream.try_write(bytes),
        }
    }
}

/// Writes what is taken; whether anything was.
fn write(stream: &Stream, output: &mut Vec<u8>) -> io::Result<bool> {
    match stream.try_write(output) {
        Ok(length) => {
            output.drain(..length);
            if output.is_empty() {
                // A large answer doesn't stay in memory.
                *output = Vec::new();
            }
            Ok(length > 0)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn late(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, why)
}
