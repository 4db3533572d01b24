//! The server's side of a connection, without I/O: bytes of the client go in, calls come out; answers go in, bytes for the client come out.

mod logon;

use std::collections::BTreeMap;

use svckit_core::native::{Reply, Request};
use svckit_core::time::WallTime;
use zeroize::Zeroizing;

use crate::auth::{Account, Accounts, AuthError, kerberos, ntlm};
use crate::native;
use crate::ops::{Answer, Call, Opnum};
use crate::pdu::{
    Assembler, Auth, Bind, BindAck, BindNak, Body, Channel, ContextResult, Expected, Frame, HEADER,
    MAX_FRAGMENT, MAX_STUB, MIN_FRAGMENT, NATIVE, NDR32, PacketType, Proposal, ProtocolError, SCMR, Status,
    Syntax, flags, fragments, result, verified, write_fault,
};

use logon::{Heard, Logon, Ticketing};

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
    /// Somebody came in. It comes once, before any call, and only if the server asks who it is.
    LoggedOn(Account),
    /// Nobody came in; the client will hear so when it calls, and that ends the connection. The account is what the client said, as far as that could be read.
    LogonFailed {
        /// Who it wanted to be.
        account: Account,
        /// Why that isn't believed.
        error: AuthError,
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
    signs_headers: bool,
}

/// How the server knows who the client is.
#[derive(Debug)]
enum Security {
    /// From where it came.
    Local,
    /// It is about to say so.
    Logon(Logon),
    /// It has proven it.
    Sealed(Channel),
    /// Nobody came in.
    Refused,
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
    security: Security,
    /// What was understood and not handed out yet.
    understood: Vec<Incoming>,
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
            security: Security::Local,
            understood: Vec::new(),
        }
    }

    /// A new connection that carries nothing but what is sealed packet by packet, from a client that has proven to be one of `accounts`.
    pub fn sealed(max_fragment: u16, acceptor: ntlm::Acceptor, accounts: Box<dyn Accounts>) -> Self {
        Self { security: Security::Logon(Logon::new(acceptor, accounts)), ..Self::new(max_fragment) }
    }

    /// The same, for clients with tickets as well. `now` is told to one whose ticket isn't taken.
    #[must_use]
    pub fn with_kerberos(mut self, acceptor: kerberos::Acceptor, now: WallTime) -> Self {
        if let Security::Logon(logon) = &mut self.security {
            logon.set_kerberos(Ticketing { acceptor, time: now });
        }
        self
    }

    /// The longest unit that is taken: a ticket may be longer than what fragments were agreed to be ([MS-KILE] 3.1.5.2 has what is in it).
    fn longest(&self) -> u16 {
        if self.waits_for_ticket() { MAX_FRAGMENT } else { self.max_fragment }
    }

    /// Whether what comes next may be a ticket.
    pub fn waits_for_ticket(&self) -> bool {
        matches!(&self.security, Security::Logon(logon) if logon.takes_tickets())
    }

    /// Takes bytes of the client. After an error nothing more can be understood: what came before it is in [`Self::take_understood`], what is left to be sent is sent, and the connection closed.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Vec<Incoming>, ProtocolError> {
        // There may be a password in it.
        let before = Zeroizing::new(std::mem::take(&mut self.input));
        let mut input = Zeroizing::new(Vec::with_capacity(before.len() + bytes.len()));
        input.extend_from_slice(&before);
        input.extend_from_slice(bytes);
        let mut taken = 0;
        while let Some((frame, length)) = Frame::read(&input[taken..], self.longest())? {
            let incoming = self.frame(&frame, &input[taken..taken + length])?;
            self.understood.extend(incoming);
            taken += length;
        }
        self.input = input.split_off(taken);
        Ok(self.take_understood())
    }

    /// What was understood before an error. That somebody could not show who it is must not be lost because it said something wrong right after that.
    pub fn take_understood(&mut self) -> Vec<Incoming> {
        std::mem::take(&mut self.understood)
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
        match &mut self.security {
            Security::Sealed(channel) => channel.fragments(&mut self.output, &body, bound.max_send),
            _ => fragments(&mut self.output, &body, bound.max_send),
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, bytes: &[u8]) -> Result<Option<Incoming>, ProtocolError> {
        match (frame.header.packet, &self.bound) {
            (PacketType::BIND, None) => self.bind(frame),
            (PacketType::ALTER_CONTEXT, Some(_)) => self.alter(frame),
            (PacketType::AUTH3, Some(_)) => self.auth3(frame),
            (PacketType::REQUEST | PacketType::CANCEL | PacketType::ORPHANED, Some(_)) => {
                self.guarded(frame, bytes)
            }
            (packet, _) => Err(ProtocolError::Unexpected(packet.0)),
        }
    }

    /// What only a client that came in may send, opened if the connection is sealed.
    fn guarded(&mut self, frame: &Frame<'_>, bytes: &[u8]) -> Result<Option<Incoming>, ProtocolError> {
        let is_request = frame.header.packet == PacketType::REQUEST;
        match &mut self.security {
            Security::Local => self.admitted(frame),
            Security::Sealed(channel) if is_request || frame.auth.is_some() => {
                let plain = channel.open(bytes, &frame.header)?;
                self.admitted(&Frame { header: frame.header, body: &plain[HEADER..], auth: None })
            }
            // Nobody has signed that a call is to be given up.
            Security::Sealed(_) => Ok(None),
            Security::Logon(_) | Security::Refused => {
                write_fault(&mut self.output, frame.header.call_id, 0, Status::ACCESS, false);
                Err(AuthError::Refused.into())
            }
        }
    }

    fn admitted(&mut self, frame: &Frame<'_>) -> Result<Option<Incoming>, ProtocolError> {
        match frame.header.packet {
            PacketType::REQUEST => return self.request(frame),
            PacketType::ORPHANED => {
                self.assembler.discard(frame.header.call_id);
                self.pending.remove(&frame.header.call_id);
            }
            _ => {}
        }
        Ok(None)
    }

    /// `bind` (C706 12.6.4.3, [MS-RPCE] 3.3.1.5.2).
    fn bind(&mut self, frame: &Frame<'_>) -> Result<Option<Incoming>, ProtocolError> {
        let call_id = frame.header.call_id;
        let heard = match (&mut self.security, &frame.auth) {
            (Security::Local, None) => None,
            (Security::Local, Some(_)) => {
                BindNak { reason: result::NAK_AUTHENTICATION }.write(&mut self.output, call_id);
                return Ok(None);
            }
            (Security::Logon(logon), auth) => Some(logon.hear(auth.as_ref())),
            _ => return Err(ProtocolError::Unexpected(PacketType::BIND.0)),
        };
        let (answer, failed) = match heard {
            Some(Heard::Nobody(account, error, told)) => {
                self.security = Security::Refused;
                let failed = Incoming::LogonFailed { account, error };
                if told.is_none() {
                    BindNak { reason: result::NAK_AUTHENTICATION }.write(&mut self.output, call_id);
                    return Ok(Some(failed));
                }
                (told, Some(failed))
            }
            Some(Heard::Known(..)) => return Err(ProtocolError::Unexpected(PacketType::BIND.0)),
            Some(Heard::Answer(auth)) => (Some(auth), None),
            None => (None, None),
        };
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
        let signs_headers = frame.header.has(flags::HEADER_SIGN);
        self.bound = Some(Bound { contexts, max_send: ack.max_transmit, signs_headers });
        self.acknowledge(&ack, PacketType::BIND_ACK, call_id, answer);
        Ok(failed)
    }

    /// `alter_context` (C706 12.6.4.1), which may carry a token ([MS-RPCE] 3.3.1.5.2).
    fn alter(&mut self, frame: &Frame<'_>) -> Result<Option<Incoming>, ProtocolError> {
        let unexpected = ProtocolError::Unexpected(frame.header.packet.0);
        let call_id = frame.header.call_id;
        let bind = Bind::read(frame.body)?;
        let Some(bound) = &mut self.bound else { return Err(unexpected) };
        let results =
            bind.proposals.iter().map(|proposal| negotiate(&mut bound.contexts, proposal)).collect();
        let response = BindAck {
            max_transmit: bound.max_send,
            max_receive: self.max_fragment,
            association: if bind.association == 0 { 1 } else { bind.association },
            address: Vec::new(),
            results,
        };
        let heard = match (&mut self.security, &frame.auth) {
            (Security::Logon(logon), Some(auth)) => logon.hear(Some(auth)),
            (Security::Local | Security::Sealed(_), None) => {
                self.acknowledge(&response, PacketType::ALTER_CONTEXT_RESPONSE, call_id, None);
                return Ok(None);
            }
            // There is one security context on a connection.
            _ => return Err(unexpected),
        };
        let (answer, incoming) = match heard {
            Heard::Answer(auth) => (auth, None),
            Heard::Known(auth, account, channel) => {
                self.seal(channel);
                (auth, Some(Incoming::LoggedOn(account)))
            }
            Heard::Nobody(account, error, _) => {
                write_fault(&mut self.output, call_id, 0, Status::ACCESS, false);
                self.security = Security::Refused;
                return Ok(Some(Incoming::LogonFailed { account, error }));
            }
        };
        self.acknowledge(&response, PacketType::ALTER_CONTEXT_RESPONSE, call_id, Some(answer));
        Ok(incoming)
    }

    /// `rpc_auth_3` ([MS-RPCE] 2.2.2.10), which has no answer.
    fn auth3(&mut self, frame: &Frame<'_>) -> Result<Option<Incoming>, ProtocolError> {
        let unexpected = ProtocolError::Unexpected(PacketType::AUTH3.0);
        let Security::Logon(logon) = &mut self.security else { return Err(unexpected) };
        match logon.hear(frame.auth.as_ref()) {
            Heard::Known(_, account, channel) => {
                self.seal(channel);
                Ok(Some(Incoming::LoggedOn(account)))
            }
            Heard::Nobody(account, error, _) => {
                self.security = Security::Refused;
                Ok(Some(Incoming::LogonFailed { account, error }))
            }
            Heard::Answer(_) => Err(unexpected),
        }
    }

    fn seal(&mut self, mut channel: Channel) {
        channel.agree_on_headers(self.bound.as_ref().is_some_and(|bound| bound.signs_headers));
        self.security = Security::Sealed(channel);
    }

    fn acknowledge(&mut self, ack: &BindAck, packet: PacketType, call_id: u32, auth: Option<Auth>) {
        let signs_headers = self.bound.as_ref().is_some_and(|bound| bound.signs_headers);
        match auth {
            Some(auth) => ack.write_secured(&mut self.output, packet, call_id, signs_headers, &auth),
            None => ack.write(&mut self.output, packet, call_id),
        }
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
        let call_id = body.call_id;
        let bound = self.bound.as_ref();
        let interface = bound.and_then(|bound| bound.contexts.get(&body.context)).copied();
        let stub = match interface {
            Some(interface) => self.verified(body, interface)?,
            None => return Err(Refusal::Fault(Status::INTERFACE)),
        };
        match interface {
            None => Err(Refusal::Fault(Status::INTERFACE)),
            Some(Interface::Scmr) => match Call::decode(Opnum(body.operation), stub) {
                Ok(Some(call)) => Ok(Incoming::Call { call_id, call }),
                Ok(None) => Err(Refusal::Fault(Status::OPERATION)),
                Err(_) => Err(Refusal::Fault(Status::STUB)),
            },
            Some(Interface::Native) if body.operation != native::OPNUM => {
                Err(Refusal::Fault(Status::OPERATION))
            }
            Some(Interface::Native) => match native::decode_request(stub) {
                Ok(request) => Ok(Incoming::Native { call_id, request }),
                Err(reply) => Err(Refusal::Reply(reply)),
            },
        }
    }

    /// The stub without what a client says of its request after it, if that is true ([MS-RPCE] 2.2.2.13).
    fn verified<'a>(&self, body: &'a Body, interface: Interface) -> Result<&'a [u8], Refusal> {
        let expected = Expected {
            interface: match interface {
                Interface::Scmr => SCMR,
                Interface::Native => NATIVE,
            },
            transfer: NDR32,
            context: body.context,
            operation: body.operation,
            call_id: body.call_id,
            signs_headers: self.bound.as_ref().is_some_and(|bound| bound.signs_headers),
        };
        let length = verified(&body.stub, &expected).ok_or(Refusal::Fault(Status::ACCESS))?;
        Ok(&body.stub[..length])
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
