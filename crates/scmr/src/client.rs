//! The client's side of a connection, without I/O: calls go in, bytes for the server come out; bytes of the server go in, answers come out.

use std::collections::BTreeMap;

use svckit_core::native::{Reply, Request};
use zeroize::Zeroizing;

use crate::native::{self, EncodeError};
use crate::ops::{Answer, Call, Opnum};
use crate::pdu::{
    Assembler, Bind, BindAck, BindNak, Body, Frame, MAX_FRAGMENT, MIN_FRAGMENT, NATIVE, NDR32, PacketType,
    Proposal, ProtocolError, SCMR, Status, fragments, read_fault, result,
};

const SCMR_CONTEXT: u16 = 0;
const NATIVE_CONTEXT: u16 = 1;

/// A connection whose server has not answered the bind yet.
#[derive(Debug)]
pub struct Binding {
    input: Vec<u8>,
}

/// How far binding has come.
#[derive(Debug)]
pub enum Progress {
    /// More bytes are needed.
    Binding(Binding),
    /// Calls can be made.
    Ready(Client),
}

/// A connection on which calls can be made.
#[derive(Debug)]
pub struct Client {
    input: Vec<u8>,
    assembler: Assembler,
    pending: BTreeMap<u32, Pending>,
    next_call: u32,
    max_send: u16,
    native: bool,
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

impl Binding {
    /// A new connection, and the bytes that begin it: a proposal of both interfaces.
    pub fn start() -> (Self, Vec<u8>) {
        let proposal = |context, interface| Proposal { context, interface, transfer: vec![NDR32] };
        let bind = Bind {
            max_transmit: MAX_FRAGMENT,
            max_receive: MAX_FRAGMENT,
            association: 0,
            proposals: vec![proposal(SCMR_CONTEXT, SCMR), proposal(NATIVE_CONTEXT, NATIVE)],
        };
        let mut output = Vec::new();
        bind.write(&mut output, PacketType::BIND, 0);
        (Self { input: Vec::new() }, output)
    }

    /// Takes bytes of the server.
    pub fn receive(mut self, bytes: &[u8]) -> Result<Progress, ProtocolError> {
        self.input.extend_from_slice(bytes);
        let Some((frame, length)) = Frame::read(&self.input, MAX_FRAGMENT)? else {
            return Ok(Progress::Binding(self));
        };
        let (max_send, native) = match frame.header.packet {
            PacketType::BIND_ACK => agreed(&BindAck::read(frame.body)?)?,
            PacketType::BIND_NAK => return Err(ProtocolError::Refused(BindNak::read(frame.body)?.reason)),
            packet => return Err(ProtocolError::Unexpected(packet.0)),
        };
        Ok(Progress::Ready(Client {
            input: self.input.split_off(length),
            assembler: Assembler::default(),
            pending: BTreeMap::new(),
            next_call: 1,
            max_send,
            native,
        }))
    }
}

/// The fragment size, and whether the server has the native interface (C706 12.6.4.4).
fn agreed(ack: &BindAck) -> Result<(u16, bool), ProtocolError> {
    let accepted = |context: u16| {
        let refused = (result::REJECTED, result::NO_INTERFACE);
        match ack.results.get(usize::from(context)) {
            Some(found) if found.result == result::ACCEPTED && found.transfer == NDR32 => Ok(()),
            found => Err(found.map_or(refused, |found| (found.result, found.reason))),
        }
    };
    accepted(SCMR_CONTEXT).map_err(|(result, reason)| ProtocolError::NoInterface { result, reason })?;
    if ack.max_receive < MIN_FRAGMENT {
        return Err(ProtocolError::FragmentLength { found: ack.max_receive, limit: MAX_FRAGMENT });
    }
    Ok((ack.max_receive, accepted(NATIVE_CONTEXT).is_ok()))
}

impl Client {
    /// Whether the server has the native interface.
    pub fn has_native(&self) -> bool {
        self.native
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
            returned.extend(self.frame(&frame)?);
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
        fragments(&mut output, &body, self.max_send);
        (call_id, output)
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
