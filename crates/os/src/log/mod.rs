//! Reading the log of a service while it is written and rotated: nothing is passed over and nothing is told twice.
//!
//! The file being written keeps its name, and is renamed when it is rotated, to `STEM-TIME[-N].EXT`. A cursor holds the identity of a file, so it
//! stays right whatever the file is called by then, and also when it is compressed.

pub mod packed;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use svckit_core::log::name::{self, Form, Place};
use svckit_core::native::{LogCursor, LogFrom};
use svckit_core::sort;

use crate::file;

/// The most that one answer carries.
const MOST: usize = 256 * 1024;

/// A piece of a log, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The bytes.
    pub data: Vec<u8>,
    /// Where to go on.
    pub cursor: LogCursor,
}

/// Reads a piece; empty if there is nothing more at the moment.
pub fn read(current: &Path, from: LogFrom) -> io::Result<Piece> {
    match from {
        LogFrom::Tail { lines } => tail(current, lines as usize),
        LogFrom::Cursor(cursor) => go_on(current, cursor),
    }
}

/// One of the files of a log.
struct Part {
    file: File,
    /// That of the file before it was compressed.
    id: u64,
    /// Where it was rotated to; `None` for the one being written.
    place: Option<Place>,
    is_packed: bool,
}

impl Part {
    /// `None` for a compressed one that isn't ours.
    fn open(path: &Path, rotated: Option<(Place, Form)>) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        let is_packed = matches!(rotated, Some((_, Form::Gzip)));
        let id = if is_packed { packed::origin(&file) } else { Some(file::identity(&file)?) };
        let place = rotated.map(|(place, _)| place);
        Ok(id.map(|id| Self { file, id, place, is_packed }))
    }

    /// Whether it is another, plain or compressed. The identity alone doesn't tell: a file system may give a new file that of a deleted one, which a compressed one still has.
    fn is_same(&self, other: &Self) -> bool {
        (self.place, self.id) == (other.place, other.id)
    }

    fn read_at(&self, offset: u64, most: usize) -> io::Result<Vec<u8>> {
        if self.is_packed {
            packed::read_at(&self.file, offset, most)
        } else {
            read_at(&self.file, offset, most)
        }
    }
}

/// A file of a log, and where it was rotated to.
type Listed = (PathBuf, Option<(Place, Form)>);

/// The files of a log, oldest first; the one being written is the last, if it is there.
fn files(current: &Path) -> io::Result<Vec<Listed>> {
    let Some(directory) = current.parent() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a log has a directory and a name"));
    };
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        // The service has never run.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut rotated = Vec::new();
    for entry in entries {
        let file = entry?.file_name();
        if let Some((place, form)) = name::place(current, &file).filter(|(_, form)| *form != Form::Partial) {
            rotated.push(((place, form), directory.join(file)));
        }
    }
    sort::by(&mut rotated, Ord::cmp);
    let mut files: Vec<_> = rotated.into_iter().map(|(rotated, path)| (path, Some(rotated))).collect();
    if current.exists() {
        files.push((current.to_owned(), None));
    }
    Ok(files)
}

fn go_on(current: &Path, cursor: LogCursor) -> io::Result<Piece> {
    // First which files there are, then their content: what was rotated before that look is not written any more.
    let files = snapshot(current)?;
    // Where two have it, whoever follows is at the newer one.
    let at = files.iter().rposition(|part| part.id == cursor.file);
    let (mut index, mut offset) = match at {
        Some(index) => (index, cursor.offset),
        // Its file is gone, and every file that is left is newer.
        None => (0, 0),
    };
    while let Some(part) = files.get(index) {
        let data = part.read_at(offset, MOST)?;
        let last = index + 1 == files.len();
        if !data.is_empty() || last {
            let offset = offset + data.len() as u64;
            return Ok(Piece { data, cursor: LogCursor { file: part.id, offset } });
        }
        (index, offset) = (index + 1, 0);
    }
    Ok(Piece { data: Vec::new(), cursor })
}

fn tail(current: &Path, lines: usize) -> io::Result<Piece> {
    let files = snapshot(current)?;
    let Some(newest) = files.last() else {
        return Ok(Piece { data: Vec::new(), cursor: LogCursor { file: 0, offset: 0 } });
    };
    // The last is the one being written, or none is and this one is whole.
    let end = if newest.is_packed { u64::MAX } else { newest.file.metadata()?.len() };
    let cursor = LogCursor { file: newest.id, offset: end };
    let mut data: Vec<u8> = Vec::new();
    for (index, part) in files.iter().enumerate().rev() {
        if part.is_packed {
            let mut block = packed::read_end(&part.file, MOST)?;
            block.append(&mut data);
            data = block;
        }
        let is_last = index + 1 == files.len();
        let mut before = match part.is_packed {
            true => 0,
            false if is_last => end,
            false => part.file.metadata()?.len(),
        };
        while before > 0 && data.len() < MOST && start_of_tail(&data, lines).is_none() {
            let from = before.saturating_sub(64 * 1024);
            let mut block = read_at(&part.file, from, usize::try_from(before - from).unwrap_or(MOST))?;
            block.append(&mut data);
            data = block;
            before = from;
        }
        if data.len() >= MOST || start_of_tail(&data, lines).is_some() {
            break;
        }
    }
    let start = start_of_tail(&data, lines).unwrap_or(0).max(data.len().saturating_sub(MOST));
    Ok(Piece { data: data.split_off(start), cursor })
}

/// Where the last `lines` lines begin, if more than those are there.
fn start_of_tail(data: &[u8], lines: usize) -> Option<usize> {
    if lines == 0 {
        return Some(data.len());
    }
    // The end of the last line is not the begin of another.
    let content = data.strip_suffix(b"\n").unwrap_or(data);
    content.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n').nth(lines - 1).map(|(at, _)| at + 1)
}

/// The files of a log, oldest first, as they were at one moment: a rotation while the directory is read could hide one, so it is read until
/// nothing changes.
fn snapshot(current: &Path) -> io::Result<Vec<Part>> {
    let mut before = open_all(&files(current)?)?;
    loop {
        let after = open_all(&files(current)?)?;
        if before.iter().map(|part| part.id).eq(after.iter().map(|part| part.id)) {
            return Ok(after);
        }
        before = after;
    }
}

fn open_all(paths: &[Listed]) -> io::Result<Vec<Part>> {
    let mut files: Vec<Part> = Vec::new();
    for (path, rotated) in paths {
        match Part::open(path, *rotated) {
            // Just compressed: it is there twice.
            Ok(part) => files.extend(part.filter(|part| files.last().is_none_or(|last| !last.is_same(part)))),
            // Deleted, as too old.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}

fn read_at(file: &File, offset: u64, most: usize) -> io::Result<Vec<u8>> {
    let left = file.metadata()?.len().saturating_sub(offset);
    let mut data = vec![0; usize::try_from(left).unwrap_or(most).min(most)];
    let mut filled = 0;
    while filled < data.len() {
        let rest = data.get_mut(filled..).unwrap_or_default();
        match file::read_at(file, rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    data.truncate(filled);
    Ok(data)
}

#[cfg(test)]
mod tests;
