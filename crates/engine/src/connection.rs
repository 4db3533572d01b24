//! A client's connection: bytes in, calls to the actor; answers of the actor, bytes out.

use std::io;
use std::sync::Arc;

use svckit_core::native::{Reply as NativeReply, Request};
use svckit_core::security::check::Token;
use svckit_os::socket;
use svckit_scmr::ops::{Answer, Call};
use svckit_scmr::pdu::MAX_FRAGMENT;
use svckit_scmr::server::{Incoming, Server};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use zeroize::Zeroize;

use crate::actor::Input;
use crate::scm::ConnectionId;

/// How much is read at once.
const CHUNK: usize = 64 * 1024;

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

/// Serves a client until it goes or breaks the protocol, or until `closing` is set and it has the answers that there are.
pub(crate) async fn serve(
    id: ConnectionId,
    token: Token,
    stream: UnixStream,
    inputs: UnboundedSender<Input>,
    closing: watch::Receiver<bool>,
) {
    let (sender, receiver) = unbounded_channel();
    let (server, token) = (Server::new(MAX_FRAGMENT), Arc::new(token));
    let mut connection = Connection { id, token, server, inputs: inputs.clone(), sender };
    if let Err(error) = connection.run(&stream, receiver, closing).await {
        tracing::warn!("connection {} was closed: {error}", id.0);
    }
    // If nobody listens, the service control manager is ending.
    let _ = inputs.send(Input::Closed(id));
}

struct Connection {
    id: ConnectionId,
    token: Arc<Token>,
    server: Server,
    inputs: UnboundedSender<Input>,
    sender: UnboundedSender<Outgoing>,
}

impl Connection {
    async fn run(
        &mut self,
        stream: &UnixStream,
        mut answers: UnboundedReceiver<Outgoing>,
        mut closing: watch::Receiver<bool>,
    ) -> io::Result<()> {
        let mut output = Vec::new();
        loop {
            while let Ok(answer) = answers.try_recv() {
                self.put(answer);
            }
            output.append(&mut self.server.take_output());
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
                    } else {
                        write(stream, &mut output)?;
                    }
                }
                Some(answer) = answers.recv() => self.put(answer),
                Ok(()) = closing.changed() => {}
            }
        }
    }

    /// Reads what is there; whether the connection goes on.
    fn read(&mut self, stream: &UnixStream) -> io::Result<bool> {
        let mut buffer = vec![0; CHUNK];
        let length = match stream.try_read(&mut buffer) {
            Ok(0) => return Ok(false),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        };
        let received = self.server.receive(&buffer[..length]);
        // There may be a password in it.
        buffer[..length].zeroize();
        let incoming =
            received.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
        for question in incoming {
            let (call_id, asked) = match question {
                Incoming::Call { call_id, call } => (call_id, Asked::Call(Box::new(call))),
                Incoming::Native { call_id, request } => (call_id, Asked::Native(Box::new(request))),
                // Whose the other end of a socket is the system told: nobody says so on it.
                Incoming::LoggedOn(_) | Incoming::LogonFailed { .. } => continue,
            };
            let answers = self.sender.clone();
            let token = Arc::clone(&self.token);
            let question = Question { connection: self.id, token, call_id, asked, answers };
            if self.inputs.send(Input::Question(question)).is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn put(&mut self, answer: Outgoing) {
        match answer {
            Outgoing::Answer(call_id, answer) => self.server.answer(call_id, &answer),
            Outgoing::Reply(call_id, reply) => self.server.reply(call_id, &reply),
        }
    }
}

fn write(stream: &UnixStream, output: &mut Vec<u8>) -> io::Result<()> {
    match stream.try_write(output) {
        Ok(length) => {
            output.drain(..length);
            if output.is_empty() {
                // A large answer doesn't stay in memory.
                *output = Vec::new();
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}
