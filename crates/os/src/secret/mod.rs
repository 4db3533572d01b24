//! Secrets in files, which are read only if nobody may read them whom they are not meant for, and in the credential store of a system that has one.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::io::{self, Read};
use std::path::Path;

use svckit_core::secret::Secret;
use zeroize::Zeroizing;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

use crate::file::is_plain;

/// The most bytes of a secret: with more it couldn't be a variable.
const LONGEST: usize = 32 << 10;

/// The text of a secret's file without the end of its last line.
///
/// A file is refused that everybody may read or write, whatever the system calls everybody, that is none on a disk, and that is no text.
pub fn read(path: &Path) -> io::Result<Secret> {
    let file = system::open(path)?;
    let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    if !is_plain(&file)? {
        return Err(invalid("it is no file"));
    }
    if system::may_others_use(&file)? {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "everybody may read or change it"));
    }
    // As large as it can become: a buffer that grew would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    file.take(LONGEST as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > LONGEST {
        return Err(invalid("it is larger than 32 KiB"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| invalid("it is not valid UTF-8"))?;
    if text.contains('\0') {
        return Err(invalid("it has a NUL character"));
    }
    Ok(text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line)).into())
}

/// The secret that the user has under a name in the system's credential store.
pub fn credential(name: &str) -> io::Result<Secret> {
    system::credential(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_its_file_without_the_end_of_the_line() {
        let folder = tempfile::tempdir().unwrap();
        let read = |bytes: &[u8]| {
            let path = folder.path().join("secret");
            std::fs::write(&path, bytes).unwrap();
            system::tests::close_to_others(&path);
            read(&path).map(|secret| secret.as_str().to_owned()).map_err(|error| error.to_string())
        };
        assert_eq!(read(b"hunter2\n").as_deref(), Ok("hunter2"));
        assert_eq!(read(b"a\r\n").as_deref(), Ok("a"));
        assert_eq!(read(b" a\nb\n\n").as_deref(), Ok(" a\nb\n"));
        assert_eq!(read(b"").as_deref(), Ok(""));
        assert_eq!(read(b"a\0b"), Err("it has a NUL character".to_owned()));
        assert_eq!(read(b"\xff"), Err("it is not valid UTF-8".to_owned()));
        assert_eq!(read(&[b'a'; 40_000]), Err("it is larger than 32 KiB".to_owned()));
        assert!(
            super::read(&folder.path().join("none"))
                .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        );
    }

    #[test]
    fn what_everybody_may_read_is_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "hunter2").unwrap();
        system::tests::open_to_others(&path);
        let error = read(&path).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (io::ErrorKind::PermissionDenied, "everybody may read or change it".to_owned())
        );
        assert!(read(folder.path()).is_err(), "a folder");
    }
}
