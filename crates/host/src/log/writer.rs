//! The file end of a log: rotation, and patience with a disk that takes nothing.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::Duration;

use svckit_core::definition::LogPolicy;
use svckit_core::log::rotation::{Due, RotateTime};
use svckit_core::time::{Now, Tick, WallTime};
use svckit_os::pipe::Reader;
use svckit_os::{clock, errno, file};

use super::Remark;
use super::archive::Archive;
use super::passage::Passage;

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

/// How often an old file that can't be deleted is tried again.
const RETRY_DELETION: Duration = Duration::from_secs(60);

/// What is due later than that is looked at again then: the clock may be set meanwhile, and not every system waits for longer than three weeks.
const LONGEST: Duration = Duration::from_secs(86_400);

#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    /// The size at which the file is rotated.
    full: Option<u64>,
    time: Option<RotateTime>,
    /// Whether what an earlier run wrote has still to be rotated.
    rotates_old: bool,
    archive: Archive,
    memory: usize,
    file: Option<Target>,
    /// When the file is rotated by time.
    due: Option<Due>,
    /// When there is something to do without output.
    wake: Option<Tick>,
    blocked: Option<Blocked>,
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
    /// Why it can't be rotated, which was told.
    refused: Option<String>,
}

/// The file takes nothing.
#[derive(Debug)]
struct Blocked {
    why: String,
    held: Vec<u8>,
    retry_at: Tick,
    lost: u64,
}

impl Writer {
    pub(super) fn new(path: PathBuf, policy: &LogPolicy) -> Self {
        Self {
            archive: Archive::new(path.clone(), policy),
            path,
            full: policy.rotate_size.map(|size| size.max(1)),
            time: policy.rotate_time,
            rotates_old: policy.rotate_at_start,
            memory: usize::try_from(policy.buffer).unwrap_or(usize::MAX),
            file: None,
            due: None,
            wake: None,
            blocked: None,
            lost: 0,
        }
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// What is wrong at the moment, which was told when it began.
    pub(super) fn trouble(&self) -> Option<Remark> {
        let path = self.path.clone();
        if let Some(Blocked { why, .. }) = &self.blocked {
            return Some(Remark::Blocked { path, why: why.clone() });
        }
        let why = self.file.as_ref()?.refused.clone()?;
        Some(Remark::NotRotated { path, why })
    }

    /// When [`Writer::tick`] has to be called.
    pub(super) fn deadline(&self) -> Option<Tick> {
        self.blocked.as_ref().map_or(self.wake, |blocked| Some(blocked.retry_at))
    }

    /// Opens the file, so that it is there from the start and a wrong path is told of at once.
    pub(super) fn prepare(&mut self, now: Now, remarks: &mut Vec<Remark>) {
        if self.blocked.is_none() {
            self.look_after(now, remarks);
        }
    }

    /// Tries a file again that took nothing; or rotates and deletes what is due.
    pub(super) fn tick(&mut self, now: Now, remarks: &mut Vec<Remark>) {
        if self.blocked.is_some() {
            self.retry(now, remarks);
        } else {
            self.look_after(now, remarks);
        }
    }

    fn look_after(&mut self, now: Now, remarks: &mut Vec<Remark>) {
        if let Err(error) = self.turn(now, remarks) {
            self.block(&error, Vec::new(), now, remarks);
            return;
        }
        self.tidy(now, remarks);
    }

    /// Sees to the rotated files.
    fn tidy(&mut self, now: Now, remarks: &mut Vec<Remark>) {
        self.archive.retain(now.wall);
        if let Some(why) = self.archive.pack() {
            remarks.push(Remark::NotPacked { path: self.path.clone(), why });
        }
        self.set_wake(now);
    }

    /// Takes up to `limit` bytes from the pipe. Zero: nobody can write to it any more; `WouldBlock`: nothing is in it now.
    pub(super) fn take(
        &mut self,
        from: &mut Reader,
        passage: &mut Passage,
        limit: usize,
        now: Now,
        remarks: &mut Vec<Remark>,
    ) -> io::Result<usize> {
        if self.blocked.is_some() {
            return self.hold(from, passage, limit, now, remarks);
        }
        if self.due.is_some_and(|due| due.has_come(now.wall) || due.is_stale(now.wall))
            && let Err(error) = self.turn(now, remarks)
        {
            self.block(&error, Vec::new(), now, remarks);
            return self.hold(from, passage, limit, now, remarks);
        }
        match self.pour(from, passage.is_seen(), limit.min(PIECE), now) {
            Poured::Moved(result) => result,
            Poured::Copy(most) => {
                let mut bytes = Vec::new();
                let count = from.read(&mut bytes, most.min(limit))?;
                self.write(passage.take(bytes, now.wall), now, remarks);
                Ok(count)
            }
            Poured::Failed(error) => {
                self.block(&error, Vec::new(), now, remarks);
                self.hold(from, passage, limit, now, remarks)
            }
        }
    }

    /// Writes what didn't come from a pipe just now.
    pub(super) fn put(&mut self, bytes: Vec<u8>, now: Now, remarks: &mut Vec<Remark>) {
        if bytes.is_empty() {
            return;
        }
        match &mut self.blocked {
            Some(blocked) => blocked.held.extend(bytes),
            None => self.write(bytes, now, remarks),
        }
    }

    /// Moves bytes without looking at them, as long as that may be.
    fn pour(&mut self, from: &mut Reader, is_seen: bool, limit: usize, now: Now) -> Poured {
        let target = match self.target(now) {
            Ok(target) => target,
            Err(error) => return Poured::Failed(error),
        };
        if !target.direct || is_seen {
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
        let target = self.target(now)?;
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
    fn hold(
        &mut self,
        from: &mut Reader,
        passage: &mut Passage,
        limit: usize,
        now: Now,
        remarks: &mut Vec<Remark>,
    ) -> io::Result<usize> {
        let Some(blocked) = &mut self.blocked else { return Err(io::ErrorKind::WouldBlock.into()) };
        let room = self.memory.saturating_sub(blocked.held.len());
        let most = passage.bytes_for(room.min(limit).min(COPY));
        if most > 0 && passage.is_raw() {
            let begin = blocked.held.len();
            let count = from.read(&mut blocked.held, most)?;
            passage.look_at(blocked.held.get(begin..).unwrap_or_default());
            return Ok(count);
        }
        if most > 0 {
            let mut bytes = Vec::new();
            let count = from.read(&mut bytes, most)?;
            blocked.held.extend(passage.take(bytes, now.wall));
            return Ok(count);
        }
        let count = if passage.finder.is_none() {
            from.waste(limit.min(PIECE))?
        } else {
            let mut bytes = Vec::new();
            let count = from.read(&mut bytes, limit.min(COPY))?;
            passage.look_at(&bytes);
            count
        };
        if blocked.lost == 0 && count > 0 {
            remarks.push(Remark::Losing { path: self.path.clone() });
        }
        blocked.lost += count as u64;
        self.lost += count as u64;
        Ok(count)
    }

    fn retry(&mut self, now: Now, remarks: &mut Vec<Remark>) {
        let Some(mut blocked) = self.blocked.take() else { return };
        let done = match self.target(now) {
            Ok(_) => self.append(&blocked.held, now, remarks),
            Err(error) => Err((0, error)),
        };
        match done {
            Ok(()) => remarks.push(Remark::Resumed { path: self.path.clone(), lost: blocked.lost }),
            Err((written, error)) => {
                blocked.held.drain(..written);
                blocked.why = errno::describe(&error);
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
        self.wake = None;
    }

    fn block(&mut self, error: &io::Error, held: Vec<u8>, now: Now, remarks: &mut Vec<Remark>) {
        let why = errno::describe(error);
        remarks.push(Remark::Blocked { path: self.path.clone(), why: why.clone() });
        self.file = None;
        self.blocked = Some(Blocked { why, held, retry_at: now.tick + RETRY, lost: 0 });
    }

    /// The open file; opened if it is not.
    fn target(&mut self, now: Now) -> io::Result<&mut Target> {
        if self.file.is_none() {
            let file = file::open_log(&self.path)?;
            let plain = file::is_plain(&file)?;
            let full = if plain { self.full } else { None };
            let target = Target { file, plain, direct: plain, full, refused: None };
            if let (true, None, Some(time)) = (plain, self.due, self.time) {
                let written = if target.size()? > 0 { file::written(&target.file)? } else { now.wall };
                self.due = Some(Due::new(time, written, now.wall, clock::ahead_of_utc));
            }
            self.file = Some(target);
        }
        self.file.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Rotates the file if that is due by time or because the service starts; in the midst of a line only when that has ended.
    fn turn(&mut self, now: Now, remarks: &mut Vec<Remark>) -> io::Result<()> {
        let target = self.target(now)?;
        if !target.plain {
            return Ok(());
        }
        let size = target.size()?;
        let is_whole = target.ends_with_newline(size)?;
        let is_old = std::mem::take(&mut self.rotates_old);
        let is_due = self.due.is_some_and(|due| due.has_come(now.wall));
        if size > 0 && (is_old || is_due && is_whole) {
            return self.rotate(size, now, remarks);
        }
        if size > 0 && is_due {
            // From here on the end of the line is looked for.
            let target = self.target(now)?;
            target.full = Some(target.full.map_or(size, |full| full.min(size)));
        } else if is_due || self.due.is_some_and(|due| due.is_stale(now.wall)) {
            self.due = self.time.map(|time| Due::new(time, now.wall, now.wall, clock::ahead_of_utc));
        }
        self.set_wake(now);
        Ok(())
    }

    /// Rotates the file because somebody wants that; in the midst of a line when that has ended. An empty one stays.
    pub(super) fn rotate_now(&mut self, now: Now, remarks: &mut Vec<Remark>) -> io::Result<()> {
        if self.blocked.is_some() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let target = self.target(now)?;
        if !target.plain {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let size = target.size()?;
        if size > 0 && !target.ends_with_newline(size)? {
            target.full = Some(target.full.map_or(size, |full| full.min(size)));
        } else if size > 0 {
            self.rename(size, now, remarks)?;
            self.begin(now, remarks)?;
        }
        Ok(())
    }

    /// Gives the full file its name for good, and begins a new one.
    fn rotate(&mut self, size: u64, now: Now, remarks: &mut Vec<Remark>) -> io::Result<()> {
        if let Err(error) = self.rename(size, now, remarks) {
            self.not_rotated(&error, size, now, remarks);
            return Ok(());
        }
        self.begin(now, remarks)
    }

    /// A file that was deleted or replaced meanwhile is not touched.
    fn rename(&mut self, size: u64, now: Now, remarks: &mut Vec<Remark>) -> io::Result<()> {
        let path = self.path.clone();
        let target = self.target(now)?;
        if file::is_at(&target.file, &path).unwrap_or(false) {
            remarks.push(Remark::Rotated { to: self.archive.add(size, now.wall)? });
        }
        Ok(())
    }

    fn begin(&mut self, now: Now, remarks: &mut Vec<Remark>) -> io::Result<()> {
        self.file = None;
        self.due = None;
        self.target(now)?;
        self.tidy(now, remarks);
        Ok(())
    }

    fn not_rotated(&mut self, error: &io::Error, size: u64, now: Now, remarks: &mut Vec<Remark>) {
        self.due = Some(Due::again(now.wall));
        self.set_wake(now);
        let Some(target) = &mut self.file else { return };
        target.full = self.full.map(|full| size.saturating_add(full));
        let why = errno::describe(error);
        if target.refused.replace(why.clone()).is_none() {
            remarks.push(Remark::NotRotated { path: self.path.clone(), why });
        }
    }

    fn set_wake(&mut self, now: Now) {
        let after = |at: WallTime| Duration::from_millis(at.0.saturating_sub(now.wall.0));
        // A rotation that is due already waits for output: the end of a line.
        let due = self.due.filter(|due| !due.has_come(now.wall)).map(|due| after(due.at()));
        let expiry = self.archive.expiry().map(|at| {
            let left = after(at);
            if left.is_zero() { RETRY_DELETION } else { left }
        });
        self.wake = [due, expiry].into_iter().flatten().min().map(|wait| now.tick + wait.min(LONGEST));
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
