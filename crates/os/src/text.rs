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

/// Strings for the system that follow one another, each ending with NUL, and after the last one more. None of them is empty.
pub(crate) fn wide_list<T: AsRef<OsStr>>(texts: impl IntoIterator<Item = T>) -> Vec<u16> {
    let mut list: Vec<u16> = texts.into_iter().flat_map(wide).collect();
    if list.is_empty() {
        list.push(0);
    }
    list.push(0);
    list
}

/// The units of strings that the system gave, one following the other, without the NUL of each.
///
/// # Safety
/// The pointer is null or leads to UTF-16 strings that end with NUL, an empty one after the last, and they live for as long as what is returned.
pub(crate) unsafe fn list<'a>(mut next: *const u16) -> Vec<&'a [u16]> {
    let mut all = Vec::new();
    while !next.is_null() {
        // SAFETY: by the contract there is a string.
        let one = unsafe { units(next) };
        if one.is_empty() {
            break;
        }
        all.push(one);
        // SAFETY: the string has so many units, and the next begins after its NUL.
        next = unsafe { next.add(one.len() + 1) };
    }
    all
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

    #[test]
    fn lists_survive() {
        let texts = ["a", "\u{20ac}\u{1F600}", "+group"];
        let made = wide_list(texts);
        // SAFETY: the list was made for that.
        let all = unsafe { list(made.as_ptr()) };
        assert_eq!(all, texts.map(|text| text.encode_utf16().collect::<Vec<_>>()));
        let none = wide_list([""; 0]);
        assert_eq!(none, [0, 0]);
        // SAFETY: an empty list is one, and null is allowed.
        unsafe { assert!(list(none.as_ptr()).is_empty() && list(std::ptr::null()).is_empty()) };
    }
}
