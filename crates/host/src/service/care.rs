//! Whether a program is ready and alive, and what it says of that.

use svckit_core::health::HealthPolicy;
use svckit_core::hook;
use svckit_core::native::{EventId, Level};
use svckit_core::notify::{self, Notice};
use svckit_core::time::{Now, Tick};

use super::errand::{Purpose, Running, Tail};
use super::program::Program;
use super::{Run, Service, State};
use crate::message::{self, Message};
use crate::probe::{self, Health, Look, Waiting};
use crate::supervisor::{Output, Shared};

/// How many messages are taken at once, so that one who says much doesn't hold up everything else.
const TURN: usize = 64;

impl Service {
    /// From now on it is watched whether the program is alive, if that is wanted, and it is ready and not paused.
    pub(super) fn watch_health(&mut self, shared: &mut Shared, now: Now) {
        self.abandon_errands(shared, |purpose| purpose == Purpose::Health, now);
        let Some(policy) = self.definition.as_ref().and_then(|definition| definition.health.as_ref()) else {
            return;
        };
        // Of output that goes to the console nothing is seen here.
        let is_seen = !matches!(policy, HealthPolicy::Silence(_)) || shared.setting.output == Output::Logs;
        if let Run::Running(program) = &mut self.run {
            let is_up =
                program.waiting.is_none() && program.parting.is_none() && !program.is_leaving && !self.paused;
            program.health = (is_up && is_seen).then(|| Box::new(Health::begin(policy, now)));
        }
    }

    /// Does what follows from a look at a program that nobody stops.
    pub(super) fn looked(&mut self, shared: &mut Shared, look: Look, now: Now) {
        match look {
            Look::Wait => {}
            Look::Ready => self.became_ready(shared, now),
            Look::Dead(why) => self.not_alive(shared, &why, now),
            Look::TakeBack => self.abandon_errands(shared, |purpose| purpose == Purpose::Health, now),
            Look::Run(errand) => {
                let is_ready = matches!(&self.run, Run::Running(program) if program.waiting.is_none());
                let purpose = if is_ready { Purpose::Health } else { Purpose::Ready };
                if let Err(not_started) = self.run_errand(shared, purpose, &errand, now) {
                    let why = format!("it could not be run: {}", not_started.message);
                    self.answered(shared, purpose, probe::Outcome::Bad(why), now);
                }
            }
        }
    }

    /// A command that asks for the program's state is over.
    pub(super) fn probed(&mut self, shared: &mut Shared, errand: &Running, outcome: hook::Outcome, now: Now) {
        let purpose = errand.purpose;
        let answer = match outcome {
            hook::Outcome::Abandoned => return,
            hook::Outcome::TimedOut => probe::Outcome::Bad(probe::too_long(self.limit_of(purpose))),
            hook::Outcome::Ended(_) if outcome.is_success() => probe::Outcome::Good,
            hook::Outcome::Ended(how) => {
                let words = errand
                    .said()
                    .and_then(Tail::words)
                    .map_or_else(String::new, |words| format!(": {words}"));
                let ending = message::ending(how, errand.shortage.as_deref());
                probe::Outcome::Bad(format!("{ending}{words}"))
            }
        };
        self.answered(shared, purpose, answer, now);
    }

    fn answered(&mut self, shared: &mut Shared, purpose: Purpose, answer: probe::Outcome, now: Now) {
        let is_asked = self.is_asked();
        let look = match &mut self.run {
            Run::Running(Program { waiting: Some(waiting), .. }) if purpose == Purpose::Ready => {
                waiting.answered(answer, now.tick)
            }
            Run::Running(Program { health: Some(health), .. }) if purpose == Purpose::Health => {
                health.answered(answer, now)
            }
            _ => return,
        };
        if !is_asked {
            self.looked(shared, look, now);
        }
    }

    /// The program is not alive: it is ended, which is a failure like any other.
    pub(super) fn not_alive(&mut self, shared: &mut Shared, why: &str, now: Now) {
        let text = format!("{} is not alive: {why}; it is ended", self.quoted());
        self.tell(shared, now, Message::new(EventId::NOT_ALIVE, Level::Error, text));
        self.condemn(shared, format!("it was not alive: {why}"), now);
    }

    /// Ends the program by force because it does not do what it should.
    pub(super) fn condemn(&mut self, shared: &mut Shared, reason: String, now: Now) {
        self.abandon_errands(shared, |purpose| matches!(purpose, Purpose::Ready | Purpose::Health), now);
        if let Run::Running(program) = &mut self.run {
            (program.waiting, program.health) = (None, None);
            program.condemned = Some(reason.into());
            // One that has ended meanwhile is what is wanted.
            let _ = shared.children.end_tree(program.pid);
        }
    }

    /// There may be messages of the program.
    pub(super) fn hear(&mut self, shared: &mut Shared, now: Now) {
        let mark = shared.setting.mark(&self.name);
        for _ in 0..TURN {
            let Run::Running(Program { pid, inbox: place, .. }) = &mut self.run else { return };
            let Some(inbox) = place else { return };
            let message = match inbox.next(&shared.children, *pid, &mark) {
                Ok(Some(message)) => message,
                Ok(None) => return,
                // It would be told of again and again.
                Err(_) => {
                    *place = None;
                    return;
                }
            };
            for notice in notify::notices(&message) {
                self.note(shared, notice, now);
            }
        }
    }

    fn note(&mut self, shared: &mut Shared, notice: Notice, now: Now) {
        let is_asked = self.is_asked();
        let Run::Running(program) = &mut self.run else { return };
        match notice {
            Notice::Ready if !is_asked && program.waiting.as_deref().is_some_and(Waiting::is_for_notice) => {
                self.became_ready(shared, now);
            }
            Notice::Ready => {}
            Notice::Status(text) => program.says = (!text.is_empty()).then(|| text.into()),
            Notice::Alive => program.health.iter_mut().for_each(|health| health.said(now)),
            Notice::Dead if is_asked => {}
            Notice::Dead => self.not_alive(shared, "it says so", now),
            Notice::Stopping => {
                program.is_leaving = true;
                program.health = None;
            }
            Notice::Extend(time) => self.extend(now.tick + time),
        }
    }

    /// The program asks for time until then, to get ready or to stop.
    fn extend(&mut self, to: Tick) {
        match &mut self.state {
            State::Starting { until: Some(until), .. } => *until = (*until).max(to),
            State::Stopping { ladder, .. } => *ladder = ladder.extended(to),
            _ => {}
        }
        if let Run::Running(Program { parting: Some(ladder), .. }) = &mut self.run {
            *ladder = ladder.extended(to);
        }
        if let Run::Running(Program { waiting: Some(waiting), .. }) = &mut self.run {
            waiting.extend(to);
        }
    }
}
