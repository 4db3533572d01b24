//! Sequences by chance. The simplest choice is the first one of each list: that is where shrinking leads.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{Change, Change2, NewService, Report, SLOTS, Step};

/// `SERVICE_ALL_ACCESS`.
const ALL: u32 = 0xF_01FF;

/// Names of services; the last one is the first one in another case.
const NAMES: &[&str] = &["a", "b", "c", "d", "A"];

/// Display names; some are key names too.
const DISPLAYS: &[&str] = &["shown", "b", "SHOWN", "C", "also shown"];

/// What a service may need: the groups are those of [`GROUPS`], and one that nobody is in.
const NEEDS: &[&str] = &["a", "b", "c", "d", "B", "+g", "+h", "+nobody", "missing"];

const GROUPS: &[Option<&str>] = &[None, Some("g"), Some("h"), Some("G")];

const ACCOUNTS: &[&str] = &["LocalSystem", "NT AUTHORITY\\LocalService", "svckit-no-such-user"];

/// Rights: all, as much as may be had, all but one, and one that there isn't.
const RIGHTS: &[u32] = &[
    ALL,
    0x200_0000,
    ALL & !0x2,
    ALL & !0x4,
    ALL & !0x10,
    ALL & !0x20,
    ALL & !0x40,
    ALL & !0x80,
    ALL & !0x100,
    ALL & !0x1_0000,
    ALL | 0x1000,
];

const CONTROLS: &[u32] = &[1, 4, 2, 3, 6, 7, 128, 255, 5, 0, 11, 127, 256];

/// States as they are reported, among them two that no service can be in.
const STATES: &[u32] = &[4, 1, 2, 3, 7, 6, 5, 0, 9];

/// Times, in seconds, around those that count: no time, the patience, the delay of the delayed start.
const SECONDS: &[u32] = &[0, 1, 5, 29, 30, 31, 60, 120, 300];

/// Where the services of the beginning are open: two on each connection.
const PLACES: &[(usize, &str)] = &[(0, "a"), (1, "b"), (3, "c"), (4, "d")];

/// Where the service control manager is open: once on each connection.
const MANAGERS: &[usize] = &[2, 5];

/// A sequence: some services, then so many steps, at most.
pub fn sequence(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    let first = [0, 1, 2, 3].map(|place| {
        let (slot, name) = PLACES[place];
        let create = ordinary().prop_map(move |new| Step::Create { slot, name, new });
        proptest::option::weighted(0.95, create)
    });
    let managers = prop_oneof![1 => Just(Vec::new()), 2 => Just(managers())];
    (managers, first, vec(steps(), 1..longest)).prop_map(|(managers, first, rest)| {
        let rest = rest.into_iter().flatten();
        managers.into_iter().chain(first.into_iter().flatten()).chain(rest).collect()
    })
}

fn managers() -> Vec<Step> {
    MANAGERS.iter().map(|slot| Step::OpenManager { slot: *slot }).collect()
}

/// One step, or several that lead somewhere together; after those that end all handles, clients come again.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ended = prop_oneof![
        2 => proptest::option::of(select(NAMES)).prop_map(|dead| Step::Kill { dead }),
        1 => Just(Step::Boot),
    ];
    prop_oneof![
        80 => step().prop_map(|step| vec![step]),
        2 => dying(),
        1 => booting(),
        1 => waiting(),
        1 => needed(),
        1 => disabled(),
        2 => ending(),
        1 => crowd(),
        2 => (ended, reopened()).prop_map(|(ended, opened)| [vec![ended], opened].concat()),
    ]
}

/// Clients that come again, mostly.
fn reopened() -> impl Strategy<Value = Vec<Step>> {
    let services = PLACES.iter().map(|(slot, name)| Step::Open { slot: *slot, name, access: ALL });
    let opened: Vec<Step> = services.chain(managers()).collect();
    prop_oneof![1 => Just(Vec::new()), 6 => Just(opened)]
}

/// A service with several failure actions that dies, or fails, more often than it has actions.
fn dying() -> impl Strategy<Value = Vec<Step>> {
    let action = (select(&[3u32, 1, 0][..]), select(&[0u32, 1, 5][..]));
    let reset = proptest::option::of(select(&[60u32, 0, 1, 86400][..]));
    let failed = Report { state: 1, accepted: 0, exit: (5, 0), checkpoint: 0, hint: 0 };
    let failures = vec((prop::bool::weighted(0.8), select(&[5u32, 0, 1, 60][..])), 2..6);
    let all = (select(PLACES), vec(action, 1..4), reset, any::<bool>(), failures, prop::bool::weighted(0.2));
    all.prop_map(move |((slot, name), actions, reset, flag, failures, ends)| {
        let change = |change| Step::Change2 { slot, change };
        let mut steps = vec![
            Step::Open { slot, name, access: ALL },
            change(Change2::Actions { reset, actions }),
            change(Change2::Command("/bin/tell %1% times")),
            change(Change2::Flag(flag)),
        ];
        for (dies, seconds) in failures {
            let end = if dies { Step::Die { name } } else { Step::Report { name, report: failed } };
            steps.extend([
                Step::Start { slot, arguments: 0 },
                Step::Run { name },
                end,
                Step::Wait { seconds },
            ]);
        }
        if ends {
            // What was to follow the last one doesn't any more.
            steps.insert(steps.len() - 1, Step::Shutdown);
        }
        steps
    })
}

/// A machine that starts anew with automatic services, some of them delayed.
fn booting() -> impl Strategy<Value = Vec<Step>> {
    let automatic = (select(GROUPS), any::<bool>(), needs());
    let seconds = select(&[119u32, 120, 300][..]);
    (vec(automatic, PLACES.len()), vec(select(NAMES), 0..3), seconds, reopened()).prop_map(
        |(automatic, run, seconds, opened)| {
            let mut steps = Vec::new();
            for ((slot, name), (group, delayed, needs)) in PLACES.iter().zip(automatic) {
                let (slot, group) = (*slot, group.filter(|_| !delayed));
                steps.push(Step::Open { slot, name, access: ALL });
                for change in [Change::Group { group, tag: false }, Change::Start(2), Change::Needs(needs)] {
                    steps.push(Step::Change { slot, change });
                }
                steps.push(Step::Change2 { slot, change: Change2::Delayed(delayed) });
            }
            steps.push(Step::Boot);
            steps.extend(run.into_iter().map(|name| Step::Run { name }));
            steps.push(Step::Wait { seconds });
            [steps, opened].concat()
        },
    )
}

/// The end of everything, in which services take their time.
fn ending() -> impl Strategy<Value = Vec<Step>> {
    let accepted = select(&[0x1u32, 0x5, 0x105, 0x101, 0][..]);
    let prepared = vec((select(PLACES), accepted, select(&[4u32, 4, 3, 7, 2][..])), 0..4);
    let report = (select(NAMES), select(&[1u32, 3, 3, 4][..]), 0..3u32, select(SECONDS));
    let reported = report.prop_map(|(name, state, checkpoint, hint)| Step::Report {
        name,
        report: Report { state, accepted: 1, exit: (0, 0), checkpoint, hint },
    });
    let during = prop_oneof![
        6 => reported,
        2 => select(&[1u32, 19, 20, 21, 60][..]).prop_map(|seconds| Step::Wait { seconds }),
        2 => step(),
        1 => Just(Step::Shutdown),
    ];
    let patient = any::<bool>();
    (prepared, vec(during, 0..8), patient, reopened()).prop_map(|(prepared, during, patient, opened)| {
        let mut steps = Vec::new();
        for ((slot, name), accepted, state) in prepared {
            let report = Report { state, accepted, exit: (0, 0), checkpoint: 0, hint: 0 };
            steps.push(Step::Open { slot, name, access: ALL });
            steps.extend([
                Step::Start { slot, arguments: 0 },
                Step::Run { name },
                Step::Report { name, report },
            ]);
        }
        steps.push(Step::Shutdown);
        steps.extend(during);
        steps.push(if patient { Step::Wait { seconds: 300 } } else { Step::Shutdown });
        [steps, opened].concat()
    })
}

/// A service that another one needs, and that is to stop.
fn needed() -> impl Strategy<Value = Vec<Step>> {
    let state = select(&[4u32, 3, 7][..]);
    (select(PLACES), select(PLACES), state).prop_map(|((below, base), (above, top), state)| {
        let report = Report { state, accepted: 1, exit: (0, 0), checkpoint: 0, hint: 0 };
        vec![
            Step::Open { slot: below, name: base, access: ALL },
            Step::Open { slot: above, name: top, access: ALL },
            Step::Change { slot: below, change: Change::Needs(Vec::new()) },
            Step::Change { slot: above, change: Change::Needs(vec![base]) },
            Step::Start { slot: above, arguments: 0 },
            Step::Run { name: base },
            Step::Run { name: top },
            Step::Report { name: top, report },
            Step::Control { slot: below, control: 1 },
        ]
    })
}

/// A service that is disabled, and to be started.
fn disabled() -> impl Strategy<Value = Vec<Step>> {
    select(PLACES).prop_map(|(slot, name)| {
        vec![
            Step::Open { slot, name, access: ALL },
            Step::Change { slot, change: Change::Start(4) },
            Step::Start { slot, arguments: 0 },
        ]
    })
}

/// A client that waits again and again, at its leisure.
fn waiting() -> impl Strategy<Value = Vec<Step>> {
    let between = vec(step(), 0..3);
    (select(PLACES), vec((mask(), between), 1..4)).prop_map(|((slot, name), rounds)| {
        let mut steps = vec![Step::Open { slot, name, access: ALL }];
        for (mask, between) in rounds {
            steps.push(Step::Watch { slot, mask });
            steps.extend(between);
            steps.extend([Step::Ask { slot }, Step::Start { slot, arguments: 0 }, Step::Run { name }]);
            // A wait is told of once.
            steps.extend([Step::Ask { slot }, Step::Unwatch { slot }]);
        }
        steps
    })
}

/// Services that come and go, more of them than are remembered for who doesn't ask.
fn crowd() -> impl Strategy<Value = Vec<Step>> {
    let asked = prop_oneof![1 => Just(Vec::new()), 1 => Just(vec![0]), 1 => Just(vec![0, 1, 2, 3])];
    (select(MANAGERS), select(&[0x180u32, 0x80, 0x100][..]), ordinary(), asked, 1..6usize).prop_map(
        |(watcher, mask, new, asked, many)| {
            let slot = PLACES[0].0;
            let mut steps = vec![Step::OpenManager { slot: watcher }, Step::Watch { slot: watcher, mask }];
            for round in 0..many {
                steps.push(Step::Create { slot, name: "e", new: new.clone() });
                if asked.contains(&round) {
                    steps.extend([Step::Ask { slot: watcher }, Step::Unwatch { slot: watcher }]);
                    steps.push(Step::Watch { slot: watcher, mask });
                }
                steps.extend([Step::Delete { slot }, Step::Close { slot }]);
            }
            steps.extend([Step::Ask { slot: watcher }, Step::Unwatch { slot: watcher }]);
            steps.push(Step::Watch { slot: watcher, mask });
            steps
        },
    )
}

/// What is waited for: mostly everything, sometimes what can't be.
fn mask() -> impl Strategy<Value = u32> {
    prop_oneof![3 => Just(0x27Fu32), 3 => Just(0x8), 2 => Just(0x1), 2 => 1..0x80u32, 2 => Just(0x180),
        1 => Just(0x200), 1 => select(&[0u32, 0x80, 0x100, 0x188, 0x400, 0x2FF][..])]
}

fn step() -> impl Strategy<Value = Step> {
    let slot = || 0..SLOTS;
    let name = || select(NAMES);
    let clients = prop_oneof![
        4 => (slot(), name(), new()).prop_map(|(slot, name, new)| Step::Create { slot, name, new }),
        12 => (slot(), name(), rights()).prop_map(|(slot, name, access)| Step::Open { slot, name, access }),
        3 => slot().prop_map(|slot| Step::Close { slot }),
        1 => (0..2usize).prop_map(|connection| Step::Disconnect { connection }),
        3 => slot().prop_map(|slot| Step::Delete { slot }),
        36 => (slot(), 0..3usize).prop_map(|(slot, arguments)| Step::Start { slot, arguments }),
        20 => (slot(), control()).prop_map(|(slot, control)| Step::Control { slot, control }),
        15 => (slot(), change()).prop_map(|(slot, change)| Step::Change { slot, change }),
        18 => (slot(), change2()).prop_map(|(slot, change)| Step::Change2 { slot, change }),
        1 => slot().prop_map(|slot| Step::OpenManager { slot }),
        8 => (slot(), mask()).prop_map(|(slot, mask)| Step::Watch { slot, mask }),
        6 => slot().prop_map(|slot| Step::Ask { slot }),
        4 => slot().prop_map(|slot| Step::Unwatch { slot }),
    ];
    let processes = prop_oneof![
        4 => name().prop_map(|name| Step::Made { name }),
        1 => (name(), select(&[2u32, 5, 193][..])).prop_map(|(name, code)| Step::NotMade { name, code }),
        4 => name().prop_map(|name| Step::Connect { name }),
        16 => name().prop_map(|name| Step::Run { name }),
        14 => (name(), report()).prop_map(|(name, report)| Step::Report { name, report }),
        5 => (name(), select(&[0u32, 0, 1061, 120][..])).prop_map(|(name, code)| Step::Answer { name, code }),
        6 => name().prop_map(|name| Step::Die { name }),
    ];
    let time = select(SECONDS).prop_map(|seconds| Step::Wait { seconds });
    prop_oneof![5 => clients, 5 => processes, 1 => time]
}

/// Mostly those that services accept.
fn control() -> impl Strategy<Value = u32> {
    prop_oneof![2 => Just(1), 3 => select(CONTROLS)]
}

/// A service that is well in itself.
fn ordinary() -> impl Strategy<Value = NewService> {
    let needs = prop_oneof![3 => Just(Vec::new()), 2 => vec(select(NEEDS), 1)];
    let basic = (select(&[0x10u32, 0x20][..]), select(&[3u32, 2][..]), select(GROUPS));
    (basic, needs).prop_map(|((kind, start, group), needs)| NewService {
        kind,
        start,
        error: 1,
        group,
        tag: false,
        needs,
        account: None,
        display: None,
        access: ALL,
    })
}

fn rights() -> impl Strategy<Value = u32> {
    prop_oneof![7 => Just(ALL), 1 => select(RIGHTS)]
}

fn new() -> impl Strategy<Value = NewService> {
    let basic = (kind(), start(), error(), select(GROUPS), prop::bool::weighted(0.2));
    let rest = (needs(), proptest::option::weighted(0.1, select(ACCOUNTS)));
    let names = proptest::option::weighted(0.2, select(DISPLAYS));
    (basic, rest, names, rights()).prop_map(|(basic, rest, display, access)| {
        let (kind, start, error, group, tag) = basic;
        let (needs, account) = rest;
        NewService { kind, start, error, group, tag, needs, account, display, access }
    })
}

fn kind() -> impl Strategy<Value = u32> {
    prop_oneof![6 => Just(0x10), 4 => Just(0x20), 1 => select(&[0x1, 0x110, 0x120, 0x30, 0x101, 0][..])]
}

fn start() -> impl Strategy<Value = u32> {
    prop_oneof![3 => Just(3), 3 => Just(2), 1 => select(&[4u32, 0, 1, 5][..])]
}

fn error() -> impl Strategy<Value = u32> {
    prop_oneof![9 => Just(1), 1 => select(&[0u32, 2, 3, 4][..])]
}

fn needs() -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![2 => Just(Vec::new()), 3 => vec(select(NEEDS), 1..3)]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        1 => Just(Change::Nothing),
        1 => kind().prop_map(Change::Kind),
        3 => start().prop_map(Change::Start),
        1 => error().prop_map(Change::Error),
        2 => (select(GROUPS), any::<bool>()).prop_map(|(group, tag)| Change::Group { group, tag }),
        1 => Just(Change::Tag),
        4 => needs().prop_map(Change::Needs),
        1 => select(ACCOUNTS).prop_map(Change::Account),
        2 => prop_oneof![select(DISPLAYS), select(NAMES)].prop_map(Change::Display),
    ]
}

fn change2() -> impl Strategy<Value = Change2> {
    let delay = || select(&[0u32, 1, 5, 60][..]);
    let kind = prop_oneof![5 => Just(1u32), 2 => Just(3), 1 => Just(0), 1 => Just(2), 1 => Just(4)];
    let reset = proptest::option::of(select(&[0u32, 1, 60, 86400][..]));
    prop_oneof![
        1 => select(&["", "what it does"][..]).prop_map(Change2::Description),
        6 => (reset, vec((kind, delay()), 0..3)).prop_map(|(reset, actions)| Change2::Actions { reset, actions }),
        2 => select(&["", "/bin/tell %1% times"][..]).prop_map(Change2::Command),
        3 => any::<bool>().prop_map(Change2::Delayed),
        3 => any::<bool>().prop_map(Change2::Flag),
        1 => (0..5u32).prop_map(Change2::Sid),
        1 => vec(select(&["SeBackupPrivilege"][..]), 0..2).prop_map(Change2::Privileges),
        1 => select(SECONDS).prop_map(Change2::Preshutdown),
    ]
}

fn report() -> impl Strategy<Value = Report> {
    let exit = prop_oneof![6 => Just((0, 0)), 1 => Just((1066, 7)), 1 => Just((5, 9))];
    let accepted = select(&[0x1u32, 0x3, 0, 0x1F][..]);
    let hint = prop_oneof![4 => Just(0u32), 1 => select(SECONDS)];
    let state = prop_oneof![6 => Just(4u32), 3 => Just(1), 2 => Just(2), 2 => select(STATES)];
    (state, accepted, exit, 0..3u32, hint).prop_map(|(state, accepted, exit, checkpoint, hint)| Report {
        state,
        accepted,
        exit,
        checkpoint,
        hint,
    })
}
