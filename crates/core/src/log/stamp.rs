//! Lines with the time at which they began.

use crate::calendar;
use crate::time::WallTime;

/// How long a stamp is, with the blank behind it.
pub const LENGTH: usize = "2026-11-21T01:02:03.004Z ".len();

/// Puts the time before each line of a stream that comes in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamps {
    /// Whether a line has begun.
    in_line: bool,
}

impl Stamps {
    /// The same bytes with the time before each line that begins among them.
    pub fn stamp(&mut self, bytes: &[u8], now: WallTime) -> Vec<u8> {
        let stamp = format!("{} ", calendar::rfc3339(now));
        let mut stamped = Vec::with_capacity(bytes.len() + stamp.len());
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if !self.in_line {
                stamped.extend(stamp.as_bytes());
            }
            stamped.extend(line);
            self.in_line = line.last() != Some(&b'\n');
        }
        stamped
    }

    /// What ends a line that another program has begun.
    pub fn end_line(&mut self) -> &'static [u8] {
        if std::mem::take(&mut self.in_line) { b"\n" } else { b"" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: WallTime = WallTime(951_827_696_789);
    const SECOND: WallTime = WallTime(951_827_697_000);

    #[test]
    fn each_line_has_the_time_of_its_begin() {
        let mut stamps = Stamps::default();
        let mut all = Vec::new();
        for (bytes, now) in [(&b"a\n\nb"[..], FIRST), (b"", SECOND), (b"c\xFF\n", SECOND), (b"\0", SECOND)] {
            all.extend(stamps.stamp(bytes, now));
        }
        let expected =
            b"2000-02-29T12:34:56.789Z a\n2000-02-29T12:34:56.789Z \n2000-02-29T12:34:56.789Z bc\xFF\n\
                         2000-02-29T12:34:57.000Z \0";
        assert_eq!(all, expected);
        assert_eq!((stamps.end_line(), stamps.end_line()), (&b"\n"[..], &b""[..]));
    }

    #[test]
    fn a_stamp_is_as_long_as_is_said() {
        assert_eq!(Stamps::default().stamp(b"\n", SECOND).len(), LENGTH + 1);
    }
}
