//! Files that people write: how much of them is read, and what is said of one that can't be.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Source};

/// The largest file that is read.
pub(crate) const MAX_FILE: usize = 1 << 20;

/// Reads a file; the path in the result is absolute. `what` is the kind of file that it should be.
pub(crate) fn load(path: &Path, what: &str) -> Result<(PathBuf, Vec<u8>), Diagnostic> {
    let file = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let cause = match read(&file) {
        Ok(bytes) if bytes.len() <= MAX_FILE => return Ok((file, bytes)),
        Ok(_) => "it is larger than 1 MiB".to_owned(),
        Err(error) => plain(&error),
    };
    Err(Diagnostic { file, place: None, message: format!("cannot read the {what}: {cause}"), help: None })
}

/// The bytes of a file. Of one that is too large no more is read than it takes to know that.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is read of a file, as text.
pub(crate) fn text(path: &Path, bytes: Vec<u8>) -> Result<String, Diagnostic> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let readable = String::from_utf8_lossy(error.as_bytes()).into_owned();
        // What comes before is as long in the replaced text.
        let span = (valid..valid + 1).into();
        let help = "save the file as UTF-8".to_owned();
        Source::new(path, readable).diagnostic(span, "this is not UTF-8", Some(help))
    })
}

/// A system's message as part of a sentence: without the number that Rust adds, the capital letter and the full stop.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).trim_end_matches('.');
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if chars.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_system_become_a_clause() {
        let words = plain(&io::Error::from_raw_os_error(2));
        assert!(words.starts_with(char::is_lowercase), "{words}");
        assert!(!words.contains("os error") && !words.ends_with('.'), "{words}");
        assert_eq!(plain(&io::Error::other("I/O failed.")), "I/O failed");
        assert_eq!(plain(&io::Error::other("")), "");
    }

    #[test]
    fn what_cannot_be_read_is_told_without_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().join("none"), folder.path().to_owned()] {
            let wrong = load(&path, "definition file").unwrap_err();
            assert_eq!(wrong.file, path);
            let cause = wrong.message.strip_prefix("cannot read the definition file: ").unwrap();
            assert!(cause.starts_with(char::is_lowercase) && !cause.contains("os error"), "{cause}");
        }
    }
}
