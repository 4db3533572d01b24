//! The server's side of a connection, without I/O: bytes of the client go in, calls come out; answers go in, bytes for the client come out.

use std::collections::BTreeMap;

use svckit_core::native::{Reply, Request};
use zeroize::Zeroizing;

use crate::native;
use crate::ops::{Answer, Call, Opnum};
use crate::pdu::{
    Assembler, Bind, BindAck, BindNak, Body, ContextResult, Frame, MAX_FRAGMENT, MAX_STUB, MIN_FRAGMENT,
    NATIVE, NDR32, PacketType, Proposal, ProtocolError, SCMR, Status, Syntax, fragments, result, write_fault,
};

/// How many calls a client may have under way at the same time.
pub const MAX_CALLS: usize = 256;

/// How many presentation contexts a connection may have.
const MAX_CONTEXTS: usize = 16;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// A call of [MS-SCMR].
    Call {
        /// What the answer has to carry.
        call_id: u32,
        /// The call.
        call: Call,
    },
    /// A request on the native interface.
    Native {
        /// What the answer has to carry.
        call_id: u32,
        /// The request.
        request: Request,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interface {
    Scmr,
    Native,
}

/// What is kept of a call until it is answered.
#[derive(Debug, Clone, Copy)]
struct Pending {
    context: u16,
    opnum: Opnum,
}

/// What was agreed upon when the client bound itself.
#[derive(Debug)]
struct Bound {
    contexts: BTreeMap<u16, Interface>,
    max_send: u16,
}

/// One connection, seen from the server.
///
/// After [`Self::receive`] and every answer, [`Self::take_output`] is what has to be sent. A call whose stub can't be read, or whose
/// operation is not known, is answered with a fault here and doesn't come out.
#[derive(Debug)]
pub struct Server {
    input: Vec<u8>,
    output: Vec<u8>,
    bound: Option<Bound>,
    assembler: Assembler,
    pending: BTreeMap<u32, Pending>,
    max_fragment: u16,
}

impl Default for Server {
    fn default() -> Self {
        Self::new(MAX_FRAGMENT)
    }
}

impl Server {
    /// A new connection. Fragments are at most `max_fragment` bytes either way, and no less than what everybody has to take.
    pub fn new(max_fragment: u16) -> Self {
        Self {
            input: Vec::new(),
            output: Vec::new(),
            bound: None,
            assembler: Assembler::default(),
            pending: BTreeMap::new(),
            max_fragment: max_fragment.max(MIN_FRAGMENT),
        }
    }

    /// Takes bytes of the client. After an error nothing more can be understood: what is left to be sent is sent, and the connection closed.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Vec<Incoming>, ProtocolError> {
        // There may be a password in it.
        let before = Zeroizing::new(std::mem::take(&mut self.input));
        let mut input = Zeroizing::new(Vec::with_capacity(before.len() + bytes.len()));
        input.extend_from_slice(&before);
        input.extend_from_slice(bytes);
        let mut incoming = Vec::new();
        let mut taken = 0;
        while let Some((frame, length)) = Frame::read(&input[taken..], self.max_fragment)? {
            incoming.extend(self.frame(&frame)?);
            taken += length;
        }
        self.input = input.split_off(taken);
        Ok(incoming)
    }

    /// Answers a call. A call that is not under way (answered before, or given up) is passed over.
    pub fn answer(&mut self, call_id: u32, answer: &Answer) {
        self.respond(call_id, |pending| {
            debug_assert_eq!(answer.opnum(), pending.opnum, "the answer belongs to another call");
            answer.encode()
        });
    }

    /// Answers a request on the native interface.
    pub fn reply(&mut self, call_id: u32, reply: &Reply) {
        self.respond(call_id, |_| native::encode_reply(reply));
    }

    /// Answers a call with a fault.
    pub fn fault(&mut self, call_id: u32, status: Status) {
        if let Some(pending) = self.pending.remove(&call_id) {
            write_fault(&mut self.output, call_id, pending.context, status, true);
        }
    }

    /// What has to be sent to the client.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// How many calls wait for their answers.
    pub fn calls_under_way(&self) -> usize {
        self.pending.len()
    }

    fn respond(&mut self, call_id: u32, stub: impl FnOnce(&Pending) -> Vec<u8>) {
        let (Some(pending), Some(bound)) = (self.pending.remove(&call_id), &self.bound) else { return };
        let stub = stub(&pending);
        if stub.len() > MAX_STUB {
            write_fault(&mut self.output, call_id, pending.context, Status::PROTOCOL, true);
            return;
        }
        let body =
            Body { packet: PacketType::RESPONSE, call_id, context: pending.context, operation: 0, stub };
        fragments(&mut self.output, &body, bound.max_send);
    }

    fn frame(&mut self, frame: &Frame<'_>) -> Result<Option<Incoming>, ProtocolError> {
        match (frame.header.packet, &self.bound) {
            (PacketType::BIND, None) => self.bind(frame)?,
            (PacketType::ALTER_CONTEXT, Some(_)) => self.alter(frame)?,
            (PacketType::REQUEST, Some(_)) => return self.request(frame),
            (PacketType::CANCEL, Some(_)) => {}
            (PacketType::ORPHANED, Some(_)) => {
                self.assembler.discard(frame.header.call_id);
                self.pending.remove(&frame.header.call_id);
            }
            (packet, _) => return Err(ProtocolError::Unexpected(packet.0)),
        }
        Ok(None)
    }

    /// `bind` (C706 12.6.4.3, [MS-RPCE] 3.3.1.5.2).
    fn bind(&mut self, frame: &Frame<'_>) -> Result<(), ProtocolError> {
        let call_id = frame.header.call_id;
        if frame.auth.is_some() {
            BindNak { reason: result::NAK_AUTHENTICATION }.write(&mut self.output, call_id);
            return Ok(());
        }
        let bind = Bind::read(frame.body)?;
        for size in [bind.max_receive, bind.max_transmit] {
            if size < MIN_FRAGMENT {
                return Err(ProtocolError::FragmentLength { found: size, limit: self.max_fragment });
            }
        }
        let mut contexts = BTreeMap::new();
        let results = bind.proposals.iter().map(|proposal| negotiate(&mut contexts, proposal)).collect();
        let ack = BindAck {
            max_transmit: self.max_fragment.min(bind.max_receive),
            max_receive: self.max_fragment.min(bind.max_transmit),
            association: if bind.association == 0 { 1 } else { bind.association },
            address: br"\PIPE\svcctl".to_vec(),
            results,
        };
        self.bound = Some(Bound { contexts, max_send: ack.max_transmit });
        ack.write(&mut self.output, PacketType::BIND_ACK, call_id);
        Ok(())
    }

    /// `alter_context` (C706 12.6.4.1).
    fn alter(&mut self, frame: &Frame<'_>) -> Result<(), ProtocolError> {
        let bind = Bind::read(frame.body)?;
        let Some(bound) = &mut self.bound else {
            return Err(ProtocolError::Unexpected(frame.header.packet.0));
        };
        let results =
            bind.proposals.iter().map(|proposal| negotiate(&mut bound.contexts, proposal)).collect();
        let response = BindAck {
            max_transmit: bound.max_send,
            max_receive: self.max_fragment,
            association: if bind.association == 0 { 1 } else { bind.association },
            address: Vec::new(),
            results,
        };
        response.write(&mut self.output, PacketType::ALTER_CONTEXT_RESPONSE, frame.header.call_id);
        Ok(())
    }

    /// A fragment of a `request` (C706 12.6.4.9).
    fn request(&mut self, frame: &Frame<'_>) -> Result<Option<Incoming>, ProtocolError> {
        let Some(body) = self.assembler.push(frame)? else { return Ok(None) };
        let (call_id, context) = (body.call_id, body.context);
        if self.pending.contains_key(&call_id) {
            return Err(ProtocolError::Unexpected(PacketType::REQUEST.0));
        }
        if self.pending.len() >= MAX_CALLS {
            return Err(ProtocolError::TooManyCalls(MAX_CALLS));
        }
        let opnum = Opnum(body.operation);
        self.pending.insert(call_id, Pending { context, opnum });
        match self.understand(&body) {
            Ok(incoming) => Ok(Some(incoming)),
            Err(Refusal::Fault(status)) => {
                self.pending.remove(&call_id);
                write_fault(&mut self.output, call_id, context, status, false);
                Ok(None)
            }
            Err(Refusal::Reply(reply)) => {
                self.reply(call_id, &reply);
                Ok(None)
            }
        }
    }

    fn understand(&self, body: &Body) -> Result<Incoming, Refusal> {
        let contexts = self.bound.as_ref().map(|bound| &bound.contexts);
        let call_id = body.call_id;
        match contexts.and_then(|contexts| contexts.get(&body.context)) {
            None => Err(Refusal::Fault(Status::INTERFACE)),
            Some(Interface::Scmr) => match Call::decode(Opnum(body.operation), &body.stub) {
                Ok(Some(call)) => Ok(Incoming::Call { call_id, call }),
                Ok(None) => Err(Refusal::Fault(Status::OPERATION)),
                Err(_) => Err(Refusal::Fault(Status::STUB)),
            },
            Some(Interface::Native) if body.operation != native::OPNUM => {
                Err(Refusal::Fault(Status::OPERATION))
            }
            Some(Interface::Native) => match native::decode_request(&body.stub) {
                Ok(request) => Ok(Incoming::Native { call_id, request }),
                Err(reply) => Err(Refusal::Reply(reply)),
            },
        }
    }
}

/// Why a request doesn't come out as one.
enum Refusal {
    Fault(Status),
    Reply(Box<Reply>),
}

/// Accepts or rejects a presentation context (C706 12.6.3.1, [MS-RPCE] 3.3.1.5.3).
fn negotiate(contexts: &mut BTreeMap<u16, Interface>, proposal: &Proposal) -> ContextResult {
    let rejected = |reason| ContextResult { result: result::REJECTED, reason, transfer: Syntax::NONE };
    if proposal.transfer.iter().any(Syntax::is_feature_negotiation) {
        // The reason is the set of features that both have: none.
        return ContextResult { result: result::NEGOTIATED, reason: 0, transfer: Syntax::NONE };
    }
    let interface = if SCMR.serves(&proposal.interface) {
        Interface::Scmr
    } else if NATIVE.serves(&proposal.interface) {
        Interface::Native
    } else {
        return rejected(result::NO_INTERFACE);
    };
    if !proposal.transfer.contains(&NDR32) {
        return rejected(result::NO_TRANSFER_SYNTAX);
    }
    if contexts.len() >= MAX_CONTEXTS && !contexts.contains_key(&proposal.context) {
        return rejected(result::LIMIT);
    }
    contexts.insert(proposal.context, interface);
    ContextResult { result: result::ACCEPTED, reason: 0, transfer: NDR32 }
}
