#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_REPARSE_POINT, FILE_ATTRIBUTE_TAG_INFO,
    FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_TYPE_DISK, FileAttributeTagInfo,
    GetFileInformationByHandle, GetFileInformationByHandleEx, GetFileType, MoveFileExW,
};

use crate::path::wide;
use crate::security;

/// Opens a log to be written, made if it is missing, as are missing folders above it, and those then only for the system, administrators and their owner.
/// Others may read, write, rename and delete the file while it is open. A link in its place is refused: it could lead anywhere.
pub fn open_log(path: &Path) -> io::Result<File> {
    match open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => return other,
    }
    if let Some(folder) = path.parent() {
        security::create_private_folders(folder)?;
    }
    open(path)
}

fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
        .open(path)?;
    if attributes(&file)? & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it is a link, which could lead anywhere",
        ));
    }
    Ok(file)
}

/// Its attributes alone: what `metadata` asks besides takes a dozen times as long.
fn attributes(file: &File) -> io::Result<u32> {
    let mut found = FILE_ATTRIBUTE_TAG_INFO::default();
    let size = u32::try_from(size_of_val(&found)).unwrap_or(0);
    // SAFETY: the handle is open, and the structure is that of the class and as large as is said.
    let done = unsafe {
        GetFileInformationByHandleEx(
            file.as_raw_handle(),
            FileAttributeTagInfo,
            (&raw mut found).cast(),
            size,
        )
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(found.FileAttributes) }
}

/// Whether it is a file on a disk, and not a device or a pipe.
pub fn is_plain(file: &File) -> io::Result<bool> {
    // SAFETY: the handle is open.
    Ok(unsafe { GetFileType(file.as_raw_handle()) } == FILE_TYPE_DISK)
}

/// The system's null device, for reading nothing and writing anything.
pub fn null_device() -> io::Result<File> {
    File::options().read(true).write(true).open("NUL")
}

/// Reads at a place.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(buffer, offset)
}

/// Writes at a place; how many bytes were taken.
pub fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.seek_write(bytes, offset)
}

/// Renames a file, also one that is open; `AlreadyExists` if the new name is taken.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (wide(from), wide(to));
    // SAFETY: both paths are strings that end with NUL and live during the call.
    let done = unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), 0) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Makes sure that a file's name is on the disk: NTFS sees to that by itself, in the order in which names change.
pub fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// What tells a file from every other on its volume, whatever its name. NTFS counts in it how often a record was used, so that a new file doesn't get the number of
/// one that was deleted.
pub fn identity(file: &File) -> io::Result<u64> {
    Ok(index(&information(file)?))
}

/// Whether the path leads to this open file, not by a link.
pub fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let flags = FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS;
    // No access at all: that is enough to ask what it is.
    let there = OpenOptions::new().access_mode(0).custom_flags(flags).open(path)?;
    let (open, there) = (information(file)?, information(&there)?);
    Ok((open.dwVolumeSerialNumber, index(&open)) == (there.dwVolumeSerialNumber, index(&there)))
}

fn index(information: &BY_HANDLE_FILE_INFORMATION) -> u64 {
    u64::from(information.nFileIndexHigh) << 32 | u64::from(information.nFileIndexLow)
}

fn information(file: &File) -> io::Result<BY_HANDLE_FILE_INFORMATION> {
    let mut information = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is the file's and open; the system fills the structure, which lives during the call.
    let done = unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut information) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(information) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_made_with_their_folders_and_renamed_while_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/x.log");
        let file = open_log(&path).unwrap();
        assert_eq!(write_at(&file, b"abc", 2).unwrap(), 3);
        let mut space = [9; 8];
        assert_eq!(read_at(&file, &mut space, 1).unwrap(), 4);
        assert_eq!(&space[..4], b"\0abc");
        assert!(is_at(&file, &path).unwrap());
        let other = folder.path().join("a/b/y.log");
        rename_new(&path, &other).unwrap();
        assert!(is_at(&file, &other).unwrap());
        assert_eq!(is_at(&file, &path).unwrap_err().kind(), io::ErrorKind::NotFound);
        let second = open_log(&path).unwrap();
        assert_ne!(identity(&file).unwrap(), identity(&second).unwrap());
        assert!(!is_at(&file, &path).unwrap());
    }

    #[test]
    fn paths_may_be_long() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a".repeat(120)).join("b".repeat(120)).join("c".repeat(120));
        let log = open_log(&deep.join("x.log")).unwrap();
        assert_eq!(write_at(&log, b"abc", 0).unwrap(), 3);
        drop(log);
        rename_new(&deep.join("x.log"), &deep.join("y.log")).unwrap();
        assert_eq!(std::fs::read(deep.join("y.log")).unwrap(), b"abc");
    }
}
