//! When a log is rotated by time: a function of the wall clock and of how far local time is ahead of UTC.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::WallTime;
use crate::{calendar, millis};

/// An hour, in milliseconds.
const HOUR: i64 = 3_600_000;

/// How long after a rotation that failed the next is tried, in milliseconds.
const AGAIN: u64 = 60_000;

/// A day, in milliseconds.
pub const DAY: i64 = 24 * HOUR;

/// The first Monday after 1970-01-01, from whose begin intervals are counted, in milliseconds.
const MONDAY: i64 = 4 * DAY;

/// At which moments of local time a log is rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RotateTime {
    /// So much apart, counted from the begin of a Monday: what divides a day begins at midnight, and a week on Monday.
    Every {
        /// How much apart.
        #[serde(with = "millis", rename = "interval_ms")]
        interval: Duration,
        /// How much later than that.
        #[serde(with = "millis", rename = "at_ms")]
        at: Duration,
    },
    /// On the first of each month.
    Monthly {
        /// How much later than its begin.
        #[serde(with = "millis", rename = "at_ms")]
        at: Duration,
    },
}

/// How many milliseconds local time is ahead of UTC at a moment; negative: behind.
pub trait Zone: Fn(WallTime) -> i64 {}

impl<F: Fn(WallTime) -> i64> Zone for F {}

impl RotateTime {
    /// The first such moment after another.
    ///
    /// A time of day that the clocks skip is an hour later that day; of one that they show twice it is the first. What is an hour or less apart goes by the
    /// time that passes, whatever the clocks do.
    pub fn next(&self, after: WallTime, zone: impl Zone) -> WallTime {
        let after = i64::try_from(after.0).unwrap_or(i64::MAX / 2);
        let offset = zone(wall(after));
        let local = self.next_local(after + offset);
        let simple = local - offset;
        let adjusted = local - zone(wall(simple));
        let is_fixed = matches!(self, Self::Every { interval, .. } if length(*interval) <= HOUR);
        let is_shown = zone(wall(adjusted)) == local - adjusted;
        wall(if is_shown && !is_fixed && adjusted > after { adjusted } else { simple })
    }

    /// The same in local time.
    fn next_local(&self, after: i64) -> i64 {
        match self {
            Self::Every { interval, at } => {
                let interval = length(*interval).max(1);
                let first = MONDAY + length(*at) % interval;
                first + ((after - first).div_euclid(interval) + 1) * interval
            }
            Self::Monthly { at } => {
                let (year, month, _) = calendar::date((after - length(*at)).div_euclid(DAY));
                let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
                calendar::day(year, month, 1) * DAY + length(*at)
            }
        }
    }
}

/// When the file that is being written is rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// When that was found out: a clock that shows less was set back, and it has to be found out again.
    since: WallTime,
    /// The moment.
    at: WallTime,
}

impl Due {
    /// For a file that was written last at `written`: a moment that has passed since is made up for.
    pub fn new(time: RotateTime, written: WallTime, now: WallTime, zone: impl Zone) -> Self {
        Self { since: now, at: time.next(written.min(now), zone) }
    }

    /// For one that could not be rotated when it was due: soon again.
    pub fn again(now: WallTime) -> Self {
        Self { since: now, at: WallTime(now.0.saturating_add(AGAIN)) }
    }

    /// The moment.
    pub fn at(&self) -> WallTime {
        self.at
    }

    /// Whether it has come.
    pub fn has_come(&self, now: WallTime) -> bool {
        self.at <= now
    }

    /// Whether the clock was set back since.
    pub fn is_stale(&self, now: WallTime) -> bool {
        now < self.since
    }
}

fn length(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

fn wall(millis: i64) -> WallTime {
    WallTime(u64::try_from(millis).unwrap_or(0))
}

#[cfg(test)]
#[path = "rotation_tests.rs"]
mod tests;
