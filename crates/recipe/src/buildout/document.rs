//! One file as it is written: lines with their places, nothing lost, nothing resolved.

use std::fmt;

use crate::definition::Span;
use crate::diagnostic::{Diagnostic, Diagnostics, Source};

/// A text of the language of `buildout.cfg`, line by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    source: Source,
    lines: Vec<Line>,
}

/// A line with its end. The lines of a document, one after the other, are its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// All of it, the end of the line included.
    pub span: Span,
    /// What it is.
    pub kind: LineKind,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// Nothing but white space, where it belongs to no value.
    Blank,
    /// `#` or `;` in the first column, also amid a value.
    Comment,
    /// `[name]` or `[name: condition]`.
    Section {
        /// The name.
        name: Span,
        /// What stands after the colon.
        condition: Option<Span>,
    },
    /// `name = value`, `name += value`, `name -= value`.
    Option {
        /// The name without the operator.
        name: Span,
        /// How the value combines with the one that is there.
        operator: Operator,
        /// The value's first line, without white space around.
        value: Span,
    },
    /// `=> section …`: the option `<part-dependencies>` by another name.
    Dependencies {
        /// The sections.
        value: Span,
    },
    /// A further line of a value: an indented or a blank one.
    More {
        /// The line without its end.
        text: Span,
    },
}

/// How the value of an option combines with the one that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operator {
    /// `=`: it takes its place.
    Set,
    /// `+=`: its lines are added at the end.
    Add,
    /// `-=`: its lines are taken away.
    Remove,
}

/// White space as Python has it, which counts four control characters more than Unicode does.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

impl Document {
    /// Reads a text; every line that is none of the language is told.
    pub fn parse(source: Source) -> Result<Self, Diagnostics> {
        let text = source.text();
        let (mut lines, mut wrong) = (Vec::new(), Vec::new());
        let mut parser = Parser { text, in_section: false, in_option: false };
        // What some editors write in front of a text is no part of its first line.
        let mut start = 0;
        let mut content = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        while start < text.len() {
            let end = content + line_length(&text[content..]);
            match parser.line(content, end) {
                Ok(kind) => lines.push(Line { span: Span { start, end }, kind }),
                Err(problem) => wrong.push(problem.tell(&source)),
            }
            (start, content) = (end, end);
        }
        match Diagnostics::new(wrong) {
            Some(wrong) => Err(wrong),
            None => Ok(Self { source, lines }),
        }
    }

    /// The file and its text.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Every line.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// A part of the text.
    pub fn text(&self, span: Span) -> &str {
        &self.source.text()[span.start..span.end]
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| f.write_str(self.text(line.span)))
    }
}

/// A line that is none of the language.
struct Problem {
    span: Span,
    message: &'static str,
    help: &'static str,
}

impl Problem {
    fn tell(self, source: &Source) -> Diagnostic {
        source.diagnostic(self.span, self.message, Some(self.help.to_owned()))
    }
}

/// What the lines so far say about the next one.
struct Parser<'a> {
    text: &'a str,
    in_section: bool,
    in_option: bool,
}

impl Parser<'_> {
    fn line(&mut self, start: usize, end: usize) -> Result<LineKind, Problem> {
        let line = self.text[start..end].trim_end_matches(['\r', '\n']);
        if line.starts_with(['#', ';']) {
            return Ok(LineKind::Comment);
        }
        if self.in_option && line.chars().next().is_none_or(is_space) {
            return Ok(LineKind::More { text: Span { start, end: start + line.len() } });
        }
        if line.chars().all(is_space) {
            return Ok(LineKind::Blank);
        }
        let whole = self.trimmed(Span { start, end: start + line.len() });
        if line.starts_with('[') {
            let section = self.section(whole)?;
            (self.in_section, self.in_option) = (true, false);
            return Ok(section);
        }
        if !self.in_section {
            let help = "begin with a section such as [buildout], in the first column";
            return Err(Problem { span: whole, message: "this line is in no section", help });
        }
        let option = if line.starts_with("=>") {
            LineKind::Dependencies { value: self.trimmed(Span { start: start + 2, end: whole.end }) }
        } else {
            self.option(Span { start, end: whole.end })?
        };
        self.in_option = true;
        Ok(option)
    }

    fn section(&self, line: Span) -> Result<LineKind, Problem> {
        let problem = |start, message, help| Problem { span: Span { start, end: line.end }, message, help };
        let inside = line.start + 1;
        let name = self.trimmed_start(Span { start: inside, end: line.end });
        let is_part_of_name = |c: char| !is_space(c) && !"#[]:;{}".contains(c);
        let length = self.length(name, is_part_of_name);
        if length == 0 {
            return Err(problem(line.start, "this section has no name", "write [name]"));
        }
        let name = Span { start: name.start, end: name.start + length };
        let rest = self.trimmed_start(Span { start: name.end, end: line.end });
        // A comment may follow; neither a name nor a condition contains its sign.
        let code = Span { start: rest.start, end: rest.start + self.length(rest, |c| c != '#' && c != ';') };
        let code = self.trimmed(code);
        let Some(before) = self.text[code.start..code.end].strip_suffix(']') else {
            let help = "write [name] or [name: condition]; only a comment can follow";
            return Err(problem(line.start, "this section doesn't end with a bracket", help));
        };
        let condition = match before.strip_prefix(':') {
            // As zc.buildout has it: a colon with nothing behind it is no condition.
            Some("") => None,
            Some(_) => Some(Span { start: code.start + 1, end: code.end - 1 }),
            None if before.chars().all(is_space) => None,
            None => {
                let help = "a section is [name] or [name: condition], and its name has no white space, \
                            brackets or braces";
                return Err(problem(rest.start, "this can't stand in the name of a section", help));
            }
        };
        Ok(LineKind::Section { name, condition })
    }

    fn option(&self, line: Span) -> Result<LineKind, Problem> {
        let is_part_of_name = |c: char| !is_space(c) && !"{}[]=:".contains(c);
        let name = Span { start: line.start, end: line.start + self.length(line, is_part_of_name) };
        let rest = self.trimmed_start(Span { start: name.end, end: line.end });
        let text = &self.text[rest.start..rest.end];
        let (operator, length) = match text.as_bytes() {
            [b'=', ..] => (Operator::Set, 1),
            [b'+', b'=', ..] => (Operator::Add, 2),
            [b'-', b'=', ..] => (Operator::Remove, 2),
            _ => return Err(self.no_option(line, name)),
        };
        let value = self.trimmed(Span { start: rest.start + length, end: line.end });
        // What is written without a space, `name+=value`.
        let (name, operator) = match (operator, self.text.as_bytes()[..name.end].last()) {
            (Operator::Set, Some(b'+')) => (Span { start: name.start, end: name.end - 1 }, Operator::Add),
            (Operator::Set, Some(b'-')) => (Span { start: name.start, end: name.end - 1 }, Operator::Remove),
            _ => (name, operator),
        };
        if name.start == name.end {
            return Err(Problem {
                span: line,
                message: "this option has no name",
                help: "write name = value",
            });
        }
        Ok(LineKind::Option { name, operator, value })
    }

    fn no_option(&self, line: Span, name: Span) -> Problem {
        let text = &self.text[line.start..line.end];
        let help = match text[name.end - line.start..].trim_start_matches(is_space).chars().next() {
            _ if text.starts_with(is_space) => {
                "an indented line goes on with the value of an option, and there is none above it"
            }
            Some(':') => "write name = value; a colon is not an operator here",
            _ => "write name = value, or indent the line if it belongs to the value above",
        };
        Problem { span: self.trimmed(line), message: "this is neither a section nor an option", help }
    }

    /// How many bytes of a span are such characters.
    fn length(&self, span: Span, wanted: impl Fn(char) -> bool) -> usize {
        let text = &self.text[span.start..span.end];
        text.find(|c| !wanted(c)).unwrap_or(text.len())
    }

    fn trimmed_start(&self, span: Span) -> Span {
        Span { start: span.start + self.length(span, is_space), ..span }
    }

    fn trimmed(&self, span: Span) -> Span {
        let Span { start, end } = self.trimmed_start(span);
        Span { start, end: start + self.text[start..end].trim_end_matches(is_space).len() }
    }
}

/// How long the first line is, with its end: a line feed, a carriage return, or both.
fn line_length(text: &str) -> usize {
    match text.find(['\r', '\n']) {
        Some(end) if text[end..].starts_with("\r\n") => end + 2,
        Some(end) => end + 1,
        None => text.len(),
    }
}
