#![allow(unsafe_code)]

mod children;
mod credentials;
mod lean;
mod spared;
mod spawn;

use std::ffi::{OsString, c_int};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, Signal as RawSignal, WaitOptions};
use svckit_core::limits::Limits;
use svckit_core::restart::Ended;
use svckit_core::signal::Signal;

use crate::pipe::ProgramEnd;
use crate::process::SpawnError;
use crate::tree::Groups;

pub use children::Children;
pub use credentials::Credentials;
pub use lean::{make_lean, undo_lean};
pub use spawn::{Birth, spawn};

/// What a program gets as a standard stream.
#[derive(Debug, Clone, Copy)]
pub struct End<'a>(BorrowedFd<'a>);

impl End<'static> {
    /// This process's own standard output.
    pub fn own_output() -> Self {
        Self(rustix::stdio::stdout())
    }

    /// This process's own standard error.
    pub fn own_error() -> Self {
        Self(rustix::stdio::stderr())
    }
}

impl<'a> From<&'a ProgramEnd> for End<'a> {
    fn from(end: &'a ProgramEnd) -> Self {
        Self(end.as_fd())
    }
}

impl<'a> From<&'a File> for End<'a> {
    fn from(file: &'a File) -> Self {
        Self(file.as_fd())
    }
}

/// What a program on this system needs besides its command: who it is and what it may have.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// Who it runs as; absent: who this process runs as.
    pub credentials: Option<Credentials>,
    /// How many open files it may have; absent: as many as this process.
    pub open_files: Option<OpenFiles>,
    /// Sockets that it inherits.
    pub sockets: Sockets,
}

/// Listening sockets for a program to accept from, each with its name. The program has them from descriptor 3 on, and is told so in the variables
/// `LISTEN_FDS`, `LISTEN_PID` and `LISTEN_FDNAMES`, as `sd_listen_fds(3)` reads them.
#[derive(Debug, Clone, Default)]
pub struct Sockets(Vec<(String, Arc<OwnedFd>)>);

impl Sockets {
    /// How many a program gets at most.
    pub const MOST: usize = 16;

    /// Names and sockets, in this order; what is beyond [`Self::MOST`] is closed.
    pub fn new(all: impl IntoIterator<Item = (String, OwnedFd)>) -> Self {
        Self(all.into_iter().take(Self::MOST).map(|(name, socket)| (name, Arc::new(socket))).collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Terms {
    /// Those of this process as it was started. From now on this process itself may have as many open files as the system allows.
    pub fn of_this_process() -> Self {
        Self { open_files: Some(raise_open_files()), ..Self::default() }
    }

    /// The same with sockets.
    #[must_use]
    pub fn with_sockets(mut self, sockets: Sockets) -> Self {
        self.sockets = sockets;
        self
    }

    /// The variables that go with the user.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let Some(user) = &self.credentials else { return Vec::new() };
        vec![
            ("USER".into(), (&user.name).into()),
            ("LOGNAME".into(), (&user.name).into()),
            ("HOME".into(), user.home.clone()),
            ("SHELL".into(), user.shell.clone()),
        ]
    }
}

/// Why programs of this process can't have these limits, if they can't, as far as can be seen without a try.
pub fn refuse_limits(limits: &Limits) -> Option<SpawnError> {
    if limits.of_all().is_empty() { None } else { Groups::here().refuse(limits) }
}

/// The variables that programs of this process inherit.
pub fn inherited_environment() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter_map(|(name, value)| undo_lean(&name, value).map(|value| (name, value)))
}

/// What `fork` returned.
#[derive(Debug, PartialEq, Eq)]
pub enum Forked {
    /// This is the new process.
    Child,
    /// This is the old one; the new one has this id.
    Parent(u32),
}

/// Makes a copy of this process, born in a control group if one is given (and the system can do that). Refused when there is more than one
/// thread: the copy would have only one, with locks of the others held.
pub fn fork(group: Option<BorrowedFd<'_>>) -> io::Result<Forked> {
    if std::fs::read_dir("/proc/self/task")?.take(2).count() != 1 {
        return Err(io::Error::other("a process with several threads can't be copied"));
    }
    if let Some(group) = group
        && let Some(forked) = fork_into(group)
    {
        return Ok(forked);
    }
    // SAFETY: there is one thread, so the copy is complete and whatever locks there are are held by it itself.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        pid => Ok(Forked::Parent(pid.cast_unsigned())),
    }
}

/// `fork` into a control group; `None` where that can't be. To move there after the birth costs more than the birth, since it waits for every
/// other start of a process on the machine.
fn fork_into(group: BorrowedFd<'_>) -> Option<Forked> {
    let mut id_of_thread: *mut c_int = std::ptr::null_mut();
    // SAFETY: the system writes one pointer: to where the C library keeps the id of this thread.
    let known = unsafe { libc::prctl(PR_GET_TID_ADDRESS, &raw mut id_of_thread) };
    if known != 0 || id_of_thread.is_null() {
        return None;
    }
    // SAFETY: all zero is a valid value of the structure.
    let mut request: libc::clone_args = unsafe { std::mem::zeroed() };
    request.flags = CLONE_INTO_CGROUP
        | u64::from((libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID).cast_unsigned());
    request.child_tid = id_of_thread.addr() as u64;
    request.exit_signal = u64::from(libc::SIGCHLD.cast_unsigned());
    request.cgroup = u64::from(group.as_raw_fd().cast_unsigned());
    // SAFETY: without `CLONE_VM` this is what the C library's `fork` calls, the id of the thread included; what the library does besides is to put locks
    // and lists of other threads in order, and there are none.
    let result = unsafe { libc::syscall(libc::SYS_clone3, &raw mut request, size_of::<libc::clone_args>()) };
    match u32::try_from(result) {
        Ok(0) => Some(Forked::Child),
        Ok(pid) => Some(Forked::Parent(pid)),
        Err(_) => None,
    }
}

/// From `linux/prctl.h`; the C library's headers don't name it.
const PR_GET_TID_ADDRESS: c_int = 40;

/// From `linux/sched.h`.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// A handle on a process that is known to be that process: this one, or a child that was not waited for.
pub fn pidfd(pid: u32) -> io::Result<OwnedFd> {
    Ok(rustix::process::pidfd_open(process(pid)?, PidfdFlags::empty())?)
}

/// The next child that ended, if one did: its id and how.
pub fn reap() -> io::Result<Option<(u32, Ended)>> {
    loop {
        let (pid, status) = match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some(ended)) => ended,
            Ok(None) | Err(rustix::io::Errno::CHILD) => return Ok(None),
            Err(rustix::io::Errno::INTR) => continue,
            Err(errno) => return Err(errno.into()),
        };
        let pid = pid.as_raw_nonzero().get().cast_unsigned();
        if let Some(code) = status.exit_status() {
            return Ok(Some((pid, Ended::Code(code))));
        }
        if let Some(signal) = status.terminating_signal() {
            return Ok(Some((pid, Ended::Signal(signal))));
        }
    }
}

/// Waits for a child to end, but not longer than `limit`; whether it has.
pub fn wait_for(pid: u32, limit: Duration) -> io::Result<bool> {
    let handle = pidfd(pid)?;
    let limit = Timespec {
        tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(limit.subsec_nanos()),
    };
    let mut fds = [PollFd::new(&handle, PollFlags::IN)];
    while matches!(rustix::event::poll(&mut fds, Some(&limit)), Err(rustix::io::Errno::INTR)) {}
    Ok(reap_one(pid))
}

/// Waits for a child if it has ended; whether it had.
fn reap_one(pid: u32) -> bool {
    let Ok(pid) = process(pid) else { return false };
    matches!(rustix::process::waitpid(Some(pid), WaitOptions::NOHANG), Ok(Some(_)))
}

/// Whether a process is there and has not ended.
pub fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|fields| !fields.ended)
}

/// What `/proc/PID/stat` tells.
struct Stat {
    ended: bool,
    parent: u32,
    /// When it began, in ticks since the system did.
    began: u64,
    /// Where in its memory the environment ends that it was executed with; none in the middle of that, and of its end.
    environment_end: Option<u64>,
}

fn stat(pid: u32) -> Option<Stat> {
    stat_of(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn stat_of(line: &str) -> Option<Stat> {
    // The name of the program, in parentheses, may hold anything; the state follows it as the third field and the parent as the fourth, the begin is the 22nd, where
    // the code begins the 26th, and the end of the environment the 51st.
    let mut fields = line.rsplit_once(')')?.1.split_ascii_whitespace();
    let ended = matches!(fields.next()?, "Z" | "X");
    let parent = fields.next()?.parse().ok()?;
    let began = fields.nth(17)?.parse().ok()?;
    let number = |field: Option<&str>| field.and_then(|field| field.parse::<u64>().ok());
    // Set after the environment, which ends where it begins until all of it is there.
    let is_complete = number(fields.nth(3)).is_some_and(|code| code != 0);
    let environment_end = number(fields.nth(24)).filter(|end| *end != 0 && is_complete);
    Some(Stat { ended, parent, began, environment_end })
}

/// The signal as the system takes it.
fn raw(signal: Signal) -> RawSignal {
    let number = crate::signal::number(signal);
    // SAFETY: the number is that of a standard signal, none that the C library keeps for itself.
    unsafe { RawSignal::from_raw_unchecked(number) }
}

/// The process group that a process is in.
fn group_of(pid: u32) -> Option<u32> {
    // SAFETY: `getpgid` takes any number. (It may return zero, for the kernel's own processes.)
    let group = unsafe { libc::getpgid(pid.cast_signed()) };
    u32::try_from(group).ok().filter(|group| *group != 0)
}

/// Every process.
fn all_processes() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Ends a process by force. The caller makes sure that it is a child that was not waited for.
pub fn kill(pid: u32) -> io::Result<()> {
    Ok(rustix::process::kill_process(process(pid)?, RawSignal::KILL)?)
}

/// Orphans below this process become its children instead of the system's.
pub fn become_subreaper() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// The session that a process belongs to.
pub fn session(pid: u32) -> Option<u32> {
    // SAFETY: `getsid` takes any number. (It may return zero, for the kernel's own processes.)
    let session = unsafe { libc::getsid(pid.cast_signed()) };
    u32::try_from(session).ok().filter(|session| *session != 0)
}

/// How often an environment is read while its process is about to become another program or to end, and the pause between. Either takes the system far less,
/// unless it has so much else to do that a process of low priority waits for its turn for a good part of a second.
const ENVIRONMENT_READS: usize = 1000;
const ENVIRONMENT_PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };

/// A variable of the environment that a process was started with; `None` if it is not there, can't be read, or the process has ended.
pub fn environment_value(pid: u32, name: &str) -> Option<OsString> {
    for _ in 0..ENVIRONMENT_READS {
        if let Some(block) = environment(pid).ok()? {
            return value_in(&block, name);
        }
        // The kernel's own processes, which are in no session, have none ever. In the middle of `execve` and of its end any process has none for a moment, so an
        // empty one is one only if it was there all the time.
        session(pid)?;
        let before = stat(pid).filter(|stat| !stat.ended)?.environment_end;
        let block = environment(pid).ok()?;
        let after = stat(pid)?.environment_end;
        match block {
            Some(block) => return value_in(&block, name),
            None if before.is_some() && before == after => return None,
            None => {}
        }
        let handle = pidfd(pid).ok()?;
        // That a program has been executed is told to nobody; the end of a process is.
        let _ = rustix::event::poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&ENVIRONMENT_PAUSE));
    }
    None
}

/// The environment of a process, unless it has none, or an empty one.
fn environment(pid: u32) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(format!("/proc/{pid}/environ")) {
        Ok(block) => Ok(Some(block).filter(|block| !block.is_empty())),
        // It has no memory any more.
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The variables that programs inherit from a process, as it was started; this user has to be its owner.
pub fn environment_of(pid: u32) -> io::Result<Vec<(OsString, OsString)>> {
    let block = std::fs::read(format!("/proc/{pid}/environ"))?;
    let variable = |line: &[u8]| {
        let equals = line.iter().position(|byte| *byte == b'=')?;
        let name = OsString::from_vec(line[..equals].to_vec());
        let value = undo_lean(&name, OsString::from_vec(line[equals + 1..].to_vec()))?;
        Some((name, value))
    };
    Ok(block.split(|byte| *byte == 0).filter_map(variable).collect())
}

fn value_in(block: &[u8], name: &str) -> Option<OsString> {
    let value = block
        .split(|byte| *byte == 0)
        .find_map(|line| line.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"=")))?;
    Some(OsString::from_vec(value.to_vec()))
}

/// Whether two paths lead to the same file.
pub fn is_same_file(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (std::fs::metadata(one)?, std::fs::metadata(other)?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

/// Begins a session without a terminal: signals from a terminal don't come here any more.
pub fn leave_terminal() {
    // A process that leads a session already has nothing to leave.
    let _ = rustix::process::setsid();
}

/// The name of this process in listings.
pub fn name_process(name: &std::ffi::CStr) {
    // A name is for people only; without it everything works.
    let _ = rustix::thread::set_name(name);
}

/// Lets the calling thread have what processor time others leave.
pub fn be_background_thread() -> io::Result<()> {
    // What is called the process is the thread here, unlike what POSIX says; elsewhere it would be all of the process.
    #[cfg(target_os = "linux")]
    rustix::process::setpriority_process(None, 19)?;
    Ok(())
}

/// Gives memory that was freed back to the system, as far as the C library knows how.
pub fn trim_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the function may be called at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// How many open files a process may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFiles {
    /// As long as it doesn't ask for more.
    pub soft: u64,
    /// At most.
    pub hard: u64,
}

impl OpenFiles {
    /// So many and no more.
    pub(crate) fn exactly(count: u64) -> Self {
        Self { soft: count, hard: count }
    }
}

/// Lets this process have as many open files as it may, and returns what it was before, for the programs that it starts: some are slow or break with many.
pub fn raise_open_files() -> OpenFiles {
    let before = rustix::process::getrlimit(Resource::Nofile);
    let infinite = u64::MAX;
    let (soft, hard) = (before.current.unwrap_or(infinite), before.maximum.unwrap_or(infinite));
    if soft < hard {
        // What is not granted shows when a file can't be opened.
        let _ = rustix::process::setrlimit(
            Resource::Nofile,
            Rlimit { current: before.maximum, maximum: before.maximum },
        );
    }
    OpenFiles { soft, hard }
}

/// Takes possession of an inherited descriptor, and keeps it from being inherited further. Refused for the standard ones and for one that
/// is not open.
pub fn adopt_descriptor(number: i32) -> io::Result<OwnedFd> {
    // SAFETY: `fcntl` on any number is harmless.
    if number <= 2 || unsafe { libc::fcntl(number, libc::F_GETFD) } < 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: the descriptor is open; by the contract of the variable that named it, it was passed for this process to own.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    rustix::io::fcntl_setfd(fd.as_fd(), rustix::io::FdFlags::CLOEXEC)?;
    Ok(fd)
}

fn process(pid: u32) -> io::Result<Pid> {
    Pid::from_raw(pid.cast_signed()).ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of `/proc/PID/stat` with these for where the code begins and the environment ends.
    fn line(code: u64, end: u64) -> String {
        let fields: Vec<String> = (5..=52)
            .map(|field| match field {
                22 => 4711,
                26 => code,
                51 => end,
                _ => 7,
            })
            .map(|value| value.to_string())
            .collect();
        format!("12 (a) b) S 3 {}", fields.join(" "))
    }

    #[test]
    fn an_environment_is_there_when_the_program_is_whole() {
        let stat = stat_of(&line(4096, 8192)).unwrap();
        assert_eq!((stat.ended, stat.parent, stat.began, stat.environment_end), (false, 3, 4711, Some(8192)));
        assert_eq!(stat_of(&line(4096, 0)).unwrap().environment_end, None, "its memory is gone");
        assert_eq!(stat_of(&line(0, 8192)).unwrap().environment_end, None, "its environment is being made");
    }
}
