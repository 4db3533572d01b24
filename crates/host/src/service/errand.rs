//! Commands beside the program: each in the program's directory, with its account and environment, a tree of its own, and its output in the log.

use std::ffi::OsString;
use std::io;
use std::time::Duration;

use svckit_core::control::Control;
use svckit_core::dispatch::MARK_VARIABLE;
use svckit_core::hook::{Course, Errand, Moment, Outcome};
use svckit_core::native::{EventId, HookFailure, Level};
use svckit_core::restart::Ended;
use svckit_core::system_event::Happening;
use svckit_core::time::{Now, Tick};
use svckit_os::pipe::{self, ProgramEnd, Reader};
use svckit_os::process::{Command, End, Stdio};
use svckit_os::{file, signal};

use super::program::{NotStarted, watch};
use super::{Run, Service};
use crate::log::Stream;
use crate::message::{self, Message};
use crate::supervisor::{Output, Shared};
use crate::whole;

/// Which source of a service it is: the outputs of its errands are from here on, as many for each as it may have streams.
const ERRANDS: usize = 32;
const STREAMS: usize = 2;

/// How many there may be at once: so many sources can be told apart.
const MOST: usize = 64;

/// A command under way.
#[derive(Debug)]
pub(super) struct Running {
    /// Which of the service's, by which its sources are known.
    number: usize,
    pid: u32,
    pub(super) purpose: Purpose,
    course: Course,
    mark: OsString,
    /// Its outputs, each to the stream of that number; of a probe the only one.
    outputs: Vec<Option<Reader>>,
    /// What a probe has written, which is for nobody's log.
    tail: Option<Tail>,
    /// What of it outlived it, and was ended.
    left: Vec<u32>,
    /// What memory had to do with its end.
    pub(super) shortage: Option<Box<str>>,
}

/// What a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// One of a moment, with its place in their order.
    Hook(Moment, usize),
    /// A rung of the stop ladder.
    Rung {
        /// Its place, if it has time.
        place: Option<usize>,
        wait: Duration,
    },
    /// What a control does.
    Control(Control),
    /// What is done about something that happened.
    Event(Happening),
    /// To see whether the program is ready.
    Ready,
    /// To see whether it is alive.
    Health,
}

impl Running {
    /// What it has written, if it is a probe.
    pub(super) fn said(&self) -> Option<&Tail> {
        self.tail.as_ref()
    }
}

impl Purpose {
    /// Whether it is to see how the program is: then nobody is told how it ended but who asked, and in its own way.
    fn is_probe(self) -> bool {
        matches!(self, Self::Ready | Self::Health)
    }

    /// What `SVC_HOOK` is.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Hook(moment, _) => moment.word(),
            Self::Rung { .. } => "stop",
            Self::Control(_) | Self::Event(_) => "control",
            Self::Ready => "ready",
            Self::Health => "health",
        }
    }

    /// How events call what is done for it, a command or a request.
    fn name(self, noun: &str) -> String {
        match self {
            Self::Hook(moment, 0) => format!("the hook {}", moment.word()),
            Self::Hook(moment, place) => format!("the hook {} (number {})", moment.word(), place + 1),
            Self::Rung { .. } => format!("the {noun} of the stop ladder"),
            Self::Control(control) => format!("the {noun} for {control}"),
            Self::Event(Happening { event, .. }) => format!("the {noun} for {}", event.word()),
            Self::Ready | Self::Health => format!("the {noun} of {}", self.word()),
        }
    }
}

impl Service {
    /// Runs a command beside the program; when it is over, [`Service::errand_over`] hears of it.
    pub(super) fn run_errand(
        &mut self,
        shared: &mut Shared,
        purpose: Purpose,
        errand: &Errand,
        now: Now,
    ) -> Result<(), NotStarted> {
        let number = (0..MOST).find(|number| self.errands.iter().all(|one| one.number != *number));
        let number =
            number.ok_or_else(|| NotStarted::system("run one more", &io::ErrorKind::QuotaExceeded.into()))?;
        let mut mark = shared.setting.mark(&self.name);
        mark.push(format!("/{number}"));
        let _withheld = self.withheld();
        let command = self.errand_command(shared, purpose, errand, &mark)?;
        let null = file::null_device().map_err(|error| NotStarted::system("open the null device", &error))?;
        let pipes = self.errand_outputs(shared, purpose, now)?;
        let (mut outputs, ends): (Vec<_>, Vec<_>) = pipes.into_iter().unzip();
        let (input, null) = (End::from(&null), End::from(&null));
        let stdio = if shared.setting.output == Output::Console && !purpose.is_probe() {
            Stdio { input, output: End::own_output(), error: End::own_error() }
        } else {
            let end = |place: Option<usize>| place.and_then(|place| ends.get(place)).map_or(null, End::from);
            let [output, error] = if purpose.is_probe() { [Some(0); 2] } else { self.places() };
            Stdio { input, output: end(output), error: end(error) }
        };
        let pid = shared.children.spawn(&command, stdio);
        command.forget();
        let pid = pid.map_err(|error| NotStarted { code: error.code(), message: error.to_string() })?;
        for (index, output) in outputs.iter_mut().enumerate() {
            if let Some(pipe) = output {
                watch(shared, self.slot, ERRANDS + number * STREAMS + index, pipe);
            }
        }
        shared.programs.insert(pid, self.slot);
        let course = Course::begin(errand, now.tick);
        let tail = purpose.is_probe().then(Tail::default);
        let (left, shortage) = (Vec::new(), None);
        self.errands.push(Running { number, pid, purpose, course, mark, outputs, tail, left, shortage });
        Ok(())
    }

    fn errand_command(
        &self,
        shared: &Shared,
        purpose: Purpose,
        errand: &Errand,
        mark: &OsString,
    ) -> Result<Command, NotStarted> {
        let definition = self.definition.as_ref().ok_or_else(NotStarted::no_definition)?;
        let program = &definition.program;
        let pid = match &self.run {
            Run::Running(program) => program.pid.to_string(),
            _ => String::new(),
        };
        let code = self.last_exit.and_then(|exit| exit.code).map(|code| code.to_string());
        let killed = self.last_exit.and_then(|exit| exit.signal).map(signal::name);
        let (control, event, session) = match purpose {
            Purpose::Control(control) => (control.0.to_string(), "", None),
            Purpose::Event(Happening { event, session }) => {
                (event.control().0.to_string(), event.word(), session)
            }
            _ => (String::new(), "", None),
        };
        let own = [
            ("SVC_CONTROL", control),
            ("SVC_EVENT", event.to_owned()),
            ("SVC_SESSION", session.map(|session| session.to_string()).unwrap_or_default()),
            ("SVC_NAME", self.name.as_str().to_owned()),
            ("SVC_HOOK", purpose.word().to_owned()),
            ("SVC_PID", pid),
            ("SVC_EXIT_CODE", code.unwrap_or_default()),
            ("SVC_EXIT_SIGNAL", killed.unwrap_or_default()),
            ("SVC_RESTARTS", self.restarts.to_string()),
        ];
        let is_of_it = matches!(purpose, Purpose::Hook(Moment::OnRotate, _));
        let rotated = self.told_rotated.as_ref().filter(|_| is_of_it);
        let rotated = rotated.map(OsString::from).unwrap_or_default();
        let own = own.map(|(name, value)| (name.into(), value.into()));
        let own = own.into_iter();
        let own = own.chain([("SVC_ROTATED_LOG".into(), rotated), (MARK_VARIABLE.into(), mark.clone())]);
        Ok(Command {
            command: errand.command.iter().map(OsString::from).collect(),
            directory: Some(program.directory.clone()),
            // That they are old was told when the program began.
            environment: whole::assemble(&shared.setting, &self.name, program, own)?.variables,
            leave: Vec::new(),
            limits: definition.limits.clone(),
            terms: shared.setting.terms.clone(),
        })
    }

    /// A pipe into each stream; of a probe one pipe for both.
    fn errand_outputs(
        &mut self,
        shared: &mut Shared,
        purpose: Purpose,
        now: Now,
    ) -> Result<Vec<(Option<Reader>, ProgramEnd)>, NotStarted> {
        if purpose.is_probe() {
            let pipe = pipe::outflow().map_err(|error| NotStarted::system("make a pipe", &error));
            return pipe.map(|(read, write)| vec![(Some(read), write)]);
        }
        if shared.setting.output == Output::Console {
            return Ok(Vec::new());
        }
        self.make_streams();
        let mut remarks = Vec::new();
        let pipes: io::Result<_> = self
            .streams
            .iter_mut()
            .map(|stream| stream.aside(now, &mut remarks).map(|(read, write)| (Some(read), write)))
            .collect();
        self.tell_remarks(shared, &remarks, now);
        pipes.map_err(|error| NotStarted::system("make a pipe", &error))
    }

    /// Something can be read from a source that may be an errand's.
    pub(super) fn errand_ready(&mut self, kind: usize, now: Now, remarks: &mut Vec<crate::log::Remark>) {
        let Some(place) = kind.checked_sub(ERRANDS) else { return };
        let (number, index) = (place / STREAMS, place % STREAMS);
        let errand = self.errands.iter_mut().find(|errand| errand.number == number);
        let Some(errand) = errand else { return };
        let Some(pipe) = errand.outputs.get_mut(index) else { return };
        if let Some(tail) = &mut errand.tail {
            tail.take(pipe);
        } else if let Some(stream) = self.streams.get_mut(index) {
            stream.pump_aside(pipe, now, remarks);
        }
    }

    /// A process ended that may be an errand's.
    pub(super) fn errand_ended(&mut self, shared: &mut Shared, pid: u32, how: Ended, now: Now) {
        let shortage = self.shortage(shared, pid, how);
        if let Some(errand) = self.errands.iter_mut().find(|errand| errand.pid == pid) {
            errand.course = errand.course.ended(how, now.tick);
            errand.shortage = shortage;
            self.settle_errands(shared, now);
        }
    }

    /// When [`Service::tick_errands`] has to be called.
    pub(super) fn errands_deadline(&self) -> Option<Tick> {
        self.errands.iter().map(|errand| errand.course.deadline()).min()
    }

    /// Ends those whose time is over.
    pub(super) fn tick_errands(&mut self, shared: &mut Shared, now: Now) {
        if self.errands_deadline().is_none_or(|at| at > now.tick) {
            return;
        }
        for errand in &mut self.errands {
            let (course, force) = errand.course.at(now.tick);
            errand.course = course;
            if force {
                // One that has ended meanwhile is what is wanted.
                let _ = shared.children.end_tree(errand.pid);
            }
        }
        self.settle_errands(shared, now);
    }

    /// Ends those that nobody wants any more.
    pub(super) fn abandon_errands(
        &mut self,
        shared: &mut Shared,
        unwanted: impl Fn(Purpose) -> bool,
        now: Now,
    ) {
        for errand in self.errands.iter_mut().filter(|errand| unwanted(errand.purpose)) {
            let (course, force) = errand.course.abandon(now.tick);
            errand.course = course;
            if force {
                let _ = shared.children.end_tree(errand.pid);
            }
        }
    }

    /// Goes on for every errand of which nothing is left.
    pub(super) fn settle_errands(&mut self, shared: &mut Shared, now: Now) {
        while let Some((errand, outcome)) = self.next_over(shared, now) {
            if !errand.purpose.is_probe() {
                self.tell_errand(shared, &errand, outcome, now);
            }
            self.errand_over(shared, &errand, outcome, now);
        }
    }

    fn next_over(&mut self, shared: &mut Shared, now: Now) -> Option<(Running, Outcome)> {
        // With nothing else of the service there, whatever is left is the errand's.
        let program = matches!(self.run, Run::Running(_) | Run::Ending { .. });
        let alone = shared.alone && self.errands.len() == 1 && !program;
        for index in 0..self.errands.len() {
            let errand = self.errands.get_mut(index)?;
            let mut nothing_left = false;
            if errand.course.has_ended() {
                let left = shared.children.end_rest(errand.pid, &errand.mark, alone);
                nothing_left = left.is_empty();
                let known = std::mem::take(&mut errand.left);
                errand.left = left.into_iter().chain(known).collect();
                errand.left.sort_unstable();
                errand.left.dedup();
            }
            if let Some(outcome) = errand.course.over(nothing_left, now.tick) {
                let mut errand = self.errands.swap_remove(index);
                let mut remarks = Vec::new();
                if let (Some(tail), Some(Some(pipe))) = (&mut errand.tail, errand.outputs.first_mut()) {
                    tail.finish(pipe);
                } else {
                    for (stream, pipe) in self.streams.iter_mut().zip(&mut errand.outputs) {
                        stream.drain_aside(pipe, now, &mut remarks);
                    }
                }
                self.tell_remarks(shared, &remarks, now);
                return Some((errand, outcome));
            }
        }
        None
    }

    fn tell_errand(&mut self, shared: &mut Shared, errand: &Running, outcome: Outcome, now: Now) {
        let what = errand.purpose.name("command");
        match outcome {
            Outcome::Abandoned => {
                let text = format!("{}: {what} was ended, since it is not needed any more", self.quoted());
                self.tell(shared, now, Message::new(EventId::HOOK_FAILED, Level::Information, text));
            }
            Outcome::TimedOut => {
                let limit = self.limit_of(errand.purpose);
                let reason = format!("took longer than {} and was ended", message::span(limit));
                self.hook_failed(shared, errand.purpose, reason, now);
            }
            Outcome::Ended(how) if !outcome.is_success() => {
                let ending = message::ending(how, errand.shortage.as_deref());
                self.hook_failed(shared, errand.purpose, format!("ended with {ending}"), now);
            }
            Outcome::Ended(_) if !errand.left.is_empty() => {
                let count = errand.left.len();
                let noun = if count == 1 { "process" } else { "processes" };
                let text = format!("{}: {what} left {count} {noun} behind, which were ended", self.quoted());
                self.tell(shared, now, Message::new(EventId::LEFTOVERS_ENDED, Level::Warning, text));
            }
            Outcome::Ended(_) => {}
        }
    }

    /// Tells of a failure, and keeps it for whoever asks.
    pub(super) fn hook_failed(&mut self, shared: &mut Shared, purpose: Purpose, reason: String, now: Now) {
        self.failed(shared, purpose, "command", reason, now);
    }

    /// The same of a command or a request.
    pub(super) fn failed(
        &mut self,
        shared: &mut Shared,
        purpose: Purpose,
        noun: &str,
        reason: String,
        now: Now,
    ) {
        let hook = purpose.word().to_owned();
        let text = format!("{}: {} {reason}", self.quoted(), purpose.name(noun));
        self.hook_failure = Some(Box::new(HookFailure { hook, reason, at: now.wall }));
        self.tell(shared, now, Message::new(EventId::HOOK_FAILED, Level::Warning, text));
    }

    /// Whether a command for this runs, or a request has no answer yet.
    pub(super) fn is_under_way(&self, purpose: Purpose) -> bool {
        self.is_requested(purpose) || self.errands.iter().any(|errand| errand.purpose == purpose)
    }

    /// What runs beside the program, for whoever asks.
    pub(super) fn hook_now(&self) -> Option<Box<str>> {
        let hook = self.errands.iter().find(|errand| !errand.purpose.is_probe());
        hook.map(|errand| errand.purpose.word().into())
    }
}

/// The end of what a probe has written.
#[derive(Debug, Default)]
pub(super) struct Tail(Vec<u8>);

impl Tail {
    /// So many bytes are kept.
    const LENGTH: usize = 1 << 10;

    /// So many bytes are taken at a time.
    const TURN: usize = 16 << 10;

    /// So many characters are told.
    const TOLD: usize = 200;

    /// Takes what is in the pipe, up to the size of a turn.
    fn take(&mut self, pipe: &mut Option<Reader>) {
        let Some(reader) = pipe else { return };
        match self.read(reader) {
            Ok(count) if count > 0 => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => *pipe = None,
        }
    }

    /// Takes what is in the pipe now, and no more.
    fn finish(&mut self, reader: &mut Reader) {
        let mut rest = reader.available().unwrap_or_default();
        while rest > 0 {
            match self.read(reader) {
                Ok(count) if count > 0 => rest = rest.saturating_sub(count as u64),
                _ => return,
            }
        }
    }

    fn read(&mut self, reader: &mut Reader) -> io::Result<usize> {
        let count = reader.read(&mut self.0, Self::TURN)?;
        let old = self.0.len().saturating_sub(Self::LENGTH);
        self.0.drain(..old);
        Ok(count)
    }

    /// The last line that says something.
    pub(super) fn words(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.0);
        let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
        Some(line.chars().filter(|c| !c.is_control()).take(Self::TOLD).collect())
    }
}

/// Makes sure that two streams are the most that there are.
const _: () = assert!(ERRANDS + MOST * STREAMS <= 192 && STREAMS == Stream::MOST);
