//! A program's output on its way into a log: moved by the kernel from pipe to file, held in memory only while the disk takes none.

mod archive;
mod packer;
mod writer;

use std::io;
use std::path::{Path, PathBuf};

use svckit_core::definition::LogPolicy;
use svckit_core::probe::{Finder, LinePattern};
use svckit_core::time::{Now, Tick};
use svckit_os::errno;
use svckit_os::pipe::{self, ProgramEnd, Reader};

use writer::Writer;

/// How much one turn moves at most, so that one flood doesn't hold up everything else.
const TURN: u64 = 4 << 20;

/// A pipe through which more than this goes in one turn is made larger.
const BUSY: u64 = 128 << 10;

/// How large a busy pipe is made.
const LARGE_PIPE: usize = 1 << 20;

/// What a log has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remark {
    /// The file takes nothing; output is held in memory.
    Blocked { path: PathBuf, why: String },
    /// The memory is full; output is being lost.
    Losing { path: PathBuf },
    /// Output is written again; so many bytes were lost in between.
    Resumed { path: PathBuf, lost: u64 },
    /// The service stopped before the file took anything again; so many bytes were lost.
    Lost { path: PathBuf, bytes: u64 },
    /// The file could not be rotated; it grows on.
    NotRotated { path: PathBuf, why: String },
    /// Rotated files could not be compressed; they stay as they are.
    NotPacked { path: PathBuf, why: String },
    /// The output can't be read any more.
    Unread { path: PathBuf, why: String },
}

/// One pipe and the log it goes to.
#[derive(Debug)]
pub(crate) struct Stream {
    pipe: Option<Reader>,
    large: bool,
    writer: Writer,
}

impl Stream {
    /// How many a service has at most: one for each output.
    pub(crate) const MOST: usize = 2;

    /// A stream into a file. Nothing is opened yet.
    pub(crate) fn new(path: PathBuf, policy: &LogPolicy) -> Self {
        Self { pipe: None, large: false, writer: Writer::new(path, policy) }
    }

    /// Opens the log, if it is not, and makes a pipe for a new program: the program's end.
    pub(crate) fn connect(&mut self, now: Now, remarks: &mut Vec<Remark>) -> io::Result<ProgramEnd> {
        self.writer.prepare(now, remarks);
        self.writer.end_line(now, remarks);
        let (read, write) = pipe::outflow()?;
        self.pipe = Some(read);
        self.large = false;
        Ok(write)
    }

    /// Looks for a pattern in what comes from now on; with none it looks at nothing, which is faster.
    pub(crate) fn look_for(&mut self, pattern: Option<&LinePattern>) {
        self.writer.look_for(pattern.map(Finder::new));
    }

    /// Whether it was found.
    pub(crate) fn has_found(&self) -> bool {
        self.writer.has_found()
    }

    /// Opens the log, if it is not, and makes a pipe for something beside the program: our end and the other.
    pub(crate) fn aside(&mut self, now: Now, remarks: &mut Vec<Remark>) -> io::Result<(Reader, ProgramEnd)> {
        self.writer.prepare(now, remarks);
        pipe::outflow()
    }

    /// Moves what is in such a pipe, up to the size of a turn.
    pub(crate) fn pump_aside(&mut self, pipe: &mut Option<Reader>, now: Now, remarks: &mut Vec<Remark>) {
        transfer(&mut self.writer, pipe, TURN, now, remarks);
    }

    /// Takes what is in such a pipe now, and closes it.
    pub(crate) fn drain_aside(&mut self, pipe: &mut Option<Reader>, now: Now, remarks: &mut Vec<Remark>) {
        drain(&mut self.writer, pipe, now, remarks);
    }

    /// The end to wait at.
    pub(crate) fn pipe(&self) -> Option<&Reader> {
        self.pipe.as_ref()
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        self.writer.path()
    }

    /// How many bytes were lost so far.
    pub(crate) fn lost(&self) -> u64 {
        self.writer.lost()
    }

    /// When [`Stream::tick`] has to be called.
    pub(crate) fn deadline(&self) -> Option<Tick> {
        self.writer.deadline()
    }

    /// Does what is due without output: a file that took nothing is tried again, one is rotated or deleted.
    pub(crate) fn tick(&mut self, now: Now, remarks: &mut Vec<Remark>) {
        self.writer.tick(now, remarks);
    }

    /// Moves what is in the pipe, up to the size of a turn: whether there was something. At the end of the output the pipe is closed.
    pub(crate) fn pump(&mut self, now: Now, remarks: &mut Vec<Remark>) -> bool {
        let moved = transfer(&mut self.writer, &mut self.pipe, TURN, now, remarks);
        if moved >= BUSY
            && !self.large
            && let Some(pipe) = &mut self.pipe
        {
            self.large = true;
            // Refused when this user has many large pipes already; the small one works too.
            let _ = pipe.grow(LARGE_PIPE);
        }
        moved > 0
    }

    /// Takes what is in the pipe now, and closes it. Somebody who still holds the other end, and may write for ever, holds up nothing.
    pub(crate) fn drain(&mut self, now: Now, remarks: &mut Vec<Remark>) {
        drain(&mut self.writer, &mut self.pipe, now, remarks);
    }

    /// The service stops: tries once more to write what is held, and counts as lost what can't be.
    pub(crate) fn finish(&mut self, now: Now, remarks: &mut Vec<Remark>) {
        self.pipe = None;
        self.writer.finish(now, remarks);
    }
}

fn drain(writer: &mut Writer, from: &mut Option<Reader>, now: Now, remarks: &mut Vec<Remark>) {
    if let Some(pipe) = from {
        let rest = pipe.available().unwrap_or(TURN);
        transfer(writer, from, rest, now, remarks);
        *from = None;
    }
}

fn transfer(
    writer: &mut Writer,
    from: &mut Option<Reader>,
    limit: u64,
    now: Now,
    remarks: &mut Vec<Remark>,
) -> u64 {
    let mut moved = 0;
    while let Some(pipe) = from
        && moved < limit
    {
        let wanted = usize::try_from(limit - moved).unwrap_or(usize::MAX);
        match writer.take(pipe, wanted, now, remarks) {
            Ok(0) => *from = None,
            Ok(count) => moved += count as u64,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => {
                remarks.push(Remark::Unread { path: writer.path().to_owned(), why: errno::describe(&error) });
                *from = None;
            }
        }
    }
    moved
}
