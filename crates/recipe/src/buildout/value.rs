//! Values as lines, each with the place where it is written.

use super::document::{Operator, is_space};
use crate::definition::Span;

/// Where a text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A place in one of the files.
    File {
        /// Which of the configuration's files.
        source: usize,
        /// Where in it.
        span: Span,
    },
    /// The command line.
    CommandLine,
    /// What holds when nothing is said.
    Default,
}

impl Origin {
    /// A part of it, in bytes from its start.
    pub(super) fn part(self, start: usize, end: usize) -> Self {
        match self {
            Self::File { source, span } => {
                Self::File { source, span: Span { start: span.start + start, end: span.start + end } }
            }
            other => other,
        }
    }
}

/// A line of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ValueLine {
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// A value before substitution: at least one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    lines: Vec<ValueLine>,
    /// The option's name where it was written last.
    pub(super) name: Origin,
}

impl Value {
    /// A text that may have several lines.
    pub(super) fn new(text: &str, name: Origin, origin: Origin) -> Self {
        let lines = text.split('\n').map(|line| ValueLine { text: line.to_owned(), origin }).collect();
        Self { lines, name }
    }

    pub(super) fn lines(&self) -> &[ValueLine] {
        &self.lines
    }

    /// As one text.
    pub(super) fn text(&self) -> String {
        self.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// The first line that says something, or the name where none does.
    pub(super) fn origin(&self) -> Origin {
        let said = self.lines.iter().find_map(|line| {
            let start = line.text.find(|c| !is_space(c))?;
            Some(line.origin.part(start, line.text.len()))
        });
        said.unwrap_or(self.name)
    }

    /// Where the bytes of the text are written that begin there.
    pub(super) fn origin_at(&self, start: usize, length: usize) -> Origin {
        let mut before = 0;
        for line in &self.lines {
            let end = before + line.text.len();
            if start <= end {
                return line.origin.part(start - before, (start - before + length).min(line.text.len()));
            }
            before = end + 1;
        }
        self.name
    }

    /// The words of all lines, each with its place.
    pub(super) fn words(&self) -> impl Iterator<Item = (&str, Origin)> {
        self.lines.iter().flat_map(|line| {
            let mut end = 0;
            line.text.split(is_space).filter_map(move |word| {
                // Words are in the order of the line: the next one of this text is this one.
                let start = end + line.text[end..].find(word)?;
                end = start + word.len();
                (!word.is_empty()).then(|| (word, line.origin.part(start, end)))
            })
        })
    }

    pub(super) fn push(&mut self, text: &str, origin: Origin) {
        self.lines.push(ValueLine { text: text.to_owned(), origin });
    }

    /// Takes white space from the end, also whole lines.
    fn trim_end(&mut self) {
        while self.lines.len() > 1 && self.lines.last().is_some_and(|line| line.text.chars().all(is_space)) {
            self.lines.pop();
        }
        if let Some(last) = self.lines.last_mut() {
            last.text.truncate(last.text.trim_end_matches(is_space).len());
        }
    }

    /// A further `+=` or `-=` of the same option in the same file.
    pub(super) fn repeat(&mut self, text: &str, name: Origin, origin: Origin) {
        self.trim_end();
        self.name = name;
        if !text.is_empty() {
            self.push(text, origin);
        }
    }

    /// Takes off what a block of indented lines has in common, and the empty lines around it.
    fn dedent(&mut self) {
        let is_block = self.lines.len() > 1 && self.lines[0].text.is_empty();
        if !is_block {
            return;
        }
        self.trim_end();
        let said = self.lines.iter().position(|line| !line.text.is_empty()).unwrap_or(self.lines.len() - 1);
        self.lines.drain(..said);
        let indents = self.lines.iter().filter(|line| !line.text.is_empty()).map(|line| indent(&line.text));
        let common = indents.reduce(common_start).unwrap_or_default().len();
        for line in &mut self.lines {
            let cut = common.min(line.text.len());
            line.origin = line.origin.part(cut, line.text.len());
            line.text.drain(..cut);
        }
    }

    fn add(&mut self, other: &Self) {
        self.lines.extend(other.lines.iter().cloned());
        self.name = other.name;
    }

    fn remove(&mut self, other: &Self) {
        self.lines.retain(|line| other.lines.iter().all(|removed| removed.text != line.text));
        self.name = other.name;
        if self.lines.is_empty() {
            self.push("", other.name);
        }
    }

    fn empty(name: Origin) -> Self {
        Self::new("", name, name)
    }
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

fn common_start<'a>(one: &'a str, other: &str) -> &'a str {
    let length = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    &one[..length]
}

/// What one file, or several together, say of an option.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Slots {
    pub(super) set: Option<Value>,
    pub(super) add: Option<Value>,
    pub(super) remove: Option<Value>,
}

impl Slots {
    pub(super) fn slot(&mut self, operator: Operator) -> &mut Option<Value> {
        match operator {
            Operator::Set => &mut self.set,
            Operator::Add => &mut self.add,
            Operator::Remove => &mut self.remove,
        }
    }

    /// Takes the common indentation off each.
    pub(super) fn dedent(&mut self) {
        [&mut self.set, &mut self.add, &mut self.remove].into_iter().flatten().for_each(Value::dedent);
    }

    /// What comes later over this: its `=`, else this value, then its `+=`, then its `-=`.
    pub(super) fn update(&mut self, later: &Self) {
        let mut value = later.set.clone();
        for (operand, apply) in [
            (&later.add, Value::add as fn(&mut Value, &Value)),
            (&later.remove, Value::remove as fn(&mut Value, &Value)),
        ] {
            let Some(operand) = operand else { continue };
            let base = value.or_else(|| self.set.clone());
            let mut base = base.unwrap_or_else(|| Value::empty(operand.name));
            apply(&mut base, operand);
            value = Some(base);
        }
        if value.is_some() {
            self.set = value;
        }
    }

    /// What the first one to say something of an option says: `+=` is then `=`, and `-=` leaves nothing.
    pub(super) fn first(mut self) -> Self {
        if self.set.is_none() && self.add.is_some() {
            self.set = self.add.take();
        }
        if let (None, Some(removed)) = (&self.set, &self.remove) {
            self.set = Some(Value::empty(removed.name));
        }
        let mut whole = Self::default();
        whole.update(&self);
        whole
    }

    /// What replaces this as a whole, where something is said.
    pub(super) fn replace(&mut self, other: &Self) {
        for (mine, theirs) in
            [(&mut self.set, &other.set), (&mut self.add, &other.add), (&mut self.remove, &other.remove)]
        {
            if theirs.is_some() {
                mine.clone_from(theirs);
            }
        }
    }
}
