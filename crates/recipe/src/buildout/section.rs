//! Sections, and how those of several files become one.

use std::collections::BTreeMap;

use super::condition::{self, ConditionError, Facts};
use super::document::{Document, Line, LineKind, Operator};
use super::value::{Origin, Slots, Value};
use crate::definition::Span;
use crate::diagnostic::{Diagnostic, Diagnostics};
use svckit_core::sort;

/// The name of the option that says which sections a section takes over.
pub(super) const MACRO: &str = "<";

/// The name of the option that `=>` is short for.
pub(super) const DEPENDENCIES: &str = "<part-dependencies>";

/// A section before macros and substitution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    /// Its header where it was written last.
    pub(super) header: Origin,
    pub(super) options: BTreeMap<String, Slots>,
    /// Why it can't be told what is in it.
    pub(super) undecided: Option<Diagnostic>,
}

/// The sections of a file, or of several together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sections(pub(super) BTreeMap<String, Section>);

impl Section {
    pub(super) fn new(header: Origin) -> Self {
        Self { header, options: BTreeMap::new(), undecided: None }
    }

    pub(super) fn set(&self, option: &str) -> Option<&Value> {
        self.options.get(option)?.set.as_ref()
    }

    fn update(&mut self, later: &Self) {
        self.header = later.header;
        self.undecided = self.undecided.take().or_else(|| later.undecided.clone());
        for (name, slots) in &later.options {
            self.options.entry(name.clone()).or_default().update(slots);
        }
    }

    /// Lays this section over what it takes over.
    pub(super) fn over(&self, mut base: Self) -> Self {
        base.update(self);
        base.options.remove(MACRO);
        base
    }

    /// Takes over a section, and what it says replaces what the ones before it do.
    pub(super) fn take_over(&mut self, other: &Self) {
        self.undecided = self.undecided.take().or_else(|| other.undecided.clone());
        for (name, slots) in &other.options {
            self.options.entry(name.clone()).or_default().replace(slots);
        }
    }
}

impl Sections {
    /// Lays a later file over these.
    pub(super) fn update(&mut self, later: Self) {
        for (name, section) in later.0 {
            match self.0.get_mut(&name) {
                Some(there) => there.update(&section),
                // What is added and removed is so from what is taken over, and that may come from a file that follows.
                None if section.set(MACRO).is_some() => drop(self.0.insert(name, section)),
                None => {
                    let options = section.options.into_iter().map(|(name, slots)| (name, slots.first()));
                    let options = sort::map(options);
                    self.0.insert(name, Section { options, ..section });
                }
            }
        }
    }

    /// What one file says, where its conditions hold. `source` is its number.
    pub(super) fn of(document: &Document, source: usize, facts: &Facts<'_>) -> Result<Self, Diagnostics> {
        let mut fold =
            Fold { document, source, facts, sections: Self::default(), here: None, wrong: Vec::new() };
        for line in document.lines() {
            fold.line(*line);
        }
        // Only now: an option may have been gone on with further down.
        for section in fold.sections.0.values_mut() {
            section.options.values_mut().for_each(Slots::dedent);
        }
        Diagnostics::new(fold.wrong).map_or(Ok(fold.sections), Err)
    }
}

/// Where the lines go: a section, and the option that was last begun in it.
struct Here {
    section: String,
    option: Option<(String, Operator)>,
    /// The first line is empty: indentation belongs to the value.
    is_block: bool,
}

struct Fold<'a> {
    document: &'a Document,
    source: usize,
    facts: &'a Facts<'a>,
    sections: Sections,
    /// Absent before the first section and in one whose condition doesn't hold.
    here: Option<Here>,
    wrong: Vec<Diagnostic>,
}

impl Fold<'_> {
    fn line(&mut self, line: Line) {
        match line.kind {
            LineKind::Blank | LineKind::Comment => {}
            LineKind::Section { name, condition } => self.section(name, condition),
            LineKind::Option { name, operator, value } => {
                let text = self.document.text(name).to_owned();
                self.option(text, name, operator, value);
            }
            LineKind::Dependencies { value } => {
                let name = Span { start: line.span.start, end: value.start };
                self.option(DEPENDENCIES.to_owned(), name, Operator::Set, value);
            }
            LineKind::More { text } => self.more(text),
        }
    }

    fn section(&mut self, name: Span, condition: Option<Span>) {
        self.here = None;
        let mut undecided = None;
        if let Some(span) = condition {
            match condition::holds(self.document.text(span), self.facts) {
                Ok(true) => {}
                Ok(false) => return,
                Err(ConditionError::Unknown(what)) => {
                    let message =
                        format!("whether this section applies depends on {what}, which is not known");
                    let help = "write the section without the condition, or leave it out".to_owned();
                    undecided = Some(self.document.source().diagnostic(span, message, Some(help)));
                }
                Err(ConditionError::Wrong { message, help }) => {
                    self.wrong.push(self.document.source().diagnostic(span, message, help));
                }
            }
        }
        let section = self.document.text(name).to_owned();
        let header = self.origin(name);
        let there = self.sections.0.entry(section.clone()).or_insert_with(|| Section::new(header));
        there.header = header;
        if undecided.is_some() {
            there.undecided = undecided;
        }
        self.here = Some(Here { section, option: None, is_block: false });
    }

    fn option(&mut self, name: String, place: Span, operator: Operator, value: Span) {
        let (place, origin) = (self.origin(place), self.origin(value));
        let text = self.document.text(value);
        let Some(here) = &mut self.here else { return };
        let Some(section) = self.sections.0.get_mut(&here.section) else { return };
        let slots = section.options.entry(name.clone()).or_default();
        if operator == Operator::Set {
            *slots = Slots::default();
        }
        match slots.slot(operator) {
            Some(there) => there.repeat(text, place, origin),
            slot @ None => *slot = Some(Value::new(text, place, origin)),
        }
        here.is_block = text.is_empty();
        here.option = Some((name, operator));
    }

    fn more(&mut self, span: Span) {
        let text = self.document.text(span);
        let end = text.trim_end_matches(super::document::is_space).len();
        let mut start = 0;
        let Some(here) = &self.here else { return };
        if !here.is_block {
            start = end - text[..end].trim_start_matches(super::document::is_space).len();
            if start == end {
                return;
            }
        }
        let origin = self.origin(Span { start: span.start + start, end: span.start + end });
        if let Some(value) = self.value() {
            value.push(&text[start..end], origin);
        }
    }

    /// The value that is being read.
    fn value(&mut self) -> Option<&mut Value> {
        let here = self.here.as_ref()?;
        let (name, operator) = here.option.as_ref()?;
        self.sections.0.get_mut(&here.section)?.options.get_mut(name)?.slot(*operator).as_mut()
    }

    fn origin(&self, span: Span) -> Origin {
        Origin::File { source: self.source, span }
    }
}
