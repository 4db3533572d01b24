use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::buildout::Files;
use crate::parts::{Kind, Machine};

/// A machine for tests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pretended {
    /// What files contain; folders are in the other list.
    pub(super) files: BTreeMap<PathBuf, Vec<u8>>,
    /// Folders, those above files too.
    pub(super) folders: BTreeSet<PathBuf>,
}

impl Pretended {
    pub(super) fn new<P: Into<String>, T: AsRef<[u8]>>(files: impl IntoIterator<Item = (P, T)>) -> Self {
        let mut machine = Self::default();
        for (path, text) in files {
            machine.put(path.into(), text);
        }
        machine
    }

    /// Puts a file there, with the folders above it.
    pub(super) fn put(&mut self, path: impl Into<PathBuf>, text: impl AsRef<[u8]>) {
        let path = path.into();
        self.folders.extend(path.ancestors().skip(1).map(Path::to_owned));
        self.files.insert(path, text.as_ref().to_vec());
    }
}

impl Files for Pretended {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

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
