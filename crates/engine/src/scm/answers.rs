//! Answers that are given when what led to them has been written down.

use crate::error::Failure;

use super::{Effect, Scm};

/// Somebody who waits for the result of a request.
pub(crate) struct Reply<T>(Box<dyn FnOnce(Result<T, Failure>)>);

impl<T: 'static> Reply<T> {
    pub(crate) fn new(answer: impl FnOnce(Result<T, Failure>) + 'static) -> Self {
        Self(Box::new(answer))
    }
}

impl Scm {
    /// Does something after the turn: gives an answer.
    pub(crate) fn after_turn(&mut self, answer: impl FnOnce() + 'static) {
        self.effect(Effect::Answer(Box::new(answer)));
    }

    /// Answers after the turn.
    pub(super) fn answer<T: 'static>(&mut self, reply: Reply<T>, result: Result<T, Failure>) {
        self.effect(Effect::Answer(Box::new(move || (reply.0)(result))));
    }
}
