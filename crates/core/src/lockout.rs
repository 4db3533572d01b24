//! Who has failed to prove who they are too often, and for how long nobody listens to them.
//!
//! Some failures in a row are tolerated; each one more closes the door for a time that doubles, up to a limit. A success opens it, and so does a long time without a failure. What is
//! kept is bounded: of too many, those whose last failure is the longest ago are forgotten.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::time::Tick;

/// How much is tolerated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tolerance {
    /// How many failures in a row have no consequence.
    pub failures: u32,
    /// How long the door is closed after the first one more.
    pub shortest: Duration,
    /// How long it is closed at most.
    pub longest: Duration,
    /// How long after the last failure all is forgotten.
    pub memory: Duration,
}

/// What came of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    /// It was counted.
    Counted,
    /// The door closes for this long.
    Closed(Duration),
    /// The door was closed already.
    Ignored,
}

/// The failures of whoever is told apart by a `K`.
#[derive(Debug, Clone)]
pub struct Lockout<K> {
    tolerance: Tolerance,
    /// INVARIANT: never more than this are in `records`.
    most: usize,
    records: BTreeMap<K, Record>,
}

#[derive(Debug, Clone, Copy)]
struct Record {
    failures: u32,
    last: Tick,
    closed_until: Tick,
}

impl<K: Ord + Clone> Lockout<K> {
    /// Nobody has failed yet. Of more than `most`, those are forgotten who failed first.
    pub fn new(tolerance: Tolerance, most: usize) -> Self {
        Self { tolerance, most: most.max(1), records: BTreeMap::new() }
    }

    /// How long the door stays closed; `None` if it is open.
    pub fn closed(&self, who: &K, now: Tick) -> Option<Duration> {
        let left = self.records.get(who)?.closed_until.since(now);
        (!left.is_zero()).then_some(left)
    }

    /// Takes note of a failure. One while the door is closed doesn't close it for longer: else who is kept out could be kept out forever by others.
    pub fn failed(&mut self, who: &K, now: Tick) -> Consequence {
        self.forget(now);
        if !self.records.contains_key(who) && self.records.len() >= self.most {
            self.forget_oldest();
        }
        let fresh = Record { failures: 0, last: now, closed_until: Tick::default() };
        let record = self.records.entry(who.clone()).or_insert(fresh);
        record.last = now;
        if !record.closed_until.since(now).is_zero() {
            return Consequence::Ignored;
        }
        record.failures = record.failures.saturating_add(1);
        let Some(beyond) = record.failures.checked_sub(self.tolerance.failures + 1) else {
            return Consequence::Counted;
        };
        let doubled = self.tolerance.shortest.checked_mul(1u32.checked_shl(beyond).unwrap_or(u32::MAX));
        let closed = doubled.unwrap_or(self.tolerance.longest).min(self.tolerance.longest);
        record.closed_until = now + closed;
        Consequence::Closed(closed)
    }

    /// Takes note of a success.
    pub fn succeeded(&mut self, who: &K) {
        self.records.remove(who);
    }

    /// How many have failed and are not forgotten.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether nobody has failed.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    fn forget(&mut self, now: Tick) {
        let memory = self.tolerance.memory;
        self.records
            .retain(|_, record| now.since(record.last) < memory || !record.closed_until.since(now).is_zero());
    }

    fn forget_oldest(&mut self) {
        let oldest = self.records.iter().min_by_key(|(_, record)| record.last).map(|(who, _)| who.clone());
        if let Some(who) = oldest {
            self.records.remove(&who);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOLERANCE: Tolerance = Tolerance {
        failures: 2,
        shortest: Duration::from_secs(1),
        longest: Duration::from_secs(5),
        memory: Duration::from_secs(60),
    };

    fn at(seconds: u64) -> Tick {
        Tick(Duration::from_secs(seconds))
    }

    fn closed(seconds: u64) -> Consequence {
        Consequence::Closed(Duration::from_secs(seconds))
    }

    #[test]
    fn the_door_closes_for_longer_each_time_up_to_a_limit() {
        let mut lockout = Lockout::new(TOLERANCE, 8);
        let mut now = 0;
        let mut seen = Vec::new();
        for _ in 0..7 {
            let consequence = lockout.failed(&"ann", at(now));
            seen.push(consequence);
            if let Consequence::Closed(time) = consequence {
                assert_eq!(lockout.closed(&"ann", at(now)), Some(time));
                now += time.as_secs();
            }
            assert_eq!(lockout.closed(&"ann", at(now)), None);
        }
        let counted = Consequence::Counted;
        assert_eq!(seen, [counted, counted, closed(1), closed(2), closed(4), closed(5), closed(5)]);
    }

    #[test]
    fn failures_at_a_closed_door_change_nothing() {
        let mut lockout = Lockout::new(TOLERANCE, 8);
        for _ in 0..3 {
            lockout.failed(&1, at(0));
        }
        let left = lockout.closed(&1, at(0));
        assert_eq!(lockout.failed(&1, at(0)), Consequence::Ignored);
        assert_eq!(lockout.closed(&1, at(0)), left);
        assert_eq!(lockout.failed(&1, at(1)), closed(2), "the next one counts as the next");
    }

    #[test]
    fn a_success_and_time_let_it_be_forgotten() {
        let mut lockout = Lockout::new(TOLERANCE, 8);
        for _ in 0..3 {
            lockout.failed(&1, at(0));
        }
        lockout.succeeded(&1);
        assert_eq!(lockout.failed(&1, at(0)), Consequence::Counted);
        lockout.failed(&2, at(30));
        lockout.failed(&3, at(61));
        assert_eq!(lockout.len(), 2, "the first is forgotten");
    }

    proptest! {
        #[test]
        fn what_is_kept_is_bounded_and_doors_open_again(steps in prop::collection::vec((0u8..40, 0u64..10), 0..300)) {
            let mut lockout = Lockout::new(TOLERANCE, 16);
            let mut now = 0;
            for (who, later) in steps {
                now += later;
                lockout.failed(&who, at(now));
                prop_assert!(lockout.len() <= 16);
                prop_assert!(lockout.closed(&who, at(now)).unwrap_or_default() <= TOLERANCE.longest);
                prop_assert_eq!(lockout.closed(&who, at(now + 5)), None);
            }
        }
    }
}
