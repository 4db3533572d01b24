use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};
use svckit_core::time::{Now, Tick, WallTime};

/// Both clocks. The forward-going one counts from the system's boot and also while it is suspended.
pub fn now() -> Now {
    let wall = duration(clock_gettime(ClockId::Realtime)).as_millis();
    Now {
        tick: Tick(duration(clock_gettime(FORWARD))),
        wall: WallTime(u64::try_from(wall).unwrap_or(u64::MAX)),
    }
}

#[cfg(target_os = "linux")]
const FORWARD: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const FORWARD: ClockId = ClockId::Monotonic;

fn duration(time: Timespec) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}
