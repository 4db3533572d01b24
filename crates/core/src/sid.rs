//! The security identifier of a service: an account name of its own (`NT SERVICE\NAME`) that access lists can hold.

use std::fmt::Write as _;

use sha1::{Digest as _, Sha1};

use crate::name::ServiceName;

/// The identifier authority and the first sub-authority of all services (`SECURITY_SERVICE_ID_BASE_RID`, [MS-DTYP] 2.4.2.4).
const PREFIX: &str = "S-1-5-80";

/// The security identifier of the service with this name, whether there is one or not: the SHA-1 hash of the name in upper case and UTF-16, as five numbers.
///
/// ```
/// use svckit_core::name::ServiceName;
/// use svckit_core::sid::service_sid;
/// let name = ServiceName::new("TrustedInstaller")?;
/// assert_eq!(service_sid(&name), "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464");
/// # Ok::<(), svckit_core::name::NameError>(())
/// ```
pub fn service_sid(name: &ServiceName) -> String {
    let bytes: Vec<u8> = name.folded().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut sid = PREFIX.to_owned();
    let mut number = [0; 4];
    for part in Sha1::digest(&bytes).chunks_exact(4) {
        number.copy_from_slice(part);
        // Writing into a string can't fail.
        let _ = write!(sid, "-{}", u32::from_le_bytes(number));
    }
    sid
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sid(name: &str) -> String {
        service_sid(&ServiceName::new(name).unwrap())
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
}
