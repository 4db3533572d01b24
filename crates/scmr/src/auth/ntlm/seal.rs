use std::fmt;
use std::ops::Range;

use rc4::{Rc4, StreamCipher};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::crypto::{self, Key, Way};
use crate::auth::{AuthError, Protect};

/// `NTLMSSP_MESSAGE_SIGNATURE` ([MS-NLMP] 2.2.2.9.2): version, checksum, number.
const SIGNATURE: usize = 16;

/// What seals one way ([MS-NLMP] 3.4.2, 3.4.3): messages of one side, which are numbered and use up one stream of the cipher.
pub(super) struct Sealer {
    signing: Key,
    cipher: Rc4,
    sequence: u32,
}

/// Both ways.
pub struct Protection {
    session_key: Key,
    ours: Way,
    send: Sealer,
    receive: Sealer,
}

impl Sealer {
    pub(super) fn new(session_key: &Key, way: Way) -> Self {
        let signing = crypto::sign_key(session_key, way);
        Self { signing, cipher: crypto::cipher(&crypto::seal_key(session_key, way)), sequence: 0 }
    }

    /// `SEAL` ([MS-NLMP] 3.4.3): the part is encrypted, the signature is that of the whole in clear (3.4.6.1).
    pub(super) fn seal(&mut self, message: &mut [u8], part: Range<usize>) -> [u8; SIGNATURE] {
        let checksum = self.checksum(message);
        self.cipher.apply_keystream(&mut message[part]);
        self.sign(checksum)
    }

    /// The reverse of [`Self::seal`].
    fn open(&mut self, message: &mut [u8], part: Range<usize>, signature: &[u8]) -> Result<(), AuthError> {
        self.cipher.apply_keystream(&mut message[part]);
        let checksum = self.checksum(message);
        let expected = self.sign(checksum);
        if bool::from(expected.ct_eq(signature)) { Ok(()) } else { Err(AuthError::Altered) }
    }

    fn checksum(&self, message: &[u8]) -> Key {
        crypto::hmac(&self.signing, &[&self.sequence.to_le_bytes(), message])
    }

    /// `MAC` with key exchange ([MS-NLMP] 3.4.4.2).
    fn sign(&mut self, checksum: Key) -> [u8; SIGNATURE] {
        let mut signature = [0; SIGNATURE];
        signature[0] = 1; // Version
        signature[4..12].copy_from_slice(&checksum[..8]); // Checksum
        self.cipher.apply_keystream(&mut signature[4..12]);
        signature[12..].copy_from_slice(&self.sequence.to_le_bytes()); // SeqNum
        self.sequence = self.sequence.wrapping_add(1);
        signature
    }
}

impl Protection {
    pub(super) fn new(session_key: Key, ours: Way) -> Self {
        let send = Sealer::new(&session_key, ours);
        let receive = Sealer::new(&session_key, ours.other());
        Self { session_key, ours, send, receive }
    }
}

impl Protect for Protection {
    fn signature_length(&self) -> usize {
        SIGNATURE
    }

    fn seal(&mut self, packet: &mut [u8], part: Range<usize>) -> Vec<u8> {
        self.send.seal(packet, part).to_vec()
    }

    fn open(&mut self, packet: &mut [u8], part: Range<usize>, signature: &[u8]) -> Result<(), AuthError> {
        self.receive.open(packet, part, signature)
    }

    fn session_key(&self) -> Option<Zeroizing<Vec<u8>>> {
        Some(Zeroizing::new(self.session_key.to_vec()))
    }

    /// The state of the cipher is that of the first message, and is not changed by it ([MS-SPNG] 3.3.5.1).
    fn sign_apart(&mut self, text: &[u8]) -> Result<Vec<u8>, AuthError> {
        Ok(Sealer::new(&self.session_key, self.ours).seal(&mut text.to_vec(), 0..0).to_vec())
    }

    fn verify_apart(&mut self, text: &[u8], signature: &[u8]) -> Result<(), AuthError> {
        Sealer::new(&self.session_key, self.ours.other()).open(&mut text.to_vec(), 0..0, signature)
    }
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Protection(***)")
    }
}

impl Way {
    fn other(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }
}
