//! Escapes of the C language, which other languages and formats have taken over.

/// What a character stands for after a backslash, where it needs no more.
pub(crate) fn simple(escaped: char) -> Option<char> {
    Some(match escaped {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' | '\'' | '"' => escaped,
        _ => return None,
    })
}
