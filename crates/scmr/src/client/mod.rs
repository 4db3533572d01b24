//! The client's side of a connection, without I/O: calls go in, bytes for the server come out; bytes of the server go in, answers come out.

mod binding;

use std::collections::BTreeMap;

use svckit_core::native::{Reply, Request};
use zeroize::Zeroizing;

use crate::native::{self, EncodeError};
use crate::ops::{Answer, Call, Opnum};
use crate::pdu::{
    Assembler, Body, Channel, Frame, HEADER, MAX_FRAGMENT, PacketType, ProtocolError, Status, fragments,
    read_fault,
};

pub use binding::{Binding, Progress};

const SCMR_CONTEXT: u16 = 0;
const NATIVE_CONTEXT: u16 = 1;

/// A connection on which calls can be made.
#[derive(Debug)]
pub struct Client {
    input: Vec<u8>,
    assembler: Assembler,
    pending: BTreeMap<u32, Pending>,
    next_call: u32,
    max_send: u16,
    native: bool,
    channel: Option<Channel>,
    /// What goes before the first call.
    greeting: Vec<u8>,
    is_proven: bool,
}

#[derive(Debug, Clone, Copy)]
enum Pending {
    Scmr(Opnum),
    Native,
}

/// What the server returned.
#[derive(Debug, Clone, PartialEq)]
pub struct Returned {
    /// The call it belongs to.
    pub call_id: u32,
    /// What came of the call.
    pub outcome: Outcome,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The answer; its code may be an error.
    Answer(Answer),
    /// The reply of the native interface.
    Native(Reply),
    /// The call was not, or not completely, carried out.
    Fault(Status),
}

impl Client {
    /// Whether the server has the native interface.
    pub fn has_native(&self) -> bool {
        self.native
    }

    /// Whether something sealed came from the server. A fault before that may be its refusal to let the client in: it has no other way to say so.
    pub fn is_proven(&self) -> bool {
        self.is_proven
    }

    /// Whether the connection is sealed.
    pub fn is_sealed(&self) -> bool {
        self.channel.is_some()
    }

    /// Begins a call: its number, and the bytes to send, which may have a password in them.
    pub fn call(&mut self, call: &Call) -> (u32, Zeroizing<Vec<u8>>) {
        self.request(SCMR_CONTEXT, call.opnum().0, call.encode(), Pending::Scmr(call.opnum()))
    }

    /// Begins a request on the native interface: its number, and the bytes to send.
    pub fn native(&mut self, request: &Request) -> Result<(u32, Zeroizing<Vec<u8>>), EncodeError> {
        let stub = native::encode_request(request)?;
        Ok(self.request(NATIVE_CONTEXT, native::OPNUM, stub, Pending::Native))
    }

    /// Takes bytes of the server. After an error nothing more can be understood.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Vec<Returned>, ProtocolError> {
        let mut input = std::mem::take(&mut self.input);
        input.extend_from_slice(bytes);
        let mut returned = Vec::new();
        let mut taken = 0;
        while let Some((frame, length)) = Frame::read(&input[taken..], MAX_FRAGMENT)? {
            returned.extend(self.packet(&frame, &input[taken..taken + length])?);
            taken += length;
        }
        input.drain(..taken);
        self.input = input;
        Ok(returned)
    }

    fn request(
        &mut self,
        context: u16,
        operation: u16,
        stub: Vec<u8>,
        pending: Pending,
    ) -> (u32, Zeroizing<Vec<u8>>) {
        let call_id = self.next_call;
        self.next_call = call_id.wrapping_add(1).max(1);
        self.pending.insert(call_id, pending);
        let mut output = Zeroizing::new(Vec::new());
        let body = Body { packet: PacketType::REQUEST, call_id, context, operation, stub };
        output.append(&mut self.greeting);
        match &mut self.channel {
            Some(channel) => channel.fragments(&mut output, &body, self.max_send),
            None => fragments(&mut output, &body, self.max_send),
        }
        (call_id, output)
    }

    /// A packet, opened first if the connection is sealed. A fault may come in clear all the same ([MS-RPCE] 3.3.1.5.2.2 asks for nothing else).
    fn packet(&mut self, frame: &Frame<'_>, bytes: &[u8]) -> Result<Option<Returned>, ProtocolError> {
        let is_clear = frame.auth.is_none() && frame.header.packet != PacketType::RESPONSE;
        match &mut self.channel {
            Some(channel) if !is_clear => {
                let plain = channel.open(bytes, &frame.header)?;
                self.is_proven = true;
                self.frame(&Frame { header: frame.header, body: &plain[HEADER..], auth: None })
            }
            _ => self.frame(frame),
        }
    }

    fn frame(&mut self, frame: &Frame<'_>) -> Result<Option<Returned>, ProtocolError> {
        match frame.header.packet {
            PacketType::RESPONSE => match self.assembler.push(frame)? {
                Some(body) => self.response(&body).map(Some),
                None => Ok(None),
            },
            PacketType::FAULT => {
                let call_id = frame.header.call_id;
                self.assembler.discard(call_id);
                self.take_pending(call_id, PacketType::FAULT)?;
                Ok(Some(Returned { call_id, outcome: Outcome::Fault(read_fault(frame.body)?) }))
            }
            PacketType::SHUTDOWN => Ok(None),
            packet => Err(ProtocolError::Unexpected(packet.0)),
        }
    }

    fn response(&mut self, body: &Body) -> Result<Returned, ProtocolError> {
        let outcome = match self.take_pending(body.call_id, PacketType::RESPONSE)? {
            Pending::Scmr(opnum) => match Answer::decode(opnum, &body.stub)? {
                Some(answer) => Outcome::Answer(answer),
                None => return Err(ProtocolError::Unexpected(PacketType::RESPONSE.0)),
            },
            Pending::Native => Outcome::Native(native::decode_reply(&body.stub)?),
        };
        Ok(Returned { call_id: body.call_id, outcome })
    }

    fn take_pending(&mut self, call_id: u32, packet: PacketType) -> Result<Pending, ProtocolError> {
        self.pending.remove(&call_id).ok_or(ProtocolError::Unexpected(packet.0))
    }
}
