//! The little of DER (X.690) that SPNEGO is written in: elements whose tags and lengths are in one to four bytes.

use crate::auth::AuthError;

pub(crate) const OCTETS: u8 = 0x04;
pub(crate) const OBJECT: u8 = 0x06;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const APPLICATION: u8 = 0x60;

/// The tag of a field by its number.
pub(crate) const fn field(number: u8) -> u8 {
    0xa0 | number
}

/// An element with its tag and length.
pub(crate) fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len().to_be_bytes();
    let significant = &length[length.iter().take_while(|byte| **byte == 0).count().min(length.len() - 1)..];
    let mut out = Vec::with_capacity(contents.len() + 6);
    out.push(tag);
    if contents.len() >= 0x80 {
        out.push(0x80 | significant.len() as u8);
    }
    out.extend_from_slice(significant);
    out.extend_from_slice(contents);
    out
}

/// Takes elements off the front.
#[derive(Debug, Clone)]
pub(crate) struct Elements<'a>(pub(crate) &'a [u8]);

impl<'a> Elements<'a> {
    /// The contents of the next element, which has to have this tag.
    pub(crate) fn expect(&mut self, tag: u8, what: &'static str) -> Result<&'a [u8], AuthError> {
        self.optional(tag)?.ok_or(AuthError::Malformed { what })
    }

    /// The contents of the next element, if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, AuthError> {
        if self.0.first() != Some(&tag) {
            return Ok(None);
        }
        let (contents, rest) = split(&self.0[1..])
            .ok_or(AuthError::Malformed { what: "an element of SPNEGO is longer than what it is in" })?;
        self.0 = rest;
        Ok(Some(contents))
    }
}

/// The contents by their length, which comes first, and what follows.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return rest.split_at_checked(first.into());
    }
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) {
        return None;
    }
    let (length, rest) = rest.split_at_checked(count)?;
    let length = length.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
    rest.split_at_checked(length)
}
