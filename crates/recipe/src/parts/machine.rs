//! What a plan asks about the machine.

use std::io;
use std::path::Path;

use crate::buildout::Files;

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file, or something that can be read as one.
    File,
    /// A folder.
    Folder,
}

/// The machine as it is shown to a plan, which changes nothing there.
pub trait Machine: Files {
    /// What is at a path, links followed; `None` if nothing is.
    fn kind(&self, path: &Path) -> Option<Kind>;

    /// The names of what is in a folder, in any order.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;
}
