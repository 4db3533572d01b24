use super::{HEADER, ProtocolError};
use crate::ndr::{DecodeError, Reader, Writer};

/// Bits of `pfc_flags` (C706 12.6.3.1).
pub mod flags {
    /// `PFC_FIRST_FRAG`.
    pub const FIRST: u8 = 0x01;
    /// `PFC_LAST_FRAG`.
    pub const LAST: u8 = 0x02;
    /// `PFC_SUPPORT_HEADER_SIGN` of binding ([MS-RPCE] 2.2.2.3): headers are signed, too.
    pub const HEADER_SIGN: u8 = 0x04;
    /// `PFC_CONC_MPX`: several calls at the same time.
    pub const MULTIPLEX: u8 = 0x10;
    /// `PFC_DID_NOT_EXECUTE`: the call was not carried out.
    pub const DID_NOT_EXECUTE: u8 = 0x20;
    /// `PFC_OBJECT_UUID`: a UUID of an object comes before the stub of a request.
    pub const OBJECT: u8 = 0x80;
}

/// `PTYPE` (C706 12.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PacketType(pub u8);

impl PacketType {
    /// `request`.
    pub const REQUEST: Self = Self(0);
    /// `response`.
    pub const RESPONSE: Self = Self(2);
    /// `fault`.
    pub const FAULT: Self = Self(3);
    /// `bind`.
    pub const BIND: Self = Self(11);
    /// `bind_ack`.
    pub const BIND_ACK: Self = Self(12);
    /// `bind_nak`.
    pub const BIND_NAK: Self = Self(13);
    /// `alter_context`.
    pub const ALTER_CONTEXT: Self = Self(14);
    /// `alter_context_resp`.
    pub const ALTER_CONTEXT_RESPONSE: Self = Self(15);
    /// `rpc_auth_3` ([MS-RPCE] 2.2.2.10).
    pub const AUTH3: Self = Self(16);
    /// `shutdown`.
    pub const SHUTDOWN: Self = Self(17);
    /// `co_cancel`.
    pub const CANCEL: Self = Self(18);
    /// `orphaned`.
    pub const ORPHANED: Self = Self(19);
}

/// The common header (C706 12.6.3.1); what can only have one value is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// `PTYPE`.
    pub packet: PacketType,
    /// `pfc_flags`.
    pub flags: u8,
    /// `frag_length`.
    pub fragment_length: u16,
    /// `auth_length`.
    pub auth_length: u16,
    /// `call_id`.
    pub call_id: u32,
}

/// The authentication trailer (`auth_verifier_co_t`, C706 13.2.6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// `auth_type`.
    pub kind: u8,
    /// `auth_level`.
    pub level: u8,
    /// `auth_context_id`.
    pub context: u32,
    /// `auth_value`.
    pub value: Vec<u8>,
}

/// One protocol data unit: header, body and perhaps an authentication trailer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The common header.
    pub header: Header,
    /// What is between header and trailer, without the trailer's padding.
    pub body: &'a [u8],
    /// The trailer.
    pub auth: Option<Auth>,
}

/// The length of a trailer without its value.
pub(super) const TRAILER: usize = 8;

impl Header {
    /// Reads a header (C706 12.6.3.1). `None`: more bytes are needed.
    pub fn read(bytes: &[u8], limit: u16) -> Result<Option<Self>, ProtocolError> {
        let Some(bytes) = bytes.get(..HEADER) else { return Ok(None) };
        let mut r = Reader::new(bytes);
        let (major, minor) = (r.u8()?, r.u8()?); // rpc_vers, rpc_vers_minor
        if major != 5 || minor > 1 {
            return Err(ProtocolError::Version { major, minor });
        }
        let (packet, flags) = (PacketType(r.u8()?), r.u8()?); // PTYPE, pfc_flags
        let representation = r.u32()?; // packed_drep
        if representation & 0xffff != 0x0010 {
            return Err(ProtocolError::Representation(representation.swap_bytes()));
        }
        let fragment_length = r.u16()?; // frag_length
        if usize::from(fragment_length) < HEADER || fragment_length > limit {
            return Err(ProtocolError::FragmentLength { found: fragment_length, limit });
        }
        Ok(Some(Self { packet, flags, fragment_length, auth_length: r.u16()?, call_id: r.u32()? }))
    }

    /// Whether these bits are set.
    pub fn has(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }
}

impl<'a> Frame<'a> {
    /// Takes the first unit from `bytes`, and tells how many bytes it has (C706 12.6.3.1). `None`: more bytes are needed.
    pub fn read(bytes: &'a [u8], limit: u16) -> Result<Option<(Self, usize)>, ProtocolError> {
        let Some(header) = Header::read(bytes, limit)? else { return Ok(None) };
        let length = usize::from(header.fragment_length);
        let Some(bytes) = bytes.get(HEADER..length) else { return Ok(None) };
        if header.auth_length == 0 {
            return Ok(Some((Self { header, body: bytes, auth: None }, length)));
        }
        let (body, auth) = split_trailer(bytes, header.auth_length.into())?;
        Ok(Some((Self { header, body, auth: Some(auth) }, length)))
    }
}

/// Takes the trailer off (C706 13.2.6.1).
fn split_trailer(bytes: &[u8], auth_length: usize) -> Result<(&[u8], Auth), DecodeError> {
    let invalid = DecodeError::Invalid { what: "auth_length" };
    let start = bytes.len().checked_sub(auth_length + TRAILER).ok_or(invalid)?;
    let (body, trailer) = bytes.split_at(start);
    let mut r = Reader::new(trailer);
    let (kind, level, padding) = (r.u8()?, r.u8()?, r.u8()?); // auth_type, auth_level, auth_pad_length
    r.u8()?; // auth_reserved
    let context = r.u32()?; // auth_context_id
    let end = body.len().checked_sub(padding.into()).ok_or(invalid)?;
    Ok((&body[..end], Auth { kind, level, context, value: r.take(auth_length)?.to_vec() }))
}

/// One unit without a trailer (C706 12.6.3.1). The caller keeps to the fragment size.
pub(crate) fn write_frame(out: &mut Vec<u8>, packet: PacketType, flags: u8, call_id: u32, parts: [&[u8]; 2]) {
    write_header(out, packet, flags, call_id, HEADER + parts[0].len() + parts[1].len(), 0);
    out.extend_from_slice(parts[0]);
    out.extend_from_slice(parts[1]);
}

/// One unit of binding with a trailer ([MS-RPCE] 2.2.2.11).
pub(crate) fn write_with_trailer(
    out: &mut Vec<u8>,
    packet: PacketType,
    flags: u8,
    call_id: u32,
    body: &[u8],
    auth: &Auth,
) {
    let padding = body.len().next_multiple_of(4) - body.len();
    let length = HEADER + body.len() + padding + TRAILER + auth.value.len();
    write_header(out, packet, flags, call_id, length, auth.value.len());
    out.extend_from_slice(body);
    out.resize(out.len() + padding, 0);
    write_trailer(out, auth.kind, auth.level, padding, auth.context);
    out.extend_from_slice(&auth.value);
}

/// The common header (C706 12.6.3.1).
pub(super) fn write_header(
    out: &mut Vec<u8>,
    packet: PacketType,
    flags: u8,
    call_id: u32,
    length: usize,
    auth_length: usize,
) {
    let mut w = Writer::with_capacity(HEADER);
    w.u8(5); // rpc_vers
    w.u8(0); // rpc_vers_minor
    w.u8(packet.0); // PTYPE
    w.u8(flags); // pfc_flags
    w.u32(0x10); // packed_drep: little endian, ASCII, IEEE
    w.u16(u16::try_from(length).unwrap_or(u16::MAX)); // frag_length
    w.u16(u16::try_from(auth_length).unwrap_or(u16::MAX)); // auth_length
    w.u32(call_id); // call_id
    out.extend_from_slice(&w.into_bytes());
}

/// A trailer up to its value ([MS-RPCE] 2.2.2.11).
pub(super) fn write_trailer(out: &mut Vec<u8>, kind: u8, level: u8, padding: usize, context: u32) {
    // auth_type, auth_level, auth_pad_length, auth_reserved
    out.extend([kind, level, u8::try_from(padding).unwrap_or(u8::MAX), 0]);
    out.extend(context.to_le_bytes()); // auth_context_id
}
