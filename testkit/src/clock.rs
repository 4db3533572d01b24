//! A clock that a test moves.

use std::sync::Mutex;
use std::time::Duration;

use svckit_core::time::{Now, Tick, WallTime};

/// Stands still until it is moved. Both clocks move together unless the wall clock is set.
#[derive(Debug)]
pub struct VirtualClock(Mutex<Now>);

impl Default for VirtualClock {
    /// Begins at an arbitrary moment that is not zero, so that a mix-up of the clocks shows.
    fn default() -> Self {
        Self(Mutex::new(Now { tick: Tick(Duration::from_secs(1000)), wall: WallTime(1_700_000_000_000) }))
    }
}

impl VirtualClock {
    /// Both clocks.
    pub fn now(&self) -> Now {
        *self.0.lock().unwrap()
    }

    /// The forward-going clock.
    pub fn tick(&self) -> Tick {
        self.now().tick
    }

    /// Lets time pass, and returns the moment it is then.
    pub fn advance(&self, duration: Duration) -> Now {
        let mut now = self.0.lock().unwrap();
        now.tick = now.tick + duration;
        now.wall = WallTime(now.wall.0 + u64::try_from(duration.as_millis()).unwrap());
        *now
    }

    /// Sets the wall clock, as an administrator would; the forward-going clock stays.
    pub fn set_wall(&self, wall: WallTime) {
        self.0.lock().unwrap().wall = wall;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_only_when_told() {
        let clock = VirtualClock::default();
        let before = clock.now();
        assert_eq!(clock.now(), before);
        let after = clock.advance(Duration::from_millis(1500));
        assert_eq!(after.tick.since(before.tick), Duration::from_millis(1500));
        assert_eq!(after.wall.0 - before.wall.0, 1500);
        clock.set_wall(WallTime(5));
        assert_eq!(clock.tick(), after.tick);
    }
}
