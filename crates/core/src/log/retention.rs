//! Which rotated files of a log are kept.

use std::time::Duration;

use crate::definition::LogPolicy;
use crate::time::WallTime;

/// What is kept. Each rule by itself: a file stays only as long as none of them says that it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// So many files.
    pub count: Option<u32>,
    /// Those that were rotated not longer ago than this.
    pub age: Option<Duration>,
    /// The newest that together have no more bytes than this.
    pub total: Option<u64>,
}

/// A rotated file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// When it was.
    pub at: WallTime,
    /// Its size.
    pub size: u64,
}

impl Retention {
    /// What a log's policy says.
    pub fn new(policy: &LogPolicy) -> Self {
        Self { count: policy.keep_count, age: policy.keep_age, total: policy.keep_total }
    }

    /// Whether everything is kept.
    pub fn keeps_all(&self) -> bool {
        *self == Self::default()
    }

    /// How many of the oldest files go; `files` are oldest first.
    pub fn surplus(&self, files: &[Rotated], now: WallTime) -> usize {
        let mut size = 0_u64;
        let kept = files.iter().rev().enumerate().take_while(|(place, file)| {
            size = size.saturating_add(file.size);
            self.count.is_none_or(|count| *place < usize::try_from(count).unwrap_or(usize::MAX))
                && self.total.is_none_or(|total| size <= total)
                && self.expiry(file.at).is_none_or(|expiry| now < expiry)
        });
        files.len() - kept.count()
    }

    /// When a file that was rotated at a moment is too old.
    pub fn expiry(&self, at: WallTime) -> Option<WallTime> {
        let age = u64::try_from(self.age?.as_millis()).unwrap_or(u64::MAX);
        Some(WallTime(at.0.saturating_add(age)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000;

    /// Five files of 10, 20 … 50 bytes, rotated at the ends of days 1 to 5; it is the end of day 6.
    fn surplus(count: Option<u32>, days: Option<u64>, total: Option<u64>) -> usize {
        let files: Vec<_> = (1..=5).map(|n| Rotated { at: WallTime(n * DAY), size: n * 10 }).collect();
        let age = days.map(|days| Duration::from_millis(days * DAY));
        Retention { count, age, total }.surplus(&files, WallTime(6 * DAY))
    }

    #[test]
    fn each_rule_by_itself() {
        for (rules, goes) in [
            ((None, None, None), 0),
            ((Some(5), None, None), 0),
            ((Some(2), None, None), 3),
            ((Some(0), None, None), 5),
            ((None, Some(9), None), 0),
            // Exactly three days old is too old.
            ((None, Some(3), None), 3),
            ((None, Some(1), None), 5),
            ((None, None, Some(150)), 0),
            ((None, None, Some(149)), 1),
            ((None, None, Some(90)), 3),
            ((None, None, Some(49)), 5),
        ] {
            assert_eq!(surplus(rules.0, rules.1, rules.2), goes, "{rules:?}");
        }
    }

    #[test]
    fn the_strictest_rule_decides() {
        assert_eq!(surplus(Some(4), Some(4), Some(95)), 3);
        assert_eq!(surplus(Some(1), Some(4), Some(95)), 4);
        assert_eq!(surplus(Some(4), Some(2), Some(95)), 4);
    }

    #[test]
    fn nothing_newer_goes_before_something_older() {
        // A clock that was wrong for a while: the older in order is the younger by its time.
        let files = [(100, 1), (5, 1), (100, 1)].map(|(at, size)| Rotated { at: WallTime(at), size });
        let rule = Retention { age: Some(Duration::from_millis(50)), ..Retention::default() };
        assert_eq!(rule.surplus(&files, WallTime(120)), 2);
    }
}
