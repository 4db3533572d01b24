//! Named pipes of Windows: what a process says to others of the same machine, as a stream of bytes both ways.

#![allow(unsafe_code)]

#[cfg(test)]
mod tests;

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::process;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    ERROR_BROKEN_PIPE, ERROR_IO_INCOMPLETE, ERROR_IO_PENDING, ERROR_NO_DATA, ERROR_PIPE_BUSY,
    ERROR_PIPE_CONNECTED, ERROR_PIPE_NOT_CONNECTED, ERROR_SEM_TIMEOUT, GENERIC_READ, HANDLE,
    INVALID_HANDLE_VALUE, TRUE, WAIT_OBJECT_0,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, FILE_WRITE_DATA, FlushFileBuffers,
    PIPE_ACCESS_DUPLEX, ReadFile, SECURITY_IDENTIFICATION, WriteFile,
};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::Pipes::{
    ConnectNamedPipe, CreateNamedPipeW, DisconnectNamedPipe, PIPE_READMODE_BYTE, PIPE_REJECT_REMOTE_CLIENTS,
    PIPE_TYPE_BYTE, PIPE_UNLIMITED_INSTANCES, PIPE_WAIT, WaitNamedPipeW,
};
use windows_sys::Win32::System::Threading::{CreateEventW, INFINITE, SetEvent, WaitForMultipleObjects};

use crate::clock;
use crate::security::Descriptor;

/// Where named pipes of this machine are.
const PREFIX: &str = r"\\.\pipe\";

/// How much the system holds each way for a reader that is busy, and how much is written at once.
const PIPE_SIZE: u32 = 64 << 10;

/// How long a client waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes the connections to a named pipe.
///
/// There is always one place for the next client, so that the name is ours without a gap and a client between two calls of [`accept`](Self::accept)
/// finds somebody.
#[derive(Debug)]
pub struct Listener {
    name: Vec<u16>,
    sddl: String,
    /// The place for the next client; none after `close`.
    free: Mutex<Option<Pipe>>,
    /// Set by `close`.
    closed: OwnedHandle,
}

impl Listener {
    /// Takes a name, such as `\\.\pipe\svckit\web`, for clients of this machine whom the security descriptor lets in.
    ///
    /// Clients that [`connect`] need the rights `0x12019b`: to read and to write, but not to make a place for clients themselves, which
    /// `GENERIC_WRITE` has in it
    /// ([named pipe security](https://learn.microsoft.com/en-us/windows/win32/ipc/named-pipe-security-and-access-rights)). The user of this process needs that too.
    ///
    /// # Errors
    /// `InvalidInput` for a name that is none of a pipe on this machine; `PermissionDenied` if somebody has it
    /// ([`FILE_FLAG_FIRST_PIPE_INSTANCE`](https://learn.microsoft.com/en-us/windows/win32/api/namedpipeapi/nf-namedpipeapi-createnamedpipew)); what the system says
    /// of the descriptor.
    pub fn bind(name: &str, sddl: &str) -> io::Result<Self> {
        let name = wide(name)?;
        let first = Pipe::place(&name, sddl, FILE_FLAG_FIRST_PIPE_INSTANCE)?;
        Ok(Self { name, sddl: sddl.to_owned(), free: Mutex::new(Some(first)), closed: new_event()? })
    }

    /// Waits for the next client. One that has gone already counts: what it wrote can be read. Several threads take turns.
    ///
    /// # Errors
    /// `ConnectionAborted` after [`close`](Self::close), and what the system says; then the name is still ours, and the next call can succeed.
    pub fn accept(&self) -> io::Result<Connection> {
        let mut free = self.lock();
        let place = free.as_ref().ok_or_else(aborted)?;
        let event = new_event()?;
        self.listen(place, &event)?;
        let next = Pipe::place(&self.name, &self.sddl, 0).inspect_err(|_| place.disconnect())?;
        let taken = free.replace(next).ok_or_else(aborted)?;
        Ok(Connection { pipe: Arc::new(taken), event })
    }

    /// Gives the name up, and ends every [`accept`](Self::accept) that waits. Connections stay. Doing it twice is no error.
    pub fn close(&self) {
        // SAFETY: the event is open as long as this lives.
        unsafe { SetEvent(self.closed.as_raw_handle()) };
        // Who holds the lock is about to leave because of that.
        *self.lock() = None;
    }

    /// Waits until a client is at this place.
    fn listen(&self, place: &Pipe, event: &OwnedHandle) -> io::Result<()> {
        let mut operation = OVERLAPPED { hEvent: event.as_raw_handle(), ..OVERLAPPED::default() };
        let operation = &raw mut operation;
        // SAFETY: the pipe was made for overlapped operations. The operation and its event live until its end was seen: below.
        let done = unsafe { ConnectNamedPipe(place.raw(), operation) };
        if done == 0 {
            match io::Error::last_os_error() {
                error if is(&error, ERROR_IO_PENDING) => {}
                // It was there before, and maybe is not any more.
                error if is(&error, ERROR_PIPE_CONNECTED) || is(&error, ERROR_NO_DATA) => return Ok(()),
                error => return Err(error),
            }
        }
        let both = [self.closed.as_raw_handle(), event.as_raw_handle()];
        // SAFETY: both handles are open, and there are two.
        let first = unsafe { WaitForMultipleObjects(2, both.as_ptr(), 0, INFINITE) };
        let failure = match first {
            WAIT_OBJECT_0 => Some(aborted()),
            ended if ended == WAIT_OBJECT_0 + 1 => None,
            _ => Some(io::Error::last_os_error()),
        };
        if failure.is_some() {
            // SAFETY: the operation is under way or has ended; either is fine.
            unsafe { CancelIoEx(place.raw(), operation) };
        }
        // SAFETY: the operation was begun on this pipe, with an event, and its end was not seen yet.
        let ended = unsafe { wait(place.raw(), operation) };
        failure.map_or(ended.map(drop), Err)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Pipe>> {
        // A thread that panicked with it left it whole: every change is one assignment.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connects to a named pipe of this machine, such as `\\.\pipe\svckit\web`.
///
/// Who answers can find out who we are, but can't act in our name (`SECURITY_IDENTIFICATION`), since anybody may have taken a name that is free.
///
/// # Errors
/// `InvalidInput` for a name that is none of a pipe on this machine; `NotFound` if nobody has it; `TimedOut` if there is no place for this client
/// for five seconds; `PermissionDenied`.
pub fn connect(name: &str) -> io::Result<Connection> {
    connect_within(name, PATIENCE)
}

fn connect_within(name: &str, limit: Duration) -> io::Result<Connection> {
    let wide = wide(name)?;
    let begin = clock::now().tick.0;
    loop {
        let opened = OpenOptions::new()
            .access_mode(GENERIC_READ | FILE_WRITE_DATA)
            .share_mode(0)
            .custom_flags(FILE_FLAG_OVERLAPPED)
            .security_qos_flags(SECURITY_IDENTIFICATION)
            .open(name);
        match opened {
            Ok(file) => {
                let pipe = Pipe { handle: file.into(), is_place: false };
                return Ok(Connection { pipe: Arc::new(pipe), event: new_event()? });
            }
            Err(error) if is(&error, ERROR_PIPE_BUSY) => {}
            Err(error) => return Err(error),
        }
        let left = limit.saturating_sub(clock::now().tick.0.saturating_sub(begin));
        // Zero would be what the server thinks right.
        let left = u32::try_from(left.as_millis()).unwrap_or(u32::MAX - 1).min(u32::MAX - 1);
        // SAFETY: the name ends with NUL and lives during the call.
        if left == 0 || unsafe { WaitNamedPipeW(wide.as_ptr(), left) } == 0 {
            let error = io::Error::last_os_error();
            if left == 0 || is(&error, ERROR_SEM_TIMEOUT) {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the pipe is busy"));
            }
            return Err(error);
        }
        // Another client may have been faster.
    }
}

/// One end of a connection.
///
/// Reading and writing don't wait for each other when different clones do them. `flush` waits until the other end has read everything. When the last clone
/// of a listener's end is dropped, the client is disconnected, and what it has not read yet is lost.
#[derive(Debug)]
pub struct Connection {
    pipe: Arc<Pipe>,
    /// INVARIANT: of one operation at most, which is waited for by who began it; `&mut` sees to that.
    event: OwnedHandle,
}

impl Connection {
    /// The same end of the same connection, for another thread.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { pipe: Arc::clone(&self.pipe), event: new_event()? })
    }

    /// Carries an operation out, to its end: how many bytes it moved. What `begin` passes to the system besides has to live as long as this call.
    fn run(&mut self, begin: impl FnOnce(HANDLE, *mut OVERLAPPED) -> i32) -> io::Result<usize> {
        let mut operation = OVERLAPPED { hEvent: self.event.as_raw_handle(), ..OVERLAPPED::default() };
        let operation = &raw mut operation;
        if begin(self.pipe.raw(), operation) == 0 {
            let error = io::Error::last_os_error();
            if !is(&error, ERROR_IO_PENDING) {
                return Err(error);
            }
        }
        // SAFETY: the operation was begun on this pipe, with an event, and its end was not seen yet.
        unsafe { wait(self.pipe.raw(), operation) }
    }
}

impl Read for Connection {
    /// Reads what there is, at least one byte; none means that the other end is closed.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        let start = buffer.as_mut_ptr();
        loop {
            // SAFETY: the buffer has so many bytes and is ours alone during this call, which returns after the operation's end.
            let read = self
                .run(|pipe, operation| unsafe { ReadFile(pipe, start, size, ptr::null_mut(), operation) });
            match read {
                // Somebody wrote no bytes, which is no end.
                Ok(0) if size > 0 => {}
                Err(error) if is(&error, ERROR_BROKEN_PIPE) || is(&error, ERROR_PIPE_NOT_CONNECTED) => {
                    return Ok(0);
                }
                other => return other,
            }
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX).min(PIPE_SIZE);
        // SAFETY: there are at least so many bytes, and nobody changes them during this call, which returns after the operation's end.
        self.run(|pipe, operation| unsafe {
            WriteFile(pipe, bytes.as_ptr(), size, ptr::null_mut(), operation)
        })
        .map_err(broken)
    }

    /// Waits until the other end has read everything or is gone, for ever if it does neither.
    fn flush(&mut self) -> io::Result<()> {
        // SAFETY: the pipe is open; the call returns when it is done.
        let done = unsafe { FlushFileBuffers(self.pipe.raw()) };
        if done == 0 { Err(broken(io::Error::last_os_error())) } else { Ok(()) }
    }
}

/// One end of a pipe.
#[derive(Debug)]
struct Pipe {
    /// INVARIANT: opened for overlapped operations.
    handle: OwnedHandle,
    /// Whether it is the end that clients come to.
    is_place: bool,
}

impl Pipe {
    /// Makes a place for one client.
    fn place(name: &[u16], sddl: &str, flags: u32) -> io::Result<Self> {
        let descriptor = Descriptor::from_sddl(sddl)?;
        let attributes = descriptor.attributes();
        // SAFETY: the name ends with NUL (`wide`); it, the attributes and the descriptor that they point to live during the call.
        let handle = unsafe {
            CreateNamedPipeW(
                name.as_ptr(),
                PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | flags,
                PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
                PIPE_UNLIMITED_INSTANCES,
                PIPE_SIZE,
                PIPE_SIZE,
                0,
                &raw const attributes,
            )
        };
        if handle == INVALID_HANDLE_VALUE {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle is new, and nobody else's.
        Ok(Self { handle: unsafe { OwnedHandle::from_raw_handle(handle) }, is_place: true })
    }

    /// Sends the client away. That there is none is no matter.
    fn disconnect(&self) {
        // SAFETY: the handle is open, and the one of a place.
        unsafe { DisconnectNamedPipe(self.raw()) };
    }

    fn raw(&self) -> HANDLE {
        self.handle.as_raw_handle()
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        if self.is_place {
            self.disconnect();
        }
    }
}

/// Waits for an operation's end: how many bytes it moved.
///
/// # Safety
/// It was begun on this pipe, with an event of its own, and its end was not seen yet.
unsafe fn wait(pipe: HANDLE, operation: *mut OVERLAPPED) -> io::Result<usize> {
    let mut count = 0;
    // SAFETY: by the caller's word.
    if unsafe { GetOverlappedResult(pipe, operation, &raw mut count, TRUE) } != 0 {
        return Ok(usize::try_from(count).unwrap_or(0));
    }
    let error = io::Error::last_os_error();
    if is(&error, ERROR_IO_INCOMPLETE) {
        // The system would write to memory that is somebody else's by then.
        process::abort();
    }
    Err(error)
}

/// The name for the system, if it is one of a pipe on this machine.
fn wide(name: &str) -> io::Result<Vec<u16>> {
    let own = name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
    if !own || name.len() == PREFIX.len() || name.contains('\0') {
        let why = format!("{name:?} is no name of a pipe on this machine");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    Ok(name.encode_utf16().chain([0]).collect())
}

/// An event that stays set.
fn new_event() -> io::Result<OwnedHandle> {
    // SAFETY: an event without a name and without security attributes.
    let event = unsafe { CreateEventW(ptr::null(), TRUE, 0, ptr::null()) };
    if event.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is new, and nobody else's.
    Ok(unsafe { OwnedHandle::from_raw_handle(event) })
}

fn aborted() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the pipe was closed")
}

/// What the system says in several ways when the other end is gone.
fn broken(error: io::Error) -> io::Error {
    if is(&error, ERROR_PIPE_NOT_CONNECTED) {
        io::Error::new(io::ErrorKind::BrokenPipe, error)
    } else {
        error
    }
}

fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code.cast_signed())
}
