//! The start of a service's program.

use std::ffi::OsString;
use std::io;

use svckit_core::control::Control;
use svckit_core::definition::{LogTarget, StopAction};
use svckit_core::dispatch::MARK_VARIABLE;
use svckit_core::health::HealthPolicy;
use svckit_core::ladder::Ladder;
use svckit_core::limits::Limits;
use svckit_core::native::{EventId, Level};
use svckit_core::probe::{ReadyPolicy, ReadyWhen};
use svckit_core::time::{Now, Tick};
use svckit_core::win32::Win32Error;
use svckit_os::dump::{self, Withheld};
use svckit_os::event::{Interest, Source};
use svckit_os::notify::Inbox;
use svckit_os::pipe::{self, ProgramEnd, Writer};
use svckit_os::process::{Command, End, Stdio};
use svckit_os::{errno, file, variable};

use super::errand::Purpose;
use super::{NOTICES, Run, Service, State};
use crate::environment::EnvironmentError;
use crate::log::Stream;
use crate::message::{self, Message};
use crate::probe::{FileStamp, Health, Waiting};
use crate::supervisor::{Output, Shared, token};
use crate::whole::{self, Environment};

/// How many microseconds there may be between two messages that a program is alive: `sd_watchdog_enabled(3)`.
const WATCHDOG: &str = "WATCHDOG_USEC";

/// A program that runs.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) pid: u32,
    pub(super) since: Tick,
    /// The other end of its standard input, if a rung of the stop ladder closes it.
    pub(super) input: Option<Writer>,
    /// Until it is ready.
    pub(super) waiting: Option<Box<Waiting>>,
    /// While it is watched.
    pub(super) health: Option<Box<Health>>,
    /// Where it says how it is, if it does.
    pub(super) inbox: Option<Inbox>,
    /// What it says that it does.
    pub(super) says: Option<Box<str>>,
    /// Whether it said that it is going to end.
    pub(super) is_leaving: bool,
    /// The ladder by which it is being ended to be run again.
    pub(super) parting: Option<Ladder>,
    /// Why it is being ended, if that is because it does not do what it should.
    pub(super) condemned: Option<Box<str>>,
    /// Its limits, if it has any.
    pub(super) limits: Option<Box<Limits>>,
    /// Whether it was refused a process because of them.
    pub(super) is_full: bool,
}

impl Program {
    /// Whether it does what it is there for, as far as that is known.
    pub(super) fn is_ready(&self) -> bool {
        self.waiting.is_none() && self.condemned.is_none()
    }
}

/// Why a program does not run.
#[derive(Debug)]
pub(super) struct NotStarted {
    pub(super) code: Win32Error,
    pub(super) message: String,
}

impl NotStarted {
    pub(super) fn no_definition() -> Self {
        let message = "it has no definition that this version of svckit can read".to_owned();
        Self { code: Win32Error::INVALID_DATA, message }
    }

    pub(super) fn system(what: &str, error: &io::Error) -> Self {
        Self { code: errno::win32(error), message: format!("cannot {what}: {}", errno::describe(error)) }
    }
}

impl From<EnvironmentError> for NotStarted {
    fn from(error: EnvironmentError) -> Self {
        Self { code: error.code, message: error.message }
    }
}

/// Waits for output.
pub(super) fn watch(shared: &Shared, slot: usize, kind: usize, source: &impl Source) {
    // It can fail only without memory; output is read when the program ends then.
    let _ = shared.poller.add(source, token(slot, kind), Interest::Read);
}

/// The program's ends of the pipes for its two outputs.
#[derive(Default)]
struct Outputs {
    ends: Vec<ProgramEnd>,
    /// Which of them is which; none where the output is thrown away.
    output: Option<usize>,
    error: Option<usize>,
}

impl Outputs {
    fn end(&self, which: Option<usize>) -> Option<End<'_>> {
        Some(self.ends.get(which?)?.into())
    }
}

impl Service {
    /// Starts the program: its process id.
    pub(super) fn launch(&mut self, shared: &mut Shared, now: Now) -> Result<u32, NotStarted> {
        let _withheld = self.withheld();
        let (mut command, old) = self.command(shared)?;
        if let Some(why) = old {
            let text = message::old_variables(&self.quoted(), &why);
            self.tell(shared, now, Message::new(EventId::OLD_VARIABLES, Level::Warning, text));
        }
        let inbox = self.inbox(shared, &mut command.environment);
        let inbox = inbox.map_err(|error| NotStarted::system("make a place for its messages", &error))?;
        let null = file::null_device().map_err(|error| NotStarted::system("open the null device", &error))?;
        let (ours, theirs) = self.input().map_err(|error| NotStarted::system("make a pipe", &error))?;
        let outputs = self.outputs(shared, now)?;
        let null = End::from(&null);
        let input = theirs.as_ref().map_or(null, End::from);
        let stdio = if shared.setting.output == Output::Console {
            Stdio { input, output: End::own_output(), error: End::own_error() }
        } else {
            let end = |which| outputs.end(which).unwrap_or(null);
            Stdio { input, output: end(outputs.output), error: end(outputs.error) }
        };
        let ready = self.definition.as_ref().and_then(|definition| definition.ready.clone());
        let before = match ready.as_ref().map(|ready| &ready.when) {
            Some(ReadyWhen::File(path)) => FileStamp::of(path),
            _ => FileStamp::default(),
        };
        let pid = shared.children.spawn(&command, stdio);
        command.forget();
        let pid = pid.map_err(|error| NotStarted { code: error.code(), message: error.to_string() })?;
        for (kind, stream) in self.streams.iter().enumerate() {
            if let Some(pipe) = stream.pipe() {
                watch(shared, self.slot, kind, pipe);
            }
        }
        shared.programs.insert(pid, self.slot);
        self.leader = Some(pid);
        // Of output that goes to the console nothing is seen here.
        let is_seen = |ready: &ReadyPolicy| match &ready.when {
            ReadyWhen::Log(_) => shared.setting.output == Output::Logs,
            _ => true,
        };
        let waiting = ready.filter(is_seen).map(|ready| Box::new(Waiting::new(&ready, before, now.tick)));
        if let State::Starting { until: until @ None, .. } = &mut self.state {
            *until = waiting.as_deref().map(Waiting::until);
        }
        let limits = self.limits_of(shared, pid);
        self.run = Run::Running(Program {
            pid,
            since: now.tick,
            input: ours,
            waiting,
            health: None,
            inbox,
            says: None,
            is_leaving: false,
            parting: None,
            condemned: None,
            limits,
            is_full: false,
        });
        if self.paused {
            self.act(shared, Purpose::Control(Control::PAUSE), now);
        }
        Ok(pid)
    }

    /// The limits of a program that was just started, which is watched for that of processes from now on.
    fn limits_of(&self, shared: &mut Shared, pid: u32) -> Option<Box<Limits>> {
        let limits = self.definition.as_ref().map(|definition| &definition.limits)?;
        if limits.processes.is_some() {
            // Without it the limit holds as well; only nobody hears of it.
            let _ = shared.children.watch_limit(&shared.poller, pid);
        }
        (!limits.is_none()).then(|| Box::new(shared.children.limits(pid, limits)))
    }

    /// A program has as many processes as it may have; or a command beside it, of which that isn't told.
    pub(crate) fn filled_up(&mut self, shared: &mut Shared, pid: u32, now: Now) {
        let Run::Running(program) = &mut self.run else { return };
        let limit = program.limits.as_ref().and_then(|limits| limits.processes);
        if let Some(limit) = limit.filter(|_| program.pid == pid) {
            program.is_full = true;
            let text = format!("{}: {}", self.quoted(), message::full(limit));
            self.tell(shared, now, Message::new(EventId::PROCESS_LIMIT, Level::Warning, text));
        }
    }

    /// No core dump shall have the secrets of the program, which are in memory until it has been started.
    pub(super) fn withheld(&self) -> Option<Withheld> {
        let has_secrets =
            self.definition.as_ref().is_some_and(|definition| !definition.program.secrets.is_empty());
        has_secrets.then(dump::withhold)
    }

    /// What is to be started, and why its variables may be old, if they may.
    fn command(&self, shared: &Shared) -> Result<(Command, Option<String>), NotStarted> {
        let definition = self.definition.as_ref().ok_or_else(NotStarted::no_definition)?;
        let program = &definition.program;
        let mark = (MARK_VARIABLE.into(), shared.setting.mark(&self.name));
        let Environment { variables, old } = whole::assemble(&shared.setting, &self.name, program, [mark])?;
        let command = Command {
            command: program.command.iter().chain(&self.arguments).map(OsString::from).collect(),
            directory: Some(program.directory.clone()),
            environment: variables,
            leave: definition.tree.left().to_vec(),
            limits: definition.limits.clone(),
            terms: shared.setting.terms.clone().with_sockets(self.sockets.clone()),
        };
        Ok((command, old))
    }

    /// Where the program says how it is, if it is to; its environment tells it.
    fn inbox(
        &self,
        shared: &Shared,
        environment: &mut Vec<(OsString, OsString)>,
    ) -> io::Result<Option<Inbox>> {
        let Some(definition) = self.definition.as_ref().filter(|definition| definition.is_told()) else {
            return Ok(None);
        };
        let inbox = Inbox::new()?;
        shared.poller.add(&inbox, token(self.slot, NOTICES), Interest::Read)?;
        let limit = match &definition.health {
            Some(HealthPolicy::Notify(limit)) => {
                Some((WATCHDOG.into(), limit.as_micros().to_string().into()))
            }
            _ => None,
        };
        // What came from above is about another process.
        let (name, place) = inbox.variable();
        let ours = [&*name, WATCHDOG.as_ref(), "WATCHDOG_PID".as_ref()].map(variable::key);
        environment.retain(|(other, _)| !ours.contains(&variable::key(other)));
        environment.extend(limit.into_iter().chain([(name, place)]));
        Ok(Some(inbox))
    }

    /// A pipe for the program's input, if its end is a rung of the stop ladder: our end and the program's.
    fn input(&self) -> io::Result<(Option<Writer>, Option<ProgramEnd>)> {
        let wanted = self.definition.as_ref().is_some_and(|definition| {
            definition.stop.ladder.iter().any(|rung| rung.action == StopAction::StdinClose)
        });
        if !wanted {
            return Ok((None, None));
        }
        let (theirs, ours) = pipe::inflow()?;
        Ok((Some(ours), Some(theirs)))
    }

    /// Makes the streams that the definition wants, unless there are any.
    pub(super) fn make_streams(&mut self) {
        let Some(log) = self.definition.as_ref().map(|definition| &definition.log) else { return };
        if self.streams.is_empty() {
            self.streams = Stream::all(log, &self.name);
        }
    }

    /// Which stream is for the output and which for the errors; none where they are thrown away.
    pub(super) fn places(&self) -> [Option<usize>; 2] {
        let Some(log) = self.definition.as_ref().map(|definition| &definition.log) else { return [None; 2] };
        let place = |target: &LogTarget, is_last: bool| {
            let LogTarget::File(path) = target else { return None };
            let mut streams = self.streams.iter();
            if is_last {
                streams.rposition(|stream| stream.path() == path)
            } else {
                streams.position(|stream| stream.path() == path)
            }
        };
        [place(&log.stdout, false), place(&log.stderr, true)]
    }

    /// Connects the streams.
    fn outputs(&mut self, shared: &mut Shared, now: Now) -> Result<Outputs, NotStarted> {
        if shared.setting.output == Output::Console {
            return Ok(Outputs::default());
        }
        self.make_streams();
        let mut remarks = Vec::new();
        let ready = self.definition.as_ref().and_then(|definition| definition.ready.as_ref());
        let pattern = match ready.map(|ready| &ready.when) {
            Some(ReadyWhen::Log(pattern)) => Some(pattern),
            _ => None,
        };
        let connect = |stream: &mut Stream| {
            stream.look_for(pattern);
            stream.connect(now, &mut remarks)
        };
        let ends: io::Result<_> = self.streams.iter_mut().map(connect).collect();
        self.tell_remarks(shared, &remarks, now);
        let ends = ends.map_err(|error| NotStarted::system("make a pipe", &error))?;
        let [output, error] = self.places();
        Ok(Outputs { ends, output, error })
    }
}
