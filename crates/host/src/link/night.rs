//! A machine that is suspended, and clocks that are set: time is an argument here. The programs are those of Unix.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use svckit_core::control::Control;
use svckit_core::definition::HostDefinition;
use svckit_core::definition::{
    ControlAction, DEFINITION_VERSION, LogPolicy, LogTarget, Program, RestartPolicy, StopPolicy,
};
use svckit_core::dispatch::FromProcess;
use svckit_core::health::HealthPolicy;
use svckit_core::hook::Errand;
use svckit_core::log::rotation::RotateTime;
use svckit_core::name::ServiceName;
use svckit_core::native::EventId;
use svckit_core::probe::{ReadyPolicy, ReadyWhen};
use svckit_core::signal::Signal;
use svckit_core::status::ServiceState;
use svckit_core::system_event::{Happening, SystemEvent};
use svckit_core::time::{Now, Tick, WallTime};
use svckit_core::timetable::{Occasion, Timetable};
use svckit_os::clock::Change;
use svckit_os::event::{Interest, Poller};
use svckit_os::gate::Gate;
use svckit_os::pidfd::PidFd;
use svckit_os::process::{Children, Terms};

use crate::supervisor::{Output, Setting, Start, Supervisor};
use crate::whole;

const HOUR: Duration = Duration::from_secs(3600);

/// A Monday, 2026-11-23, at 22:00 UTC.
const EVENING: Now = Now { tick: Tick(Duration::from_secs(1000)), wall: WallTime(1_795_471_200_000) };

/// A program that only ends when it is told to.
fn sleeper(folder: &std::path::Path) -> HostDefinition {
    HostDefinition {
        version: DEFINITION_VERSION,
        program: Program {
            command: vec!["/bin/sleep".to_owned(), "1000".to_owned()],
            directory: folder.to_owned(),
            environment: BTreeMap::new(),
            environment_files: Vec::new(),
            secrets: BTreeMap::new(),
        },
        restart: RestartPolicy::default(),
        stop: StopPolicy::default(),
        tree: Default::default(),
        limits: Default::default(),
        log: LogPolicy::new(LogTarget::File(folder.join("out.log"))),
        controls: BTreeMap::new(),
        ready: None,
        health: None,
        hooks: BTreeMap::new(),
        schedule: Timetable::default(),
        system_events: BTreeMap::new(),
        account_password: None,
        source: None,
    }
}

/// A host with a service that was started in the evening.
struct Night {
    supervisor: Supervisor,
    name: ServiceName,
    now: Now,
    _alone: MutexGuard<'static, ()>,
}

/// A host takes every process below it for its program's: two in one process would end each other's, and this process with one that is just being made.
static ALONE: Mutex<()> = Mutex::new(());

impl Night {
    fn with(definition: HostDefinition) -> Self {
        Self::at(None, definition)
    }

    /// One of several hosts.
    fn at(gate: Option<&Gate>, definition: HostDefinition) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let setting = Setting {
            instance: format!("night-{}", svckit_os::random::unit().to_bits()),
            inherit: whole::of_this_process,
            environment: Vec::new(),
            terms: Terms::of_this_process(),
            output: Output::Logs,
            gate: gate.cloned(),
        };
        let mut supervisor = Supervisor::new(setting).unwrap();
        let name = ServiceName::new("owl").unwrap();
        let start = Start { definition: Some(definition), ..Start::default() };
        supervisor.start(name.clone(), start, EVENING);
        Self { supervisor, name, now: EVENING, _alone: alone }
    }

    /// The events since it was asked last.
    fn events(&mut self) -> Vec<EventId> {
        let frames = std::mem::take(&mut self.supervisor.shared.outbox);
        let events = frames.into_iter().filter_map(|frame| match frame {
            FromProcess::Event { id, .. } => Some(id),
            _ => None,
        });
        events.collect()
    }

    fn state(&self) -> ServiceState {
        self.supervisor.reports(self.now)[0].status.state
    }

    /// The program crashes. (Who is told of a child's end is a matter of the whole process, which has other threads here: so it is looked.)
    fn crash(&mut self) {
        let pid = self.program().unwrap();
        let program = PidFd::open(pid).unwrap();
        self.supervisor.shared.children.signal(pid, Signal::Kill).unwrap();
        ended(&program);
        self.supervisor.take_news(self.now).unwrap();
    }

    fn program(&self) -> Option<u32> {
        self.supervisor.reports(self.now)[0].host.as_ref()?.child_pid
    }

    /// Its turn comes.
    fn turn(&mut self) {
        let mut ready = Vec::new();
        self.supervisor.shared.poller.wait(&mut ready, None).unwrap();
        ready.iter().for_each(|one| self.supervisor.ready(*one, self.now));
    }

    /// The machine sleeps, and then runs for a second.
    fn sleep(&mut self, time: Duration) {
        self.set_clock(i64::try_from(time.as_millis()).unwrap());
        self.supervisor.clock_changed(Change::Woke, self.now);
        self.pass(Duration::from_secs(1));
    }

    fn set_clock(&mut self, by: i64) {
        self.now.wall = WallTime(self.now.wall.0.saturating_add_signed(by));
    }

    fn pass(&mut self, time: Duration) {
        let wall = WallTime(self.now.wall.0 + u64::try_from(time.as_millis()).unwrap());
        self.now = Now { tick: self.now.tick + time, wall };
        self.supervisor.tick(self.now);
    }
}

impl Drop for Night {
    fn drop(&mut self) {
        self.supervisor.control(&self.name, Control::STOP, self.now);
        // Out of time: it is ended by force.
        self.pass(HOUR);
        self.supervisor.shared.children.end_all();
        // The next one would take it for something that its own program has left.
        let mut rest = Children::new(&Poller::new().unwrap(), 0, "rest").unwrap();
        while !rest.end_rest(0, OsStr::new(""), true).is_empty() {
            std::thread::yield_now();
        }
    }
}

/// Waits until a program has ended.
fn ended(program: &PidFd) {
    let poller = Poller::new().unwrap();
    poller.add(program, 0, Interest::Read).unwrap();
    poller.wait(&mut Vec::new(), None).unwrap();
}

#[test]
fn a_night_of_sleep_is_no_time_in_which_a_program_could_have_said_something() {
    let folder = tempfile::tempdir().unwrap();
    let health = Some(HealthPolicy::Notify(Duration::from_secs(30)));
    let mut night = Night::with(HostDefinition { health, ..sleeper(folder.path()) });
    assert_eq!(night.events(), [EventId::PROGRAM_STARTED]);
    night.sleep(8 * HOUR);
    night.pass(Duration::from_secs(28));
    assert_eq!((night.state(), night.events()), (ServiceState::RUNNING, vec![]));
    night.pass(Duration::from_secs(1));
    assert_eq!(night.events(), [EventId::NOT_ALIVE], "it was awake for half a minute by now");
}

#[test]
fn a_start_goes_on_after_a_night_of_sleep_and_whatever_the_clock_is_set_to() {
    let folder = tempfile::tempdir().unwrap();
    let ready = ReadyPolicy { when: ReadyWhen::Notify, timeout: Duration::from_secs(60), interval: None };
    let mut night = Night::with(HostDefinition { ready: Some(ready), ..sleeper(folder.path()) });
    night.sleep(8 * HOUR);
    for by in [-86_400_000, 2 * 86_400_000] {
        night.set_clock(by);
        night.supervisor.clock_changed(Change::Set, night.now);
        night.pass(Duration::from_secs(1));
    }
    assert_eq!(
        (night.state(), night.events()),
        (ServiceState::START_PENDING, vec![EventId::PROGRAM_STARTED])
    );
    night.pass(Duration::from_secs(57));
    assert_ne!(night.state(), ServiceState::START_PENDING, "its minute is over");
}

/// One that stops at half past five in UTC, each day.
fn early(folder: &std::path::Path) -> HostDefinition {
    let ahead = svckit_os::clock::ahead_of_utc(EVENING.wall);
    let at = Duration::from_millis((330 * 60_000 + ahead).rem_euclid(86_400_000).try_into().unwrap());
    let stop = vec![Occasion::Regular(RotateTime::Every { interval: 24 * HOUR, at })];
    HostDefinition { schedule: Timetable { stop, ..Timetable::default() }, ..sleeper(folder) }
}

#[test]
fn who_is_told_of_the_clock_by_the_service_control_manager_looks_at_it() {
    let folder = tempfile::tempdir().unwrap();
    let told = |tell: &dyn Fn(&mut Night)| {
        let mut night = Night::with(early(folder.path()));
        night.set_clock(8 * 3_600_000);
        night.pass(Duration::from_secs(1));
        assert_eq!(night.events(), [EventId::PROGRAM_STARTED], "nobody looks");
        tell(&mut night);
        (night.state(), night.events())
    };
    let stopped = (ServiceState::STOP_PENDING, vec![EventId::SCHEDULED]);
    let set = told(&|night| {
        night.supervisor.control(&night.name, Control::TIMECHANGE, night.now);
    });
    assert_eq!(set, stopped);
    let resume = Happening { event: SystemEvent::Resume, session: None };
    assert_eq!(told(&|night| night.supervisor.happened(&night.name, resume, 1, night.now)), stopped);
}

#[test]
fn what_is_scheduled_is_done_at_the_wakening_if_it_is_not_late() {
    let folder = tempfile::tempdir().unwrap();
    let definition = early(folder.path());
    let mut night = Night::with(definition.clone());
    night.sleep(7 * HOUR);
    assert_eq!((night.state(), night.events()), (ServiceState::RUNNING, vec![EventId::PROGRAM_STARTED]));
    night.sleep(HOUR);
    assert_eq!((night.state(), night.events()), (ServiceState::STOP_PENDING, vec![EventId::SCHEDULED]));
    drop(night);
    let mut night = Night::with(definition);
    night.sleep(9 * HOUR);
    assert_eq!((night.state(), night.events()), (ServiceState::RUNNING, vec![EventId::PROGRAM_STARTED]));
}

#[test]
fn a_log_is_rotated_at_the_wakening_when_its_time_came_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let every = RotateTime::Every { interval: 6 * HOUR, at: Duration::ZERO };
    let definition = sleeper(folder.path());
    let log = LogPolicy { rotate_time: Some(every), ..definition.log.clone() };
    let mut night = Night::with(HostDefinition { log, ..definition });
    std::fs::write(folder.path().join("out.log"), "late\n").unwrap();
    let count = || std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(count(), 1);
    night.sleep(8 * HOUR);
    assert_eq!(count(), 2, "{:?}", night.events());
}

#[test]
fn at_the_wakening_is_done_what_is_to_be_done_then() {
    let folder = tempfile::tempdir().unwrap();
    let command = vec!["/bin/sleep".to_owned(), "1000".to_owned()];
    let action = ControlAction::Command(Errand { command, timeout: HOUR });
    let system_events = BTreeMap::from([(SystemEvent::Resume, action)]);
    let mut night = Night::with(HostDefinition { system_events, ..sleeper(folder.path()) });
    let runs = |night: &Night| {
        let host = night.supervisor.reports(night.now)[0].host.clone();
        host.unwrap().hook
    };
    night.supervisor.clock_changed(Change::Set, night.now);
    assert_eq!(runs(&night), None, "a clock that was set is no wakening");
    night.sleep(HOUR);
    assert_eq!(runs(&night).as_deref(), Some("control"));
}

/// One that is run again at once.
fn tireless(folder: &std::path::Path) -> HostDefinition {
    let restart = RestartPolicy { delay: Duration::ZERO, ..RestartPolicy::default() };
    HostDefinition { restart, ..sleeper(folder) }
}

#[test]
fn a_program_that_crashed_runs_again_when_it_is_its_hosts_turn() {
    let folder = tempfile::tempdir().unwrap();
    let gate = Gate::new(1).unwrap();
    let mut night = Night::at(Some(&gate), tireless(folder.path()));
    assert_eq!(night.events(), [EventId::PROGRAM_STARTED]);
    night.crash();
    assert_eq!(night.events(), [EventId::PROGRAM_DIED, EventId::PROGRAM_RECOVERED]);
    assert!(gate.enter(), "its turn is over");
    night.crash();
    night.pass(Duration::from_millis(999));
    assert_eq!(night.events(), [EventId::PROGRAM_DIED], "it is another one's turn");
    gate.leave();
    night.turn();
    assert_eq!(night.events(), [EventId::PROGRAM_RECOVERED]);
    assert!(gate.enter(), "its turn is over");
    night.crash();
    night.pass(Duration::from_secs(1));
    assert_eq!(night.events(), [EventId::PROGRAM_DIED, EventId::PROGRAM_RECOVERED], "it has waited enough");
    assert!(!gate.enter(), "that was no turn of its own");
}

#[test]
fn who_is_stopped_while_it_waits_for_its_turn_leaves_it_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let gate = Gate::new(1).unwrap();
    let mut night = Night::at(Some(&gate), tireless(folder.path()));
    assert!(gate.enter());
    night.crash();
    night.supervisor.control(&night.name, Control::STOP, night.now);
    assert_eq!(night.state(), ServiceState::STOPPED);
    let next = Poller::new().unwrap();
    gate.wait(&next, 1).unwrap();
    gate.leave();
    night.turn();
    let mut ready = Vec::new();
    next.wait(&mut ready, None).unwrap();
    assert!(gate.enter());
}
