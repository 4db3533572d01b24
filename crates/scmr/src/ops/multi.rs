//! Lists of strings as the service API has them: UTF-16, each terminated, the list terminated by an empty one.

use svckit_core::Win32Error;

use crate::ndr::{Writer, wide};

/// The bytes of a list. Empty strings can't be in one, and are left out.
pub fn encode<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Vec<u8> {
    let mut w = Writer::new();
    for text in texts {
        let text = text.as_ref();
        if !text.is_empty() {
            w.wide_characters(text);
        }
    }
    w.wide_characters("");
    w.into_bytes()
}

/// The strings of a list. The list ends with an empty string or with the bytes; what can't be text is `ERROR_INVALID_PARAMETER`.
pub fn decode(bytes: &[u8]) -> Result<Vec<String>, Win32Error> {
    if !bytes.len().is_multiple_of(2) {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    wide::units(bytes)
        .split(|unit| *unit == 0)
        .take_while(|text| !text.is_empty())
        .map(|text| String::from_utf16(text).map_err(|_| Win32Error::INVALID_PARAMETER))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_with_an_empty_string() {
        assert_eq!(encode(["a"]), [b'a', 0, 0, 0, 0, 0]);
        assert_eq!(encode::<&str>([]), [0, 0]);
        assert_eq!(decode(&encode(["ab", "+c"])).unwrap(), ["ab", "+c"]);
        assert_eq!(decode(&[b'a', 0]).unwrap(), ["a"]);
        assert_eq!(decode(&[b'a', 0, 0]), Err(Win32Error::INVALID_PARAMETER));
        assert_eq!(decode(&[0, 0xd8, 0, 0]), Err(Win32Error::INVALID_PARAMETER));
    }
}
