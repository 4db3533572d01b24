//! Strings of Windows: UTF-16 that ends with NUL.

#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::os::windows::ffi::OsStrExt;

/// A text for the system.
pub(crate) fn wide(text: impl AsRef<OsStr>) -> Vec<u16> {
    text.as_ref().encode_wide().chain([0]).collect()
}

/// Reads a string that the system gave.
///
/// # Safety
/// The pointer is null or leads to UTF-16 that ends with NUL.
pub(crate) unsafe fn read(pointer: *const u16) -> Option<String> {
    // SAFETY: what is not null the caller vouches for.
    (!pointer.is_null()).then(|| String::from_utf16_lossy(unsafe { units(pointer) }))
}

/// The units of a string that the system gave, without the NUL.
///
/// # Safety
/// The pointer leads to UTF-16 that ends with NUL, and lives for as long as what is returned.
pub(crate) unsafe fn units<'a>(pointer: *const u16) -> &'a [u16] {
    let mut length = 0;
    // SAFETY: by the contract there is a NUL, and everything before it can be read.
    while unsafe { *pointer.add(length) } != 0 {
        length += 1;
    }
    // SAFETY: so many units were just read.
    unsafe { std::slice::from_raw_parts(pointer, length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_survive() {
        for text in ["", "a\u{20ac}\u{1F600}"] {
            // SAFETY: it was made for that.
            assert_eq!(unsafe { read(wide(text).as_ptr()) }.as_deref(), Some(text));
        }
        // SAFETY: null is allowed.
        assert_eq!(unsafe { read(std::ptr::null()) }, None);
    }
}
