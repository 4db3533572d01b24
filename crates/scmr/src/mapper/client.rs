use std::net::Ipv4Addr;

use super::{INTERFACE, MAP, MapAnswer, MapRequest, NOT_REGISTERED, Tower};
use crate::pdu::{
    Assembler, Bind, BindAck, BindNak, Body, Frame, MAX_FRAGMENT, NDR32, PacketType, Proposal, ProtocolError,
    SCMR, fragments, read_fault, result,
};

const CALL: u32 = 1;

/// What is wanted of an answer.
const MAX_TOWERS: u32 = 4;

/// A connection to an endpoint mapper, seen from the client.
#[derive(Debug)]
pub struct Lookup {
    input: Vec<u8>,
    assembler: Assembler,
    is_bound: bool,
}

/// How far looking up has come.
#[derive(Debug)]
pub enum Step {
    /// More bytes of the server are needed, after these were sent.
    More(Lookup, Vec<u8>),
    /// The port of the service control manager; `None` if it listens at none.
    Done(Option<u16>),
}

impl Lookup {
    /// A new connection, and the bytes that begin it.
    pub fn start() -> (Self, Vec<u8>) {
        let proposals = vec![Proposal { context: 0, interface: INTERFACE, transfer: vec![NDR32] }];
        let bind = Bind { max_transmit: MAX_FRAGMENT, max_receive: MAX_FRAGMENT, association: 0, proposals };
        let mut output = Vec::new();
        bind.write(&mut output, PacketType::BIND, CALL);
        (Self { input: Vec::new(), assembler: Assembler::default(), is_bound: false }, output)
    }

    /// Takes bytes of the server.
    pub fn receive(mut self, bytes: &[u8]) -> Result<Step, ProtocolError> {
        self.input.extend_from_slice(bytes);
        let input = std::mem::take(&mut self.input);
        let mut taken = 0;
        let mut output = Vec::new();
        while let Some((frame, length)) = Frame::read(&input[taken..], MAX_FRAGMENT)? {
            taken += length;
            match (frame.header.packet, self.is_bound) {
                (PacketType::BIND_ACK, false) => {
                    accepted(&BindAck::read(frame.body)?)?;
                    self.is_bound = true;
                    output = question();
                }
                (PacketType::BIND_NAK, false) => {
                    return Err(ProtocolError::Refused(BindNak::read(frame.body)?.reason));
                }
                (PacketType::RESPONSE, true) => {
                    if let Some(body) = self.assembler.push(&frame)? {
                        return Ok(Step::Done(port(&MapAnswer::decode(&body.stub)?)));
                    }
                }
                (PacketType::FAULT, true) => return Err(ProtocolError::Fault(read_fault(frame.body)?)),
                (packet, _) => return Err(ProtocolError::Unexpected(packet.0)),
            }
        }
        self.input = input[taken..].to_vec();
        Ok(Step::More(self, output))
    }
}

fn accepted(ack: &BindAck) -> Result<(), ProtocolError> {
    match ack.results.first() {
        Some(found) if found.result == result::ACCEPTED => Ok(()),
        found => {
            let (result, reason) = found.map_or((result::REJECTED, 0), |found| (found.result, found.reason));
            Err(ProtocolError::NoInterface { result, reason })
        }
    }
}

fn question() -> Vec<u8> {
    let tower = Tower::of_scm(0, Ipv4Addr::UNSPECIFIED);
    let stub = MapRequest { tower, entry: [0; 20], max_towers: MAX_TOWERS }.encode();
    let body = Body { packet: PacketType::REQUEST, call_id: CALL, context: 0, operation: MAP, stub };
    let mut output = Vec::new();
    fragments(&mut output, &body, crate::pdu::MIN_FRAGMENT);
    output
}

fn port(answer: &MapAnswer) -> Option<u16> {
    if answer.status == NOT_REGISTERED {
        return None;
    }
    let fits = |tower: &&Tower| tower.interface.uuid == SCMR.uuid && tower.port != 0;
    answer.towers.iter().find(fits).map(|tower| tower.port)
}
