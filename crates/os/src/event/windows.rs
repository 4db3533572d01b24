#![allow(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle, RawHandle};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use windows_sys::Win32::Foundation::{INVALID_HANDLE_VALUE, WAIT_TIMEOUT};
use windows_sys::Win32::System::IO::{
    CreateIoCompletionPort, GetQueuedCompletionStatusEx, OVERLAPPED_ENTRY, PostQueuedCompletionStatus,
};
use windows_sys::Win32::System::JobObjects::{
    JOBOBJECT_ASSOCIATE_COMPLETION_PORT, JobObjectAssociateCompletionPortInformation, SetInformationJobObject,
};
use windows_sys::Win32::System::SystemServices::{
    JOB_OBJECT_MSG_ABNORMAL_EXIT_PROCESS, JOB_OBJECT_MSG_ACTIVE_PROCESS_LIMIT, JOB_OBJECT_MSG_EXIT_PROCESS,
    JOB_OBJECT_MSG_JOB_MEMORY_LIMIT,
};
use windows_sys::Win32::System::Threading::INFINITE;

use svckit_core::time::Tick;

use super::{Interest, Ready};
use crate::clock;

/// How many events one wait brings at most; more wait for the next.
const BATCH: usize = 64;

/// What a packet that nobody's operation brought says: something can be read. These are other bits than those of what jobs tell (`JOB_OBJECT_MSG_…`, 1 to 13).
const READABLE: u32 = 1 << 16;

/// What a packet that nobody's operation brought says: something can be written, or an attempt is decided.
const WRITABLE: u32 = 1 << 17;

/// And that there is more to be read, which is not said again before this was heard.
const MORE: u32 = 1 << 18;

/// The numbers of sources are passed through the system as pointers.
const _: () = assert!(size_of::<usize>() == size_of::<u64>(), "svckit is for 64-bit Windows");

/// What can be waited for: the types of this crate that know how to tell a [`Poller`].
pub trait Source {
    /// From now on `bell` is to be rung when the source is ready, and if it is so already, at once.
    #[doc(hidden)]
    fn attach(&self, bell: &Bell, interest: Interest) -> io::Result<()>;
}

/// A set of sources to wait for: an I/O completion port.
#[derive(Debug)]
pub struct Poller {
    port: Arc<Port>,
}

/// The port, and what is known of the packets in it.
#[derive(Debug)]
struct Port {
    handle: OwnedHandle,
    packets: Mutex<Packets>,
}

#[derive(Debug, Default)]
struct Packets {
    /// Whose operation's end was taken out of the port, and they have not asked yet.
    ended: BTreeSet<u64>,
    /// Whose word that there is more is in the port.
    more: BTreeSet<u64>,
    /// Who is to be told when a moment has passed, and when that is.
    later: BTreeMap<u64, Tick>,
    /// For whom jobs tell of their processes, and what they told, in order.
    jobs: BTreeMap<u64, VecDeque<JobNews>>,
}

/// What a job tells of one of its processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobNews {
    /// It has ended or is just ending.
    Ended(u32),
    /// It asked for memory that would have been more than the job's limit.
    WantedMore(u32),
    /// Some job was refused a process, as it has as many as it may have: of which one isn't said.
    Full,
}

impl Packets {
    /// What a packet says of its source; nothing is said by one about a job that nobody asks about.
    fn read(&mut self, entry: &OVERLAPPED_ENTRY) -> Ready {
        let token = entry.lpCompletionKey as u64;
        let said = match (entry.lpOverlapped.is_null(), self.jobs.get_mut(&token)) {
            (true, Some(told)) if entry.dwNumberOfBytesTransferred == JOB_OBJECT_MSG_ACTIVE_PROCESS_LIMIT => {
                told.push_back(JobNews::Full);
                READABLE
            }
            (true, _) => entry.dwNumberOfBytesTransferred,
            // In place of an operation there is the id of a process.
            (false, Some(told)) => {
                let news = match entry.dwNumberOfBytesTransferred {
                    JOB_OBJECT_MSG_EXIT_PROCESS | JOB_OBJECT_MSG_ABNORMAL_EXIT_PROCESS => JobNews::Ended,
                    JOB_OBJECT_MSG_JOB_MEMORY_LIMIT => JobNews::WantedMore,
                    _ => return Ready { token, readable: false, writable: false },
                };
                told.extend(u32::try_from(entry.lpOverlapped.addr()).map(news));
                READABLE
            }
            // An operation's end is about reading: there are no others.
            (false, None) => {
                self.ended.insert(token);
                READABLE
            }
        };
        if said & MORE != 0 {
            self.more.remove(&token);
        }
        Ready { token, readable: said & READABLE != 0, writable: said & WRITABLE != 0 }
    }
}

impl Port {
    fn packets(&self) -> MutexGuard<'_, Packets> {
        self.packets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Poller {
    /// An empty set.
    pub fn new() -> io::Result<Self> {
        // SAFETY: asks for a new port; no pointers but null are passed.
        let port = unsafe { CreateIoCompletionPort(INVALID_HANDLE_VALUE, ptr::null_mut(), 0, 0) };
        if port.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle is new, and nobody else's.
        let handle = unsafe { OwnedHandle::from_raw_handle(port) };
        Ok(Self { port: Arc::new(Port { handle, packets: Mutex::default() }) })
    }

    /// Adds a source under a number. It leaves the set when it is dropped; what it said before may still be brought once.
    pub fn add(&self, source: &(impl Source + ?Sized), token: u64, interest: Interest) -> io::Result<()> {
        source.attach(&self.bell(token), interest)
    }

    /// What brings a number from any thread.
    pub(crate) fn bell(&self, token: u64) -> Bell {
        Bell { port: Arc::clone(&self.port), token }
    }

    /// A way for other threads to end a wait: it then brings `token`, readable, at least once for one or several wakes.
    pub fn waker(&self, token: u64) -> io::Result<Waker> {
        Ok(Waker { bell: self.bell(token) })
    }

    /// Waits until something is ready or the time is over, and fills `ready` with it. Without a time limit it waits for ever.
    pub fn wait(&self, ready: &mut Vec<Ready>, limit: Option<Duration>) -> io::Result<()> {
        ready.clear();
        let end = limit.map(|limit| clock::now().tick + limit);
        loop {
            let next = self.port.packets().later.values().min().copied();
            let until = next.into_iter().chain(end).min();
            let is_over = !self.take(ready, until.map(|until| until.since(clock::now().tick)))?;
            if next.is_some() {
                self.take_due(ready);
            }
            if !ready.is_empty() || is_over && until == end {
                return Ok(());
            }
        }
    }

    /// Takes packets out of the port; whether there were any within the time.
    fn take(&self, ready: &mut Vec<Ready>, limit: Option<Duration>) -> io::Result<bool> {
        let mut entries = [OVERLAPPED_ENTRY::default(); BATCH];
        let mut count = 0;
        // SAFETY: the port is open; there is room for as many entries as is said, and the system writes how many it filled.
        let done = unsafe {
            GetQueuedCompletionStatusEx(
                self.port.handle.as_raw_handle(),
                entries.as_mut_ptr(),
                u32::try_from(entries.len()).unwrap_or(1),
                &raw mut count,
                limit.map_or(INFINITE, clock::wait_millis),
                0,
            )
        };
        if done == 0 {
            let error = io::Error::last_os_error();
            return if error.raw_os_error() == Some(WAIT_TIMEOUT.cast_signed()) {
                Ok(false)
            } else {
                Err(error)
            };
        }
        let filled = entries.get(..usize::try_from(count).unwrap_or(0)).unwrap_or_default();
        let mut packets = self.port.packets();
        ready.extend(
            filled.iter().map(|entry| packets.read(entry)).filter(|ready| ready.readable || ready.writable),
        );
        Ok(true)
    }

    /// Brings those whose moment has passed.
    fn take_due(&self, ready: &mut Vec<Ready>) {
        let now = clock::now().tick;
        self.port.packets().later.retain(|token, due| {
            let is_due = *due <= now;
            if is_due {
                ready.push(Ready { token: *token, readable: true, writable: false });
            }
            !is_due
        });
    }
}

/// Brings a number to a poller.
#[derive(Clone)]
pub struct Bell {
    port: Arc<Port>,
    token: u64,
}

impl Bell {
    /// Makes the ends of a handle's overlapped operations bring the number. A handle can have one bell only, for ever.
    pub(crate) fn follow(&self, handle: RawHandle) -> io::Result<()> {
        // SAFETY: both handles are open, the caller's and the port; the key is a plain number.
        let port = unsafe {
            CreateIoCompletionPort(handle, self.port.handle.as_raw_handle(), self.token as usize, 0)
        };
        if port.is_null() { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Makes the ends of a job's processes bring the number, and [`Bell::job_news`] tell of them. No handle's operations can have the same number then.
    pub(crate) fn follow_job(&self, job: RawHandle) -> io::Result<()> {
        self.port.packets().jobs.entry(self.token).or_default();
        let link = JOBOBJECT_ASSOCIATE_COMPLETION_PORT {
            CompletionKey: self.token as usize as *mut _,
            CompletionPort: self.port.handle.as_raw_handle(),
        };
        // SAFETY: the structure is of the class and the size that are said, and is only read during the call; both handles are open, and the key is a plain number.
        let done = unsafe {
            SetInformationJobObject(
                job,
                JobObjectAssociateCompletionPortInformation,
                (&raw const link).cast(),
                u32::try_from(size_of_val(&link)).unwrap_or(0),
            )
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// The next thing that a job told.
    pub(crate) fn job_news(&self) -> Option<JobNews> {
        self.port.packets().jobs.get_mut(&self.token)?.pop_front()
    }

    /// Whether the poller brought an operation's end since this was asked last. It may be that of an earlier operation.
    pub(crate) fn has_ended(&self) -> bool {
        self.port.packets().ended.remove(&self.token)
    }

    /// There is more to be read; once until the poller has said so.
    pub(crate) fn more(&self) -> io::Result<()> {
        if !self.port.packets().more.insert(self.token) {
            return Ok(());
        }
        let posted = self.post(READABLE | MORE);
        if posted.is_err() {
            self.port.packets().more.remove(&self.token);
        }
        posted
    }

    /// There may be more to be read in so much time.
    pub(crate) fn later(&self, time: Duration) {
        self.port.packets().later.insert(self.token, clock::now().tick + time);
    }

    /// Whether that time has not passed.
    pub(crate) fn is_later(&self) -> bool {
        let due = self.port.packets().later.get(&self.token).copied();
        due.is_some_and(|due| due > clock::now().tick)
    }

    /// Takes it back.
    pub(crate) fn not_later(&self) {
        self.port.packets().later.remove(&self.token);
    }

    /// Something can be read.
    pub(crate) fn readable(&self) -> io::Result<()> {
        self.post(READABLE)
    }

    /// Something can be written, or an attempt is decided.
    pub(crate) fn writable(&self) -> io::Result<()> {
        self.post(WRITABLE)
    }

    fn post(&self, what: u32) -> io::Result<()> {
        // SAFETY: the port is open; the other values are only passed on.
        let done = unsafe {
            PostQueuedCompletionStatus(
                self.port.handle.as_raw_handle(),
                what,
                self.token as usize,
                ptr::null(),
            )
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bell({})", self.token)
    }
}

/// Wakes the one that waits at the [`Poller`] which this is from.
#[derive(Debug, Clone)]
pub struct Waker {
    bell: Bell,
}

impl Waker {
    /// Wakes; if nobody waits at the moment, the next wait returns at once.
    pub fn wake(&self) -> io::Result<()> {
        self.bell.readable()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_jobs_tell_is_read_and_the_rest_passed_over() {
        let poller = Poller::new().unwrap();
        let bell = poller.bell(7);
        bell.port.packets().jobs.entry(7).or_default();
        let told = [JOB_OBJECT_MSG_JOB_MEMORY_LIMIT, 6, JOB_OBJECT_MSG_EXIT_PROCESS];
        for what in told {
            // SAFETY: the port is open; the other values are only passed on, and what looks like a pointer is the id of a process.
            let done = unsafe {
                PostQueuedCompletionStatus(
                    bell.port.handle.as_raw_handle(),
                    what,
                    7,
                    ptr::without_provenance(4),
                )
            };
            assert_ne!(done, 0);
        }
        let mut ready = Vec::new();
        poller.wait(&mut ready, None).unwrap();
        assert!(ready.iter().all(|ready| (ready.token, ready.readable) == (7, true)), "{ready:?}");
        let news: Vec<_> = std::iter::from_fn(|| bell.job_news()).collect();
        assert_eq!(news, [JobNews::WantedMore(4), JobNews::Ended(4)]);
        // That no process is left is told in the same way, and is no news.
        for what in [4, JOB_OBJECT_MSG_ACTIVE_PROCESS_LIMIT] {
            bell.post(what).unwrap();
        }
        poller.wait(&mut ready, None).unwrap();
        assert_eq!((bell.job_news(), bell.job_news()), (Some(JobNews::Full), None));
    }

    #[test]
    fn large_numbers_come_back() {
        let poller = Poller::new().unwrap();
        let waker = poller.waker(u64::MAX - 5).unwrap();
        waker.wake().unwrap();
        let mut ready = Vec::new();
        poller.wait(&mut ready, None).unwrap();
        assert_eq!(ready[0].token, u64::MAX - 5);
    }
}
