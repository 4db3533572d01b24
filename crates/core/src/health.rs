//! Whether a program that runs is alive: it is asked again and again, or has to be heard from time to time.
//!
//! Time here, as everywhere in the host, is that of a clock which stands still while the machine is suspended: nobody answers then, and that is no failure.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::millis;
use crate::target::Target;
use crate::time::Tick;

/// Who notices a deadline so late wasn't run either, as when a virtual machine was frozen: what was to come until then counts for nothing.
const FROZEN: Duration = Duration::from_secs(10);

/// How it is known that a program is alive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HealthPolicy {
    /// It answers when it is asked.
    Ask(AskPolicy),
    /// It writes something at least so often.
    Silence(#[serde(with = "millis")] Duration),
    /// It says so at least so often.
    Notify(#[serde(with = "millis")] Duration),
}

/// Asking a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskPolicy {
    /// Where.
    pub target: Target,
    /// How long after an answer it is asked again.
    #[serde(with = "millis", rename = "interval_ms")]
    pub interval: Duration,
    /// How long it has to answer.
    #[serde(with = "millis", rename = "timeout_ms")]
    pub timeout: Duration,
    /// How many times one after the other it may fail to, until it counts as dead: at least once.
    pub threshold: u32,
}

impl HealthPolicy {
    /// `HOST:PORT` where the program is asked, if it is.
    pub fn address(&self) -> Option<String> {
        match self {
            Self::Ask(ask) => ask.target.address(),
            Self::Silence(_) | Self::Notify(_) => None,
        }
    }
}

impl fmt::Display for HealthPolicy {
    /// As the definition file has it, for people: `tcp localhost:80`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask(ask) => ask.target.fmt(f),
            Self::Silence(limit) => write!(f, "silence {limit:?}"),
            Self::Notify(limit) => write!(f, "notify {limit:?}"),
        }
    }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Wait.
    Wait,
    /// Ask the program.
    Ask,
    /// Take the question back: no answer came in time, or it is not known whether one would have.
    TakeBack,
    /// The program is not alive.
    Dead,
}

/// How a program is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// It is asked again then.
    Resting {
        /// When.
        next: Tick,
        /// How many times it failed since it last answered.
        failures: u32,
    },
    /// It was asked.
    Asked {
        /// When its time is over.
        until: Tick,
        /// How many times it failed before.
        failures: u32,
    },
    /// It was heard.
    Heard {
        /// When it has to be heard again.
        until: Tick,
    },
}

impl Watch {
    /// The program is up: from now on it is watched.
    pub fn begin(policy: &HealthPolicy, now: Tick) -> Self {
        match policy {
            HealthPolicy::Ask(ask) => Self::Resting { next: now + ask.interval, failures: 0 },
            HealthPolicy::Silence(limit) | HealthPolicy::Notify(limit) => Self::Heard { until: now + *limit },
        }
    }

    /// When [`Watch::tick`] is due.
    pub fn deadline(&self) -> Tick {
        match self {
            Self::Resting { next: at, .. } | Self::Asked { until: at, .. } | Self::Heard { until: at } => *at,
        }
    }

    /// It was heard: something was written, or it said that it is alive.
    pub fn heard(self, policy: &HealthPolicy, now: Tick) -> Self {
        match self {
            Self::Heard { .. } => Self::begin(policy, now),
            other => other,
        }
    }

    /// It answered, well or not.
    pub fn answered(self, policy: &HealthPolicy, is_good: bool, now: Tick) -> (Self, Step) {
        let (Self::Asked { failures, .. }, HealthPolicy::Ask(ask)) = (self, policy) else {
            return (self, Step::Wait);
        };
        let failures = if is_good { 0 } else { failures + 1 };
        let step = if failures >= ask.threshold.max(1) { Step::Dead } else { Step::Wait };
        (Self::Resting { next: now + ask.interval, failures }, step)
    }

    /// Time has passed.
    pub fn tick(self, policy: &HealthPolicy, now: Tick) -> (Self, Step) {
        if now < self.deadline() {
            return (self, Step::Wait);
        }
        let was_frozen = now.since(self.deadline()) >= FROZEN;
        match (self, policy) {
            (Self::Resting { failures, .. }, HealthPolicy::Ask(ask)) => {
                (Self::Asked { until: now + ask.timeout, failures }, Step::Ask)
            }
            (Self::Asked { failures, .. }, HealthPolicy::Ask(_)) if was_frozen => {
                (Self::Resting { next: now, failures }, Step::TakeBack)
            }
            (Self::Asked { .. }, _) => match self.answered(policy, false, now) {
                (watch, Step::Wait) => (watch, Step::TakeBack),
                dead => dead,
            },
            _ if was_frozen => (Self::begin(policy, now), Step::Wait),
            _ => (self, Step::Dead),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Tick {
        Tick(Duration::from_secs(seconds))
    }

    fn ask() -> HealthPolicy {
        HealthPolicy::Ask(AskPolicy {
            target: Target::Tcp("x:1".to_owned()),
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(2),
            threshold: 3,
        })
    }

    #[test]
    fn so_many_failures_one_after_the_other_are_death() {
        let policy = ask();
        let mut watch = Watch::begin(&policy, at(0));
        assert_eq!(watch.tick(&policy, at(9)), (watch, Step::Wait));
        let mut step;
        // Refused, good, too late, refused, refused.
        for (now, is_good, expected) in [
            (10, Some(false), Step::Wait),
            (20, Some(true), Step::Wait),
            (30, None, Step::TakeBack),
            (42, Some(false), Step::Wait),
            (52, Some(false), Step::Dead),
        ] {
            assert_eq!(watch.deadline(), at(now));
            (watch, step) = watch.tick(&policy, at(now));
            assert_eq!(step, Step::Ask);
            (watch, step) = match is_good {
                Some(is_good) => watch.answered(&policy, is_good, at(now)),
                None => watch.tick(&policy, at(now + 2)),
            };
            assert_eq!(step, expected, "at {now}");
        }
    }

    #[test]
    fn the_last_answer_may_be_the_one_that_does_not_come() {
        let policy = ask();
        let watch = Watch::Asked { until: at(5), failures: 2 };
        assert_eq!(watch.tick(&policy, at(5)).1, Step::Dead);
        assert_eq!(watch.heard(&policy, at(5)), watch, "output is no answer");
    }

    #[test]
    fn who_was_frozen_has_missed_nothing() {
        let policy = ask();
        let watch = Watch::Asked { until: at(5), failures: 2 };
        let (watch, step) = watch.tick(&policy, at(5) + FROZEN);
        assert_eq!((watch, step), (Watch::Resting { next: at(15), failures: 2 }, Step::TakeBack));
        let policy = HealthPolicy::Silence(Duration::from_secs(60));
        let (watch, step) = Watch::begin(&policy, at(0)).tick(&policy, at(3600));
        assert_eq!((watch, step), (Watch::Heard { until: at(3660) }, Step::Wait));
    }

    #[test]
    fn silence_is_death() {
        for policy in
            [HealthPolicy::Silence(Duration::from_secs(60)), HealthPolicy::Notify(Duration::from_secs(60))]
        {
            let watch = Watch::begin(&policy, at(0)).heard(&policy, at(30));
            assert_eq!(watch.tick(&policy, at(89)), (watch, Step::Wait));
            assert_eq!(watch.tick(&policy, at(90)).1, Step::Dead);
            assert_eq!(watch.answered(&policy, false, at(40)), (watch, Step::Wait), "nobody was asked");
        }
    }

    #[test]
    fn policies_are_stored() {
        for policy in
            [ask(), HealthPolicy::Silence(Duration::from_millis(1500)), HealthPolicy::Notify(Duration::ZERO)]
        {
            let text = serde_json::to_string(&policy).unwrap();
            assert_eq!(serde_json::from_str::<HealthPolicy>(&text).unwrap(), policy, "{text}");
        }
    }
}
