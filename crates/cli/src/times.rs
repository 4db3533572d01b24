//! Moments and spans as text.

use std::time::Duration;

use svckit_core::calendar::Utc;
use svckit_core::time::WallTime;

pub(crate) use svckit_core::calendar::rfc3339;

/// A moment for people: `2026-11-21 01:02:03Z`.
pub(crate) fn plain(time: WallTime) -> String {
    let Utc { date: (year, month, day), clock: (hour, minute, second), .. } = Utc::of(time);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}Z")
}

/// A span for people: `0.5 s`, `12 s`, `3 min`, `2 h 5 min`.
pub(crate) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 if duration.subsec_millis() > 0 => format!("{:.1} s", duration.as_secs_f64()),
        0..120 => format!("{seconds} s"),
        120..3600 if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        120..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ if (seconds / 60).is_multiple_of(60) => format!("{} h", seconds / 3600),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(rfc3339(WallTime(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(WallTime(951_827_696_789)), "2000-02-29T12:34:56.789Z");
        assert_eq!(rfc3339(WallTime(1_709_251_199_000)), "2024-02-29T23:59:59.000Z");
        assert_eq!(plain(WallTime(4_107_542_400_000)), "2100-03-01 00:00:00Z");
        assert!(!rfc3339(WallTime(u64::MAX)).is_empty());
    }

    #[test]
    fn spans() {
        assert_eq!(span(Duration::from_millis(500)), "0.5 s");
        assert_eq!(span(Duration::from_secs(90)), "90 s");
        assert_eq!(span(Duration::from_secs(180)), "3 min");
        assert_eq!(span(Duration::from_secs(7500)), "2 h 5 min");
    }
}
