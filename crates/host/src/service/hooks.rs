//! What is done at a moment in a service's life, and what follows.

use std::time::Duration;

use svckit_core::definition::ControlAction;
use svckit_core::health::HealthPolicy;
use svckit_core::hook::{Errand, Hook, Moment, OnFailure, Outcome};
use svckit_core::ladder::{Ladder, Pulse};
use svckit_core::restart::Ended;
use svckit_core::status::ExitStatus;
use svckit_core::time::Now;

use super::errand::{Purpose, Running};
use super::{Next, Run, Service, State};
use crate::supervisor::Shared;

impl Service {
    /// The hook of a moment that has this place in the order.
    fn hook(&self, moment: Moment, place: usize) -> Option<&Hook> {
        self.definition.as_ref()?.hooks.get(&moment)?.as_slice().get(place)
    }

    /// How long an errand may take.
    pub(super) fn limit_of(&self, purpose: Purpose) -> Duration {
        match purpose {
            Purpose::Hook(moment, place) => {
                self.hook(moment, place).map_or(Duration::ZERO, |hook| hook.errand.timeout)
            }
            Purpose::Rung { wait, .. } => wait,
            Purpose::Ready => Errand::TIMEOUT,
            Purpose::Health => {
                match self.definition.as_ref().and_then(|definition| definition.health.as_ref()) {
                    Some(HealthPolicy::Ask(ask)) => ask.timeout,
                    _ => Duration::ZERO,
                }
            }
            Purpose::Control(_) | Purpose::Event(_) => match self.action(purpose) {
                Some(ControlAction::Command(errand)) => errand.timeout,
                Some(ControlAction::Http(call)) => call.timeout,
                _ => Duration::ZERO,
            },
        }
    }

    /// Runs the hooks of a moment, if there are any, and then does what the moment is before; at once if there is none.
    pub(super) fn at_moment(&mut self, shared: &mut Shared, moment: Moment, now: Now) {
        self.run_hooks(shared, moment, 0, now);
    }

    /// Runs them one after the other, from this place in their order on.
    fn run_hooks(&mut self, shared: &mut Shared, moment: Moment, place: usize, now: Now) {
        let Some(hook) = self.hook(moment, place).cloned() else {
            return self.after(shared, moment, None, now);
        };
        let purpose = Purpose::Hook(moment, place);
        if let Err(not_started) = self.run_errand(shared, purpose, &hook.errand, now) {
            self.hook_failed(shared, purpose, format!("could not be run: {}", not_started.message), now);
            match hook.on_failure {
                OnFailure::Fail => {
                    self.after(shared, moment, Some(ExitStatus::Win32(not_started.code)), now);
                }
                OnFailure::GoOn => self.run_hooks(shared, moment, place + 1, now),
            }
        }
    }

    /// One of them is over: the next is run, or what the moment is before is done.
    fn hook_over(&mut self, shared: &mut Shared, at: (Moment, usize), outcome: Outcome, now: Now) {
        let (moment, place) = at;
        let fails = self.hook(moment, place).is_some_and(|hook| hook.on_failure == OnFailure::Fail);
        let failure = (fails && !outcome.is_success()).then(|| outcome.status());
        // Of a service that was told to stop meanwhile, only what belongs to the stop goes on.
        let goes_on = match (moment, &self.state) {
            (Moment::PreStop, state) => matches!(state, State::Asked { .. }),
            (Moment::PostStop, state) => matches!(state, State::Finishing { .. }),
            (_, state) => matches!(state, State::Starting { .. } | State::Up),
        };
        if failure.is_none() && outcome != Outcome::Abandoned && goes_on {
            self.run_hooks(shared, moment, place + 1, now);
        } else {
            self.after(shared, moment, failure, now);
        }
    }

    /// Runs the hook for a log that was rotated, unless it runs for an earlier one: then it is run again when that is over, once for all.
    pub(crate) fn follow_rotation(&mut self, shared: &mut Shared, now: Now) {
        let runs =
            self.errands.iter().any(|errand| matches!(errand.purpose, Purpose::Hook(Moment::OnRotate, _)));
        if self.rotated.is_some() && !runs && !self.is_asked() {
            self.told_rotated = self.rotated.take();
            self.at_moment(shared, Moment::OnRotate, now);
        }
    }

    /// A command beside the program is over.
    pub(super) fn errand_over(&mut self, shared: &mut Shared, errand: &Running, outcome: Outcome, now: Now) {
        let purpose = errand.purpose;
        match purpose {
            Purpose::Ready | Purpose::Health => self.probed(shared, errand, outcome, now),
            // The program that was ready has ended.
            Purpose::Hook(Moment::PostStart, _) if outcome == Outcome::Abandoned => {}
            Purpose::Hook(moment, place) => self.hook_over(shared, (moment, place), outcome, now),
            Purpose::Rung { .. } if matches!(outcome, Outcome::Ended(_)) && !outcome.is_success() => {
                self.hurry(purpose, now);
            }
            Purpose::Control(_) if outcome.is_success() => self.obeyed(shared, purpose, now),
            Purpose::Rung { .. } | Purpose::Control(_) | Purpose::Event(_) => {}
        }
        self.finish_if_over(shared, now);
    }

    /// Does what a moment is before; `failure` is the exit status of a service that fails there.
    fn after(&mut self, shared: &mut Shared, moment: Moment, failure: Option<ExitStatus>, now: Now) {
        match (moment, &self.state) {
            (Moment::PreStart, State::Stopping { exit, .. }) => {
                let exit = *exit;
                self.finish(shared, exit, false, now);
            }
            (Moment::PreStart, _) => match failure {
                None => self.run_program(shared, now),
                Some(exit) => self.not_prepared(shared, exit, now),
            },
            (Moment::PostStart, State::Starting { .. }) => match failure {
                None => self.state = State::Up,
                Some(exit) => self.descend(shared, exit, 0, now),
            },
            (Moment::PostStart, State::Up) if failure.is_some() => {
                if let Run::Running(program) = &self.run {
                    // That counts as an end that nobody asked for.
                    let _ = shared.children.end_tree(program.pid);
                }
            }
            (Moment::PreStop, State::Asked { exit, pulse }) => {
                let (exit, checkpoint) = (*exit, pulse.checkpoint());
                self.descend(shared, exit, checkpoint, now);
            }
            (Moment::OnCrash, _) => self.after_crash(shared, failure.is_some(), now),
            (Moment::OnGiveUp, _) => self.proceed(shared, now),
            (Moment::PostStop, State::Finishing { exit, gave_up, .. }) => {
                let (exit, gave_up) = (*exit, *gave_up);
                self.rest(shared, exit, gave_up, now);
            }
            (Moment::PostStart | Moment::PreStop | Moment::PostStop | Moment::OnRotate, _) => {}
        }
    }

    fn after_crash(&mut self, shared: &mut Shared, failed: bool, now: Now) {
        let Run::Aftermath { next } = &mut self.run else { return };
        if failed && matches!(next, Next::Restart(_)) {
            let how =
                self.last_exit.and_then(|exit| exit.code.map(Ended::Code).or(exit.signal.map(Ended::Signal)));
            let exit = how.unwrap_or(Ended::Code(0)).error_status();
            *next = Next::Stop { exit, gave_up: false, crashed: true };
        }
        match next {
            Next::Stop { gave_up: true, .. } => self.at_moment(shared, Moment::OnGiveUp, now),
            _ => self.proceed(shared, now),
        }
    }

    /// Nothing is left of the program: what follows.
    pub(super) fn look_back(&mut self, shared: &mut Shared, next: Next, now: Now) {
        self.run = Run::Aftermath { next };
        let asked = matches!(self.state, State::Asked { .. } | State::Stopping { .. });
        match next {
            Next::Restart(_) | Next::Stop { crashed: true, .. } if !asked => {
                self.at_moment(shared, Moment::OnCrash, now);
            }
            _ => self.proceed(shared, now),
        }
    }

    fn proceed(&mut self, shared: &mut Shared, now: Now) {
        let Run::Aftermath { next } = self.run else { return };
        match next {
            Next::Stop { exit, gave_up, .. } => self.finish(shared, exit, gave_up, now),
            Next::Restart(Duration::ZERO) => self.relaunch_in_turn(shared, now),
            Next::Again => self.relaunch(shared, now),
            Next::Restart(delay) => self.wait(delay, now),
        }
    }

    /// Somebody asked a program that runs to end.
    pub(super) fn ask(&mut self, shared: &mut Shared, exit: ExitStatus, now: Now) {
        if matches!(self.state, State::Up) && self.hook(Moment::PreStop, 0).is_some() {
            self.state = State::Asked { pulse: Pulse::begin(1, now.tick), exit };
            self.at_moment(shared, Moment::PreStop, now);
        } else {
            self.descend(shared, exit, 0, now);
        }
    }

    /// Nothing will be run any more but what the definition wants then.
    pub(super) fn finish(&mut self, shared: &mut Shared, exit: ExitStatus, gave_up: bool, now: Now) {
        let checkpoint = match &self.state {
            State::Asked { pulse, .. } => pulse.checkpoint(),
            State::Stopping { ladder, .. } => ladder.checkpoint(),
            _ => 0,
        };
        self.run = Run::Idle;
        self.requests.clear();
        self.abandon_errands(
            shared,
            |purpose| matches!(purpose, Purpose::Control(_) | Purpose::Event(_)),
            now,
        );
        let pulse = Pulse::begin(checkpoint + 1, now.tick);
        self.state = State::Finishing { pulse, exit, gave_up, hooked: false };
        self.finish_if_over(shared, now);
    }

    /// The last hook has its turn when none is there any more.
    fn finish_if_over(&mut self, shared: &mut Shared, now: Now) {
        if let State::Finishing { hooked: hooked @ false, .. } = &mut self.state
            && self.errands.is_empty()
        {
            *hooked = true;
            self.at_moment(shared, Moment::PostStop, now);
        }
    }

    /// Ends what goes on without a program: a hook before it, or after it.
    pub(super) fn break_off(&mut self, shared: &mut Shared, exit: ExitStatus, now: Now) {
        if let Run::Aftermath { next } = &mut self.run {
            *next = Next::Stop { exit, gave_up: false, crashed: false };
        }
        self.state = State::Stopping { ladder: Ladder::force(0, now.tick), exit };
        self.abandon_errands(shared, |_| true, now);
    }
}
