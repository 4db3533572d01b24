//! A job object: a program with everything that it starts.

use std::fmt;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle, RawHandle};
use std::ptr;

use svckit_core::limits::Limits;
use windows_sys::Win32::Foundation::ERROR_MORE_DATA;
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, IsProcessInJob, JOB_OBJECT_LIMIT,
    JOB_OBJECT_LIMIT_ACTIVE_PROCESS, JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION,
    JOB_OBJECT_LIMIT_JOB_MEMORY, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE, JOB_OBJECT_LIMIT_PRIORITY_CLASS,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectBasicProcessIdList, JobObjectExtendedLimitInformation,
    QueryInformationJobObject, SetInformationJobObject, TerminateJobObject,
};

use windows_sys::Win32::System::Threading::{OpenProcess, PROCESS_TERMINATE, TerminateProcess};

use super::limits;
use super::spared::Spared;
use crate::event::Bell;
use crate::process::{Command, SpawnError};

/// What programs that are ended by force end with, as by `taskkill /F`.
const FORCED: u32 = 1;

/// In which pieces the system counts memory.
const PAGE: usize = 4096;

/// How many processes are asked for at first.
const USUAL: usize = 16;

/// A program with everything that it starts, which can't leave. When this is dropped, whatever is left is ended, unless it was let go.
pub(super) struct Job {
    handle: OwnedHandle,
    /// What is not ended, if there may be something.
    spared: Option<Spared>,
    /// The program itself, which never is.
    leader: u32,
    /// What limits it has beside those that every job has.
    limits: JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
}

impl Job {
    /// An empty one; `bell` tells when a process of it ends.
    pub(super) fn new(bell: &Bell, command: &Command) -> io::Result<Self> {
        // SAFETY: no name and no security attributes are passed.
        let handle = unsafe { CreateJobObjectW(ptr::null(), ptr::null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle is new, and nobody else's.
        let handle = unsafe { OwnedHandle::from_raw_handle(handle) };
        let job =
            Self { handle, spared: Spared::new(&command.leave), leader: 0, limits: for_job(&command.limits) };
        job.limit(JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE)?;
        bell.follow_job(job.handle.as_raw_handle())?;
        Ok(job)
    }

    /// Sets the limits: these, and one that every job has.
    fn limit(&self, flags: JOB_OBJECT_LIMIT) -> io::Result<()> {
        let mut limits = self.limits;
        // Without it a program that crashes waits for somebody to close a window that nobody sees.
        limits.BasicLimitInformation.LimitFlags |= flags | JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION;
        // SAFETY: the structure is of the class and the size that are said, and is only read during the call.
        let done = unsafe {
            SetInformationJobObject(
                self.handle.as_raw_handle(),
                JobObjectExtendedLimitInformation,
                (&raw const limits).cast(),
                size(size_of_val(&limits)),
            )
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Sets the limit of processor time, and looks whether the system has taken those that hold for everything in it.
    pub(super) fn confine(&self, limits: &Limits) -> Result<(), SpawnError> {
        limits::confine(self.handle.as_raw_handle(), limits, &self.limits)
    }

    /// Lets what is spared go on when this is dropped. It is still in the job, which then nobody has a handle of.
    pub(super) fn let_go(&self) -> io::Result<()> {
        if self.spared.is_some() { self.limit(0) } else { Ok(()) }
    }

    /// Takes in the program.
    pub(super) fn assign(&mut self, process: RawHandle, pid: u32) -> io::Result<()> {
        self.leader = pid;
        // SAFETY: both handles are open.
        let done = unsafe { AssignProcessToJobObject(self.handle.as_raw_handle(), process) };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Ends everything in it by force that is not spared.
    pub(super) fn terminate(&self) -> io::Result<()> {
        if self.spared.is_some() {
            return self.terminate_others();
        }
        // SAFETY: the handle is open.
        let done = unsafe { TerminateJobObject(self.handle.as_raw_handle(), FORCED) };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// One after the other: who starts another meanwhile has it ended when this is called again.
    fn terminate_others(&self) -> io::Result<()> {
        for pid in self.mortal()? {
            // SAFETY: plain numbers are passed.
            let handle = unsafe { OpenProcess(PROCESS_TERMINATE, 0, pid) };
            if handle.is_null() {
                continue;
            }
            // SAFETY: the handle is new, and nobody else's.
            let handle = unsafe { OwnedHandle::from_raw_handle(handle) };
            // An id is nobody else's as long as a handle is open: one that is listed still is of the process that was opened.
            if self.processes()?.contains(&pid) {
                // SAFETY: the handle is open. That the process has ended meanwhile is what is wanted.
                unsafe { TerminateProcess(handle.as_raw_handle(), FORCED) };
            }
        }
        Ok(())
    }

    /// Whether a process is in it, or was when it ended.
    pub(super) fn contains(&self, process: RawHandle) -> io::Result<bool> {
        let mut is_in = 0;
        // SAFETY: both handles are open; the answer is written where told.
        let done = unsafe { IsProcessInJob(process, self.handle.as_raw_handle(), &raw mut is_in) };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(is_in != 0) }
    }

    /// The processes in it that have not ended and are not spared.
    pub(super) fn mortal(&self) -> io::Result<Vec<u32>> {
        let all = self.processes()?;
        Ok(match &self.spared {
            Some(spared) => spared.others(self.leader, all),
            None => all,
        })
    }

    /// The processes in it that have not ended.
    pub(super) fn processes(&self) -> io::Result<Vec<u32>> {
        let mut room = USUAL;
        loop {
            // The list: how many there are, how many of them follow, then their ids, each as large as a pointer.
            let mut space = vec![0usize; room + 1];
            // SAFETY: the space is aligned for the structure, has the size that is said, and is written during the call only.
            let done = unsafe {
                QueryInformationJobObject(
                    self.handle.as_raw_handle(),
                    JobObjectBasicProcessIdList,
                    space.as_mut_ptr().cast(),
                    size(space.len() * size_of::<usize>()),
                    ptr::null_mut(),
                )
            };
            if done == 0 {
                let error = io::Error::last_os_error();
                if error.raw_os_error() != Some(ERROR_MORE_DATA.cast_signed()) {
                    return Err(error);
                }
                room *= 2;
                continue;
            }
            let listed = space.first().copied().unwrap_or(0) >> 32;
            let ids = space.get(1..).unwrap_or_default().iter().take(listed);
            return Ok(ids.filter_map(|id| u32::try_from(*id).ok()).collect());
        }
    }
}

/// What of a program's limits its job keeps beside that of processor time: the priority class of everything in it, which a process wouldn't always inherit, and what holds
/// for everything in it together.
fn for_job(limits: &Limits) -> JOBOBJECT_EXTENDED_LIMIT_INFORMATION {
    let mut all = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    if let Some(size) = limits.memory {
        all.BasicLimitInformation.LimitFlags |= JOB_OBJECT_LIMIT_JOB_MEMORY;
        // The system counts pages.
        all.JobMemoryLimit = usize::try_from(size).unwrap_or(usize::MAX) & !(PAGE - 1);
    }
    if let Some(count) = limits.processes {
        all.BasicLimitInformation.LimitFlags |= JOB_OBJECT_LIMIT_ACTIVE_PROCESS;
        all.BasicLimitInformation.ActiveProcessLimit = count;
    }
    if let Some(priority) = limits.priority {
        all.BasicLimitInformation.LimitFlags |= JOB_OBJECT_LIMIT_PRIORITY_CLASS;
        all.BasicLimitInformation.PriorityClass = priority.class();
    }
    all
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Job({})", self.leader)
    }
}

fn size(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(0)
}
