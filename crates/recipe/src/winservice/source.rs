//! As much of Python's grammar as it takes to find string literals that are assigned to variables.

use crate::definition::Span;
use crate::escape;

/// A variable that is assigned at the beginning of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assignment {
    /// Its position among the names that were looked for.
    pub(super) name: usize,
    /// Where the value is.
    pub(super) span: Span,
    /// The value, or what is wrong with it.
    pub(super) value: Result<String, &'static str>,
}

const NO_STRING: &str = "is not a plain string";
const UNCLOSED: &str = "is a string that is never closed";
const BAD_ESCAPE: &str = "has an escape sequence that is not complete";
const NAMED_ESCAPE: &str = "names a character, which takes Python to be read";
const NO_CHARACTER: &str = "has an escape sequence that is no character";

/// The assignments to the variables of these names, in the order of the text. Those in blocks, strings and brackets are none; lines end with line feeds.
pub(super) fn assignments(text: &str, names: &[&str]) -> Vec<Assignment> {
    let mut scanner = Scanner { text, at: 0 };
    let mut found = Vec::new();
    while scanner.at < text.len() {
        if let Some(name) = scanner.assigned(names) {
            let start = scanner.at;
            let value = scanner.value();
            let span = match value {
                Ok(_) => Span { start, end: scanner.at },
                Err(_) => Span { start, end: start + line_length(&text[start..]) },
            };
            scanner.at = start;
            found.push(Assignment { name, span, value });
        }
        scanner.skip_line();
    }
    found
}

fn line_length(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Takes the beginning of an assignment up to the value; nothing if it isn't one to a variable of these names.
    fn assigned(&mut self, names: &[&str]) -> Option<usize> {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        let name = names.iter().position(|name| *name == &rest[..end])?;
        let value = rest[end..].trim_start_matches(BLANKS).strip_prefix('=')?;
        if value.starts_with('=') {
            return None;
        }
        self.at = self.text.len() - value.trim_start_matches(BLANKS).len();
        Some(name)
    }

    /// Takes a value: one or more string literals that stand side by side, and nothing behind them but a comment.
    fn value(&mut self) -> Result<String, &'static str> {
        let mut value = String::new();
        loop {
            self.string(&mut value)?;
            let end = self.at;
            let rest = self.rest().trim_start_matches(BLANKS);
            if rest.is_empty() || rest.starts_with(['\n', '#', ';']) {
                return Ok(value);
            }
            self.at = self.text.len() - rest.len();
            if !rest.starts_with(|c: char| c.is_ascii_alphabetic() || QUOTES.contains(&c)) {
                self.at = end;
                return Err(NO_STRING);
            }
        }
    }

    /// Takes a string literal.
    fn string(&mut self, value: &mut String) -> Result<(), &'static str> {
        let rest = self.rest();
        let prefix = rest.find(QUOTES).map(|end| &rest[..end]).ok_or(NO_STRING)?;
        let is_raw = match prefix {
            "" | "u" | "U" => false,
            "r" | "R" => true,
            _ => return Err(NO_STRING),
        };
        self.at += prefix.len();
        let body = self.quoted().ok_or(UNCLOSED)?;
        if is_raw {
            value.push_str(body);
            return Ok(());
        }
        unescape(body, value)
    }

    /// Takes a string from its opening quotes to its closing ones; nothing if there are none. What is between is given back.
    fn quoted(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let quote = rest.chars().next()?;
        let is_triple = rest.bytes().take(3).filter(|byte| char::from(*byte) == quote).count() == 3;
        let mark = &rest[..if is_triple { 3 } else { 1 }];
        let mut at = mark.len();
        loop {
            let rest = &rest[at..];
            let c = rest.chars().next()?;
            if rest.starts_with(mark) {
                let body = &self.rest()[mark.len()..at];
                self.at += at + mark.len();
                return Some(body);
            }
            match c {
                '\\' => at += 1 + rest[1..].chars().next()?.len_utf8(),
                '\n' if !is_triple => return None,
                c => at += c.len_utf8(),
            }
        }
    }

    /// Goes to the beginning of the next line that begins a statement.
    fn skip_line(&mut self) {
        let mut depth = 0_usize;
        while let Some(c) = self.rest().chars().next() {
            match c {
                '\'' | '"' => {
                    // One that is never closed reaches to the end of its line, or of the text.
                    if self.quoted().is_none() {
                        let is_triple = ["'''", "\"\"\""].iter().any(|mark| self.rest().starts_with(mark));
                        let rest = self.rest();
                        self.at += if is_triple { rest.len() } else { line_length(rest) };
                    }
                    continue;
                }
                '#' => {
                    self.at += line_length(self.rest());
                    continue;
                }
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                '\\' if self.rest()[1..].starts_with('\n') => self.at += 1,
                '\n' if depth == 0 => {
                    self.at += 1;
                    return;
                }
                _ => {}
            }
            self.at += c.len_utf8();
        }
    }
}

const QUOTES: [char; 2] = ['\'', '"'];

/// What separates words within a line.
const BLANKS: [char; 3] = [' ', '\t', '\u{c}'];

/// Appends what the body of a literal that isn't raw stands for.
fn unescape(body: &str, value: &mut String) -> Result<(), &'static str> {
    let mut rest = body.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            value.push(c);
            continue;
        }
        let escaped = rest.next().ok_or(BAD_ESCAPE)?;
        let meant = match escaped {
            '\n' => continue,
            'x' => code(&mut rest, 2)?,
            'u' => code(&mut rest, 4)?,
            'U' => code(&mut rest, 8)?,
            'N' => return Err(NAMED_ESCAPE),
            '0'..='7' => octal(escaped, &mut rest)?,
            other => match escape::simple(other) {
                Some(meant) => meant,
                None => {
                    value.extend(['\\', other]);
                    continue;
                }
            },
        };
        value.push(meant);
    }
    Ok(())
}

/// The character of so many hexadecimal digits.
fn code(rest: &mut std::str::Chars<'_>, digits: usize) -> Result<char, &'static str> {
    let text = rest.as_str();
    let digits = text.get(..digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let digits = digits.ok_or(BAD_ESCAPE)?;
    *rest = text[digits.len()..].chars();
    u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).ok_or(NO_CHARACTER)
}

/// The character of up to three octal digits.
fn octal(first: char, rest: &mut std::str::Chars<'_>) -> Result<char, &'static str> {
    let mut number = first.to_digit(8).ok_or(BAD_ESCAPE)?;
    for _ in 0..2 {
        let Some(digit) = rest.as_str().chars().next().and_then(|c| c.to_digit(8)) else { break };
        number = 8 * number + digit;
        rest.next();
    }
    char::from_u32(number).ok_or(NO_CHARACTER)
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
