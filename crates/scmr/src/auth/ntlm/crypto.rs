//! What NTLMv2 computes ([MS-NLMP] 3.3.2, 3.4.5).

use hmac::{Hmac, KeyInit, Mac};
use md4::Md4;
use md5::{Digest, Md5};
use rc4::{Rc4, StreamCipher};
use zeroize::Zeroizing;

use crate::auth::NtHash;
use crate::ndr::wide;

/// A key or digest.
pub(crate) type Key = Zeroizing<[u8; 16]>;

/// Which way a key goes (`Mode`, [MS-NLMP] 3.4.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    ToServer,
    ToClient,
}

/// `NTOWFv1` ([MS-NLMP] 3.3.1): the MD4 of the password in UTF-16.
pub(crate) fn nt_hash(password: &str) -> Key {
    // As long as it can become: a buffer that grew would leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * password.len()));
    wide::write(&mut bytes, password);
    Zeroizing::new(Md4::digest(&*bytes).into())
}

/// `NTOWFv2` ([MS-NLMP] 3.3.2): bound to the user, in capitals, and the domain, as it was given.
pub(crate) fn response_key(hash: &NtHash, user: &str, domain: &str) -> Key {
    let mut name = Vec::new();
    wide::write(&mut name, &capitals(user));
    wide::write(&mut name, domain);
    hmac(hash.as_bytes(), &[&name])
}

/// `NTProofStr` ([MS-NLMP] 3.3.2); `temp` is what follows it in the response.
pub(crate) fn proof(key: &Key, server_challenge: &[u8; 8], temp: &[u8]) -> Key {
    hmac(key, &[server_challenge, temp])
}

/// `SessionBaseKey`, which is the `KeyExchangeKey`, too ([MS-NLMP] 3.3.2, 3.4.5.1).
pub(crate) fn exchange_key(key: &Key, proof: &[u8; 16]) -> Key {
    hmac(key, &[proof])
}

/// `RC4K` ([MS-NLMP] 6) of a key: both ways.
pub(crate) fn crypt_key(with: &Key, key: &[u8; 16]) -> Key {
    let mut crypted = Zeroizing::new(*key);
    cipher(with).apply_keystream(&mut *crypted);
    crypted
}

/// `MIC` ([MS-NLMP] 3.1.5.1.2): of the three messages, the last with zeros in its place.
pub(crate) fn mic(session_key: &Key, messages: [&[u8]; 3]) -> Key {
    hmac(session_key, &messages)
}

/// `SIGNKEY` ([MS-NLMP] 3.4.5.2).
pub(crate) fn sign_key(session_key: &Key, way: Way) -> Key {
    derive(session_key, way, "signing")
}

/// `SEALKEY` for 128 bits ([MS-NLMP] 3.4.5.3).
pub(crate) fn seal_key(session_key: &Key, way: Way) -> Key {
    derive(session_key, way, "sealing")
}

/// RC4 with a key.
pub(crate) fn cipher(key: &Key) -> Rc4 {
    Rc4::new_from_slice(&**key).unwrap_or_else(|_| unreachable!("RC4 takes keys of 16 bytes"))
}

/// `HMAC_MD5` ([MS-NLMP] 6) of parts that belong together.
pub(crate) fn hmac(key: &[u8; 16], parts: &[&[u8]]) -> Key {
    let mut mac: Hmac<Md5> =
        KeyInit::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    parts.iter().for_each(|part| mac.update(part));
    Zeroizing::new(mac.finalize().into_bytes().into())
}

fn derive(session_key: &Key, way: Way, what: &str) -> Key {
    let way = match way {
        Way::ToServer => "client-to-server",
        Way::ToClient => "server-to-client",
    };
    let mut digest = Md5::new();
    digest.update(**session_key);
    digest.update(format!("session key to {way} {what} key magic constant\0"));
    Zeroizing::new(digest.finalize().into())
}

/// As Windows makes capitals of names: one for one, and only in the first plane of Unicode.
fn capitals(text: &str) -> String {
    let capital = |c: char| {
        let mut upper = c.to_uppercase();
        match (upper.next(), upper.next()) {
            (Some(one), None) if u32::from(c) <= 0xffff => one,
            _ => c,
        }
    };
    text.chars().map(capital).collect()
}
