//! Secrets within calls through a pipe over SMB, encrypted with the key that applications get of the session ([MS-LSAD] 5.1.2, 5.1.3).
//!
//! The cipher is DES in a mode of its own, and protects nothing by itself: whoever hears what is sent can try all keys of a block, and whoever changes a block changes a part of the secret. It is what servers expect within a
//! connection that is encrypted anyway, and goes nowhere else.

use des::Des;
use des::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use zeroize::Zeroizing;

/// How long a block is, in bytes.
const BLOCK: usize = 8;

/// Where the key of each block begins, in turn (`AdvanceKey`, [MS-LSAD] 5.1.2): 7 bytes, and in the end from the beginning again by as many as were missing.
const KEYS: [usize; 4] = [0, 7, 2, 9];

/// `Version` of the first block.
const VERSION: u32 = 1;

/// Why a secret can't be decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It isn't made of whole blocks, or of other ones than its length says.
    #[error("an encrypted secret of {length} bytes is cut off or has bytes that don't belong to it")]
    Length {
        /// Its length in bytes.
        length: usize,
    },
    /// The first block makes no sense: the key is another one.
    #[error("a secret was encrypted with another key")]
    Key,
}

/// Encrypts a secret (`encrypt_secret`, [MS-LSAD] 5.1.2) of up to 4 GiB.
pub fn encrypt(key: &[u8; 16], secret: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = u32::try_from(secret.len()).unwrap_or(u32::MAX);
    // All at once: what grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(encrypted_length(secret.len())));
    bytes.extend(length.to_le_bytes());
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend_from_slice(secret);
    bytes.resize(encrypted_length(secret.len()), 0);
    for (block, cipher) in bytes.as_chunks_mut::<BLOCK>().0.iter_mut().zip(ciphers(key)) {
        cipher.encrypt_block(block.into());
    }
    bytes
}

/// Decrypts a secret (`decrypt_secret`, [MS-LSAD] 5.1.2).
pub fn decrypt(key: &[u8; 16], encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let wrong = SecretError::Length { length: encrypted.len() };
    let mut bytes = Zeroizing::new(encrypted.to_vec());
    let (blocks, rest) = bytes.as_chunks_mut::<BLOCK>();
    if blocks.is_empty() || !rest.is_empty() {
        return Err(wrong);
    }
    for (block, cipher) in blocks.iter_mut().zip(ciphers(key)) {
        cipher.decrypt_block(block.into());
    }
    let [l0, l1, l2, l3, version @ ..] = blocks[0];
    if u32::from_le_bytes(version) != VERSION {
        return Err(SecretError::Key);
    }
    let length = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).map_err(|_| wrong)?;
    let secret = bytes.get(BLOCK..).and_then(|secret| secret.get(..length)).ok_or(wrong)?;
    match encrypted_length(length) == encrypted.len() {
        true => Ok(Zeroizing::new(secret.to_vec())),
        false => Err(wrong),
    }
}

/// How long a secret is when it is encrypted: a block before it, and zeros after it.
const fn encrypted_length(length: usize) -> usize {
    BLOCK + length.next_multiple_of(BLOCK)
}

/// The ciphers of the blocks, one after the other.
fn ciphers(key: &[u8; 16]) -> impl Iterator<Item = Des> {
    KEYS.iter().cycle().map(|start| {
        let mut seven = Zeroizing::new([0; 7]);
        seven.copy_from_slice(&key[*start..start + 7]);
        Des::new((&*spread(&seven)).into())
    })
}

/// The key of DES in 7 bytes: 7 bits of each of the 8, above the one for parity, which says nothing (`des_ecb_lm`, [MS-LSAD] 5.1.3).
fn spread(seven: &[u8; 7]) -> Zeroizing<[u8; 8]> {
    let mut key = Zeroizing::new([0; 8]);
    for (index, byte) in key.iter_mut().enumerate() {
        let before = index.checked_sub(1).map_or(0, |at| seven[at] << (8 - index));
        let own = seven.get(index).map_or(0, |own| own >> index);
        *byte = (before | own) & 0xfe;
    }
    key
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// The example of [MS-LSAD] 5.1.4.
    const KEY: [u8; 16] =
        [0x4e, 0x98, 0xc9, 0x10, 0xb2, 0xa9, 0x88, 0xd7, 0x92, 0xfb, 0x5a, 0xa3, 0x3e, 0x8e, 0xf7, 0x86];
    const ENCRYPTED: [u8; 32] = [
        0xaf, 0x78, 0x44, 0x03, 0xfb, 0xa0, 0x92, 0x27, 0x8c, 0x95, 0xfc, 0x7e, 0x88, 0x56, 0x4c, 0xcd, 0x7c,
        0xd0, 0xc2, 0x41, 0xda, 0x6f, 0x14, 0x41, 0x56, 0x26, 0xcd, 0xa5, 0x81, 0xe9, 0x22, 0x3d,
    ];

    fn clear() -> Vec<u8> {
        "Password123".encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn the_example_of_the_specification_is_encrypted_and_decrypted() {
        assert_eq!(*encrypt(&KEY, &clear()), ENCRYPTED);
        assert_eq!(*decrypt(&KEY, &ENCRYPTED).unwrap(), clear());
    }

    #[test]
    fn keys_of_blocks_are_those_of_the_example() {
        let keys = [
            [0x4f, 0x4c, 0x32, 0x23, 0x0b, 0x94, 0xa7, 0x10],
            [0xd6, 0xc8, 0xbf, 0x6b, 0xab, 0x19, 0xfb, 0x1c],
            [0xc8, 0x89, 0x2c, 0x54, 0x98, 0x46, 0x5e, 0x25],
            [0xfb, 0xad, 0xa8, 0x67, 0xe9, 0x76, 0xdf, 0x0d],
        ];
        for (start, key) in KEYS.into_iter().zip(keys) {
            let seven = KEY[start..start + 7].try_into().unwrap();
            // The example has the parity in its bits.
            assert_eq!(*spread(&seven), key.map(|byte: u8| byte & 0xfe));
        }
    }

    #[test]
    fn what_is_no_secret_of_this_key_is_refused() {
        let length = |length| Err(SecretError::Length { length });
        for cut in [0, 1, 8, 16, 24, 31] {
            assert_eq!(decrypt(&KEY, &ENCRYPTED[..cut]), length(cut));
        }
        let more = [&ENCRYPTED[..], &[0; 8]].concat();
        assert_eq!(decrypt(&KEY, &more), length(40));
        assert_eq!(decrypt(&[7; 16], &ENCRYPTED), Err(SecretError::Key));
    }

    proptest! {
        #[test]
        fn what_was_encrypted_is_decrypted(key: [u8; 16], secret in vec(any::<u8>(), 0..600)) {
            let encrypted = encrypt(&key, &secret);
            prop_assert_eq!(encrypted.len(), 8 + secret.len().div_ceil(8) * 8);
            prop_assert_eq!(&*decrypt(&key, &encrypted).unwrap(), &secret);
        }

        #[test]
        fn whatever_comes_does_no_harm(key: [u8; 16], bytes in vec(any::<u8>(), 0..600)) {
            if let Ok(secret) = decrypt(&key, &bytes) {
                prop_assert!(secret.len() < bytes.len());
            }
        }
    }
}
