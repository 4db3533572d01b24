//! At which times of day a service is started, stopped and restarted: a function of the wall clock and of how far local time is ahead of UTC.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::log::rotation::{RotateTime, Zone};
use crate::millis;
use crate::time::{Now, Tick, WallTime};

/// What is late by more than this isn't done any more: the machine was suspended, or its clock was set.
pub const LATE: Duration = Duration::from_secs(3600);

/// A day as the calendar has it.
pub const DAY: Duration = Duration::from_secs(86_400);

/// Days of the week; the lowest bit is Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Days(u8);

impl Days {
    /// These days, of which Monday is 0; others than 0 to 6 count for nothing.
    pub fn new(days: impl IntoIterator<Item = u32>) -> Self {
        Self(days.into_iter().filter(|day| *day < 7).fold(0, |all, day| all | 1 << day))
    }

    /// Each of them, Monday first.
    pub fn iter(self) -> impl Iterator<Item = u32> {
        (0..7).filter(move |day| self.0 & 1 << day != 0)
    }
}

/// When something is done, again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Occasion {
    /// On these days of the week.
    Days {
        /// Which.
        days: Days,
        /// How much later than their begin.
        #[serde(with = "millis", rename = "at_ms")]
        at: Duration,
    },
    /// As logs are rotated: each hour, day, week, month or interval.
    Regular(RotateTime),
}

impl Occasion {
    /// The first one after a moment; absent: there is none.
    ///
    /// Where clocks are set for summer and winter it is as [`RotateTime::next`] has it.
    pub fn next(&self, after: WallTime, zone: impl Zone) -> Option<WallTime> {
        match self {
            Self::Days { days, at } => {
                let weekly = |day| RotateTime::Every { interval: 7 * DAY, at: DAY * day + *at };
                days.iter().map(|day| weekly(day).next(after, &zone)).min()
            }
            Self::Regular(time) => Some(time.next(after, zone)),
        }
    }
}

/// What is done with a service by the clock.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timetable {
    /// It is started, if it doesn't run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub start: Vec<Occasion>,
    /// It is stopped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<Occasion>,
    /// Its program is ended and run again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub restart: Vec<Occasion>,
}

impl Timetable {
    /// Whether nothing is done by the clock.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is done by the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// A start.
    Start,
    /// A stop.
    Stop,
    /// The program is run again.
    Restart,
}

impl Deed {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
        }
    }
}

/// What is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduled {
    /// What.
    pub action: Deed,
    /// When.
    pub at: WallTime,
}

/// The next of some occasions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarm {
    /// When that was found out: a clock that shows less was set back, and it has to be found out again.
    since: WallTime,
    /// The moment.
    at: WallTime,
}

impl Alarm {
    /// For what comes after now; absent: nothing does.
    pub fn set(occasions: &[Occasion], now: WallTime, zone: impl Zone) -> Option<Self> {
        first(occasions, now, zone).map(|at| Self { since: now, at })
    }

    /// The moment.
    pub fn at(&self) -> WallTime {
        self.at
    }

    /// When it has to be asked again: at that moment, or, where nobody tells that the clock was set, within an hour.
    pub fn deadline(&self, now: Now, is_told: bool) -> Tick {
        let left = Duration::from_millis(self.at.0.saturating_sub(now.wall.0));
        now.tick + if is_told { left } else { left.min(LATE) }
    }

    /// Whether it is time: that of an occasion that is late by less than [`LATE`]. And the alarm from then on, if there is another.
    pub fn ring(self, occasions: &[Occasion], now: WallTime, zone: impl Zone) -> (bool, Option<Self>) {
        if (self.since..self.at).contains(&now) {
            return (false, Some(self));
        }
        let late = u64::try_from(LATE.as_millis()).unwrap_or(u64::MAX);
        let begin = WallTime(now.0.saturating_sub(late).max(self.at.0.saturating_sub(1)));
        let has_come = now >= self.at && first(occasions, begin, &zone).is_some_and(|at| at <= now);
        (has_come, Self::set(occasions, now, zone))
    }
}

fn first(occasions: &[Occasion], after: WallTime, zone: impl Zone) -> Option<WallTime> {
    occasions.iter().filter_map(|occasion| occasion.next(after, &zone)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    /// A Monday, 2026-11-23, at 00:00 UTC; local time is an hour ahead.
    const MONDAY: u64 = 1_795_392_000_000;

    fn zone(_: WallTime) -> i64 {
        3_600_000
    }

    fn days(days: &[u32], hour: u64) -> Occasion {
        Occasion::Days { days: Days::new(days.iter().copied()), at: Duration::from_millis(hour * HOUR) }
    }

    /// The next three, in hours after that Monday.
    fn hours(occasion: Occasion, after: i64) -> Vec<i64> {
        let mut at = WallTime(MONDAY.saturating_add_signed(after * 3_600_000));
        let mut next = || {
            at = occasion.next(at, zone).unwrap();
            i64::try_from(at.0).unwrap() / 3_600_000 - i64::try_from(MONDAY / HOUR).unwrap()
        };
        (0..3).map(|_| next()).collect()
    }

    #[test]
    fn days_of_the_week_in_local_time() {
        assert_eq!(hours(days(&[0, 1, 2, 3, 4], 8), 72), [79, 103, 175]);
        assert_eq!(hours(days(&[6], 0), 0), [143, 311, 479]);
        assert_eq!(hours(days(&[0], 0), -1), [167, 335, 503], "the moment itself is over");
        assert_eq!(days(&[], 3).next(WallTime(MONDAY), zone), None);
        let daily = RotateTime::Every { interval: DAY, at: Duration::from_secs(3 * 3600) };
        assert_eq!(hours(Occasion::Regular(daily), 0), [2, 26, 50]);
    }

    #[test]
    fn a_time_that_clocks_skip_or_repeat_comes_once() {
        // Two hours ahead from 2026-03-29 01:00 to 2026-10-25 01:00, both UTC.
        const SPRING: u64 = 1_774_746_000_000;
        const AUTUMN: u64 = 1_792_890_000_000;
        let berlin = |time: WallTime| if (SPRING..AUTUMN).contains(&time.0) { 7_200_000 } else { 3_600_000 };
        let half_past_two = Occasion::Days { days: Days::new(0..7), at: Duration::from_secs(9000) };
        for (change, first, second) in [(SPRING, 30, 24 * 60 - 30), (AUTUMN, -30, 24 * 60 + 30)] {
            let before = WallTime(change - 12 * HOUR);
            let one = half_past_two.next(before, berlin).unwrap();
            let two = half_past_two.next(one, berlin).unwrap();
            let minutes =
                |time: WallTime| (i64::try_from(time.0).unwrap() - i64::try_from(change).unwrap()) / 60_000;
            assert_eq!((minutes(one), minutes(two)), (first, second), "{change}");
        }
    }

    #[test]
    fn an_alarm_rings_at_its_time_or_a_little_later() {
        let table = [days(&[0], 4), days(&[0], 8)];
        let at = |hour: u64, minute: u64| WallTime(MONDAY + hour * HOUR + minute * 60_000);
        let alarm = Alarm::set(&table, at(0, 0), zone).unwrap();
        assert_eq!(alarm.at(), at(3, 0));
        assert_eq!(alarm.ring(&table, at(2, 59), zone), (false, Some(alarm)));
        for (hour, minute, rings, next) in [
            (3, 0, true, 7),
            (3, 59, true, 7),
            // Suspended for longer than that.
            (4, 1, false, 7),
            (6, 0, false, 7),
            // The first is too late, the second is not.
            (7, 10, true, 171),
            (9, 0, false, 171),
        ] {
            let (rang, after) = alarm.ring(&table, at(hour, minute), zone);
            assert_eq!((rang, after.unwrap().at()), (rings, at(next, 0)), "{hour}:{minute}");
        }
    }

    #[test]
    fn a_clock_that_is_set_is_followed() {
        let table = [days(&[0], 4)];
        let alarm = Alarm::set(&table, WallTime(MONDAY + 4 * HOUR), zone).unwrap();
        assert_eq!(alarm.at(), WallTime(MONDAY + 171 * HOUR));
        let back = WallTime(MONDAY);
        let (rang, next) = alarm.ring(&table, back, zone);
        assert_eq!((rang, next.unwrap().at()), (false, WallTime(MONDAY + 3 * HOUR)));
        let now = Now { tick: Tick(Duration::from_secs(5)), wall: back };
        assert_eq!(alarm.deadline(now, false).since(now.tick), LATE, "it may be set forward meanwhile");
        assert_eq!(alarm.deadline(now, true).since(now.tick), 171 * LATE, "that would be told");
        let soon = Now { wall: WallTime(alarm.at().0 - 1000), ..now };
        assert_eq!(alarm.deadline(soon, false).since(now.tick), Duration::from_secs(1));
    }
}
