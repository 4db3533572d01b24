//! Sequences that showed a mistake once. What is printed of one that fails is Rust, and can be put here as it is; what is like in all of them is said shorter.

use svckit_testkit::model::{Change, Change2, NewService, Report, Step};

/// `SERVICE_ALL_ACCESS`.
const ALL: u32 = 0xF_01FF;

/// What each showed, and its steps.
pub(super) fn all() -> Vec<(&'static str, Vec<Step>)> {
    [lives(), moments(), waits(), ends()].concat()
}

/// Starts, processes, and the death of the service control manager.
fn lives() -> Vec<(&'static str, Vec<Step>)> {
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

/// What is due at the same moment.
fn moments() -> Vec<(&'static str, Vec<Step>)> {
    vec![
        (
            "of two actions that are due at the same moment that of the first failure comes first",
            vec![
                create(0, "a", 0x10, &[]),
                create(1, "b", 0x10, &["a"]),
                actions(0, 3),
                Step::Change2 { slot: 0, change: Change2::Command("/bin/tell") },
                actions(1, 1),
                start(1),
                Step::Run { name: "a" },
                Step::Run { name: "b" },
                Step::Die { name: "b" },
                Step::Die { name: "a" },
                Step::Wait { seconds: 5 },
            ],
        ),
        (
            "the delayed start comes before an action that was planned later for the same moment",
            vec![
                create(0, "a", 0x10, &[]),
                create(1, "b", 0x10, &["a"]),
                Step::Change { slot: 1, change: Change::Start(2) },
                Step::Change2 { slot: 1, change: Change2::Delayed(true) },
                actions(0, 3),
                Step::Change2 { slot: 0, change: Change2::Command("/bin/tell") },
                Step::Boot,
                Step::Wait { seconds: 119 },
                Step::Open { slot: 0, name: "a", access: ALL },
                start(0),
                Step::Run { name: "a" },
                Step::Die { name: "a" },
                Step::Wait { seconds: 5 },
            ],
        ),
    ]
}

/// Waits for services that come and go.
fn waits() -> Vec<(&'static str, Vec<Step>)> {
    vec![
        (
            "a client that goes on late is told of what came and went, and begins anew if that is too much",
            vec![
                Step::OpenManager { slot: 2 },
                Step::Watch { slot: 2, mask: 0x180 },
                create(0, "a", 0x10, &[]),
                Step::Ask { slot: 2 },
                Step::Unwatch { slot: 2 },
                create(1, "b", 0x10, &[]),
                Step::Watch { slot: 2, mask: 0x180 },
                Step::Ask { slot: 2 },
                Step::Unwatch { slot: 2 },
            ]
            .into_iter()
            .chain(
                (0..5).flat_map(|_| {
                    [create(3, "c", 0x10, &[]), Step::Delete { slot: 3 }, Step::Close { slot: 3 }]
                }),
            )
            .chain([
                Step::Watch { slot: 2, mask: 0x180 },
                Step::OpenManager { slot: 2 },
                Step::Watch { slot: 2, mask: 0x180 },
            ])
            .collect(),
        ),
        (
            "closing the service control manager ends the wait",
            vec![
                Step::OpenManager { slot: 2 },
                Step::Watch { slot: 2, mask: 0x80 },
                Step::Ask { slot: 2 },
                Step::Close { slot: 2 },
            ],
        ),
    ]
}

/// The end of the service control manager.
fn ends() -> Vec<(&'static str, Vec<Step>)> {
    vec![
        (
            "what is to be done before the shutdown has its whole time",
            vec![
                create(0, "a", 0x10, &[]),
                start(0),
                Step::Run { name: "a" },
                Step::Report { name: "a", report: Report { accepted: 0x101, ..running() } },
                Step::Shutdown,
                Step::Report { name: "a", report: Report { state: 3, ..running() } },
                Step::Wait { seconds: 60 },
            ],
        ),
        (
            "an action that was given up is not taken by who takes over",
            vec![
                create(0, "a", 0x10, &[]),
                actions(0, 3),
                Step::Change2 { slot: 0, change: Change2::Command("/bin/tell") },
                create(1, "b", 0x10, &[]),
                start(1),
                start(0),
                Step::Run { name: "a" },
                Step::Die { name: "a" },
                Step::Shutdown,
                Step::Kill { dead: None },
                Step::Wait { seconds: 5 },
            ],
        ),
        (
            "a service that is deleted while it stops has done what it was told",
            vec![
                create(0, "a", 0x10, &[]),
                start(0),
                Step::Run { name: "a" },
                Step::Open { slot: 1, name: "a", access: ALL },
                Step::Control { slot: 1, control: 1 },
                Step::Delete { slot: 0 },
                Step::Close { slot: 0 },
                Step::Close { slot: 1 },
                Step::Report { name: "a", report: Report { state: 1, ..running() } },
            ],
        ),
        (
            "who turns back from stopping has no more time than was given",
            vec![
                create(0, "a", 0x10, &[]),
                start(0),
                Step::Run { name: "a" },
                Step::Shutdown,
                Step::Report { name: "a", report: Report { state: 3, hint: 29, ..running() } },
                Step::Wait { seconds: 20 },
                Step::Report { name: "a", report: running() },
                Step::Wait { seconds: 300 },
            ],
        ),
        (
            "a process that was lost is not made again when everything ends",
            vec![
                create(0, "a", 0x10, &[]),
                start(0),
                Step::Made { name: "a" },
                Step::Kill { dead: None },
                Step::Shutdown,
                Step::Die { name: "a" },
            ],
        ),
    ]
}

fn actions(slot: usize, kind: u32) -> Step {
    Step::Change2 { slot, change: Change2::Actions { reset: None, actions: vec![(kind, 1)] } }
}

fn running() -> Report {
    Report { state: 4, accepted: 0, exit: (0, 0), checkpoint: 0, hint: 0 }
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
