//! Whether a file was made or written.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use svckit_core::time::Tick;
use svckit_os::event::{Interest, Poller};
use svckit_os::watch::Changes;

/// How often it is looked whether the folder is there in which the file is to be: nobody tells that.
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
    /// What tells of changes in its folder; absent: that isn't there, as far as it is known.
    changes: Option<Changes>,
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
        let folder = self.path.parent().unwrap_or(&self.path);
        // What tells of a folder tells nothing of another that takes its place.
        self.changes = self.changes.take().and_then(|mut changes| {
            let is_told = changes.take().is_ok() && folder.is_dir();
            is_told.then_some(changes)
        });
        if self.changes.is_none() {
            let follow = Changes::of(folder).and_then(|changes| {
                poller.add(&changes, token, Interest::Read)?;
                Ok(changes)
            });
            self.changes = follow.ok();
        }
        self.next = self.changes.is_none().then(|| now + PAUSE);
        let after = FileStamp::of(&self.path);
        after.0.is_some() && after != self.before
    }
}
