use crate::auth::AuthError;
use crate::ndr::{Reader, Writer, wide};

/// `AvId` ([MS-NLMP] 2.2.2.1).
pub mod name {
    /// `MsvAvEOL`.
    pub const END: u16 = 0;
    /// `MsvAvNbComputerName`.
    pub const COMPUTER: u16 = 1;
    /// `MsvAvNbDomainName`.
    pub const DOMAIN: u16 = 2;
    /// `MsvAvDnsComputerName`.
    pub const DNS_COMPUTER: u16 = 3;
    /// `MsvAvDnsDomainName`.
    pub const DNS_DOMAIN: u16 = 4;
    /// `MsvAvFlags`.
    pub const FLAGS: u16 = 6;
    /// `MsvAvTimestamp`.
    pub const TIME: u16 = 7;
    /// `MsvAvTargetName`.
    pub const TARGET: u16 = 9;
    /// `MsvAvChannelBindings`.
    pub const BINDINGS: u16 = 10;
}

/// The bit of `MsvAvFlags` that says that there is a MIC.
const HAS_MIC: u32 = 2;

/// A list of `AV_PAIR` ([MS-NLMP] 2.2.2.1): what a server says of itself, and a client gives back with more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names(Vec<(u16, Vec<u8>)>);

impl Names {
    /// The value of the first with this `AvId`.
    pub fn value(&self, id: u16) -> Option<&[u8]> {
        self.0.iter().find(|(found, _)| *found == id).map(|(_, value)| value.as_slice())
    }

    /// Sets a value, in place of another if there is one.
    pub fn set(&mut self, id: u16, value: Vec<u8>) {
        match self.0.iter_mut().find(|(found, _)| *found == id) {
            Some((_, old)) => *old = value,
            None => self.0.push((id, value)),
        }
    }

    /// Sets a text.
    pub fn set_text(&mut self, id: u16, text: &str) {
        let mut value = Vec::new();
        wide::write(&mut value, text);
        self.set(id, value);
    }

    /// `MsvAvTimestamp`: in units of 100 ns since 1601.
    pub fn time(&self) -> Option<u64> {
        self.value(name::TIME)?.try_into().map(u64::from_le_bytes).ok()
    }

    /// Whether `MsvAvFlags` says that there is a MIC.
    pub fn has_mic(&self) -> bool {
        self.flags() & HAS_MIC != 0
    }

    /// Says in `MsvAvFlags` that there is a MIC.
    pub(super) fn set_mic(&mut self) {
        self.set(name::FLAGS, (self.flags() | HAS_MIC).to_le_bytes().to_vec());
    }

    fn flags(&self) -> u32 {
        self.value(name::FLAGS).and_then(|value| value.try_into().ok()).map_or(0, u32::from_le_bytes)
    }

    /// Writes the list and its end.
    pub(super) fn write(&self, w: &mut Writer) {
        for (id, value) in &self.0 {
            w.raw(&id.to_le_bytes()); // AvId
            w.raw(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes()); // AvLen
            w.raw(value); // Value
        }
        w.raw(&[0; 4]); // MsvAvEOL
    }

    /// Reads a list up to its end.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, AuthError> {
        let short = |_| AuthError::Malformed { what: "a list of names ends too early" };
        let mut r = Reader::new(bytes);
        let mut names = Self::default();
        loop {
            let id = r.array().map(u16::from_le_bytes).map_err(short)?; // AvId
            let length = r.array().map(u16::from_le_bytes).map_err(short)?; // AvLen
            if id == name::END {
                return Ok(names);
            }
            names.0.push((id, r.take(length.into()).map_err(short)?.to_vec()));
        }
    }
}
