use zeroize::Zeroize;

use super::frame::write_frame;
use super::{Frame, HEADER, Header, MAX_STUB, PacketType, ProtocolError, Status, flags};
use crate::ndr::{Reader, Writer};

/// The part of `request` and `response` between header and stub: `alloc_hint`, `p_cont_id`, and `opnum` or `cancel_count`
/// (C706 12.6.4.9, 12.6.4.10).
pub(super) const PREFIX: usize = 8;

/// A `request` or `response` put together from its fragments. A request may have a password in it, and is overwritten when it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// `PTYPE`.
    pub packet: PacketType,
    /// `call_id`.
    pub call_id: u32,
    /// `p_cont_id`.
    pub context: u16,
    /// `opnum` of a request, `cancel_count` of a response.
    pub operation: u16,
    /// The stub.
    pub stub: Vec<u8>,
}

/// Puts the fragments of one message after the other together (C706 12.6.3.1).
#[derive(Debug, Default)]
pub struct Assembler {
    partial: Option<Body>,
}

impl Assembler {
    /// Takes a fragment of a `request` or `response`; the whole message when it was the last.
    pub fn push(&mut self, frame: &Frame<'_>) -> Result<Option<Body>, ProtocolError> {
        let header = &frame.header;
        let (context, operation, stub) = split(header, frame.body)?;
        let mut body = match self.partial.take() {
            None if header.has(flags::FIRST) => Body {
                packet: header.packet,
                call_id: header.call_id,
                context,
                operation,
                stub: Vec::with_capacity(stub.len()),
            },
            Some(body) if !header.has(flags::FIRST) && body.continues_with(header, context, operation) => {
                body
            }
            _ => return Err(ProtocolError::Fragments),
        };
        if body.stub.len() + stub.len() > MAX_STUB {
            return Err(ProtocolError::TooLarge);
        }
        body.append(stub);
        if header.has(flags::LAST) {
            return Ok(Some(body));
        }
        self.partial = Some(body);
        Ok(None)
    }

    /// Forgets a message whose other fragments won't come.
    pub fn discard(&mut self, call_id: u32) {
        self.partial = self.partial.take().filter(|body| body.call_id != call_id);
    }
}

impl Body {
    /// A request may have a password in it: a stub that grows leaves no copy behind.
    fn append(&mut self, stub: &[u8]) {
        let length = self.stub.len() + stub.len();
        if self.packet == PacketType::REQUEST && length > self.stub.capacity() {
            let mut longer = Vec::with_capacity(length.max(2 * self.stub.capacity()));
            longer.extend_from_slice(&self.stub);
            self.stub.zeroize();
            self.stub = longer;
        }
        self.stub.extend_from_slice(stub);
    }

    fn continues_with(&self, header: &Header, context: u16, operation: u16) -> bool {
        self.packet == header.packet
            && self.call_id == header.call_id
            && self.context == context
            && self.operation == operation
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if self.packet == PacketType::REQUEST {
            self.stub.zeroize();
        }
    }
}

/// Context, operation and stub of a fragment (C706 12.6.4.9, 12.6.4.10).
fn split<'a>(header: &Header, body: &'a [u8]) -> Result<(u16, u16, &'a [u8]), ProtocolError> {
    let mut r = Reader::new(body);
    r.u32()?; // alloc_hint
    let (context, operation) = (r.u16()?, r.u16()?); // p_cont_id, opnum or cancel_count
    if header.packet == PacketType::REQUEST && header.has(flags::OBJECT) {
        r.take(16)?; // object
    }
    Ok((context, operation, r.take(r.remaining())?))
}

/// Writes a `request` or `response` in fragments of at most `limit` bytes (C706 12.6.4.9, 12.6.4.10).
///
/// All stubs but the last have a length that is a multiple of eight, as [MS-RPCE] 2.2.2.1 wants it for the alignment of NDR.
pub fn fragments(out: &mut Vec<u8>, body: &Body, limit: u16) {
    let room = (usize::from(limit) - HEADER - PREFIX) & !7;
    let count = body.stub.len().div_ceil(room).max(1);
    out.reserve(body.stub.len() + count * (HEADER + PREFIX));
    for index in 0..count {
        let start = index * room;
        let stub = &body.stub[start..(start + room).min(body.stub.len())];
        let mut flags = if index == 0 { flags::FIRST } else { 0 };
        if index + 1 == count {
            flags |= flags::LAST;
        }
        let mut w = Writer::new();
        w.count(body.stub.len() - start); // alloc_hint
        w.u16(body.context); // p_cont_id
        w.u16(body.operation); // opnum, or cancel_count and reserved
        write_frame(out, body.packet, flags, body.call_id, [&w.into_bytes(), stub]);
    }
}

/// Writes a `fault` (C706 12.6.4.7).
pub(crate) fn write_fault(out: &mut Vec<u8>, call_id: u32, context: u16, status: Status, executed: bool) {
    let mut w = Writer::new();
    w.u32(0); // alloc_hint
    w.u16(context); // p_cont_id
    w.u16(0); // cancel_count, reserved
    w.u32(status.0); // status
    w.u32(0); // reserved2
    let flags = flags::FIRST | flags::LAST | if executed { 0 } else { flags::DID_NOT_EXECUTE };
    write_frame(out, PacketType::FAULT, flags, call_id, [&w.into_bytes(), &[]]);
}

/// Reads the status of a `fault` (C706 12.6.4.7).
pub(crate) fn read_fault(body: &[u8]) -> Result<Status, ProtocolError> {
    let mut r = Reader::new(body);
    r.u32()?; // alloc_hint
    r.u16()?; // p_cont_id
    r.u16()?; // cancel_count, reserved
    Ok(Status(r.u32()?))
}
