//! NTLMv2 with extended session security, key exchange and 128 bits ([MS-NLMP]): nothing less is offered or taken, so there is nothing to negotiate down.

mod acceptor;
pub(crate) mod crypto;
mod initiator;
mod message;
mod names;
mod seal;
#[cfg(test)]
mod tests;

pub use acceptor::{Acceptor, Challenged, Identity, Session};
pub use initiator::{Credentials, Initiator};
pub use message::{Authenticate, Challenge, Negotiate};
pub use names::{Names, name};
pub use seal::Protection;

use super::AuthError;

/// Bits of `NEGOTIATE` ([MS-NLMP] 2.2.2.5).
pub mod flags {
    /// `NTLMSSP_NEGOTIATE_UNICODE`.
    pub const UNICODE: u32 = 0x0000_0001;
    /// `NTLMSSP_REQUEST_TARGET`.
    pub const REQUEST_TARGET: u32 = 0x0000_0004;
    /// `NTLMSSP_NEGOTIATE_SIGN`.
    pub const SIGN: u32 = 0x0000_0010;
    /// `NTLMSSP_NEGOTIATE_SEAL`.
    pub const SEAL: u32 = 0x0000_0020;
    /// `NTLMSSP_NEGOTIATE_NTLM`.
    pub const NTLM: u32 = 0x0000_0200;
    /// `NTLMSSP_ANONYMOUS`.
    pub const ANONYMOUS: u32 = 0x0000_0800;
    /// `NTLMSSP_NEGOTIATE_ALWAYS_SIGN`.
    pub const ALWAYS_SIGN: u32 = 0x0000_8000;
    /// `NTLMSSP_TARGET_TYPE_SERVER`.
    pub const TARGET_SERVER: u32 = 0x0002_0000;
    /// `NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY`.
    pub const EXTENDED: u32 = 0x0008_0000;
    /// `NTLMSSP_NEGOTIATE_TARGET_INFO`.
    pub const TARGET_INFO: u32 = 0x0080_0000;
    /// `NTLMSSP_NEGOTIATE_VERSION`.
    pub const VERSION: u32 = 0x0200_0000;
    /// `NTLMSSP_NEGOTIATE_128`.
    pub const BITS_128: u32 = 0x2000_0000;
    /// `NTLMSSP_NEGOTIATE_KEY_EXCH`.
    pub const KEY_EXCHANGE: u32 = 0x4000_0000;
}

/// What both sides have to agree to, with the words for it.
const NEEDED: [(u32, &str); 6] = [
    (flags::UNICODE, "names in Unicode"),
    (flags::SIGN, "signing"),
    (flags::SEAL, "sealing"),
    (flags::EXTENDED, "extended session security"),
    (flags::BITS_128, "keys of 128 bits"),
    (flags::KEY_EXCHANGE, "the exchange of a key"),
];

/// What is asked for, and what is sent with it.
const WANTED: u32 = flags::UNICODE
    | flags::REQUEST_TARGET
    | flags::SIGN
    | flags::SEAL
    | flags::NTLM
    | flags::ALWAYS_SIGN
    | flags::EXTENDED
    | flags::TARGET_INFO
    | flags::VERSION
    | flags::BITS_128
    | flags::KEY_EXCHANGE;

/// Checks that nothing of what is needed is missing.
fn agreed(found: u32) -> Result<(), AuthError> {
    match NEEDED.iter().find(|(flag, _)| found & flag == 0) {
        Some((_, what)) => Err(AuthError::Weak { what }),
        None => Ok(()),
    }
}
