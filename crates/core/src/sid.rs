//! Security identifiers: the names of users, groups and services that access lists hold ([MS-DTYP] 2.4.2).

use std::fmt;
use std::str::FromStr;

use sha1::{Digest as _, Sha1};

use crate::name::ServiceName;

/// The most sub-authorities that an identifier has.
const MAX_SUB_AUTHORITIES: usize = 15;

/// The largest authority: it has 48 bits.
const MAX_AUTHORITY: u64 = 0xFFFF_FFFF_FFFF;

/// `SECURITY_NT_AUTHORITY` ([MS-DTYP] 2.4.1.1).
const NT: u64 = 5;

/// `SECURITY_SERVICE_ID_BASE_RID` ([MS-DTYP] 2.4.2.4).
const SERVICE: u32 = 80;

/// `SECURITY_BUILTIN_DOMAIN_RID` ([MS-DTYP] 2.4.2.4).
const BUILTIN: u32 = 32;

/// A security identifier.
///
/// ```
/// use svckit_core::sid::Sid;
/// let administrators: Sid = "S-1-5-32-544".parse()?;
/// assert_eq!(administrators, Sid::ADMINISTRATORS);
/// # Ok::<(), svckit_core::sid::SidError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sid {
    /// INVARIANT: at most [`MAX_AUTHORITY`].
    authority: u64,
    /// INVARIANT: zeros after the first `count`, so that equal identifiers are equal here.
    sub_authorities: [u32; MAX_SUB_AUTHORITIES],
    /// INVARIANT: at most [`MAX_SUB_AUTHORITIES`].
    count: u8,
}

/// Why a text is no [`Sid`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a security identifier is S-1, an authority and up to 15 numbers, with hyphens between them: S-1-5-18"
)]
pub struct SidError;

/// Identifiers that are the same everywhere ([MS-DTYP] 2.4.2.4).
impl Sid {
    /// Everybody.
    pub const EVERYONE: Self = Self::well_known(1, &[0]);
    /// Stands for the owner of what an access list is about.
    pub const OWNER_RIGHTS: Self = Self::well_known(3, &[4]);
    /// Whoever comes over the network.
    pub const NETWORK: Self = Self::well_known(NT, &[2]);
    /// Whoever logged on without a name.
    pub const ANONYMOUS: Self = Self::well_known(NT, &[7]);
    /// Whoever logged on with a name.
    pub const AUTHENTICATED_USERS: Self = Self::well_known(NT, &[11]);
    /// `LocalSystem`.
    pub const LOCAL_SYSTEM: Self = Self::well_known(NT, &[18]);
    /// Whoever has shown who it is by NTLM.
    pub const NTLM: Self = Self::well_known(NT, &[64, 10]);
    /// Whoever has an account of the machine.
    pub const LOCAL_ACCOUNT: Self = Self::well_known(NT, &[113]);
    /// Administrators that have an account of the machine.
    pub const LOCAL_ADMINISTRATOR: Self = Self::well_known(NT, &[114]);
    /// The users of the machine.
    pub const USERS: Self = Self::builtin(545);
    /// The administrators of the machine.
    pub const ADMINISTRATORS: Self = Self::well_known(NT, &[BUILTIN, 544]);

    /// An identifier that is known when this is compiled.
    pub(crate) const fn well_known(authority: u64, numbers: &[u32]) -> Self {
        assert!(authority <= MAX_AUTHORITY && numbers.len() <= MAX_SUB_AUTHORITIES);
        let mut sub_authorities = [0; MAX_SUB_AUTHORITIES];
        let (head, _) = sub_authorities.split_at_mut(numbers.len());
        head.copy_from_slice(numbers);
        Self { authority, sub_authorities, count: numbers.len() as u8 }
    }

    /// A group that every machine has, by its number.
    pub(crate) const fn builtin(number: u32) -> Self {
        Self::well_known(NT, &[BUILTIN, number])
    }

    /// An identifier of an authority and its numbers; `None` if there are too many, or the authority has more than 48 bits.
    pub fn new(authority: u64, sub_authorities: &[u32]) -> Option<Self> {
        let possible = authority <= MAX_AUTHORITY && sub_authorities.len() <= MAX_SUB_AUTHORITIES;
        possible.then(|| Self::well_known(authority, sub_authorities))
    }

    /// The authority that gave the identifier.
    pub fn authority(&self) -> u64 {
        self.authority
    }

    /// The numbers after the authority; the last tells members of a domain apart.
    pub fn sub_authorities(&self) -> &[u32] {
        &self.sub_authorities[..usize::from(self.count)]
    }
}

/// `S-1-5-32-544`; an authority of more than 32 bits is written in hexadecimal ([MS-DTYP] 2.4.2.1).
impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u32::try_from(self.authority) {
            Ok(authority) => write!(f, "S-1-{authority}")?,
            Err(_) => write!(f, "S-1-{:#014x}", self.authority)?,
        }
        self.sub_authorities().iter().try_for_each(|number| write!(f, "-{number}"))
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sid {
    type Err = SidError;
    fn from_str(text: &str) -> Result<Self, SidError> {
        let mut parts = text.split('-');
        let start = (parts.next(), parts.next());
        if !matches!(start, (Some("S" | "s"), Some("1"))) {
            return Err(SidError);
        }
        let authority = parts.next().ok_or(SidError)?;
        let authority = match authority.strip_prefix("0x").or(authority.strip_prefix("0X")) {
            Some(digits) if digits.len() == 12 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
                u64::from_str_radix(digits, 16).map_err(|_| SidError)?
            }
            Some(_) => return Err(SidError),
            None => u64::from(number(authority)?),
        };
        let numbers = parts.map(number).collect::<Result<Vec<u32>, SidError>>()?;
        Self::new(authority, &numbers).ok_or(SidError)
    }
}

/// Digits alone: no sign.
fn number(text: &str) -> Result<u32, SidError> {
    if text.bytes().all(|digit| digit.is_ascii_digit()) {
        text.parse().map_err(|_| SidError)
    } else {
        Err(SidError)
    }
}

/// The security identifier of the service with this name (`NT SERVICE\NAME`), whether there is one or not: the SHA-1 hash of the name in upper case and
/// UTF-16, as five numbers.
///
/// ```
/// use svckit_core::name::ServiceName;
/// use svckit_core::sid::service_sid;
/// let name = ServiceName::new("TrustedInstaller")?;
/// assert_eq!(service_sid(&name).to_string(), "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464");
/// # Ok::<(), svckit_core::name::NameError>(())
/// ```
pub fn service_sid(name: &ServiceName) -> Sid {
    let bytes: Vec<u8> = name.folded().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut numbers = [SERVICE; 6];
    let hash = Sha1::digest(&bytes);
    let (words, _) = hash.as_chunks();
    for (number, word) in numbers[1..].iter_mut().zip(words) {
        *number = u32::from_le_bytes(*word);
    }
    Sid::well_known(NT, &numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sid(name: &str) -> String {
        service_sid(&ServiceName::new(name).unwrap()).to_string()
    }

    /// Identifiers that Microsoft and others publish for services that every Windows or SQL Server has.
    #[test]
    fn published_identifiers_are_computed() {
        for (name, expected) in [
            ("TrustedInstaller", "956008885-3418522649-1831038044-1853292631-2271478464"),
            ("WdiServiceHost", "3139157870-2983391045-3678747466-658725712-1809340420"),
            ("MSSQLSERVER", "3880718306-3832830129-1677859214-2598158968-1052248003"),
        ] {
            assert_eq!(sid(name), format!("S-1-5-80-{expected}"), "{name}");
        }
    }

    #[test]
    fn names_that_differ_only_in_case_have_one_identifier() {
        assert_eq!(sid("Größe"), sid("GRÖßE"));
        assert_ne!(sid("web"), sid("web2"));
    }

    #[test]
    fn identifiers_have_their_usual_text() {
        for text in ["S-1-0", "S-1-1-0", "S-1-5-32-544", "S-1-4294967295-4294967295", "S-1-0x123456789abc-1"]
        {
            assert_eq!(text.parse::<Sid>().unwrap().to_string(), text);
        }
        assert_eq!("s-1-5-18".parse(), Ok(Sid::LOCAL_SYSTEM));
        assert_eq!("S-1-0x000000000005-18".parse(), Ok(Sid::LOCAL_SYSTEM));
    }

    #[test]
    fn what_is_no_identifier_is_refused() {
        let long = format!("S-1-5{}", "-1".repeat(16));
        for text in [
            "",
            "S",
            "S-1",
            "S-1-",
            "S-2-5-18",
            "S-1-5-",
            "S-1-5-+1",
            "S-1-5-4294967296",
            "S-1-4294967296-1",
            "S-1-0x5-18",
            "S-1-0x1234567890123-1",
            "S-1-5-18 ",
            "SY",
            &long,
        ] {
            assert_eq!(text.parse::<Sid>(), Err(SidError), "{text}");
        }
    }
}
