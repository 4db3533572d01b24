//! What is wrong with a definition, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::definition::Span;

/// A text with the file it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    file: PathBuf,
    text: String,
}

/// A place in a file, as people count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters of the line are meant, at least 1.
    pub length: usize,
    /// The line itself.
    pub text: Box<str>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file.
    pub file: PathBuf,
    /// Where in it; absent when it is about the file as a whole.
    pub place: Option<Place>,
    /// What is wrong: lower case, one sentence.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

/// Everything that is wrong with a definition, in the order of the file; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Source {
    /// A text and the file it came from.
    pub fn new(file: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { file: file.into(), text: text.into() }
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The place of a range of bytes; one that goes over several lines is shown as its first.
    pub fn place(&self, span: Span) -> Place {
        let start = floor_boundary(&self.text, span.start);
        let line_start = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |length| start + length);
        let end = floor_boundary(&self.text, span.end).clamp(start, line_end);
        Place {
            line: self.text[..line_start].matches('\n').count() + 1,
            column: self.text[line_start..start].chars().count() + 1,
            length: self.text[start..end].trim_end().chars().count().max(1),
            text: self.text[line_start..line_end].trim_end().into(),
        }
    }

    /// Something wrong at a place.
    pub fn diagnostic(&self, span: Span, message: impl Into<String>, help: Option<String>) -> Diagnostic {
        Diagnostic { file: self.file.clone(), place: Some(self.place(span)), message: message.into(), help }
    }
}

fn floor_boundary(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

impl Diagnostics {
    /// Those found; `None` if there is nothing wrong.
    pub fn new(found: Vec<Diagnostic>) -> Option<Self> {
        (!found.is_empty()).then_some(Self(found))
    }

    /// In the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(one: Diagnostic) -> Self {
        Self(vec![one])
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(place) = &self.place {
            write!(f, ":{}:{}", place.line, place.column)?;
        }
        write!(f, ": {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, one) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{one}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let source = Source::new("a.toml", "x = 1\n\u{e9}\u{e9} = bad\r\n");
        let start = source.text().find("bad").unwrap();
        let place = source.place(Span { start, end: start + 3 });
        assert_eq!((place.line, place.column, place.length), (2, 6, 3));
        assert_eq!(&*place.text, "\u{e9}\u{e9} = bad");
    }

    #[test]
    fn any_range_has_a_place() {
        let source = Source::new("a.toml", "\u{20ac}\n");
        for start in 0..6 {
            for end in 0..6 {
                assert!(source.place(Span { start, end }).length >= 1);
            }
        }
    }
}
