//! The two INI formats: that of Python's `ConfigParser` as supervisor uses it, and that of systemd.

use super::reader::Reader;
use crate::definition::Span;

/// Whose rules hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Keys have no case, `:` separates as well, `;` and `#` after a blank begin a comment, an indented line belongs to the value above it.
    ConfigParser,
    /// A backslash at the end of a line continues it.
    Systemd,
}

/// A section; all of the same name are one.
#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) span: Span,
    settings: Vec<Setting>,
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) key: String,
    pub(super) key_span: Span,
    /// Without blanks around it; several lines are separated by line feeds or, in systemd's, by blanks.
    pub(super) value: String,
    pub(super) span: Span,
}

impl Section {
    /// A section of another format without settings.
    pub(super) fn new(name: &str, span: Span) -> Self {
        Self { name: name.to_owned(), span, settings: Vec::new() }
    }

    pub(super) fn push(&mut self, setting: Setting) {
        self.settings.push(setting);
    }

    /// The last setting of a key.
    pub(super) fn last_of(&mut self, key: &str) -> Option<&mut Setting> {
        self.settings.iter_mut().rfind(|setting| setting.key == key)
    }

    /// Takes a setting out; of several the last one holds.
    pub(super) fn take(&mut self, key: &str) -> Option<Setting> {
        self.take_all(key).pop()
    }

    /// Takes all settings of a key out.
    pub(super) fn take_all(&mut self, key: &str) -> Vec<Setting> {
        self.settings.extract_if(.., |setting| setting.key == key).collect()
    }

    /// What was not taken out.
    pub(super) fn rest(self) -> Vec<Setting> {
        self.settings
    }

    /// The keys that were not taken out.
    pub(super) fn keys(&self) -> Vec<&str> {
        self.settings.iter().map(|setting| setting.key.as_str()).collect()
    }
}

/// Reads the sections of a file; a line that is none of a section is reported.
pub(super) fn read(reader: &mut Reader<'_>, dialect: Dialect) -> Vec<Section> {
    let mut parser = Parser { dialect, sections: Vec::new(), current: None, indent: 0, open: None };
    let source = reader.source;
    let mut start = 0;
    for line in source.text().split_inclusive('\n') {
        parser.line(reader, line.trim_end_matches('\n'), start);
        start += line.len();
    }
    parser.sections
}

struct Parser {
    dialect: Dialect,
    sections: Vec<Section>,
    /// The section that lines are read into.
    current: Option<usize>,
    /// How far the line of the last key is indented.
    indent: usize,
    /// Whether the next line may belong to the last value.
    open: Option<Open>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    /// If it is indented further.
    Indented,
    /// In any case.
    Backslash,
}

impl Parser {
    fn line(&mut self, reader: &mut Reader<'_>, line: &str, start: usize) {
        let indent = line.len() - line.trim_start().len();
        let text = self.content(line).trim();
        let span = Span { start: start + indent, end: start + indent + text.len() };
        if text.is_empty() || text.starts_with(['#', ';']) {
            // systemd ends a value at an empty line, but not at a comment.
            if self.dialect == Dialect::Systemd && line.trim().is_empty() {
                self.open = None;
            }
            return;
        }
        match self.open {
            Some(Open::Backslash) => return self.continued(text, span, ' '),
            Some(Open::Indented) if indent > self.indent => return self.continued(text, span, '\n'),
            _ => {}
        }
        self.indent = indent;
        if let Some(rest) = text.strip_prefix('[') {
            self.open = None;
            match rest.find(']') {
                Some(end) => self.section(&rest[..end], span),
                None => reader.wrong(span, "a section's name has no end", "write [NAME]"),
            }
            return;
        }
        self.key(reader, text, span);
    }

    /// The line without a comment at its end.
    fn content<'l>(&self, line: &'l str) -> &'l str {
        if self.dialect == Dialect::Systemd {
            return line;
        }
        let comment = line.char_indices().zip(std::iter::once(' ').chain(line.chars()));
        let at = comment.filter(|((_, c), before)| matches!(c, ';' | '#') && before.is_whitespace());
        at.map(|((at, _), _)| at).next().map_or(line, |at| &line[..at])
    }

    fn section(&mut self, name: &str, span: Span) {
        let known = self.sections.iter().position(|section| section.name == name);
        self.current = Some(known.unwrap_or(self.sections.len()));
        if known.is_none() {
            self.sections.push(Section::new(name, span));
        }
    }

    fn key(&mut self, reader: &mut Reader<'_>, text: &str, span: Span) {
        let Some(section) = self.current.and_then(|index| self.sections.get_mut(index)) else {
            return reader.wrong(span, "the line is in no section", "write [NAME] above it");
        };
        let separator = match self.dialect {
            Dialect::ConfigParser => text.find(['=', ':']),
            Dialect::Systemd => text.find('='),
        };
        let Some(at) = separator else {
            self.open = None;
            return reader.wrong(span, format!("{text:?} is no setting"), "write KEY=VALUE");
        };
        let (key, rest) = (text[..at].trim_end(), &text[at + 1..]);
        let value = rest.trim_start();
        let key_span = Span { start: span.start, end: span.start + key.len() };
        let start = span.end - value.len();
        let mut setting =
            Setting { key: key.to_owned(), key_span, value: value.to_owned(), span: Span { start, ..span } };
        match self.dialect {
            Dialect::ConfigParser => {
                setting.key = key.to_lowercase();
                self.open = Some(Open::Indented);
            }
            Dialect::Systemd => self.open = without_backslash(&mut setting.value),
        }
        section.settings.push(setting);
    }

    /// One more line of the last value.
    fn continued(&mut self, text: &str, span: Span, separator: char) {
        let section = self.current.and_then(|index| self.sections.get_mut(index));
        let Some(setting) = section.and_then(|section| section.settings.last_mut()) else { return };
        if !setting.value.is_empty() {
            setting.value.push(separator);
        }
        setting.value.push_str(text);
        setting.span.end = span.end;
        if self.dialect == Dialect::Systemd {
            self.open = without_backslash(&mut setting.value);
        }
    }
}

/// Takes the backslash at the end of a value away, after which the next line is part of it.
fn without_backslash(value: &mut String) -> Option<Open> {
    let length = value.strip_suffix('\\')?.trim_end().len();
    value.truncate(length);
    Some(Open::Backslash)
}
