//! The rotated files of a log: they are named, counted and deleted here.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use svckit_core::definition::{Compression, LogPolicy};
use svckit_core::log::name::{self, Form, Place};
use svckit_core::log::retention::{Retention, Rotated};
use svckit_core::time::WallTime;
use svckit_os::file;

use super::packer::Packer;

#[derive(Debug)]
pub(super) struct Archive {
    /// The file that is being written.
    path: PathBuf,
    retention: Retention,
    /// If they are compressed.
    packer: Option<Packer>,
    /// Where they are and how large, once they were looked for.
    files: Option<BTreeMap<Place, u64>>,
    /// The newest that was named here.
    newest: Place,
}

impl Archive {
    pub(super) fn new(path: PathBuf, policy: &LogPolicy) -> Self {
        let packer = policy.compress.map(|Compression::Gzip| Packer::new(path.clone()));
        Self { path, retention: Retention::new(policy), packer, files: None, newest: Place::default() }
    }

    /// Gives the file that is being written its name for good, which is returned. Names rise even when a file of the same millisecond was deleted meanwhile, or the clock was set back.
    pub(super) fn add(&mut self, size: u64, now: WallTime) -> io::Result<PathBuf> {
        let mut place = if now > self.newest.0 { (now, 0) } else { (self.newest.0, self.newest.1 + 1) };
        let to = loop {
            let to = at(&self.path, place, Form::Plain);
            match file::rename_new(&self.path, &to) {
                Ok(()) => break to,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => place.1 += 1,
                Err(error) => return Err(error),
            }
        };
        self.newest = place;
        if let Some(files) = &mut self.files {
            files.insert(place, size);
        }
        Ok(to)
    }

    /// Deletes what is not to be kept. What can't be deleted now is tried again the next time.
    pub(super) fn retain(&mut self, now: WallTime) {
        if self.retention.keeps_all() {
            return;
        }
        if self.packer.is_some() {
            // Their sizes change behind our back.
            self.files = None;
        }
        let files = self.files.get_or_insert_with(|| find(&self.path));
        let rotated: Vec<_> =
            files.iter().map(|(place, size)| Rotated { at: place.0, size: *size }).collect();
        let mut left = self.retention.surplus(&rotated, now);
        let path = &self.path;
        files.retain(|place, _| {
            let goes = left > 0;
            left = left.saturating_sub(1);
            !goes || !is_deleted(path, *place)
        });
    }

    /// Has those compressed that are not yet, if they are to be; why that failed the last time.
    pub(super) fn pack(&self) -> Option<String> {
        self.packer.as_ref()?.call()
    }

    /// When the oldest is too old.
    pub(super) fn expiry(&self) -> Option<WallTime> {
        self.retention.expiry(self.files.as_ref()?.first_key_value()?.0.0)
    }
}

fn at(path: &Path, place: Place, form: Form) -> PathBuf {
    path.with_file_name(name::rotated(path, place, form))
}

/// Deletes what there is at a place; what somebody else deleted is what was wanted.
fn is_deleted(path: &Path, place: Place) -> bool {
    Form::ALL.into_iter().all(|form| match std::fs::remove_file(at(path, place, form)) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    })
}

fn find(path: &Path) -> BTreeMap<Place, u64> {
    let mut found = BTreeMap::new();
    for (place, _, size) in entries(path) {
        *found.entry(place).or_default() += size;
    }
    found
}

/// The rotated files of a log with their sizes.
pub(super) fn entries(path: &Path) -> impl Iterator<Item = (Place, Form, u64)> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(move |entry| {
        let (place, form) = name::place(path, &entry.file_name())?;
        // Not through a link: neither that nor a folder is of our making.
        let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some((place, form, metadata.len()))
    })
}
