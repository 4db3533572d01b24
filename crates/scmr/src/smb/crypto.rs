//! Keys, signatures and encryption ([MS-SMB2] 3.1.4.1 to 3.1.4.3, 2.2.41).

use std::fmt;

use aes::{Aes128, Aes256};
use aes_gcm::AesGcm;
use aes_gcm::aead::array::typenum::{U11, U12, U16};
use aes_gcm::aead::{AeadInOut, KeyInit, Nonce, Tag};
use ccm::Ccm;
use cmac::{Cmac, Mac};
use hmac::Hmac;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::SmbError;
use super::frame::{ENCRYPTED, Fields, SIGNATURE, command, flags};
use super::negotiate::Dialect;

/// A key; 16 bytes of most, 32 of AES-256.
pub(super) type Key = Zeroizing<Vec<u8>>;

/// How long `SMB2 TRANSFORM_HEADER` is ([MS-SMB2] 2.2.41).
const TRANSFORM: usize = 52;

/// Where its nonce begins, and with it what is authenticated.
const NONCE: usize = 20;

/// `Connection.PreauthIntegrityHashValue` ([MS-SMB2] 3.2.1.2): of everything that was said before there was a key.
#[derive(Clone)]
pub(super) struct Preauth([u8; 64]);

impl Preauth {
    pub(super) fn new() -> Self {
        Self([0; 64])
    }

    pub(super) fn add(&mut self, message: &[u8]) {
        self.0 = Sha512::new().chain_update(self.0).chain_update(message).finalize().into();
    }

    #[cfg(test)]
    pub(super) const fn of(value: [u8; 64]) -> Self {
        Self(value)
    }
}

/// What a session's messages are signed with (`SigningAlgorithmId`, [MS-SMB2] 2.2.3.1.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// AES-128-CMAC, the only one before dialect 3.1.1.
    Cmac,
    /// AES-128-GMAC.
    Gmac,
}

/// How a session's messages are encrypted (`Ciphers`, [MS-SMB2] 2.2.3.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cipher {
    /// AES-128-CCM, the only one before dialect 3.1.1.
    Aes128Ccm,
    /// AES-128-GCM.
    Aes128Gcm,
    /// AES-256-CCM.
    Aes256Ccm,
    /// AES-256-GCM.
    Aes256Gcm,
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aes128Ccm => "AES-128-CCM",
            Self::Aes128Gcm => "AES-128-GCM",
            Self::Aes256Ccm => "AES-256-CCM",
            Self::Aes256Gcm => "AES-256-GCM",
        })
    }
}

/// `KDF` ([MS-SMB2] 3.1.4.2): one block of SP800-108's counter mode, which is enough for each of the keys.
pub(super) fn derive(key: &[u8], label: &[u8], context: &[u8], length: usize) -> Key {
    let bits = u32::try_from(8 * length).unwrap_or(u32::MAX);
    let mut derived = hmac(key, &[&1_u32.to_be_bytes(), label, &[0], context, &bits.to_be_bytes()]);
    derived.truncate(length);
    derived
}

/// The key that signs.
pub(super) struct Signing {
    algorithm: Algorithm,
    key: Key,
}

impl Signing {
    /// Of the key of a session ([MS-SMB2] 3.2.5.3.3).
    pub(super) fn new(dialect: Dialect, algorithm: Algorithm, session: &[u8], preauth: &Preauth) -> Self {
        let session = first(session);
        let key = match dialect {
            Dialect::V3_1_1 => derive(&session, b"SMBSigningKey\0", &preauth.0, 16),
            Dialect::V3_0 | Dialect::V3_0_2 => derive(&session, b"SMB2AESCMAC\0", b"SmbSign\0", 16),
        };
        Self { algorithm, key }
    }

    /// Signs a message.
    pub(super) fn sign(&self, message: &mut [u8]) -> Result<(), SmbError> {
        let signature = self.signature(message)?;
        message[SIGNATURE].copy_from_slice(&signature);
        Ok(())
    }

    /// Checks the signature of a message.
    pub(super) fn check(&self, message: &[u8]) -> Result<(), SmbError> {
        if Fields::new(message, "the header").u32(16)? & flags::SIGNED == 0 {
            return Err(SmbError::Unsigned);
        }
        let expected = self.signature(message)?;
        if bool::from(expected.ct_eq(&message[SIGNATURE])) { Ok(()) } else { Err(SmbError::Altered) }
    }

    /// The signature of a message with zeros in its place ([MS-SMB2] 3.1.4.1).
    pub(super) fn signature(&self, message: &[u8]) -> Result<[u8; 16], SmbError> {
        let fields = Fields::new(message, "the header");
        fields.bytes(SIGNATURE.start, SIGNATURE.len())?;
        let parts: [&[u8]; 3] = [&message[..SIGNATURE.start], &[0; 16], &message[SIGNATURE.end..]];
        match self.algorithm {
            Algorithm::Cmac => {
                let mut mac: Cmac<Aes128> = KeyInit::new_from_slice(&self.key).map_err(|_| no_key())?;
                parts.iter().for_each(|part| mac.update(part));
                Ok(mac.finalize().into_bytes().into())
            }
            Algorithm::Gmac => {
                let mut nonce = [0; 12];
                nonce[..8].copy_from_slice(fields.bytes(24, 8)?); // MessageId
                let is_cancel = fields.u16(12)? == command::CANCEL;
                nonce[8] = u8::from(fields.u32(16)? & flags::ANSWER != 0) | u8::from(is_cancel) << 1;
                seal::<AesGcm<Aes128, U12>>(&self.key, &nonce, &parts.concat(), &mut [])
            }
        }
    }
}

/// What encrypts both ways.
pub(super) struct Encryption {
    cipher: Cipher,
    /// `Session.EncryptionKey`, of messages to the server.
    ours: Key,
    /// `Session.DecryptionKey`.
    theirs: Key,
    /// `Session.ApplicationKey`, for secrets within what is encrypted.
    application: Zeroizing<[u8; 16]>,
    /// How many messages were encrypted: a nonce may not come twice.
    count: u64,
}

impl Encryption {
    /// Of the key of a session ([MS-SMB2] 3.2.5.3.3): AES-256 takes as much of it as there is.
    pub(super) fn new(dialect: Dialect, cipher: Cipher, session: &[u8], preauth: &Preauth) -> Self {
        let application = application_key(dialect, session, preauth);
        let (session, length) = match cipher {
            Cipher::Aes256Ccm | Cipher::Aes256Gcm => (Zeroizing::new(session.to_vec()), 32),
            _ => (first(session), 16),
        };
        let (ours, theirs) = match dialect {
            Dialect::V3_1_1 => (
                derive(&session, b"SMBC2SCipherKey\0", &preauth.0, length),
                derive(&session, b"SMBS2CCipherKey\0", &preauth.0, length),
            ),
            _ => (
                derive(&session, b"SMB2AESCCM\0", b"ServerIn \0", length),
                derive(&session, b"SMB2AESCCM\0", b"ServerOut\0", length),
            ),
        };
        Self { cipher, ours, theirs, application, count: 0 }
    }

    /// Encrypts a message.
    pub(super) fn seal(&mut self, session: u64, message: &[u8]) -> Result<Vec<u8>, SmbError> {
        self.count += 1;
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.count.to_le_bytes());
        self.seal_with(nonce, session, message)
    }

    pub(super) fn seal_with(
        &self,
        nonce: [u8; 16],
        session: u64,
        message: &[u8],
    ) -> Result<Vec<u8>, SmbError> {
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let mut out = Vec::with_capacity(TRANSFORM + message.len());
        out.extend(ENCRYPTED); // ProtocolId
        out.extend([0; 16]); // Signature
        out.extend(nonce); // Nonce
        out.extend(length.to_le_bytes()); // OriginalMessageSize
        out.extend([0, 0, 1, 0]); // Reserved, Flags: it is encrypted
        out.extend(session.to_le_bytes()); // SessionId
        out.extend_from_slice(message);
        let (head, body) = out.split_at_mut(TRANSFORM);
        let (key, aad) = (&self.ours, &head[NONCE..]);
        let tag = match self.cipher {
            Cipher::Aes128Ccm => seal::<Ccm<Aes128, U16, U11>>(key, &nonce[..11], aad, body),
            Cipher::Aes128Gcm => seal::<AesGcm<Aes128, U12>>(key, &nonce[..12], aad, body),
            Cipher::Aes256Ccm => seal::<Ccm<Aes256, U16, U11>>(key, &nonce[..11], aad, body),
            Cipher::Aes256Gcm => seal::<AesGcm<Aes256, U12>>(key, &nonce[..12], aad, body),
        }?;
        head[4..NONCE].copy_from_slice(&tag);
        Ok(out)
    }

    /// Decrypts a message of the server.
    pub(super) fn open(&self, session: u64, message: &[u8]) -> Result<Vec<u8>, SmbError> {
        let fields = Fields::new(message, "the header of an encrypted message");
        let tag: [u8; 16] = fields.array(4)?;
        let nonce: [u8; 16] = fields.array(NONCE)?;
        let aad = fields.bytes(NONCE, TRANSFORM - NONCE)?;
        if fields.u64(44)? != session || fields.u32(36)? as usize != message.len() - TRANSFORM {
            return Err(SmbError::Malformed { what: "the header of an encrypted message" });
        }
        let mut body = message[TRANSFORM..].to_vec();
        let key = &self.theirs;
        match self.cipher {
            Cipher::Aes128Ccm => open::<Ccm<Aes128, U16, U11>>(key, &nonce[..11], aad, &mut body, &tag),
            Cipher::Aes128Gcm => open::<AesGcm<Aes128, U12>>(key, &nonce[..12], aad, &mut body, &tag),
            Cipher::Aes256Ccm => open::<Ccm<Aes256, U16, U11>>(key, &nonce[..11], aad, &mut body, &tag),
            Cipher::Aes256Gcm => open::<AesGcm<Aes256, U12>>(key, &nonce[..12], aad, &mut body, &tag),
        }?;
        Ok(body)
    }

    /// The key that applications get ([MS-SMB2] 3.2.4.25). A session that is only signed has none here: nothing secret goes over it.
    pub(super) fn application_key(&self) -> &[u8; 16] {
        &self.application
    }

    /// How it encrypts.
    pub(super) fn cipher(&self) -> Cipher {
        self.cipher
    }

    /// The same as the other side has it.
    #[cfg(test)]
    pub(super) fn reversed(mut self) -> Self {
        std::mem::swap(&mut self.ours, &mut self.theirs);
        self
    }
}

/// `Session.ApplicationKey` ([MS-SMB2] 3.2.5.3.1): of the first 16 bytes, whatever encrypts.
pub(super) fn application_key(dialect: Dialect, session: &[u8], preauth: &Preauth) -> Zeroizing<[u8; 16]> {
    let mut key = Zeroizing::new([0; 16]);
    key.copy_from_slice(&match dialect {
        Dialect::V3_1_1 => derive(&first(session), b"SMBAppKey\0", &preauth.0, 16),
        Dialect::V3_0 | Dialect::V3_0_2 => derive(&first(session), b"SMB2APP\0", b"SmbRpc\0", 16),
    });
    key
}

/// `Session.SessionKey`: the first 16 bytes of what the logon gave, filled up with zeros.
fn first(session: &[u8]) -> Key {
    let mut key = Zeroizing::new(session.to_vec());
    key.resize(16, 0);
    key
}

fn seal<A: AeadInOut + KeyInit>(
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    body: &mut [u8],
) -> Result<[u8; 16], SmbError> {
    let cipher = A::new_from_slice(key).map_err(|_| no_key())?;
    let nonce = Nonce::<A>::try_from(nonce).map_err(|_| no_key())?;
    let tag = cipher.encrypt_inout_detached(&nonce, aad, body.into()).map_err(|_| no_key())?;
    tag.as_slice().try_into().map_err(|_| no_key())
}

fn open<A: AeadInOut + KeyInit>(
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    body: &mut [u8],
    tag: &[u8; 16],
) -> Result<(), SmbError> {
    let cipher = A::new_from_slice(key).map_err(|_| no_key())?;
    let nonce = Nonce::<A>::try_from(nonce).map_err(|_| no_key())?;
    let tag = Tag::<A>::try_from(tag.as_slice()).map_err(|_| no_key())?;
    cipher.decrypt_inout_detached(&nonce, aad, body.into(), &tag).map_err(|_| SmbError::Altered)
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Key {
    let mut mac: Hmac<Sha256> =
        KeyInit::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    parts.iter().for_each(|part| mac.update(part));
    Zeroizing::new(mac.finalize().into_bytes().to_vec())
}

/// Lengths are right by construction; what is too long for a cipher is no message of ours.
fn no_key() -> SmbError {
    SmbError::Malformed { what: "a key or the length of a message" }
}
