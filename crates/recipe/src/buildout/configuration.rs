//! What a file means: everything merged, with values on demand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::condition::Facts;
use super::defaults;
use super::document::is_space;
use super::extends::{Extends, Wanted, diagnostic};
use super::macros::{self, Whole};
use super::overrides::Override;
use super::section::{Section, Sections};
use super::substitution::Resolver;
use super::value::{Origin, Value};
use super::{Files, Surroundings};
use crate::definition::Span;
use crate::diagnostic::{Diagnostic, Diagnostics, Source};

/// A configuration with everything merged: the files, macros, conditions, options of the command line and the defaults of `[buildout]`.
#[derive(Debug)]
pub struct Configuration {
    pub(super) sources: Vec<Source>,
    pub(super) sections: BTreeMap<String, Whole>,
    /// Of `[buildout]`, absolute.
    pub(super) directory: String,
    directories: Directories,
}

/// The directories of `[buildout]`, absolute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Directories {
    directory: PathBuf,
    bin: PathBuf,
    parts: PathBuf,
    develop_eggs: PathBuf,
    installed: Option<PathBuf>,
}

impl Configuration {
    /// Reads a file, those it extends, and what the command line says.
    ///
    /// Every option of `[buildout]` has a value after it; those of other sections are looked at when they are asked for.
    pub fn read(
        file: &Path,
        overrides: &[Override],
        surroundings: &Surroundings,
        files: &dyn Files,
    ) -> Result<Self, Diagnostics> {
        let file = surroundings.directory.join(file);
        let folder = text_of(&file, file.parent().unwrap_or(&file))?;
        let facts = Facts {
            system: &surroundings.system,
            machine: &surroundings.machine,
            python_version: surroundings.python_version.as_deref(),
        };
        let mut extends = Extends::new(files, facts);
        let mut sections = defaults::sections(folder, surroundings);
        extends.read(&file, Wanted { by: None, is_optional: false })?;
        sections.update(std::mem::take(&mut extends.sections));
        let mut given = given(overrides);
        let further = given.0.get_mut("buildout").and_then(|buildout| buildout.options.remove("extends"));
        if let Some(further) = further.and_then(|slots| slots.first().set) {
            extends.read_all(&further, &surroundings.directory, false)?;
            sections.update(std::mem::take(&mut extends.sections));
        }
        sections.update(given);
        let sources = extends.sources;
        let folder = |source: usize| {
            let folder = sources.get(source).and_then(|source| source.file().parent());
            folder.unwrap_or(&surroundings.directory).to_string_lossy().into_owned()
        };
        defaults::place(&mut sections, surroundings, folder);
        let sections = macros::expand(&sections, &sources);
        let mut configuration =
            Self { sources, sections, directory: String::new(), directories: Directories::default() };
        configuration.find_directories(surroundings)?;
        Ok(configuration)
    }

    /// Every section, in the order of the names.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.keys().map(String::as_str)
    }

    /// Every option of a section, in the order of the names; `None` if there is no such section.
    pub fn options(&self, section: &str) -> Option<impl Iterator<Item = &str>> {
        Some(self.sections.get(section)?.options.keys().map(String::as_str))
    }

    /// The value of an option with substitutions made; `None` if the section has no such option, or there is no such section.
    pub fn value(&self, section: &str, option: &str) -> Result<Option<String>, Diagnostic> {
        Resolver::new(self).value(section, option)
    }

    /// Makes sure that every option of a section, and of those that it refers to, has a value.
    pub fn check(&self, section: &str) -> Result<(), Diagnostic> {
        Resolver::new(self).touch(section).map(drop)
    }

    /// The parts in the order in which they are installed: those of `parts` in `[buildout]`, each after the parts that it refers to, listed or not.
    pub fn parts(&self) -> Result<Vec<String>, Diagnostic> {
        let missing = || {
            let help = "write parts = NAME …, or parts = where there is none".to_owned();
            self.diagnostic("buildout", "parts", "section [buildout] has no option \"parts\"", Some(help))
        };
        let parts = self.value("buildout", "parts")?.ok_or_else(missing)?;
        let mut resolver = Resolver::new(self);
        let mut ordered = resolver.touch("buildout")?;
        for part in parts.split(is_space).filter(|part| !part.is_empty()) {
            self.check_part(part)?;
            ordered = resolver.touch(part)?;
        }
        Ok(ordered.iter().map(|part| (*part).to_owned()).collect())
    }

    /// Something wrong with an option's value, at its place in its file. What was said on the command line has no place; where the option isn't there, the
    /// section's name is shown.
    pub fn diagnostic(
        &self,
        section: &str,
        option: &str,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Diagnostic {
        let section = self.sections.get(section);
        let value = section.and_then(|section| section.options.get(option));
        let origin = value.map(Value::origin).or(section.map(|section| section.header));
        diagnostic(&self.sources, origin.unwrap_or(Origin::Default), &message.into(), help)
    }

    /// The files that were read, as one source in which every place is one: the file that was asked for and those that it extends.
    pub fn source(&self) -> Source {
        Source::together(&self.sources).unwrap_or_else(|| Source::new("", ""))
    }

    /// Where an option's value is in [`Self::source`]: its own place, else that of its section; `None` where neither is written in a file.
    pub fn span(&self, section: &str, option: &str) -> Option<Span> {
        let section = self.sections.get(section)?;
        let value = section.options.get(option).map(Value::origin);
        let written = [value, Some(section.header)].into_iter().flatten();
        let mut files = written.filter_map(|origin| match origin {
            Origin::File { source, span } => Some((source, span)),
            Origin::CommandLine | Origin::Default => None,
        });
        files.next().map(|(source, span)| self.source().span_in(source, span))
    }

    /// The file that was asked for, absolute.
    pub fn file(&self) -> &Path {
        self.sources.first().map_or(Path::new(""), Source::file)
    }

    /// Every file that was read, in that order.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.sources.iter().map(Source::file)
    }

    /// `directory`: that of the file unless something is said.
    pub fn directory(&self) -> &Path {
        &self.directories.directory
    }

    /// `bin-directory`.
    pub fn bin_directory(&self) -> &Path {
        &self.directories.bin
    }

    /// `parts-directory`.
    pub fn parts_directory(&self) -> &Path {
        &self.directories.parts
    }

    /// `develop-eggs-directory`.
    pub fn develop_eggs_directory(&self) -> &Path {
        &self.directories.develop_eggs
    }

    /// `installed`: where it is kept what was installed; `None` if that is empty.
    pub fn installed(&self) -> Option<&Path> {
        self.directories.installed.as_deref()
    }

    fn check_part(&self, part: &str) -> Result<(), Diagnostic> {
        let Some(section) = self.sections.get(part) else {
            let help = super::nearest(part, self.sections.keys().map(String::as_str));
            let help = match help {
                Some(right) => format!("did you mean {right:?}?"),
                None => format!("write a section [{part}] with an option recipe"),
            };
            let message = format!("there is no section for the part {part:?}");
            return Err(self.word("buildout", "parts", part, &message, Some(help)));
        };
        if section.broken.is_none() && self.value(part, "recipe")?.is_none_or(|recipe| recipe.is_empty()) {
            let help = "write recipe = PACKAGE:NAME".to_owned();
            return Err(self.diagnostic(
                part,
                "recipe",
                format!("the part {part:?} has no recipe"),
                Some(help),
            ));
        }
        Ok(())
    }

    /// Something wrong with a word of a value.
    fn word(
        &self,
        section: &str,
        option: &str,
        word: &str,
        message: &str,
        help: Option<String>,
    ) -> Diagnostic {
        let value = self.sections.get(section).and_then(|section| section.options.get(option));
        match value.and_then(|value| value.words().find(|(there, _)| *there == word)) {
            Some((_, origin)) => diagnostic(&self.sources, origin, message, help),
            None => self.diagnostic(section, option, message, help),
        }
    }

    fn find_directories(&mut self, surroundings: &Surroundings) -> Result<(), Diagnostic> {
        let said = self.value("buildout", "directory")?.unwrap_or_default();
        let base = text_of(self.file(), &surroundings.directory)?;
        self.directory = defaults::join(base, &said);
        self.check("buildout")?;
        let path = |option| self.value("buildout", option).map(Option::unwrap_or_default).map(PathBuf::from);
        let installed = path("installed")?;
        self.directories = Directories {
            directory: self.directory.clone().into(),
            bin: path("bin-directory")?,
            parts: path("parts-directory")?,
            develop_eggs: path("develop-eggs-directory")?,
            installed: Some(installed).filter(|installed| !installed.as_os_str().is_empty()),
        };
        Ok(())
    }
}

/// The path as a text that can be a value.
fn text_of<'p>(file: &Path, path: &'p Path) -> Result<&'p str, Diagnostic> {
    path.to_str().ok_or_else(|| {
        let message = format!("the path {} is not valid Unicode", path.display());
        Diagnostic { file: file.to_owned(), place: None, message, help: None }
    })
}

/// What the command line says, as a file would.
fn given(overrides: &[Override]) -> Sections {
    let mut sections = Sections::default();
    let origin = Origin::CommandLine;
    for given in overrides {
        let section = sections.0.entry(given.section.clone()).or_insert_with(|| Section::new(origin));
        let slots = section.options.entry(given.option.clone()).or_default();
        match slots.slot(given.operator) {
            Some(there) if given.operator != super::Operator::Set => {
                there.repeat(&given.value, origin, origin)
            }
            slot => *slot = Some(Value::new(&given.value, origin, origin)),
        }
    }
    sections
}
