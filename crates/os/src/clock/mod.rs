//! The one place that reads clocks, and is told when they are set.

#[cfg(windows)]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use svckit_core::time::Now;

#[cfg(windows)]
pub use elsewhere::Changes;
#[cfg(target_os = "linux")]
pub use linux::Changes;
#[cfg(unix)]
pub use unix::{ahead_of_utc, awake, now};
#[cfg(windows)]
pub(crate) use windows::wait_millis;
#[cfg(windows)]
pub use windows::{ahead_of_utc, awake, now};

/// What [`Changes`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The wall clock was set.
    Set,
    /// The machine was suspended, and goes on: the wall clock has moved with the time, and [`awake`] hasn't.
    Woke,
}

/// Whether the service control manager tells of that: services that accept `SERVICE_CONTROL_TIMECHANGE` and `SERVICE_CONTROL_POWEREVENT`.
pub const IS_TOLD_BY_CONTROLS: bool = cfg!(windows);

/// Both clocks, the forward-going one without the time for which the system was suspended: for whoever gives others time to do something.
pub fn now_awake() -> Now {
    Now { tick: awake(), ..now() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_go_forward_and_agree_with_the_standard_library() {
        let first = now();
        let second = now();
        assert!(second.tick >= first.tick);
        let (one, other) = (awake(), awake());
        assert!(other >= one);
        assert!(now_awake().tick >= other);
        #[expect(clippy::disallowed_methods, reason = "the clock is what is tested")]
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        assert!(wall.as_millis().abs_diff(u128::from(first.wall.0)) < 60_000);
    }

    #[test]
    fn local_time_is_less_than_a_day_from_utc_in_whole_minutes() {
        for seconds in [1_000_000_000, 1_767_225_600, 1_783_000_000] {
            let ahead = ahead_of_utc(svckit_core::time::WallTime(seconds * 1000));
            assert!(ahead % 60_000 == 0 && ahead.abs() < 86_400_000, "{ahead}");
        }
    }
}
