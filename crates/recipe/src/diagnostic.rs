//! What is wrong with a definition, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::definition::Span;

/// A text with the file it came from, and perhaps others that it takes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    file: PathBuf,
    text: String,
    /// Their bytes are counted on from the end of this text, one file after the other, with one between them.
    others: Vec<Source>,
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
        Self { file: file.into(), text: text.into(), others: Vec::new() }
    }

    /// A file with those that it takes in; `None` without any.
    pub fn together(all: &[Self]) -> Option<Self> {
        let (first, others) = all.split_first()?;
        Some(Self { others: others.to_vec(), ..first.clone() })
    }

    /// A range of bytes in one of the files that are together, the first of which is this one.
    pub fn span_in(&self, file: usize, span: Span) -> Span {
        let before = std::iter::once(self).chain(&self.others).take(file);
        let offset: usize = before.map(|source| source.text.len() + 1).sum();
        Span { start: offset + span.start, end: offset + span.end }
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The lines without the blanks around them, and where they are.
    pub(crate) fn trimmed_lines(&self) -> impl Iterator<Item = (&str, Span)> {
        let mut start = 0;
        self.text.split_inclusive('\n').map(move |line| {
            let text = line.trim();
            let at = start + line.len() - line.trim_start().len();
            start += line.len();
            (text, Span { start: at, end: at + text.len() })
        })
    }

    /// The place of a range of bytes; one that goes over several lines is shown as its first.
    pub fn place(&self, span: Span) -> Place {
        let (source, span) = self.holding(span);
        source.own_place(span)
    }

    /// The file that holds a range of bytes, and the range in it.
    fn holding(&self, span: Span) -> (&Self, Span) {
        let mut offset = 0;
        for source in std::iter::once(self).chain(&self.others) {
            if span.start <= offset + source.text.len() {
                let span = Span { start: span.start - offset, end: span.end.saturating_sub(offset) };
                return (source, span);
            }
            offset += source.text.len() + 1;
        }
        (self, span)
    }

    fn own_place(&self, span: Span) -> Place {
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
        let (source, span) = self.holding(span);
        let place = Some(source.own_place(span));
        Diagnostic { file: source.file.clone(), place, message: message.into(), help }
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
    fn a_place_in_one_of_several_files_is_in_that_file() {
        let files = [Source::new("a.cfg", "one\n"), Source::new("b.cfg", ""), Source::new("c.cfg", "x\ntwo")];
        let all = Source::together(&files).unwrap();
        let told = |file, start, end| {
            all.diagnostic(all.span_in(file, Span { start, end }), "wrong", None).to_string()
        };
        assert_eq!(told(0, 0, 3), "a.cfg:1:1: wrong");
        assert_eq!(told(0, 4, 4), "a.cfg:2:1: wrong");
        assert_eq!(told(1, 0, 0), "b.cfg:1:1: wrong");
        assert_eq!(told(2, 2, 5), "c.cfg:2:1: wrong");
        assert_eq!(all.place(all.span_in(2, Span { start: 2, end: 5 })).length, 3);
        assert_eq!(Source::together(&[]), None);
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
