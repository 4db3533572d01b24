//! The file end of a log: rotation, and patience with a disk that takes nothing.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use svckit_core::definition::LogPolicy;
use svckit_core::time::{Now, Tick, WallTime};
use svckit_os::pipe::Reader;
use svckit_os::{errno, file};

use super::{Remark, name};

/// A line that is begun when the file is full may go on for so long before it is cut.
const LINE_LIMIT: u64 = 64 << 10;

/// How much is moved at once.
const PIECE: usize = 1 << 20;

/// How much is read at once where bytes have to be looked at.
const LOOK: usize = 4 << 10;

/// How much is read at once where bytes go through memory.
const COPY: usize = 64 << 10;

/// How often a file that takes nothing is tried again.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    /// The size at which the file is rotated.
    full: Option<u64>,
    keep: Option<u32>,
    memory: usize,
    file: Option<Target>,
    blocked: Option<Blocked>,
    /// The rotated files, oldest first, once they were looked for.
    rotated: Option<VecDeque<OsString>>,
    /// The time and the number in the name of the newest rotated file.
    newest: (WallTime, u32),
    lost: u64,
}

#[derive(Debug)]
struct Target {
    file: File,
    /// Whether it is a plain file, which can be rotated and written at a place.
    plain: bool,
    /// Whether bytes can be moved into it without going through memory.
    direct: bool,
    /// The size at which it is rotated; beyond the usual one after a rotation that failed.
    full: Option<u64>,
}

/// The file takes nothing.
#[derive(Debug)]
struct Blocked {
    held: Vec<u8>,
    retry_at: Tick,
    lost: u64,
}

impl Writer {
    pub(super) fn new(path: PathBuf, policy: &LogPolicy) -> Self {
        Self {
            path,
            full: policy.rotate_size.map(|size| size.max(1)),
            keep: policy.keep_count,
            memory: usize::try_from(policy.buffer).unwrap_or(usize::MAX),
            file: None,
            blocked: None,
            rotated: None,
            newest: (WallTime::default(), 0),
            lost: 0,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    pub(super) fn retry_at(&self) -> Option<Tick> {
        self.blocked.as_ref().map(|blocked| blocked.retry_at)
    }

    /// Opens the file, so that it is there from the start and a wrong path is told of at once.
    pub(super) fn prepare(&mut self, now: Now, remarks: &mut Vec<Remark>) {
        if self.blocked.is_none()
            && let Err(error) = self.target()
        {
            self.block(&error, Vec::new(), now, remarks);
        }
    }

    /// Takes up to `limit` bytes from the pipe. Zero: nobody can write to it any more; `WouldBlock`: nothing is in it now.
    pub(super) fn take(
        &mut self,
        from: &mut Reader,
        limit: usize,
        now: Now,
        remarks: &mut Vec<Remark>,
    ) -> io::Result<usize> {
        if self.blocked.is_some() {
            return self.hold(from, limit, remarks);
        }
        match self.pour(from, limit.min(PIECE)) {
            Poured::Moved(result) => result,
            Poured::Copy(most) => {
                let mut bytes = Vec::new();
                let count = from.read(&mut bytes, most.min(limit))?;
                self.write(bytes, now, remarks);
                Ok(count)
            }
            Poured::Failed(error) => {
                self.block(&error, Vec::new(), now, remarks);
                self.hold(from, limit, remarks)
            }
        }
    }

    /// Moves bytes without looking at them, as long as that may be.
    fn pour(&mut self, from: &mut Reader, limit: usize) -> Poured {
        let target = match self.target() {
            Ok(target) => target,
            Err(error) => return Poured::Failed(error),
        };
        if !target.direct {
            return Poured::Copy(COPY);
        }
        let size = match target.size() {
            Ok(size) => size,
            Err(error) => return Poured::Failed(error),
        };
        let room = target.full.map_or(u64::MAX, |full| full.saturating_sub(size));
        if room == 0 {
            // Full: from here on the end of a line is looked for.
            return Poured::Copy(LOOK);
        }
        let most = limit.min(usize::try_from(room).unwrap_or(usize::MAX));
        match from.pour(&target.file, size, most) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                target.direct = false;
                Poured::Copy(COPY)
            }
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Poured::Failed(error),
            other => Poured::Moved(other),
        }
    }

    fn write(&mut self, mut bytes: Vec<u8>, now: Now, remarks: &mut Vec<Remark>) {
        if let Err((written, error)) = self.append(&bytes, now, remarks) {
            bytes.drain(..written);
            self.block(&error, bytes, now, remarks);
        }
    }

    /// Appends bytes, rotating where that is due; on failure with how many were written.
    fn append(
        &mut self,
        bytes: &[u8],
        now: Now,
        remarks: &mut Vec<Remark>,
    ) -> Result<(), (usize, io::Error)> {
        let mut written = 0;
        while let Some(rest) = bytes.get(written..)
            && !rest.is_empty()
        {
            match self.append_piece(rest, now, remarks) {
                Ok(count) => written += count,
                Err(error) => return Err((written, error)),
            }
        }
        Ok(())
    }

    fn append_piece(&mut self, bytes: &[u8], now: Now, remarks: &mut Vec<Remark>) -> io::Result<usize> {
        let target = self.target()?;
        if !target.plain {
            return (&target.file).write(bytes);
        }
        let size = target.size()?;
        let over = target.full.and_then(|full| size.checked_sub(full));
        let Some(over) = over else {
            let room =
                target.full.map_or(bytes.len(), |full| usize::try_from(full - size).unwrap_or(usize::MAX));
            return write_piece(target, bytes.get(..room).unwrap_or(bytes), size);
        };
        if over >= LINE_LIMIT || target.ends_with_newline(size)? {
            self.rotate(size, now, remarks)?;
            return Ok(0);
        }
        let allowed = usize::try_from(LINE_LIMIT - over).unwrap_or(usize::MAX).min(bytes.len());
        let line = bytes.iter().take(allowed).position(|byte| *byte == b'\n').map_or(allowed, |end| end + 1);
        write_piece(target, bytes.get(..line).unwrap_or(bytes), size)
    }

    /// Keeps in memory what the file doesn't take, up to the limit; what is more is lost, and counted.
    fn hold(&mut self, from: &mut Reader, limit: usize, remarks: &mut Vec<Remark>) -> io::Result<usize> {
        let Some(blocked) = &mut self.blocked else { return Err(io::ErrorKind::WouldBlock.into()) };
        let room = self.memory.saturating_sub(blocked.held.len());
        if room > 0 {
            return from.read(&mut blocked.held, room.min(limit).min(COPY));
        }
        let count = from.waste(limit.min(PIECE))?;
        if blocked.lost == 0 && count > 0 {
            remarks.push(Remark::Losing { path: self.path.clone() });
        }
        blocked.lost += count as u64;
        self.lost += count as u64;
        Ok(count)
    }

    pub(super) fn retry(&mut self, now: Now, remarks: &mut Vec<Remark>) {
        let Some(mut blocked) = self.blocked.take() else { return };
        let done = match self.target() {
            Ok(_) => self.append(&blocked.held, now, remarks),
            Err(error) => Err((0, error)),
        };
        match done {
            Ok(()) => remarks.push(Remark::Resumed { path: self.path.clone(), lost: blocked.lost }),
            Err((written, _)) => {
                blocked.held.drain(..written);
                blocked.retry_at = now.tick + RETRY;
                self.blocked = Some(blocked);
            }
        }
    }

    pub(super) fn finish(&mut self, now: Now, remarks: &mut Vec<Remark>) {
        self.retry(now, remarks);
        if let Some(blocked) = self.blocked.take() {
            self.lost += blocked.held.len() as u64;
            let bytes = blocked.lost + blocked.held.len() as u64;
            if bytes > 0 {
                remarks.push(Remark::Lost { path: self.path.clone(), bytes });
            }
        }
        self.file = None;
    }

    fn block(&mut self, error: &io::Error, held: Vec<u8>, now: Now, remarks: &mut Vec<Remark>) {
        remarks.push(Remark::Blocked { path: self.path.clone(), why: errno::describe(error) });
        self.file = None;
        self.blocked = Some(Blocked { held, retry_at: now.tick + RETRY, lost: 0 });
    }

    /// The open file; opened if it is not.
    fn target(&mut self) -> io::Result<&mut Target> {
        if self.file.is_none() {
            let file = file::open_log(&self.path)?;
            let plain = file::is_plain(&file)?;
            self.file =
                Some(Target { file, plain, direct: plain, full: if plain { self.full } else { None } });
        }
        self.file.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Gives the full file its name for good, and begins a new one. A file that was deleted or replaced meanwhile is not touched.
    fn rotate(&mut self, size: u64, now: Now, remarks: &mut Vec<Remark>) -> io::Result<()> {
        let path = self.path.clone();
        if file::is_at(&self.target()?.file, &path).unwrap_or(false) {
            match self.rename(now) {
                Ok(name) => self.retain(name),
                Err(error) => {
                    remarks
                        .push(Remark::NotRotated { path: self.path.clone(), why: errno::describe(&error) });
                    let again = size.saturating_add(self.full.unwrap_or(u64::MAX));
                    self.target()?.full = Some(again);
                    return Ok(());
                }
            }
        }
        self.file = None;
        self.target().map(|_| ())
    }

    /// Names rise even when a file of the same millisecond was deleted meanwhile, or the clock was set back.
    fn rename(&mut self, now: Now) -> io::Result<OsString> {
        let mut place =
            if now.wall > self.newest.0 { (now.wall, 0) } else { (self.newest.0, self.newest.1 + 1) };
        loop {
            let name = name::rotated(&self.path, place.0, place.1);
            match file::rename_new(&self.path, &self.path.with_file_name(&name)) {
                Ok(()) => {
                    self.newest = place;
                    return Ok(name);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => place.1 += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Deletes the oldest rotated files beyond the count that is kept.
    fn retain(&mut self, newest: OsString) {
        let Some(keep) = self.keep else { return };
        match &mut self.rotated {
            Some(rotated) => rotated.push_back(newest),
            None => self.rotated = Some(find_rotated(&self.path)),
        }
        let Some(rotated) = &mut self.rotated else { return };
        while rotated.len() > usize::try_from(keep).unwrap_or(usize::MAX) {
            let Some(oldest) = rotated.pop_front() else { return };
            // One that somebody else deleted is what was wanted; one that can't be deleted is not worth stopping for.
            let _ = std::fs::remove_file(self.path.with_file_name(oldest));
        }
    }
}

/// What became of an attempt to move bytes.
enum Poured {
    /// They were moved (or there is nothing, or nothing more to come).
    Moved(io::Result<usize>),
    /// So many at most have to go through memory.
    Copy(usize),
    /// The file takes nothing.
    Failed(io::Error),
}

impl Target {
    /// Where the file ends: asked before each write, so it doesn't ask for everything that is known of a file, which Windows looks up in several places. What it
    /// moves besides is a place that nobody reads or writes at.
    fn size(&self) -> io::Result<u64> {
        (&self.file).seek(SeekFrom::End(0))
    }

    fn ends_with_newline(&self, size: u64) -> io::Result<bool> {
        let mut last = [0];
        Ok(size > 0 && file::read_at(&self.file, &mut last, size - 1)? == 1 && last == [b'\n'])
    }
}

fn write_piece(target: &Target, bytes: &[u8], at: u64) -> io::Result<usize> {
    match file::write_at(&target.file, bytes, at)? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        count => Ok(count),
    }
}

/// The rotated files of a log, oldest first.
fn find_rotated(path: &Path) -> VecDeque<OsString> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| name::place(path, &entry.file_name()).map(|place| (place, entry.file_name())))
        .collect();
    found.sort();
    found.into_iter().map(|(_, name)| name).collect()
}
