//! Lists of strings as the service API has them: UTF-16, each terminated, the list terminated by an empty one.

use svckit_core::Win32Error;

use crate::ndr::{Text, Writer, wide};

/// The bytes of a list. Empty strings can't be in one, and are left out.
pub fn encode<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Vec<u8> {
    let mut w = Writer::new();
    for text in texts {
        let text = text.as_ref();
        if !text.is_empty() {
            w.characters(text);
        }
    }
    w.characters("");
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

/// The bytes of a wide list as one in this form; what is no list stays as it is.
pub(crate) fn from_wide(bytes: &[u8], text: Text) -> Vec<u8> {
    match (text, decode(bytes)) {
        (Text::Ansi, Ok(texts)) => {
            let mut w = Writer::new().with_text(text);
            texts.iter().for_each(|text| w.characters(text));
            w.characters("");
            w.into_bytes()
        }
        _ => bytes.to_vec(),
    }
}

/// The bytes of a list in this form as a wide one; `None` if there is no text in it.
pub(crate) fn to_wide(bytes: &[u8], text: Text) -> Option<Vec<u8>> {
    if text == Text::Wide {
        return Some(bytes.to_vec());
    }
    let text = std::str::from_utf8(bytes).ok()?;
    Some(encode(text.split('\0').take_while(|text| !text.is_empty())))
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
