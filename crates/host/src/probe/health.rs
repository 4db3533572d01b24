//! Whether a program that runs is alive.

use std::time::Duration;

use svckit_core::health::{HealthPolicy, Step, Watch};
use svckit_core::hook::Errand;
use svckit_core::time::{Now, Tick};
use svckit_os::event::Poller;

use super::{Look, Means, Outcome, too_long};
use crate::message;

/// A program that is watched.
#[derive(Debug)]
pub(crate) struct Health {
    policy: HealthPolicy,
    watch: Watch,
    /// By what it is asked, if it is.
    means: Option<Means>,
    /// Why the last answer was none, or no good one.
    why: Option<String>,
}

impl Health {
    /// The program is up: from now on it is watched.
    pub(crate) fn begin(policy: &HealthPolicy, now: Now) -> Self {
        let means = match policy {
            HealthPolicy::Ask(ask) => Some(Means::of(&ask.target)),
            HealthPolicy::Silence(_) | HealthPolicy::Notify(_) => None,
        };
        Self { policy: policy.clone(), watch: Watch::begin(policy, now.tick), means, why: None }
    }

    /// When [`Health::tick`] is to be called.
    pub(crate) fn deadline(&self) -> Tick {
        self.watch.deadline()
    }

    /// The program wrote something.
    pub(crate) fn wrote(&mut self, now: Now) {
        if matches!(self.policy, HealthPolicy::Silence(_)) {
            self.heard(now);
        }
    }

    /// The program said that it is alive.
    pub(crate) fn said(&mut self, now: Now) {
        if matches!(self.policy, HealthPolicy::Notify(_)) {
            self.heard(now);
        }
    }

    fn heard(&mut self, now: Now) {
        self.watch = self.watch.heard(&self.policy, now.tick);
    }

    /// The poller brought the number.
    pub(crate) fn go_on(&mut self, poller: &Poller, token: u64, now: Now) -> Look {
        let Some(Means::Dial(dial)) = &mut self.means else { return Look::Wait };
        let outcome = dial.go_on(poller, token);
        self.answered(outcome, now)
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, poller: &Poller, token: u64, now: Now) -> Look {
        let is_late = matches!(self.watch, Watch::Asked { until, .. } if until <= now.tick);
        match (&mut self.means, &self.policy) {
            (Some(Means::Dial(dial)), _) if is_late && dial.is_open() => match dial.give_up() {
                Outcome::Good => return self.answered(Outcome::Good, now),
                Outcome::Bad(why) => self.why = Some(why),
                Outcome::Open => {}
            },
            (Some(Means::Command(_)), HealthPolicy::Ask(ask)) if is_late => {
                self.why = Some(too_long(ask.timeout));
            }
            _ => {}
        }
        let (watch, step) = self.watch.tick(&self.policy, now.tick);
        self.watch = watch;
        match (step, &self.policy, &mut self.means) {
            (Step::Ask, HealthPolicy::Ask(ask), Some(Means::Dial(dial))) => {
                let outcome = dial.begin(poller, token, ask.timeout);
                self.answered(outcome, now)
            }
            // Its time is that of the question, which is begun anew when the host wasn't run for long.
            (Step::Ask, _, Some(Means::Command(command))) => {
                Look::Run(Errand { command: command.clone(), timeout: Duration::MAX })
            }
            (Step::TakeBack, _, Some(Means::Command(_))) => Look::TakeBack,
            (Step::Dead, ..) => Look::Dead(self.cause()),
            _ => Look::Wait,
        }
    }

    /// How the last question stands.
    pub(crate) fn answered(&mut self, outcome: Outcome, now: Now) -> Look {
        let is_good = match outcome {
            Outcome::Open => return Look::Wait,
            Outcome::Good => true,
            Outcome::Bad(why) => {
                self.why = Some(why);
                false
            }
        };
        let (watch, step) = self.watch.answered(&self.policy, is_good, now.tick);
        self.watch = watch;
        if step == Step::Dead { Look::Dead(self.cause()) } else { Look::Wait }
    }

    fn cause(&self) -> String {
        let why = self.why.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
        match &self.policy {
            HealthPolicy::Ask(ask) => format!("{}{why}", ask.target.lack()),
            HealthPolicy::Silence(limit) => format!("it wrote nothing for {}", message::span(*limit)),
            HealthPolicy::Notify(limit) => format!("it did not say for {} that it is", message::span(*limit)),
        }
    }
}
