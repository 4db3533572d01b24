//! The one place that reads clocks.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{ahead_of_utc, awake, now};
#[cfg(windows)]
pub(crate) use windows::wait_millis;
#[cfg(windows)]
pub use windows::{ahead_of_utc, awake, now};

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
