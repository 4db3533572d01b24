//! One service: its program, its state, and what it tells.

mod care;
mod errand;
mod hooks;
mod program;
mod report;
mod request;
mod schedule;
mod stop;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use svckit_core::call::HttpCall;
use svckit_core::control::Control;
use svckit_core::definition::{ControlAction, DEFINITION_VERSION, HostDefinition};
use svckit_core::hook::Moment;
use svckit_core::ladder::{GRACE, Ladder, Pulse};
use svckit_core::name::{DisplayName, ServiceName};
use svckit_core::native::{EventId, HookFailure, HostState, Level, ProgramExit};
use svckit_core::restart::{Backoff, Decision, Ended};
use svckit_core::signal::Signal;
use svckit_core::status::{ExitStatus, ServiceStatus};
use svckit_core::time::{Now, Tick, WallTime};
use svckit_core::win32::Win32Error;
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
    /// The file to which a log was rotated last, until a hook has been told.
    rotated: Option<PathBuf>,
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
            leader: None,
            restarts: 0,
            last_exit: None,
            exit_reason: None,
            lost: 0,
            errands: Vec::new(),
            requests: Vec::new(),
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
        self.set_alarms(now);
        self.at_moment(shared, Moment::PreStart, now);
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

    fn program_ended(&mut self, shared: &mut Shared, how: Ended, now: Now) {
        let Run::Running(program) = std::mem::replace(&mut self.run, Run::Idle) else { return };
        if program.parting.is_none()
            && let Some(pid) = self.follow(shared, how)
        {
            let text = format!(
                "{} goes on as process {pid}, which process {} has left when it ended",
                self.quoted(),
                program.pid
            );
            self.run = Run::Running(Program { pid, ..program });
            self.tell(shared, now, Message::new(EventId::PROGRAM_STARTED, Level::Information, text));
            return;
        }
        let (code, signal) = match how {
            Ended::Code(code) => (Some(code), None),
            Ended::Signal(signal) => (None, Some(signal)),
        };
        self.last_exit = Some(ProgramExit { code, signal, at: now.wall });
        let shortage = self.shortage(shared, program.pid, how);
        let end = End {
            how,
            words: message::ending(how, shortage.as_deref()),
            condemned: program.condemned.is_some(),
            ran_for: now.tick.since(program.since),
        };
        self.exit_reason = program.condemned.or(shortage);
        let is_about_it =
            |purpose| matches!(purpose, Purpose::Hook(Moment::PostStart) | Purpose::Ready | Purpose::Health);
        self.abandon_errands(shared, is_about_it, now);
        self.requests.clear();
        let next = match &self.state {
            State::Asked { exit, .. } | State::Stopping { exit, .. } => {
                let exit = *exit;
                let text = format!("{} was stopped; it ended with {}", self.quoted(), end.words);
                self.tell(shared, now, Message::new(EventId::PROGRAM_STOPPED, Level::Information, text));
                Next::Stop { exit, gave_up: false, crashed: false }
            }
            _ if program.parting.is_some() => self.parted(shared, &end.words, now),
            _ => self.decide(shared, &end, now),
        };
        self.run = Run::Ending { next, until: now.tick + GRACE, ended: Vec::new() };
        self.settle(shared, now);
    }

    /// What memory had to do with the end of a process of this service, as a clause.
    fn shortage(&self, shared: &Shared, pid: u32, how: Ended) -> Option<Box<str>> {
        let shortage = shared.children.shortage(pid).filter(|_| how != Ended::Code(0))?;
        let limit = self.definition.as_ref()?.limits.memory?;
        Some(message::shortage(shortage, limit).into())
    }

    /// What the program that has just ended has left, if that is to be the program now.
    fn follow(&mut self, shared: &mut Shared, how: Ended) -> Option<u32> {
        let follows = self.definition.as_ref().is_some_and(|definition| definition.tree.follows(how));
        if !follows || matches!(self.state, State::Asked { .. } | State::Stopping { .. }) {
            return None;
        }
        let mark = shared.setting.mark(&self.name);
        let pid = shared.children.follow(self.leader?, &mark, shared.alone && self.errands.is_empty())?;
        shared.programs.insert(pid, self.slot);
        self.leader = Some(pid);
        Some(pid)
    }

    /// What follows an end that nobody asked for.
    fn decide(&mut self, shared: &mut Shared, end: &End, now: Now) -> Next {
        let Some(definition) = &self.definition else {
            return Next::Stop { exit: end.how.status(), gave_up: false, crashed: false };
        };
        let roll = svckit_os::random::unit();
        let (backoff, decision) = if end.condemned {
            self.backoff.condemned(&definition.restart, end.how, end.ran_for, roll)
        } else {
            self.backoff.ended(&definition.restart, end.how, end.ran_for, roll)
        };
        self.backoff = backoff;
        let (name, ending) = (self.quoted(), &end.words);
        let unexpected = match &self.exit_reason {
            Some(reason) if end.condemned => format!("was ended because {reason}"),
            _ => format!("ended unexpectedly with {ending}"),
        };
        let (id, level, text, next) = match decision {
            Decision::Restart(delay) => (
                EventId::PROGRAM_DIED,
                Level::Warning,
                format!("{name} {unexpected}; {}", message::again(delay)),
                Next::Restart(delay),
            ),
            Decision::Stop => (
                EventId::PROGRAM_STOPPED,
                Level::Information,
                format!("{name} ended with {ending}; the service stops"),
                Next::Stop { exit: ExitStatus::CLEAN, gave_up: false, crashed: false },
            ),
            Decision::Fail(exit) => (
                EventId::PROGRAM_STOPPED,
                Level::Error,
                format!("{name} ended with {ending}; the service stops with an error"),
                Next::Stop { exit, gave_up: false, crashed: true },
            ),
            Decision::GiveUp(exit) => (
                EventId::GAVE_UP,
                Level::Error,
                format!(
                    "{name} {unexpected} again, after {} of waiting between restarts; the service gives up",
                    message::span(backoff.spent())
                ),
                Next::Stop { exit, gave_up: true, crashed: true },
            ),
        };
        self.tell(shared, now, Message::new(id, level, text));
        next
    }

    /// Some orphan ended; perhaps it was the last that was left.
    pub(crate) fn orphan_ended(&mut self, shared: &mut Shared, now: Now) {
        self.settle(shared, now);
        self.settle_errands(shared, now);
    }

    /// Ends what is left of the program, and goes on when nothing is.
    fn settle(&mut self, shared: &mut Shared, now: Now) {
        let Run::Ending { next, until, .. } = self.run else { return };
        let left = self.end_rest(shared);
        let Run::Ending { ended, .. } = &mut self.run else { return };
        let news = left.iter().filter(|pid| !ended.contains(pid)).copied().collect::<Vec<_>>();
        ended.extend(news);
        if !left.is_empty() && now.tick < until {
            return;
        }
        let ended = ended.len();
        self.tell_of_leftovers(shared, ended, &left, now);
        let mut remarks = Vec::new();
        for stream in &mut self.streams {
            stream.drain(now, &mut remarks);
        }
        self.tell_remarks(shared, &remarks, now);
        self.look_back(shared, next, now);
    }

    fn tell_of_leftovers(&self, shared: &mut Shared, ended: usize, left: &[u32], now: Now) {
        let forced = matches!(&self.state, State::Stopping { ladder, .. } if ladder.is_forced());
        if !left.is_empty() {
            let text = format!("{} left processes that the system does not end: {left:?}", self.quoted());
            self.tell(shared, now, Message::new(EventId::LEFTOVERS_ENDED, Level::Error, text));
        } else if ended > 0 && !forced {
            let noun = if ended == 1 { "process" } else { "processes" };
            let text = format!("{} left {ended} {noun} behind, which were ended", self.quoted());
            self.tell(shared, now, Message::new(EventId::LEFTOVERS_ENDED, Level::Warning, text));
        }
    }

    /// Ends by force what the program that ran last has left behind so far: what was still alive.
    fn end_rest(&self, shared: &mut Shared) -> Vec<u32> {
        let Some(leader) = self.leader else { return Vec::new() };
        let mark = shared.setting.mark(&self.name);
        shared.children.end_rest(leader, &mark, shared.alone && self.errands.is_empty())
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

    /// A control came; what the service answers.
    pub(crate) fn control(&mut self, shared: &mut Shared, control: Control, now: Now) -> Win32Error {
        match control {
            Control::INTERROGATE => {
                self.told_status = None;
                self.told_host = None;
                Win32Error::SUCCESS
            }
            Control::STOP | Control::SHUTDOWN | Control::PRESHUTDOWN => self.stop(shared, now),
            Control::PAUSE | Control::CONTINUE if !self.accepts_pause() => {
                Win32Error::INVALID_SERVICE_CONTROL
            }
            _ if !matches!(self.state, State::Up) || self.turns() || self.is_parting() => {
                Win32Error::SERVICE_CANNOT_ACCEPT_CTRL
            }
            Control::PAUSE | Control::CONTINUE => {
                if matches!(self.run, Run::Running(_)) {
                    let code = self.act(shared, control, now);
                    if code != Win32Error::SUCCESS || self.obeys(control) {
                        return code;
                    }
                }
                // One that waits to be run again hears of it then.
                self.paused = control == Control::PAUSE;
                self.watch_health(shared, now);
                Win32Error::SUCCESS
            }
            other if self.rotate_control().is_some_and(|number| other == Control(number.into())) => {
                self.rotate(shared, now)
            }
            other => self.act(shared, other, now),
        }
    }

    /// The control at which logs are rotated: the first of those that are a service's own to which the definition gives no meaning.
    fn rotate_control(&self) -> Option<u8> {
        let is_up = matches!(self.state, State::Up) && !self.streams.is_empty();
        let is_free = |number: &u8| !self.configured(Control((*number).into()));
        let mut own = Control::USER_DEFINED;
        own.find(is_free).filter(|_| is_up)
    }

    /// Rotates all logs, after what has been written so far.
    fn rotate(&mut self, shared: &mut Shared, now: Now) -> Win32Error {
        for kind in 0..self.streams.len() {
            self.ready(shared, kind, now);
        }
        let mut remarks = Vec::new();
        let mut rotate = |stream: &mut Stream| match stream.rotate(now, &mut remarks) {
            Ok(()) => Win32Error::SUCCESS,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Win32Error::SERVICE_CANNOT_ACCEPT_CTRL,
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Win32Error::NOT_SUPPORTED,
            Err(error) => svckit_os::errno::win32(&error),
        };
        let codes: Vec<_> = self.streams.iter_mut().map(&mut rotate).collect();
        self.tell_remarks(shared, &remarks, now);
        codes.into_iter().find(|code| *code != Win32Error::SUCCESS).unwrap_or(Win32Error::SUCCESS)
    }

    /// Does to the program what the definition says for a control.
    fn act(&mut self, shared: &mut Shared, control: Control, now: Now) -> Win32Error {
        match (self.action(control), &self.run) {
            (None, _) => Win32Error::INVALID_SERVICE_CONTROL,
            (Some(ControlAction::Signal(signal)), Run::Running(program)) => {
                match shared.children.signal(program.pid, *signal) {
                    Ok(()) => Win32Error::SUCCESS,
                    Err(error) => svckit_os::errno::win32(&error),
                }
            }
            (Some(ControlAction::Command(errand)), Run::Running(_)) if !self.obeys(control) => {
                let errand = errand.clone();
                let purpose = Purpose::Control(control);
                let Err(NotStarted { code, message }) = self.run_errand(shared, purpose, &errand, now) else {
                    return Win32Error::SUCCESS;
                };
                self.hook_failed(shared, purpose, format!("could not be run: {message}"), now);
                code
            }
            (Some(ControlAction::Http(call)), Run::Running(_)) if !self.obeys(control) => {
                let HttpCall { request, timeout } = call.clone();
                let is_under_way = self.request(shared, Purpose::Control(control), &request, timeout, now);
                if is_under_way { Win32Error::SUCCESS } else { Win32Error::SERVICE_REQUEST_TIMEOUT }
            }
            (Some(_), _) => Win32Error::SERVICE_CANNOT_ACCEPT_CTRL,
        }
    }

    fn action(&self, control: Control) -> Option<&ControlAction> {
        self.definition.as_ref()?.controls.get(&control.0)
    }

    /// Whether a command is about to pause the program, or to let it go on.
    fn turns(&self) -> bool {
        self.obeys(if self.paused { Control::CONTINUE } else { Control::PAUSE })
    }

    fn accepts_pause(&self) -> bool {
        self.configured(Control::PAUSE) && self.configured(Control::CONTINUE)
    }

    fn configured(&self, control: Control) -> bool {
        self.action(control).is_some()
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
            Run::Backoff { until, .. } if *until <= now.tick => self.relaunch(shared, now),
            Run::Ending { until, .. } if *until <= now.tick => self.settle(shared, now),
            _ => {}
        }
    }

    /// Lets a paused program hear what it is told.
    fn wake(&self, shared: &Shared, pid: u32) {
        if self.paused {
            // A program that was paused by other means than SIGSTOP isn't harmed by it.
            let _ = shared.children.signal(pid, Signal::Cont);
        }
    }
}
