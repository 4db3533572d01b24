//! Whether a program that runs is alive.

use svckit_core::health::{HealthPolicy, Step, Watch};
use svckit_core::time::{Now, Tick};
use svckit_os::clock;
use svckit_os::event::Poller;

use super::dial::{Dial, Outcome};
use crate::message;

/// A program that is watched.
#[derive(Debug)]
pub(crate) struct Health {
    policy: HealthPolicy,
    watch: Watch,
    /// By what it is asked, if it is.
    dial: Option<Dial>,
    /// Why the last answer was none, or no good one.
    why: Option<String>,
    /// When [`Health::tick`] is due, on the clock that goes on while the machine is suspended: it comes too early after that, which is no harm.
    wake: Tick,
}

impl Health {
    /// The program is up: from now on it is watched.
    pub(crate) fn begin(policy: &HealthPolicy, now: Now) -> Self {
        let dial = match policy {
            HealthPolicy::Ask(ask) => Some(Dial::new(&ask.target)),
            HealthPolicy::Silence(_) | HealthPolicy::Notify(_) => None,
        };
        let awake = clock::awake();
        let watch = Watch::begin(policy, awake);
        let mut health = Self { policy: policy.clone(), watch, dial, why: None, wake: now.tick };
        health.set_wake(awake, now);
        health
    }

    /// When [`Health::tick`] is to be called.
    pub(crate) fn deadline(&self) -> Tick {
        self.wake
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
        let awake = clock::awake();
        self.watch = self.watch.heard(&self.policy, awake);
        self.set_wake(awake, now);
    }

    /// The poller brought the number: why the program is not alive, if that is certain now.
    pub(crate) fn go_on(&mut self, poller: &Poller, token: u64, now: Now) -> Option<String> {
        let outcome = self.dial.as_mut()?.go_on(poller, token);
        self.judge(outcome, now)
    }

    /// Does what is due: why the program is not alive, if that is certain now.
    pub(crate) fn tick(&mut self, poller: &Poller, token: u64, now: Now) -> Option<String> {
        let awake = clock::awake();
        if let Some(dial) = self.dial.as_mut().filter(|dial| dial.is_open() && self.watch.deadline() <= awake)
        {
            match dial.give_up() {
                Outcome::Good => return self.judge(Outcome::Good, now),
                Outcome::Bad(why) => self.why = Some(why),
                Outcome::Open => {}
            }
        }
        let (watch, step) = self.watch.tick(&self.policy, awake);
        self.watch = watch;
        self.set_wake(awake, now);
        match (step, &self.policy, &mut self.dial) {
            (Step::Ask, HealthPolicy::Ask(ask), Some(dial)) => {
                let outcome = dial.begin(poller, token, ask.timeout);
                self.judge(outcome, now)
            }
            (Step::Dead, ..) => Some(self.cause()),
            _ => None,
        }
    }

    fn judge(&mut self, outcome: Outcome, now: Now) -> Option<String> {
        let is_good = match outcome {
            Outcome::Open => return None,
            Outcome::Good => true,
            Outcome::Bad(why) => {
                self.why = Some(why);
                false
            }
        };
        let awake = clock::awake();
        let (watch, step) = self.watch.answered(&self.policy, is_good, awake);
        self.watch = watch;
        self.set_wake(awake, now);
        (step == Step::Dead).then(|| self.cause())
    }

    fn set_wake(&mut self, awake: Tick, now: Now) {
        self.wake = now.tick + self.watch.deadline().since(awake);
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
