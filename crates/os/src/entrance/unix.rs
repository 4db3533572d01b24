use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Visitor;
use crate::socket;

/// What listens at a path. The path goes with it.
#[derive(Debug)]
pub(super) struct Sockets {
    listener: UnixListener,
    path: PathBuf,
}

impl Sockets {
    pub(super) fn bind(path: &Path) -> io::Result<Self> {
        match fs::symlink_metadata(path) {
            Ok(there) if !there.file_type().is_socket() => {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    "there is something else than a socket",
                ));
            }
            Ok(_) if socket::connect(path).is_ok() => {
                return Err(io::Error::new(io::ErrorKind::AddrInUse, "somebody listens there"));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(Self { listener: socket::bind(path)?, path: path.to_owned() })
    }

    pub(super) fn accept(&self, patience: Duration) -> io::Result<Box<dyn Visitor>> {
        let (stream, _) = self.listener.accept()?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        Ok(Box::new(stream))
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Address, Entrance};
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_path_is_for_its_owner_and_taken_only_if_nobody_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let address = Address::Path(path.clone());
        let entrance = Entrance::open(&address).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Entrance::open(&address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        // The second one has looked whether somebody answers.
        assert_eq!(entrance.accept(Duration::from_secs(100)).unwrap().read(&mut [0]).unwrap(), 0);
        let mut client = socket::connect(&path).unwrap();
        client.write_all(b"x").unwrap();
        let mut visitor = entrance.accept(Duration::from_secs(100)).unwrap();
        let mut heard = [0];
        visitor.read_exact(&mut heard).unwrap();
        drop(entrance);
        assert!(!path.exists());
        // One that a killed process left.
        drop(UnixListener::bind(&path).unwrap());
        drop(Entrance::open(&address).unwrap());
        fs::write(&path, "a file").unwrap();
        assert_eq!(Entrance::open(&address).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "a file");
    }
}
