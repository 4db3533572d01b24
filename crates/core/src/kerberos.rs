//! Kerberos as a system's GSSAPI has it: what a security context does, and what went wrong.

use std::fmt;
use std::ops::Range;

use zeroize::Zeroizing;

use crate::Win32Error;

/// What Kerberos has against something: `error-code` of KRB-ERROR (RFC 4120 7.5.9), or above 127 one of the library's own, as MIT's and Heimdal's have them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code(pub u32);

impl Code {
    /// `KDC_ERR_C_PRINCIPAL_UNKNOWN`: the KDC doesn't know the user.
    pub const NO_USER: Self = Self(6);
    /// `KDC_ERR_S_PRINCIPAL_UNKNOWN`: the KDC doesn't know the server.
    pub const NO_SERVER: Self = Self(7);
    /// `KDC_ERR_CLIENT_REVOKED`: the account is locked or disabled.
    pub const REVOKED: Self = Self(18);
    /// `KDC_ERR_KEY_EXPIRED`: the password is too old.
    pub const PASSWORD_EXPIRED: Self = Self(23);
    /// `KDC_ERR_PREAUTH_FAILED`: the password is wrong.
    pub const PASSWORD_WRONG: Self = Self(24);
    /// `KRB_AP_ERR_BAD_INTEGRITY`: another key than was expected.
    pub const BAD_INTEGRITY: Self = Self(31);
    /// `KRB_AP_ERR_TKT_EXPIRED`.
    pub const EXPIRED: Self = Self(32);
    /// `KRB_AP_ERR_TKT_NYV`: not valid yet.
    pub const NOT_YET: Self = Self(33);
    /// `KRB_AP_ERR_REPEAT`: it came before.
    pub const REPEATED: Self = Self(34);
    /// `KRB_AP_ERR_NOT_US`: a ticket for somebody else.
    pub const NOT_US: Self = Self(35);
    /// `KRB_AP_ERR_SKEW`: clocks that differ too much.
    pub const SKEW: Self = Self(37);
    /// `KRB_AP_ERR_MODIFIED`: a ticket that the server's key doesn't open.
    pub const MODIFIED: Self = Self(41);
    /// `KRB_AP_ERR_BADKEYVER`: a key of the server that it doesn't have any more.
    pub const KEY_VERSION: Self = Self(44);
    /// `KRB_AP_ERR_NOKEY`: the server has no key for the name.
    pub const NO_KEY: Self = Self(45);
    /// `KRB_ERR_GENERIC`.
    pub const GENERIC: Self = Self(60);
    /// `KRB5_CC_NOTFOUND`: no such ticket in the cache.
    pub const NO_SUCH_TICKET: Self = Self(141);
    /// `KRB5KRB_AP_WRONG_PRINC`: a ticket for another name.
    pub const OTHER_NAME: Self = Self(144);
    /// `KRB5_REALM_UNKNOWN`: nothing is known of the realm.
    pub const NO_REALM: Self = Self(154);
    /// `KRB5_KDC_UNREACH`: no KDC answers.
    pub const NO_KDC: Self = Self(156);
    /// `KRB5_KT_NOTFOUND`: no such key in the keytab.
    pub const NOT_IN_KEYTAB: Self = Self(181);
    /// `KRB5_FCC_NOFILE`: there is no cache of tickets.
    pub const NO_CACHE: Self = Self(195);
    /// `KRB5_REALM_CANT_RESOLVE`: the KDC's name leads nowhere.
    pub const KDC_NAME: Self = Self(220);

    /// The code in a minor status of GSSAPI: those of the error table `krb5` (com_err).
    pub fn of_minor(minor: u32) -> Option<Self> {
        const TABLE: u32 = 0x96c7_3a00;
        minor.checked_sub(TABLE).filter(|code| *code < 256).map(Self)
    }

    /// What it means to who has to do something about it.
    pub const fn meaning(self) -> Option<&'static str> {
        Some(match self {
            Self::NO_USER => "the realm knows no such user",
            Self::NO_SERVER => {
                "the realm knows no such server: the machine is not in it, or has another name there (an address is none)"
            }
            Self::REVOKED => "the account is locked or disabled",
            Self::PASSWORD_EXPIRED => "the password has expired: change it first (kpasswd)",
            Self::PASSWORD_WRONG => "the password is wrong",
            Self::EXPIRED => "the ticket has expired; kinit gets another",
            Self::NOT_YET => {
                "the ticket is not valid yet: the clocks of the machines differ, or it was postdated"
            }
            Self::REPEATED => "somebody has sent the same before",
            Self::SKEW => {
                "the clocks of the two machines differ by more than Kerberos allows, usually 5 minutes; set both by NTP"
            }
            Self::NOT_US | Self::MODIFIED | Self::KEY_VERSION | Self::NO_KEY | Self::BAD_INTEGRITY => {
                "the server's key is not the one that the ticket was made for: the name belongs to another machine, or its keytab is old"
            }
            Self::NO_SUCH_TICKET | Self::NO_CACHE => "there is no ticket; kinit gets one",
            Self::OTHER_NAME => "the ticket is for another server",
            Self::NO_REALM => "nothing is known of the realm (krb5.conf, or _kerberos in DNS)",
            Self::NO_KDC => "no KDC of the realm answers",
            Self::KDC_NAME => "the name of the realm's KDC leads nowhere",
            Self::NOT_IN_KEYTAB => "the keytab has no such key",
            _ => return None,
        })
    }
}

impl Code {
    /// The code of Windows that says the same.
    pub const fn win32(self) -> Win32Error {
        match self {
            Self::NO_SERVER
            | Self::BAD_INTEGRITY
            | Self::NOT_US
            | Self::MODIFIED
            | Self::KEY_VERSION
            | Self::NO_KEY
            | Self::OTHER_NAME
            | Self::NOT_IN_KEYTAB => Win32Error::WRONG_TARGET_NAME,
            Self::SKEW | Self::NOT_YET => Win32Error::TIME_SKEW,
            Self::NO_REALM | Self::NO_KDC | Self::KDC_NAME => Win32Error::NO_LOGON_SERVERS,
            Self::PASSWORD_EXPIRED => Win32Error::PASSWORD_EXPIRED,
            Self::REVOKED => Win32Error::ACCOUNT_DISABLED,
            Self::NO_USER
            | Self::PASSWORD_WRONG
            | Self::EXPIRED
            | Self::NO_SUCH_TICKET
            | Self::NO_CACHE
            | Self::REPEATED => Win32Error::LOGON_FAILURE,
            _ => Win32Error::RPC_S_SEC_PKG_ERROR,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.meaning() {
            Some(meaning) => f.write_str(meaning),
            None => write!(f, "Kerberos error {}", self.0),
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({})", self.0)
    }
}

/// Why GSSAPI did not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.told())]
pub struct Failure {
    /// What Kerberos has against it, if it is that.
    pub code: Option<Code>,
    /// The library's own words.
    pub text: String,
}

impl Failure {
    /// One that isn't Kerberos'.
    pub fn other(text: impl Into<String>) -> Self {
        Self { code: None, text: text.into() }
    }

    /// The code of Windows for it.
    pub fn win32(&self) -> Win32Error {
        self.code.map_or(Win32Error::RPC_S_SEC_PKG_ERROR, Code::win32)
    }

    /// The meaning, and the library's words, which name names.
    fn told(&self) -> String {
        match self.code.and_then(Code::meaning) {
            Some(meaning) if self.text.is_empty() => meaning.to_owned(),
            Some(meaning) => format!("{meaning} ({})", self.text),
            None => self.text.clone(),
        }
    }
}

/// What has to be sent next, and whether that was all: then the context seals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The token for the other side; may be empty.
    pub token: Vec<u8>,
    /// Whether both sides know each other.
    pub is_done: bool,
}

/// How two sides speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As DCE RPC does it ([MS-KILE] 3.4.5): three tokens without the frame of GSSAPI, and packets whose signature is apart.
    Dce,
    /// As GSSAPI has it (RFC 4121): a token each way in its frame. What came of them is signed with, and tells its key to who protects packets in another way.
    Plain,
}

/// One side of a connection, in the [`Style`] that it was made for.
pub trait Context: fmt::Debug + Send {
    /// Goes on with a token of the other side; the client begins with an empty one.
    fn step(&mut self, token: &[u8]) -> Result<Step, Failure>;

    /// Who the other side is, once that is known.
    fn peer(&self) -> Result<String, Failure>;

    /// How long the signature of a packet is; 0 in any style but that of DCE.
    fn signature_length(&self) -> usize;

    /// Encrypts a part of a packet in place, and signs all of it. This is for the style of DCE.
    fn seal(&mut self, packet: &mut [u8], part: Range<usize>) -> Result<Vec<u8>, Failure>;

    /// Decrypts a part of a packet in place, and checks the signature of all of it. This is for the style of DCE.
    fn open(&mut self, packet: &mut [u8], part: Range<usize>, signature: &[u8]) -> Result<(), Failure>;

    /// The key that both sides have once they know each other: the acceptor's subkey, or the one that the initiator chose (RFC 4121 2). As long as its encryption type has it.
    fn session_key(&self) -> Result<Zeroizing<Vec<u8>>, Failure>;

    /// Signs a text beside the packets.
    fn sign(&mut self, text: &[u8]) -> Result<Vec<u8>, Failure>;

    /// Checks such a signature.
    fn verify(&mut self, text: &[u8], signature: &[u8]) -> Result<(), Failure>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_to_do_and_what_the_library_said() {
        assert_eq!(Code::of_minor(0x96c7_3a00 + 37), Some(Code::SKEW));
        assert_eq!((Code::of_minor(22), Code::of_minor(0x96c7_3b00)), (None, None));
        let failure = Failure { code: Some(Code::NO_CACHE), text: "No such file".to_owned() };
        assert_eq!(failure.to_string(), "there is no ticket; kinit gets one (No such file)");
        let failure = Failure { code: Some(Code(99)), text: "Odd".to_owned() };
        assert_eq!(failure.to_string(), "Odd");
        assert_eq!(Failure::other("none").to_string(), "none");
        assert_eq!(Failure::other("none").win32(), Win32Error::RPC_S_SEC_PKG_ERROR);
        assert_eq!(Code::SKEW.win32(), Win32Error::TIME_SKEW);
        assert!(Code::SKEW.to_string().contains("clocks"));
        assert_eq!(Code(99).to_string(), "Kerberos error 99");
    }
}
