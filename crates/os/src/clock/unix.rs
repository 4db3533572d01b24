#![allow(unsafe_code)]

use std::mem::MaybeUninit;
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

/// The forward-going clock without the time for which the system was suspended.
pub fn awake() -> Tick {
    Tick(duration(clock_gettime(ClockId::Monotonic)))
}

#[cfg(target_os = "linux")]
const FORWARD: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const FORWARD: ClockId = ClockId::Monotonic;

unsafe extern "C" {
    /// Looks up the time zone again: `TZ`, or the system's, which may have been set since.
    fn tzset();
}

/// How many milliseconds local time is ahead of UTC at a moment; negative: behind.
pub fn ahead_of_utc(time: WallTime) -> i64 {
    let Ok(seconds) = libc::time_t::try_from(time.0 / 1000) else { return 0 };
    let mut broken_down = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: `tzset` reads the environment, which svckit never changes while it runs; the other reads one value and writes one, and both live during the call.
    // All zeroes is a value of the structure, so it is initialised also when the call fails.
    let local = unsafe {
        tzset();
        libc::localtime_r(&raw const seconds, broken_down.as_mut_ptr());
        broken_down.assume_init()
    };
    local.tm_gmtoff * 1000
}

pub(super) fn duration(time: Timespec) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}
