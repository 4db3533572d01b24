use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use svckit_core::sid::Sid;
use zeroize::Zeroizing;

use super::{Account, FIRST_NUMBER, fold};

/// The form that is written, and the only one that is known.
const FORM: u32 = 1;

/// The file of accounts.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content {
    form: u32,
    /// Which service control manager knows the accounts: in their security identifiers.
    machine: [u32; 3],
    /// The number of the next account.
    pub(super) next: u32,
    pub(super) accounts: Vec<Entry>,
}

/// An account.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) number: u32,
    #[serde(rename = "administrator")]
    pub(super) is_administrator: bool,
    pub(super) salt: [u8; 16],
    /// The verifier under its mask.
    pub(super) verifier: [u8; 16],
    /// Who it is for Kerberos.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) principal: Option<String>,
}

impl Content {
    pub(super) fn new(machine: [u32; 3]) -> Self {
        Self { form: FORM, machine, next: FIRST_NUMBER, accounts: Vec::new() }
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let content: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        match content.form {
            FORM => Ok(content),
            form => Err(format!("its form is {form}, and this version of svckit knows form {FORM}")),
        }
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|error| error.to_string())?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let folded = fold(name);
        self.accounts.iter().position(|entry| fold(&entry.name) == folded)
    }

    /// As Kerberos compares them: letter for letter.
    pub(super) fn find_principal(&self, principal: &str) -> Option<usize> {
        self.accounts.iter().position(|entry| entry.principal.as_deref() == Some(principal))
    }

    pub(super) fn account(&self, entry: &Entry) -> Account {
        Account {
            name: entry.name.clone(),
            is_administrator: entry.is_administrator,
            sid: self.sid(entry.number),
            principal: entry.principal.clone(),
        }
    }

    /// `S-1-5-21`, the machine, the account ([MS-DTYP] 2.4.2.4, `SECURITY_NT_NON_UNIQUE`).
    pub(super) fn sid(&self, number: u32) -> Sid {
        const NT: u64 = 5;
        const NOT_UNIQUE: u32 = 21;
        let [a, b, c] = self.machine;
        Sid::new(NT, &[NOT_UNIQUE, a, b, c, number]).unwrap_or(Sid::ANONYMOUS)
    }
}

/// What masks are made with.
pub(super) struct Key(Zeroizing<[u8; 32]>);

impl Key {
    pub(super) fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::new)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Puts the mask on a verifier, or takes it off.
    pub(super) fn mask(&self, salt: &[u8; 16], name: &str, verifier: &[u8; 16]) -> Zeroizing<[u8; 16]> {
        let mut masked = Zeroizing::new(*verifier);
        // As HMAC fills a short key up itself.
        let mut block = Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(self.as_bytes());
        let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
        mac.update(b"svckit account\0");
        mac.update(salt);
        mac.update(name.as_bytes());
        let mask = Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()));
        masked.iter_mut().zip(mask.iter()).for_each(|(byte, mask)| *byte ^= mask);
        masked
    }
}
