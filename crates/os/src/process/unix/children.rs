//! The programs of this process, and what they leave to it.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

use svckit_core::definition::StopAction;
use svckit_core::dispatch::MARK_VARIABLE;
use svckit_core::limits::{Limits, Shortage};
use svckit_core::signal::Signal;

use super::spared::Spared;
use super::{
    Birth, all_processes, become_subreaper, environment_value, group_of, kill, process, raw, reap, reap_one,
    session, spawn, stat,
};
use crate::event::{Interest, Poller};
use crate::process::{Command, News, SpawnError, Stage, Stdio};
use crate::signal::{Delivered, SignalSource, ignore_file_size_signal};
use crate::tree::{Crowds, Group, Groups};

/// How often [`Children::end_rest`] looks again because something ended while it looked.
const LOOKS: usize = 16;

/// Room for a list of some thousand children.
const LIST_SIZE: usize = 64 << 10;

/// The programs that this process started, each with its tree.
#[derive(Debug)]
pub struct Children {
    signals: SignalSource,
    /// INVARIANT: started, and not waited for, so that their ids are nobody else's.
    running: HashSet<u32>,
    /// For programs that may leave something, running or not: what.
    spared: HashMap<u32, Spared>,
    /// What programs have left that goes on. INVARIANT: children of this process that were not waited for.
    stayed: HashSet<u32>,
    /// The control groups of programs that have limits which take one, and how many there were.
    groups: HashMap<u32, Group>,
    groups_made: u32,
    /// Tells of those that are full, once one of them may be.
    crowds: Option<Crowds>,
    /// What the poller brings.
    token: u64,
    /// What these are named after.
    instance: String,
    /// Whether the signals of this round were taken.
    taken: bool,
    /// Whether an orphan was waited for outside of [`Children::next`].
    orphan: bool,
}

impl Children {
    /// None yet. From now on orphans below this process come to it, and so do the signals that ask for its end; `poller` brings `token` when
    /// [`Children::next`] has something to tell. `instance` marks all its processes.
    pub fn new(poller: &Poller, token: u64, instance: &str) -> io::Result<Self> {
        become_subreaper()?;
        ignore_file_size_signal();
        let signals = SignalSource::new(&[Delivered::Child, Delivered::End])?;
        poller.add(&signals, token, Interest::Read)?;
        Ok(Self {
            signals,
            running: HashSet::new(),
            spared: HashMap::new(),
            stayed: HashSet::new(),
            groups: HashMap::new(),
            groups_made: 0,
            crowds: None,
            token,
            instance: instance.to_owned(),
            taken: false,
            orphan: false,
        })
    }

    /// Starts a program as the leader of a session of its own; it ends when this process does. Returns its process id.
    pub fn spawn(&mut self, command: &Command, stdio: Stdio<'_>) -> Result<u32, SpawnError> {
        let (pid, group) = self.bear(command, stdio)?;
        self.running.insert(pid);
        if let Some(group) = group {
            self.groups.insert(pid, group);
        }
        match Spared::new(&command.leave) {
            Some(spared) => self.spared.insert(pid, spared),
            None => self.spared.remove(&pid),
        };
        Ok(pid)
    }

    /// Starts it in a control group of its own if its limits take one.
    fn bear(&mut self, command: &Command, stdio: Stdio<'_>) -> Result<(u32, Option<Group>), SpawnError> {
        let birth = Birth { ends_with_parent: true, ..Birth::default() };
        loop {
            self.groups_made += 1;
            let limits = &command.limits;
            let group = if limits.of_all().is_empty() {
                None
            } else {
                Groups::here().limit(&self.instance, self.groups_made, limits)?
            };
            let Some(group) = group else { return Ok((spawn(command, stdio, birth)?, None)) };
            let born = match group.directory() {
                Ok(directory) => spawn(command, stdio, Birth { group: Some(directory.as_fd()), ..birth }),
                Err(error) => {
                    let subject =
                        limits.of_all().into_iter().map(|(key, _)| key).collect::<Vec<_>>().join(", ");
                    Err(SpawnError { stage: Stage::Limits, error, subject, detail: None })
                }
            };
            match born {
                Ok(pid) => return Ok((pid, Some(group))),
                // A spawner that starts sweeps empty groups away, and may have met this one.
                Err(_) if !group.exists() => {}
                Err(error) => {
                    let _ = group.remove();
                    return Err(error);
                }
            }
        }
    }

    /// From now on it is told when a program that has a limit of processes has reached it.
    pub fn watch_limit(&mut self, poller: &Poller, pid: u32) -> io::Result<()> {
        let Some(group) = self.groups.get(&pid) else { return Ok(()) };
        let crowds = match &mut self.crowds {
            Some(crowds) => crowds,
            none => none.insert(Crowds::new(poller, self.token)?),
        };
        crowds.add(pid, group)
    }

    /// The limits of a program that was started with these: those that hold for all of it are read back.
    pub fn limits(&self, pid: u32, set: &Limits) -> Limits {
        self.groups.get(&pid).map_or_else(|| set.clone(), |group| group.limits(set))
    }

    /// Whether something of a program was ended since there was no memory for it; asked when the program has ended, before what is left of it.
    pub fn shortage(&self, pid: u32) -> Option<Shortage> {
        self.groups.get(&pid)?.shortage()
    }

    /// The next thing that happened; to be called until there is none.
    #[expect(clippy::should_implement_trait, reason = "there is always more to come, and it may fail")]
    pub fn next(&mut self) -> io::Result<Option<News>> {
        let next = self.try_next();
        // A signal that comes from here on makes the poller bring the token again.
        self.taken = matches!(next, Ok(Some(_)));
        next
    }

    fn try_next(&mut self) -> io::Result<Option<News>> {
        while !self.taken {
            match self.signals.next()? {
                Some(Delivered::End) => return Ok(Some(News::EndRequested)),
                Some(Delivered::Child) => {}
                None => self.taken = true,
            }
        }
        if let Some(pid) = self.crowds.as_mut().and_then(Crowds::next) {
            return Ok(Some(News::ProcessLimit { pid }));
        }
        if std::mem::take(&mut self.orphan) {
            return Ok(Some(News::Orphan));
        }
        let Some((pid, how)) = reap()? else { return Ok(None) };
        self.stayed.remove(&pid);
        Ok(Some(if self.running.remove(&pid) { News::Ended { pid, how } } else { News::Orphan }))
    }

    /// Of what a program that has ended left to this process, the oldest: from now on it is one of the programs that were started here. `None` if nothing
    /// is left. `mark` and `alone` as for [`Children::end_rest`].
    pub fn follow(&mut self, leader: u32, mark: &OsStr, alone: bool) -> Option<u32> {
        for _ in 0..LOOKS {
            let orphans = self.orphans();
            let own = orphans.alive.into_iter().filter(|pid| alone || belongs(*pid, leader, mark));
            let began = |pid: &u32| stat(*pid).map_or(u64::MAX, |stat| stat.began);
            if let Some(pid) = own.min_by_key(|pid| (began(pid), *pid)) {
                self.running.insert(pid);
                if let Some(group) = self.groups.remove(&leader) {
                    self.groups.insert(pid, group);
                }
                if let Some(crowds) = &mut self.crowds {
                    crowds.rename(leader, pid);
                }
                return Some(pid);
            }
            if orphans.ended.is_empty() {
                return None;
            }
            // What these have left may have been passed over, as not ours then.
            for pid in orphans.ended {
                self.orphan |= reap_one(pid);
            }
        }
        None
    }

    /// Ends by force what a program has left to this process so far: those that were still alive. It is to be called again when
    /// [`News::Orphan`] comes, since what these leave comes here next; nothing is left of a program that has ended when nothing is returned.
    ///
    /// `mark` is what its processes have in their environment; `alone` says that no other program is run here, so that everything is its.
    ///
    /// Only children are ended, whose ids are theirs until they are waited for.
    pub fn end_rest(&mut self, leader: u32, mark: &OsStr, alone: bool) -> Vec<u32> {
        let mut left = Vec::new();
        for looks_left in (0..LOOKS).rev() {
            let mut orphans = self.orphans();
            for pid in orphans.alive {
                if alone || belongs(pid, leader, mark) {
                    if self.spared.get(&leader).is_some_and(|spared| spared.is(pid)) {
                        self.stayed.insert(pid);
                        continue;
                    }
                    // One that may not be ended stays in the list, and is told of.
                    let _ = kill(pid);
                    left.push(pid);
                } else if matches!(kinship(libc::P_PID, pid), Kinship::Ended) {
                    // Nobody's mark can be read any more when it has ended.
                    orphans.ended.push(pid);
                }
            }
            // What ended before its turn came has left its own children to us, and they may have been passed over already, as not ours then. If
            // nothing ended, nothing was passed over: of every process of the tree some forebear was our child all the time.
            if orphans.ended.is_empty() || !left.is_empty() {
                break;
            }
            if looks_left == 0 {
                left = orphans.ended;
                break;
            }
            for pid in orphans.ended {
                self.orphan |= reap_one(pid);
            }
        }
        if left.is_empty() && !self.running.contains(&leader) {
            self.spared.remove(&leader);
            // Refused as long as something stays in it; who sweeps removes it then.
            let _ = self.groups.remove(&leader).map(|group| group.remove());
            if let Some(crowds) = &mut self.crowds {
                crowds.forget(leader);
            }
        }
        left
    }

    /// Ends a program by force, with everything in its process group.
    pub fn end_tree(&mut self, pid: u32) -> io::Result<()> {
        self.signal(pid, Signal::Kill)
    }

    /// Ends by force everything that is a child of this process; what nobody could tell whose it is too.
    pub fn end_all(&mut self) {
        for pid in self.orphans().alive.into_iter().chain(self.running.iter().copied()) {
            let _ = kill(pid);
        }
    }

    /// Whether a program can be asked to end in this way.
    pub fn can(&self, _: u32, action: &StopAction) -> bool {
        match action {
            StopAction::CtrlC | StopAction::Signal(_) | StopAction::Terminate => true,
            StopAction::CtrlBreak
            | StopAction::WmClose
            | StopAction::StdinClose
            | StopAction::Command(_)
            | StopAction::Http(_) => false,
        }
    }

    /// Asks a program, with everything in its process group, to end.
    pub fn ask(&self, pid: u32, action: &StopAction) -> io::Result<()> {
        match action {
            StopAction::CtrlC => self.signal(pid, Signal::Int),
            StopAction::Signal(signal) => self.signal(pid, *signal),
            StopAction::Terminate => self.signal(pid, Signal::Kill),
            StopAction::CtrlBreak
            | StopAction::WmClose
            | StopAction::StdinClose
            | StopAction::Command(_)
            | StopAction::Http(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Sends a signal to a program and everything in its process group, but for what it may leave.
    pub fn signal(&self, pid: u32, signal: Signal) -> io::Result<()> {
        // One that is followed need not lead its group.
        let group = group_of(pid).ok_or(rustix::io::Errno::SRCH)?;
        match self.spared.get(&pid) {
            Some(spared) => spared.signal_others(pid, group, raw(signal)),
            None => rustix::process::kill_process_group(process(group)?, raw(signal))?,
        }
        Ok(())
    }

    /// The children of this process that it did not start, but for those that stay.
    fn orphans(&self) -> Orphans {
        let mut found = Orphans::default();
        if self.running.is_empty() && matches!(kinship(libc::P_ALL, 0), Kinship::None) {
            return found;
        }
        // For a kernel without such a list: to ask for each process whether it is a child is one short system call; its parent in `/proc/PID/stat` would be a file
        // that the kernel has to write out.
        let candidates = listed_children().unwrap_or_else(|_| all_processes());
        for pid in
            candidates.into_iter().filter(|pid| !self.running.contains(pid) && !self.stayed.contains(pid))
        {
            match kinship(libc::P_PID, pid) {
                Kinship::None => {}
                Kinship::Alive => found.alive.push(pid),
                Kinship::Ended => found.ended.push(pid),
            }
        }
        found
    }
}

/// The children of this process as the kernel lists them, where it does.
///
/// The list may leave some out when one of them is taken off it meanwhile; that happens when it is waited for, which nobody but the caller does.
fn listed_children() -> io::Result<Vec<u32>> {
    let mut found = Vec::new();
    for task in std::fs::read_dir("/proc/self/task")? {
        // The kernel begins anew at the first child with every piece that is read: as few as can be.
        let mut list = String::with_capacity(LIST_SIZE);
        File::open(task?.path().join("children"))?.read_to_string(&mut list)?;
        found.extend(list.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    Ok(found)
}

#[derive(Debug, Default)]
struct Orphans {
    alive: Vec<u32>,
    ended: Vec<u32>,
}

enum Kinship {
    /// Not a child of this process.
    None,
    Alive,
    /// Not waited for.
    Ended,
}

/// Whether a process (or, by [`libc::P_ALL`], any) is a child of this one.
fn kinship(kind: libc::idtype_t, pid: u32) -> Kinship {
    let mut told = MaybeUninit::<libc::siginfo_t>::zeroed();
    // Nothing is waited for and nothing is taken away; children that tell of their end by another signal, or none, count too.
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL;
    // SAFETY: `told` is valid for the call; it is all zero, a valid value, where the system doesn't write to it.
    let (done, ended) = unsafe {
        let done = libc::waitid(kind, pid, told.as_mut_ptr(), options);
        (done, told.assume_init().si_pid() != 0)
    };
    match (done, ended) {
        (0, false) => Kinship::Alive,
        (0, true) => Kinship::Ended,
        _ => Kinship::None,
    }
}

/// Whether an orphan is of the program that led this session, or has this mark.
fn belongs(pid: u32, leader: u32, mark: &OsStr) -> bool {
    session(pid) == Some(leader) || environment_value(pid, MARK_VARIABLE).is_some_and(|found| found == mark)
}
