//! Sequences that showed a mistake once. What is printed of one that fails is Rust, and can be put here as it is; what is like in all of them is said shorter.

use svckit_testkit::model::{Change, NewService, Report, Step};

/// `SERVICE_ALL_ACCESS`.
const ALL: u32 = 0xF_01FF;

/// What each showed, and its steps.
pub(super) fn all() -> Vec<(&'static str, Vec<Step>)> {
    vec![
        (
            "a service that joins a process shows its number",
            vec![
                create(1, "c", 0x20, &[]),
                start(1),
                create(2, "a", 0x20, &[]),
                Step::Made { name: "c" },
                start(2),
            ],
        ),
        (
            "a process that died with the service control manager before it connected",
            vec![
                create(0, "c", 0x10, &[]),
                start(0),
                Step::Made { name: "c" },
                Step::Kill { dead: Some("c") },
            ],
        ),
        (
            "a start waits for what the service needs now, not for what it needed",
            vec![
                create(0, "b", 0x10, &[]),
                create(3, "a", 0x10, &["b"]),
                start(3),
                Step::Change { slot: 3, change: Change::Needs(Vec::new()) },
            ],
        ),
        (
            "two that were to share a process share the next one",
            vec![
                create(1, "a", 0x20, &[]),
                start(1),
                create(0, "b", 0x20, &[]),
                start(0),
                Step::Kill { dead: None },
            ],
        ),
        (
            "a service that hints at less time than before hangs earlier",
            vec![
                create(0, "b", 0x10, &[]),
                create(1, "a", 0x10, &["b"]),
                start(1),
                Step::Made { name: "b" },
                Step::Connect { name: "b" },
                Step::Report { name: "b", report: starting(1, 300) },
                Step::Wait { seconds: 31 },
                Step::Report { name: "b", report: starting(2, 0) },
                Step::Wait { seconds: 31 },
            ],
        ),
        (
            "what a process answers to a service control manager that is gone",
            vec![
                create(0, "a", 0x10, &[]),
                start(0),
                Step::Run { name: "a" },
                Step::Control { slot: 0, control: 4 },
                Step::Kill { dead: None },
                Step::Open { slot: 0, name: "a", access: ALL },
                Step::Control { slot: 0, control: 1 },
                Step::Answer { name: "a", code: 0 },
            ],
        ),
    ]
}

fn create(slot: usize, name: &'static str, kind: u32, needs: &[&'static str]) -> Step {
    let new = NewService {
        kind,
        start: 3,
        error: 1,
        group: None,
        tag: false,
        needs: needs.to_vec(),
        account: None,
        display: None,
        access: ALL,
    };
    Step::Create { slot, name, new }
}

fn starting(checkpoint: u32, hint: u32) -> Report {
    Report { state: 2, accepted: 0, exit: (0, 0), checkpoint, hint }
}

fn start(slot: usize) -> Step {
    Step::Start { slot, arguments: 0 }
}
