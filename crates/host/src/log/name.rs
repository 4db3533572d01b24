//! The names of rotated logs: `<stem>-<UTC yyyymmddThhmmss.mmmZ>[-n].<ext>` beside the file that is being written.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use svckit_core::time::WallTime;

/// The name of a log that is rotated now; `attempt` above zero for one of several in the same millisecond.
pub(crate) fn rotated(path: &Path, time: WallTime, attempt: u32) -> OsString {
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
    name
}

/// Where in the order of rotation a file of this name is, if it is a rotated one of `path`.
pub(crate) fn place(path: &Path, name: &OsStr) -> Option<(String, u32)> {
    let name = name.to_str()?;
    let rest = name.strip_prefix(path.file_stem()?.to_str()?)?.strip_prefix('-')?;
    let rest = match path.extension() {
        Some(extension) => rest.strip_suffix(extension.to_str()?)?.strip_suffix('.')?,
        None => rest,
    };
    let (stamp, attempt) = match rest.split_once('-') {
        Some((stamp, attempt)) => (stamp, attempt.parse().ok()?),
        None => (rest, 0),
    };
    is_stamp(stamp).then(|| (stamp.to_owned(), attempt))
}

fn is_stamp(text: &str) -> bool {
    let form = b"00000000T000000.000Z";
    text.len() == form.len()
        && text.bytes().zip(form).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            other => byte == *other,
        })
}

/// `yyyymmddThhmmss.mmmZ`. The date from the day's number by counting years from March, so that the leap day is the last.
fn stamp(time: WallTime) -> String {
    let seconds = time.0 / 1000;
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) =
        if month < 10 { (era * 400 + year, month + 3) } else { (era * 400 + year + 1, month - 9) };
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{:03}Z", time.0 % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_when_and_are_known_again() {
        let path = Path::new("/logs/shop.log");
        let time = WallTime(951_827_696_789);
        assert_eq!(rotated(path, time, 0), "shop-20000229T123456.789Z.log");
        assert_eq!(rotated(path, time, 2), "shop-20000229T123456.789Z-2.log");
        assert_eq!(rotated(Path::new("x"), WallTime(0), 0), "x-19700101T000000.000Z");
        let stamp = "20000229T123456.789Z".to_owned();
        assert_eq!(place(path, &rotated(path, time, 0)), Some((stamp.clone(), 0)));
        assert_eq!(place(path, &rotated(path, time, 12)), Some((stamp, 12)));
    }

    #[test]
    fn other_files_are_left_alone() {
        let path = Path::new("shop.log");
        for name in [
            "shop.log",
            "shop-2.log",
            "shop-20000229T123456.789Z.txt",
            "shopping-20000229T123456.789Z.log",
            "shop-x-20000229T123456.789Z.log",
        ] {
            assert_eq!(place(path, OsStr::new(name)), None, "{name}");
        }
    }
}
