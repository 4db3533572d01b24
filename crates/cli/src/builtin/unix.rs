use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use svckit_recipe::Platform;

use crate::builtin::Deed;

/// What definitions are read for.
pub(crate) const PLATFORM: Platform = Platform::Unix;

/// Standard input without the buffer that is never overwritten.
pub(crate) fn unbuffered_input() -> io::Result<File> {
    Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
}

/// Whether everybody may do that with a file, as its mode says; not if nobody can tell.
pub(crate) fn are_others_let(deed: Deed, file: &Path) -> bool {
    /// In such a folder only the owner of a file may replace it.
    const STICKY: u32 = 0o1000;
    let Ok(metadata) = std::fs::metadata(file) else { return false };
    let mode = metadata.permissions().mode();
    match deed {
        Deed::Read => mode & 0o004 != 0,
        Deed::Write if metadata.is_dir() => mode & 0o002 != 0 && mode & STICKY == 0,
        Deed::Write => mode & 0o002 != 0,
    }
}
