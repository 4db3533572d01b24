//! When a log is rotated by time, as people write it: how often, and at which time of day or of the week.

use std::time::Duration;

use svckit_core::log::rotation::RotateTime;

use crate::units::{duration, written_duration};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const WEEK: Duration = Duration::from_secs(7 * 86_400);

const OFTEN: &[(&str, Often)] = &[
    ("hourly", Often::Every(HOUR)),
    ("daily", Often::Every(DAY)),
    ("weekly", Often::Every(WEEK)),
    ("monthly", Often::Month),
];

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Often {
    Every(Duration),
    Month,
}

impl Often {
    /// A word for it, or a duration from a minute to a year.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let word = OFTEN.iter().find(|(word, _)| *word == text).map(|(_, often)| *often);
        let interval = || duration(text).filter(|time| (MINUTE..=366 * DAY).contains(time));
        word.or_else(|| interval().map(Self::Every))
    }

    /// At a time of day, and for a week of a weekday: `03:00`, `sunday`, `sunday 03:00`.
    pub(crate) fn at(self, text: &str) -> Option<RotateTime> {
        let (day, time) = match text.split_once(' ') {
            Some((day, time)) => (weekday(day)?, time_of_day(time.trim_start())?),
            None => {
                time_of_day(text).map(|time| (0, time)).or_else(|| Some((weekday(text)?, Duration::ZERO)))?
            }
        };
        let has_weekday = text.starts_with(|c: char| c.is_ascii_alphabetic());
        let at = day * DAY + time;
        match self {
            Self::Every(interval) if at < interval && (interval == WEEK || !has_weekday) => {
                Some(RotateTime::Every { interval, at })
            }
            Self::Month if !has_weekday => Some(RotateTime::Monthly { at }),
            _ => None,
        }
    }

    /// At the begin of it.
    pub(crate) fn begin(self) -> RotateTime {
        match self {
            Self::Every(interval) => RotateTime::Every { interval, at: Duration::ZERO },
            Self::Month => RotateTime::Monthly { at: Duration::ZERO },
        }
    }
}

/// What [`Often::read`] and [`Often::at`] read: how often, and at which time if not at the begin of it. `None`: people can't write it.
pub(crate) fn written(time: RotateTime) -> Option<(String, Option<String>)> {
    let (often, at) = match time {
        RotateTime::Every { interval, at } => (Often::Every(interval), at),
        RotateTime::Monthly { at } => (Often::Month, at),
    };
    let text = match (OFTEN.iter().find(|(_, of)| *of == often), often) {
        (Some((word, _)), _) => (*word).to_owned(),
        (None, Often::Every(interval)) => written_duration(interval)?,
        (None, Often::Month) => return None,
    };
    if at.is_zero() {
        return Some((text, None));
    }
    let minutes = at.as_secs() / 60;
    let clock = format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60);
    let day = WEEKDAYS.get(usize::try_from(minutes / (24 * 60)).ok()?)?;
    let at = if often == Often::Every(WEEK) { format!("{day} {clock}") } else { clock };
    (Often::read(&text)?.at(&at) == Some(time)).then_some((text, Some(at)))
}

fn weekday(text: &str) -> Option<u32> {
    let text = text.to_ascii_lowercase();
    let day = WEEKDAYS.iter().position(|day| *day == text || text.len() == 3 && day.starts_with(&text))?;
    u32::try_from(day).ok()
}

fn time_of_day(text: &str) -> Option<Duration> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, below: u64| {
        let is_plain = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u64>().ok().filter(|value| is_plain && *value < below)
    };
    let (hours, minutes) = (number(hours, 24)?, number(minutes, 60).filter(|_| minutes.len() == 2)?);
    Some(Duration::from_secs((hours * 60 + minutes) * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(often: &str, at: &str) -> Option<RotateTime> {
        let often = Often::read(often)?;
        if at.is_empty() { Some(often.begin()) } else { often.at(at) }
    }

    #[test]
    fn what_people_write_is_read_and_written() {
        let every =
            |interval, minutes: u64| RotateTime::Every { interval, at: Duration::from_secs(minutes * 60) };
        for (often, at, means, again) in [
            ("daily", "", every(DAY, 0), ("daily", None)),
            ("1d", "", every(DAY, 0), ("daily", None)),
            ("24h", "3:05", every(DAY, 185), ("daily", Some("03:05"))),
            ("hourly", "", every(HOUR, 0), ("hourly", None)),
            ("hourly", "00:15", every(HOUR, 15), ("hourly", Some("00:15"))),
            ("6h", "03:00", every(6 * HOUR, 180), ("6h", Some("03:00"))),
            ("weekly", "", every(WEEK, 0), ("weekly", None)),
            ("weekly", "monday", every(WEEK, 0), ("weekly", None)),
            ("weekly", "sun 03:00", every(WEEK, (6 * 24 + 3) * 60), ("weekly", Some("sunday 03:00"))),
            ("7d", "Friday", every(WEEK, 4 * 24 * 60), ("weekly", Some("friday 00:00"))),
            ("weekly", "23:59", every(WEEK, 24 * 60 - 1), ("weekly", Some("monday 23:59"))),
            ("monthly", "04:00", RotateTime::Monthly { at: 4 * HOUR }, ("monthly", Some("04:00"))),
            ("10m", "", every(10 * MINUTE, 0), ("10m", None)),
        ] {
            assert_eq!(read(often, at), Some(means), "{often} {at}");
            assert_eq!(written(means), Some((again.0.to_owned(), again.1.map(str::to_owned))));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for (often, at) in [
            ("nightly", ""),
            ("59s", ""),
            ("367d", ""),
            ("daily", "24:00"),
            ("daily", "3"),
            ("daily", "03:5"),
            ("daily", "+3:05"),
            ("daily", "sunday"),
            ("daily", "sunday 03:00"),
            ("weekly", "some 03:00"),
            ("weekly", "su"),
            ("hourly", "01:00"),
            ("monthly", "sunday"),
            ("monthly", " "),
        ] {
            assert_eq!(read(often, at), None, "{often} {at}");
        }
    }
}
