//! The configuration in YAML, as WinSW 2 reads it.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span as Range, StrInput};

use super::element::{DEPTH, Element, Elements, element, too_deep};
use crate::definition::Span;
use crate::import::reader::Reader;

/// What the mapping of the first document has.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<Elements> {
    let text = reader.source.text();
    let offsets = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut yaml = Yaml { reader, events: Parser::new_from_str(text), offsets };
    loop {
        match yaml.next()? {
            (Event::MappingStart(..), _) => break,
            (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
            (_, span) => {
                yaml.reader.wrong(span, "the file is no mapping of YAML", "write NAME: VALUE lines");
                return None;
            }
        }
    }
    let elements = yaml.mapping(0)?;
    loop {
        match yaml.next()? {
            (Event::StreamEnd, _) => return Some(elements),
            (Event::DocumentStart(_), span) => {
                yaml.reader.wrong(span, "there is more than one document", "make a file of each");
                return None;
            }
            _ => {}
        }
    }
}

struct Yaml<'r, 'a> {
    reader: &'r mut Reader<'a>,
    events: Parser<'a, StrInput<'a>>,
    /// At which byte each character is.
    offsets: Vec<usize>,
}

impl<'a> Yaml<'_, 'a> {
    /// The next event with its place; `None` after a mistake, which was told.
    fn next(&mut self) -> Option<(Event<'a>, Span)> {
        match self.events.next_event() {
            Some(Ok((event, range))) => Some((event, self.span(range))),
            Some(Err(error)) => self.wrong(&error),
            None => None,
        }
    }

    fn wrong<T>(&mut self, error: &ScanError) -> Option<T> {
        let span = self.span(Range::empty(*error.marker()));
        let message = format!("the file is no YAML: {}", error.info());
        self.reader.wrong(span, message, "put a text with special characters between ' and '");
        None
    }

    fn span(&self, range: Range) -> Span {
        let last = self.offsets.last().copied().unwrap_or_default();
        let at = |index: usize| self.offsets.get(index).copied().unwrap_or(last);
        Span { start: at(range.start.index()), end: at(range.end.index()) }
    }

    /// The entries up to the end of a mapping.
    fn mapping(&mut self, depth: usize) -> Option<Elements> {
        let mut elements = Elements::default();
        loop {
            match self.next()? {
                (Event::MappingEnd, _) => return Some(elements),
                (Event::Scalar(key, ..), span) => {
                    self.value(&mut elements, &element(&key, span), depth + 1)?
                }
                (_, span) => {
                    self.reader.wrong(span, "the name of an entry is no plain text", "write NAME: VALUE");
                    return None;
                }
            }
        }
    }

    /// The value of a name: a text, a mapping, or a list, which is the same name several times.
    fn value(&mut self, into: &mut Elements, named: &Element, depth: usize) -> Option<()> {
        let key = &named.setting;
        let (event, span) = self.next()?;
        if depth > DEPTH {
            too_deep(self.reader, span);
            return None;
        }
        let mut found = element(&key.key, key.key_span);
        found.setting.span = span;
        match event {
            // Nothing is as good as no entry.
            Event::Scalar(text, ScalarStyle::Plain, ..) if matches!(&*text, "" | "~" | "null") => {}
            Event::Scalar(text, ..) => {
                found.setting.value = text.trim().to_owned();
                into.0.push(found);
            }
            Event::MappingStart(..) => {
                found.inside = self.mapping(depth)?;
                into.0.push(found);
            }
            Event::SequenceStart(..) => {
                while !matches!(self.events.peek(), Some(Ok((Event::SequenceEnd, _)))) {
                    self.value(into, named, depth + 1)?;
                }
                self.next()?;
            }
            _ => {
                let message = format!("{} is said by reference", key.key);
                self.reader.wrong(span, message, "write the value itself");
                return None;
            }
        }
        Some(())
    }
}
