//! The names of rotated logs: `<stem>-<UTC yyyymmddThhmmss.mmmZ>[-n].<ext>` beside the file that is being written, with `.gz` when they are compressed.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::calendar::{self, Utc};
use crate::time::WallTime;

/// Where in the order of rotation a file is: when it was rotated, and a number for one of several in the same millisecond.
pub type Place = (WallTime, u32);

/// In which form a rotated log is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// As it was written.
    Plain,
    /// Compressed.
    Gzip,
    /// Being compressed, or left by an attempt that was interrupted.
    Partial,
}

impl Form {
    /// All.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Gzip, Self::Partial];

    fn ending(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Gzip => ".gz",
            Self::Partial => ".gz.part",
        }
    }
}

/// The name of the rotated log at a place.
pub fn rotated(path: &Path, (time, attempt): Place, form: Form) -> OsString {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push("-");
    name.push(stamp(time));
    if attempt > 0 {
        name.push(format!("-{attempt}"));
    }
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    name.push(form.ending());
    name
}

/// The place and the form of a file of this name, if it is a rotated one of `path`.
pub fn place(path: &Path, name: &OsStr) -> Option<(Place, Form)> {
    let name = name.to_str()?;
    Form::ALL.into_iter().find_map(|form| {
        let place = plain(path, name.strip_suffix(form.ending())?)?;
        // Another way to write the same is not ours.
        (rotated(path, place, form) == *name).then_some((place, form))
    })
}

fn plain(path: &Path, name: &str) -> Option<Place> {
    let rest = name.strip_prefix(path.file_stem()?.to_str()?)?.strip_prefix('-')?;
    let rest = match path.extension() {
        Some(extension) => rest.strip_suffix(extension.to_str()?)?.strip_suffix('.')?,
        None => rest,
    };
    let (stamp, attempt) = match rest.split_once('-') {
        Some((stamp, attempt)) => (stamp, attempt.parse().ok()?),
        None => (rest, 0),
    };
    Some((moment(stamp)?, attempt))
}

/// `yyyymmddThhmmss.mmmZ`.
fn stamp(time: WallTime) -> String {
    let Utc { date: (year, month, day), clock: (hour, minute, second), milli } = Utc::of(time);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{milli:03}Z")
}

/// The moment that such a text tells.
fn moment(text: &str) -> Option<WallTime> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<u32>().ok();
    let day = calendar::day(number(0..4)?.into(), number(4..6)?, number(6..8)?);
    let of_day = (number(9..11)? * 60 + number(11..13)?) * 60 + number(13..15)?;
    let seconds = u64::try_from(day).ok()? * 86_400 + u64::from(of_day);
    Some(WallTime(seconds * 1000 + u64::from(number(16..19)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_when_and_are_known_again() {
        let path = Path::new("/logs/shop.log");
        let time = WallTime(951_827_696_789);
        assert_eq!(rotated(path, (time, 0), Form::Plain), "shop-20000229T123456.789Z.log");
        assert_eq!(rotated(path, (time, 2), Form::Gzip), "shop-20000229T123456.789Z-2.log.gz");
        assert_eq!(rotated(path, (time, 2), Form::Partial), "shop-20000229T123456.789Z-2.log.gz.part");
        assert_eq!(rotated(Path::new("x"), (WallTime(0), 0), Form::Plain), "x-19700101T000000.000Z");
        for known in [(time, 0), (time, 12), (WallTime(0), 1), (WallTime(253_402_300_799_999), 0)] {
            for (path, form) in ["/logs/shop.log", "x", "x.gz", "a.b.part"]
                .into_iter()
                .flat_map(|path| Form::ALL.map(|form| (path, form)))
            {
                let path = Path::new(path);
                assert_eq!(place(path, &rotated(path, known, form)), Some((known, form)));
            }
        }
    }

    #[test]
    fn other_files_are_left_alone() {
        let path = Path::new("shop.log");
        for name in [
            "shop.log",
            "shop-2.log",
            "shop-20000229T123456.789Z.txt",
            "shop-20000229T123456.789Z.log.bak",
            "shop-20000229T123456.789Z.log.part",
            "shop-20000229T123456.789Z.log.gz.gz",
            "shop.log.gz",
            "shopping-20000229T123456.789Z.log",
            "shop-x-20000229T123456.789Z.log",
            "shop-20000229T123456.789Z-x.log",
            "shop-20000229T123456.789Z-0.log",
            "shop-20000229T123456.789Z-+1.log",
            "shop-20000230T123456.789Z.log",
            "shop-20001329T123456.789Z.log",
            "shop-20000229T999999.789Z.log",
            "shop-20000229t123456.789z.log",
            "shop-+200229T+23456.+89Z.log",
            "shop-20000229T12345é.789Z.log",
        ] {
            assert_eq!(place(path, OsStr::new(name)), None, "{name}");
        }
    }
}
