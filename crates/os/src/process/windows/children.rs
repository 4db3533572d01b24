//! The programs of this process, each in a job with everything that it starts.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle, RawHandle};
use std::path::PathBuf;
use std::sync::Arc;

use svckit_core::definition::StopAction;
use svckit_core::limits::{Limits, Shortage};
use svckit_core::restart::Ended;
use svckit_core::signal::Signal;
use windows_sys::Win32::Foundation::{ERROR_INVALID_PARAMETER, FILETIME, MAX_PATH, WAIT_OBJECT_0};
use windows_sys::Win32::System::Threading::{
    GetExitCodeProcess, GetProcessTimes, OpenProcess, PROCESS_ACCESS_RIGHTS, PROCESS_QUERY_INFORMATION,
    PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE, QueryFullProcessImageNameW, WaitForSingleObject,
};

use super::ends::Ends;
use super::job::Job;
use super::spawn::{Started, system_file};
use super::{console, spawn, window};
use crate::event::{Bell, JobNews, Poller};
use crate::overlapped::is;
use crate::process::{Command, News, SpawnError, Stdio};

/// The programs that this process started, each with its tree.
#[derive(Debug)]
pub struct Children {
    /// What jobs ring.
    bell: Bell,
    /// For ends that no job tells for sure, or that it tells too early.
    ends: Ends,
    running: HashMap<u32, Child>,
    /// The jobs of programs that have ended, as long as something may be in them.
    left: HashMap<u32, Left>,
}

#[derive(Debug)]
struct Child {
    process: Arc<OwnedHandle>,
    job: Job,
    /// The group that it leads at the console of this process, if it is there.
    group: Option<u32>,
    /// Whether it or what it started asked for more memory than the limit.
    wanted_more: bool,
    /// How many processes it may be, if that is limited, until it was told that it is so many.
    processes: Option<u32>,
}

/// What a program left.
#[derive(Debug)]
struct Left {
    job: Job,
    /// Its processes whose ends are waited for.
    waited: HashSet<u32>,
    group: Option<u32>,
    wanted_more: bool,
}

impl Children {
    /// None yet. From now on what comes to the console of this process doesn't end it; `poller` brings `token` when [`Children::next`] has something to tell.
    pub fn new(poller: &Poller, token: u64, _instance: &str) -> io::Result<Self> {
        let bell = poller.bell(token);
        console::listen(bell.clone())?;
        Ok(Self { ends: Ends::new(bell.clone()), bell, running: HashMap::new(), left: HashMap::new() })
    }

    /// Starts a program in a job of its own; it ends when this process does. Returns its process id.
    pub fn spawn(&mut self, command: &Command, stdio: Stdio<'_>) -> Result<u32, SpawnError> {
        let Started { pid, process, job, at_console } = spawn::start(command, stdio, &self.bell)?;
        let group = at_console.then_some(pid);
        let (process, processes) = (Arc::new(process), command.limits.processes);
        self.running.insert(pid, Child { process, job, group, wanted_more: false, processes });
        Ok(pid)
    }

    /// The next thing that happened; to be called until there is none.
    #[expect(clippy::should_implement_trait, reason = "there is always more to come, and it may fail")]
    pub fn next(&mut self) -> io::Result<Option<News>> {
        if console::take_asked() {
            return Ok(Some(News::EndRequested));
        }
        while let Some(news) = self.ends.next().map(JobNews::Ended).or_else(|| self.bell.job_news()) {
            let pid = match news {
                JobNews::Ended(pid) => pid,
                JobNews::Full => match self.full() {
                    Some(pid) => return Ok(Some(News::ProcessLimit { pid })),
                    None => continue,
                },
                JobNews::WantedMore(pid) => {
                    self.wanted_more(pid);
                    continue;
                }
            };
            match self.running.get(&pid) {
                // A job tells of an end when it begins: the handles of the process may have to be closed first.
                Some(child) if !has_ended(child.process.as_raw_handle()) => {
                    self.ends.add(pid, Arc::clone(&child.process))?;
                }
                Some(_) => return self.ended(pid).map(Some),
                None if !self.left.is_empty() => return Ok(Some(News::Orphan)),
                // What a running program started is its own affair.
                None => {}
            }
        }
        Ok(None)
    }

    /// The program whose job has as many processes as it may have, unless it was told of.
    fn full(&mut self) -> Option<u32> {
        let is_full = |child: &Child| {
            let limit = child.processes.and_then(|limit| usize::try_from(limit).ok());
            limit.is_some_and(|limit| child.job.processes().is_ok_and(|all| all.len() >= limit))
        };
        let (pid, child) = self.running.iter_mut().find(|(_, child)| is_full(child))?;
        child.processes = None;
        Some(*pid)
    }

    /// From now on it is told when a program that has a limit of processes has reached it: its job does that anyway.
    pub fn watch_limit(&mut self, _: &Poller, _: u32) -> io::Result<()> {
        Ok(())
    }

    /// The limits of a program that was started with these: those that hold for all of it were read back then, and it wouldn't run without them.
    pub fn limits(&self, _: u32, set: &Limits) -> Limits {
        set.clone()
    }

    /// Whether a process is one of a running program's. Of one that has ended nothing is known any more, and it may have been one.
    pub(crate) fn is_of(&self, program: u32, process: u32) -> bool {
        let Some(child) = self.running.get(&program) else { return false };
        // The right to know little of it does for this; only Wine 8 wants one that this account may not have.
        let opened = open_for(process, PROCESS_QUERY_INFORMATION)
            .or_else(|_| open_for(process, PROCESS_QUERY_LIMITED_INFORMATION));
        match opened.and_then(|process| child.job.contains(process.as_raw_handle())) {
            Ok(is_in) => is_in,
            Err(error) if is(&error, ERROR_INVALID_PARAMETER) => true,
            // Who it is may be hidden from this account; the job knows.
            Err(_) => child.job.processes().is_ok_and(|all| all.contains(&process)),
        }
    }

    /// Takes note for the program that a process is, or is of.
    fn wanted_more(&mut self, pid: u32) {
        let is_of = |job: &Job| job.processes().is_ok_and(|all| all.contains(&pid));
        let found = self.running.iter_mut().find(|(leader, child)| **leader == pid || is_of(&child.job));
        if let Some((_, child)) = found {
            child.wanted_more = true;
        }
    }

    /// Whether a program, or what it started, asked for more memory than its limit; asked when the program has ended, before what is left of it.
    pub fn shortage(&self, pid: u32) -> Option<Shortage> {
        self.left.get(&pid)?.wanted_more.then_some(Shortage::Limit)
    }

    fn ended(&mut self, pid: u32) -> io::Result<News> {
        let child = self.running.remove(&pid).ok_or(io::ErrorKind::NotFound)?;
        let how = ending(child.process.as_raw_handle())?;
        let Child { job, group, wanted_more, process: _, processes: _ } = child;
        self.left.insert(pid, Left { job, waited: HashSet::new(), group, wanted_more });
        Ok(News::Ended { pid, how })
    }

    /// Of what a program that has ended left, the oldest: from now on it is one of the programs that were started here. `None` if nothing is left.
    pub fn follow(&mut self, leader: u32, _mark: &OsStr, _alone: bool) -> Option<u32> {
        let job = &self.left.get(&leader)?.job;
        let mut rest = job.processes().ok()?;
        rest.retain(|pid| *pid != leader && !is_console_host(*pid));
        let opened = rest.into_iter().filter_map(|pid| Some((pid, open(pid).ok()?)));
        let oldest = opened.min_by_key(|(_, process)| began(process.as_raw_handle()));
        // One that is listed still is of the process that was opened.
        let (pid, process) = oldest.filter(|(pid, _)| job.processes().is_ok_and(|all| all.contains(pid)))?;
        let process = Arc::new(process);
        // The job may have told of its end already.
        self.ends.add(pid, Arc::clone(&process)).ok()?;
        let Left { job, group, wanted_more, waited: _ } = self.left.remove(&leader)?;
        self.running.insert(pid, Child { process, job, group, wanted_more, processes: None });
        Some(pid)
    }

    /// Ends by force what a program has left: those processes that were still alive. It is to be called again when [`News::Orphan`] comes; nothing is left of
    /// a program that has ended when nothing is returned. Nothing can leave a job, so neither `mark` nor `alone` is needed to know what is the program's.
    pub fn end_rest(&mut self, leader: u32, _mark: &OsStr, _alone: bool) -> Vec<u32> {
        let Some(left) = self.left.get_mut(&leader) else { return Vec::new() };
        let mut alive = left.job.mortal().unwrap_or_default();
        // It may be listed for a moment still, and so may be the system's process behind its console, which nobody started: it ends with the job.
        alive.retain(|pid| *pid != leader && !is_console_host(*pid));
        if alive.is_empty() {
            // What can't be let go ends with the job.
            let _ = left.job.let_go();
            self.left.remove(&leader);
            return alive;
        }
        let new: Vec<u32> = alive.iter().filter(|pid| !left.waited.contains(pid)).copied().collect();
        let opened: Vec<_> = new.into_iter().filter_map(|pid| Some((pid, open(pid).ok()?))).collect();
        // An id is nobody else's as long as a handle is open: one that is listed still is of the process that was opened. One that can't be waited for is looked
        // for again when another ends, or when the time is up.
        let listed = left.job.processes().unwrap_or_default();
        for (pid, process) in opened.into_iter().filter(|(pid, _)| listed.contains(pid)) {
            if self.ends.add(pid, Arc::new(process)).is_ok() {
                left.waited.insert(pid);
            }
        }
        // One that the system doesn't end stays in the list, and is told of.
        let _ = left.job.terminate();
        alive
    }

    /// Ends a program by force, with everything in its job.
    pub fn end_tree(&mut self, pid: u32) -> io::Result<()> {
        let Some(child) = self.running.get(&pid) else { return Ok(()) };
        // A job that is ended so need not tell of each process. And the system doesn't vouch for what jobs tell: here an end that nobody has heard of is.
        self.ends.add(pid, Arc::clone(&child.process))?;
        child.job.terminate()
    }

    /// Ends by force everything that was started here.
    pub fn end_all(&mut self) {
        let jobs =
            self.running.values().map(|child| &child.job).chain(self.left.values().map(|left| &left.job));
        for job in jobs {
            // What can't be ended so ends with the job's last handle.
            let _ = job.terminate();
        }
    }

    /// Whether a program can be asked to end in this way.
    pub fn can(&self, pid: u32, action: &StopAction) -> bool {
        match action {
            StopAction::CtrlC | StopAction::CtrlBreak | StopAction::Terminate => true,
            StopAction::WmClose => window::exist(&self.processes(pid)),
            StopAction::Signal(_) | StopAction::StdinClose | StopAction::Command(_) | StopAction::Http(_) => {
                false
            }
        }
    }

    /// Asks a program, with everything at its console, to end.
    ///
    /// At the console of this process, which others use too, Ctrl+Break takes the place of Ctrl+C: only that can be meant for one group.
    pub fn ask(&mut self, pid: u32, action: &StopAction) -> io::Result<()> {
        let group = self.running.get(&pid).and_then(|child| child.group);
        match action {
            StopAction::CtrlC | StopAction::CtrlBreak => match group {
                Some(group) => console::send_here(group),
                None => console::send(pid, *action == StopAction::CtrlBreak),
            },
            StopAction::WmClose => {
                window::close(&self.processes(pid));
                Ok(())
            }
            StopAction::Terminate => self.end_tree(pid),
            StopAction::Signal(_) | StopAction::StdinClose | StopAction::Command(_) | StopAction::Http(_) => {
                Err(io::ErrorKind::Unsupported.into())
            }
        }
    }

    /// There are no signals here.
    pub fn signal(&self, _: u32, _: Signal) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn processes(&self, pid: u32) -> Vec<u32> {
        self.running.get(&pid).and_then(|child| child.job.mortal().ok()).unwrap_or_default()
    }
}

fn open(pid: u32) -> io::Result<OwnedHandle> {
    open_for(pid, PROCESS_SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION)
}

fn open_for(pid: u32, rights: PROCESS_ACCESS_RIGHTS) -> io::Result<OwnedHandle> {
    // SAFETY: plain numbers are passed.
    let handle = unsafe { OpenProcess(rights, 0, pid) };
    if handle.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is new, and nobody else's.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Whether a process is the system's part of a console.
fn is_console_host(pid: u32) -> bool {
    let host = system_file("conhost.exe");
    program_of(pid).is_some_and(|image| {
        let image = image.to_string_lossy();
        host.is_ok_and(|host| host.eq_ignore_ascii_case(&image))
    })
}

/// The program that a process runs, if that may be known.
pub fn program_of(pid: u32) -> Option<PathBuf> {
    let process = open(pid).ok()?;
    let mut space = [0; MAX_PATH as usize];
    let mut length = MAX_PATH;
    // SAFETY: the handle is open, and there is room for as many units as is said; the system says how many it wrote.
    let done = unsafe {
        QueryFullProcessImageNameW(process.as_raw_handle(), 0, space.as_mut_ptr(), &raw mut length)
    };
    let image = space.get(..usize::try_from(length).unwrap_or(0)).unwrap_or_default();
    (done != 0).then(|| PathBuf::from(OsString::from_wide(image)))
}

/// When a process began, as the system counts; at the end of all times if that may not be known.
fn began(process: RawHandle) -> u64 {
    let [mut began, mut ended, mut kernel, mut user] = [FILETIME::default(); 4];
    // SAFETY: the handle is open; the structures are written to during the call only.
    let done =
        unsafe { GetProcessTimes(process, &raw mut began, &raw mut ended, &raw mut kernel, &raw mut user) };
    if done == 0 { u64::MAX } else { u64::from(began.dwHighDateTime) << 32 | u64::from(began.dwLowDateTime) }
}

/// Whether a process has ended altogether.
fn has_ended(process: RawHandle) -> bool {
    // SAFETY: the handle is open.
    unsafe { WaitForSingleObject(process, 0) == WAIT_OBJECT_0 }
}

/// How a process ended. A code that the system gives to programs which it ends stands for what a signal is elsewhere.
fn ending(process: RawHandle) -> io::Result<Ended> {
    let mut code = 0;
    // SAFETY: the handle is open; the code is written on success.
    if unsafe { GetExitCodeProcess(process, &raw mut code) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let by_system = crate::signal::is_of_system(code);
    Ok(if by_system { Ended::Signal(code.cast_signed()) } else { Ended::Code(code.cast_signed()) })
}
