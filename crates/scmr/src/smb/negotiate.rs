//! What both sides can ([MS-SMB2] 2.2.3, 2.2.4).

use super::SmbError;
use super::crypto::{Algorithm, Cipher};
use super::frame::{Fields, HEADER};

/// A dialect (`DialectRevision`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// 3.0: Windows 8.
    V3_0,
    /// 3.0.2: Windows 8.1.
    V3_0_2,
    /// 3.1.1: Windows 10 and everything since.
    V3_1_1,
}

const DIALECTS: [(u16, Dialect); 3] =
    [(0x0300, Dialect::V3_0), (0x0302, Dialect::V3_0_2), (0x0311, Dialect::V3_1_1)];

/// Ciphers, the quickest of the safe ones first.
const CIPHERS: [(u16, Cipher); 4] =
    [(2, Cipher::Aes128Gcm), (4, Cipher::Aes256Gcm), (1, Cipher::Aes128Ccm), (3, Cipher::Aes256Ccm)];

const ALGORITHMS: [(u16, Algorithm); 2] = [(2, Algorithm::Gmac), (1, Algorithm::Cmac)];

/// `SMB2_NEGOTIATE_SIGNING_REQUIRED`.
pub(super) const SIGNING_REQUIRED: u16 = 2;

/// `SMB2_GLOBAL_CAP_ENCRYPTION`.
const CAN_ENCRYPT: u32 = 0x40;

/// `ContextType` ([MS-SMB2] 2.2.3.1).
mod context {
    pub(super) const PREAUTH: u16 = 1;
    pub(super) const ENCRYPTION: u16 = 2;
    pub(super) const SIGNING: u16 = 8;
}

/// The only hash there is: SHA-512.
const SHA512: u16 = 1;

/// More contexts than any server sends.
const MAX_CONTEXTS: u16 = 32;

/// What is offered.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    /// A number of this connection.
    pub(super) client: [u8; 16],
    /// Something new, for the hash.
    pub(super) salt: [u8; 32],
}

/// What the server makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Agreed {
    pub(super) dialect: Dialect,
    pub(super) algorithm: Algorithm,
    /// `None`: it can't encrypt.
    pub(super) cipher: Option<Cipher>,
    /// As it was, for who asks whether it was changed on its way.
    said: Said,
}

/// What `VALIDATE_NEGOTIATE_INFO` repeats ([MS-SMB2] 2.2.32.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    capabilities: u32,
    server: [u8; 16],
    mode: u16,
    dialect: u16,
}

impl Offer {
    /// `SMB2 NEGOTIATE Request`.
    pub(super) fn body(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(36_u16.to_le_bytes()); // StructureSize
        out.extend((DIALECTS.len() as u16).to_le_bytes()); // DialectCount
        out.extend(SIGNING_REQUIRED.to_le_bytes()); // SecurityMode
        out.extend([0; 2]); // Reserved
        out.extend(CAN_ENCRYPT.to_le_bytes()); // Capabilities
        out.extend(self.client); // ClientGuid
        let contexts = [
            (context::PREAUTH, [&[1, 0, 32, 0], &SHA512.to_le_bytes()[..], &self.salt].concat()),
            (context::ENCRYPTION, numbers(CIPHERS.map(|(id, _)| id))),
            (context::SIGNING, numbers(ALGORITHMS.map(|(id, _)| id))),
        ];
        let at = (HEADER + out.len() + 8 + 2 * DIALECTS.len()).next_multiple_of(8);
        out.extend((at as u32).to_le_bytes()); // NegotiateContextOffset
        out.extend((contexts.len() as u16).to_le_bytes()); // NegotiateContextCount
        out.extend([0; 2]); // Reserved2
        out.extend(DIALECTS.iter().flat_map(|(id, _)| id.to_le_bytes())); // Dialects
        for (kind, data) in contexts {
            out.resize((HEADER + out.len()).next_multiple_of(8) - HEADER, 0); // Padding
            out.extend(kind.to_le_bytes()); // ContextType
            out.extend((data.len() as u16).to_le_bytes()); // DataLength
            out.extend([0; 4]); // Reserved
            out.extend(data); // Data
        }
        out
    }

    /// `VALIDATE_NEGOTIATE_INFO Request` ([MS-SMB2] 2.2.31.4): the same once more, when it is signed.
    pub(super) fn repeated(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(CAN_ENCRYPT.to_le_bytes()); // Capabilities
        out.extend(self.client); // Guid
        out.extend(SIGNING_REQUIRED.to_le_bytes()); // SecurityMode
        out.extend((DIALECTS.len() as u16).to_le_bytes()); // DialectCount
        out.extend(DIALECTS.iter().flat_map(|(id, _)| id.to_le_bytes())); // Dialects
        out
    }
}

impl Agreed {
    /// `SMB2 NEGOTIATE Response`.
    pub(super) fn read(body: &[u8]) -> Result<Self, SmbError> {
        let fields = Fields::new(body, "NEGOTIATE").sized(65)?;
        let said = Said {
            mode: fields.u16(2)?,
            dialect: fields.u16(4)?,
            server: fields.array(8)?,
            capabilities: fields.u32(24)?,
        };
        let dialect = known(&DIALECTS, said.dialect).ok_or(SmbError::Dialect)?;
        let mut agreed = Self { dialect, algorithm: Algorithm::Cmac, cipher: None, said };
        match dialect {
            Dialect::V3_0 | Dialect::V3_0_2 => {
                agreed.cipher = (said.capabilities & CAN_ENCRYPT != 0).then_some(Cipher::Aes128Ccm);
            }
            Dialect::V3_1_1 => agreed.read_contexts(&fields)?,
        }
        Ok(agreed)
    }

    fn read_contexts(&mut self, fields: &Fields<'_>) -> Result<(), SmbError> {
        let malformed = SmbError::Malformed { what: "the contexts of NEGOTIATE" };
        let (count, at) = (fields.u16(6)?, fields.u32(60)? as usize);
        let mut at = at.checked_sub(HEADER).ok_or(malformed)?;
        if count > MAX_CONTEXTS {
            return Err(malformed);
        }
        let mut has_hash = false;
        for _ in 0..count {
            let (kind, length) = (fields.u16(at)?, usize::from(fields.u16(at + 2)?));
            let data = Fields::new(fields.bytes(at + 8, length)?, "a context of NEGOTIATE");
            // There is one of each kind of number in an answer ([MS-SMB2] 2.2.4.1).
            match kind {
                context::PREAUTH => has_hash = data.u16(0)? == 1 && data.u16(4)? == SHA512,
                context::ENCRYPTION => self.cipher = known(&CIPHERS, data.u16(2)?),
                context::SIGNING => {
                    self.algorithm = known(&ALGORITHMS, data.u16(2)?).ok_or(malformed)?;
                }
                _ => {}
            }
            at = (at + 8 + length).next_multiple_of(8);
        }
        if has_hash { Ok(()) } else { Err(malformed) }
    }

    /// Whether the server says the same once more: `VALIDATE_NEGOTIATE_INFO Response` ([MS-SMB2] 2.2.32.6).
    pub(super) fn confirm(&self, output: &[u8]) -> Result<(), SmbError> {
        let fields = Fields::new(output, "VALIDATE_NEGOTIATE_INFO");
        let again = Said {
            capabilities: fields.u32(0)?,
            server: fields.array(4)?,
            mode: fields.u16(20)?,
            dialect: fields.u16(22)?,
        };
        if again == self.said { Ok(()) } else { Err(SmbError::Downgraded) }
    }
}

fn numbers<const N: usize>(ids: [u16; N]) -> Vec<u8> {
    std::iter::once(N as u16).chain(ids).flat_map(u16::to_le_bytes).collect()
}

fn known<T: Copy>(table: &[(u16, T)], id: u16) -> Option<T> {
    table.iter().find(|(known, _)| *known == id).map(|(_, what)| *what)
}
