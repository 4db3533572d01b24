//! Security on the wire, without I/O: who a peer is, and what is sealed with the key that came of it.
//!
//! [`ntlm`] is NTLMv2 ([MS-NLMP]), both sides; [`kerberos`] is what the system's GSSAPI makes of tickets; [`spnego`] wraps either where a peer negotiates (RFC 4178, [MS-SPNG]). What connections need to
//! know of a mechanism are two traits: an [`Initiate`] gives and takes tokens until it has a [`Protect`], which seals.
//!
//! Randomness and time are arguments. Keys, hashes and passwords are overwritten when they go.

pub mod kerberos;
pub mod ntlm;
pub mod spnego;

use std::fmt;
use std::ops::Range;

use subtle::ConstantTimeEq;
use svckit_core::kerberos::Code;
use svckit_core::secret::Secret;
use zeroize::Zeroizing;

/// Security providers, `auth_type` of a trailer ([MS-RPCE] 2.2.1.1.7).
pub mod provider {
    /// `RPC_C_AUTHN_GSS_NEGOTIATE`: SPNEGO.
    pub const SPNEGO: u8 = 9;
    /// `RPC_C_AUTHN_WINNT`: NTLM alone.
    pub const NTLM: u8 = 10;
    /// `RPC_C_AUTHN_GSS_KERBEROS`.
    pub const KERBEROS: u8 = 16;
}

/// `RPC_C_AUTHN_LEVEL_PKT_PRIVACY` ([MS-RPCE] 2.2.1.1.8), the only level that is spoken here: each packet is sealed.
pub const PACKET_PRIVACY: u8 = 6;

/// Why nobody is known, or nothing is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// A token can't be read.
    #[error("a security token is malformed: {what}")]
    Malformed {
        /// The part of it.
        what: &'static str,
    },
    /// The peer offers less than what has to be.
    #[error("the peer does not agree to {what}")]
    Weak {
        /// What is missing.
        what: &'static str,
    },
    /// Nobody in particular wants to come in.
    #[error("nobody is let in without a name and a password")]
    Anonymous,
    /// A response of NTLMv1 or LM.
    #[error("the response is one of NTLMv1, only NTLMv2 is taken")]
    Old,
    /// There is no mechanism that both sides know.
    #[error("there is no security mechanism that both sides know")]
    Mechanism,
    /// Name, password, or what proves that nobody changed the messages: which of them isn't told.
    #[error("the user name or password is wrong")]
    Refused,
    /// What Kerberos has against a ticket, or against the other side.
    #[error("{0}")]
    Kerberos(Code),
    /// A signature doesn't fit, or comes at the wrong place.
    #[error("a packet was altered, repeated or left out on its way")]
    Altered,
}

/// Who a peer says that it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// The name of the user.
    pub user: String,
    /// The domain or machine that knows the user, as the peer has it; often empty.
    pub domain: String,
    /// The peer's own name, which nobody has proven.
    pub workstation: String,
}

/// The accounts that may come in.
pub trait Accounts: Send {
    /// What the password of an account is verified with; `None` if the account isn't there, or may not come in now. It is asked with what the peer says, before anything is proven, and both answers look
    /// the same to the peer.
    fn verifier(&self, account: &Account) -> Option<NtHash>;

    /// Whether somebody may come in whom Kerberos has shown to be this principal (`ann@SHOP.EXAMPLE`).
    fn admits(&self, _principal: &str) -> bool {
        false
    }
}

/// The hash of a password that NTLM works with (`NTOWFv1`, [MS-NLMP] 3.3.1). Whoever has it can log on: it is as secret as the password.
#[derive(Clone)]
pub struct NtHash(Zeroizing<[u8; 16]>);

impl NtHash {
    /// That of a password.
    pub fn of(password: &Secret) -> Self {
        Self(ntlm::crypto::nt_hash(password.as_str()))
    }

    /// The bytes, for who keeps them.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl From<[u8; 16]> for NtHash {
    fn from(bytes: [u8; 16]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl PartialEq for NtHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(other.0.as_slice()).into()
    }
}

impl fmt::Debug for NtHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The client's side of a mechanism.
pub trait Initiate: fmt::Debug + Send {
    /// `auth_type` of the trailer.
    fn provider(&self) -> u8;

    /// The first token.
    fn start(&mut self) -> Vec<u8>;

    /// Takes a token of the server.
    fn step(&mut self, token: &[u8]) -> Result<Leg, AuthError>;
}

/// What comes of a token.
#[derive(Debug)]
pub struct Leg {
    /// What has to be sent; empty: nothing.
    pub token: Vec<u8>,
    /// What seals from now on. `None`: the peer has to answer first.
    pub done: Option<Box<dyn Protect>>,
}

/// Seals and opens the packets of a connection, each once and in their order.
pub trait Protect: fmt::Debug + Send {
    /// How long a signature is.
    fn signature_length(&self) -> usize;

    /// Encrypts a part of a packet in place, and signs all of it.
    fn seal(&mut self, packet: &mut [u8], part: Range<usize>) -> Vec<u8>;

    /// Decrypts a part of a packet in place, and checks the signature of all of it. After an error nothing more can be opened.
    fn open(&mut self, packet: &mut [u8], part: Range<usize>, signature: &[u8]) -> Result<(), AuthError>;

    /// The key of the session, of which SMB makes its own; `None` if the mechanism doesn't tell it.
    fn session_key(&self) -> Option<Zeroizing<Vec<u8>>> {
        None
    }

    /// Signs a text beside the packets: `mechListMIC` of SPNEGO.
    fn sign_apart(&mut self, text: &[u8]) -> Result<Vec<u8>, AuthError>;

    /// Checks a signature of the other side that was made so.
    fn verify_apart(&mut self, text: &[u8], signature: &[u8]) -> Result<(), AuthError>;

    /// Whether headers are signed even if not both sides say that they do (`PFC_SUPPORT_HEADER_SIGN`, [MS-RPCE] 2.2.2.3).
    fn always_signs_headers(&self) -> bool {
        true
    }
}
