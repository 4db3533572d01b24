//! Control groups (version 2), where this system has them and this process may make them: what is born in one stays in it, whatever it does to its
//! session, its parents and its environment.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{CWD, Mode, OFlags};
use svckit_core::time::Tick;

/// What the names of our groups begin with.
const PREFIX: &str = "svckit-";

/// The control group of an instance.
#[derive(Debug)]
pub struct Group {
    pub(super) path: PathBuf,
}

/// Where groups can be made, found out once.
#[derive(Debug)]
pub struct Groups {
    bases: Vec<PathBuf>,
}

impl Groups {
    /// The places that this process may know of.
    pub fn here() -> Self {
        Self { bases: bases() }
    }

    /// Makes a group for an instance; `None` where that can't be: then marks and sessions have to do.
    pub fn make(&self, instance: &str) -> Option<Group> {
        self.paths(instance).find(|path| fs::create_dir(path).is_ok()).map(|path| Group { path })
    }

    /// The group that was made for an instance, if it is still there.
    pub fn find(&self, instance: &str) -> Option<Group> {
        self.paths(instance).find(|path| path.is_dir()).map(|path| Group { path })
    }

    /// Every group of an instance: its own, and those of its limited programs.
    pub fn all(&self, instance: &str) -> Vec<Group> {
        let Some(own) = name_of(instance) else { return Vec::new() };
        let is_one =
            |name: &str| name.strip_prefix(&own).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let entries = self.bases.iter().filter_map(|base| fs::read_dir(base).ok()).flatten().flatten();
        let found = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_one));
        found.map(|entry| Group { path: entry.path() }).collect()
    }

    /// Where groups may be made.
    pub(super) fn bases(&self) -> &[PathBuf] {
        &self.bases
    }

    /// Where a part of an instance's may be made.
    pub(super) fn parts(&self, instance: &str, number: u32) -> impl Iterator<Item = PathBuf> {
        self.paths(instance).map(move |mut path| {
            path.as_mut_os_string().push(format!(".{number}"));
            path
        })
    }

    #[cfg(test)]
    pub(super) fn below(bases: &[&Path]) -> Self {
        Self { bases: bases.iter().map(|base| (*base).to_owned()).collect() }
    }

    fn paths(&self, instance: &str) -> impl Iterator<Item = PathBuf> {
        let name = name_of(instance);
        self.bases.iter().filter_map(move |base| Some(base.join(name.as_ref()?)))
    }

    /// Removes groups in which nothing is any more, of instances that nobody could clean up after.
    pub fn sweep(&self) {
        for entry in self.bases.iter().filter_map(|base| fs::read_dir(base).ok()).flatten().flatten() {
            if is_ours(&entry.file_name()) {
                // Refused as long as anything is in it.
                let _ = fs::remove_dir(entry.path());
            }
        }
    }
}

impl Group {
    /// Moves this process into the group, unless it was born there; what it starts from now on is born there too.
    pub fn join(&self) -> io::Result<()> {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let name = self.path.file_name().unwrap_or_default();
        if own.lines().any(|line| line.starts_with("0::") && Path::new(line).file_name() == Some(name)) {
            return Ok(());
        }
        fs::write(self.path.join("cgroup.procs"), "0")
    }

    /// Moves this process out of it again.
    pub fn leave(&self) -> io::Result<()> {
        fs::write(self.path.with_file_name("cgroup.procs"), "0")
    }

    /// Its directory, for a process to be born in it.
    pub fn directory(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(CWD, &self.path, flags, Mode::empty())?)
    }

    /// Whether it is there still.
    pub(crate) fn exists(&self) -> bool {
        self.path.is_dir()
    }

    /// The processes in it.
    pub fn members(&self) -> io::Result<Vec<u32>> {
        let list = fs::read_to_string(self.path.join("cgroup.procs"))?;
        Ok(list.lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// Ends everything in it by force, at one blow, and waits until nothing is left, but not beyond `deadline`; whether nothing is left.
    pub fn end(&self, deadline: Tick) -> io::Result<bool> {
        let events = File::open(self.path.join("cgroup.events"))?;
        loop {
            if !fs::read_to_string(self.path.join("cgroup.events"))?.contains("populated 1") {
                return Ok(true);
            }
            fs::write(self.path.join("cgroup.kill"), "1")?;
            let left = deadline.since(crate::clock::now().tick);
            if left.is_zero() {
                return Ok(false);
            }
            let limit = super::unix::limit(left);
            let mut fds = [PollFd::from_borrowed_fd(events.as_fd(), PollFlags::PRI)];
            match rustix::event::poll(&mut fds, Some(&limit)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Removes it. Refused by the system as long as anything is in it.
    pub fn remove(&self) -> io::Result<()> {
        fs::remove_dir(&self.path)
    }
}

fn name_of(instance: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (!instance.is_empty() && instance.len() < 128 && instance.chars().all(plain))
        .then(|| format!("{PREFIX}{instance}"))
}

/// Where groups may be made: at the top, where every service control manager finds them, else below the group of this process, or beside it, where limits can be had if
/// this process was put into a group of its own below one that is its user's.
fn bases() -> Vec<PathBuf> {
    let Some(mount) = fs::read_to_string("/proc/self/mountinfo").ok().as_deref().and_then(mount_point) else {
        return Vec::new();
    };
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = own.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    // A group of ours is no place for others.
    let own: PathBuf = Path::new(own).components().take_while(|part| !is_ours(part.as_os_str())).collect();
    let inner = [Some(own.as_path()), own.parent()].into_iter().flatten();
    let inner = inner.filter(|path| !path.as_os_str().is_empty()).map(|path| mount.join(path));
    [mount.clone()].into_iter().chain(inner).collect()
}

fn is_ours(name: &std::ffi::OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(PREFIX))
}

/// Where version 2 is mounted: the fifth field; the file system's type follows a lone hyphen.
fn mount_point(mountinfo: &str) -> Option<PathBuf> {
    let line = mountinfo
        .lines()
        .find(|line| line.split(" - ").nth(1).is_some_and(|rest| rest.starts_with("cgroup2 ")))?;
    line.split(' ').nth(4).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_is_found_among_others() {
        let text = "30 23 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n\
                    31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw\n\
                    32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n";
        assert_eq!(mount_point(text), Some("/sys/fs/cgroup/unified".into()));
        assert_eq!(mount_point("36 35 98:0 / / rw - ext4 /dev/root rw\n"), None);
    }

    #[test]
    fn names_that_could_lead_elsewhere_are_refused() {
        assert_eq!(name_of("19a-2f-1").as_deref(), Some("svckit-19a-2f-1"));
        for bad in ["", "a/b", "..\0", "\u{e9}"] {
            assert_eq!(name_of(bad), None);
        }
    }
}
