use std::fmt;

use crate::ndr::{Reader, Result, Writer};

/// A UUID in the order of the wire: the first three parts in little endian (C706 appendix A).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// The UUID with this value as it is written, read as one big-endian number.
    pub const fn from_u128(value: u128) -> Self {
        let b = value.to_be_bytes();
        Self([
            b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
            b[15],
        ])
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let b = Self::from_u128(u128::from_be_bytes(self.0)).0;
        for (index, byte) in b.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An interface or transfer syntax with its version (`p_syntax_id_t`, C706 12.6.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Syntax {
    /// `if_uuid`.
    pub uuid: Uuid,
    /// The major version, the low half of `if_version`.
    pub major: u16,
    /// The minor version, the high half of `if_version`.
    pub minor: u16,
}

/// The interface of [MS-SCMR] (1.9), version 2.0.
pub const SCMR: Syntax =
    Syntax { uuid: Uuid::from_u128(0x367abb81_9844_35f1_ad32_98f038001003), major: 2, minor: 0 };

/// The native interface ([`svckit_core::native::INTERFACE`]), version 1.0.
pub const NATIVE: Syntax =
    Syntax { uuid: Uuid::from_u128(0x7d6c1f6e_5b0a_4a5e_9d38_2f4c81c0b7a1), major: 1, minor: 0 };

/// The transfer syntax NDR32 (C706 14.1), version 2.0.
pub const NDR32: Syntax =
    Syntax { uuid: Uuid::from_u128(0x8a885d04_1ceb_11c9_9fe8_08002b104860), major: 2, minor: 0 };

impl Syntax {
    /// Nothing, where a proposal was rejected.
    pub(crate) const NONE: Self = Self { uuid: Uuid([0; 16]), major: 0, minor: 0 };

    /// Whether this is the UUID of a feature negotiation at bind time ([MS-RPCE] 3.3.1.5.3); its last bytes are the features.
    pub(crate) fn is_feature_negotiation(&self) -> bool {
        self.uuid.0[..8] == Uuid::from_u128(0x6cb71c2c_9812_4540_0000_000000000000).0[..8]
    }

    /// Whether a server of this interface can serve a client that asks for `wanted` (C706 6.1.5.2).
    pub(crate) fn serves(&self, wanted: &Self) -> bool {
        self.uuid == wanted.uuid && self.major == wanted.major && self.minor >= wanted.minor
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.raw(&self.uuid.0); // if_uuid
        w.u16(self.major); // if_version
        w.u16(self.minor);
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self> {
        Ok(Self { uuid: Uuid(r.array()?), major: r.u16()?, minor: r.u16()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_native_interface_is_that_of_core() {
        assert_eq!(NATIVE.uuid.to_string(), svckit_core::native::INTERFACE);
        assert_eq!(SCMR.uuid.to_string(), "367abb81-9844-35f1-ad32-98f038001003");
    }
}
