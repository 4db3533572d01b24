//! A program's output on its way into a log: moved by the kernel from pipe to file, held in memory only while the disk takes none.

mod archive;
mod packer;
mod passage;
mod writer;

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use svckit_core::definition::{LogFormat, LogPolicy, LogTarget};
use svckit_core::name::ServiceName;
use svckit_core::probe::{Finder, LinePattern};
use svckit_core::time::{Now, Tick};
use svckit_os::errno;
use svckit_os::pipe::{self, ProgramEnd, Reader};

use passage::Passage;
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
    /// The file was rotated, to this one.
    Rotated { to: PathBuf },
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
    passage: Passage,
    path: PathBuf,
    writer: Rc<RefCell<Writer>>,
    /// Whether another stream answers for the file.
    is_second: bool,
}

impl Stream {
    /// How many a service has at most: one for each output.
    pub(crate) const MOST: usize = 2;

    /// The streams of a service. Both outputs share one if they go to the same file as they are. Nothing is opened yet.
    pub(crate) fn all(policy: &LogPolicy, service: &ServiceName) -> Vec<Self> {
        let mut streams: Vec<Self> = Vec::new();
        for (target, output) in [(&policy.stdout, "stdout"), (&policy.stderr, "stderr")] {
            let LogTarget::File(path) = target else { continue };
            let first = streams.first().filter(|first| first.path == *path);
            if first.is_some() && policy.format == LogFormat::Raw {
                continue;
            }
            let is_second = first.is_some();
            let writer = match first {
                Some(first) => Rc::clone(&first.writer),
                None => Rc::new(RefCell::new(Writer::new(path.clone(), policy))),
            };
            let passage = Passage::new(policy, service, output);
            streams.push(Self { pipe: None, large: false, passage, path: path.clone(), writer, is_second });
        }
        streams
    }

    /// Opens the log, if it is not, and makes a pipe for a new program: the program's end.
    pub(crate) fn connect(&mut self, now: Now, remarks: &mut Vec<Remark>) -> io::Result<ProgramEnd> {
        let mut writer = self.writer.borrow_mut();
        writer.prepare(now, remarks);
        writer.put(self.passage.end_line(), now, remarks);
        let (read, write) = pipe::outflow()?;
        self.pipe = Some(read);
        self.large = false;
        Ok(write)
    }

    /// Looks for a pattern in what comes from now on; with none it looks at nothing, which is faster.
    pub(crate) fn look_for(&mut self, pattern: Option<&LinePattern>) {
        self.passage.finder = pattern.map(Finder::new);
    }

    /// Whether it was found.
    pub(crate) fn has_found(&self) -> bool {
        self.passage.finder.as_ref().is_some_and(Finder::is_there)
    }

    /// Opens the log, if it is not, and makes a pipe for something beside the program: our end and the other.
    pub(crate) fn aside(&mut self, now: Now, remarks: &mut Vec<Remark>) -> io::Result<(Reader, ProgramEnd)> {
        self.writer.borrow_mut().prepare(now, remarks);
        pipe::outflow()
    }

    /// Moves what is in such a pipe, up to the size of a turn.
    pub(crate) fn pump_aside(&mut self, pipe: &mut Option<Reader>, now: Now, remarks: &mut Vec<Remark>) {
        self.transfer(pipe, TURN, now, remarks);
    }

    /// Takes what is in such a pipe now, and closes it.
    pub(crate) fn drain_aside(&mut self, pipe: &mut Option<Reader>, now: Now, remarks: &mut Vec<Remark>) {
        if let Some(open) = pipe {
            let rest = open.available().unwrap_or(TURN);
            self.transfer(pipe, rest, now, remarks);
            *pipe = None;
        }
    }

    /// The end to wait at.
    pub(crate) fn pipe(&self) -> Option<&Reader> {
        self.pipe.as_ref()
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The same, unless another stream has told of it.
    pub(crate) fn own_path(&self) -> Option<&Path> {
        (!self.is_second).then_some(&self.path)
    }

    /// How many bytes were lost so far.
    pub(crate) fn lost(&self) -> u64 {
        if self.is_second { 0 } else { self.writer.borrow().lost() }
    }

    /// What is wrong with the file at the moment.
    pub(crate) fn trouble(&self) -> Option<Remark> {
        if self.is_second { None } else { self.writer.borrow().trouble() }
    }

    /// When [`Stream::tick`] has to be called.
    pub(crate) fn deadline(&self) -> Option<Tick> {
        self.writer.borrow().deadline()
    }

    /// Does what is due without output: a file that took nothing is tried again, one is rotated or deleted.
    pub(crate) fn tick(&mut self, now: Now, remarks: &mut Vec<Remark>) {
        self.writer.borrow_mut().tick(now, remarks);
    }

    /// Rotates the file: `WouldBlock` if it takes nothing, `Unsupported` if it is no file.
    pub(crate) fn rotate(&mut self, now: Now, remarks: &mut Vec<Remark>) -> io::Result<()> {
        if self.is_second { Ok(()) } else { self.writer.borrow_mut().rotate_now(now, remarks) }
    }

    /// Moves what is in the pipe, up to the size of a turn: whether there was something. At the end of the output the pipe is closed.
    pub(crate) fn pump(&mut self, now: Now, remarks: &mut Vec<Remark>) -> bool {
        let mut pipe = self.pipe.take();
        let moved = self.transfer(&mut pipe, TURN, now, remarks);
        match &mut pipe {
            Some(pipe) if moved >= BUSY && !self.large => {
                self.large = true;
                // Refused when this user has many large pipes already; the small one works too.
                let _ = pipe.grow(LARGE_PIPE);
            }
            Some(_) => {}
            None => self.pause(now, remarks),
        }
        self.pipe = pipe;
        moved > 0
    }

    /// Takes what is in the pipe now, and closes it. Somebody who still holds the other end, and may write for ever, holds up nothing.
    pub(crate) fn drain(&mut self, now: Now, remarks: &mut Vec<Remark>) {
        let mut pipe = self.pipe.take();
        self.drain_aside(&mut pipe, now, remarks);
        self.pause(now, remarks);
    }

    /// The service stops: tries once more to write what is held, and counts as lost what can't be.
    pub(crate) fn finish(&mut self, now: Now, remarks: &mut Vec<Remark>) {
        self.pipe = None;
        self.pause(now, remarks);
        self.writer.borrow_mut().finish(now, remarks);
    }

    /// Nothing more comes for now.
    fn pause(&mut self, now: Now, remarks: &mut Vec<Remark>) {
        self.writer.borrow_mut().put(self.passage.pause(), now, remarks);
    }

    fn transfer(
        &mut self,
        from: &mut Option<Reader>,
        limit: u64,
        now: Now,
        remarks: &mut Vec<Remark>,
    ) -> u64 {
        let mut writer = self.writer.borrow_mut();
        let mut moved = 0;
        while let Some(pipe) = from
            && moved < limit
        {
            let wanted = usize::try_from(limit - moved).unwrap_or(usize::MAX);
            match writer.take(pipe, &mut self.passage, wanted, now, remarks) {
                Ok(0) => *from = None,
                Ok(count) => moved += count as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    remarks.push(Remark::Unread { path: self.path.clone(), why: errno::describe(&error) });
                    *from = None;
                }
            }
        }
        moved
    }
}
