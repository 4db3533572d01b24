//! The room on the disk where a path is: `of`. A disk has a name, so that two paths on one are told from two disks.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::ffi::OsString;
use std::io;
use std::path::Path;

use svckit_core::space::Space;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

/// The disk where a file or a folder is, or will be when the folders of its path are made: its name and its room.
pub fn of(path: &Path) -> io::Result<(OsString, Space)> {
    let there = path.ancestors().find(|path| path.exists()).unwrap_or(path);
    system::of(there)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_what_will_be_in_it_are_on_one_disk() {
        let folder = tempfile::tempdir().unwrap();
        let (disk, space) = of(folder.path()).unwrap();
        assert!(space.free <= space.total && space.total > 0, "{space:?}");
        assert_eq!(of(&folder.path().join("not/yet/there.log")).unwrap().0, disk);
    }
}
