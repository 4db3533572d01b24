//! Time as an argument: policies never read a clock.

use std::ops::Add;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point on a clock that only goes forward, counted from a start that means nothing by itself. Nobody can set it.
///
/// Whether it goes on while the machine is suspended is up to who reads it: the host's stands still then, since nobody can do anything in that time; the service control
/// manager's goes on, as far as the system offers that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tick(pub Duration);

impl Tick {
    /// The time from `earlier` to here, zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Tick {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// A moment for people and logs: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallTime(pub u64);

impl WallTime {
    /// From 1601-01-01, where the time of Windows begins, to 1970-01-01, in milliseconds.
    const FROM_1601: u64 = 11_644_473_600_000;

    /// The moment that a `FILETIME` says ([MS-DTYP] 2.3.3): units of 100 ns since 1601. What was before 1970 is its begin.
    ///
    /// ```
    /// # use svckit_core::time::WallTime;
    /// assert_eq!(WallTime(1_000).to_file_time(), 116_444_736_010_000_000);
    /// assert_eq!(WallTime::of_file_time(116_444_736_010_000_000), WallTime(1_000));
    /// assert_eq!(WallTime::of_file_time(0), WallTime(0));
    /// ```
    pub fn of_file_time(units: u64) -> Self {
        Self((units / 10_000).saturating_sub(Self::FROM_1601))
    }

    /// The moment as a `FILETIME` ([MS-DTYP] 2.3.3).
    pub fn to_file_time(self) -> u64 {
        self.0.saturating_add(Self::FROM_1601).saturating_mul(10_000)
    }
}

/// Both clocks, read at the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// The forward-going clock, for deadlines and durations.
    pub tick: Tick,
    /// The wall clock, for records.
    pub wall: WallTime,
}

impl Now {
    /// The wall time that a point on the forward-going clock will have, seen from here.
    pub fn wall_at(&self, tick: Tick) -> WallTime {
        WallTime(
            self.wall.0.saturating_add(u64::try_from(tick.since(self.tick).as_millis()).unwrap_or(u64::MAX)),
        )
    }
}
