//! The encoding of Python's source texts.

/// A source text, decoded, with line feeds only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// The text.
    pub(crate) text: String,
    /// Why other characters than those of ASCII can't be trusted; absent: they can.
    pub(crate) doubt: Option<String>,
}

/// Decodes a source text as Python does, and two ways that it doesn't: UTF-16, as some editors save, and a text in an encoding that isn't known here,
/// whose ASCII characters can be told all the same.
pub(crate) fn decode(bytes: &[u8]) -> Decoded {
    let (text, doubt) = match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [first, 0, ..] if *first != 0 => utf16(bytes, u16::from_le_bytes),
        [0, second, ..] if *second != 0 => utf16(bytes, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        _ => match cookie(bytes).map(known) {
            None | Some(Ok(Encoding::Utf8)) => utf8(bytes),
            Some(Ok(Encoding::Latin1)) => (latin1(bytes), None),
            Some(Ok(Encoding::Windows1252)) => (bytes.iter().copied().map(windows1252).collect(), None),
            Some(Err(name)) => (latin1(bytes), Some(format!("the encoding {name:?} is not known here"))),
        },
    };
    Decoded { text: text.replace("\r\n", "\n").replace('\r', "\n"), doubt }
}

/// Whether Python reads a text as UTF-8 whose bytes are valid UTF-8: none is named, UTF-8 is, or one that writes this text in the same bytes.
pub(super) fn reads_as_utf8(bytes: &[u8]) -> bool {
    match cookie(bytes).map(known) {
        None | Some(Ok(Encoding::Utf8)) => true,
        Some(Ok(Encoding::Latin1 | Encoding::Windows1252)) => bytes.is_ascii(),
        Some(Err(_)) => false,
    }
}

enum Encoding {
    Utf8,
    Latin1,
    Windows1252,
}

/// The encoding that a text names in its first two lines ([PEP 263](https://peps.python.org/pep-0263/)); the second counts only below a comment or
/// a blank line.
fn cookie(bytes: &[u8]) -> Option<String> {
    for line in bytes.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty()).take(2) {
        let line = latin1(line);
        let comment = line.trim_start_matches([' ', '\t', '\u{c}']);
        let Some(comment) = comment.strip_prefix('#') else {
            if comment.is_empty() { continue } else { return None }
        };
        let named = comment.match_indices("coding").find_map(|(at, word)| {
            let rest = comment[at + word.len()..].strip_prefix([':', '='])?.trim_start_matches([' ', '\t']);
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'));
            Some(rest[..end.unwrap_or(rest.len())].to_owned()).filter(|name| !name.is_empty())
        });
        if named.is_some() {
            return named;
        }
    }
    None
}

/// The encoding of a name, or the name.
fn known(name: String) -> Result<Encoding, String> {
    let folded = name.to_ascii_lowercase().replace('_', "-");
    match folded.as_str() {
        "utf-8" | "utf8" | "u8" | "utf" | "utf-8-sig" | "ascii" | "us-ascii" | "646" => Ok(Encoding::Utf8),
        "latin-1" | "latin1" | "latin" | "l1" | "iso-8859-1" | "iso8859-1" | "8859" | "cp819" => {
            Ok(Encoding::Latin1)
        }
        "cp1252" | "windows-1252" | "1252" => Ok(Encoding::Windows1252),
        folded if folded.starts_with("utf-8-") => Ok(Encoding::Utf8),
        folded if folded.starts_with("latin-1-") || folded.starts_with("iso-8859-1-") => Ok(Encoding::Latin1),
        _ => Err(name),
    }
}

fn utf8(bytes: &[u8]) -> (String, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (latin1(bytes), Some("the file is not UTF-8 and names no other encoding".to_owned())),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> (String, Option<String>) {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let mut is_whole = rest.is_empty();
    let decoded = char::decode_utf16(units).map(|unit| {
        is_whole &= unit.is_ok();
        unit.unwrap_or(char::REPLACEMENT_CHARACTER)
    });
    let text = decoded.collect();
    (text, (!is_whole).then(|| "the file is not whole UTF-16".to_owned()))
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn windows1252(byte: u8) -> char {
    const UPPER: [char; 32] = [
        '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
        '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}',
        '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}',
        '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
    ];
    match byte {
        0x80..=0x9f => UPPER[usize::from(byte - 0x80)],
        byte => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        let decoded = decode(bytes);
        assert_eq!(decoded.doubt, None, "{}", decoded.text);
        decoded.text
    }

    #[test]
    fn encodings_are_known_by_their_marks() {
        assert_eq!(text("a = 'b\u{fc}ro'\r\n".as_bytes()), "a = 'b\u{fc}ro'\n");
        assert_eq!(text("\u{feff}a = '\u{fc}'\r".as_bytes()), "a = '\u{fc}'\n");
        assert_eq!(
            text(b"#!python\n# -*- coding: latin-1 -*-\n\xfc\x80"),
            "#!python\n# -*- coding: latin-1 -*-\n\u{fc}\u{80}"
        );
        assert_eq!(text(b"# vim: fileencoding=cp1252\n\x80"), "# vim: fileencoding=cp1252\n\u{20ac}");
        let utf16: Vec<u8> = "a\u{fc}\u{1f980}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(text(&utf16), "a\u{fc}\u{1f980}");
        assert_eq!(text(&[b"\xff\xfe", utf16.as_slice()].concat()), "a\u{fc}\u{1f980}");
        let utf16: Vec<u8> = "\u{feff}a\u{fc}".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(text(&utf16), "a\u{fc}");
    }

    #[test]
    fn what_is_not_known_is_in_doubt() {
        assert!(decode(b"# coding: koi8-r\nx").doubt.unwrap().contains("koi8-r"));
        assert_eq!(decode(b"a\xfc").text, "a\u{fc}");
        assert!(decode(b"a\xfc").doubt.is_some());
        assert!(decode(b"\xff\xfea\0b").doubt.is_some());
        assert!(decode(b"x = 1\n# coding: koi8-r").doubt.is_none(), "only below a comment");
        assert!(!reads_as_utf8(b"# coding: koi8-r") && reads_as_utf8(b"# coding: latin-1\nx"));
        assert!(!reads_as_utf8(b"# coding: latin-1\n\xc3\xbc"));
    }
}
