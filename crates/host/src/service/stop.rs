//! The end of a service that somebody asked for, and of a program that isn't ready in time.

use svckit_core::definition::{Rung, StopAction, StopPolicy};
use svckit_core::hook::Errand;
use svckit_core::ladder::Ladder;
use svckit_core::native::{EventId, Level};
use svckit_core::status::ExitStatus;
use svckit_core::time::Now;
use svckit_core::win32::Win32Error;

use super::errand::Purpose;
use super::program::Program;
use super::{Next, Run, Service, State};
use crate::message::{self, Message};
use crate::supervisor::Shared;

impl Service {
    /// Somebody asked for the stop of the service.
    pub(super) fn stop(&mut self, shared: &mut Shared, now: Now) -> Win32Error {
        match self.state {
            State::Asked { .. } | State::Stopping { .. } | State::Finishing { .. } => {
                return Win32Error::SERVICE_CANNOT_ACCEPT_CTRL;
            }
            State::Stopped { .. } => return Win32Error::SERVICE_NOT_ACTIVE,
            State::Starting { .. } | State::Up => {}
        }
        let what = match &self.run {
            Run::Preparing | Run::Aftermath { .. } => Some("while a hook ran, which is ended"),
            Run::Backoff { .. } | Run::Idle => Some("while it waited to be started again"),
            Run::Running(_) | Run::Ending { .. } => None,
        };
        if let Some(what) = what {
            let text = format!("{} was stopped {what}", self.quoted());
            self.tell(shared, now, Message::new(EventId::PROGRAM_STOPPED, Level::Information, text));
        }
        self.begin_stop(shared, ExitStatus::CLEAN, now);
        Win32Error::SUCCESS
    }

    fn begin_stop(&mut self, shared: &mut Shared, exit: ExitStatus, now: Now) {
        match &self.run {
            Run::Running(_) => {
                self.abandon_errands(shared, |_| true, now);
                self.requests.clear();
                self.ask(shared, exit, now);
            }
            Run::Preparing | Run::Aftermath { .. } => self.break_off(shared, exit, now),
            Run::Ending { .. } => self.descend(shared, exit, 0, now),
            Run::Backoff { .. } | Run::Idle => self.finish(shared, exit, false, now),
        }
    }

    /// Begins the stop ladder, after this checkpoint.
    pub(super) fn descend(&mut self, shared: &mut Shared, exit: ExitStatus, checkpoint: u32, now: Now) {
        match &mut self.run {
            Run::Running(_) => {
                let policy = self.stop_policy();
                let (ladder, rungs) =
                    Ladder::after(checkpoint, &policy, now.tick, |action| self.can(shared, action));
                self.state = State::Stopping { ladder, exit };
                self.carry_out(shared, &rungs, now);
            }
            // Its end is under way, by force already.
            Run::Ending { next, .. } => {
                *next = Next::Stop { exit, gave_up: false, crashed: false };
                self.state = State::Stopping { ladder: Ladder::force(checkpoint, now.tick), exit };
            }
            // What comes after it is under way.
            Run::Preparing | Run::Aftermath { .. } | Run::Backoff { .. } | Run::Idle => {}
        }
    }

    /// Goes on with the ladder.
    pub(super) fn climb(&mut self, shared: &mut Shared, now: Now) {
        let Some(ladder) = self.ladder_mut().copied() else { return };
        if ladder.is_exhausted(now.tick) && matches!(self.run, Run::Running(_)) {
            let text = format!("the system does not end {}, not even by force", self.quoted());
            self.tell(shared, now, Message::new(EventId::STOP_RUNG, Level::Error, text));
            self.finish(shared, ExitStatus::Win32(Win32Error::SERVICE_REQUEST_TIMEOUT), false, now);
            return;
        }
        let policy = self.stop_policy();
        let (ladder, rungs) = ladder.at(&policy, now.tick, |action| self.can(shared, action));
        if let Some(place) = self.ladder_mut() {
            *place = ladder;
        }
        for Rung { action, .. } in &rungs {
            let text = format!("{} has not ended yet; {} follows", self.quoted(), message::action(action));
            self.tell(shared, now, Message::new(EventId::STOP_RUNG, Level::Warning, text));
        }
        self.carry_out(shared, &rungs, now);
    }

    /// The ladder under way: that of the service, or of its program alone.
    fn ladder_mut(&mut self) -> Option<&mut Ladder> {
        match (&mut self.state, &mut self.run) {
            (State::Stopping { ladder, .. }, _) => Some(ladder),
            (State::Up, Run::Running(program)) => program.parting.as_mut(),
            _ => None,
        }
    }

    /// The clock says that the program is to be run again: it is ended by the ladder first. The service stays as it is.
    pub(super) fn part(&mut self, shared: &mut Shared, now: Now) {
        let (ladder, rungs) =
            Ladder::after(0, &self.stop_policy(), now.tick, |action| self.can(shared, action));
        let Run::Running(program) = &mut self.run else { return };
        (program.waiting, program.health, program.parting) = (None, None, Some(ladder));
        self.carry_out(shared, &rungs, now);
    }

    /// Whether the program is being ended to be run again.
    pub(super) fn is_parting(&self) -> bool {
        matches!(&self.run, Run::Running(Program { parting: Some(_), .. }))
    }

    fn carry_out(&mut self, shared: &mut Shared, rungs: &[Rung], now: Now) {
        // Those before the last had no time: whether they fail changes nothing.
        let (last, current) =
            (rungs.len().saturating_sub(1), self.ladder_mut().and_then(|ladder| ladder.place()));
        for (index, Rung { action, wait }) in rungs.iter().enumerate() {
            let purpose = Purpose::Rung { place: current.filter(|_| index == last), wait: *wait };
            let Run::Running(program) = &mut self.run else { return };
            let pid = program.pid;
            // A program that has ended meanwhile is what is wanted.
            match action {
                StopAction::StdinClose => program.input = None,
                StopAction::Terminate => {
                    let _ = shared.children.end_tree(pid);
                    self.end_rest(shared);
                    continue;
                }
                StopAction::Command(command) => {
                    self.run_rung(shared, command, purpose, now);
                    continue;
                }
                StopAction::Http(request) => {
                    self.request(shared, purpose, request, *wait, now);
                    continue;
                }
                other => {
                    let _ = shared.children.ask(pid, other);
                }
            }
            self.wake(shared, pid);
        }
    }

    /// Runs a command of the ladder, which has the time of its rung.
    fn run_rung(&mut self, shared: &mut Shared, command: &[String], purpose: Purpose, now: Now) {
        let errand = Errand { command: command.to_vec(), timeout: self.limit_of(purpose) };
        if let Err(not_started) = self.run_errand(shared, purpose, &errand, now) {
            let reason = format!("could not be run: {}", not_started.message);
            self.hook_failed(shared, purpose, reason, now);
            self.hurry(purpose, now);
        }
    }

    /// A command or a request of the ladder failed: nobody waits for what it was to bring about, if it is its time. What an earlier rung has begun may go on into that of a later one.
    pub(super) fn hurry(&mut self, failed: Purpose, now: Now) {
        if let Purpose::Rung { place: Some(place), .. } = failed
            && let Some(ladder) = self.ladder_mut()
            && ladder.place() == Some(place)
        {
            *ladder = ladder.hurry(now.tick);
        }
    }

    fn can(&self, shared: &Shared, action: &StopAction) -> bool {
        let Run::Running(program) = &self.run else { return false };
        match action {
            StopAction::StdinClose => program.input.is_some(),
            StopAction::Command(_) | StopAction::Http(_) => true,
            other => shared.children.can(program.pid, other),
        }
    }

    fn stop_policy(&self) -> StopPolicy {
        self.definition.as_ref().map(|definition| definition.stop.clone()).unwrap_or_default()
    }

    /// The start took too long.
    pub(super) fn not_ready(&mut self, shared: &mut Shared, now: Now) {
        self.tell_not_ready(shared, "the service stops", now);
        self.begin_stop(shared, ExitStatus::Win32(Win32Error::SERVICE_REQUEST_TIMEOUT), now);
    }

    /// A program that was run again isn't ready in time: that counts as an end that nobody asked for.
    pub(super) fn not_ready_again(&mut self, shared: &mut Shared, now: Now) {
        self.tell_not_ready(shared, "it is ended", now);
        self.condemn(shared, "it was not ready in time".to_owned(), now);
    }

    fn tell_not_ready(&self, shared: &mut Shared, consequence: &str, now: Now) {
        let Some(ready) = self.definition.as_ref().and_then(|definition| definition.ready.as_ref()) else {
            return;
        };
        let why = match &self.run {
            Run::Running(Program { waiting: Some(waiting), .. }) => waiting.why(),
            _ => None,
        };
        let text = format!(
            "{} was not ready within {}: {}{}; {consequence}",
            self.quoted(),
            message::span(ready.timeout),
            ready.when.lack(),
            why.map_or_else(String::new, |why| format!(" ({why})")),
        );
        self.tell(shared, now, Message::new(EventId::START_HANG, Level::Error, text));
    }
}
