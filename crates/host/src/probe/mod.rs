//! How a program is looked at: whether it is ready, and whether it is alive.

mod dial;
mod file;
mod health;

use std::time::Duration;

use svckit_core::probe::{ReadyPolicy, ReadyWhen};
use svckit_core::time::Tick;
use svckit_os::event::Poller;

use dial::{Dial, Outcome};
pub(crate) use file::FileStamp;
use file::FileWatch;
pub(crate) use health::Health;

/// The time between the first attempts; it doubles up to the longest.
const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(320);

/// An attempt that is not decided after so long is given up for another.
const PATIENCE: Duration = Duration::from_secs(5);

/// A program that isn't ready yet.
#[derive(Debug)]
pub(crate) struct Waiting {
    until: Tick,
    sign: Sign,
}

/// What is waited for.
#[derive(Debug)]
enum Sign {
    /// That somebody accepts, and perhaps answers.
    Dial(Attempts),
    File(FileWatch),
    /// Who takes the output finds it.
    Log,
    /// The program says so.
    Notice,
}

/// One attempt after the other.
#[derive(Debug)]
struct Attempts {
    dial: Dial,
    /// When the attempt is given up, or the next begins.
    next: Tick,
    pause: Duration,
    /// Why the last one failed.
    why: Option<String>,
}

impl Waiting {
    /// Waiting begins now; `before` is how the file was, before the program was started, that it is to change.
    pub(crate) fn new(policy: &ReadyPolicy, before: FileStamp, now: Tick) -> Self {
        let sign = match &policy.when {
            ReadyWhen::Ask(target) => {
                Sign::Dial(Attempts { dial: Dial::new(target), next: now, pause: FIRST, why: None })
            }
            ReadyWhen::File(path) => Sign::File(FileWatch::new(path.clone(), before, now)),
            ReadyWhen::Log(_) => Sign::Log,
            ReadyWhen::Notify => Sign::Notice,
        };
        Self { until: now + policy.timeout, sign }
    }

    /// When its time is over.
    pub(crate) fn until(&self) -> Tick {
        self.until
    }

    /// When [`Waiting::tick`] is to be called.
    pub(crate) fn deadline(&self) -> Tick {
        let next = match &self.sign {
            Sign::Dial(attempts) => Some(attempts.next),
            Sign::File(file) => file.deadline(),
            Sign::Log | Sign::Notice => None,
        };
        next.map_or(self.until, |next| next.min(self.until))
    }

    /// Whether it is for the program to say that it is ready.
    pub(crate) fn is_for_notice(&self) -> bool {
        matches!(self.sign, Sign::Notice)
    }

    /// The program asks for time until then.
    pub(crate) fn extend(&mut self, until: Tick) {
        self.until = self.until.max(until);
    }

    /// Whether its time is over.
    pub(crate) fn is_over(&self, now: Tick) -> bool {
        self.until <= now
    }

    /// The poller brought the number: whether the program is ready.
    pub(crate) fn heard(&mut self, poller: &Poller, token: u64, now: Tick) -> bool {
        match &mut self.sign {
            Sign::Dial(attempts) => {
                let outcome = attempts.dial.go_on(poller, token);
                attempts.take(outcome, now)
            }
            Sign::File(file) => file.look(poller, token, now),
            Sign::Log | Sign::Notice => false,
        }
    }

    /// Does what is due: whether the program is ready.
    pub(crate) fn tick(&mut self, poller: &Poller, token: u64, now: Tick) -> bool {
        match &mut self.sign {
            Sign::Dial(attempts) if attempts.next <= now => {
                let dial = &mut attempts.dial;
                let is_open = dial.is_open();
                let outcome = if is_open { dial.give_up() } else { dial.begin(poller, token, PATIENCE) };
                attempts.next = now + PATIENCE;
                attempts.take(outcome, now)
            }
            Sign::File(file) if file.deadline().is_some_and(|next| next <= now) => {
                file.look(poller, token, now)
            }
            _ => false,
        }
    }

    /// Why the last look found that it isn't, if there was one that says.
    pub(crate) fn why(&self) -> Option<&str> {
        match &self.sign {
            Sign::Dial(attempts) => attempts.why.as_deref(),
            Sign::File(_) | Sign::Log | Sign::Notice => None,
        }
    }
}

impl Attempts {
    /// How one stands: whether that is good.
    fn take(&mut self, outcome: Outcome, now: Tick) -> bool {
        if let Outcome::Bad(why) = outcome {
            self.why = Some(why);
            self.next = now + self.pause;
            self.pause = (self.pause * 2).min(LONGEST);
            return false;
        }
        outcome == Outcome::Good
    }
}
