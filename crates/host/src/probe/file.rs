//! Whether a file was made or written.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use svckit_core::time::Tick;
use svckit_os::event::{Interest, Poller};
use svckit_os::watch::Changes;

/// How often it is looked where no folder that leads to the file can be watched.
const PAUSE: Duration = Duration::from_millis(250);

/// How a file is at a moment: when it was written, and its length; absent: there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FileStamp(Option<(SystemTime, u64)>);

impl FileStamp {
    pub(crate) fn of(path: &Path) -> Self {
        let look = || {
            let known = std::fs::metadata(path).ok()?;
            Some((known.modified().ok()?, known.len()))
        };
        Self(look())
    }
}

/// A file that is to be made or written.
#[derive(Debug)]
pub(crate) struct FileWatch {
    path: PathBuf,
    before: FileStamp,
    /// What tells of changes in its folder, or as long as that isn't there, in the nearest above it; and which that is.
    changes: Option<(PathBuf, Changes)>,
    /// When it is looked without being told.
    next: Option<Tick>,
}

impl FileWatch {
    /// To be looked at from now on.
    pub(crate) fn new(path: PathBuf, before: FileStamp, now: Tick) -> Self {
        Self { path, before, changes: None, next: Some(now) }
    }

    /// When [`FileWatch::look`] is to be called, if the poller hasn't brought the number before.
    pub(crate) fn deadline(&self) -> Option<Tick> {
        self.next
    }

    /// Whether it was made or written.
    pub(crate) fn look(&mut self, poller: &Poller, token: u64, now: Tick) -> bool {
        self.changes = self.changes.take().and_then(|(folder, mut changes)| {
            let is_told = changes.take().is_ok();
            is_told.then_some((folder, changes))
        });
        self.next = self.follow(poller, token).is_err().then(|| now + PAUSE);
        let after = FileStamp::of(&self.path);
        after.0.is_some() && after != self.before
    }

    /// Sees to it that the nearest folder is watched.
    fn follow(&mut self, poller: &Poller, token: u64) -> io::Result<()> {
        loop {
            // After a watch has begun it is looked again: a nearer one may have been made just before.
            let nearest = self.path.ancestors().skip(1).find(|folder| folder.is_dir());
            let nearest = nearest.ok_or(io::ErrorKind::NotFound)?;
            if self.changes.as_ref().is_some_and(|(folder, _)| folder == nearest) {
                return Ok(());
            }
            self.changes = None;
            let changes = Changes::of(nearest)?;
            poller.add(&changes, token, Interest::Read)?;
            self.changes = Some((nearest.to_owned(), changes));
        }
    }
}
