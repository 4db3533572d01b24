use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::Signal;
use svckit_core::dispatch::MARK_VARIABLE;
use svckit_core::time::Tick;

use super::group::Groups;
use crate::process;

/// A process that belongs to an instance whose host is gone.
#[derive(Debug)]
pub struct Leftover {
    /// Its id, for people.
    pub pid: u32,
    /// The mark that it was found by: the instance, then `/` and the service's key name.
    pub mark: String,
    handle: OwnedFd,
}

impl Leftover {
    /// Ends it by force. That it has ended already is no error.
    pub fn kill(&self) -> io::Result<()> {
        match rustix::process::pidfd_send_signal(&self.handle, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// The processes of an instance: those that were born with its mark, and those in a session that a marked or former process of it leads.
///
/// `sessions` are the programs that its host had: each led a session of its own.
pub fn leftovers(instance: &str, sessions: &[u32]) -> io::Result<Vec<Leftover>> {
    let own = std::process::id();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if pid == own || belongs(pid, instance, sessions).is_none() {
            continue;
        }
        // The handle first, then the look that counts: the id may have become another process's in between.
        let Ok(handle) = process::pidfd(pid) else { continue };
        if let Some(mark) = belongs(pid, instance, sessions)
            && !has_ended(&handle)
        {
            found.push(Leftover { pid, mark, handle });
        }
    }
    Ok(found)
}

/// The mark of a process if it belongs to the instance.
fn belongs(pid: u32, instance: &str, sessions: &[u32]) -> Option<String> {
    let ours =
        |mark: &str| mark.strip_prefix(instance).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match process::environment_value(pid, MARK_VARIABLE) {
        Some(mark) => {
            let mark = String::from_utf8_lossy(mark.as_bytes()).into_owned();
            ours(&mark).then_some(mark)
        }
        // It threw its environment away. While anybody is in a session, its number is nobody else's, unless the leader is a new process.
        None => {
            let session = process::session(pid)?;
            let orphaned = session != pid && process::session(session).is_none();
            (sessions.contains(&session) && orphaned).then(|| instance.to_owned())
        }
    }
}

/// Whether the process behind a pidfd has ended (though nobody may have waited for it).
fn has_ended(handle: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(handle, PollFlags::IN)];
    matches!(rustix::event::poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(1..))
}

/// A time span as the system takes it.
pub(super) fn limit(span: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(span.subsec_nanos()),
    }
}

/// Ends by force what is left of an instance, until nothing is left: how many processes there were, or those that the system did not end before
/// `deadline`.
pub fn end_leftovers(
    instance: &str,
    sessions: &[u32],
    deadline: Tick,
) -> io::Result<Result<usize, Vec<Leftover>>> {
    let mut ended = 0;
    for group in Groups::here().all(instance) {
        ended += group.members().map_or(0, |members| members.len());
        // What is left in it all the same is looked for below.
        if matches!(group.end(deadline), Ok(true)) {
            let _ = group.remove();
        }
    }
    loop {
        let found = leftovers(instance, sessions)?;
        if found.is_empty() {
            return Ok(Ok(ended));
        }
        let left = deadline.since(crate::clock::now().tick);
        if left.is_zero() {
            return Ok(Err(found));
        }
        ended += found.len();
        for leftover in &found {
            // One that may not be ended stays, and is told of at the deadline.
            let _ = leftover.kill();
        }
        for leftover in &found {
            let left = deadline.since(crate::clock::now().tick);
            let limit = limit(left);
            let mut fds = [PollFd::from_borrowed_fd(leftover.handle.as_fd(), PollFlags::IN)];
            match rustix::event::poll(&mut fds, Some(&limit)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}
