//! Output of programs that a test finds again byte by byte: whatever is lost, cut, doubled or in a wrong place shows.

use std::io::{self, BufRead, BufReader, Read};

/// How long a numbered line is, with its newline.
pub const LINE: usize = 64;

/// How many digits it begins with; the rest is filled up.
const DIGITS: usize = 10;

/// The lines with these numbers.
pub fn lines(first: u32, last: u32) -> impl BufRead {
    let mut line = [b'.'; LINE];
    line[LINE - 1] = b'\n';
    line[..DIGITS].copy_from_slice(format!("{first:0DIGITS$}").as_bytes());
    let left = (u64::from(last) + 1).saturating_sub(u64::from(first));
    BufReader::with_capacity(LINE << 10, Lines { line, at: 0, left })
}

/// So many bytes of which none is a newline. They come again after 241 of them, so that no two blocks of a usual size are the same.
pub fn endless(count: u64) -> impl BufRead {
    let block: Vec<u8> = (11..252).cycle().take(241 << 8).collect();
    BufReader::with_capacity(block.len(), Again { block, at: 0 }.take(count))
}

/// So many bytes of every value, in turn: hardly ever text.
pub fn every_byte(count: u64) -> impl BufRead {
    let block: Vec<u8> = (0..=255).cycle().take(256 << 8).collect();
    BufReader::with_capacity(block.len(), Again { block, at: 0 }.take(count))
}

/// The number of a line that comes next, without taking anything.
pub fn number(from: &mut impl BufRead) -> Option<u32> {
    std::str::from_utf8(from.fill_buf().ok()?.get(..DIGITS)?).ok()?.parse().ok()
}

/// Takes everything from both, which has to be the same.
#[track_caller]
pub fn assert_same(mut found: impl BufRead, mut wanted: impl BufRead) {
    let mut at = 0_u64;
    loop {
        let (left, right) = (found.fill_buf().unwrap(), wanted.fill_buf().unwrap());
        let common = left.len().min(right.len());
        if common == 0 {
            assert!(left.is_empty(), "after {at} bytes there is more than was written: {}", shown(left));
            assert!(right.is_empty(), "after {at} bytes the rest is missing, from {}", shown(right));
            return;
        }
        if left[..common] != right[..common] {
            let same = left.iter().zip(right).take_while(|(left, right)| left == right).count();
            panic!(
                "after {} bytes there is {}, not {}",
                at + same as u64,
                shown(&left[same..]),
                shown(&right[same..])
            );
        }
        found.consume(common);
        wanted.consume(common);
        at += common as u64;
    }
}

fn shown(bytes: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(2 * LINE)]))
}

/// Counts up, without a division for each digit: there are millions of lines.
struct Lines {
    line: [u8; LINE],
    /// How much of the line was taken.
    at: usize,
    left: u64,
}

impl Lines {
    fn up(&mut self) {
        let digits = &mut self.line[..DIGITS];
        if let Some(at) = digits.iter().rposition(|digit| *digit != b'9') {
            digits[at] += 1;
            digits[at + 1..].fill(b'0');
        }
        (self.at, self.left) = (0, self.left - 1);
    }
}

impl Read for Lines {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while self.left > 0 && filled < space.len() {
            let count = (LINE - self.at).min(space.len() - filled);
            space[filled..filled + count].copy_from_slice(&self.line[self.at..self.at + count]);
            (self.at, filled) = (self.at + count, filled + count);
            if self.at == LINE {
                self.up();
            }
        }
        Ok(filled)
    }
}

/// A block again and again.
struct Again {
    block: Vec<u8>,
    at: usize,
}

impl Read for Again {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let rest = &self.block[self.at..];
        let count = rest.len().min(space.len());
        space[..count].copy_from_slice(&rest[..count]);
        self.at = (self.at + count) % self.block.len();
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut from: impl BufRead) -> Vec<u8> {
        let mut all = Vec::new();
        from.read_to_end(&mut all).unwrap();
        all
    }

    #[test]
    fn lines_count_up() {
        let some = String::from_utf8(all(lines(98, 1001))).unwrap();
        let numbers: Vec<u32> = some.lines().map(|line| line[..DIGITS].parse().unwrap()).collect();
        assert!(numbers.iter().copied().eq(98..=1001) && some.len() == LINE * 904);
        assert_eq!(number(&mut lines(98, 1001)), Some(98));
        assert_eq!(all(lines(2, 1)), b"");
    }

    #[test]
    fn what_is_missing_or_too_much_or_wrong_is_found() {
        let right = all(lines(1, 3));
        assert_same(&right[..], lines(1, 3));
        for wrong in
            [&right[..right.len() - 1], &[&right[..], b"\n"].concat(), &[&right[..70], &right[71..]].concat()]
        {
            assert!(std::panic::catch_unwind(|| assert_same(wrong, lines(1, 3))).is_err());
        }
    }

    #[test]
    fn an_endless_line_has_no_end() {
        let some = all(endless(1_000_000));
        assert!(some.len() == 1_000_000 && !some.contains(&b'\n'));
        assert!((0..=255).all(|byte| all(every_byte(256)).contains(&byte)));
    }
}
