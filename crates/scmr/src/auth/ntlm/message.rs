use super::{Names, flags};
use crate::auth::{Account, AuthError};
use crate::ndr::{Reader, Writer, wide};

const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";

/// `VERSION` ([MS-NLMP] 2.2.2.10): no product of Windows, revision 15 of the protocol.
const VERSION: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 15];

/// `NEGOTIATE_MESSAGE` ([MS-NLMP] 2.2.1.1); what it may say of domain and workstation is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiate {
    /// `NegotiateFlags`.
    pub flags: u32,
}

/// `CHALLENGE_MESSAGE` ([MS-NLMP] 2.2.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// `NegotiateFlags`.
    pub flags: u32,
    /// `ServerChallenge`.
    pub challenge: [u8; 8],
    /// `TargetName`.
    pub target: String,
    /// `TargetInfo`.
    pub names: Names,
}

/// `AUTHENTICATE_MESSAGE` ([MS-NLMP] 2.2.1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticate {
    /// `NegotiateFlags`.
    pub flags: u32,
    /// `UserName`, `DomainName`, `Workstation`.
    pub account: Account,
    /// `LmChallengeResponse`.
    pub lm_response: Vec<u8>,
    /// `NtChallengeResponse`.
    pub response: Vec<u8>,
    /// `EncryptedRandomSessionKey`.
    pub session_key: Vec<u8>,
}

impl Negotiate {
    const HEADER: usize = 40;

    /// Writes the message ([MS-NLMP] 2.2.1.1).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = begin(1, Self::HEADER);
        w.u32(self.flags); // NegotiateFlags
        for _ in 0..2 {
            field(&mut w, 0, Self::HEADER); // DomainNameFields, WorkstationFields
        }
        w.raw(&VERSION); // Version
        w.into_bytes()
    }

    /// Reads the message ([MS-NLMP] 2.2.1.1).
    pub fn read(bytes: &[u8]) -> Result<Self, AuthError> {
        let mut r = start(bytes, 1)?;
        Ok(Self { flags: r.u32().map_err(short)? })
    }
}

impl Challenge {
    const HEADER: usize = 56;

    /// Writes the message ([MS-NLMP] 2.2.1.2).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut target = Vec::new();
        wide::write(&mut target, &self.target);
        let mut names = Writer::new();
        self.names.write(&mut names);
        let names = names.into_bytes();
        let mut w = begin(2, Self::HEADER);
        field(&mut w, target.len(), Self::HEADER); // TargetNameFields
        w.u32(self.flags); // NegotiateFlags
        w.raw(&self.challenge); // ServerChallenge
        w.raw(&[0; 8]); // Reserved
        field(&mut w, names.len(), Self::HEADER + target.len()); // TargetInfoFields
        w.raw(&VERSION); // Version
        w.raw(&target);
        w.raw(&names);
        w.into_bytes()
    }

    /// Reads the message ([MS-NLMP] 2.2.1.2).
    pub fn read(bytes: &[u8]) -> Result<Self, AuthError> {
        let mut r = start(bytes, 2)?;
        let target = payload(bytes, &mut r)?; // TargetNameFields
        let flags = r.u32().map_err(short)?; // NegotiateFlags
        let challenge = r.array().map_err(short)?; // ServerChallenge
        r.take(8).map_err(short)?; // Reserved
        let names = if flags & flags::TARGET_INFO == 0 {
            Names::default()
        } else {
            Names::read(payload(bytes, &mut r)?)? // TargetInfoFields
        };
        Ok(Self { flags, challenge, target: wide::lossy(target), names })
    }
}

impl Authenticate {
    const HEADER: usize = 88;

    /// Where `MIC` is.
    const MIC: std::ops::Range<usize> = 72..88;

    /// Writes the message with zeros for its MIC ([MS-NLMP] 2.2.1.3).
    pub fn to_bytes(&self) -> Vec<u8> {
        let text = |text: &str| {
            let mut bytes = Vec::new();
            wide::write(&mut bytes, text);
            bytes
        };
        let Account { user, domain, workstation } = &self.account;
        let parts = [
            &self.lm_response,  // LmChallengeResponseFields
            &self.response,     // NtChallengeResponseFields
            &text(domain),      // DomainNameFields
            &text(user),        // UserNameFields
            &text(workstation), // WorkstationFields
            &self.session_key,  // EncryptedRandomSessionKeyFields
        ];
        let mut w = begin(3, Self::HEADER);
        let mut offset = Self::HEADER;
        for part in parts {
            field(&mut w, part.len(), offset);
            offset += part.len();
        }
        w.u32(self.flags); // NegotiateFlags
        w.raw(&VERSION); // Version
        w.raw(&[0; 16]); // MIC
        parts.into_iter().for_each(|part| w.raw(part));
        w.into_bytes()
    }

    /// Reads the message ([MS-NLMP] 2.2.1.3). Names have to be valid, or somebody else could be meant.
    pub fn read(bytes: &[u8]) -> Result<Self, AuthError> {
        let mut r = start(bytes, 3)?;
        let lm_response = payload(bytes, &mut r)?.to_vec(); // LmChallengeResponseFields
        let response = payload(bytes, &mut r)?.to_vec(); // NtChallengeResponseFields
        let mut text = || {
            let name = payload(bytes, &mut r)?;
            let valid = if name.len().is_multiple_of(2) { wide::strict(name) } else { None };
            valid.ok_or(AuthError::Malformed { what: "a name is not valid UTF-16" })
        };
        let (domain, user, workstation) = (text()?, text()?, text()?); // DomainNameFields, UserNameFields, WorkstationFields
        let session_key = payload(bytes, &mut r)?.to_vec(); // EncryptedRandomSessionKeyFields
        let flags = r.u32().map_err(short)?; // NegotiateFlags
        Ok(Self { flags, account: Account { user, domain, workstation }, lm_response, response, session_key })
    }

    /// Puts a MIC into a written message.
    pub(super) fn set_mic(bytes: &mut [u8], mic: &[u8; 16]) {
        bytes[Self::MIC].copy_from_slice(mic);
    }

    /// Takes the MIC out of a message, and leaves zeros.
    pub(super) fn take_mic(bytes: &mut [u8]) -> Result<[u8; 16], AuthError> {
        let field = bytes.get_mut(Self::MIC).ok_or(AuthError::Malformed { what: "the MIC is missing" })?;
        let mut mic = [0; 16];
        mic.copy_from_slice(field);
        field.fill(0);
        Ok(mic)
    }
}

/// `Signature` and `MessageType`.
fn begin(kind: u32, header: usize) -> Writer {
    let mut w = Writer::with_capacity(header + 256);
    w.raw(SIGNATURE);
    w.u32(kind);
    w
}

fn start(bytes: &[u8], kind: u32) -> Result<Reader<'_>, AuthError> {
    let mut r = Reader::new(bytes);
    let signature = r.take(8).map_err(short)?;
    if signature != SIGNATURE {
        return Err(AuthError::Malformed { what: "it is no message of NTLM" });
    }
    if r.u32().map_err(short)? != kind {
        return Err(AuthError::Malformed { what: "it is another message of NTLM than the next" });
    }
    Ok(r)
}

/// The length, twice, and the offset of a field in the payload ([MS-NLMP] 2.2.1.1).
fn field(w: &mut Writer, length: usize, offset: usize) {
    let short = u16::try_from(length).unwrap_or(u16::MAX);
    w.u16(short);
    w.u16(short);
    w.count(offset);
}

/// The bytes of a field in the payload; an empty one may be anywhere.
fn payload<'a>(bytes: &'a [u8], r: &mut Reader<'_>) -> Result<&'a [u8], AuthError> {
    let length = usize::from(r.u16().map_err(short)?);
    r.u16().map_err(short)?;
    let offset = r.u32().map_err(short)? as usize;
    if length == 0 {
        return Ok(&[]);
    }
    let field = offset.checked_add(length).and_then(|end| bytes.get(offset..end));
    field.ok_or(AuthError::Malformed { what: "a field is outside of the message" })
}

fn short(_: crate::ndr::DecodeError) -> AuthError {
    AuthError::Malformed { what: "a message of NTLM ends too early" }
}
