use std::io;

use svckit_core::Win32Error;

/// The Win32 error code that says what the system's error says.
pub fn win32(error: &io::Error) -> Win32Error {
    match error.raw_os_error() {
        Some(code) => Win32Error(code.cast_unsigned()),
        None => match error.kind() {
            io::ErrorKind::InvalidInput => Win32Error::INVALID_PARAMETER,
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Win32Error::INVALID_DATA,
            io::ErrorKind::NotFound => Win32Error::FILE_NOT_FOUND,
            io::ErrorKind::PermissionDenied => Win32Error::ACCESS_DENIED,
            io::ErrorKind::TimedOut => Win32Error::WAIT_TIMEOUT,
            io::ErrorKind::Unsupported => Win32Error::NOT_SUPPORTED,
            _ => Win32Error::GEN_FAILURE,
        },
    }
}

/// The system's error in its own words: one clause that begins in lower case, without the full stop and the number. The words are in the system's
/// language.
pub fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default().trim_end().trim_end_matches('.');
    super::clause(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_kept() {
        assert_eq!(win32(&io::Error::from_raw_os_error(1073)), Win32Error::SERVICE_EXISTS);
        assert_eq!(win32(&io::ErrorKind::InvalidInput.into()), Win32Error::INVALID_PARAMETER);
    }

    #[test]
    fn words_without_numbers() {
        let words = describe(&io::Error::from_raw_os_error(5));
        assert!(words.starts_with(char::is_lowercase) && !words.contains("os error"), "{words}");
        assert!(!words.ends_with('.'), "{words}");
    }
}
