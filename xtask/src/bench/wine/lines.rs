//! Whether every line of a program's output is in the files of its log.

use std::fs;
use std::path::Path;

use super::bed::files;
use crate::Outcome;

/// How many of the numbered lines are missing. Lines of a host's own, and what it puts before a line, are left aside.
pub(crate) fn missing(folder: &Path, lines: usize, length: usize) -> Outcome<usize> {
    let mut parts = Vec::new();
    for path in files(folder) {
        parts.push(fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?);
    }
    // A line may begin in one file and end in the next: files are put in order by the first whole number in them.
    parts.sort_by_cached_key(|part| {
        part.split(|byte| *byte == b'\n').skip(1).find_map(|line| number(line, length))
    });
    Ok(absent(&parts.concat(), lines, length))
}

fn absent(text: &[u8], lines: usize, length: usize) -> usize {
    let mut seen = vec![false; lines];
    for line in text.split(|byte| *byte == b'\n') {
        if let Some(seen) = number(line, length).and_then(|number| seen.get_mut(number)) {
            *seen = true;
        }
    }
    seen.into_iter().filter(|seen| !seen).count()
}

/// The number of a line, which is all digits, and as many as it has to be.
fn number(line: &[u8], length: usize) -> Option<usize> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let start = line.iter().rposition(|byte| *byte == b' ').map_or(0, |at| at + 1);
    let digits = line.get(start..).filter(|digits| digits.len() == length - 1)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::absent;

    #[test]
    fn lines_that_are_missing_are_counted() {
        let text = b"started\n000\n001\r\nWARN 003\n004x\n0 05\n";
        assert_eq!(absent(text, 6, 4), 3);
        assert_eq!(absent(b"000\n001\n", 2, 4), 0);
    }
}
