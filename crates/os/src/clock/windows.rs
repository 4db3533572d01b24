#![allow(unsafe_code)]

use std::time::Duration;

use svckit_core::time::{Now, Tick, WallTime};
use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::Performance::{QueryPerformanceCounter, QueryPerformanceFrequency};
use windows_sys::Win32::System::SystemInformation::GetSystemTimePreciseAsFileTime;

/// From 1601-01-01, where the system's time begins, to 1970-01-01, in milliseconds.
const TO_UNIX: u64 = 11_644_473_600_000;

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
    let hundreds_of_nanoseconds = u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
    Now {
        tick: Tick(span(count.cast_unsigned(), frequency.cast_unsigned().max(1))),
        wall: WallTime((hundreds_of_nanoseconds / 10_000).saturating_sub(TO_UNIX)),
    }
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
