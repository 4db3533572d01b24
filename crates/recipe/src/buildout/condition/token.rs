//! Conditions as tokens: those of Python, as far as they have a meaning here or could have one there.

use super::{ConditionError, wrong};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    Text(String),
    Sign(&'static str),
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Text(text) => write!(f, "'{text}'"),
            Self::Sign(sign) => f.write_str(sign),
        }
    }
}

/// Signs, longer ones before those that they begin with. Those that have no meaning here do so in Python.
const SIGNS: &[&str] = &[
    "==", "!=", "<=", ">=", "~=", "<", ">", "(", ")", "[", "]", "{", "}", ",", "+", "-", "*", "/", "%", ".",
    ":", "&", "|", "^", "=",
];

/// The tokens of a condition.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ConditionError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_part_of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let length = if first == '"' || first == '\'' {
            let (literal, length) = literal(rest, first)?;
            tokens.push(Token::Text(literal));
            length
        } else if first.is_alphanumeric() || first == '_' {
            let length = rest.find(|c| !is_part_of_name(c)).unwrap_or(rest.len());
            tokens.push(Token::Name(rest[..length].to_owned()));
            length
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            sign.len()
        } else {
            return Err(wrong(format!("{first:?} can't stand in a condition")));
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// A string of Python and how long it is written. `#` and `;` are written `\x23` and `\x3b`.
fn literal(text: &str, quote: char) -> Result<(String, usize), ConditionError> {
    let mut literal = String::new();
    let mut rest = text.char_indices().skip(1);
    while let Some((index, c)) = rest.next() {
        match c {
            _ if c == quote => return Ok((literal, index + 1)),
            '\\' => match rest.next() {
                Some((_, c @ ('\\' | '"' | '\''))) => literal.push(c),
                Some((at, 'x')) => {
                    let digits = text.get(at + 1..at + 3).unwrap_or_default();
                    let code = u8::from_str_radix(digits, 16);
                    literal.push(code.map_err(|_| wrong("two hexadecimal digits must follow \\x"))?.into());
                    rest.nth(1);
                }
                Some((_, c)) => literal.extend(['\\', c]),
                None => break,
            },
            c => literal.push(c),
        }
    }
    Err(wrong(format!("the quotation mark {quote} is never closed")))
}
