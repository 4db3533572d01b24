//! Processes of a job that go on when its program ends: those that run a program of certain names, with what they have started.

use std::collections::HashMap;
use std::ffi::OsStr;

use svckit_core::pattern::NamePattern;

use super::program_of;
use crate::usage;

/// The names, with or without `.exe`.
#[derive(Debug)]
pub(super) struct Spared(Vec<NamePattern>);

impl Spared {
    /// `None` for no names.
    pub(super) fn new(names: &[String]) -> Option<Self> {
        (!names.is_empty()).then(|| Self(names.iter().map(|name| NamePattern::new(name)).collect()))
    }

    /// The processes of a job that neither run one of them nor descend from one of the job that does. The one that leads the job is always among them.
    pub(super) fn others(&self, leader: u32, processes: Vec<u32>) -> Vec<u32> {
        let parents: HashMap<u32, u32> = usage::parents().unwrap_or_default().into_iter().collect();
        let others = processes.iter().copied().filter(|&pid| {
            let below = |pid: &u32| *pid != leader && processes.contains(pid);
            let parent = |pid: &u32| parents.get(pid).copied().filter(below);
            // An id that was used again can make a circle of it.
            let mut line = std::iter::successors(Some(pid).filter(below), parent).take(processes.len());
            !line.any(|pid| self.is(pid))
        });
        others.collect()
    }

    fn is(&self, pid: u32) -> bool {
        let Some(program) = program_of(pid) else { return false };
        let names = [program.file_name(), program.file_stem()];
        names
            .into_iter()
            .flatten()
            .filter_map(OsStr::to_str)
            .any(|name| self.0.iter().any(|one| one.matches(name)))
    }
}
