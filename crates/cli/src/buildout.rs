//! What a buildout needs of this machine: its files, and the Python that is found.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use svckit_host::program;
use svckit_recipe::Platform;
use svckit_recipe::buildout::{self, Configuration, Files, Override, Surroundings};
use svckit_recipe::parts::{Disk, Kind, Machine};

use crate::builtin;
use crate::failure::Failure;

/// The files of this machine.
pub(crate) struct ThisMachine;

/// Reads a configuration with what it extends; `overrides` are options of the command line.
pub(crate) fn configuration(file: &Path, overrides: &[Override]) -> Result<Configuration, Failure> {
    Ok(Configuration::read(file, overrides, &surroundings()?, &buildout::Disk)?)
}

fn surroundings() -> Result<Surroundings, Failure> {
    let directory = std::env::current_dir();
    let directory = directory.map_err(|error| Failure::io("cannot find the working directory", error))?;
    let home = match builtin::PLATFORM {
        Platform::Unix => std::env::var_os("HOME"),
        Platform::Windows => std::env::var_os("USERPROFILE"),
    };
    Ok(Surroundings {
        system: std::env::consts::OS.to_owned(),
        python: python(),
        home: home.map(PathBuf::from),
        ..Surroundings::new(directory, builtin::PLATFORM)
    })
}

/// The first Python on the path.
fn python() -> Option<PathBuf> {
    let names = match builtin::PLATFORM {
        Platform::Unix => ["python3", "python"],
        // What is python3 there may be no Python, but a way to the shop.
        Platform::Windows => ["python.exe", "python3.exe"],
    };
    let search = std::env::var_os("PATH").unwrap_or_default();
    let found = names.iter().find_map(|name| program::find(name, &search).ok())?;
    std::path::absolute(found).ok()
}

impl Files for ThisMachine {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }
}

impl Machine for ThisMachine {
    fn kind(&self, path: &Path) -> Option<Kind> {
        let metadata = fs::metadata(path).ok()?;
        Some(if metadata.is_dir() { Kind::Folder } else { Kind::File })
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(folder)?;
        // A name that is no text is none that a configuration can say.
        let names = entries.map(|entry| entry.map(|entry| entry.file_name().into_string().ok()));
        names.filter_map(io::Result::transpose).collect()
    }
}

impl Disk for ThisMachine {
    fn make_folder(&mut self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn write(&mut self, path: &Path, content: &[u8], is_lasting: bool) -> io::Result<()> {
        // What is there may be a link, which leads elsewhere.
        self.remove(path)?;
        let mut file = File::create_new(path)?;
        file.write_all(content)?;
        // Or a power failure could leave an empty file where a whole one was.
        if is_lasting { file.sync_all() } else { Ok(()) }
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        let is_folder = fs::symlink_metadata(path).map(|metadata| metadata.is_dir());
        let removed = match is_folder {
            Ok(true) => fs::remove_dir(path),
            Ok(false) => fs::remove_file(path),
            Err(error) => Err(error),
        };
        match removed.map_err(|error| (error.kind(), error)) {
            Err((
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::DirectoryNotEmpty,
                _,
            )) => Ok(()),
            Err((_, error)) => Err(error),
            Ok(()) => Ok(()),
        }
    }
}
