//! Log files: opening, reading and writing at a place, rotating.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{
    identity, is_at, is_plain, null_device, open_log, read_at, rename_new, sync_folder, write_at,
};
#[cfg(windows)]
pub use windows::{
    identity, is_at, is_plain, null_device, open_log, read_at, rename_new, sync_folder, write_at,
};

use std::fs::File;
use std::io;
use std::time::UNIX_EPOCH;

use svckit_core::time::WallTime;

/// When a file was written last.
pub fn written(file: &File) -> io::Result<WallTime> {
    let since = file.metadata()?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(WallTime(u64::try_from(since.as_millis()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renaming_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a"), "a").unwrap();
        std::fs::write(at("b"), "b").unwrap();
        assert_eq!(rename_new(&at("a"), &at("b")).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        rename_new(&at("a"), &at("c")).unwrap();
        assert!(!at("a").exists());
    }
}
