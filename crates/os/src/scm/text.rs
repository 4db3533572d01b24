//! Strings as the system wants and gives them.

#![allow(unsafe_code)]

use svckit_core::secret::Secret;
use zeroize::Zeroizing;

use crate::text::list;
pub(super) use crate::text::{read, wide, wide_list};

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
pub(super) unsafe fn read_list(pointer: *const u16) -> Vec<String> {
    // SAFETY: the caller vouches for it; nothing of what is borrowed is kept.
    unsafe { list(pointer) }.into_iter().map(String::from_utf16_lossy).collect()
}
