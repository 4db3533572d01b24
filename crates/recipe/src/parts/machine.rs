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

/// A machine for tests.
#[cfg(test)]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pretended {
    /// What files contain; folders are those that files are in, and those that end with a separator.
    pub(crate) files: std::collections::BTreeMap<std::path::PathBuf, Vec<u8>>,
    /// Folders, those above files too.
    pub(crate) folders: std::collections::BTreeSet<std::path::PathBuf>,
}

#[cfg(test)]
impl Pretended {
    pub(crate) fn new<P: Into<String>, T: AsRef<[u8]>>(files: impl IntoIterator<Item = (P, T)>) -> Self {
        let mut machine = Self::default();
        for (path, text) in files {
            machine.put(path.into(), text);
        }
        machine
    }

    /// Puts a file there, with the folders above it.
    pub(crate) fn put(&mut self, path: impl Into<std::path::PathBuf>, text: impl AsRef<[u8]>) {
        let path = path.into();
        self.folders.extend(path.ancestors().skip(1).map(Path::to_owned));
        self.files.insert(path, text.as_ref().to_vec());
    }
}

#[cfg(test)]
impl Files for Pretended {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

#[cfg(test)]
impl Machine for Pretended {
    fn kind(&self, path: &Path) -> Option<Kind> {
        let is_file = self.files.contains_key(path).then_some(Kind::File);
        is_file.or_else(|| self.folders.contains(path).then_some(Kind::Folder))
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let all = self.files.keys().chain(&self.folders).filter(|path| path.parent() == Some(folder));
        Ok(all.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }
}
