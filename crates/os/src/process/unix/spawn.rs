//! The start of a program: `clone` with shared memory as `posix_spawn` does it, which costs the same in a large process as in a small one.
#![allow(unsafe_code)]

use std::ffi::{CString, OsStr, OsString, c_char, c_int, c_long, c_void};
use std::io::{self, BufRead};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::sync::Arc;

use svckit_core::limits::{Limits, Priority};
use zeroize::Zeroizing;

use super::{CLONE_INTO_CGROUP, Credentials, OpenFiles, Sockets};
use crate::process::{Command, SpawnError, Stage, Stdio};

/// How a process comes into the world, beside what [`Command`] says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Birth<'a> {
    /// The directory of a control group for it to be born in.
    pub group: Option<BorrowedFd<'a>>,
    /// The number of one more descriptor that it shall have, under the same number as here.
    pub keep: Option<i32>,
    /// Whether the system shall end it when this process is gone.
    pub ends_with_parent: bool,
}

/// The stack of the process between `clone` and `execve`.
const STACK: usize = 64 * 1024;

/// Where programs are looked up when the environment has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// Starts a program as the leader of a session of its own, with default signals and without any other descriptor, and returns its process id
/// when it runs.
pub fn spawn(command: &Command, stdio: Stdio<'_>, birth: Birth<'_>) -> Result<u32, SpawnError> {
    let fail = |stage, error: io::Error| failure(command, stage, error);
    let prepared = Prepared::new(command).map_err(|error| fail(Stage::Process, error))?;
    let mut report = Report { stage: 0, errno: 0 };
    let plan = Plan {
        candidates: prepared.candidates.pointers.as_ptr(),
        arguments: prepared.arguments.pointers.as_ptr(),
        environment: prepared.environment.pointers.as_ptr(),
        directory: prepared.directory.as_ref().map_or(std::ptr::null(), |path| path.as_ptr()),
        stdio: [stdio.input, stdio.output, stdio.error].map(|end| end.0.as_raw_fd()),
        keep: birth.keep.unwrap_or(-1),
        sockets: &prepared.sockets,
        own_id: prepared.own_id,
        credentials: command.terms.credentials.as_ref(),
        open_files: command.limits.open_files.map(OpenFiles::exactly).or(command.terms.open_files),
        nice: command.limits.priority.map(Priority::nice),
        processors: prepared.processors.as_ref(),
        core_size: command.limits.core_size,
        parent: if birth.ends_with_parent { std::process::id() } else { 0 },
    };
    let pid = start(&plan, &mut report, birth.group).map_err(|error| fail(Stage::Process, error))?;
    if report.errno == 0 {
        return Ok(pid.cast_unsigned());
    }
    let mut status = 0;
    // SAFETY: `pid` is a child that nobody else waits for; it has ended or is about to.
    while unsafe { libc::waitpid(pid, &raw mut status, 0) } < 0
        && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
    {}
    let stage = match report.stage {
        STAGE_DIRECTORY => Stage::Directory,
        STAGE_CREDENTIALS => Stage::Credentials,
        STAGE_PROGRAM => Stage::Program,
        STAGE_PRIORITY | STAGE_AFFINITY | STAGE_FILES | STAGE_CORE => {
            let error = io::Error::from_raw_os_error(report.errno);
            return Err(limit_failure(&command.limits, report.stage, error));
        }
        _ => Stage::Process,
    };
    Err(fail(stage, io::Error::from_raw_os_error(report.errno)))
}

/// Which limit could not be set, and why that usually is.
fn limit_failure(limits: &Limits, stage: c_int, error: io::Error) -> SpawnError {
    let denied = error.kind() == io::ErrorKind::PermissionDenied;
    let (subject, detail) = match stage {
        STAGE_PRIORITY => {
            let word = limits.priority.map_or("", Priority::word);
            let why = "only root may raise a priority, or who has the right CAP_SYS_NICE";
            (format!("priority = {word}"), denied.then_some(why))
        }
        STAGE_AFFINITY => (
            format!("affinity = {:?}", limits.affinity),
            Some("not all of these processors are there for it"),
        ),
        STAGE_FILES => {
            let why = "only root may raise it over the limit of this process, and nobody over fs.nr_open";
            (format!("files = {}", limits.open_files.unwrap_or_default()), denied.then_some(why))
        }
        _ => {
            let why = "only root may raise it over the limit of this process";
            (format!("core = {}", limits.core_size.unwrap_or_default()), denied.then_some(why))
        }
    };
    SpawnError { stage: Stage::Limits, error, subject, detail: detail.map(str::to_owned) }
}

fn failure(command: &Command, stage: Stage, error: io::Error) -> SpawnError {
    let program = command.command.first().cloned().unwrap_or_default();
    let subject = match (stage, &command.directory, &command.terms.credentials) {
        (Stage::Directory, Some(directory), _) => directory.clone().into_os_string(),
        (Stage::Credentials, _, Some(user)) => OsString::from(user.name.clone()),
        _ => program.clone(),
    };
    let detail = (stage == Stage::Program).then(|| detail(command, &program, &error)).flatten();
    SpawnError { stage, error, subject: subject.to_string_lossy().into_owned(), detail }
}

/// What the system's bare code leaves open.
fn detail(command: &Command, program: &OsStr, error: &io::Error) -> Option<String> {
    if !program.as_bytes().contains(&b'/') {
        let missing = error.kind() == io::ErrorKind::NotFound;
        let path = search_path(&command.environment);
        return missing.then(|| format!("it is in no folder of PATH ({})", path.to_string_lossy()));
    }
    let path = command.directory.as_deref().unwrap_or(Path::new("")).join(program);
    match error.kind() {
        io::ErrorKind::NotFound if path.exists() => {
            let mut line = Vec::new();
            let file = std::fs::File::open(&path).ok()?;
            io::BufReader::with_capacity(256, io::Read::take(file, 256)).read_until(b'\n', &mut line).ok()?;
            let interpreter = String::from_utf8_lossy(line.strip_prefix(b"#!")?).trim().to_owned();
            Some(format!("the file is there, but the interpreter in its first line is not: {interpreter}"))
        }
        io::ErrorKind::PermissionDenied if path.is_dir() => Some("it is a folder".to_owned()),
        io::ErrorKind::PermissionDenied => Some("the file may not be executed".to_owned()),
        _ if error.raw_os_error() == Some(libc::ENOEXEC) => {
            Some("it is neither a binary of this system nor a script with #! in its first line".to_owned())
        }
        _ => None,
    }
}

fn search_path(environment: &[(OsString, OsString)]) -> OsString {
    let path = environment.iter().rfind(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
    path.unwrap_or_else(|| DEFAULT_PATH.into())
}

/// Strings in the form that `execve` wants.
struct Strings {
    pointers: Vec<*const c_char>,
    /// INVARIANT: `pointers` point into these and end with a null pointer. Overwritten when they go: secrets may be among them.
    _owned: Vec<Zeroizing<Vec<u8>>>,
}

impl Strings {
    fn new(strings: impl Iterator<Item = OsString>) -> io::Result<Self> {
        let terminated = |string: OsString| {
            CString::new(string.into_vec()).map(|string| Zeroizing::new(string.into_bytes_with_nul()))
        };
        let mut owned = strings.map(terminated).collect::<Result<Vec<_>, _>>()?;
        let pointers = owned.iter_mut().map(|line| line.as_mut_ptr().cast::<c_char>().cast_const());
        let pointers = pointers.chain([std::ptr::null()]).collect();
        Ok(Self { pointers, _owned: owned })
    }

    /// A place in the last string, which there is, for writing.
    fn in_last(&self, offset: usize) -> *mut c_char {
        let last = self.pointers.iter().rev().nth(1).copied().unwrap_or(std::ptr::null());
        last.cast_mut().wrapping_add(offset)
    }
}

struct Prepared {
    candidates: Strings,
    arguments: Strings,
    environment: Strings,
    directory: Option<CString>,
    processors: Option<libc::cpu_set_t>,
    /// The descriptors of the sockets, as they are here.
    sockets: Vec<c_int>,
    /// Where in the environment the new process writes its id; null without sockets.
    own_id: *mut c_char,
}

/// The variables that `sd_listen_fds(3)` reads.
const SOCKET_COUNT: &str = "LISTEN_FDS";
const SOCKET_NAMES: &str = "LISTEN_FDNAMES";
const SOCKET_OWNER: &str = "LISTEN_PID";

/// Room for the digits of a process id, which only the new process knows.
const ID_DIGITS: usize = 10;

/// The variables that tell a program of its sockets; the last is that of its id, with room for it.
fn socket_variables(sockets: &[(String, Arc<OwnedFd>)]) -> Vec<(OsString, OsString)> {
    if sockets.is_empty() {
        return Vec::new();
    }
    let names: Vec<&str> = sockets.iter().map(|(name, _)| name.as_str()).collect();
    vec![
        (SOCKET_COUNT.into(), sockets.len().to_string().into()),
        (SOCKET_NAMES.into(), names.join(":").into()),
        (SOCKET_OWNER.into(), "0".repeat(ID_DIGITS).into()),
    ]
}

impl Prepared {
    fn new(command: &Command) -> io::Result<Self> {
        let Some(program) = command.command.first() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no program to run"));
        };
        let candidates = if program.as_bytes().contains(&b'/') {
            vec![program.clone()]
        } else {
            let path = search_path(&command.environment);
            std::env::split_paths(&path).map(|folder| folder.join(program).into_os_string()).collect()
        };
        let sockets = &command.terms.sockets.0;
        let told = socket_variables(sockets);
        let others = command.environment.iter().filter(|(name, _)| !told.iter().any(|(own, _)| own == name));
        let assignments = others.chain(&told).map(|(name, value)| {
            // With room for all of it and the NUL: one that grew would leave a copy behind.
            let mut line = OsString::with_capacity(name.len() + value.len() + 2);
            line.push(name);
            line.push("=");
            line.push(value);
            line
        });
        let directory = command.directory.as_ref().map(|path| CString::new(path.as_os_str().as_bytes()));
        let environment = Strings::new(assignments)?;
        let own_id = if sockets.is_empty() {
            std::ptr::null_mut()
        } else {
            environment.in_last(SOCKET_OWNER.len() + 1)
        };
        Ok(Self {
            candidates: Strings::new(candidates.into_iter())?,
            arguments: Strings::new(command.command.iter().cloned())?,
            environment,
            directory: directory.transpose()?,
            processors: processors(&command.limits.affinity),
            sockets: sockets.iter().map(|(_, socket)| socket.as_raw_fd()).collect(),
            own_id,
        })
    }
}

/// The set of these processors, unless they are all.
fn processors(numbers: &[u16]) -> Option<libc::cpu_set_t> {
    if numbers.is_empty() {
        return None;
    }
    // SAFETY: all zero is the empty set; a number beyond it is left out by the function's own check.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        for number in numbers.iter().filter(|number| **number <= Limits::LAST_PROCESSOR) {
            libc::CPU_SET(usize::from(*number), &mut set);
        }
        Some(set)
    }
}

const STAGE_CREDENTIALS: c_int = 1;
const STAGE_DIRECTORY: c_int = 2;
const STAGE_PROGRAM: c_int = 3;
const STAGE_PRIORITY: c_int = 4;
const STAGE_AFFINITY: c_int = 5;
const STAGE_FILES: c_int = 6;
const STAGE_CORE: c_int = 7;

/// What the new process has to tell if it fails; in memory that both share.
#[repr(C)]
struct Report {
    stage: c_int,
    errno: c_int,
}

struct Plan<'a> {
    candidates: *const *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    directory: *const c_char,
    stdio: [c_int; 3],
    keep: c_int,
    sockets: &'a [c_int],
    own_id: *mut c_char,
    credentials: Option<&'a Credentials>,
    open_files: Option<OpenFiles>,
    nice: Option<c_int>,
    processors: Option<&'a libc::cpu_set_t>,
    core_size: Option<u64>,
    /// The process whose end shall be the program's, zero for none.
    parent: u32,
}

/// What the new process gets: where its plan is and where its report goes.
struct Cargo<'a> {
    plan: &'a Plan<'a>,
    report: *mut Report,
}

fn start(plan: &Plan<'_>, report: &mut Report, group: Option<BorrowedFd<'_>>) -> io::Result<c_int> {
    // The report and the stack of the new process are in memory that is shared in either case.
    let size = STACK + size_of::<Report>().next_multiple_of(16);
    let visibility = if group.is_some() { libc::MAP_SHARED } else { libc::MAP_PRIVATE };
    // SAFETY: a new anonymous mapping interferes with nothing.
    let memory = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            size,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_ANONYMOUS | visibility,
            -1,
            0,
        )
    };
    if memory == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the report lies above the stack in the mapping, which is page-aligned, so this is within it and aligned.
    let shared = unsafe { memory.cast::<u8>().add(STACK) }.cast::<Report>();
    let mut cargo = Cargo { plan, report: shared };
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: no signal may run a handler in the new process while it shares our memory, so all are blocked meanwhile; the sets are
    // initialised by the calls before they are read.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    let argument = (&raw mut cargo).cast::<c_void>();
    let pid = match group {
        // SAFETY: `argument` stays valid until the new process has executed a program or ended, since `CLONE_VFORK` suspends us until then;
        // the stack grows down from `shared`, which is 16-aligned.
        None => unsafe {
            libc::clone(enter, shared.cast(), libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD, argument)
        },
        Some(group) => clone_into(group, argument),
    };
    let error = io::Error::last_os_error();
    // SAFETY: `before` was filled above; the mapping is ours, and the new process doesn't use it any more. The report was zero or written by it.
    unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
        *report = shared.read_volatile();
        libc::munmap(memory, size);
    }
    if pid < 0 { Err(error) } else { Ok(pid) }
}

/// Makes a process that is a member of a control group from its first instruction. The C library has no function for it that shares memory, so it is
/// a copy of this process.
fn clone_into(group: BorrowedFd<'_>, argument: *mut c_void) -> c_int {
    // SAFETY: all zero is a valid value of the structure.
    let mut request: libc::clone_args = unsafe { std::mem::zeroed() };
    request.flags = CLONE_INTO_CGROUP | u64::from(libc::CLONE_VFORK.cast_unsigned());
    request.exit_signal = u64::from(libc::SIGCHLD.cast_unsigned());
    request.cgroup = u64::from(group.as_raw_fd().cast_unsigned());
    // SAFETY: without `CLONE_VM` this is `fork`: the new process goes on here with memory of its own, and calls only what may be called after a
    // `fork`.
    let result = unsafe { libc::syscall(libc::SYS_clone3, &raw mut request, size_of::<libc::clone_args>()) };
    if result == 0 {
        enter(argument);
        // SAFETY: `_exit` doesn't return and runs nothing of this process's.
        unsafe { libc::_exit(127) };
    }
    c_int::try_from(result).unwrap_or(-1)
}

/// The first and last function of the new process.
extern "C" fn enter(argument: *mut c_void) -> c_int {
    // SAFETY: the parent passed a `Cargo` and waits; what is called is safe after `fork` (system calls only, no allocation).
    unsafe {
        let cargo = &*argument.cast::<Cargo<'_>>();
        let (stage, errno) = become_program(cargo.plan);
        cargo.report.write_volatile(Report { stage, errno });
        libc::_exit(127)
    }
}

/// Turns this process into the program; returns only if that failed, with the stage and the error.
///
/// # Safety
/// For the new process only, with a plan whose pointers are valid.
unsafe fn become_program(plan: &Plan<'_>) -> (c_int, c_int) {
    // SAFETY: the caller vouches for the pointers; each call is a plain system call.
    unsafe {
        reset_signals();
        libc::setsid();
        if !arrange_descriptors(plan) {
            return (0, errno());
        }
        if !plan.own_id.is_null() {
            write_id(plan.own_id);
        }
        if let Err(stage) = limit(plan) {
            return (stage, errno());
        }
        if let Some(user) = plan.credentials
            && !become_user(user)
        {
            return (STAGE_CREDENTIALS, errno());
        }
        // After the change of user, which clears it.
        if plan.parent != 0 {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            if libc::getppid().cast_unsigned() != plan.parent {
                libc::_exit(127);
            }
        }
        if !plan.directory.is_null() && libc::chdir(plan.directory) != 0 {
            return (STAGE_DIRECTORY, errno());
        }
        let mut none = MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
        (STAGE_PROGRAM, execute(plan))
    }
}

/// Limits what this process may use; at which stage that failed.
///
/// # Safety
/// For the new process only.
unsafe fn limit(plan: &Plan<'_>) -> Result<(), c_int> {
    // SAFETY: plain system calls with structures that live during them. No priority is an error's number to `setpriority`.
    unsafe {
        if let Some(limit) = plan.open_files {
            let limit = libc::rlimit { rlim_cur: limit.soft, rlim_max: limit.hard };
            if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) != 0 {
                return Err(STAGE_FILES);
            }
        }
        if let Some(size) = plan.core_size {
            let limit = libc::rlimit { rlim_cur: size, rlim_max: size };
            if libc::setrlimit(libc::RLIMIT_CORE, &raw const limit) != 0 {
                return Err(STAGE_CORE);
            }
        }
        if let Some(wanted) = plan.processors {
            let mut got: libc::cpu_set_t = std::mem::zeroed();
            let size = size_of::<libc::cpu_set_t>();
            if libc::sched_setaffinity(0, size, wanted) != 0
                || libc::sched_getaffinity(0, size, &raw mut got) != 0
            {
                return Err(STAGE_AFFINITY);
            }
            // The system takes processors that aren't there out of a set, silently.
            if !libc::CPU_EQUAL(wanted, &got) {
                *libc::__errno_location() = libc::EINVAL;
                return Err(STAGE_AFFINITY);
            }
        }
        match plan.nice {
            Some(nice) if libc::setpriority(libc::PRIO_PROCESS, 0, nice) != 0 => Err(STAGE_PRIORITY),
            _ => Ok(()),
        }
    }
}

/// Gives every signal its default action.
///
/// # Safety
/// For the new process only.
unsafe fn reset_signals() {
    // SAFETY: all zero is the default action with no flags; signals that can't be set are refused by the system.
    unsafe {
        let default: libc::sigaction = std::mem::zeroed();
        for signal in 1..=64 {
            libc::sigaction(signal, &raw const default, std::ptr::null_mut());
        }
    }
}

/// Puts the standard descriptors in their place and marks all others to be closed.
///
/// # Safety
/// For the new process only.
unsafe fn arrange_descriptors(plan: &Plan<'_>) -> bool {
    // SAFETY: plain system calls on numbers.
    unsafe {
        libc::close_range(3, c_int::MAX.cast_unsigned(), libc::CLOSE_RANGE_CLOEXEC.cast_signed());
        let mut from = plan.stdio;
        // A source that is a target of another is moved out of the way first.
        for (target, source) in (0..).zip(from.iter_mut()) {
            if *source <= 2 && *source != target {
                *source = libc::fcntl(*source, libc::F_DUPFD_CLOEXEC, 3);
            }
        }
        for (target, source) in (0..).zip(from) {
            let done = if source == target {
                libc::fcntl(target, libc::F_SETFD, 0)
            } else {
                libc::dup2(source, target)
            };
            if done < 0 {
                return false;
            }
        }
        hand_over(plan.sockets) && (plan.keep < 0 || libc::fcntl(plan.keep, libc::F_SETFD, 0) == 0)
    }
}

/// Puts sockets behind the standard descriptors, in their order.
///
/// # Safety
/// For the new process only.
unsafe fn hand_over(sockets: &[c_int]) -> bool {
    const FIRST: c_int = 3;
    let mut moved = [-1; Sockets::MOST];
    // SAFETY: plain system calls on numbers.
    unsafe {
        // Out of the way first: the place of one may be that of another.
        for (from, socket) in moved.iter_mut().zip(sockets) {
            *from = libc::fcntl(*socket, libc::F_DUPFD_CLOEXEC, FIRST + Sockets::MOST as c_int);
            if *from < 0 {
                return false;
            }
        }
        (FIRST..)
            .zip(&moved[..sockets.len().min(Sockets::MOST)])
            .all(|(target, from)| libc::dup2(*from, target) >= 0)
    }
}

/// Writes the id of this process in decimal digits, ended by NUL.
///
/// # Safety
/// For the new process only, with room for [`ID_DIGITS`] bytes and a NUL, which is there.
unsafe fn write_id(place: *mut c_char) {
    // SAFETY: `getpid` can't fail; what is written is within the room, by the contract.
    unsafe {
        let id = libc::getpid();
        let mut digits = 1;
        let mut rest = id / 10;
        while rest > 0 {
            digits += 1;
            rest /= 10;
        }
        let mut rest = id;
        for at in (0..digits).rev() {
            place.add(at).write(b'0' as c_char + (rest % 10) as c_char);
            rest /= 10;
        }
        place.add(digits).write(0);
    }
}

/// # Safety
/// For the new process only.
unsafe fn become_user(user: &Credentials) -> bool {
    let (uid, gid) = (c_long::from(user.uid), c_long::from(user.gid));
    // SAFETY: the system calls themselves, since the C library's functions would tell other threads, which this process doesn't have; the groups
    // are valid for their length.
    unsafe {
        libc::syscall(libc::SYS_setgroups, user.groups.len(), user.groups.as_ptr()) == 0
            && libc::syscall(libc::SYS_setresgid, gid, gid, gid) == 0
            && libc::syscall(libc::SYS_setresuid, uid, uid, uid) == 0
    }
}

/// Executes the first candidate that can be; the error that says most if none can.
///
/// # Safety
/// The plan's pointers have to be valid.
unsafe fn execute(plan: &Plan<'_>) -> c_int {
    // SAFETY: the lists are valid and end with null pointers.
    unsafe {
        let mut worst = libc::ENOENT;
        let mut candidate = plan.candidates;
        while !(*candidate).is_null() {
            libc::execve(*candidate, plan.arguments, plan.environment);
            match errno() {
                libc::ENOENT | libc::ENOTDIR => {}
                libc::EACCES => worst = libc::EACCES,
                other => return other,
            }
            candidate = candidate.add(1);
        }
        worst
    }
}

fn errno() -> c_int {
    // SAFETY: the location is the calling thread's own. (While memory is shared it is the parent's, who waits.)
    unsafe { *libc::__errno_location() }
}
