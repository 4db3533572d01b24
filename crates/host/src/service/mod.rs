//! One service: its program, its state, and what it tells.

mod care;
mod control;
mod end;
mod errand;
mod hooks;
mod program;
mod report;
mod request;
mod schedule;
mod stop;

use std::path::PathBuf;
use std::time::Duration;

use svckit_core::definition::{DEFINITION_VERSION, HostDefinition};
use svckit_core::hook::Moment;
use svckit_core::ladder::{Ladder, Pulse};
use svckit_core::name::{DisplayName, ServiceName};
use svckit_core::native::{EventId, HookFailure, HostState, Level, ProgramExit};
use svckit_core::restart::{Backoff, Decision, Ended};
use svckit_core::status::{ExitStatus, ServiceStatus};
use svckit_core::time::{Now, Tick, WallTime};
use svckit_os::process::Sockets;

use crate::log::Stream;
use crate::message::{self, Message};
use crate::probe::{Health, Look, Waiting};
use crate::supervisor::{Shared, Start, token};

use errand::Purpose;
use program::{NotStarted, Program};
use schedule::Alarms;

/// Which source of a service it is: its streams come first, by number.
const PROBE: usize = 16;
const HEALTH: usize = 17;
const NOTICES: usize = 18;

/// A program that can't be started is not tried again sooner, whatever the policy says.
const RETRY_START: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Service {
    slot: usize,
    name: ServiceName,
    /// The name that people see, if it is another.
    display_name: Option<DisplayName>,
    /// Absent: none came, or one that is newer than this host knows.
    definition: Option<HostDefinition>,
    arguments: Vec<String>,
    /// What the program accepts from.
    sockets: Sockets,
    state: State,
    run: Run,
    backoff: Backoff,
    paused: bool,
    streams: Vec<Stream>,
    /// The file to which a log was rotated last, until hooks are told.
    rotated: Option<PathBuf>,
    /// The one that they are told of.
    told_rotated: Option<PathBuf>,
    /// The program that ran last: its orphans are in its session.
    leader: Option<u32>,
    restarts: u32,
    last_exit: Option<ProgramExit>,
    /// Why it ended, if the host ended it because it did not do what it should, or memory was short.
    exit_reason: Option<Box<str>>,
    /// The losses that were told.
    lost: u64,
    /// What runs beside the program.
    errands: Vec<errand::Running>,
    /// What it was asked to do, and has not answered yet.
    requests: Vec<request::Request>,
    /// What of that the system waits for, with the numbers of the answers.
    awaited: Vec<(Purpose, u64)>,
    /// What of that failed last.
    hook_failure: Option<Box<HookFailure>>,
    /// What the clock has it do.
    alarms: Alarms,
    told_status: Option<ServiceStatus>,
    told_host: Option<HostState>,
}

/// The service as the service control manager sees it.
#[derive(Debug)]
enum State {
    /// The program is not ready yet.
    Starting { until: Option<Tick>, pulse: Pulse },
    /// It runs, or will again.
    Up,
    /// It was told to stop, with this exit status; the hook before the stop ladder runs.
    Asked { pulse: Pulse, exit: ExitStatus },
    /// The stop ladder is under way; at its end the service has this exit status.
    Stopping { ladder: Ladder, exit: ExitStatus },
    /// Nothing is left of the program; what runs beside it ends, and then the last hook runs.
    Finishing { pulse: Pulse, exit: ExitStatus, gave_up: bool, hooked: bool },
    /// At rest.
    Stopped { exit: ExitStatus, gave_up: bool },
}

/// The program.
#[derive(Debug)]
enum Run {
    /// The hook before it runs.
    Preparing,
    /// It runs.
    Running(Program),
    /// It ended; what it left behind is being ended, not longer than until then.
    Ending { next: Next, until: Tick, ended: Vec<u32> },
    /// Nothing is left of it; the hooks after it run.
    Aftermath { next: Next },
    /// It is run again then.
    Backoff { until: Tick, at: WallTime },
    /// There is none and will be none.
    Idle,
}

/// How a program ended.
#[derive(Debug)]
struct End {
    how: Ended,
    /// The same in words.
    words: String,
    /// Whether the host ended it, because it did not do what it should.
    condemned: bool,
    ran_for: Duration,
}

/// What follows when nothing is left of a program.
#[derive(Debug, Clone, Copy)]
enum Next {
    Restart(Duration),
    /// It is run again at once, since somebody wanted it to end for that.
    Again,
    /// The service stops; `crashed` says that nobody wanted the program to end.
    Stop {
        exit: ExitStatus,
        gave_up: bool,
        crashed: bool,
    },
}

impl Service {
    pub(crate) fn new(slot: usize, name: ServiceName, start: Start, now: Now) -> Self {
        let Start { display_name, arguments, definition, sockets } = start;
        let definition = definition.filter(|definition| definition.version <= DEFINITION_VERSION);
        let backoff = Backoff::new(&definition.as_ref().map(|d| d.restart.clone()).unwrap_or_default());
        Self {
            slot,
            name,
            display_name,
            definition,
            arguments,
            sockets,
            state: State::Starting { until: None, pulse: Pulse::begin(1, now.tick) },
            run: Run::Idle,
            backoff,
            paused: false,
            streams: Vec::new(),
            rotated: None,
            told_rotated: None,
            leader: None,
            restarts: 0,
            last_exit: None,
            exit_reason: None,
            lost: 0,
            errands: Vec::new(),
            requests: Vec::new(),
            awaited: Vec::new(),
            hook_failure: None,
            alarms: Alarms::default(),
            told_status: None,
            told_host: None,
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.state, State::Stopped { .. })
    }

    /// Runs the program for the first time, after its hook.
    pub(crate) fn start(&mut self, shared: &mut Shared, now: Now) {
        self.run = Run::Preparing;
        self.set_alarms(shared.clock.is_some(), now);
        self.at_moment(shared, Moment::PreStart, now);
    }

    /// Runs the program again when it is this host's turn. One that has several services runs them one after the other anyway.
    fn relaunch_in_turn(&mut self, shared: &mut Shared, now: Now) {
        if !shared.alone {
            return self.relaunch(shared, now);
        }
        match shared.turns.begin(&shared.poller, now.tick) {
            Ok(turn) => {
                self.relaunch(shared, now);
                shared.turns.end(turn);
            }
            // What was told of when it runs again was before anybody knew that it has to wait.
            Err(until) => {
                let at = match self.run {
                    Run::Backoff { at, .. } => at,
                    _ => now.wall,
                };
                self.run = Run::Backoff { until, at };
            }
        }
    }

    /// It is this host's turn; whether this service waited for it.
    pub(crate) fn turn_came(&mut self, shared: &mut Shared, now: Now) -> bool {
        let waits =
            matches!(self.run, Run::Backoff { until, .. } if shared.turns.waits_until() == Some(until));
        if waits {
            self.relaunch_in_turn(shared, now);
        }
        waits
    }

    /// Runs the program again, after its hook.
    fn relaunch(&mut self, shared: &mut Shared, now: Now) {
        self.restarts += 1;
        self.run = Run::Preparing;
        self.at_moment(shared, Moment::PreStart, now);
    }

    fn run_program(&mut self, shared: &mut Shared, now: Now) {
        let again = !matches!(self.state, State::Starting { .. });
        let (id, text) = match self.launch(shared, now) {
            Ok(pid) if again => {
                (EventId::PROGRAM_RECOVERED, format!("{} runs again, as process {pid}", self.quoted()))
            }
            Ok(pid) => (EventId::PROGRAM_STARTED, format!("{} runs as process {pid}", self.quoted())),
            Err(not_started) if again => return self.relaunch_failed(shared, not_started, now),
            Err(NotStarted { code, message }) => {
                let text = format!("{} could not be started: {message}", self.quoted());
                self.tell(shared, now, Message::new(EventId::PROGRAM_NOT_STARTED, Level::Error, text));
                return self.finish(shared, ExitStatus::Win32(code), false, now);
            }
        };
        self.tell(shared, now, Message::new(id, Level::Information, text));
        if matches!(&self.run, Run::Running(program) if program.waiting.is_none()) {
            self.became_ready(shared, now);
        }
    }

    /// The hook before the program failed.
    fn not_prepared(&mut self, shared: &mut Shared, exit: ExitStatus, now: Now) {
        let message = "the hook pre-start failed".to_owned();
        if matches!(self.state, State::Starting { .. }) {
            let text = format!("{} was not started: {message}", self.quoted());
            self.tell(shared, now, Message::new(EventId::PROGRAM_NOT_STARTED, Level::Error, text));
            self.finish(shared, exit, false, now);
        } else {
            let (code, _) = exit.codes();
            self.relaunch_failed(shared, NotStarted { code, message }, now);
        }
    }

    fn relaunch_failed(&mut self, shared: &mut Shared, NotStarted { code, message }: NotStarted, now: Now) {
        let Some(definition) = &self.definition else { return };
        let roll = svckit_os::random::unit();
        let (backoff, decision) = self.backoff.not_started(&definition.restart, code, roll);
        self.backoff = backoff;
        match decision {
            Decision::Restart(delay) => {
                let delay = delay.max(RETRY_START);
                let text = format!(
                    "{} could not be started again: {message}; it is tried again in {}",
                    self.quoted(),
                    message::span(delay)
                );
                self.tell(shared, now, Message::new(EventId::PROGRAM_NOT_STARTED, Level::Error, text));
                self.wait(delay, now);
            }
            Decision::GiveUp(exit) | Decision::Fail(exit) => {
                let text =
                    format!("{} could not be started again: {message}; the service stops", self.quoted());
                self.tell(shared, now, Message::new(EventId::GAVE_UP, Level::Error, text));
                self.run = Run::Aftermath { next: Next::Stop { exit, gave_up: true, crashed: false } };
                self.at_moment(shared, Moment::OnGiveUp, now);
            }
            Decision::Stop => self.finish(shared, ExitStatus::CLEAN, false, now),
        }
    }

    fn wait(&mut self, delay: Duration, now: Now) {
        let until = now.tick + delay;
        self.run = Run::Backoff { until, at: now.wall_at(until) };
    }

    /// A process ended that was started for this service.
    pub(crate) fn process_ended(&mut self, shared: &mut Shared, pid: u32, how: Ended, now: Now) {
        if matches!(&self.run, Run::Running(program) if program.pid == pid) {
            self.program_ended(shared, how, now);
        } else {
            self.errand_ended(shared, pid, how, now);
        }
    }

    /// The service has stopped for good.
    fn rest(&mut self, shared: &mut Shared, exit: ExitStatus, gave_up: bool, now: Now) {
        let mut remarks = Vec::new();
        for stream in &mut self.streams {
            stream.finish(now, &mut remarks);
        }
        self.tell_remarks(shared, &remarks, now);
        self.lost = self.streams.iter().map(Stream::lost).sum();
        self.run = Run::Idle;
        // Before anybody hears of the end: who listens next needs the address.
        self.sockets = Sockets::default();
        self.state = State::Stopped { exit, gave_up };
    }

    /// Something can be read from a stream, or the probe is decided.
    pub(crate) fn ready(&mut self, shared: &mut Shared, kind: usize, now: Now) {
        let mut remarks = Vec::new();
        let is_asked = self.is_asked();
        let look = match (self.streams.get_mut(kind), &mut self.run) {
            (Some(stream), _) => {
                if stream.pump(now, &mut remarks)
                    && let Run::Running(Program { health: Some(health), .. }) = &mut self.run
                {
                    health.wrote(now);
                }
                if stream.has_found() { Look::Ready } else { Look::Wait }
            }
            (None, Run::Running(Program { waiting: Some(waiting), .. })) if kind == PROBE => {
                waiting.heard(&shared.poller, token(self.slot, PROBE), now.tick)
            }
            (None, Run::Running(Program { health: Some(health), .. })) if kind == HEALTH => {
                health.go_on(&shared.poller, token(self.slot, HEALTH), now)
            }
            _ if kind == NOTICES => {
                self.hear(shared, now);
                Look::Wait
            }
            _ => {
                self.errand_ready(kind, now, &mut remarks);
                self.request_ready(shared, kind, now);
                Look::Wait
            }
        };
        // Of one that is being stopped nothing is expected any more.
        if !is_asked {
            self.looked(shared, look, now);
        }
        self.tell_remarks(shared, &remarks, now);
    }

    /// Whether somebody asked for the end, or it is under way for another reason.
    fn is_asked(&self) -> bool {
        !matches!(self.state, State::Starting { .. } | State::Up)
    }

    fn became_ready(&mut self, shared: &mut Shared, now: Now) {
        for stream in &mut self.streams {
            stream.look_for(None);
        }
        if let Run::Running(program) = &mut self.run {
            program.waiting = None;
        }
        if let State::Starting { until, .. } = &mut self.state {
            *until = None;
        }
        self.watch_health(shared, now);
        self.at_moment(shared, Moment::PostStart, now);
    }

    /// When [`Service::tick`] has to be called.
    pub(crate) fn deadline(&self) -> Option<Tick> {
        let streams = self.streams.iter().filter_map(Stream::deadline);
        let state = match &self.state {
            State::Starting { until, pulse } => {
                Some(until.map_or(pulse.deadline(), |until| until.min(pulse.deadline())))
            }
            State::Asked { pulse, .. } | State::Finishing { pulse, .. } => Some(pulse.deadline()),
            State::Stopping { ladder, .. } => Some(ladder.deadline()),
            State::Up | State::Stopped { .. } => None,
        };
        let run = match &self.run {
            Run::Running(_) if self.is_asked() => None,
            Run::Running(Program { parting: Some(ladder), .. }) => Some(ladder.deadline()),
            Run::Running(Program { waiting, health, .. }) => {
                waiting.as_deref().map(Waiting::deadline).or(health.as_deref().map(Health::deadline))
            }
            Run::Ending { until, .. } | Run::Backoff { until, .. } => Some(*until),
            Run::Preparing | Run::Aftermath { .. } | Run::Idle => None,
        };
        let beside = self.errands_deadline().into_iter().chain(self.requests_deadline());
        streams.chain(state).chain(run).chain(beside).chain(self.alarm_deadline()).min()
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, shared: &mut Shared, now: Now) {
        let mut remarks = Vec::new();
        for stream in &mut self.streams {
            if stream.deadline().is_some_and(|at| at <= now.tick) {
                stream.tick(now, &mut remarks);
            }
        }
        self.lost = self.streams.iter().map(Stream::lost).sum();
        self.tell_remarks(shared, &remarks, now);
        match &mut self.state {
            State::Starting { until: Some(until), .. } if *until <= now.tick => self.not_ready(shared, now),
            State::Starting { pulse, .. } | State::Asked { pulse, .. } | State::Finishing { pulse, .. } => {
                pulse.at(now.tick);
            }
            State::Stopping { .. } => self.climb(shared, now),
            State::Up | State::Stopped { .. } => {}
        }
        self.tick_errands(shared, now);
        self.tick_requests(shared, now);
        self.tick_alarms(shared, now);
        match &mut self.run {
            Run::Running(Program { parting: Some(ladder), .. })
                if matches!(self.state, State::Up) && ladder.deadline() <= now.tick =>
            {
                self.climb(shared, now);
            }
            Run::Running(Program { waiting: Some(waiting), .. })
                if matches!(self.state, State::Starting { .. } | State::Up) =>
            {
                if waiting.is_over(now.tick) {
                    self.not_ready_again(shared, now);
                } else {
                    let look = waiting.tick(&shared.poller, token(self.slot, PROBE), now.tick);
                    self.looked(shared, look, now);
                }
            }
            Run::Running(Program { health: Some(health), .. })
                if health.deadline() <= now.tick
                    && matches!(self.state, State::Starting { .. } | State::Up) =>
            {
                let look = health.tick(&shared.poller, token(self.slot, HEALTH), now);
                self.looked(shared, look, now);
            }
            Run::Backoff { until, .. } if *until <= now.tick => self.relaunch_in_turn(shared, now),
            Run::Ending { until, .. } if *until <= now.tick => self.settle(shared, now),
            _ => {}
        }
    }
}
