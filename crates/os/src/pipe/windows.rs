#![allow(unsafe_code)]

use std::cell::RefCell;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::hash::BuildHasher;
use std::io;
use std::ops::Range;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use svckit_core::time::Tick;
use windows_sys::Win32::Foundation::{
    ERROR_BROKEN_PIPE, ERROR_HANDLE_EOF, ERROR_OPERATION_ABORTED, ERROR_PIPE_NOT_CONNECTED,
    INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, PIPE_ACCESS_INBOUND, ReadFile, SECURITY_ANONYMOUS,
};
use windows_sys::Win32::System::Pipes::{
    CreateNamedPipeW, CreatePipe, PIPE_READMODE_BYTE, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE, PIPE_WAIT,
    PeekNamedPipe,
};

use crate::clock;
use crate::event::{Bell, Interest, Source};
use crate::overlapped::{Operation, is, skip_port_on_success};
use crate::security::{self, Descriptor};
use crate::text::wide;

/// How much the system holds for a reader that is busy.
const PIPE_SIZE: u32 = 256 << 10;

/// How much is read at once at first.
const BUFFER: usize = 64 << 10;

/// Less than this at once, twice within [`CLOSE`], is a trickle: many small writes, of which each would be read by itself.
const SMALL: usize = 1 << 10;

/// As long as a read brings no more than this after a pause, it stays a trickle.
const STILL_SMALL: usize = 16 << 10;

const CLOSE: Duration = Duration::from_millis(20);

/// How long a trickle is left to gather before the next read: at first, and at most.
const PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(8);

/// A pause that brought less than this was too short: a read costs as much as many of the writes.
const GATHERED: usize = 4 << 10;

/// The end of a program's output that this process reads from.
///
/// While nothing is there a read is under way, into a buffer of its own: what it brings is handed out piece by piece, and then the next begins; in a trickle of small
/// pieces after a pause, so that the next brings many of them.
pub struct Reader {
    state: RefCell<State>,
}

struct State {
    pipe: OwnedHandle,
    /// The read under way.
    operation: Operation,
    /// INVARIANT: while the read is under way, the system may write to it; nobody else touches it, and it stays where it is.
    buffer: Vec<u8>,
    /// Whether somebody wanted what the read under way brings.
    was_asked: bool,
    /// Whether the port tells only of reads that took their time.
    skips_port: bool,
    /// What of the buffer was read and not yet taken.
    filled: Range<usize>,
    /// Nobody can write any more.
    ended: bool,
    /// How large the next buffer is.
    wanted: usize,
    /// When the last read brought little.
    little_at: Option<Tick>,
    /// Whether the next read is better begun a moment later.
    trickles: bool,
    /// How long that moment is.
    pause: Duration,
    /// Whether what is there is wanted now, however little it is.
    hurries: bool,
    bell: Option<Bell>,
}

/// The end of a program's input that this process holds: the program's input ends when it is dropped.
#[derive(Debug)]
pub struct Writer {
    _pipe: OwnedHandle,
}

/// The end that a program gets.
#[derive(Debug)]
pub struct ProgramEnd {
    pipe: OwnedHandle,
}

/// A pipe for a program's output.
///
/// Only named pipes can be waited for together with other things. Nobody else can get at it: the name can't be guessed, and by the time that this
/// returns, its one place is taken.
pub fn outflow() -> io::Result<(Reader, ProgramEnd)> {
    outflow_for(own_rights()?.as_ref())
}

/// Who may open pipes that are made here, if it is not the default: by that only the account may write, which is not enough for a restricted token.
fn own_rights() -> io::Result<Option<Descriptor>> {
    if security::is_restricted()? {
        Descriptor::from_sddl(&security::own_pipe()?).map(Some)
    } else {
        Ok(None)
    }
}

fn outflow_for(rights: Option<&Descriptor>) -> io::Result<(Reader, ProgramEnd)> {
    let attributes = rights.map(Descriptor::attributes);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // Keys from the system's generator.
    let unguessable = RandomState::new().hash_one(count);
    let name = format!(r"\\.\pipe\svckit.{}.{count}.{unguessable:016x}", std::process::id());
    let wide = wide(&name);
    // SAFETY: the name ends with NUL; it, the attributes if there are some, and the descriptor that they point to live during the call.
    let pipe = unsafe {
        CreateNamedPipeW(
            wide.as_ptr(),
            PIPE_ACCESS_INBOUND | FILE_FLAG_FIRST_PIPE_INSTANCE | FILE_FLAG_OVERLAPPED,
            PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
            1,
            0,
            PIPE_SIZE,
            0,
            attributes.as_ref().map_or(ptr::null(), ptr::from_ref),
        )
    };
    if pipe == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is new, and nobody else's.
    let pipe = unsafe { OwnedHandle::from_raw_handle(pipe) };
    let end =
        OpenOptions::new().write(true).share_mode(0).security_qos_flags(SECURITY_ANONYMOUS).open(name)?;
    Ok((Reader { state: RefCell::new(State::new(pipe)?) }, ProgramEnd { pipe: end.into() }))
}

/// A pipe for a program's input.
pub fn inflow() -> io::Result<(ProgramEnd, Writer)> {
    inflow_for(own_rights()?.as_ref())
}

fn inflow_for(rights: Option<&Descriptor>) -> io::Result<(ProgramEnd, Writer)> {
    let (mut read, mut write) = (ptr::null_mut(), ptr::null_mut());
    let attributes = rights.map(Descriptor::attributes);
    let attributes = attributes.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: two handles are written on success; the attributes, if there are some, and the descriptor that they point to live during the call, and say nothing of inheriting.
    if unsafe { CreatePipe(&raw mut read, &raw mut write, attributes, 0) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handles are new, and nobody else's.
    let (read, write) = unsafe { (OwnedHandle::from_raw_handle(read), OwnedHandle::from_raw_handle(write)) };
    Ok((ProgramEnd { pipe: read }, Writer { _pipe: write }))
}

impl State {
    fn new(pipe: OwnedHandle) -> io::Result<Self> {
        Ok(Self {
            pipe,
            operation: Operation::new()?,
            buffer: Vec::new(),
            was_asked: false,
            skips_port: false,
            filled: 0..0,
            ended: false,
            wanted: BUFFER,
            little_at: None,
            trickles: false,
            pause: PAUSE,
            hurries: false,
            bell: None,
        })
    }

    /// How many bytes are there to be taken; zero at the end, `WouldBlock` if there are none now.
    fn ready(&mut self) -> io::Result<usize> {
        loop {
            if !self.filled.is_empty() {
                return Ok(self.filled.len());
            }
            if self.ended {
                return Ok(0);
            }
            if self.operation.is_pending() {
                // At first its end is looked for only if the port told of it: otherwise a flood of small pieces would be read faster than the port is emptied of
                // news of them, and there would be no end of that long after the flood.
                if self.was_asked || self.bell.as_ref().is_none_or(Bell::has_ended) {
                    self.settle(false)?;
                }
                if self.operation.is_pending() {
                    self.was_asked = true;
                    return Err(io::ErrorKind::WouldBlock.into());
                }
            } else if self.is_put_off() {
                return Err(io::ErrorKind::WouldBlock.into());
            } else {
                self.begin()?;
            }
        }
    }

    /// Whether the next read is not to begin yet.
    fn is_put_off(&self) -> bool {
        self.bell.as_ref().is_some_and(Bell::is_later)
    }

    /// Sees from what a read brought whether it is one of many small pieces.
    fn weigh(&mut self, count: usize) {
        if count == 0 || count > if self.trickles { STILL_SMALL } else { SMALL } {
            (self.trickles, self.little_at) = (false, None);
            return;
        }
        let now = clock::now().tick;
        let trickled = self.trickles;
        self.trickles = self.little_at.is_some_and(|before| now.since(before) < CLOSE);
        self.pause = match (trickled && self.trickles, count < GATHERED) {
            (false, _) => PAUSE,
            (true, true) => (2 * self.pause).min(LONGEST_PAUSE),
            (true, false) => self.pause,
        };
        self.little_at = Some(now);
    }

    /// Begins a read, which may bring something at once. There is none under way and everything was taken.
    fn begin(&mut self) -> io::Result<()> {
        if self.buffer.len() != self.wanted {
            self.buffer = vec![0; self.wanted];
        }
        self.was_asked = false;
        self.bell.iter().for_each(Bell::not_later);
        let size = u32::try_from(self.buffer.len()).unwrap_or(u32::MAX);
        let (pipe, start) = (self.pipe.as_raw_handle(), self.buffer.as_mut_ptr());
        // SAFETY: no read is under way. The buffer has so many bytes, and stays where it is until the end was seen: `settle`, `drop`.
        let begun = unsafe {
            self.operation.begin(|operation| ReadFile(pipe, start, size, ptr::null_mut(), operation))
        };
        match begun {
            Ok(true) if self.skips_port => self.settle(false),
            Ok(_) => Ok(()),
            Err(error) if is_end(&error) => {
                self.ended = true;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Sees to it that who waits is told: by the end of a read that is under way, or by word of what is there already.
    fn tell(&self) -> io::Result<()> {
        match &self.bell {
            Some(bell) if !self.operation.is_pending() && !bell.is_later() => bell.more(),
            _ => Ok(()),
        }
    }

    /// Sees whether the read under way has ended; with `now` it is ended, and brings what it has.
    fn settle(&mut self, now: bool) -> io::Result<()> {
        match self.operation.settle(self.pipe.as_raw_handle(), now) {
            None => Ok(()),
            Some(Ok(count)) => {
                // None at all come if the program writes nothing, which is no end.
                self.filled = 0..count;
                self.weigh(count);
                Ok(())
            }
            Some(Err(error)) if is(&error, ERROR_OPERATION_ABORTED) => Ok(()),
            Some(Err(error)) if is_end(&error) => {
                self.ended = true;
                Ok(())
            }
            Some(Err(error)) => Err(error),
        }
    }

    /// Hands out up to `limit` bytes: `use_up` tells how many it took. Who waits is told of what is left, and the next read begins when nothing is.
    fn take(&mut self, limit: usize, use_up: impl FnOnce(&[u8]) -> io::Result<usize>) -> io::Result<usize> {
        let there = self.ready()?;
        if there == 0 || limit == 0 {
            return Ok(0);
        }
        let range = self.filled.start..self.filled.start + there.min(limit);
        let taken = use_up(self.buffer.get(range).unwrap_or_default())?;
        self.filled.start += taken;
        if self.filled.is_empty() && !self.ended {
            match &self.bell {
                Some(bell) if self.trickles && !self.hurries => bell.later(self.pause),
                _ => self.begin()?,
            }
        }
        self.tell()?;
        Ok(taken)
    }

    /// How many bytes the pipe holds.
    fn peek(&self) -> io::Result<u64> {
        let mut total = 0;
        // SAFETY: only the number of bytes is asked for, and written on success.
        let done = unsafe {
            PeekNamedPipe(
                self.pipe.as_raw_handle(),
                ptr::null_mut(),
                0,
                ptr::null_mut(),
                &raw mut total,
                ptr::null_mut(),
            )
        };
        if done != 0 {
            return Ok(u64::from(total));
        }
        match io::Error::last_os_error() {
            error if is_end(&error) => Ok(0),
            error => Err(error),
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.bell.iter().for_each(Bell::not_later);
        // Whatever it brings: what counts is that the system doesn't write to our memory any more.
        let _ = self.settle(true);
    }
}

fn is_end(error: &io::Error) -> bool {
    [ERROR_BROKEN_PIPE, ERROR_HANDLE_EOF, ERROR_PIPE_NOT_CONNECTED].iter().any(|code| is(error, *code))
}

impl Reader {
    /// How many bytes are in the pipe now.
    pub fn available(&mut self) -> io::Result<u64> {
        let state = self.state.get_mut();
        state.hurries = true;
        state.bell.iter().for_each(Bell::not_later);
        state.settle(true)?;
        Ok(state.filled.len() as u64 + if state.ended { 0 } else { state.peek()? })
    }

    /// Reads about so many bytes at once from now on.
    pub fn grow(&mut self, bytes: usize) -> io::Result<()> {
        self.state.get_mut().wanted = bytes.max(1);
        Ok(())
    }

    /// Moves up to `limit` bytes from the pipe into the file at `offset`. Zero means that nobody can write to the pipe any more; `WouldBlock` that nothing is
    /// in it now.
    pub fn pour(&mut self, file: &File, offset: u64, limit: usize) -> io::Result<usize> {
        self.state.get_mut().take(limit, |bytes| match crate::file::write_at(file, bytes, offset)? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            count => Ok(count),
        })
    }

    /// Reads up to `limit` bytes from the pipe to the end of `bytes`, with answers as [`Reader::pour`]'s.
    pub fn read(&mut self, bytes: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
        self.state.get_mut().take(limit, |there| {
            bytes.extend_from_slice(there);
            Ok(there.len())
        })
    }

    /// Throws away up to `limit` bytes from the pipe, with answers as [`Reader::pour`]'s.
    pub fn waste(&mut self, limit: usize) -> io::Result<usize> {
        self.state.get_mut().take(limit, |there| Ok(there.len()))
    }
}

impl Source for Reader {
    fn attach(&self, bell: &Bell, _: Interest) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        // The end of a read that is under way already would be told to nobody.
        state.settle(true)?;
        bell.follow(state.pipe.as_raw_handle())?;
        state.skips_port = skip_port_on_success(state.pipe.as_handle());
        state.bell = Some(bell.clone());
        if state.filled.is_empty() && !state.ended {
            state.begin()?;
        }
        state.tell()
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}

impl AsHandle for ProgramEnd {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.pipe.as_handle()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Poller, Ready};
    use std::io::{Read, Write};
    use std::thread;
    use std::time::Duration;

    #[test]
    fn bytes_go_through_until_the_writer_is_gone() {
        let (mut read, write) = outflow().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        assert_eq!(read.pour(&file, 0, 100).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let mut write = File::from(write.pipe);
        write.write_all(b"hello world").unwrap();
        assert_eq!(read.available().unwrap(), 11);
        read.grow(1 << 18).unwrap();
        assert_eq!(read.pour(&file, 0, 5).unwrap(), 5);
        assert_eq!(read.waste(1).unwrap(), 1);
        drop(write);
        assert_eq!(read.pour(&file, 5, 100).unwrap(), 5);
        assert_eq!(read.pour(&file, 10, 100).unwrap(), 0);
        let mut text = String::new();
        io::Seek::rewind(&mut file).unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "helloworld");
    }

    #[test]
    fn pipes_of_who_is_restricted_carry_bytes_as_well() {
        let rights = Descriptor::from_sddl(&security::own_pipe().unwrap()).unwrap();
        let (mut read, write) = outflow_for(Some(&rights)).unwrap();
        File::from(write.pipe).write_all(b"out").unwrap();
        assert_eq!(read.available().unwrap(), 3);
        let (read, write) = inflow_for(Some(&rights)).unwrap();
        File::from(write._pipe).write_all(b"in").unwrap();
        let mut text = String::new();
        File::from(read.pipe).read_to_string(&mut text).unwrap();
        assert_eq!(text, "in");
    }

    #[test]
    fn the_poller_tells_of_data_of_what_is_left_and_of_the_end() {
        let poller = Poller::new().unwrap();
        let (mut read, write) = outflow().unwrap();
        poller.add(&read, 3, Interest::Read).unwrap();
        let mut write = File::from(write.pipe);
        let mut ready = Vec::new();
        poller.wait(&mut ready, Some(Duration::ZERO)).unwrap();
        assert_eq!(ready, []);
        let mut found = Vec::new();
        for text in ["one", "another"] {
            write.write_all(text.as_bytes()).unwrap();
            found.clear();
            while found != text.as_bytes() {
                poller.wait(&mut ready, None).unwrap();
                assert_eq!(ready[0], Ready { token: 3, readable: true, writable: false });
                // Less than is there: the poller has to say so again.
                match read.read(&mut found, 2) {
                    Ok(count) => assert!(count > 0),
                    Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
                }
            }
        }
        drop(write);
        while !matches!(read.read(&mut found, 1), Ok(0)) {
            poller.wait(&mut ready, None).unwrap();
        }
    }

    #[test]
    fn a_flood_arrives_whole() {
        const TOTAL: usize = 8 << 20;
        let poller = Poller::new().unwrap();
        let (mut read, write) = outflow().unwrap();
        poller.add(&read, 0, Interest::Read).unwrap();
        let writer = thread::spawn(move || {
            let mut write = File::from(write.pipe);
            for piece in 0..TOTAL / 4096 {
                write.write_all(&[u8::try_from(piece % 251).unwrap(); 4096]).unwrap();
            }
        });
        let (mut found, mut ready) = (Vec::new(), Vec::new());
        'all: loop {
            poller.wait(&mut ready, None).unwrap();
            loop {
                match read.read(&mut found, 100_000) {
                    Ok(0) => break 'all,
                    Ok(_) if found.len() > TOTAL / 2 => read.grow(1 << 20).unwrap(),
                    Ok(_) => {}
                    Err(error) => {
                        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                        break;
                    }
                }
            }
        }
        writer.join().unwrap();
        assert_eq!(found.len(), TOTAL);
        assert!(
            found.chunks(4096).enumerate().all(|(n, piece)| piece == [u8::try_from(n % 251).unwrap(); 4096])
        );
    }

    #[test]
    fn a_trickle_arrives_whole() {
        const PIECES: usize = 4000;
        let poller = Poller::new().unwrap();
        let (mut read, write) = outflow().unwrap();
        poller.add(&read, 0, Interest::Read).unwrap();
        let writer = thread::spawn(move || {
            let mut write = File::from(write.pipe);
            for piece in 0..PIECES {
                writeln!(write, "{piece:8}").unwrap();
            }
        });
        let (mut found, mut ready) = (Vec::new(), Vec::new());
        'all: loop {
            poller.wait(&mut ready, None).unwrap();
            loop {
                match read.read(&mut found, 100_000) {
                    Ok(0) => break 'all,
                    Ok(_) => {}
                    Err(error) => {
                        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                        break;
                    }
                }
            }
        }
        writer.join().unwrap();
        let text = String::from_utf8(found).unwrap();
        assert!(text.lines().map(|line| line.trim().parse::<usize>().unwrap()).eq(0..PIECES));
    }

    #[test]
    fn what_is_left_to_gather_is_there_at_once_when_it_is_asked_for() {
        let poller = Poller::new().unwrap();
        let (mut read, write) = outflow().unwrap();
        poller.add(&read, 0, Interest::Read).unwrap();
        let mut write = File::from(write.pipe);
        let (mut found, mut ready) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            write.write_all(b"x").unwrap();
            poller.wait(&mut ready, None).unwrap();
            // It may have been told of before it came.
            let _ = read.read(&mut found, 10);
        }
        write.write_all(b"yy").unwrap();
        let there = read.available().unwrap();
        assert_eq!(found.len() as u64 + there, 5);
        while (found.len() as u64) < 5 {
            read.read(&mut found, 10).unwrap();
        }
        assert_eq!(found, b"xxxyy");
    }

    #[test]
    fn the_input_of_a_program_ends_with_the_writer() {
        let (end, writer) = inflow().unwrap();
        drop(writer);
        assert_eq!(File::from(end.pipe).read(&mut [0]).unwrap(), 0);
    }
}
