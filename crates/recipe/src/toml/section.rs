//! Reading typed values out of TOML tables: every mistake is recorded with its place, and reading goes on.

use std::cell::RefCell;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::definition::Span;
use crate::diagnostic::{Diagnostic, Source};
use crate::platform::Platform;
use crate::units;
use svckit_core::sort;

/// Collects what is wrong with one file.
pub(super) struct Reader<'a> {
    source: &'a Source,
    pub(super) platform: Platform,
    wrong: RefCell<Vec<(usize, Diagnostic)>>,
    /// Each key that was asked for, with its table.
    #[cfg(test)]
    pub(super) asked: RefCell<std::collections::BTreeSet<(String, &'static str)>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Source, platform: Platform) -> Self {
        Self {
            source,
            platform,
            wrong: RefCell::default(),
            #[cfg(test)]
            asked: RefCell::default(),
        }
    }

    pub(super) fn report(&self, span: Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.report_at(span.into(), message, help);
    }

    pub(super) fn report_at(&self, span: Span, message: impl Into<String>, help: Option<String>) {
        self.wrong.borrow_mut().push((span.start, self.source.diagnostic(span, message, help)));
    }

    /// What is wrong, in the order of the file.
    pub(super) fn finish(self) -> Vec<Diagnostic> {
        let mut wrong = self.wrong.into_inner();
        sort::by_key(&mut wrong, |(start, _)| *start);
        wrong.into_iter().map(|(_, diagnostic)| diagnostic).collect()
    }

    /// A path of the file, made absolute by the file's folder. One that can't be (on Windows `C:folder`, relative to whatever that drive's current folder
    /// is) is reported.
    pub(super) fn absolute(&self, path: &str, span: Range<usize>) -> PathBuf {
        let folder = self.source.file().parent().unwrap_or_else(|| Path::new("/"));
        self.joined(folder, path, span)
    }

    /// The same with another folder.
    pub(super) fn joined(&self, folder: &Path, path: &str, span: Range<usize>) -> PathBuf {
        let path = clean(&folder.join(path));
        if !path.is_absolute() && folder.is_absolute() {
            let help = "write it from the root of the drive on, or without the drive".to_owned();
            self.report(span, format!("where {path:?} is depends on who asks"), Some(help));
        }
        path
    }
}

/// The path without `.` components. `..` stays: what it means depends on symbolic links.
pub(super) fn clean(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, std::path::Component::CurDir)).collect()
}

/// One key with its value.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) key: &'a Spanned<toml::de::DeString<'a>>,
    pub(super) value: &'a Spanned<DeValue<'a>>,
}

impl Entry<'_> {
    pub(super) fn name(&self) -> &str {
        self.key.get_ref()
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.value.span()
    }
}

/// A table of the file. Every key that is asked for is a known one; [`Section::finish`] reports the others.
pub(super) struct Section<'a> {
    pub(super) reader: &'a Reader<'a>,
    /// As it is written in a header: `service.web.restart`; empty at the top.
    path: String,
    table: &'a DeTable<'a>,
    known: Vec<&'static str>,
}

/// Where keys belong that are easily written a level too high.
pub(super) const ELSEWHERE: &[(&str, &[&str])] = &[
    ("restart", &["when", "delay", "factor", "max-delay", "jitter", "budget", "reset-after", "exit-codes"]),
    ("stop", &["ladder", "tree"]),
    ("ready", &["tcp", "http", "timeout"]),
    ("health", &["silence", "interval", "threshold"]),
    (
        "log",
        &[
            "file",
            "stdout-file",
            "stderr-file",
            "rotate",
            "keep",
            "compress",
            "format",
            "timestamps",
            "buffer",
        ],
    ),
    ("controls", &["pause", "continue", "reload", "suspend", "resume", "power-status"]),
    ("hooks", &["pre-start", "post-start", "pre-stop", "post-stop", "on-crash", "on-give-up", "on-rotate"]),
    ("limits", &["priority", "affinity", "files", "core", "memory", "cpu", "processes"]),
    ("recovery", &["actions", "reset-period", "command", "reboot-message", "on-stop-with-error"]),
    (
        "windows",
        &["sid-type", "privileges", "preshutdown", "group", "tag", "error-control", "triggers", "security"],
    ),
];

impl<'a> Section<'a> {
    pub(super) fn root(reader: &'a Reader<'a>, document: &'a Spanned<DeTable<'a>>) -> Self {
        Self { reader, path: String::new(), table: document.get_ref(), known: Vec::new() }
    }

    /// The table that is the value of an entry.
    pub(super) fn of(reader: &'a Reader<'a>, path: String, entry: Entry<'a>, example: &str) -> Option<Self> {
        let DeValue::Table(table) = entry.value.get_ref() else {
            wrong_type(reader, entry, "a table", example);
            return None;
        };
        Some(Self { reader, path, table, known: Vec::new() })
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Every entry, in the order of the file.
    pub(super) fn entries(&mut self) -> Vec<Entry<'a>> {
        let mut all: Vec<_> = self.table.iter().map(|(key, value)| Entry { key, value }).collect();
        sort::by_key(&mut all, |entry| entry.key.span().start);
        all
    }

    /// The entry of a key, which is a known one from here on.
    pub(super) fn entry(&mut self, key: &'static str) -> Option<Entry<'a>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        #[cfg(test)]
        self.reader.asked.borrow_mut().insert((self.path.clone(), key));
        self.find(key)
    }

    /// Where the value of a key is; of a section, where it begins.
    pub(super) fn span(&mut self, key: &'static str) -> Option<Span> {
        let entry = self.entry(key)?;
        let is_section = matches!(entry.value.get_ref(), DeValue::Table(_));
        Some(if is_section { entry.key.span() } else { entry.span() }.into())
    }

    fn find(&self, key: &str) -> Option<Entry<'a>> {
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(key, value)| Entry { key, value })
    }

    /// A table inside this one.
    pub(super) fn section(&mut self, key: &'static str) -> Option<Section<'a>> {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        let entry = self.entry(key)?;
        let example = format!("write it as a table [{path}]");
        Self::of(self.reader, path, entry, &example)
    }

    pub(super) fn string(&mut self, key: &'static str, example: &str) -> Option<(&'a str, Range<usize>)> {
        let entry = self.entry(key)?;
        string(self.reader, entry, "a string", &format!("{key} = {example:?}"))
    }

    pub(super) fn boolean(&mut self, key: &'static str) -> Option<(bool, Range<usize>)> {
        let entry = self.entry(key)?;
        match entry.value.get_ref() {
            DeValue::Boolean(value) => Some((*value, entry.span())),
            _ => {
                wrong_type(self.reader, entry, "true or false", &format!("write {key} = true"));
                None
            }
        }
    }

    pub(super) fn duration(&mut self, key: &'static str, example: &str) -> Option<Duration> {
        let entry = self.entry(key)?;
        duration(self.reader, entry, &format!("write {key} = {example:?}"))
    }

    pub(super) fn size(&mut self, key: &'static str, example: &str) -> Option<u64> {
        Some(self.size_at(key, example)?.0)
    }

    /// The same with its place.
    pub(super) fn size_at(&mut self, key: &'static str, example: &str) -> Option<(u64, Range<usize>)> {
        let entry = self.entry(key)?;
        let example = format!("{key} = {example:?}");
        let (text, span) = string(self.reader, entry, "a size", &example)?;
        let size = units::size(text);
        if size.is_none() {
            let help = format!("a number and one of B, KB, MB, GB, KiB, MiB, GiB: {example}");
            self.reader.report(span.clone(), format!("{text:?} is not a size"), Some(help));
        }
        Some((size?, span))
    }

    /// A whole number from `range`.
    pub(super) fn integer(&mut self, key: &'static str, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let entry = self.entry(key)?;
        let example = format!("write {key} = {}", range.start());
        let DeValue::Integer(number) = entry.value.get_ref() else {
            wrong_type(self.reader, entry, "a whole number", &example);
            return None;
        };
        let value =
            u32::from_str_radix(number.as_str(), number.radix()).ok().filter(|value| range.contains(value));
        if value.is_none() {
            let message = format!("{key:?} must be from {} to {}", range.start(), range.end());
            self.reader.report(entry.span(), message, None);
        }
        value
    }

    /// A number, whole or not, from `low` to `high`.
    pub(super) fn number(&mut self, key: &'static str, low: f64, high: f64, example: &str) -> Option<f64> {
        let entry = self.entry(key)?;
        let value = match entry.value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .ok()
                .and_then(|whole| i32::try_from(whole).ok())
                .map(f64::from),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => {
                wrong_type(self.reader, entry, "a number", &format!("write {key} = {example}"));
                return None;
            }
        };
        let value = value.filter(|value| (low..=high).contains(value));
        if value.is_none() {
            let message = format!("{key:?} must be a number from {low} to {high}");
            self.reader.report(entry.span(), message, Some(format!("write {key} = {example}")));
        }
        value
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let entry = self.entry(key)?;
        choice(self.reader, entry, words)
    }

    /// A list of strings.
    pub(super) fn strings(
        &mut self,
        key: &'static str,
        example: &str,
    ) -> Option<Vec<(&'a str, Range<usize>)>> {
        let entry = self.entry(key)?;
        let example = format!("{key} = {example}");
        let DeValue::Array(items) = entry.value.get_ref() else {
            wrong_type(self.reader, entry, "a list of strings", &format!("write {example}"));
            return None;
        };
        let mut strings = Vec::new();
        for value in items.iter() {
            strings.push(string(
                self.reader,
                Entry { key: entry.key, value },
                "a list of strings",
                &example,
            )?);
        }
        Some(strings)
    }

    /// A string, or a list of them; those that are.
    pub(super) fn one_or_several(
        &mut self,
        key: &'static str,
        example: &str,
    ) -> Vec<(&'a str, Range<usize>)> {
        let Some(entry) = self.entry(key) else { return Vec::new() };
        let values = match entry.value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![entry.value],
        };
        let (expected, example) = ("a string or a list of strings", format!("{key} = {example}"));
        let item = |value| string(self.reader, Entry { key: entry.key, value }, expected, &example);
        values.into_iter().filter_map(item).collect()
    }

    /// Reports every key that was not asked for; whether there was one.
    pub(super) fn finish(mut self) -> bool {
        let mut found = false;
        for entry in self.entries() {
            if !self.known.contains(&entry.name()) {
                found = true;
                self.unknown(entry);
            }
        }
        found
    }

    fn unknown(&self, entry: Entry<'_>) {
        let place =
            if self.path.is_empty() { "at the top".to_owned() } else { format!("in [{}]", self.path) };
        let elsewhere = ELSEWHERE
            .iter()
            .find(|(section, keys)| self.known.contains(section) && keys.contains(&entry.name()));
        let help = match (elsewhere, closest(entry.name(), self.known.iter().copied())) {
            (Some((section, _)), _) => format!("write it in [{}.{section}]", self.path),
            (None, Some(right)) => format!("did you mean {right:?}?"),
            (None, None) => format!("the keys here are {}", self.known.join(", ")),
        };
        self.reader.report(entry.key.span(), format!("unknown key {:?} {place}", entry.name()), Some(help));
    }
}

/// The word that was probably meant.
pub(crate) fn closest<'w>(wrong: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let wrong = wrong.to_ascii_lowercase().replace('_', "-");
    words
        .map(|word| (strsim::jaro_winkler(&wrong, word), word))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

pub(super) fn string<'a>(
    reader: &Reader<'_>,
    entry: Entry<'a>,
    expected: &str,
    example: &str,
) -> Option<(&'a str, Range<usize>)> {
    let DeValue::String(text) = entry.value.get_ref() else {
        wrong_type(reader, entry, expected, &format!("write {example}"));
        return None;
    };
    if text.contains('\0') {
        reader.report(entry.span(), format!("{:?} can't contain a NUL character", entry.name()), None);
        return None;
    }
    Some((text, entry.span()))
}

pub(super) fn duration(reader: &Reader<'_>, entry: Entry<'_>, example: &str) -> Option<Duration> {
    let DeValue::String(text) = entry.value.get_ref() else {
        wrong_type(reader, entry, "a duration", example);
        return None;
    };
    let duration = units::duration(text);
    if duration.is_none() {
        let help = "a number and one of ms, s, m, h, d, such as \"5s\", \"500ms\" or \"1m 30s\"";
        reader.report(entry.span(), format!("{text:?} is not a duration"), Some(help.to_owned()));
    }
    duration
}

/// A time that is longer than none.
pub(super) fn positive(section: &mut Section<'_>, key: &'static str, example: &str) -> Option<Duration> {
    let time = section.duration(key, example)?;
    if time.is_zero() {
        let span = section.entry(key)?.span();
        let help = format!("write {key} = {example:?}");
        section.reader.report(span, format!("{key:?} must be longer than that"), Some(help));
        return None;
    }
    Some(time)
}

pub(super) fn choice<T: Clone>(reader: &Reader<'_>, entry: Entry<'_>, words: &[(&str, T)]) -> Option<T> {
    let listed = words.iter().map(|(word, _)| format!("{word:?}")).collect::<Vec<_>>().join(", ");
    let DeValue::String(text) = entry.value.get_ref() else {
        wrong_type(
            reader,
            entry,
            &format!("one of {listed}"),
            &format!("write {} = {:?}", entry.name(), words[0].0),
        );
        return None;
    };
    if let Some((_, value)) = words.iter().find(|(word, _)| word == text) {
        return Some(value.clone());
    }
    let help = match closest(text, words.iter().map(|(word, _)| *word)) {
        Some(right) => format!("did you mean {right:?}?"),
        None => format!("it is one of {listed}"),
    };
    reader.report(entry.span(), format!("{:?} can't be {text:?}", entry.name()), Some(help));
    None
}

pub(super) fn wrong_type(reader: &Reader<'_>, entry: Entry<'_>, expected: &str, help: &str) {
    let found = match entry.value.get_ref() {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    let message = format!("{:?} must be {expected}, not {found}", entry.name());
    reader.report(entry.span(), message, Some(help.to_owned()));
}
