use std::io;

use rustix::io::Errno;
use svckit_core::Win32Error;

/// The Win32 error code that says what the system's error says.
pub fn win32(error: &io::Error) -> Win32Error {
    let Some(errno) = Errno::from_io_error(error) else {
        return match error.kind() {
            io::ErrorKind::PermissionDenied => Win32Error::ACCESS_DENIED,
            io::ErrorKind::InvalidInput => Win32Error::INVALID_PARAMETER,
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Win32Error::INVALID_DATA,
            _ => Win32Error::GEN_FAILURE,
        };
    };
    match errno {
        Errno::NOENT => Win32Error::FILE_NOT_FOUND,
        Errno::NOTDIR => Win32Error::PATH_NOT_FOUND,
        Errno::ACCESS | Errno::PERM => Win32Error::ACCESS_DENIED,
        Errno::NOEXEC => Win32Error::BAD_EXE_FORMAT,
        Errno::NOSPC | Errno::DQUOT | Errno::FBIG => Win32Error::DISK_FULL,
        Errno::ROFS => Win32Error::WRITE_PROTECT,
        Errno::NOMEM => Win32Error::NOT_ENOUGH_MEMORY,
        Errno::MFILE | Errno::NFILE | Errno::AGAIN => Win32Error::NO_SYSTEM_RESOURCES,
        Errno::PIPE | Errno::CONNRESET => Win32Error::BROKEN_PIPE,
        Errno::INVAL | Errno::TOOBIG | Errno::NAMETOOLONG => Win32Error::INVALID_PARAMETER,
        Errno::TIMEDOUT => Win32Error::WAIT_TIMEOUT,
        Errno::CANCELED => Win32Error::CANCELLED,
        Errno::NOTSUP | Errno::NOSYS => Win32Error::NOT_SUPPORTED,
        _ => Win32Error::GEN_FAILURE,
    }
}

/// The system's error in its own words, in lower case and without the number that [`io::Error`] adds.
pub fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    super::clause(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_a_start_have_the_codes_of_windows() {
        let code = |errno: Errno| win32(&errno.into()).0;
        assert_eq!(
            [code(Errno::NOENT), code(Errno::ACCESS), code(Errno::NOEXEC), code(Errno::NOSPC)],
            [2, 5, 193, 112]
        );
    }

    #[test]
    fn words_without_numbers() {
        assert_eq!(describe(&Errno::NOENT.into()), "no such file or directory");
        assert_eq!(describe(&Errno::IO.into()), "input/output error");
    }
}
