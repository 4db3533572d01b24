//! What a program, with everything that it starts, may use of the machine.

use serde::{Deserialize, Serialize};

use crate::units::written_size;

/// Why a program had no more memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// Its limit.
    Limit,
    /// None was left on the machine, or for the group of processes that svckit itself is in.
    Around,
}

/// How much processor time it gets where others want some too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// What others leave.
    Idle,
    /// Less than others.
    BelowNormal,
    /// As others.
    Normal,
    /// More than others.
    AboveNormal,
    /// Much more than others.
    High,
    /// Before all others.
    Realtime,
}

impl Priority {
    /// Every priority with the word for it.
    pub const NAMED: &'static [(&'static str, Self)] = &[
        ("idle", Self::Idle),
        ("below-normal", Self::BelowNormal),
        ("normal", Self::Normal),
        ("above-normal", Self::AboveNormal),
        ("high", Self::High),
        ("realtime", Self::Realtime),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        Self::NAMED.iter().find(|(_, priority)| *priority == self).map_or("normal", |(word, _)| word)
    }

    /// The nice value that it is on Unix.
    pub const fn nice(self) -> i32 {
        match self {
            Self::Idle => 19,
            Self::BelowNormal => 10,
            Self::Normal => 0,
            Self::AboveNormal => -5,
            Self::High => -10,
            Self::Realtime => -20,
        }
    }

    /// The priority that is nearest to a nice value.
    pub fn of_nice(nice: i32) -> Self {
        let all = Self::NAMED.iter().map(|(_, priority)| *priority);
        all.min_by_key(|priority| (priority.nice() - nice).abs()).unwrap_or(Self::Normal)
    }

    /// The priority class that it is on Windows (`SetPriorityClass`).
    pub const fn class(self) -> u32 {
        match self {
            Self::Idle => 0x40,
            Self::BelowNormal => 0x4000,
            Self::Normal => 0x20,
            Self::AboveNormal => 0x8000,
            Self::High => 0x80,
            Self::Realtime => 0x100,
        }
    }

    /// The priority of a class; `None` if there is no such.
    pub fn of_class(class: u32) -> Option<Self> {
        Self::NAMED.iter().map(|(_, priority)| *priority).find(|priority| priority.class() == class)
    }
}

/// The limits of a program; what is absent is as for the host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Its priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// The numbers of the processors that it may run on, ascending; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub affinity: Vec<u16>,
    /// How many files each process may have open; not on Windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
    /// How large the memory image of a process that crashed may be, in bytes; not on Windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub core_size: Option<u64>,
    /// How much memory it may have in all, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// How much processor time it may have in all: hundredths of what one processor has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// How many processes it may be; where the system counts threads (Linux), threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<u32>,
}

impl Limits {
    /// The number of the last processor that can be named.
    pub const LAST_PROCESSOR: u16 = 1023;

    /// A size without a limit.
    pub const UNLIMITED: u64 = u64::MAX;

    /// The least memory that a program can be limited to: with less none gets as far as to say what it lacks.
    pub const LEAST_MEMORY: u64 = 1 << 20;

    /// The most processor time that it makes sense to say: all of the last processor that can be named, and of those before it.
    pub const MOST_CPU: u32 = (Self::LAST_PROCESSOR as u32 + 1) * 100;

    /// The most processes that a system has numbers for.
    pub const MOST_PROCESSES: u32 = 1 << 22;

    /// Whether nothing is limited.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The limits of a program together with everything that it starts, each with its key and its value as people write it.
    pub fn of_all(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("memory", self.memory.map(written_size)),
            ("cpu", self.cpu.map(|cpu| format!("{cpu}%"))),
            ("processes", self.processes.map(|count| count.to_string())),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_priority_is_known_by_its_word_its_nice_value_and_its_class() {
        for (word, priority) in Priority::NAMED {
            assert_eq!(serde_json::to_string(priority).unwrap(), format!("{word:?}"));
            assert_eq!(priority.word(), *word);
            assert_eq!(Priority::of_nice(priority.nice()), *priority);
            assert_eq!(Priority::of_class(priority.class()), Some(*priority));
        }
        assert_eq!(Priority::of_nice(12), Priority::BelowNormal);
        assert_eq!(Priority::of_class(0), None);
    }

    #[test]
    fn what_holds_for_all_together_is_told_as_it_is_written() {
        assert_eq!(Limits { core_size: Some(1), ..Limits::default() }.of_all(), []);
        let limits =
            Limits { memory: Some(512 << 20), cpu: Some(150), processes: Some(7), ..Limits::default() };
        let told: Vec<_> = limits.of_all().into_iter().map(|(key, value)| format!("{key} {value}")).collect();
        assert_eq!(told, ["memory 512MiB", "cpu 150%", "processes 7"]);
    }

    #[test]
    fn nothing_is_stored_where_nothing_is_limited() {
        assert_eq!(serde_json::to_string(&Limits::default()).unwrap(), "{}");
        let limits = Limits { affinity: vec![0, 2], core_size: Some(Limits::UNLIMITED), ..Limits::default() };
        let text = serde_json::to_string(&limits).unwrap();
        assert_eq!(serde_json::from_str::<Limits>(&text).unwrap(), limits);
    }
}
