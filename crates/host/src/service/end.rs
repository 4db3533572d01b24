//! How a program ended, what is left of it, and what follows.

use svckit_core::hook::Moment;
use svckit_core::ladder::GRACE;
use svckit_core::native::{EventId, Level, ProgramExit};
use svckit_core::restart::{Decision, Ended};
use svckit_core::status::ExitStatus;
use svckit_core::time::Now;

use super::errand::Purpose;
use super::program::Program;
use super::{End, Next, Run, Service, State};
use crate::message::{self, Message};
use crate::supervisor::Shared;

impl Service {
    pub(super) fn program_ended(&mut self, shared: &mut Shared, how: Ended, now: Now) {
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
        let is_about_it = |purpose| {
            matches!(purpose, Purpose::Hook(Moment::PostStart, _) | Purpose::Ready | Purpose::Health)
        };
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
    pub(super) fn shortage(&self, shared: &Shared, pid: u32, how: Ended) -> Option<Box<str>> {
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
    pub(super) fn settle(&mut self, shared: &mut Shared, now: Now) {
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
    pub(super) fn end_rest(&self, shared: &mut Shared) -> Vec<u32> {
        let Some(leader) = self.leader else { return Vec::new() };
        let mark = shared.setting.mark(&self.name);
        shared.children.end_rest(leader, &mark, shared.alone && self.errands.is_empty())
    }
}
