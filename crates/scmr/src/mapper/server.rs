use super::{INTERFACE, MAP, MapAnswer, MapRequest, NOT_REGISTERED, Tower};
use crate::pdu::{
    Assembler, Bind, BindAck, Body, ContextResult, Frame, MIN_FRAGMENT, NDR32, PacketType, Proposal,
    ProtocolError, Status, Syntax, flags, fragments, result, write_fault,
};

/// The largest fragment: a tower takes a hundred bytes.
const FRAGMENT: u16 = 4096;

/// A connection to the endpoint mapper, seen from the server. It knows towers, and answers one operation.
#[derive(Debug)]
pub struct Mapper {
    towers: Vec<Tower>,
    input: Vec<u8>,
    is_bound: bool,
}

impl Mapper {
    /// A new connection to a mapper that knows this tower.
    pub fn new(tower: Tower) -> Self {
        Self::of(vec![tower])
    }

    /// The same with several, of which a client that has room for fewer is told the first.
    pub fn of(towers: Vec<Tower>) -> Self {
        Self { towers, input: Vec::new(), is_bound: false }
    }

    /// Takes bytes of the client: the bytes to send. After an error the connection is closed.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Vec<u8>, ProtocolError> {
        self.input.extend_from_slice(bytes);
        let input = std::mem::take(&mut self.input);
        let (mut taken, mut output) = (0, Vec::new());
        while let Some((frame, length)) = Frame::read(&input[taken..], FRAGMENT)? {
            taken += length;
            match (frame.header.packet, self.is_bound) {
                (PacketType::BIND, false) => self.bind(&frame, PacketType::BIND_ACK, &mut output)?,
                (PacketType::ALTER_CONTEXT, true) => {
                    self.bind(&frame, PacketType::ALTER_CONTEXT_RESPONSE, &mut output)?;
                }
                (PacketType::REQUEST, true) => self.request(&frame, &mut output)?,
                (packet, _) => return Err(ProtocolError::Unexpected(packet.0)),
            }
        }
        self.input = input[taken..].to_vec();
        Ok(output)
    }

    fn bind(
        &mut self,
        frame: &Frame<'_>,
        answer: PacketType,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let bind = Bind::read(frame.body)?;
        let ack = BindAck {
            max_transmit: FRAGMENT,
            max_receive: FRAGMENT,
            association: if bind.association == 0 { 1 } else { bind.association },
            address: super::PORT.to_string().into_bytes(),
            results: bind.proposals.iter().map(judge).collect(),
        };
        self.is_bound = true;
        ack.write(out, answer, frame.header.call_id);
        Ok(())
    }

    /// A request, which is a single fragment.
    fn request(&self, frame: &Frame<'_>, out: &mut Vec<u8>) -> Result<(), ProtocolError> {
        if !frame.header.has(flags::FIRST | flags::LAST) {
            return Err(ProtocolError::Fragments);
        }
        let Some(body) = Assembler::default().push(frame)? else { return Err(ProtocolError::Fragments) };
        let (call_id, context) = (body.call_id, body.context);
        if body.operation != MAP {
            write_fault(out, call_id, context, Status::OPERATION, false);
            return Ok(());
        }
        let Ok(request) = MapRequest::decode(&body.stub) else {
            write_fault(out, call_id, context, Status::STUB, false);
            return Ok(());
        };
        let stub = self.answer(&request).encode(request.max_towers);
        let body = Body { packet: PacketType::RESPONSE, call_id, context, operation: 0, stub };
        fragments(out, &body, MIN_FRAGMENT);
        Ok(())
    }

    fn answer(&self, request: &MapRequest) -> MapAnswer {
        let fits = |tower: &&Tower| {
            tower.interface.serves(&request.tower.interface)
                && tower.transfer == request.tower.transfer
                && request.entry == [0; 20]
        };
        let towers: Vec<_> = self.towers.iter().filter(fits).copied().collect();
        let status = if towers.is_empty() { NOT_REGISTERED } else { 0 };
        MapAnswer { towers, status }
    }
}

fn judge(proposal: &Proposal) -> ContextResult {
    let rejected = |reason| ContextResult { result: result::REJECTED, reason, transfer: Syntax::NONE };
    if proposal.transfer.iter().any(Syntax::is_feature_negotiation) {
        return ContextResult { result: result::NEGOTIATED, reason: 0, transfer: Syntax::NONE };
    }
    match (INTERFACE.serves(&proposal.interface), proposal.transfer.contains(&NDR32)) {
        (false, _) => rejected(result::NO_INTERFACE),
        (_, false) => rejected(result::NO_TRANSFER_SYNTAX),
        _ => ContextResult { result: result::ACCEPTED, reason: 0, transfer: NDR32 },
    }
}
