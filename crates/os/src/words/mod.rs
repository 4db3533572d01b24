//! Command lines of Windows, taken apart by the system itself. What svckit makes is `svckit_core::command_line`; this is to compare with, and for
//! lines that others made.

#![allow(unsafe_code)]

use std::io;
use std::slice;

use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::UI::Shell::CommandLineToArgvW;

/// The words of a command line by
/// [`CommandLineToArgvW`](https://learn.microsoft.com/en-us/windows/win32/api/shellapi/nf-shellapi-commandlinetoargvw). Of an empty one it makes the path
/// of this program.
///
/// # Errors
/// `InvalidInput` for a line with a NUL, and what the system says.
pub fn split(line: &str) -> io::Result<Vec<String>> {
    if line.contains('\0') {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a command line can't contain a NUL character",
        ));
    }
    let wide: Vec<u16> = line.encode_utf16().chain([0]).collect();
    let mut count = 0;
    // SAFETY: the line ends with NUL and lives during the call, which writes one number and returns memory that it allocates for the caller.
    let words = unsafe { CommandLineToArgvW(wide.as_ptr(), &raw mut count) };
    if words.is_null() {
        return Err(io::Error::last_os_error());
    }
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: on success so many pointers are there, each to a string that ends with NUL, in memory that is ours until it is given back below; what is made here
    // is a copy.
    let copied = unsafe { slice::from_raw_parts(words, count).iter().map(|word| text(*word)).collect() };
    // SAFETY: the memory is ours, of the allocator that this gives it back to, and nobody uses it after this.
    unsafe { LocalFree(words.cast()) };
    copied
}

/// Copies a string of the system.
///
/// # Safety
/// It ends with NUL and lives during the call.
unsafe fn text(start: *const u16) -> io::Result<String> {
    // SAFETY: every unit up to the first NUL belongs to the string, by the caller's word.
    let units = unsafe {
        let length = (0..).take_while(|index| *start.add(*index) != 0).count();
        slice::from_raw_parts(start, length)
    };
    String::from_utf16(units).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_line() {
        assert_eq!(split(r#""C:\my app\run" "a \"b\"" é "#).unwrap(), [r"C:\my app\run", r#"a "b""#, "é"]);
        assert_eq!(split("a\0b").unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
