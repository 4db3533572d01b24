use std::collections::BTreeMap;

use super::{Client, NATIVE_CONTEXT, SCMR_CONTEXT};
use crate::auth::{AuthError, Initiate, Leg, PACKET_PRIVACY};
use crate::pdu::{
    Assembler, Auth, Bind, BindAck, BindNak, Channel, Frame, MAX_FRAGMENT, MIN_FRAGMENT, NATIVE, NDR32,
    PacketType, Proposal, ProtocolError, SCMR, flags, read_fault, result, write_with_trailer,
};

/// The number of the only security context (`auth_context_id`).
const SECURITY_CONTEXT: u32 = 1;

/// A connection whose server has not answered the bind yet.
#[derive(Debug)]
pub struct Binding {
    input: Vec<u8>,
    output: Vec<u8>,
    security: Option<Box<dyn Initiate>>,
    agreed: Option<Agreed>,
}

/// How far binding has come.
#[derive(Debug)]
pub enum Progress {
    /// More bytes are needed; there may be some to send ([`Binding::take_output`]).
    Binding(Binding),
    /// Calls can be made.
    Ready(Client),
}

/// What the server agreed to.
#[derive(Debug, Clone, Copy)]
struct Agreed {
    max_send: u16,
    native: bool,
    signs_headers: bool,
}

impl Binding {
    /// A new connection to a server that knows who its clients are, and the bytes that begin it: a proposal of both interfaces.
    pub fn start() -> (Self, Vec<u8>) {
        let mut output = Vec::new();
        proposal().write(&mut output, PacketType::BIND, 0);
        (Self { input: Vec::new(), output: Vec::new(), security: None, agreed: None }, output)
    }

    /// A new connection that is sealed packet by packet, and the bytes that begin it.
    pub fn start_sealed(mut security: Box<dyn Initiate>) -> (Self, Vec<u8>) {
        let mut output = Vec::new();
        let auth = Auth::token(security.provider(), SECURITY_CONTEXT, security.start());
        proposal().write_secured(&mut output, PacketType::BIND, 0, &auth);
        (Self { input: Vec::new(), output: Vec::new(), security: Some(security), agreed: None }, output)
    }

    /// What has to be sent to the server before it answers again.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Takes bytes of the server.
    pub fn receive(mut self, bytes: &[u8]) -> Result<Progress, ProtocolError> {
        self.input.extend_from_slice(bytes);
        let input = std::mem::take(&mut self.input);
        let Some((frame, length)) = Frame::read(&input, MAX_FRAGMENT)? else {
            self.input = input;
            return Ok(Progress::Binding(self));
        };
        let rest = input[length..].to_vec();
        match (frame.header.packet, self.agreed) {
            (PacketType::BIND_ACK, None) => {
                let signs_headers = frame.header.has(flags::HEADER_SIGN);
                self.agreed = Some(agreed(&BindAck::read(frame.body)?, signs_headers)?);
            }
            (PacketType::ALTER_CONTEXT_RESPONSE, Some(_)) => {}
            (PacketType::BIND_NAK, None) => {
                return Err(ProtocolError::Refused(BindNak::read(frame.body)?.reason));
            }
            (PacketType::FAULT, Some(_)) => return Err(ProtocolError::LogonRefused(read_fault(frame.body)?)),
            (packet, _) => return Err(ProtocolError::Unexpected(packet.0)),
        }
        self.proceed(frame.auth, rest)
    }

    /// A token of the server, or none if nobody asked for one.
    fn proceed(mut self, auth: Option<Auth>, rest: Vec<u8>) -> Result<Progress, ProtocolError> {
        let Some(security) = &mut self.security else { return Ok(self.ready(rest, None, Vec::new())) };
        let auth = auth.ok_or(ProtocolError::Unsealed)?;
        if (auth.kind, auth.level) != (security.provider(), PACKET_PRIVACY) {
            return Err(ProtocolError::Unsealed);
        }
        let Leg { token, done } = security.step(&auth.value)?;
        let auth = Auth::token(security.provider(), SECURITY_CONTEXT, token);
        let Some(protection) = done else {
            proposal().write_secured(&mut self.output, PacketType::ALTER_CONTEXT, 0, &auth);
            self.input = rest;
            return Ok(Progress::Binding(self));
        };
        let mut greeting = Vec::new();
        if !auth.value.is_empty() {
            // rpc_auth_3 ([MS-RPCE] 2.2.2.10), four bytes of padding for its body. It is never answered.
            let bits = flags::FIRST | flags::LAST;
            write_with_trailer(&mut greeting, PacketType::AUTH3, bits, 0, &[0; 4], &auth);
        }
        let mut channel = Channel::new(auth.kind, SECURITY_CONTEXT, protection);
        channel.agree_on_headers(self.agreed.is_some_and(|agreed| agreed.signs_headers));
        if !channel.signs_headers() {
            // Windows and Samba do; without it somebody on the way could make one call of another.
            return Err(AuthError::Weak { what: "the signing of headers" }.into());
        }
        Ok(self.ready(rest, Some(channel), greeting))
    }

    fn ready(self, input: Vec<u8>, channel: Option<Channel>, greeting: Vec<u8>) -> Progress {
        let none = Agreed { max_send: MIN_FRAGMENT, native: false, signs_headers: false };
        let Agreed { max_send, native, .. } = self.agreed.unwrap_or(none);
        Progress::Ready(Client {
            input,
            assembler: Assembler::default(),
            pending: BTreeMap::new(),
            next_call: 1,
            max_send,
            native,
            channel,
            greeting,
            is_proven: false,
        })
    }
}

fn proposal() -> Bind {
    let proposal = |context, interface| Proposal { context, interface, transfer: vec![NDR32] };
    Bind {
        max_transmit: MAX_FRAGMENT,
        max_receive: MAX_FRAGMENT,
        association: 0,
        proposals: vec![proposal(SCMR_CONTEXT, SCMR), proposal(NATIVE_CONTEXT, NATIVE)],
    }
}

/// The fragment size, and whether the server has the native interface (C706 12.6.4.4).
fn agreed(ack: &BindAck, signs_headers: bool) -> Result<Agreed, ProtocolError> {
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
    Ok(Agreed { max_send: ack.max_receive, native: accepted(NATIVE_CONTEXT).is_ok(), signs_headers })
}
