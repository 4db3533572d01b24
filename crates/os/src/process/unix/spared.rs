//! Processes of a program's tree that go on when it ends: those that run a program of certain names, with what they have started.

use std::ffi::OsStr;

use rustix::process::Signal as RawSignal;
use svckit_core::pattern::{Pattern, is_pattern};

use super::{all_processes, group_of, pidfd, stat};

/// How many bytes of a program's name the kernel keeps.
const KEPT: usize = 15;

/// The names.
#[derive(Debug)]
pub(super) struct Spared(Vec<Pattern>);

impl Spared {
    /// `None` for no names.
    pub(super) fn new(names: &[String]) -> Option<Self> {
        let kept = |name: &&String| name.len() > KEPT && !is_pattern(name);
        let short = names.iter().filter(kept).filter_map(|name| name.get(..KEPT));
        let all: Vec<_> = names.iter().map(String::as_str).chain(short).map(Pattern::new).collect();
        (!all.is_empty()).then_some(Self(all))
    }

    /// Whether a process runs one of them: as the kernel calls it, by which scripts have their own names, or as its file is called.
    pub(super) fn is(&self, pid: u32) -> bool {
        let named = |name: &str| self.0.iter().any(|pattern| pattern.matches(name));
        let kept = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        if named(kept.trim_end_matches('\n')) {
            return true;
        }
        let file = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
        let name = file.file_name().and_then(OsStr::to_str).unwrap_or_default();
        // What the kernel adds when another file has taken its place.
        named(name.strip_suffix(" (deleted)").unwrap_or(name))
    }

    /// Whether a process or one from which it descends does, below the program itself and this process.
    fn covers(&self, leader: u32, mut pid: u32) -> bool {
        let own = std::process::id();
        while pid > 1 && pid != own && pid != leader {
            if self.is(pid) {
                return true;
            }
            let Some(stat) = stat(pid) else { return false };
            pid = stat.parent;
        }
        false
    }

    /// Sends a signal to the processes of a group that are not covered, the program itself among them.
    pub(super) fn signal_others(&self, leader: u32, group: u32, signal: RawSignal) {
        for pid in all_processes() {
            if group_of(pid) != Some(group) || self.covers(leader, pid) {
                continue;
            }
            // The handle first, then the look that counts: the id may have become another process's in between.
            if let Ok(handle) = pidfd(pid)
                && group_of(pid) == Some(group)
            {
                // One that has ended meanwhile is what is wanted.
                let _ = rustix::process::pidfd_send_signal(&handle, signal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_names() {
        let own = std::env::current_exe().unwrap();
        let own = own.file_name().unwrap().to_str().unwrap().to_owned();
        let is = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            Spared::new(&names).is_some_and(|spared| spared.is(std::process::id()))
        };
        assert!(is(&["other", &own]) && is(&["svckit*"]));
        assert!(!is(&[]) && !is(&["other"]) && !is(&[&own[..5]]));
    }
}
