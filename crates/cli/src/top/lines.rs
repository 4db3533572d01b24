//! The last lines of what a program wrote.

use std::collections::VecDeque;

use crate::table::printable;

/// How many lines are kept.
const MOST: usize = 1000;

/// How much of a line is kept; what is beyond the edge of a terminal isn't seen anyway.
const LONGEST: usize = 4096;

/// The last lines, and one that has no end yet.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    whole: VecDeque<String>,
    open: Vec<u8>,
}

impl Lines {
    /// Takes a piece of output.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        let mut pieces = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            let room = LONGEST.saturating_sub(self.open.len());
            self.open.extend_from_slice(&piece[..piece.len().min(room)]);
            if pieces.peek().is_some() {
                let line = text(&std::mem::take(&mut self.open));
                self.whole.push_back(line);
                if self.whole.len() > MOST {
                    self.whole.pop_front();
                }
            }
        }
    }

    /// The last lines, oldest first.
    pub(crate) fn last(&self, count: usize) -> Vec<String> {
        let open = (!self.open.is_empty()).then(|| text(&self.open));
        let of_whole = count.saturating_sub(usize::from(open.is_some()));
        let skip = self.whole.len().saturating_sub(of_whole);
        self.whole.iter().skip(skip).cloned().chain(open).collect()
    }
}

/// A line with nothing in it that would do something to the terminal.
fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    printable(&text.trim_end_matches('\r').replace('\t', "    "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_lines() {
        let mut lines = Lines::default();
        for piece in ["one\ntw", "o\r\n", "", "a\tb\x1b[2J\nop", "en"] {
            lines.add(piece.as_bytes());
        }
        assert_eq!(lines.last(9), ["one", "two", "a    b\\u{1b}[2J", "open"]);
        assert_eq!(lines.last(2), ["a    b\\u{1b}[2J", "open"]);
        assert!(lines.last(0).len() <= 1);
    }

    #[test]
    fn what_is_kept_has_an_end() {
        let mut lines = Lines::default();
        lines.add(&b"x\n".repeat(3 * MOST));
        assert_eq!(lines.last(usize::MAX).len(), MOST);
        lines.add(&[b'y'; 3 * LONGEST]);
        assert_eq!(lines.last(1)[0].len(), LONGEST);
    }
}
