use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use zeroize::Zeroizing;

use crate::session;

/// The most bytes of such a file.
const LONGEST: u64 = 1 << 20;

/// What is in the file; `None` if there is none. `PermissionDenied` says what is wrong: it belongs to somebody else, or others may read or change it, or it is a link.
pub fn read(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(rustix::io::Errno::LOOP) => return Err(denied("it is a symbolic link".to_owned())),
        Err(error) => return Err(error.into()),
    };
    let metadata = file.metadata()?;
    let own = session::user();
    if metadata.uid() != own {
        return Err(denied(format!("it belongs to user {}, and this is user {own}", metadata.uid())));
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(denied(format!("its mode is {mode:04o}, so others can reach it: chmod 0600")));
    }
    if !metadata.is_file() || metadata.len() > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no file, or larger than 1 MiB"));
    }
    // As large as it is, and one byte more: a buffer that grew would leave copies behind.
    let length = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
    file.take(metadata.len()).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Puts `bytes` in the place of the file, only for the owner. Who reads it has what was there before or all of these; so does who reads it after the machine lost its power.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = Path::new(&new);
    // What an earlier one left that didn't come to its end.
    match std::fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut file = File::from(rustix::fs::open(new, flags, Mode::RUSR | Mode::WUSR)?);
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(new, path)?;
    crate::file::sync_folder(path)
}

fn denied(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_only_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts");
        assert_eq!(read(&path).unwrap(), None);
        replace(&path, b"one").unwrap();
        std::fs::write(folder.path().join("accounts.new"), "left behind").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(read(&path).unwrap().unwrap().as_slice(), b"two");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_others_can_reach_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts");
        replace(&path, b"one").unwrap();
        for mode in [0o640, 0o604, 0o620, 0o602, 0o601] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = read(&path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
            assert!(error.to_string().contains(&format!("{mode:04o}")), "{error}");
        }
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(read(&link).unwrap_err().to_string(), "it is a symbolic link");
        assert!(read(folder.path()).is_err(), "a folder");
    }
}
