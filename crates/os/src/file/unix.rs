use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, RenameFlags};

/// Opens a log to be written, made if it is missing and then only for its owner, as are missing folders above it. A symbolic link in its place is
/// refused: it could lead anywhere.
pub fn open_log(path: &Path) -> io::Result<File> {
    match open(path) {
        Err(rustix::io::Errno::NOENT) => {}
        other => return Ok(other?),
    }
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    Ok(open(path)?)
}

fn open(path: &Path) -> rustix::io::Result<File> {
    let flags = OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?;
    Ok(File::from(file))
}

/// The system's null device, for reading nothing and writing anything.
pub fn null_device() -> io::Result<File> {
    File::options().read(true).write(true).open("/dev/null")
}

/// Reads at a place.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buffer, offset)
}

/// Writes at a place; how many bytes were taken.
pub fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.write_at(bytes, offset)
}

/// Renames a file; `AlreadyExists` if the new name is taken.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // A file system that can't do it in one step. Nobody else gives such names.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if !to.exists() => std::fs::rename(from, to),
        other => Ok(other?),
    }
}

/// Makes sure that a file's name is on the disk.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// What tells a file from every other, whatever its name: its number, which another may get when it is deleted, and when it was made.
pub fn identity(file: &File) -> io::Result<u64> {
    let metadata = file.metadata()?;
    let made = metadata.created().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let made = made.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(0));
    Ok(metadata.ino().wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ made)
}

/// Whether the path leads to this open file, not by a link.
pub fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let (open, there) = (file.metadata()?, path.symlink_metadata()?);
    Ok((open.dev(), open.ino()) == (there.dev(), there.ino()))
}

/// Whether it is a file on a disk, and not a device or a pipe.
pub fn is_plain(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn logs_are_private_and_no_links() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/x.log");
        let file = open_log(&path).unwrap();
        assert_eq!(write_at(&file, b"abc", 2).unwrap(), 3);
        let mut space = [9; 8];
        assert_eq!(read_at(&file, &mut space, 1).unwrap(), 4);
        assert_eq!(&space[..4], b"\0abc");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let link = folder.path().join("link.log");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(open_log(&link).is_err());
        assert!(is_at(&file, &path).unwrap() && !is_at(&file, &link).unwrap());
    }
}
