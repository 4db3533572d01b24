//! Days of the Gregorian calendar, by Howard Hinnant's method: years are counted from March, so that the leap day is the last of one.

use crate::time::WallTime;

/// From 0000-03-01 to 1970-01-01, in days.
const TO_1970: i64 = 719_468;

/// The days of 400 years, after which everything repeats.
const ERA: i64 = 146_097;

/// Year, month and day of the month of a day counted from 1970-01-01.
pub fn date(day: i64) -> (i64, u32, u32) {
    let day = day + TO_1970;
    let (era, of_era) = (day.div_euclid(ERA), day.rem_euclid(ERA));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

/// The day, counted from 1970-01-01, of a date.
pub fn day(year: i64, month: u32, day: u32) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let from_march = i64::from((month + 9) % 12);
    let of_year = (153 * from_march + 2) / 5 + i64::from(day) - 1;
    era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - TO_1970
}

/// A moment in UTC, in the parts that people write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Utc {
    /// Year, month and day of the month, the last two from 1.
    pub date: (i64, u32, u32),
    /// Hour, minute and second.
    pub clock: (u64, u64, u64),
    /// Millisecond.
    pub milli: u64,
}

impl Utc {
    /// The parts of a moment.
    pub fn of(time: WallTime) -> Self {
        let seconds = time.0 / 1000;
        let date = date(i64::try_from(seconds / 86_400).unwrap_or(0));
        Self { date, clock: (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60), milli: time.0 % 1000 }
    }
}

/// A moment as RFC 3339 in UTC, to the millisecond: `2026-11-21T01:02:03.004Z`.
pub fn rfc3339(time: WallTime) -> String {
    let Utc { date: (year, month, day), clock: (hour, minute, second), milli } = Utc::of(time);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates_and_back() {
        for (number, of) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (19_782, (2024, 2, 29)),
            (47_541, (2100, 3, 1)),
            (2_932_896, (9999, 12, 31)),
        ] {
            assert_eq!(date(number), of);
            assert_eq!(day(of.0, of.1, of.2), number);
        }
        for number in -200_000..200_000 {
            let (y, m, d) = date(number);
            assert_eq!(day(y, m, d), number);
        }
    }
}
