//! Hosts take turns to run programs again.
//!
//! When all of a thousand programs have crashed at once, a thousand hosts want a processor, and each then has a program that wants one too. What somebody asks about
//! them would wait until all have had it. So the hosts of a service control manager pass a gate, as many at a time as there are processors; the others wait asleep.

use std::time::Duration;

use svckit_core::time::Tick;
use svckit_os::event::Poller;
use svckit_os::gate::Gate;

/// How long is waited for a turn: nobody shall wait for ever for a host that was stopped within its own.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// The turns of this process.
#[derive(Debug)]
pub(crate) struct Turns {
    /// Absent: nobody else is there.
    gate: Option<Gate>,
    token: u64,
    /// Until when a turn is waited for, if one is.
    until: Option<Tick>,
}

/// A turn, to be given back by [`Turns::end`].
#[derive(Debug)]
pub(crate) struct Turn {
    entered: bool,
}

impl Turns {
    /// `poller` brings `token` when it is this process's turn.
    pub(crate) fn new(gate: Option<Gate>, token: u64) -> Self {
        Self { gate, token, until: None }
    }

    /// Begins a turn; else it is to be tried again when the token comes, or then.
    pub(crate) fn begin(&mut self, poller: &Poller, now: Tick) -> Result<Turn, Tick> {
        let Some(gate) = &self.gate else { return Ok(Turn { entered: false }) };
        let entered = gate.enter();
        if entered || self.until.is_some_and(|until| until <= now) {
            self.stop_waiting(poller);
            return Ok(Turn { entered });
        }
        if let Some(until) = self.until {
            return Err(until);
        }
        if gate.wait(poller, self.token).is_err() {
            // Without memory for that nothing would tell.
            return Ok(Turn { entered: false });
        }
        let until = now + PATIENCE;
        self.until = Some(until);
        Err(until)
    }

    /// Until when a turn is waited for, if one is.
    pub(crate) fn waits_until(&self) -> Option<Tick> {
        self.until
    }

    /// Ends a turn.
    pub(crate) fn end(&self, turn: Turn) {
        if let Some(gate) = self.gate.as_ref().filter(|_| turn.entered) {
            gate.leave();
        }
    }

    /// The token came, and nobody here wants a turn any more: it is the next one's.
    pub(crate) fn pass_on(&mut self, poller: &Poller) {
        self.stop_waiting(poller);
        if let Some(gate) = self.gate.as_ref().filter(|gate| gate.enter()) {
            gate.leave();
        }
    }

    fn stop_waiting(&mut self, poller: &Poller) {
        if self.until.take().is_some()
            && let Some(gate) = &self.gate
        {
            gate.stop_waiting(poller);
        }
    }
}
