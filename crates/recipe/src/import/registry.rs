//! What the registry editor exports, in its own version 5 and that of REGEDIT4.

use super::ini::{Section, Setting};
use super::reader::Reader;
use crate::definition::Span;

/// The first line of either version.
pub(super) const HEADERS: [&str; 2] = ["Windows Registry Editor Version 5.00", "REGEDIT4"];

/// Reads the keys with their values, as sections: a number is written decimally, strings of a list are separated by line feeds, and the value without a
/// name has the key `@`.
pub(super) fn read(reader: &mut Reader<'_>) -> Vec<Section> {
    let source = reader.source;
    let is_wide = !source.text().starts_with(HEADERS[1]);
    let mut sections: Vec<Section> = Vec::new();
    for (text, span) in lines(source.text()) {
        let plain = text.trim();
        if plain.is_empty() || plain.starts_with(';') || HEADERS.contains(&plain) {
            continue;
        }
        if let Some(path) = plain.strip_prefix('[').and_then(|path| path.strip_suffix(']')) {
            sections.push(Section::new(path, span));
            continue;
        }
        match (value(&text, span, is_wide), sections.last_mut()) {
            (Some(setting), Some(section)) => section.push(setting),
            (None, Some(_)) => {
                reader.wrong(span, "the line is no value of the registry", "write \"NAME\"=\"TEXT\"")
            }
            (_, None) => {
                reader.wrong(span, "the line belongs to no key", "write [HKEY_LOCAL_MACHINE\\…] above it")
            }
        }
    }
    sections
}

/// The lines with those that continue them.
fn lines(text: &str) -> Vec<(String, Span)> {
    let mut lines: Vec<(String, Span)> = Vec::new();
    let mut start = 0;
    let mut is_open = false;
    for line in text.split_inclusive('\n') {
        let plain = line.trim_end();
        let (part, continues) = match plain.strip_suffix('\\') {
            Some(part) if part.ends_with(',') || part.ends_with(':') => (part, true),
            _ => (plain, false),
        };
        match lines.last_mut().filter(|_| is_open) {
            Some((whole, span)) => {
                whole.push_str(part.trim_start());
                span.end = start + plain.len();
            }
            None => lines.push((part.to_owned(), Span { start, end: start + plain.len() })),
        }
        is_open = continues;
        start += line.len();
    }
    lines
}

/// A value with its name.
fn value(text: &str, span: Span, is_wide: bool) -> Option<Setting> {
    let (key, rest) = match text.strip_prefix('@') {
        Some(rest) => ("@".to_owned(), rest),
        None => quoted(text)?,
    };
    let written = rest.strip_prefix('=')?;
    let value = match written.split_once(':') {
        Some(("dword", number)) => u32::from_str_radix(number.trim(), 16).ok()?.to_string(),
        Some(("hex", _)) if !written.starts_with('"') => written.to_owned(),
        Some((kind, bytes)) if kind.starts_with("hex(") => of_bytes(kind, &hex(bytes)?, is_wide, written)?,
        _ => {
            let (value, rest) = quoted(written)?;
            rest.trim().is_empty().then_some(value)?
        }
    };
    let key_end = span.end.min(span.start + text.len() - rest.len());
    let value_span = Span { start: (key_end + 1).min(span.end), end: span.end };
    Some(Setting { key, key_span: Span { start: span.start, end: key_end }, value, span: value_span })
}

/// A text in quotation marks, in which a backslash makes the next character a plain one, and what comes after it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('"')?.chars();
    let mut value = String::new();
    loop {
        match rest.next()? {
            '"' => return Some((value, rest.as_str())),
            '\\' => value.push(rest.next()?),
            c => value.push(c),
        }
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let bytes = text.split(',').map(str::trim).filter(|byte| !byte.is_empty());
    bytes.map(|byte| u8::from_str_radix(byte, 16).ok()).collect()
}

/// The value of bytes of a kind: a text to be expanded, a list of texts, a number; any other is left as it is written.
fn of_bytes(kind: &str, bytes: &[u8], is_wide: bool, written: &str) -> Option<String> {
    let text = || -> Option<String> {
        if is_wide {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
            return rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten();
        }
        bytes.is_ascii().then(|| String::from_utf8(bytes.to_vec()).ok()).flatten()
    };
    match kind {
        "hex(1)" | "hex(2)" => Some(text()?.trim_end_matches('\0').to_owned()),
        "hex(7)" => Some(text()?.trim_end_matches('\0').replace('\0', "\n")),
        "hex(b)" => Some(u64::from_le_bytes(bytes.try_into().ok()?).to_string()),
        _ => Some(written.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_each_kind() {
        let value = |line: &str| {
            let (text, span) = lines(line).remove(0);
            let setting = value(&text, span, true)?;
            Some((setting.key, setting.value))
        };
        let pair = |key: &str, value: &str| Some((key.to_owned(), value.to_owned()));
        assert_eq!(value(r#""A \"b\""="C:\\x=y:z""#), pair("A \"b\"", r"C:\x=y:z"));
        assert_eq!(value("@=\"Restart\""), pair("@", "Restart"));
        assert_eq!(value("\"N\"=dword:000005dc"), pair("N", "1500"));
        assert_eq!(value("\"E\"=hex(2):43,00,3a,00,\\\n  5c,00,00,00\n"), pair("E", r"C:\"));
        assert_eq!(value("\"M\"=hex(7):41,00,00,00,42,00,00,00,00,00"), pair("M", "A\nB"));
        assert_eq!(value("\"Q\"=hex(b):01,00,00,00,00,00,00,00"), pair("Q", "1"));
        assert_eq!(value("\"B\"=hex:01,02"), pair("B", "hex:01,02"));
        for wrong in [
            "\"A",
            "\"A\"",
            "\"A\"=x",
            "\"A\"=dword:x",
            "\"A\"=hex(2):4",
            "\"A\"=hex(2):xx",
            "\"A\"=\"b\" c",
            "A=1",
        ] {
            assert_eq!(value(wrong), None, "{wrong}");
        }
    }
}
