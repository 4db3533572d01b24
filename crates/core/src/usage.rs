//! What processes use of the machine, and whose they are: sums over trees of processes.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::millis;

/// What one process, or a tree of them, uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time since it began, that of processes it has waited for included.
    #[serde(with = "millis", rename = "cpu_ms")]
    pub cpu: Duration,
    /// Memory that is resident, in bytes; what several processes share counts for each.
    pub memory: u64,
    /// How many processes.
    pub processes: u32,
}

/// A process as the system tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// The process that started it, or that got it as an orphan.
    pub parent: u32,
    /// The session it belongs to; zero where there are none, or where its leader is out of sight (outside of the container).
    pub session: u32,
    /// When it began, on a clock of the system's own.
    pub began: u64,
    /// Processor time of its own.
    pub cpu: Duration,
    /// Processor time of the children that it has waited for.
    pub waited: Duration,
    /// Resident memory in bytes.
    pub memory: u64,
}

/// The processes of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roots {
    /// The service's process: its host, or the service itself if it has no host.
    pub service: u32,
    /// The program that a host runs.
    pub program: Option<u32>,
    /// Whether it has a host.
    pub hosted: bool,
    /// Whether no other service is in the process, so that every process below a host is this service's.
    pub alone: bool,
}

/// All processes at one moment.
#[derive(Debug)]
pub struct Processes {
    by_id: HashMap<u32, Process>,
    children: HashMap<u32, Vec<u32>>,
    sessions: HashMap<u32, Vec<u32>>,
}

impl Processes {
    /// Those that the system listed.
    pub fn new(listed: impl IntoIterator<Item = Process>) -> Self {
        let by_id: HashMap<u32, Process> = listed.into_iter().map(|process| (process.pid, process)).collect();
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut sessions: HashMap<u32, Vec<u32>> = HashMap::new();
        for process in by_id.values() {
            // Where orphans keep the number of their parent, it may be another process's by now, which is younger then.
            if by_id.get(&process.parent).is_some_and(|parent| parent.began <= process.began) {
                children.entry(process.parent).or_default().push(process.pid);
            }
            if process.session != 0 {
                sessions.entry(process.session).or_default().push(process.pid);
            }
        }
        Self { by_id, children, sessions }
    }

    /// What the program of a service uses, with all that it started, and what its host uses.
    ///
    /// Orphans are the program's if they are still in its session; and all of them if the host has no other service.
    pub fn usage(&self, roots: Roots) -> (Option<Usage>, Option<Usage>) {
        if !roots.hosted {
            return (self.sum(vec![roots.service], &mut HashSet::new()), None);
        }
        let mut first = Vec::new();
        if let Some(program) = roots.program {
            first.push(program);
            first.extend(self.sessions.get(&program).into_iter().flatten());
        }
        if roots.alone {
            first.extend(self.children.get(&roots.service).into_iter().flatten());
        }
        // A program may have asked for a session that its host is in.
        let program = self.sum(first, &mut HashSet::from([roots.service]));
        let host = self.by_id.get(&roots.service);
        let host = host.map(|host| Usage { cpu: host.cpu, memory: host.memory, processes: 1 });
        (program, host)
    }

    /// The sum over these processes and all below them, each once and without those that were `seen`; nothing if there are none.
    fn sum(&self, mut left: Vec<u32>, seen: &mut HashSet<u32>) -> Option<Usage> {
        let mut usage = Usage::default();
        while let Some(pid) = left.pop() {
            let Some(process) = self.by_id.get(&pid) else { continue };
            if !seen.insert(pid) {
                continue;
            }
            usage.cpu += process.cpu + process.waited;
            usage.memory += process.memory;
            usage.processes += 1;
            left.extend(self.children.get(&pid).into_iter().flatten());
        }
        (usage.processes > 0).then_some(usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that uses a millisecond and a byte for each of its number, and waited for ones that took a second.
    fn process(pid: u32, parent: u32, session: u32) -> Process {
        Process {
            pid,
            parent,
            session,
            began: u64::from(pid),
            cpu: Duration::from_millis(pid.into()),
            waited: Duration::from_secs(1),
            memory: pid.into(),
        }
    }

    fn roots(service: u32, program: Option<u32>) -> Roots {
        Roots { service, program, hosted: true, alone: false }
    }

    fn usage(cpu_ms: u64, memory: u64, processes: u32) -> Option<Usage> {
        Some(Usage { cpu: Duration::from_millis(cpu_ms), memory, processes })
    }

    /// Host 10 with programs 20 (children 21, 22, and 23 as an orphan) and 30 (31 in a session of its own).
    fn shared() -> Processes {
        Processes::new([
            process(10, 1, 10),
            process(20, 10, 20),
            process(21, 20, 20),
            process(22, 21, 22),
            process(23, 10, 20),
            process(30, 10, 30),
            process(31, 30, 31),
            process(32, 10, 32),
        ])
    }

    #[test]
    fn programs_of_one_host_are_kept_apart() {
        let all = shared();
        let host = usage(10, 10, 1);
        assert_eq!(all.usage(roots(10, Some(20))), (usage(4086, 86, 4), host));
        assert_eq!(all.usage(roots(10, Some(30))), (usage(2061, 61, 2), host));
        assert_eq!(all.usage(roots(10, None)), (None, host));
        assert_eq!(all.usage(roots(99, Some(98))), (None, None));
    }

    #[test]
    fn everything_below_a_host_of_one_service_is_its() {
        let alone = Roots { alone: true, ..roots(10, Some(20)) };
        assert_eq!(shared().usage(alone), (usage(7179, 179, 7), usage(10, 10, 1)));
    }

    #[test]
    fn without_a_host_the_process_is_the_program() {
        let own = Roots { hosted: false, ..roots(30, None) };
        assert_eq!(shared().usage(own), (usage(2061, 61, 2), None));
    }

    #[test]
    fn a_process_is_no_child_of_a_younger_one() {
        let all = Processes::new([process(50, 1, 0), Process { began: 2, ..process(60, 50, 0) }]);
        let own = Roots { hosted: false, ..roots(50, None) };
        assert_eq!(all.usage(own).0, usage(1050, 50, 1));
    }

    #[test]
    fn a_circle_of_parents_has_an_end() {
        let all = Processes::new([
            Process { began: 0, ..process(1, 2, 1) },
            Process { began: 0, ..process(2, 1, 1) },
        ]);
        assert_eq!(all.usage(roots(9, Some(1))).0.map(|usage| usage.processes), Some(2));
    }
}
