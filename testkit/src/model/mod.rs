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
mod shutdown;
mod step;
mod view;
mod watch;

pub use random::sequence;
pub use step::{Change, Change2, Input, NewService, Report, Seen, Step};
pub use view::{Failure, Status, View};

use std::collections::{BTreeMap, BTreeSet};

use automatic::Automatic;
use life::{Due, Life};
use process::Process;
use settings::Settings;
use shutdown::Stopping;
use watch::Wait;

/// How many handles a sequence may have open; the first half is that of one connection, the other half that of another.
pub const SLOTS: usize = 6;

/// The load order groups that are listed; others come after these.
pub const GROUP_ORDER: &[&str] = &["h"];

/// How many services that came and went are remembered for those who have not asked.
pub const REMEMBERED: usize = 8;

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
    /// How often its state changed.
    changes: u64,
}

/// An open handle.
#[derive(Debug, Clone)]
struct Open {
    /// Absent: that of the service control manager.
    service: Option<String>,
    access: u32,
    /// The step that opened it.
    since: usize,
    /// The last change that was told through it: the number of the state, or of all that came and went before.
    told: Option<u64>,
    wait: Option<Wait>,
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
    /// Services that were created (0x80) and deleted (0x100).
    news: Vec<(u32, String)>,
    /// How much was planned.
    planned: usize,
    processes: BTreeMap<String, Process>,
    /// How many processes of each image path were made.
    launched: BTreeMap<String, u32>,
    pids: u32,
    sent: Vec<Sent>,
    automatic: Automatic,
    /// Present while everything is being stopped.
    stopping: Option<Stopping>,
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
            Step::Boot => {
                self.inputs.push(Input::Kill { boot: true });
                self.begin_session();
            }
            Step::Shutdown => self.shut_down(),
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
        let others = self.automatic.delayed_at().into_iter().chain(self.shutdown_deadline());
        services.chain(processes).chain(controls).chain(others).min()
    }

    /// Lets time pass to a moment that is not behind the next deadline; what is to be put in after that.
    pub fn advance(&mut self, now: u64) -> Vec<Input> {
        self.now = now;
        self.expire_controls();
        self.expire_hangs();
        let (late, stubborn) = (self.late_processes(), self.late_to_stop());
        self.expire_processes(&late);
        self.expire_actions();
        self.settle();
        // Whoever is killed is gone only after everything else that is due at the same moment.
        self.gone_late(late);
        self.end_by_force(stubborn);
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
        while self.settle_deletions()
            || self.settle_starts()
            || self.settle_automatic()
            || self.settle_shutdown()
        {}
    }

    /// A marked service goes when it has stopped and nobody has it open.
    fn settle_deletions(&mut self) -> bool {
        let held: BTreeSet<&String> =
            self.slots.iter().flatten().filter_map(|open| open.service.as_ref()).collect();
        let over = |(key, service): &(&String, &Service)| {
            service.marked && !held.contains(key) && service.life == Life::Stopped
        };
        let over: Vec<String> = self.services.iter().filter(over).map(|(key, _)| key.clone()).collect();
        for key in &over {
            if let Some(service) = self.services.remove(key) {
                self.tell_of(0x100, service.settings.name);
            }
        }
        !over.is_empty()
    }
}

/// A name in the form in which names are compared; those of the sequences are ASCII.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}
