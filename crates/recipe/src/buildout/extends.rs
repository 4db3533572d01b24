//! A file and those that it extends, in the order in which they are laid over each other.

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::Files;
use super::condition::Facts;
use super::document::{Document, Operator};
use super::section::Sections;
use super::value::{Origin, Value};
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::file::{self, MAX_FILE, plain};

/// How many files may be read, and how many of them below each other.
const MAX_FILES: usize = 500;
const MAX_DEPTH: usize = 50;

/// Reads files and lays each over those that it extends.
pub(super) struct Extends<'a> {
    files: &'a dyn Files,
    facts: Facts<'a>,
    pub(super) sources: Vec<Source>,
    /// What was read so far.
    pub(super) sections: Sections,
    /// Those that are being read, by their names without `.` and `..`, each extended by the one before it.
    open: Vec<PathBuf>,
}

/// Who wants a file.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    /// Where it is said; not for the first one.
    pub(super) by: Option<Origin>,
    /// It may be missing.
    pub(super) is_optional: bool,
}

impl<'a> Extends<'a> {
    pub(super) fn new(files: &'a dyn Files, facts: Facts<'a>) -> Self {
        Self { files, facts, sources: Vec::new(), sections: Sections::default(), open: Vec::new() }
    }

    /// Reads a file; the path is absolute.
    pub(super) fn read(&mut self, path: &Path, wanted: Wanted) -> Result<(), Diagnostics> {
        let name = cleaned(path);
        self.check(path, &name, wanted)?;
        let bytes = match self.files.read(path) {
            Ok(bytes) => bytes,
            Err(error) if wanted.is_optional && error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                let message = match wanted.by {
                    Some(_) => {
                        format!("cannot read {}, which is to be extended: {}", path.display(), plain(&error))
                    }
                    None => format!("cannot read the configuration: {}", plain(&error)),
                };
                return Err(self.tell(path, wanted, message, None).into());
            }
        };
        let source = Source::new(path, text(path, bytes)?);
        let number = self.sources.len();
        self.sources.push(source.clone());
        let document = Document::parse(source)?;
        let mut sections = Sections::of(&document, number, &self.facts)?;
        let extended = self.extended(&mut sections)?;
        let folder = path.parent().unwrap_or(path);
        self.open.push(name);
        for (value, is_optional) in extended {
            self.read_all(&value, folder, is_optional)?;
        }
        self.open.pop();
        self.sections.update(sections);
        Ok(())
    }

    /// Reads every file that a value names, relative to a folder.
    pub(super) fn read_all(
        &mut self,
        value: &Value,
        folder: &Path,
        is_optional: bool,
    ) -> Result<(), Diagnostics> {
        for (name, origin) in value.words() {
            let wanted = Wanted { by: Some(origin), is_optional };
            let refusal = if is_url(name) {
                Some(("is a URL, and nothing is fetched from the network", "save the file and name its path"))
            } else if name.contains("${") {
                Some(("holds a substitution, which is not made in the name of a file", "write the path out"))
            } else {
                None
            };
            if let Some((why, help)) = refusal {
                let message = format!("cannot extend {name:?}: it {why}");
                return Err(self.tell(folder, wanted, message, Some(help.to_owned())).into());
            }
            self.read(&folder.join(name), wanted)?;
        }
        Ok(())
    }

    fn check(&self, path: &Path, name: &Path, wanted: Wanted) -> Result<(), Diagnostics> {
        if let Some(start) = self.open.iter().position(|open| open == name) {
            let circle = self.open[start..].iter().map(PathBuf::as_path).chain([name]);
            let circle = circle.map(|file| file.display().to_string()).collect::<Vec<_>>().join(" -> ");
            let message = format!("the file extends itself: {circle}");
            return Err(self.tell(path, wanted, message, None).into());
        }
        if self.sources.len() >= MAX_FILES || self.open.len() >= MAX_DEPTH {
            let message =
                format!("more than {MAX_FILES} files are extended, or more than {MAX_DEPTH} in a row");
            return Err(self.tell(path, wanted, message, None).into());
        }
        Ok(())
    }

    /// Takes out of a file what it extends.
    fn extended(&self, sections: &mut Sections) -> Result<Vec<(Value, bool)>, Diagnostic> {
        let Some(buildout) = sections.0.get_mut("buildout") else { return Ok(Vec::new()) };
        if let Some(undecided) = &buildout.undecided {
            return Err(undecided.clone());
        }
        let mut extended = Vec::new();
        for (name, is_optional) in [("extends", false), ("optional-extends", true)] {
            let Some(mut slots) = buildout.options.remove(name) else { continue };
            for operator in [Operator::Add, Operator::Remove] {
                if let Some(value) = slots.slot(operator) {
                    let message = format!("{name:?} can't be added to or taken from");
                    let help = format!("write all files in one {name} =");
                    return Err(diagnostic(&self.sources, value.name, &message, Some(help)));
                }
            }
            extended.extend(slots.set.map(|value| (value, is_optional)));
        }
        match buildout.set("extended-by") {
            Some(value) => {
                let help = "name this file in the extends of the other".to_owned();
                Err(diagnostic(&self.sources, value.name, "extended-by is no longer supported", Some(help)))
            }
            None => Ok(extended),
        }
    }

    fn tell(&self, path: &Path, wanted: Wanted, message: String, help: Option<String>) -> Diagnostic {
        match wanted.by {
            Some(origin) => diagnostic(&self.sources, origin, &message, help),
            None => Diagnostic { file: path.to_owned(), place: None, message, help },
        }
    }
}

fn text(path: &Path, bytes: Vec<u8>) -> Result<String, Diagnostic> {
    if bytes.len() > MAX_FILE {
        let message = "the file is larger than 1 MiB".to_owned();
        return Err(Diagnostic { file: path.to_owned(), place: None, message, help: None });
    }
    file::text(path, bytes)
}

/// Something wrong with a text, at its place.
pub(super) fn diagnostic(
    sources: &[Source],
    origin: Origin,
    message: &str,
    help: Option<String>,
) -> Diagnostic {
    let whole = |file: &str| Diagnostic {
        file: file.into(),
        place: None,
        message: message.to_owned(),
        help: help.clone(),
    };
    match origin {
        Origin::File { source, span } => match sources.get(source) {
            Some(source) => source.diagnostic(span, message, help),
            None => whole("buildout.cfg"),
        },
        Origin::CommandLine => whole("command line"),
        Origin::Default => match sources.first() {
            Some(source) => Diagnostic { file: source.file().to_owned(), ..whole("") },
            None => whole("buildout.cfg"),
        },
    }
}

fn is_url(name: &str) -> bool {
    name.split_once("://")
        .is_some_and(|(scheme, _)| scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)))
        || name.starts_with("file:")
}

/// The path without `.` and `..`.
pub(super) fn cleaned(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(cleaned.pop()),
            other => cleaned.push(other),
        }
    }
    cleaned
}
