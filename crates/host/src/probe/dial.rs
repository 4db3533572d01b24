//! Somebody who accepts connections, and perhaps answers a request.

use std::time::Duration;

use svckit_core::probe::Answer;
use svckit_os::dial::Attempt;
use svckit_os::errno;
use svckit_os::event::Poller;

/// How an attempt stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is under way.
    Open,
    /// Somebody accepted, and gave a good answer if there was a question.
    Good,
    /// Not so, and why.
    Bad(String),
}

/// Attempts to connect, one at a time.
#[derive(Debug)]
pub(crate) struct Dial {
    address: String,
    /// What is asked of who accepts; empty: that they do is enough.
    question: Vec<u8>,
    attempt: Option<Attempt>,
    attempts: usize,
}

impl Dial {
    pub(crate) fn new(address: String, question: Vec<u8>) -> Self {
        Self { address, question, attempt: None, attempts: 0 }
    }

    /// Whether an attempt is under way.
    pub(crate) fn is_open(&self) -> bool {
        self.attempt.is_some()
    }

    /// Begins an attempt in place of the one before. It shall not take longer than `limit`, which is for the caller to see to.
    pub(crate) fn begin(&mut self, poller: &Poller, token: u64, limit: Duration) -> Outcome {
        self.attempts += 1;
        let place = (&*self.address, self.attempts);
        let begun = Attempt::begin(poller, token, place, self.question.clone(), limit);
        match begun {
            Ok(attempt) => {
                self.attempt = Some(attempt);
                Outcome::Open
            }
            Err(error) => Outcome::Bad(errno::describe(&error)),
        }
    }

    /// The poller brought the number.
    pub(crate) fn go_on(&mut self, poller: &Poller, token: u64) -> Outcome {
        let Some(attempt) = &mut self.attempt else { return Outcome::Open };
        match attempt.go_on(poller, token) {
            Ok(false) => Outcome::Open,
            Ok(true) => {
                let is_answered = !self.question.is_empty();
                let outcome = if is_answered { judge(attempt.answer()) } else { Outcome::Good };
                self.attempt = None;
                outcome
            }
            Err(error) => {
                self.attempt = None;
                Outcome::Bad(errno::describe(&error))
            }
        }
    }

    /// Ends the attempt, with what was answered so far.
    pub(crate) fn give_up(&mut self) -> Outcome {
        match self.attempt.take() {
            Some(attempt) if Answer::of(attempt.answer()) != Answer::Unfinished => judge(attempt.answer()),
            _ => Outcome::Bad("nothing came in time".to_owned()),
        }
    }
}

/// What an answer says of who gave it.
fn judge(answer: &[u8]) -> Outcome {
    match Answer::of(answer) {
        answer if answer.is_good() => Outcome::Good,
        Answer::Status(status) => Outcome::Bad(format!("the answer has the status {status}")),
        Answer::Unfinished => Outcome::Bad("the answer has no status".to_owned()),
        Answer::Other => Outcome::Bad("the answer is not HTTP".to_owned()),
    }
}
