use super::{PacketType, Syntax};
use crate::ndr::{Reader, Result};

/// `rpc_sec_verification_trailer.signature` ([MS-RPCE] 2.2.2.13.1).
const SIGNATURE: [u8; 8] = [0x8a, 0xe3, 0x13, 0x71, 0x02, 0xf4, 0x36, 0x71];

/// How far before the end it is looked for; all that is known takes less than a hundred bytes.
const SEARCHED: usize = 1024;

/// Bits and numbers of `command` ([MS-RPCE] 2.2.2.13).
mod command {
    pub(super) const BITMASK: u16 = 1;
    pub(super) const CONTEXT: u16 = 2;
    pub(super) const HEADER2: u16 = 3;
    pub(super) const END: u16 = 0x4000;
    pub(super) const MUST_PROCESS: u16 = 0x8000;
}

/// `CLIENT_SUPPORT_HEADER_SIGNING` ([MS-RPCE] 2.2.2.13.2).
const HEADER_SIGNING: u32 = 1;

/// What a client says of its request has to be what the server saw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    pub(crate) interface: Syntax,
    pub(crate) transfer: Syntax,
    pub(crate) context: u16,
    pub(crate) operation: u16,
    pub(crate) call_id: u32,
    pub(crate) signs_headers: bool,
}

/// The length of a stub without the verification trailer, if it has one ([MS-RPCE] 2.2.2.13). `None`: it contradicts the request.
pub(crate) fn verified(stub: &[u8], expected: &Expected) -> Option<usize> {
    let from = stub.len().saturating_sub(SEARCHED).next_multiple_of(4);
    let places = (from..stub.len()).step_by(4).rev();
    let Some(at) = places.into_iter().find(|at| stub[*at..].starts_with(&SIGNATURE)) else {
        return Some(stub.len());
    };
    let mut r = Reader::new(&stub[at + SIGNATURE.len()..]);
    loop {
        let (command, contents) = next(&mut r).ok()?;
        let is_so = match command & !(command::END | command::MUST_PROCESS) {
            command::BITMASK => has_bits(contents, expected),
            command::CONTEXT => is_context(contents, expected),
            command::HEADER2 => is_header(contents, expected),
            _ => Ok(command & command::MUST_PROCESS == 0),
        };
        if !is_so.is_ok_and(|is_so| is_so) {
            return None;
        }
        if command & command::END != 0 {
            return Some(at);
        }
    }
}

fn next<'a>(r: &mut Reader<'a>) -> Result<(u16, &'a [u8])> {
    let (command, length) = (r.u16()?, r.u16()?);
    Ok((command, r.take(length.into())?))
}

/// `rpc_sec_vt_bitmask` ([MS-RPCE] 2.2.2.13.2).
fn has_bits(contents: &[u8], expected: &Expected) -> Result<bool> {
    let bits = Reader::new(contents).u32()?;
    Ok(bits & HEADER_SIGNING == 0 || expected.signs_headers)
}

/// `rpc_sec_vt_pcontext` ([MS-RPCE] 2.2.2.13.4).
fn is_context(contents: &[u8], expected: &Expected) -> Result<bool> {
    let mut r = Reader::new(contents);
    Ok(Syntax::read(&mut r)? == expected.interface && Syntax::read(&mut r)? == expected.transfer)
}

/// `rpc_sec_vt_header2` ([MS-RPCE] 2.2.2.13.3).
fn is_header(contents: &[u8], expected: &Expected) -> Result<bool> {
    let mut r = Reader::new(contents);
    let packet = r.u8()?; // ptype
    r.take(3)?; // reserved1, reserved2
    let representation = r.u32()?; // drep
    let (call_id, context, operation) = (r.u32()?, r.u16()?, r.u16()?); // call_id, p_cont_id, opnum
    Ok(packet == PacketType::REQUEST.0
        && representation & 0xffff == 0x10
        && (call_id, context, operation) == (expected.call_id, expected.context, expected.operation))
}
