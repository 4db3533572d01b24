//! Control groups that limit what is in them, each for one program with everything that it starts. They lie beside the group of the instance and not in it: a group
//! that gives limits to those below it may have no processes itself.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::Access;
use rustix::io::Errno;
use svckit_core::limits::{Limits, Shortage};

use super::group::{Group, Groups};
use crate::event::{Interest, Poller};
use crate::process::{SpawnError, Stage};
use crate::watch::Watch;

/// Which controllers a group gives to those below it.
const SWITCHES: &str = "cgroup.subtree_control";

/// Not there where nobody counts swap space.
const SWAP: &str = "memory.swap.max";

/// In which pieces processor time is given, in microseconds: the kernel's own.
const PERIOD: u64 = 100_000;

/// One limit of a definition.
struct Limit {
    /// As it is written there.
    subject: String,
    /// What in the kernel sees to it.
    controller: &'static str,
    /// The files of the group, with what is written to them.
    files: Vec<(&'static str, String)>,
}

fn wanted(limits: &Limits) -> Vec<Limit> {
    let memory = limits.memory.map(|size| {
        // Without swap on top, as on Windows; and the whole of it is ended: a part that goes on without the rest is what nobody has tried.
        let files =
            [("memory.max", size.to_string()), ("memory.oom.group", "1".to_owned()), (SWAP, "0".to_owned())];
        ("memory", files.to_vec())
    });
    let cpu = limits.cpu.map(|percent| {
        let time = u64::from(percent) * PERIOD / 100;
        ("cpu", vec![("cpu.max", format!("{time} {PERIOD}"))])
    });
    let processes = limits.processes.map(|count| ("pids", vec![("pids.max", count.to_string())]));
    // They are told in the same order.
    let all = limits.of_all().into_iter().zip([memory, cpu, processes].into_iter().flatten());
    all.map(|((key, value), (controller, files))| Limit {
        subject: format!("{key} = {value}"),
        controller,
        files,
    })
    .collect()
}

/// Why a limit can't be set in some place.
struct Refusal<'a> {
    limit: &'a Limit,
    /// The larger, the nearer was it to a success: what is said of that place helps most.
    weight: u8,
    error: io::Error,
    why: String,
}

impl<'a> Refusal<'a> {
    fn nowhere(limit: &'a Limit) -> Self {
        let why = "there are no control groups of version 2 here".to_owned();
        Self { limit, weight: 0, error: Errno::NOTSUP.into(), why }
    }

    fn no_controller(limit: &'a Limit, base: &Path) -> Self {
        let why =
            format!("the control group {} has no controller {:?} to give", base.display(), limit.controller);
        Self { limit, weight: 1, error: Errno::NOTSUP.into(), why }
    }

    fn system(limit: &'a Limit, base: &Path, error: io::Error) -> Self {
        let base = base.display();
        let (weight, why) = match Errno::from_io_error(&error) {
            Some(Errno::ACCESS | Errno::PERM | Errno::ROFS) => {
                (2, format!("this user may not make control groups with limits in {base}"))
            }
            Some(Errno::BUSY) => (
                4,
                format!(
                    "only a control group without processes of its own can give limits, and {base} has some"
                ),
            ),
            _ => (3, format!("in the control group {base}")),
        };
        Self { limit, weight, error, why }
    }
}

impl From<Refusal<'_>> for SpawnError {
    fn from(refusal: Refusal<'_>) -> Self {
        let Refusal { limit, weight: _, error, why } = refusal;
        Self { stage: Stage::Limits, error, subject: limit.subject.clone(), detail: Some(why) }
    }
}

impl Groups {
    /// Makes a group with limits, the one of this number of an instance; `None` if there is nothing to limit so.
    pub(crate) fn limit(
        &self,
        instance: &str,
        number: u32,
        limits: &Limits,
    ) -> Result<Option<Group>, SpawnError> {
        let wanted = wanted(limits);
        best(&wanted, self.parts(instance, number).map(|path| make(&path, &wanted)))
    }

    /// Why limits can't be set here, if they can't, as far as can be seen without a try.
    pub(crate) fn refuse(&self, limits: &Limits) -> Option<SpawnError> {
        let wanted = wanted(limits);
        let looks = self.bases().iter().map(|base| wanted.iter().try_for_each(|limit| look(base, limit)));
        best(&wanted, looks).err()
    }
}

/// What comes of the first place where it can be, else why it can't where that says most.
fn best<'a, T>(
    wanted: &'a [Limit],
    attempts: impl Iterator<Item = Result<T, Refusal<'a>>>,
) -> Result<Option<T>, SpawnError> {
    let Some(first) = wanted.first() else { return Ok(None) };
    let mut refusal = Refusal::nowhere(first);
    for attempt in attempts {
        match attempt {
            Ok(made) => return Ok(Some(made)),
            Err(other) if other.weight > refusal.weight => refusal = other,
            Err(_) => {}
        }
    }
    Err(refusal.into())
}

fn make<'a>(path: &Path, wanted: &'a [Limit]) -> Result<Group, Refusal<'a>> {
    let base = path.parent().unwrap_or(path);
    for limit in wanted {
        if !is_given(base, limit)? {
            let switched = put(&base.join(SWITCHES), &format!("+{}", limit.controller));
            switched.map_err(|error| Refusal::system(limit, base, error))?;
        }
    }
    // An empty one of the name was left by a process that had the id of this one.
    let _ = fs::remove_dir(path);
    let group = Group { path: path.to_owned() };
    let mut made = fs::create_dir(path);
    for limit in wanted {
        made = made.and_then(|()| group.set(limit));
        if let Err(error) = made {
            let _ = group.remove();
            return Err(Refusal::system(limit, base, error));
        }
    }
    Ok(group)
}

/// Whether a group gives the controller of a limit to those below it already; it can if it doesn't.
fn is_given<'a>(base: &Path, limit: &'a Limit) -> Result<bool, Refusal<'a>> {
    let has = |file| {
        let list = fs::read_to_string(base.join(file)).unwrap_or_default();
        list.split_ascii_whitespace().any(|word| word == limit.controller)
    };
    match (has(SWITCHES), has("cgroup.controllers")) {
        (false, false) => Err(Refusal::no_controller(limit, base)),
        (given, _) => Ok(given),
    }
}

/// The same as far as it can be foreseen of the whole of [`make`].
fn look<'a>(base: &Path, limit: &'a Limit) -> Result<(), Refusal<'a>> {
    let file = if is_given(base, limit)? { None } else { Some(base.join(SWITCHES)) };
    let refused = |errno: Errno| Refusal::system(limit, base, errno.into());
    rustix::fs::access(file.as_deref().unwrap_or(base), Access::WRITE_OK).map_err(refused)?;
    let processes = || fs::read_to_string(base.join("cgroup.procs")).unwrap_or_default();
    // The group at the top, which has no type, may have both.
    if file.is_some() && base.join("cgroup.type").exists() && !processes().is_empty() {
        return Err(refused(Errno::BUSY));
    }
    Ok(())
}

impl Group {
    fn set(&self, limit: &Limit) -> io::Result<()> {
        for (file, value) in &limit.files {
            match put(&self.path.join(file), value) {
                Err(error) if *file == SWAP && error.kind() == io::ErrorKind::NotFound => {}
                done => done?,
            }
        }
        Ok(())
    }

    /// The limits that hold for all in it, as the kernel has them, beside those of each process.
    pub(crate) fn limits(&self, of_each: &Limits) -> Limits {
        let read = |file| fs::read_to_string(self.path.join(file)).unwrap_or_default();
        let cpu = read("cpu.max");
        let share = cpu.trim().split_once(' ').and_then(|(time, period)| {
            let (time, period): (u64, u64) = (time.parse().ok()?, period.parse().ok()?);
            u32::try_from((time.checked_mul(100)?).checked_div(period)?).ok()
        });
        Limits {
            // Without a limit it is a word.
            memory: read("memory.max").trim().parse().ok(),
            cpu: share,
            processes: read("pids.max").trim().parse().ok(),
            ..of_each.clone()
        }
    }

    /// Whether something in it was ended since there was no memory for it, and whose fault that was.
    pub(crate) fn shortage(&self) -> Option<Shortage> {
        let events = fs::read_to_string(self.path.join("memory.events")).ok()?;
        let has = |event: &str| has_counted(&events, event);
        let whose = if has("oom") { Shortage::Limit } else { Shortage::Around };
        has("oom_kill").then_some(whose)
    }
}

/// Whether something is counted in a file of events that has happened.
fn has_counted(events: &str, event: &str) -> bool {
    let mut counts = events.lines().filter_map(|line| line.split_once(' '));
    counts.any(|(name, count)| name == event && count != "0")
}

/// Tells which groups have refused a process because of their limit. The kernel counts that in a file, and tells who watches the group of a change.
#[derive(Debug)]
pub(crate) struct Crowds {
    watch: Watch,
    /// The files of those of which nothing was told yet, by their programs.
    watched: HashMap<u32, PathBuf>,
}

impl Crowds {
    /// `poller` brings `token` when there is something to tell.
    pub(crate) fn new(poller: &Poller, token: u64) -> io::Result<Self> {
        let watch = Watch::new()?;
        poller.add(&watch, token, Interest::Read)?;
        Ok(Self { watch, watched: HashMap::new() })
    }

    /// Watches the group of a program.
    pub(crate) fn add(&mut self, pid: u32, group: &Group) -> io::Result<()> {
        self.watch.add(&group.path)?;
        self.watched.insert(pid, group.path.join("pids.events"));
        Ok(())
    }

    /// Another process is the program now.
    pub(crate) fn rename(&mut self, from: u32, to: u32) {
        let file = self.watched.remove(&from);
        self.watched.extend(file.map(|file| (to, file)));
    }

    /// A program that was refused a process; each is told once.
    pub(crate) fn next(&mut self) -> Option<u32> {
        // What can't be read has nothing to tell.
        let _ = self.watch.drain();
        let is_full =
            |file: &PathBuf| fs::read_to_string(file).is_ok_and(|events| has_counted(&events, "max"));
        let pid = self.watched.iter().find(|(_, file)| is_full(file)).map(|(pid, _)| *pid)?;
        self.watched.remove(&pid);
        Some(pid)
    }

    /// The program has ended.
    pub(crate) fn forget(&mut self, pid: u32) {
        self.watched.remove(&pid);
    }
}

/// Writes to one of the kernel's files, which is there or isn't.
fn put(file: &Path, value: &str) -> io::Result<()> {
    File::options().write(true).open(file)?.write_all(value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { memory: Some(64 << 20), cpu: Some(150), processes: Some(9), ..Limits::default() }
    }

    /// A folder that looks like a control group.
    fn base(controllers: &str, given: &str) -> tempfile::TempDir {
        let base = tempfile::tempdir().unwrap();
        for (file, text) in [("cgroup.controllers", controllers), (SWITCHES, given)] {
            fs::write(base.path().join(file), text).unwrap();
        }
        base
    }

    fn refused(base: &Path) -> String {
        Groups::below(&[base]).refuse(&limits()).unwrap().to_string()
    }

    #[test]
    fn each_limit_is_written_as_the_kernel_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let group = Group { path: folder.path().to_owned() };
        let files = ["memory.max", "memory.oom.group", "cpu.max", "pids.max"];
        for file in files {
            fs::write(folder.path().join(file), "").unwrap();
        }
        // Without a file for swap space, which isn't there everywhere; the others have to be.
        wanted(&limits()).iter().for_each(|limit| group.set(limit).unwrap());
        let read = |file: &str| fs::read_to_string(folder.path().join(file)).unwrap();
        assert_eq!(files.map(read), ["67108864", "1", "150000 100000", "9"]);
        fs::write(folder.path().join(SWAP), "").unwrap();
        wanted(&limits()).iter().for_each(|limit| group.set(limit).unwrap());
        assert_eq!(read(SWAP), "0");
        fs::remove_file(folder.path().join("pids.max")).unwrap();
        assert_eq!(group.set(&wanted(&limits())[2]).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_is_not_given_is_asked_for_and_nothing_is_left_of_a_failure() {
        let base = base("cpuset cpu memory pids", "memory cpu");
        let made = Groups::below(&[base.path()]).limit("i", 1, &limits()).unwrap_err();
        // A folder that the kernel didn't make has no files.
        assert_eq!((made.stage, made.subject.as_str()), (Stage::Limits, "memory = 64MiB"));
        let switches = fs::read_to_string(base.path().join(SWITCHES)).unwrap();
        assert!(switches.starts_with("+pids"), "{switches}");
        assert!(!base.path().join("svckit-i.1").exists());
        assert!(Groups::below(&[base.path()]).limit("i", 2, &Limits::default()).unwrap().is_none());
    }

    #[test]
    fn why_it_can_not_be_is_said_of_the_place_that_came_nearest() {
        let (good, none) = (base("memory cpu pids", "memory cpu"), base("cpu", ""));
        assert!(Groups::below(&[none.path(), good.path()]).refuse(&limits()).is_none());
        let expected = format!(
            "cannot set the limit \"memory = 64MiB\": operation not supported: the control group {} has no controller \"memory\" to give",
            none.path().display()
        );
        assert_eq!(refused(none.path()), expected);
        fs::write(good.path().join("cgroup.type"), "domain").unwrap();
        fs::write(good.path().join("cgroup.procs"), "17\n").unwrap();
        let told = Groups::below(&[none.path(), good.path()]).refuse(&limits()).unwrap().to_string();
        assert!(told.starts_with("cannot set the limit \"processes = 9\": "), "{told}");
        assert!(told.contains("without processes of its own can give limits"), "{told}");
        let nowhere = Groups::below(&[]).refuse(&limits()).unwrap().to_string();
        assert!(nowhere.ends_with("there are no control groups of version 2 here"), "{nowhere}");
        assert!(Groups::below(&[]).refuse(&Limits::default()).is_none());
    }

    #[test]
    fn limits_are_read_back_as_the_kernel_writes_them() {
        let folder = tempfile::tempdir().unwrap();
        let group = Group { path: folder.path().to_owned() };
        let of_each = Limits { open_files: Some(64), memory: Some(1), ..Limits::default() };
        let none = Limits { memory: None, ..of_each.clone() };
        assert_eq!(group.limits(&of_each), none, "there are no files");
        for (files, expected) in [
            (["max\n", "max 100000\n", "max\n"], none.clone()),
            (["67108864\n", "150000 100000\n", "9\n"], Limits { open_files: Some(64), ..limits() }),
            (["x", "1 0", "-1"], none),
        ] {
            for (file, text) in ["memory.max", "cpu.max", "pids.max"].iter().zip(files) {
                fs::write(folder.path().join(file), text).unwrap();
            }
            assert_eq!(group.limits(&of_each), expected, "{files:?}");
        }
    }

    #[test]
    fn who_was_refused_a_process_is_told_once() {
        let poller = Poller::new().unwrap();
        let mut crowds = Crowds::new(&poller, 4).unwrap();
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        for (pid, folder) in [11, 12].into_iter().zip(&folders) {
            fs::write(folder.path().join("pids.events"), "max 0\n").unwrap();
            crowds.add(pid, &Group { path: folder.path().to_owned() }).unwrap();
        }
        assert_eq!(crowds.next(), None);
        crowds.rename(12, 13);
        fs::write(folders[1].path().join("pids.events"), "max 2\n").unwrap();
        let mut ready = Vec::new();
        poller.wait(&mut ready, None).unwrap();
        assert_eq!(ready[0].token, 4);
        assert_eq!((crowds.next(), crowds.next()), (Some(13), None));
        fs::write(folders[0].path().join("pids.events"), "max 1\n").unwrap();
        crowds.forget(11);
        assert_eq!(crowds.next(), None, "it has ended");
    }

    #[test]
    fn a_shortage_is_told_by_what_the_kernel_counted() {
        let folder = tempfile::tempdir().unwrap();
        let group = Group { path: folder.path().to_owned() };
        assert_eq!(group.shortage(), None);
        for (counted, expected) in [
            ("max 7\noom 0\noom_kill 0\n", None),
            ("max 7\noom 1\noom_kill 0\n", None),
            ("max 7\noom 1\noom_kill 3\n", Some(Shortage::Limit)),
            ("max 0\noom 0\noom_kill 1\n", Some(Shortage::Around)),
        ] {
            fs::write(folder.path().join("memory.events"), format!("low 0\n{counted}oom_group_kill 1\n"))
                .unwrap();
            assert_eq!(group.shortage(), expected, "{counted}");
        }
    }
}
