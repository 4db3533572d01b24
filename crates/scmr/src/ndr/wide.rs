//! UTF-16 in little endian. Most text is ASCII, for which there is a short way.

use svckit_core::secret::Secret;
use zeroize::Zeroizing;

/// How many code units a text has, without a terminator.
pub(crate) fn length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// Appends a text without a terminator.
pub(crate) fn write(out: &mut Vec<u8>, text: &str) {
    if text.is_ascii() {
        out.extend(text.bytes().flat_map(|byte| [byte, 0]));
    } else {
        out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    }
}

/// The code units; an odd last byte is left out.
pub(crate) fn units(bytes: &[u8]) -> Vec<u16> {
    pairs(bytes).iter().map(|pair| u16::from_le_bytes(*pair)).collect()
}

/// The bytes before the terminator, if there is one.
pub(crate) fn until_terminator(bytes: &[u8]) -> &[u8] {
    let length = pairs(bytes).iter().take_while(|pair| **pair != [0, 0]).count();
    &bytes[..2 * length]
}

/// The text; what is not valid is replaced.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    ascii(bytes).unwrap_or_else(|| String::from_utf16_lossy(&units(bytes)))
}

/// The text, if it is valid.
pub(crate) fn strict(bytes: &[u8]) -> Option<String> {
    ascii(bytes).or_else(|| String::from_utf16(&units(bytes)).ok())
}

/// The text, if it is valid; no copy of it is left behind.
pub(crate) fn secret(bytes: &[u8]) -> Option<Secret> {
    // As long as it can become: of one code unit, three bytes.
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() / 2 * 3));
    for character in char::decode_utf16(pairs(bytes).iter().map(|pair| u16::from_le_bytes(*pair))) {
        text.push(character.ok()?);
    }
    Some(Secret::from(std::mem::take(&mut *text)))
}

fn ascii(bytes: &[u8]) -> Option<String> {
    let pairs = pairs(bytes);
    let is_ascii = pairs.iter().fold(0, |bits, pair| bits | u16::from_le_bytes(*pair)) < 0x80;
    if is_ascii { String::from_utf8(pairs.iter().map(|pair| pair[0]).collect()).ok() } else { None }
}

fn pairs(bytes: &[u8]) -> &[[u8; 2]] {
    bytes.as_chunks().0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_ways_lead_to_the_same(text in prop_oneof!["[ -~]{0,20}", any::<String>()]) {
            let mut bytes = Vec::new();
            write(&mut bytes, &text);
            let units: Vec<u16> = text.encode_utf16().collect();
            prop_assert_eq!(length(&text), units.len());
            prop_assert_eq!(super::units(&bytes), units);
            prop_assert_eq!(strict(&bytes), Some(text.clone()));
            prop_assert_eq!(lossy(&bytes), text);
        }

        #[test]
        fn nonsense_is_told(units in prop::collection::vec(0xd7f0_u16..0xe010, 0..6)) {
            let bytes: Vec<u8> = units.iter().copied().flat_map(u16::to_le_bytes).collect();
            prop_assert_eq!(strict(&bytes), String::from_utf16(&units).ok());
            prop_assert_eq!(lossy(&bytes), String::from_utf16_lossy(&units));
        }
    }
}
