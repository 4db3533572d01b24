//! The mode of a file.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::Kind;

/// The files that a path to a program may mean, in order.
pub(super) fn candidates(path: &Path) -> impl Iterator<Item = PathBuf> {
    std::iter::once(path.to_owned())
}

/// What is at a path.
pub(super) fn look(path: &Path) -> io::Result<Kind> {
    let metadata = std::fs::metadata(path)?;
    Ok(match metadata.is_dir() {
        true => Kind::Folder,
        false if metadata.permissions().mode() & 0o111 != 0 => Kind::Executable,
        false => Kind::Other,
    })
}
