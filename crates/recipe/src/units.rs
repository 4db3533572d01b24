//! Durations and sizes as people write them.

use std::time::Duration;

use svckit_core::units::{SIZES, written};

const DURATIONS: &[(&str, u64)] =
    &[("ms", 1), ("s", 1_000), ("m", 60_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads a duration: numbers with a unit `ms`, `s`, `m` (or `min`), `h`, `d`, several in a row are summed.
///
/// ```
/// use std::time::Duration;
/// use svckit_recipe::units::duration;
/// assert_eq!(duration("1m 30s"), Some(Duration::from_secs(90)));
/// assert_eq!(duration("0.5s"), Some(Duration::from_millis(500)));
/// assert_eq!(duration("5"), None);
/// ```
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total = 0_u64;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let after_number = rest[unit_at..].trim_start();
        let end = after_number.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after_number.len());
        let scale = scale(DURATIONS, &after_number[..end])?;
        total = total.checked_add(scaled(&rest[..unit_at], scale)?)?;
        rest = after_number[end..].trim_start();
    }
    Some(Duration::from_millis(total))
}

/// Reads a size: a number with a unit `B`, `KB`, `MB`, `GB` (thousands) or `KiB`, `MiB`, `GiB` (1024s).
///
/// ```
/// use svckit_recipe::units::size;
/// assert_eq!(size("10MB"), Some(10_000_000));
/// assert_eq!(size("64 KiB"), Some(65_536));
/// ```
pub fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let scale = scale(SIZES, text[unit_at..].trim_start())?;
    scaled(&text[..unit_at], scale)
}

/// A duration as people write it, in the largest unit that it is a whole number of; `None` for one that is no whole number of milliseconds.
///
/// ```
/// use std::time::Duration;
/// use svckit_recipe::units::written_duration;
/// assert_eq!(written_duration(Duration::from_secs(90)).as_deref(), Some("90s"));
/// assert_eq!(written_duration(Duration::from_secs(300)).as_deref(), Some("5m"));
/// ```
pub fn written_duration(duration: Duration) -> Option<String> {
    let milliseconds = u64::try_from(duration.as_millis()).ok()?;
    let is_whole = duration == Duration::from_millis(milliseconds);
    // Zero is a whole number of everything; zero days would look odd.
    if milliseconds == 0 {
        return is_whole.then(|| "0s".to_owned());
    }
    is_whole.then(|| written(DURATIONS, milliseconds))
}

fn scale(units: &[(&str, u64)], unit: &str) -> Option<u64> {
    units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|(_, scale)| *scale)
}

/// A decimal number times `scale`, exact or not at all.
fn scaled(number: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.len() > 9 || fraction.contains('.') {
        return None;
    }
    let divisor = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
    let part = u128::from(fraction.parse::<u64>().ok()?) * u128::from(scale);
    if part % u128::from(divisor) != 0 {
        return None;
    }
    let part = u64::try_from(part / u128::from(divisor)).ok()?;
    whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use svckit_core::units::written_size;

    #[test]
    fn what_has_no_unit_or_no_number_is_refused() {
        for text in [
            "",
            " ",
            "5",
            "s",
            "5x",
            "-5s",
            "1..5s",
            ".5s",
            "5.s",
            "0.0001s",
            "1s 5",
            "99999999999999999999s",
        ] {
            assert_eq!(duration(text), None, "{text:?}");
        }
        for text in ["", "10", "MB", "10XB", "0.3B", "-1KB", "1MB 2KB", "99999999999GB"] {
            assert_eq!(size(text), None, "{text:?}");
        }
    }

    #[test]
    fn units() {
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(duration("2 h"), Some(Duration::from_secs(7200)));
        assert_eq!(duration("1d12h"), Some(Duration::from_secs(36 * 3600)));
        assert_eq!(duration("3min"), Some(Duration::from_secs(180)));
        assert_eq!(size("1.5GiB"), Some(3 << 29));
        assert_eq!(size("0B"), Some(0));
        assert_eq!(size("64KB"), Some(64_000));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,24}") {
            let _ = duration(&text);
            let _ = size(&text);
        }

        #[test]
        fn whole_milliseconds_survive(ms in 0_u64..u64::MAX / 2) {
            prop_assert_eq!(duration(&format!("{ms}ms")), Some(Duration::from_millis(ms)));
        }

        #[test]
        fn what_is_written_is_read(number in any::<u64>(), small in 0_u64..100_000) {
            for number in [number, small, small * 1000, small << 10, small * 60_000] {
                let time = Duration::from_millis(number);
                prop_assert_eq!(duration(&written_duration(time).unwrap()), Some(time));
                prop_assert_eq!(size(&written_size(number)), Some(number));
            }
        }
    }
}
