//! Texts that nobody shall find: passwords, and what else is secret.

use std::fmt;

use zeroize::Zeroizing;

/// A secret. It is never printed, and its memory is overwritten when it goes.
///
/// ```
/// # use svckit_core::secret::Secret;
/// assert_eq!(format!("{:?}", Secret::from("hunter2")), "***");
/// ```
#[derive(Clone, PartialEq, Eq)]
// INVARIANT: the text is never changed, so it never grows and leaves a copy behind.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text, for whoever it is meant for.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
