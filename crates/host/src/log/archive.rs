//! The rotated files of a log: they are named, counted and deleted here.

use std::io;
use std::path::{Path, PathBuf};

use svckit_core::definition::LogPolicy;
use svckit_core::log::name::{self, Place};
use svckit_core::log::retention::{Retention, Rotated};
use svckit_core::time::WallTime;
use svckit_os::file;

#[derive(Debug)]
pub(super) struct Archive {
    /// The file that is being written.
    path: PathBuf,
    retention: Retention,
    /// Oldest first, once they were looked for.
    files: Option<Vec<Kept>>,
    /// The newest that was named here.
    newest: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Kept {
    place: Place,
    size: u64,
}

impl Archive {
    pub(super) fn new(path: PathBuf, policy: &LogPolicy) -> Self {
        Self { path, retention: Retention::new(policy), files: None, newest: Place::default() }
    }

    /// Gives the file that is being written its name for good. Names rise even when a file of the same millisecond was deleted meanwhile, or the clock was set back.
    pub(super) fn add(&mut self, size: u64, now: WallTime) -> io::Result<()> {
        let mut place = if now > self.newest.0 { (now, 0) } else { (self.newest.0, self.newest.1 + 1) };
        loop {
            match file::rename_new(&self.path, &self.at(place)) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => place.1 += 1,
                Err(error) => return Err(error),
            }
        }
        self.newest = place;
        if let Some(files) = &mut self.files {
            files.push(Kept { place, size });
        }
        Ok(())
    }

    /// Deletes what is not to be kept. What can't be deleted now is tried again the next time.
    pub(super) fn retain(&mut self, now: WallTime) {
        if self.retention.keeps_all() {
            return;
        }
        let files = self.files.get_or_insert_with(|| find(&self.path));
        let rotated: Vec<_> =
            files.iter().map(|file| Rotated { at: file.place.0, size: file.size }).collect();
        let mut left = self.retention.surplus(&rotated, now);
        let path = &self.path;
        files.retain(|file| {
            let goes = left > 0;
            left = left.saturating_sub(1);
            !goes || !is_deleted(&path.with_file_name(name::rotated(path, file.place)))
        });
    }

    /// When the oldest is too old.
    pub(super) fn expiry(&self) -> Option<WallTime> {
        self.retention.expiry(self.files.as_ref()?.first()?.place.0)
    }

    fn at(&self, place: Place) -> PathBuf {
        self.path.with_file_name(name::rotated(&self.path, place))
    }
}

/// Deletes a file; one that somebody else deleted is what was wanted.
fn is_deleted(path: &Path) -> bool {
    match std::fs::remove_file(path) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// The rotated files of a log, oldest first.
fn find(path: &Path) -> Vec<Kept> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let place = name::place(path, &entry.file_name())?;
            // Not through a link: neither that nor a folder is of our making.
            let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
            Some(Kept { place, size: metadata.len() })
        })
        .collect();
    found.sort_unstable();
    found
}
