use super::frame::{write_frame, write_with_trailer};
use super::{Auth, HEADER, PacketType, Syntax, flags};
use crate::ndr::{DecodeError, Reader, Result, Writer};

/// The result and reason of a proposal (`p_cont_def_result_t`, `p_provider_reason_t`, C706 12.6.3.1, [MS-RPCE] 2.2.2.4).
pub mod result {
    /// `acceptance`.
    pub const ACCEPTED: u16 = 0;
    /// `provider_rejection`.
    pub const REJECTED: u16 = 2;
    /// `negotiate_ack`.
    pub const NEGOTIATED: u16 = 3;
    /// Reason `abstract_syntax_not_supported`.
    pub const NO_INTERFACE: u16 = 1;
    /// Reason `proposed_transfer_syntaxes_not_supported`.
    pub const NO_TRANSFER_SYNTAX: u16 = 2;
    /// Reason `local_limit_exceeded`.
    pub const LIMIT: u16 = 3;
    /// `bind_nak` reason `protocol_version_not_supported`.
    pub const NAK_VERSION: u16 = 4;
    /// `bind_nak` reason `authentication_type_not_recognized` ([MS-RPCE] 2.2.2.5).
    pub const NAK_AUTHENTICATION: u16 = 8;
}

/// A presentation context that a client proposes (`p_cont_elem_t`, C706 12.6.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// `p_cont_id`.
    pub context: u16,
    /// `abstract_syntax`.
    pub interface: Syntax,
    /// `transfer_syntaxes`.
    pub transfer: Vec<Syntax>,
}

/// The body of `bind` and `alter_context` (C706 12.6.4.3, 12.6.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// `max_xmit_frag`.
    pub max_transmit: u16,
    /// `max_recv_frag`.
    pub max_receive: u16,
    /// `assoc_group_id`.
    pub association: u32,
    /// `p_context_elem`.
    pub proposals: Vec<Proposal>,
}

/// The answer to one proposal (`p_result_t`, C706 12.6.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextResult {
    /// `result`.
    pub result: u16,
    /// `reason`.
    pub reason: u16,
    /// `transfer_syntax`.
    pub transfer: Syntax,
}

/// The body of `bind_ack` and `alter_context_resp` (C706 12.6.4.4, 12.6.4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindAck {
    /// `max_xmit_frag`.
    pub max_transmit: u16,
    /// `max_recv_frag`.
    pub max_receive: u16,
    /// `assoc_group_id`.
    pub association: u32,
    /// `sec_addr`, without its terminator; empty in `alter_context_resp`.
    pub address: Vec<u8>,
    /// `p_result_list`.
    pub results: Vec<ContextResult>,
}

/// The body of `bind_nak` (C706 12.6.4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BindNak {
    /// `provider_reject_reason`.
    pub reason: u16,
}

const UNFRAGMENTED: u8 = flags::FIRST | flags::LAST | flags::MULTIPLEX;

impl Bind {
    /// Writes a whole unit (C706 12.6.4.3).
    pub fn write(&self, out: &mut Vec<u8>, packet: PacketType, call_id: u32) {
        write_frame(out, packet, UNFRAGMENTED, call_id, [&self.body(), &[]]);
    }

    /// Writes a whole unit with a trailer, of a peer that signs headers ([MS-RPCE] 2.2.2.3).
    pub fn write_secured(&self, out: &mut Vec<u8>, packet: PacketType, call_id: u32, auth: &Auth) {
        write_with_trailer(out, packet, UNFRAGMENTED | flags::HEADER_SIGN, call_id, &self.body(), auth);
    }

    fn body(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u16(self.max_transmit); // max_xmit_frag
        w.u16(self.max_receive); // max_recv_frag
        w.u32(self.association); // assoc_group_id
        w.u8(u8::try_from(self.proposals.len()).unwrap_or(u8::MAX)); // n_context_elem
        w.raw(&[0; 3]); // reserved, reserved2
        for proposal in self.proposals.iter().take(u8::MAX.into()) {
            w.u16(proposal.context); // p_cont_id
            w.u8(u8::try_from(proposal.transfer.len()).unwrap_or(u8::MAX)); // n_transfer_syn
            w.u8(0); // reserved
            proposal.interface.write(&mut w); // abstract_syntax
            for transfer in proposal.transfer.iter().take(u8::MAX.into()) {
                transfer.write(&mut w); // transfer_syntaxes
            }
        }
        w.into_bytes()
    }

    /// Reads the body (C706 12.6.4.3).
    pub fn read(body: &[u8]) -> Result<Self> {
        let mut r = Reader::new(body);
        let (max_transmit, max_receive, association) = (r.u16()?, r.u16()?, r.u32()?);
        let count = r.u8()?; // n_context_elem
        r.take(3)?; // reserved, reserved2
        let mut proposals = Vec::new();
        for _ in 0..count {
            let context = r.u16()?; // p_cont_id
            let syntaxes = r.u8()?; // n_transfer_syn
            r.u8()?; // reserved
            let interface = Syntax::read(&mut r)?; // abstract_syntax
            let transfer = (0..syntaxes).map(|_| Syntax::read(&mut r)).collect::<Result<_>>()?;
            proposals.push(Proposal { context, interface, transfer });
        }
        Ok(Self { max_transmit, max_receive, association, proposals })
    }
}

impl BindAck {
    /// Writes a whole unit (C706 12.6.4.4).
    pub fn write(&self, out: &mut Vec<u8>, packet: PacketType, call_id: u32) {
        write_frame(out, packet, UNFRAGMENTED, call_id, [&self.body(), &[]]);
    }

    /// Writes a whole unit with a trailer; `signs_headers` is what the client said ([MS-RPCE] 2.2.2.3).
    pub fn write_secured(
        &self,
        out: &mut Vec<u8>,
        packet: PacketType,
        call_id: u32,
        signs_headers: bool,
        auth: &Auth,
    ) {
        let flags = UNFRAGMENTED | if signs_headers { flags::HEADER_SIGN } else { 0 };
        write_with_trailer(out, packet, flags, call_id, &self.body(), auth);
    }

    fn body(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u16(self.max_transmit); // max_xmit_frag
        w.u16(self.max_receive); // max_recv_frag
        w.u32(self.association); // assoc_group_id
        if self.address.is_empty() {
            w.u16(0); // sec_addr.length
        } else {
            w.u16(u16::try_from(self.address.len() + 1).unwrap_or(u16::MAX)); // sec_addr.length
            w.raw(&self.address); // sec_addr.port_spec
            w.u8(0);
        }
        w.align(4); // pad2
        w.u8(u8::try_from(self.results.len()).unwrap_or(u8::MAX)); // n_results
        w.raw(&[0; 3]); // reserved, reserved2
        for result in &self.results {
            w.u16(result.result); // result
            w.u16(result.reason); // reason
            result.transfer.write(&mut w); // transfer_syntax
        }
        w.into_bytes()
    }

    /// Reads the body (C706 12.6.4.4).
    pub fn read(body: &[u8]) -> Result<Self> {
        // The header's sixteen bytes before the body don't change the alignment.
        const { assert!(HEADER.is_multiple_of(4)) };
        let mut r = Reader::new(body);
        let (max_transmit, max_receive, association) = (r.u16()?, r.u16()?, r.u32()?);
        let length = r.u16()?; // sec_addr.length
        let address = r.take(length.into())?; // sec_addr.port_spec
        let address = address.strip_suffix(&[0]).unwrap_or(address).to_vec();
        r.align(4); // pad2
        let count = r.u8()?; // n_results
        r.take(3)?; // reserved, reserved2
        let results = (0..count)
            .map(|_| {
                Ok(ContextResult { result: r.u16()?, reason: r.u16()?, transfer: Syntax::read(&mut r)? })
            })
            .collect::<Result<_>>()?;
        Ok(Self { max_transmit, max_receive, association, address, results })
    }
}

impl BindNak {
    /// Writes a whole unit (C706 12.6.4.5).
    pub fn write(&self, out: &mut Vec<u8>, call_id: u32) {
        let mut w = Writer::new();
        w.u16(self.reason); // provider_reject_reason
        w.raw(&[1, 5, 0, 0]); // versions: one, 5.0, and padding
        write_frame(out, PacketType::BIND_NAK, flags::FIRST | flags::LAST, call_id, [&w.into_bytes(), &[]]);
    }

    /// Reads the body (C706 12.6.4.5); the versions that may follow are left out.
    pub fn read(body: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self { reason: Reader::new(body).u16()? })
    }
}
