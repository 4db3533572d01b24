//! Commands beside the program: at which moments of a service's life they are run, how long each may take, and what a failure means.

use std::fmt;
use std::time::Duration;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ladder::GRACE;
use crate::millis;
use crate::restart::Ended;
use crate::status::ExitStatus;
use crate::time::Tick;
use crate::win32::Win32Error;

/// A command that is run beside the program: in its directory, with its account and environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Errand {
    /// The program and its arguments; never empty.
    pub command: Vec<String>,
    /// How long it may take; then it is ended, with all that it started.
    #[serde(with = "millis", rename = "timeout_ms")]
    pub timeout: Duration,
}

impl Errand {
    /// How long one may take if nobody says.
    pub const TIMEOUT: Duration = Duration::from_secs(30);
}

/// When a hook is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// Before the program is run, each time.
    PreStart,
    /// When the program is ready, each time.
    PostStart,
    /// When the service was told to stop, before the stop ladder.
    PreStop,
    /// When nothing is left of the program, before the service is stopped.
    PostStop,
    /// When the program ended unexpectedly.
    OnCrash,
    /// When the service gives up.
    OnGiveUp,
    /// When a log was rotated.
    OnRotate,
}

impl Moment {
    /// Every moment, with the word for it.
    pub const NAMED: &'static [(&'static str, Self)] = &[
        ("pre-start", Self::PreStart),
        ("post-start", Self::PostStart),
        ("pre-stop", Self::PreStop),
        ("post-stop", Self::PostStop),
        ("on-crash", Self::OnCrash),
        ("on-give-up", Self::OnGiveUp),
        ("on-rotate", Self::OnRotate),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        Self::NAMED.iter().find(|(_, moment)| *moment == self).map_or("", |(word, _)| word)
    }

    /// What a failure means if nobody says.
    pub const fn usual(self) -> OnFailure {
        match self {
            Self::PreStart => OnFailure::Fail,
            _ => OnFailure::GoOn,
        }
    }

    /// Whether a failure may stop the service. A service that stops anyway isn't made to fail by it: who asked for the stop gets it, and nothing is started again.
    pub const fn may_fail(self) -> bool {
        matches!(self, Self::PreStart | Self::PostStart | Self::OnCrash)
    }
}

/// What the failure of a hook means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// The start has failed; of a program that crashed, that it isn't run again.
    Fail,
    /// Nothing, but that it is told.
    GoOn,
}

/// A command for a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// What is run.
    pub errand: Errand,
    /// What its failure means.
    pub on_failure: OnFailure,
}

/// The hooks of a moment, run one after the other in this order; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hooks(Vec<Hook>);

impl Hooks {
    /// These, if there are any.
    pub fn new(hooks: Vec<Hook>) -> Option<Self> {
        (!hooks.is_empty()).then_some(Self(hooks))
    }

    /// One after the other.
    pub fn as_slice(&self) -> &[Hook] {
        &self.0
    }

    /// The same, to be changed.
    pub fn as_mut_slice(&mut self) -> &mut [Hook] {
        &mut self.0
    }

    /// How long all of them may take.
    pub fn timeout(&self) -> Duration {
        self.0.iter().fold(Duration::ZERO, |sum, hook| sum.saturating_add(hook.errand.timeout))
    }
}

impl From<Hook> for Hooks {
    fn from(hook: Hook) -> Self {
        Self(vec![hook])
    }
}

/// A single one is stored as it was before there could be several.
impl Serialize for Hooks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [only] => only.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Hooks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrSeveral;
        impl<'de> Visitor<'de> for OneOrSeveral {
            type Value = Hooks;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a hook or a list of hooks")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Hooks, A::Error> {
                Hook::deserialize(MapAccessDeserializer::new(map)).map(Hooks::from)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Hooks, A::Error> {
                let hooks = Vec::deserialize(SeqAccessDeserializer::new(list))?;
                Hooks::new(hooks).ok_or_else(|| A::Error::custom("a list of hooks can't be empty"))
            }
        }
        deserializer.deserialize_any(OneOrSeveral)
    }
}

/// How an errand came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It ended by itself.
    Ended(Ended),
    /// It was ended, since its time was over.
    TimedOut,
    /// It was ended, since nobody wanted it any more.
    Abandoned,
}

impl Outcome {
    /// Whether it did what it was run for.
    pub fn is_success(self) -> bool {
        self == Self::Ended(Ended::Code(0))
    }

    /// The exit status of a service that fails because of it.
    pub fn status(self) -> ExitStatus {
        match self {
            Self::Ended(how) => how.status(),
            Self::TimedOut | Self::Abandoned => ExitStatus::Win32(Win32Error::SERVICE_REQUEST_TIMEOUT),
        }
    }
}

/// An errand under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Course {
    /// None: it runs still, and has time until then. Else what was left of it is being ended, not longer than until then.
    outcome: Option<Outcome>,
    until: Tick,
    /// Whether its process has ended.
    ended: bool,
}

impl Course {
    /// It was started.
    pub fn begin(errand: &Errand, now: Tick) -> Self {
        Self { outcome: None, until: now + errand.timeout, ended: false }
    }

    /// When [`Course::at`] has to be called.
    pub fn deadline(&self) -> Tick {
        self.until
    }

    /// Time went by: whether it is to be ended by force now.
    pub fn at(self, now: Tick) -> (Self, bool) {
        let late = self.outcome.is_none() && now >= self.until;
        if late { (self.force(Outcome::TimedOut, now), true) } else { (self, false) }
    }

    /// Nobody wants it any more: whether it is to be ended by force now.
    pub fn abandon(self, now: Tick) -> (Self, bool) {
        if self.outcome.is_none() { (self.force(Outcome::Abandoned, now), true) } else { (self, false) }
    }

    /// Its process ended.
    pub fn ended(self, how: Ended, now: Tick) -> Self {
        let ended = Self { ended: true, ..self };
        if self.outcome.is_none() { ended.force(Outcome::Ended(how), now) } else { ended }
    }

    /// The outcome, when it is over: nothing is left of it, or the system has not ended the rest in time.
    pub fn over(&self, nothing_left: bool, now: Tick) -> Option<Outcome> {
        self.outcome.filter(|_| (self.ended && nothing_left) || now >= self.until)
    }

    /// Whether its process has ended.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    fn force(self, outcome: Outcome, now: Tick) -> Self {
        Self { outcome: Some(outcome), until: now + GRACE, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Tick {
        Tick(Duration::from_secs(n))
    }

    fn begun() -> Course {
        Course::begin(
            &Errand { command: vec!["x".to_owned()], timeout: Duration::from_secs(5) },
            seconds(100),
        )
    }

    #[test]
    fn an_errand_is_over_when_nothing_is_left_of_it() {
        let course = begun();
        assert_eq!((course.deadline(), course.over(true, seconds(104))), (seconds(105), None));
        let course = course.ended(Ended::Code(3), seconds(102));
        assert_eq!(course.over(false, seconds(103)), None, "it left something");
        assert_eq!(course.over(true, seconds(103)), Some(Outcome::Ended(Ended::Code(3))));
        assert_eq!(course.at(seconds(106)), (course, false), "its time does not go on");
        assert_eq!(course.over(false, seconds(112)), Some(Outcome::Ended(Ended::Code(3))));
    }

    #[test]
    fn one_that_hangs_is_ended_once() {
        assert_eq!(begun().at(seconds(104)), (begun(), false));
        let (course, force) = begun().at(seconds(105));
        assert!(force && !course.at(seconds(106)).1 && !course.abandon(seconds(106)).1);
        assert_eq!(course.over(true, seconds(106)), None, "its process is there");
        let course = course.ended(Ended::Signal(9), seconds(106));
        assert_eq!(course.over(true, seconds(106)), Some(Outcome::TimedOut));
    }

    #[test]
    fn what_the_system_does_not_end_holds_up_nobody_for_ever() {
        let (course, force) = begun().abandon(seconds(101));
        assert!(force);
        assert_eq!(course.over(false, seconds(110)), None);
        assert_eq!(course.over(false, seconds(111)), Some(Outcome::Abandoned));
    }

    #[test]
    fn only_what_may_fail_can() {
        for (word, moment) in Moment::NAMED {
            assert_eq!(moment.word(), *word);
            assert_eq!(serde_json::to_string(moment).unwrap(), format!("{word:?}"));
            assert!(moment.usual() == OnFailure::GoOn || moment.may_fail());
        }
        assert!(Outcome::Ended(Ended::Code(0)).is_success());
        for bad in [Outcome::Ended(Ended::Code(1)), Outcome::Ended(Ended::Signal(9)), Outcome::TimedOut] {
            assert!(!bad.is_success() && bad.status() != ExitStatus::CLEAN);
        }
    }

    #[test]
    fn one_hook_is_stored_alone_and_several_in_their_order() {
        let hook = |name: &str| Hook {
            errand: Errand { command: vec![name.to_owned()], timeout: Duration::from_secs(2) },
            on_failure: OnFailure::GoOn,
        };
        let (one, two) = (Hooks::from(hook("a")), Hooks::new(vec![hook("a"), hook("b")]).unwrap());
        assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&hook("a")).unwrap());
        for hooks in [&one, &two] {
            let text = serde_json::to_string(hooks).unwrap();
            assert_eq!(serde_json::from_str::<Hooks>(&text).unwrap(), *hooks);
        }
        assert_eq!(two.timeout(), Duration::from_secs(4));
        assert_eq!(Hooks::new(Vec::new()), None);
        for (text, wrong) in [("[]", "a list of hooks can't be empty"), ("7", "a hook or a list of hooks")] {
            let error = serde_json::from_str::<Hooks>(text).unwrap_err().to_string();
            assert!(error.contains(wrong), "{error}");
        }
    }
}
