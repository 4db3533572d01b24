//! The built-in service control manager of a state directory. How it is reached is in [`crate::local`], on systems that it runs on.

use std::path::{Path, PathBuf};

/// The built-in service control manager of a state directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedded {
    pub(crate) directory: PathBuf,
    /// What is run to serve the directory when nobody does.
    pub(crate) svc: Option<PathBuf>,
}

impl Embedded {
    /// That of `directory`; it has to be served already.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), svc: None }
    }

    /// The same; if nobody serves it, this `svc` is run to do so.
    #[must_use]
    pub fn autostart(mut self, svc: Option<PathBuf>) -> Self {
        self.svc = svc;
        self
    }

    /// The state directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}
