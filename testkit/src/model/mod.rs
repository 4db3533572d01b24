//! A model of a service control manager, for comparing: it says what every step of a sequence has to be answered with, what the world sees of it, and how
//! everything is afterwards.
//!
//! It is written from [MS-SCMR] 3.1.4 and the Win32 reference in the plainest way, and shares nothing with `core`'s policies or the engine: names are texts,
//! codes and states are numbers, everything is looked up by searching, and after each step all that waits is judged anew until nothing moves. Where several
//! errors apply at once the specification sets no order: each of them is right.
//!
//! A sequence is a list of [`Step`]s that are always possible: a step without an object (a closed handle, a process that isn't there) is refused or does
//! nothing. So a sequence that fails can be shortened at any place, and what is left reads like a program: as Rust, in fact, to be kept as a test.

mod automatic;
mod change;
mod life;
mod process;
mod random;
mod settings;
mod step;
mod view;

pub use random::sequence;
pub use step::{Change, Change2, Input, NewService, Report, Seen, Step};
pub use view::{Failure, Status, View};

use std::collections::{BTreeMap, BTreeSet};

use automatic::Automatic;
use life::{Due, Life};
use process::Process;
use settings::Settings;

/// How many handles a sequence may have open.
pub const SLOTS: usize = 4;

/// How long a process has to connect, a service to answer a control and to make progress, in milliseconds.
pub const PATIENCE: u64 = 30_000;

/// A service.
#[derive(Debug, Clone)]
struct Service {
    settings: Settings,
    marked: bool,
    life: Life,
    /// How it ended last: `dwWin32ExitCode`, `dwServiceSpecificExitCode`.
    exit: (u32, u32),
    /// A start was tried in this session, or is none of this session's business.
    attempted: bool,
    /// It makes no progress while it starts.
    hung: bool,
    arguments: Vec<String>,
    /// The steps that asked for the start under way.
    starters: Vec<usize>,
    failures: u32,
    failed: Option<u64>,
    due: Option<Due>,
}

/// An open handle to a service.
#[derive(Debug, Clone)]
struct Open {
    service: String,
    access: u32,
}

/// A control that the service control manager waits for the answer to.
#[derive(Debug, Clone)]
struct Sent {
    step: usize,
    process: String,
    service: String,
    control: u32,
    until: u64,
}

/// Everything that there is.
#[derive(Debug, Clone, Default)]
pub struct Model {
    now: u64,
    /// How many steps were taken.
    steps: usize,
    services: BTreeMap<String, Service>,
    slots: [Option<Open>; SLOTS],
    processes: BTreeMap<String, Process>,
    /// How many processes of each image path were made.
    launched: BTreeMap<String, u32>,
    pids: u32,
    sent: Vec<Sent>,
    automatic: Automatic,
    /// What answers there are, by the step that asked, with every code that would be right.
    answers: BTreeMap<usize, BTreeSet<u32>>,
    seen: Vec<Seen>,
    /// What is to be put in.
    inputs: Vec<Input>,
}

impl Model {
    /// Before anything happened, at a time in milliseconds.
    pub fn new(now: u64) -> Self {
        Self { now, ..Self::default() }
    }

    /// Takes a step; what is to be put into the service control manager to the same end.
    pub fn step(&mut self, step: &Step) -> Vec<Input> {
        self.steps += 1;
        match step {
            Step::Made { .. }
            | Step::NotMade { .. }
            | Step::Connect { .. }
            | Step::Report { .. }
            | Step::Answer { .. }
            | Step::Die { .. } => self.process_step(step),
            Step::Run { name } => self.run(name),
            // Time passes by `advance`.
            Step::Wait { .. } => {}
            Step::Kill { dead } => self.kill(*dead),
            Step::Boot => self.boot(),
            call => self.call(call),
        }
        self.settle();
        std::mem::take(&mut self.inputs)
    }

    /// When something is due.
    pub fn deadline(&self) -> Option<u64> {
        let services = self.services.values().filter_map(|service| {
            let due = service.due.as_ref().map(|due| due.at);
            [due, service.hangs_at()].into_iter().flatten().min()
        });
        let processes = self.processes.values().filter_map(Process::connects_until);
        let controls = self.sent.iter().map(|sent| sent.until);
        services.chain(processes).chain(controls).chain(self.automatic.delayed_at()).min()
    }

    /// Lets time pass to a moment that is not behind the next deadline; what is to be put in after that.
    pub fn advance(&mut self, now: u64) -> Vec<Input> {
        self.now = now;
        self.expire_processes();
        self.expire_controls();
        self.expire_hangs();
        self.settle();
        self.expire_actions();
        self.expire_delayed();
        self.settle();
        std::mem::take(&mut self.inputs)
    }

    /// The answers since this was asked last: for each step that asked something, every code that would be right.
    pub fn answers(&mut self) -> BTreeMap<usize, BTreeSet<u32>> {
        std::mem::take(&mut self.answers)
    }

    /// What the world has seen since this was asked last.
    pub fn seen(&mut self) -> Vec<Seen> {
        std::mem::take(&mut self.seen)
    }

    fn answer(&mut self, step: usize, codes: impl IntoIterator<Item = u32>) {
        self.answers.insert(step, codes.into_iter().collect());
    }

    /// Judges everything that waits for something else, until nothing moves any more.
    fn settle(&mut self) {
        while self.settle_starts() || self.settle_automatic() || self.settle_deletions() {}
    }

    /// A marked service goes when it has stopped and nobody has it open.
    fn settle_deletions(&mut self) -> bool {
        let held: BTreeSet<String> = self.slots.iter().flatten().map(|open| open.service.clone()).collect();
        let before = self.services.len();
        self.services.retain(|key, service| {
            !(service.marked && !held.contains(key) && matches!(service.life, Life::Stopped))
        });
        self.services.len() != before
    }
}

/// A name in the form in which names are compared; those of the sequences are ASCII.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}
