//! When a log is rotated by time, or something is done by the clock, as people write it: how often, and at which time of day or of the week.

use std::time::Duration;

use svckit_core::log::rotation::RotateTime;
use svckit_core::timetable::{DAY, Days, Occasion};

use crate::units::{duration, written_duration};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
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

/// An occasion: a time of day, `03:00`; with days before it, `mon-fri 08:00`, `sat,sun 10:00`, or how often, `monthly 03:00`; or days or how often alone.
pub(crate) fn occasion(text: &str) -> Option<Occasion> {
    let (first, rest) = text.split_once(' ').map_or((text, ""), |(first, rest)| (first, rest.trim_start()));
    if let Some(often) = Often::read(first) {
        let time = if rest.is_empty() { often.begin() } else { often.at(rest)? };
        return Some(Occasion::Regular(time));
    }
    if let Some(at) = time_of_day(text) {
        return Some(Occasion::Regular(RotateTime::Every { interval: DAY, at }));
    }
    let mut days = Vec::new();
    for part in first.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to) = (weekday(from)?, weekday(to)?);
        // From Saturday to Monday is a range too.
        days.extend((0..=(to + 7 - from) % 7).map(|next| (from + next) % 7));
    }
    let at = if rest.is_empty() { Duration::ZERO } else { time_of_day(rest)? };
    Some(Occasion::Days { days: Days::new(days), at })
}

/// What is read as such an occasion. `None`: people can't write it.
pub fn written_occasion(occasion: &Occasion) -> Option<String> {
    let text = match occasion {
        Occasion::Regular(time) => {
            let (often, at) = written(*time)?;
            at.map_or(often.clone(), |at| format!("{often} {at}"))
        }
        Occasion::Days { days, at } => {
            let mut runs: Vec<(u32, u32)> = Vec::new();
            for day in days.iter() {
                match runs.last_mut() {
                    Some((_, last)) if *last + 1 == day => *last = day,
                    _ => runs.push((day, day)),
                }
            }
            let name = |day: u32| WEEKDAYS.get(day as usize).map_or("", |name| &name[..3]);
            let run = |(from, to): &(u32, u32)| match to - from {
                0 => name(*from).to_owned(),
                1 => format!("{},{}", name(*from), name(*to)),
                _ => format!("{}-{}", name(*from), name(*to)),
            };
            let minutes = at.as_secs() / 60;
            let days = runs.iter().map(run).collect::<Vec<_>>().join(",");
            format!("{days} {:02}:{:02}", minutes / 60, minutes % 60)
        }
    };
    (self::occasion(&text).as_ref() == Some(occasion)).then_some(text)
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

    #[test]
    fn occasions_are_read_and_written() {
        let days = |days: &[u32], minutes: u64| Occasion::Days {
            days: Days::new(days.iter().copied()),
            at: Duration::from_secs(minutes * 60),
        };
        let daily = |minutes: u64| {
            Occasion::Regular(RotateTime::Every { interval: DAY, at: Duration::from_secs(minutes * 60) })
        };
        for (text, means, again) in [
            ("03:00", daily(180), "daily 03:00"),
            ("daily 3:00", daily(180), "daily 03:00"),
            ("daily", daily(0), "daily"),
            ("mon-fri 08:00", days(&[0, 1, 2, 3, 4], 480), "mon-fri 08:00"),
            ("Sunday", days(&[6], 0), "sun 00:00"),
            ("sat-mon  10:30", days(&[0, 5, 6], 630), "mon,sat,sun 10:30"),
            ("mon,wed,friday 23:59", days(&[0, 2, 4], 1439), "mon,wed,fri 23:59"),
            ("monthly 03:00", Occasion::Regular(RotateTime::Monthly { at: 3 * HOUR }), "monthly 03:00"),
            ("6h", Occasion::Regular(RotateTime::Every { interval: 6 * HOUR, at: Duration::ZERO }), "6h"),
        ] {
            assert_eq!(occasion(text), Some(means), "{text}");
            assert_eq!(written_occasion(&means).as_deref(), Some(again), "{text}");
        }
        for wrong in [
            "",
            "now",
            "24:00",
            "mon-fri 8",
            "mon- 08:00",
            "mon 08:00 x",
            "yearly",
            "0s",
            "3 mon",
            "hourly 02:00",
        ] {
            assert_eq!(occasion(wrong), None, "{wrong}");
        }
        assert_eq!(written_occasion(&days(&[], 0)), None);
    }
}
