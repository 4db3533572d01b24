//! `buildout.cfg`, as zc.buildout reads it: `docs/reference/buildout.md`.
//!
//! [`Document`] is one file as it is written. [`Configuration`] is what a file means together with those it extends, the command line and what holds when
//! nothing is said. Reading needs no disk: texts come from [`Files`].

mod condition;
mod configuration;
mod defaults;
mod document;
mod extends;
mod macros;
mod overrides;
mod section;
mod substitution;
mod value;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::file;
use crate::platform::Platform;

pub use configuration::Configuration;
pub use document::{Document, Line, LineKind, Operator};
pub use overrides::{Override, OverrideError};

/// Where texts come from.
pub trait Files {
    /// The whole file.
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>>;
}

impl<F: Fn(&Path) -> std::io::Result<Vec<u8>>> Files for F {
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        self(path)
    }
}

/// The files of this machine. Of one that is too large no more is read than it takes to know that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        file::read(path)
    }
}

/// What a configuration may depend on besides its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// The working directory, absolute: what the name of the file, `directory` in `[buildout]` and `extends` on the command line are relative to.
    pub directory: PathBuf,
    /// What the configuration is for.
    pub platform: Platform,
    /// The operating system as Rust names it, such as `linux`, `macos` or `windows`; for conditions.
    pub system: String,
    /// The processor as Rust names it, such as `x86_64` or `aarch64`; for conditions.
    pub machine: String,
    /// The Python that was found: `executable` in `[buildout]` when nothing is said.
    pub python: Option<PathBuf>,
    /// That Python's version, such as `3.11.7`, if anybody asked; for conditions.
    pub python_version: Option<String>,
    /// The user's directory: `~` in the places of downloaded eggs.
    pub home: Option<PathBuf>,
}

impl Surroundings {
    /// A directory on a system, of which nothing else is known than that svckit runs there.
    pub fn new(directory: impl Into<PathBuf>, platform: Platform) -> Self {
        let system = match platform {
            Platform::Windows => "windows",
            Platform::Unix => "linux",
        };
        Self {
            directory: directory.into(),
            platform,
            system: system.to_owned(),
            machine: std::env::consts::ARCH.to_owned(),
            python: None,
            python_version: None,
            home: None,
        }
    }
}

/// The word that was probably meant.
fn nearest<'w>(wrong: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    words
        .map(|word| (strsim::jaro_winkler(wrong, word), word))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}
