//! Requests that bring a program to do something.

use std::time::Duration;

use svckit_core::call::HttpRequest;
use svckit_core::control::Control;
use svckit_core::time::{Now, Tick};

use super::Service;
use super::errand::Purpose;
use crate::probe::{Dial, Outcome};
use crate::supervisor::{Shared, token};

/// Which source of a service it is: requests are from here on.
const REQUESTS: usize = 192;

/// How many there may be at once: so many sources can be told apart.
const MOST: usize = 64;

/// A request under way.
#[derive(Debug)]
pub(super) struct Request {
    /// Which of the service's, by which its source is known.
    number: usize,
    purpose: Purpose,
    dial: Dial,
    /// When its answer is waited for no longer.
    until: Tick,
}

impl Service {
    /// Sends a request, whose answer is waited for so long: whether it is under way.
    pub(super) fn request(
        &mut self,
        shared: &mut Shared,
        purpose: Purpose,
        request: &HttpRequest,
        limit: Duration,
        now: Now,
    ) -> bool {
        let number = (0..MOST).find(|number| self.requests.iter().all(|one| one.number != *number));
        let mut dial = Dial::new(request.address(), request.bytes());
        let begun = match number {
            Some(number) => dial.begin(&shared.poller, token(self.slot, REQUESTS + number), limit),
            None => Outcome::Bad("too many are under way".to_owned()),
        };
        if let Outcome::Bad(why) = begun {
            self.request_failed(shared, purpose, &why, now);
            return false;
        }
        let until = now.tick + limit;
        self.requests.extend(number.map(|number| Request { number, purpose, dial, until }));
        true
    }

    /// Something came from a source that may be a request's.
    pub(super) fn request_ready(&mut self, shared: &mut Shared, kind: usize, now: Now) {
        let Some(number) = kind.checked_sub(REQUESTS) else { return };
        let Some(index) = self.requests.iter().position(|one| one.number == number) else { return };
        if let Some(request) = self.requests.get_mut(index) {
            let outcome = request.dial.go_on(&shared.poller, token(self.slot, kind));
            self.request_stands(shared, index, outcome, now);
        }
    }

    /// When [`Service::tick_requests`] has to be called.
    pub(super) fn requests_deadline(&self) -> Option<Tick> {
        self.requests.iter().map(|request| request.until).min()
    }

    /// Gives up those whose time is over.
    pub(super) fn tick_requests(&mut self, shared: &mut Shared, now: Now) {
        while let Some(index) = self.requests.iter().position(|request| request.until <= now.tick) {
            let Some(request) = self.requests.get_mut(index) else { return };
            let outcome = request.dial.give_up();
            self.request_stands(shared, index, outcome, now);
        }
    }

    fn request_stands(&mut self, shared: &mut Shared, index: usize, outcome: Outcome, now: Now) {
        if outcome == Outcome::Open {
            return;
        }
        let Request { purpose, .. } = self.requests.swap_remove(index);
        match outcome {
            Outcome::Bad(why) => self.request_failed(shared, purpose, &why, now),
            _ => self.obeyed(shared, purpose, now),
        }
    }

    fn request_failed(&mut self, shared: &mut Shared, purpose: Purpose, why: &str, now: Now) {
        self.failed(shared, purpose, "request", format!("failed: {why}"), now);
        self.hurry(purpose, now);
    }

    /// What a control or a rung does was done.
    pub(super) fn obeyed(&mut self, shared: &mut Shared, purpose: Purpose, now: Now) {
        if let Purpose::Control(control @ (Control::PAUSE | Control::CONTINUE)) = purpose {
            self.paused = control == Control::PAUSE;
            self.watch_health(shared, now);
        }
    }

    /// Whether a request for this is under way.
    pub(super) fn is_requested(&self, purpose: Purpose) -> bool {
        self.requests.iter().any(|request| request.purpose == purpose)
    }
}

/// Makes sure that the numbers are enough.
const _: () = assert!(REQUESTS + MOST <= 1 << 8);
