#![allow(unsafe_code)]

use std::time::Duration;

use svckit_core::time::{Now, Tick, WallTime};
use windows_sys::Win32::Foundation::{FILETIME, SYSTEMTIME};
use windows_sys::Win32::System::Performance::{QueryPerformanceCounter, QueryPerformanceFrequency};
use windows_sys::Win32::System::SystemInformation::GetSystemTimePreciseAsFileTime;
use windows_sys::Win32::System::Threading::INFINITE;
use windows_sys::Win32::System::Time::{
    FileTimeToSystemTime, SystemTimeToFileTime, SystemTimeToTzSpecificLocalTime,
};
use windows_sys::Win32::System::WindowsProgramming::QueryUnbiasedInterruptTime;

/// Both clocks. The forward-going one is the performance counter, which counts from the system's boot and also while it is suspended.
pub fn now() -> Now {
    let mut time = FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 };
    let (mut count, mut frequency) = (0, 0);
    // SAFETY: each writes one value to where it is told; none of them fails on a system that svckit runs on.
    unsafe {
        GetSystemTimePreciseAsFileTime(&raw mut time);
        QueryPerformanceCounter(&raw mut count);
        QueryPerformanceFrequency(&raw mut frequency);
    }
    Now {
        tick: Tick(span(count.cast_unsigned(), frequency.cast_unsigned().max(1))),
        wall: WallTime::of_file_time(joined(time)),
    }
}

/// A limit of a wait in whole milliseconds, not less and never for ever: a wait that ends early would find nothing due and begin again.
pub(crate) fn wait_millis(limit: Duration) -> u32 {
    u32::try_from(limit.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX).min(INFINITE - 1)
}

/// A forward-going clock that stands still while the system is suspended: the unbiased interrupt time.
pub fn awake() -> Tick {
    let mut hundreds_of_nanoseconds = 0_u64;
    // SAFETY: it writes one value to where it is told.
    unsafe { QueryUnbiasedInterruptTime(&raw mut hundreds_of_nanoseconds) };
    Tick(Duration::from_micros(hundreds_of_nanoseconds / 10))
}

/// How many milliseconds local time is ahead of UTC at a moment; negative: behind. By the rules of the time zone that hold in the year of that moment, as far as the
/// system knows them.
pub fn ahead_of_utc(time: WallTime) -> i64 {
    // Whole seconds: a `SYSTEMTIME` has milliseconds, but nothing finer.
    let utc = WallTime(time.0 / 1000 * 1000).to_file_time();
    let parts = FILETIME {
        dwLowDateTime: u32::try_from(utc & 0xFFFF_FFFF).unwrap_or(0),
        dwHighDateTime: u32::try_from(utc >> 32).unwrap_or(0),
    };
    let (mut date, mut shown, mut local) =
        (SYSTEMTIME::default(), SYSTEMTIME::default(), FILETIME::default());
    // SAFETY: each reads one value and writes another, which live during the call; no time zone is that of the system.
    let done = unsafe {
        FileTimeToSystemTime(&raw const parts, &raw mut date) != 0
            && SystemTimeToTzSpecificLocalTime(std::ptr::null(), &raw const date, &raw mut shown) != 0
            && SystemTimeToFileTime(&raw const shown, &raw mut local) != 0
    };
    if !done {
        return 0;
    }
    joined(local).cast_signed().wrapping_sub(utc.cast_signed()) / 10_000
}

fn joined(time: FILETIME) -> u64 {
    u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime)
}

fn span(count: u64, frequency: u64) -> Duration {
    let rest = u128::from(count % frequency) * 1_000_000_000 / u128::from(frequency);
    Duration::new(count / frequency, u32::try_from(rest).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_a_span() {
        assert_eq!(span(25_000_000, 10_000_000), Duration::from_millis(2500));
        assert_eq!(span(u64::MAX, 1), Duration::from_secs(u64::MAX));
    }
}
