//! Texts as Python writes them.

use std::fmt::Write;

/// A string literal for a text: raw where that is possible, so that paths look as they do elsewhere.
pub(super) fn string(text: &str) -> String {
    if can_be_raw(text) { format!("r'{text}'") } else { plain(text) }
}

/// A string literal with escapes; one without them if none are needed.
pub(super) fn plain(text: &str) -> String {
    let mut literal = String::from("'");
    for c in text.chars() {
        match c {
            '\'' | '\\' => literal.extend(['\\', c]),
            '\n' => literal.push_str(r"\n"),
            '\r' => literal.push_str(r"\r"),
            '\t' => literal.push_str(r"\t"),
            c if is_printable(c) => literal.push(c),
            c => push_escape(&mut literal, u32::from(c)),
        }
    }
    literal.push('\'');
    literal
}

/// A bytes literal.
pub(super) fn bytes(bytes: &[u8]) -> String {
    let mut literal = String::from("b'");
    for byte in bytes {
        match byte {
            b'\'' | b'\\' => literal.extend(['\\', char::from(*byte)]),
            b'\n' => literal.push_str(r"\n"),
            b'\r' => literal.push_str(r"\r"),
            b'\t' => literal.push_str(r"\t"),
            b' '..=b'~' => literal.push(char::from(*byte)),
            byte => push_escape(&mut literal, u32::from(*byte)),
        }
    }
    literal.push('\'');
    literal
}

/// In a raw string a quote ends it, a line's end can't be, and a backslash keeps the closing quote from closing.
fn can_be_raw(text: &str) -> bool {
    !text.ends_with('\\') && text.chars().all(|c| c != '\'' && is_printable(c))
}

/// Whether a character looks like what it is, in any editor.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn push_escape(literal: &mut String, code: u32) {
    // Writing into a string can't fail.
    let _ = match code {
        0..=0xff => write!(literal, "\\x{code:02x}"),
        _ => write!(literal, "\\u{code:04x}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_raw_is() {
        assert_eq!(string(r"C:\new\unit \N{x}"), r"r'C:\new\unit \N{x}'");
        assert_eq!(string("b\u{fc}ro \"x\""), "r'b\u{fc}ro \"x\"'");
        assert_eq!(string(""), "r''");
    }

    #[test]
    fn what_cannot_is_escaped() {
        assert_eq!(string(r"C:\dir\"), r"'C:\\dir\\'");
        assert_eq!(string("it's"), r"'it\'s'");
        assert_eq!(string("a\r\nb\tc\0\u{85}\u{2028}"), r"'a\r\nb\tc\x00\x85\u2028'");
        assert_eq!(plain("web"), "'web'");
        assert_eq!(bytes(b"it's \\ \xe9\n\x0c"), r"b'it\'s \\ \xe9\n\x0c'");
    }
}
