//! Whether a file can be run as a program, asked before it is tried.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

/// Why a program can't be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// There is no such file.
    #[error("there is no program {}", .0.display())]
    Missing(PathBuf),
    /// It is in no folder of `PATH`.
    #[error("the program {0:?} is in no folder of PATH")]
    NotFound(String),
    /// It is a folder.
    #[error("{} is a folder, not a program", .0.display())]
    Folder(PathBuf),
    /// Nobody may execute it.
    #[error("{} is not executable", .0.display())]
    NotExecutable(PathBuf),
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    Executable,
    Other,
}

/// Finds a program: one with a path separator is that file, any other is looked up in `search`, a list of folders as in `PATH`. Where the system adds
/// endings to the names of programs (`.exe`), a name without one of them is looked for with each.
pub fn find(program: &str, search: &OsStr) -> Result<PathBuf, ProgramError> {
    if program.contains(std::path::is_separator) {
        return first_of(PathBuf::from(program));
    }
    let mut refused = None;
    for folder in std::env::split_paths(search) {
        let path = folder.join(program);
        match first_of(path) {
            Ok(path) => return std::path::absolute(&path).map_err(|_| ProgramError::Missing(path)),
            Err(error @ ProgramError::NotExecutable(_)) => refused = refused.or(Some(error)),
            Err(_) => {}
        }
    }
    Err(refused.unwrap_or_else(|| ProgramError::NotFound(program.to_owned())))
}

/// The first file that a path may mean and that can be run, or what is wrong with the one that says most.
fn first_of(path: PathBuf) -> Result<PathBuf, ProgramError> {
    let mut refused = None;
    for candidate in system::candidates(&path) {
        match check(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(ProgramError::Missing(_)) => {}
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.unwrap_or(ProgramError::Missing(path)))
}

/// Whether the file can be run, as far as the file itself tells.
pub fn check(path: &Path) -> Result<(), ProgramError> {
    match system::look(path) {
        Err(_) => Err(ProgramError::Missing(path.to_owned())),
        Ok(Kind::Folder) => Err(ProgramError::Folder(path.to_owned())),
        Ok(Kind::Executable) => Ok(()),
        Ok(Kind::Other) => Err(ProgramError::NotExecutable(path.to_owned())),
    }
}
