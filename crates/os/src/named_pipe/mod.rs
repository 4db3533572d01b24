//! Named pipes of Windows by which a process tells others of the same machine that there is something new.

#![allow(unsafe_code)]

pub(crate) mod end;
mod listener;
mod place;
#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::time::Duration;

use windows_sys::Win32::Foundation::{ERROR_PIPE_BUSY, ERROR_SEM_TIMEOUT, GENERIC_READ};
use windows_sys::Win32::Storage::FileSystem::{FILE_WRITE_DATA, SECURITY_IDENTIFICATION};
use windows_sys::Win32::System::Pipes::WaitNamedPipeW;

use crate::clock;
use crate::event::{Bell, Interest, Source};
use crate::overlapped::is;
use crate::text;
pub use listener::Listener;
use place::Place;

/// Where named pipes of this machine are.
const PREFIX: &str = r"\\.\pipe\";

/// How long a client waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many are told at once at most; more have to wait for their turn.
const MOST: usize = 256;

/// Tells everybody who connects to a named pipe that there is something new, by a byte: at once, and whenever it is told so itself. Several bytes may be the
/// same news. A client that writes is sent away.
///
/// It is a source of a poller: when that says that it is ready, [`ready`](Self::ready) takes who came and lets go who went. Nothing waits for a client, whatever
/// it does.
pub struct Notices {
    name: Vec<u16>,
    sddl: String,
    /// The place for the next client, so that the name is ours without a gap; none while there are too many, or if the system gives none.
    free: Option<Place>,
    taken: Vec<Place>,
    bell: OnceCell<Bell>,
}

impl Notices {
    /// Takes a name, such as `\\.\pipe\svckit\web`, for clients of this machine whom the security descriptor lets in.
    ///
    /// Clients ([`Listener`]) need the rights `0x12019b`: to read and to write, but not to make a place for clients themselves, which
    /// `GENERIC_WRITE` has in it
    /// ([named pipe security](https://learn.microsoft.com/en-us/windows/win32/ipc/named-pipe-security-and-access-rights)). The user of this process needs that too.
    ///
    /// # Errors
    /// `InvalidInput` for a name that is none of a pipe on this machine; `PermissionDenied` if somebody has it
    /// ([`FILE_FLAG_FIRST_PIPE_INSTANCE`](https://learn.microsoft.com/en-us/windows/win32/api/namedpipeapi/nf-namedpipeapi-createnamedpipew)); what the system says
    /// of the descriptor.
    pub fn bind(name: &str, sddl: &str) -> io::Result<Self> {
        let name = wide(name)?;
        let first = Place::new(&name, sddl, true)?;
        Ok(Self { name, sddl: sddl.to_owned(), free: Some(first), taken: Vec::new(), bell: OnceCell::new() })
    }

    /// There is something new.
    pub fn tell(&mut self) {
        self.taken.retain_mut(|place| place.tell().is_ok());
    }

    /// Takes who came and lets go who went.
    pub fn ready(&mut self) {
        self.taken.retain_mut(|place| place.is_there());
        self.take();
    }

    /// Who follows now.
    pub fn len(&self) -> usize {
        self.taken.len()
    }

    /// Whether nobody follows.
    pub fn is_empty(&self) -> bool {
        self.taken.is_empty()
    }

    /// Takes everybody who is there. What the system refuses is tried again the next time.
    fn take(&mut self) {
        while self.taken.len() < MOST {
            let Some(mut place) = self.free.take().or_else(|| self.next().ok()) else { return };
            match place.has_client() {
                Ok(true) => {
                    // The next place first: while this one is there the name stays ours.
                    self.free = self.next().ok();
                    // Something may have been new before.
                    if place.tell().is_ok() {
                        self.taken.push(place);
                    }
                }
                Ok(false) => {
                    self.free = Some(place);
                    return;
                }
                // It can't be used; another may.
                Err(_) => return,
            }
        }
    }

    fn next(&self) -> io::Result<Place> {
        let place = Place::new(&self.name, &self.sddl, false)?;
        if let Some(bell) = self.bell.get() {
            place.follow(bell)?;
        }
        Ok(place)
    }
}

impl Source for Notices {
    fn attach(&self, bell: &Bell, _: Interest) -> io::Result<()> {
        self.free.iter().chain(&self.taken).try_for_each(|place| place.follow(bell))?;
        // A second poller is refused by the system: a handle has one.
        let _ = self.bell.set(bell.clone());
        // Who is there already is taken by the first call of `ready`, which also begins to wait for more.
        bell.readable()
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Notices({})", self.taken.len())
    }
}

/// Connects to a named pipe, with these flags of `CreateFileW`.
fn connect_within(name: &str, limit: Duration, flags: u32) -> io::Result<File> {
    let wide = wide(name)?;
    let begin = clock::now().tick.0;
    loop {
        let opened = OpenOptions::new()
            .access_mode(GENERIC_READ | FILE_WRITE_DATA)
            .share_mode(0)
            .custom_flags(flags)
            .security_qos_flags(SECURITY_IDENTIFICATION)
            .open(name);
        match opened {
            Err(error) if is(&error, ERROR_PIPE_BUSY) => {}
            decided => return decided,
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

/// The name for the system, if it is one of a pipe on this machine.
fn wide(name: &str) -> io::Result<Vec<u16>> {
    let own = name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
    if !own || name.len() == PREFIX.len() || name.contains('\0') {
        let why = format!("{name:?} is no name of a pipe on this machine");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    Ok(text::wide(name))
}
