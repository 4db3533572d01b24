//! Strings as the system wants and gives them.

#![allow(unsafe_code)]

use svckit_core::secret::Secret;
use zeroize::Zeroizing;

pub(super) use crate::text::{read, wide};

/// A list of strings: each ends with NUL, and the list with one more.
pub(super) fn wide_list<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<u16> {
    let mut list: Vec<u16> = texts.into_iter().flat_map(wide).collect();
    if list.is_empty() {
        list.push(0);
    }
    list.push(0);
    list
}

/// A string that nobody shall find in memory afterwards.
pub(super) fn wide_secret(secret: &Secret) -> Zeroizing<Vec<u16>> {
    let text = secret.as_str();
    // Made in one piece: a buffer that grew would leave copies behind.
    let mut wide = Zeroizing::new(Vec::with_capacity(text.encode_utf16().count() + 1));
    wide.extend(text.encode_utf16());
    wide.push(0);
    wide
}

/// A buffer for structures of the system, aligned for any of them.
pub(super) struct Buffer(Vec<u64>);

impl Buffer {
    pub(super) fn new(bytes: u32) -> Self {
        Self(vec![0; usize::try_from(bytes).unwrap_or(0).div_ceil(8)])
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.0.len() * 8).unwrap_or(u32::MAX)
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }

    pub(super) fn as_ptr(&self) -> *const u8 {
        self.0.as_ptr().cast()
    }
}

/// Reads a list of strings that the system gave.
///
/// # Safety
/// The pointer is null or leads to strings that end with NUL, and an empty one after the last.
pub(super) unsafe fn read_list(mut pointer: *const u16) -> Vec<String> {
    let mut list = Vec::new();
    // SAFETY: by the contract each string can be read, up to and with the empty one.
    while let Some(text) = unsafe { read(pointer) }.filter(|text| !text.is_empty()) {
        let units = text.encode_utf16().count() + 1;
        list.push(text);
        // SAFETY: the string had so many units, its NUL included (a lone surrogate is read as one unit and replaced by one), and after it comes the next.
        pointer = unsafe { pointer.add(units) };
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_survive() {
        let list = wide_list(["a", "\u{20ac}\u{1F600}", "+group"]);
        // SAFETY: the list was made for that.
        assert_eq!(unsafe { read_list(list.as_ptr()) }, ["a", "\u{20ac}\u{1F600}", "+group"]);
        assert_eq!(wide_list([]), [0, 0]);
        // SAFETY: null is allowed, and so is an empty list.
        unsafe {
            assert_eq!(read_list(std::ptr::null()), Vec::<String>::new());
            assert_eq!(read_list(wide_list([]).as_ptr()), Vec::<String>::new());
        }
    }
}
