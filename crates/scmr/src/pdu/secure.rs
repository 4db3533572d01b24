use std::ops::Range;

use zeroize::Zeroizing;

use super::fragment::PREFIX;
use super::frame::{TRAILER, write_header, write_trailer};
use super::{Auth, Body, HEADER, Header, PacketType, ProtocolError, flags};
use crate::auth::{PACKET_PRIVACY, Protect};
use crate::ndr::{DecodeError, Reader};

/// What is between the header of a `fault` and its stub (C706 12.6.4.7).
const FAULT_PREFIX: usize = 16;

/// To what a stub is filled up ([MS-RPCE] 2.2.2.11).
const BLOCK: usize = 16;

/// A connection that is sealed, packet by packet ([MS-RPCE] 3.3.1.5.2.2): stubs are encrypted, everything is signed.
#[derive(Debug)]
pub(crate) struct Channel {
    provider: u8,
    context: u32,
    protection: Box<dyn Protect>,
    /// Whether all of a packet is signed, or only its stub.
    signs_headers: bool,
}

impl Channel {
    /// The channel of the security context that these numbers stand for.
    pub(crate) fn new(provider: u8, context: u32, protection: Box<dyn Protect>) -> Self {
        Self { provider, context, protection, signs_headers: true }
    }

    /// Takes note of whether both sides have said that they sign headers ([MS-RPCE] 2.2.2.3).
    pub(crate) fn agree_on_headers(&mut self, agreed: bool) {
        self.signs_headers = agreed || self.protection.always_signs_headers();
    }

    /// Whether headers are signed.
    pub(crate) fn signs_headers(&self) -> bool {
        self.signs_headers
    }

    /// Writes a `request` or `response` in sealed fragments of at most `limit` bytes.
    pub(crate) fn fragments(&mut self, out: &mut Vec<u8>, body: &Body, limit: u16) {
        let signature = self.protection.signature_length();
        let around = HEADER + PREFIX + TRAILER + signature;
        let room = (usize::from(limit) - around) & !(BLOCK - 1);
        let count = body.stub.len().div_ceil(room).max(1);
        // There may be a password in it until it is sealed: what grew would leave a copy behind.
        out.reserve(count * (around + BLOCK) + body.stub.len());
        for index in 0..count {
            let at = index * room;
            let stub = &body.stub[at..(at + room).min(body.stub.len())];
            let padding = stub.len().next_multiple_of(BLOCK) - stub.len();
            let mut bits = if index == 0 { flags::FIRST } else { 0 };
            if index + 1 == count {
                bits |= flags::LAST;
            }
            let start = out.len();
            write_header(out, body.packet, bits, body.call_id, around + stub.len() + padding, signature);
            let hint = u32::try_from(body.stub.len() - at).unwrap_or(u32::MAX);
            out.extend(hint.to_le_bytes()); // alloc_hint
            out.extend(body.context.to_le_bytes()); // p_cont_id
            out.extend(body.operation.to_le_bytes()); // opnum, or cancel_count and reserved
            out.extend_from_slice(stub);
            out.resize(out.len() + padding, 0);
            let end = out.len() - start;
            write_trailer(out, self.provider, PACKET_PRIVACY, padding, self.context);
            let value = self.seal(&mut out[start..], HEADER + PREFIX..end);
            out.extend_from_slice(&value);
        }
    }

    fn seal(&mut self, packet: &mut [u8], part: Range<usize>) -> Vec<u8> {
        if self.signs_headers {
            return self.protection.seal(packet, part);
        }
        let stub = &mut packet[part];
        let whole = 0..stub.len();
        self.protection.seal(stub, whole)
    }

    /// Opens a packet: the same without trailer and padding.
    pub(crate) fn open(
        &mut self,
        packet: &[u8],
        header: &Header,
    ) -> Result<Zeroizing<Vec<u8>>, ProtocolError> {
        let invalid = DecodeError::Invalid { what: "auth_length" };
        if header.auth_length == 0 {
            return Err(ProtocolError::Unsealed);
        }
        let signature = packet.len().checked_sub(header.auth_length.into()).ok_or(invalid)?;
        let trailer = signature.checked_sub(TRAILER).ok_or(invalid)?;
        let stub = HEADER + prefix(header);
        if stub > trailer {
            return Err(invalid.into());
        }
        let mut r = Reader::new(&packet[trailer..signature]);
        let (kind, level, padding) = (r.u8()?, r.u8()?, r.u8()?); // auth_type, auth_level, auth_pad_length
        r.u8()?; // auth_reserved
        let context = r.u32()?; // auth_context_id
        if (kind, level, context) != (self.provider, PACKET_PRIVACY, self.context) {
            return Err(ProtocolError::Unsealed);
        }
        let mut plain = Zeroizing::new(packet[..signature].to_vec());
        if self.signs_headers {
            self.protection.open(&mut plain, stub..trailer, &packet[signature..])?;
        } else {
            let plain = &mut plain[stub..trailer];
            let whole = 0..plain.len();
            self.protection.open(plain, whole, &packet[signature..])?;
        }
        let end = trailer.checked_sub(padding.into()).filter(|end| *end >= stub).ok_or(invalid)?;
        plain.truncate(end);
        Ok(plain)
    }
}

impl Auth {
    /// The trailer of a token that binds.
    pub(crate) fn token(kind: u8, context: u32, value: Vec<u8>) -> Self {
        Self { kind, level: PACKET_PRIVACY, context, value }
    }
}

/// How much of the body is in clear.
fn prefix(header: &Header) -> usize {
    match header.packet {
        PacketType::REQUEST if header.has(flags::OBJECT) => PREFIX + 16,
        PacketType::FAULT => FAULT_PREFIX,
        PacketType::REQUEST | PacketType::RESPONSE => PREFIX,
        _ => 0,
    }
}
