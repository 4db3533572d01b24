use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use svckit_core::secret::Secret;

/// Opens a file without waiting for whoever may be at its other end.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

/// Whether others than its owner and its group may read or change an open file.
pub(super) fn may_others_use(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.permissions().mode() & 0o006 != 0)
}

/// There is no store that every system of this kind has.
pub(super) fn credential(_: &str) -> io::Result<Secret> {
    Err(rustix::io::Errno::NOTSUP.into())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn set(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn close_to_others(path: &Path) {
        set(path, 0o640);
    }

    pub(crate) fn open_to_others(path: &Path) {
        set(path, 0o604);
    }

    #[test]
    fn a_pipe_without_a_writer_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        assert_eq!(crate::secret::read(&path).unwrap_err().to_string(), "it is no file");
    }
}
