//! How a program is looked at: whether it is ready, and whether it is alive.

mod dial;
mod file;
mod health;

use std::time::Duration;

use svckit_core::hook::Errand;
use svckit_core::probe::{ReadyPolicy, ReadyWhen};
use svckit_core::target::Target;
use svckit_core::time::Tick;
use svckit_os::event::Poller;

use crate::message;
pub(crate) use dial::{Dial, Outcome};
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

/// What a look at a program brought.
#[derive(Debug)]
pub(crate) enum Look {
    /// Nothing that is certain.
    Wait,
    /// It is ready.
    Ready,
    /// It is not alive, and why.
    Dead(String),
    /// This is to be run, and who looks to be told of its outcome.
    Run(Errand),
    /// What was run took too long, or nobody could tell how long it took: it is to be ended.
    TakeBack,
}

/// What is waited for.
#[derive(Debug)]
enum Sign {
    /// A good answer.
    Answer(Attempts),
    File(FileWatch),
    /// Who takes the output finds it.
    Log,
    /// The program says so.
    Notice,
}

/// How somebody is asked.
#[derive(Debug)]
enum Means {
    Dial(Dial),
    Command(Vec<String>),
}

impl Means {
    fn of(target: &Target) -> Self {
        match target {
            Target::Tcp(address) => Self::Dial(Dial::new(address.clone(), Vec::new())),
            Target::Http(url) => Self::Dial(Dial::new(url.address(), url.request("GET"))),
            Target::Command(command) => Self::Command(command.clone()),
        }
    }
}

/// One attempt after the other.
#[derive(Debug)]
struct Attempts {
    means: Means,
    /// When the attempt is given up, or the next begins.
    next: Tick,
    pause: Duration,
    /// Whether it grows.
    grows: bool,
    /// Why the last one failed.
    why: Option<String>,
}

/// Why a command counts as failed that was ended.
pub(crate) fn too_long(limit: Duration) -> String {
    format!("it took longer than {} and was ended", message::span(limit))
}

impl Waiting {
    /// Waiting begins now; `before` is how the file was, before the program was started, that it is to change.
    pub(crate) fn new(policy: &ReadyPolicy, before: FileStamp, now: Tick) -> Self {
        let sign = match &policy.when {
            ReadyWhen::Ask(target) => {
                let (pause, grows) = (policy.interval.unwrap_or(FIRST), policy.interval.is_none());
                Sign::Answer(Attempts { means: Means::of(target), next: now, pause, grows, why: None })
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
            Sign::Answer(attempts) => Some(attempts.next),
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

    /// The poller brought the number.
    pub(crate) fn heard(&mut self, poller: &Poller, token: u64, now: Tick) -> Look {
        let is_ready = match &mut self.sign {
            Sign::Answer(Attempts { means: Means::Dial(dial), .. }) => {
                let outcome = dial.go_on(poller, token);
                return self.answered(outcome, now);
            }
            Sign::File(file) => file.look(poller, token, now),
            Sign::Answer(_) | Sign::Log | Sign::Notice => false,
        };
        if is_ready { Look::Ready } else { Look::Wait }
    }

    /// How an attempt stands.
    pub(crate) fn answered(&mut self, outcome: Outcome, now: Tick) -> Look {
        let Sign::Answer(attempts) = &mut self.sign else { return Look::Wait };
        if attempts.take(outcome, now) { Look::Ready } else { Look::Wait }
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, poller: &Poller, token: u64, now: Tick) -> Look {
        let is_ready = match &mut self.sign {
            Sign::Answer(attempts) if attempts.next <= now => match &mut attempts.means {
                Means::Dial(dial) => {
                    let is_open = dial.is_open();
                    let outcome = if is_open { dial.give_up() } else { dial.begin(poller, token, PATIENCE) };
                    attempts.next = now + PATIENCE;
                    attempts.take(outcome, now)
                }
                Means::Command(command) => {
                    // Its outcome comes before that.
                    attempts.next = now + Errand::TIMEOUT * 2;
                    return Look::Run(Errand { command: command.clone(), timeout: Errand::TIMEOUT });
                }
            },
            Sign::File(file) if file.deadline().is_some_and(|next| next <= now) => {
                file.look(poller, token, now)
            }
            _ => false,
        };
        if is_ready { Look::Ready } else { Look::Wait }
    }

    /// Why the last look found that it isn't, if there was one that says.
    pub(crate) fn why(&self) -> Option<&str> {
        match &self.sign {
            Sign::Answer(attempts) => attempts.why.as_deref(),
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
            if self.grows {
                self.pause = (self.pause * 2).min(LONGEST);
            }
            return false;
        }
        outcome == Outcome::Good
    }
}
