//! Whether a file can be run as a program, asked before it is tried.

mod unix;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

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

/// Finds a program: one with a path separator is that file, any other is looked up in `search`, a list of folders as in `PATH`.
pub fn find(program: &str, search: &OsStr) -> Result<PathBuf, ProgramError> {
    if program.contains(std::path::is_separator) {
        let path = PathBuf::from(program);
        return check(&path).map(|()| path);
    }
    let mut refused = None;
    for folder in std::env::split_paths(search) {
        let path = folder.join(program);
        match check(&path) {
            Ok(()) => return std::path::absolute(&path).map_err(|_| ProgramError::Missing(path)),
            Err(error @ ProgramError::NotExecutable(_)) => refused = refused.or(Some(error)),
            Err(_) => {}
        }
    }
    Err(refused.unwrap_or_else(|| ProgramError::NotFound(program.to_owned())))
}

/// Whether the file can be run, as far as the file itself tells.
pub fn check(path: &Path) -> Result<(), ProgramError> {
    let Ok(metadata) = std::fs::metadata(path) else { return Err(ProgramError::Missing(path.to_owned())) };
    if metadata.is_dir() {
        return Err(ProgramError::Folder(path.to_owned()));
    }
    if unix::may_be_executed(&metadata) { Ok(()) } else { Err(ProgramError::NotExecutable(path.to_owned())) }
}
