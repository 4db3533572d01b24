//! What is due at a certain time.

use std::collections::BTreeMap;

use svckit_core::time::Tick;

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Timer {
    /// The process of an instance should have connected.
    Connect(String),
    /// A control should have been answered.
    Control(u64),
    /// A starting service should have made progress.
    Hang(String),
    /// A failure action of a service.
    Due(String),
    /// The start of a service by the clock.
    Start(String),
    /// The delayed automatic start.
    Delayed,
    /// The processes that were taken over should have told how they are.
    TakeOver,
    /// The processes of stopped services should have ended.
    Linger,
    /// A stopping service should have made progress.
    Shutdown(String),
}

/// Names a timer that was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimerId(Tick, u64);

impl TimerId {
    /// Whether it is to go off later than at a moment.
    pub(super) fn is_after(self, moment: Tick) -> bool {
        self.0 > moment
    }
}

/// All that is due, first things first.
#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BTreeMap<TimerId, Timer>,
    set: u64,
}

impl Timers {
    pub(super) fn set(&mut self, at: Tick, timer: Timer) -> TimerId {
        self.set += 1;
        let id = TimerId(at, self.set);
        self.due.insert(id, timer);
        id
    }

    /// Takes a timer away; one that has gone off or isn't there is passed over.
    pub(super) fn cancel(&mut self, id: Option<TimerId>) {
        if let Some(id) = id {
            self.due.remove(&id);
        }
    }

    pub(super) fn next(&self) -> Option<Tick> {
        self.due.keys().next().map(|id| id.0)
    }

    /// The first timer that is due by now.
    pub(super) fn pop(&mut self, now: Tick) -> Option<Timer> {
        let first = self.due.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn timers_go_off_in_order_unless_cancelled() {
        let at = |seconds| Tick(Duration::from_secs(seconds));
        let mut timers = Timers::default();
        timers.set(at(3), Timer::Control(3));
        let second = timers.set(at(2), Timer::Control(2));
        timers.set(at(1), Timer::Control(1));
        timers.set(at(1), Timer::Delayed);
        assert_eq!(timers.pop(Tick::default()), None);
        timers.cancel(Some(second));
        let order: Vec<Timer> = std::iter::from_fn(|| timers.pop(at(3))).collect();
        assert_eq!(order, [Timer::Control(1), Timer::Delayed, Timer::Control(3)]);
        assert_eq!(timers.next(), None);
    }
}
