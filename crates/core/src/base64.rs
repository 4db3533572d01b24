//! Bytes as text: the base64 of RFC 4648, with padding.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The text of bytes.
pub fn encode(data: &[u8]) -> String {
    STANDARD.encode(data)
}

/// The bytes of a text, if it is one of some.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(plain.as_bytes()), coded);
            assert_eq!(decode(coded).unwrap(), plain.as_bytes());
        }
        assert_eq!(encode(&[0xFB, 0xFF, 0xBE]), "+/++");
        assert_eq!(decode("Zg"), None);
    }
}
