//! The state directory: private to its owner, and with a fixed place for everything.

use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

use svckit_os::lock::Lock;
use svckit_os::socket;

use crate::error::ServeError;

/// How long a service control manager that serves nobody any more may take to end.
const ENDING: Duration = Duration::from_secs(5);

/// A state directory that only its owner can change.
#[derive(Debug, Clone)]
pub(crate) struct StateDirectory {
    path: PathBuf,
}

impl StateDirectory {
    /// Makes the directory if it isn't there, and checks that nobody else can change what is in it.
    pub(crate) fn open(path: &Path) -> Result<Self, ServeError> {
        let failed = |source| ServeError::Directory { path: path.to_owned(), source };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;
        check_private(&path)?;
        let own = Self { path };
        for directory in [own.hosts(), own.path.join("logs")] {
            match std::fs::DirBuilder::new().mode(0o700).create(&directory) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(ServeError::Directory { path: own.path, source: error });
                }
                _ => {}
            }
        }
        Ok(own)
    }

    /// Takes the lock that makes this process the only service control manager of the directory. One that has the lock but serves nobody is ending, and
    /// is waited for.
    pub(crate) fn lock(&self) -> Result<Lock, ServeError> {
        let file = self.path.join("scm.lock");
        let failed = |source| ServeError::Directory { path: self.path.clone(), source };
        let in_use = || ServeError::InUse { path: self.path.clone(), holder: Lock::holder(&file) };
        if let Some(lock) = Lock::try_take(&file).map_err(failed)? {
            return Ok(lock);
        }
        if socket::connect(&self.endpoint()).is_ok() {
            return Err(in_use());
        }
        let (sender, taken) = channel();
        let path = file.clone();
        std::thread::spawn(move || sender.send(Lock::take(&path)));
        match taken.recv_timeout(ENDING) {
            Ok(lock) => lock.map_err(failed),
            Err(_) => Err(in_use()),
        }
    }

    /// Removes the sockets of instances that nobody knows: left by a service control manager that was killed just then.
    pub(crate) fn sweep(&self, is_known: impl Fn(&str) -> bool) -> io::Result<()> {
        for entry in std::fs::read_dir(self.hosts())? {
            let entry = entry?;
            let name = entry.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".sock"));
            if !id.is_some_and(&is_known) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn endpoint(&self) -> PathBuf {
        self.path.join("scm.sock")
    }

    pub(crate) fn settings(&self) -> PathBuf {
        self.path.join("scm.toml")
    }

    pub(crate) fn services(&self) -> PathBuf {
        self.path.join("svc.db")
    }

    pub(crate) fn run(&self) -> PathBuf {
        self.path.join("run.db")
    }

    pub(crate) fn hosts(&self) -> PathBuf {
        self.path.join("hosts")
    }

    /// The listening socket that a service's process inherits.
    pub(crate) fn instance(&self, id: &str) -> PathBuf {
        self.hosts().join(format!("{id}.sock"))
    }
}

/// That nobody else can change what is in a state directory, or why that isn't so ([`ServeError::NotPrivate`]).
pub fn check_private(path: &Path) -> Result<(), ServeError> {
    let found =
        std::fs::metadata(path).map_err(|source| ServeError::Directory { path: path.to_owned(), source })?;
    let own = svckit_os::session::user();
    let shown = path.display();
    let refuse =
        |found: String, remedy: String| ServeError::NotPrivate { path: path.to_owned(), found, remedy };
    if found.uid() != own {
        let words = format!("it belongs to user {}, and this is user {own}", found.uid());
        return Err(refuse(words, format!("chown {own} {shown}")));
    }
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let words = format!("its mode is {mode:04o}, so others can reach into it");
        return Err(refuse(words, format!("chmod 0700 {shown}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_others_can_reach_is_refused_with_the_remedy() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("state");
        StateDirectory::open(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let error = StateDirectory::open(&path).unwrap_err().to_string();
        assert!(error.contains("its mode is 0755") && error.contains("chmod 0700 /"), "{error}");
    }

    #[test]
    fn the_second_to_come_is_told_who_was_first() {
        let base = tempfile::tempdir().unwrap();
        let directory = StateDirectory::open(&base.path().join("state")).unwrap();
        let _held = directory.lock().unwrap();
        let _endpoint = socket::bind(&directory.endpoint()).unwrap();
        let error = directory.lock().unwrap_err().to_string();
        assert!(error.ends_with(&format!("(process {})", std::process::id())), "{error}");
    }

    #[test]
    fn one_that_serves_nobody_any_more_is_waited_for() {
        let base = tempfile::tempdir().unwrap();
        let directory = StateDirectory::open(&base.path().join("state")).unwrap();
        let held = directory.lock().unwrap();
        let waiting = {
            let directory = directory.clone();
            std::thread::spawn(move || directory.lock().map(drop))
        };
        drop(held);
        waiting.join().unwrap().unwrap();
    }

    #[test]
    fn a_file_in_the_place_of_the_directory_is_named() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("state");
        std::fs::write(&path, "").unwrap();
        let error = StateDirectory::open(&path).unwrap_err().to_string();
        assert!(error.contains("state:"), "{error}");
    }
}
