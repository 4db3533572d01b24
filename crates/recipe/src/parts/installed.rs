//! `.installed.cfg`: which parts are installed, with which options, and which files each of them made.
//!
//! The format is that of zc.buildout, whose files are read as they are: a section for each part, its options as they were when it was installed, and
//! `__buildout_installed__` and `__buildout_signature__`. Parts that are no longer listed in `[buildout] parts` don't count, and a section that comes
//! twice is one, because zc.buildout appends what changed. What svckit adds is `svc-unfinished`, the files of a run that has not come to its end.
//!
//! A file that can't be right is refused as a whole: what it says decides what is deleted.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::escape;
use crate::definition::Span;
use crate::diagnostic::{Diagnostic, Diagnostics, Source};

const BUILDOUT: &str = "buildout";
const PARTS: &str = "parts";
const DEVELOP_LINKS: &str = "installed_develop_eggs";
const UNFINISHED: &str = "svc-unfinished";
const FILES: &str = "__buildout_installed__";
const SIGNATURE: &str = "__buildout_signature__";

/// What all options begin with that belong to buildout itself.
const OWN: &str = "__buildout_";

const HELP: &str = "mend the line; or move the file away: then every part is installed anew, and nothing that it recorded is removed";

/// What is installed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Installed {
    /// The links of developed projects.
    pub develop_links: Vec<PathBuf>,
    /// In the order of their installation.
    pub parts: Vec<InstalledPart>,
    /// Files that a run was about to make or to remove; whoever finds some here removes them.
    pub unfinished: Vec<PathBuf>,
}

/// A part as it was installed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InstalledPart {
    /// The name of its section.
    pub name: String,
    /// Its options with all substitutions made.
    pub options: BTreeMap<String, String>,
    /// Which version of which recipe made it.
    pub signature: String,
    /// The files that it made.
    pub files: Vec<PathBuf>,
}

impl Installed {
    /// Reads the bytes of such a file.
    pub fn read(file: &Path, bytes: &[u8]) -> Result<Self, Diagnostics> {
        let text = std::str::from_utf8(bytes).map_err(|error| not_text(file, bytes, error.valid_up_to()))?;
        let source = Source::new(file, text);
        let sections = Sections::read(&source)?;
        let installed = sections.installed(&source)?;
        Ok(installed)
    }

    /// A part by its name.
    pub fn part(&self, name: &str) -> Option<&InstalledPart> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// Whether there is nothing to be recorded.
    pub fn is_empty(&self) -> bool {
        self.develop_links.is_empty() && self.parts.is_empty() && self.unfinished.is_empty()
    }
}

impl InstalledPart {
    /// Whether an option is recorded as one of the part's own.
    pub fn is_recorded(option: &str) -> bool {
        !option.starts_with(OWN)
    }
}

impl fmt::Display for Installed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[{BUILDOUT}]")?;
        writeln!(f, "{DEVELOP_LINKS} = {}", list(&self.develop_links))?;
        let names: Vec<_> = self.parts.iter().map(|part| part.name.as_str()).collect();
        writeln!(f, "{PARTS} = {}", names.join(" "))?;
        if !self.unfinished.is_empty() {
            writeln!(f, "{UNFINISHED} = {}", list(&self.unfinished))?;
        }
        for part in &self.parts {
            writeln!(f, "\n[{}]", part.name)?;
            writeln!(f, "{FILES} = {}", list(&part.files))?;
            writeln!(f, "{SIGNATURE} = {}", escape::written(&part.signature))?;
            for (option, value) in &part.options {
                writeln!(f, "{option} = {}", escape::written(value))?;
            }
        }
        Ok(())
    }
}

fn list(files: &[PathBuf]) -> String {
    let files: Vec<_> = files.iter().map(|file| escape::item(&file.to_string_lossy())).collect();
    files.join("\n\t")
}

fn not_text(file: &Path, bytes: &[u8], valid: usize) -> Diagnostic {
    let source = Source::new(file, String::from_utf8_lossy(bytes));
    // Up to there nothing was replaced, so places are the same.
    damaged(&source, Span { start: valid, end: valid }, "this is not UTF-8")
}

fn damaged(source: &Source, span: Span, message: impl fmt::Display) -> Diagnostic {
    source.diagnostic(
        span,
        format!("the record of installed parts is damaged: {message}"),
        Some(HELP.to_owned()),
    )
}

/// A value as it is written, and where.
struct Value {
    raw: String,
    span: Span,
}

#[derive(Default)]
struct Section {
    header: Span,
    options: BTreeMap<String, Value>,
}

#[derive(Default)]
struct Sections(BTreeMap<String, Section>);

impl Sections {
    fn read(source: &Source) -> Result<Self, Diagnostic> {
        let mut sections = Self::default();
        let mut section: Option<String> = None;
        let mut option: Option<String> = None;
        // What some editors write in front of a text is no part of its first line.
        let mut start = if source.text().starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        for line in source.text()[start..].split_inclusive('\n') {
            let span = Span { start, end: start + line.trim_end().len() };
            start += line.len();
            if line.trim().is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if line.starts_with([' ', '\t']) {
                let value = sections.value(section.as_deref(), option.as_deref());
                let value = value.ok_or_else(|| damaged(source, span, "this line continues no option"))?;
                if !value.raw.is_empty() {
                    value.raw.push('\n');
                }
                value.raw.push_str(escape::trim(line));
            } else if line.starts_with('[') {
                let name =
                    header(line).ok_or_else(|| damaged(source, span, "this is no section's header"))?;
                sections.0.entry(name.to_owned()).or_default().header = span;
                section = Some(name.to_owned());
                option = None;
            } else {
                let (name, raw) = assignment(line).ok_or_else(|| {
                    damaged(source, span, "this is neither an option nor a section's header")
                })?;
                let Some(section) = section.as_ref().and_then(|section| sections.0.get_mut(section)) else {
                    return Err(damaged(source, span, "this option is in no section"));
                };
                section.options.insert(name.to_owned(), Value { raw: raw.to_owned(), span });
                option = Some(name.to_owned());
            }
        }
        Ok(sections)
    }

    fn value(&mut self, section: Option<&str>, option: Option<&str>) -> Option<&mut Value> {
        self.0.get_mut(section?)?.options.get_mut(option?)
    }

    fn installed(&self, source: &Source) -> Result<Installed, Diagnostic> {
        let buildout = self.0.get(BUILDOUT);
        let Some(parts) = buildout.and_then(|buildout| buildout.options.get(PARTS)) else {
            let missing = format!("option {PARTS:?} of [{BUILDOUT}] is missing");
            return Err(damaged(
                source,
                buildout.map_or(Span::default(), |buildout| buildout.header),
                missing,
            ));
        };
        let of_buildout = |option: &str| buildout.and_then(|buildout| buildout.options.get(option));
        let all = escape::read(&parts.raw);
        let mut names: Vec<&str> = Vec::new();
        for name in all.split_whitespace() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let installed = names.into_iter().map(|name| {
            // That one is no part.
            let Some(section) = self.0.get(name).filter(|_| name != BUILDOUT) else {
                return Err(damaged(source, parts.span, format!("part {name:?} has no section")));
            };
            section.part(source, name)
        });
        Ok(Installed {
            develop_links: of_buildout(DEVELOP_LINKS).map(files).unwrap_or_default(),
            parts: installed.collect::<Result<_, _>>()?,
            unfinished: of_buildout(UNFINISHED).map(files).unwrap_or_default(),
        })
    }
}

impl Section {
    fn part(&self, source: &Source, name: &str) -> Result<InstalledPart, Diagnostic> {
        let own = |option: &str| {
            let missing =
                || damaged(source, self.header, format!("option {option:?} of part {name:?} is missing"));
            self.options.get(option).ok_or_else(missing)
        };
        let options = self.options.iter().filter(|(option, _)| InstalledPart::is_recorded(option));
        Ok(InstalledPart {
            name: name.to_owned(),
            options: options.map(|(option, value)| (option.clone(), escape::read(&value.raw))).collect(),
            signature: escape::read(&own(SIGNATURE)?.raw),
            files: files(own(FILES)?),
        })
    }
}

fn files(value: &Value) -> Vec<PathBuf> {
    escape::read_list(&value.raw).into_iter().map(PathBuf::from).collect()
}

fn header(line: &str) -> Option<&str> {
    let name = line.trim_end().strip_prefix('[')?.strip_suffix(']')?;
    is_name(name).then_some(name)
}

fn assignment(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = escape::trim(name);
    is_name(name).then(|| (name, escape::trim(value)))
}

/// What zc.buildout takes for the name of a section or an option.
fn is_name(name: &str) -> bool {
    let is_odd =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '[' | ']' | '{' | '}' | ':' | '=');
    !name.is_empty() && !name.contains(is_odd)
}

#[cfg(test)]
#[path = "installed_tests.rs"]
mod tests;
