//! Names that can't hold a bad value.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::win32::Win32Error;

/// The longest key name and display name, in UTF-16 code units ([MS-SCMR] 3.1.4.12).
pub const MAX_NAME: usize = 256;

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is no character in it.
    #[error("a {0} can't be empty")]
    Empty(&'static str),
    /// It is longer than the API allows.
    #[error("a {what} has at most {MAX_NAME} characters, this one has {length}")]
    TooLong {
        /// What the name is.
        what: &'static str,
        /// Its length in UTF-16 code units.
        length: usize,
    },
    /// It holds a character that it can't hold.
    #[error("a {what} can't contain {found:?}")]
    Character {
        /// What the name is.
        what: &'static str,
        /// The first bad character.
        found: char,
    },
}

impl NameError {
    /// The code that Windows answers with.
    pub fn code(&self) -> Win32Error {
        Win32Error::INVALID_NAME
    }
}

fn check(what: &'static str, text: &str, forbidden: &[char]) -> Result<(), NameError> {
    let length = text.encode_utf16().count();
    if length == 0 {
        return Err(NameError::Empty(what));
    }
    if length > MAX_NAME {
        return Err(NameError::TooLong { what, length });
    }
    match text.chars().find(|c| *c == '\0' || forbidden.contains(c)) {
        Some(found) => Err(NameError::Character { what, found }),
        None => Ok(()),
    }
}

/// Folds a name for comparison without case, character by character as Windows does.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        // Nearly all names; a listing folds each of them.
        return text.to_ascii_uppercase();
    }
    text.chars()
        .map(|c| {
            let mut up = c.to_uppercase();
            match (up.next(), up.next()) {
                (Some(u), None) => u,
                _ => c,
            }
        })
        .collect()
}

macro_rules! name_type {
    ($(#[$meta:meta])* $type:ident, $what:literal, $forbidden:expr) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Reads the name, refusing what the service API refuses.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                check($what, &text, $forbidden)?;
                Ok(Self(text))
            }

            /// The name as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The name in the form that is equal for names that differ only in case.
            pub fn folded(&self) -> String {
                fold(&self.0)
            }
        }

        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.0 == other.0 || self.folded() == other.folded()
            }
        }
        impl Eq for $type {}
        impl std::hash::Hash for $type {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.folded().hash(state);
            }
        }
        impl PartialOrd for $type {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }
        impl Ord for $type {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.folded().cmp(&other.folded())
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl TryFrom<String> for $type {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(text)
            }
        }
        impl std::str::FromStr for $type {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }
        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }
    };
}

name_type! {
    /// The key name of a service: 1 to 256 characters without `/` and `\`, compared without case and kept with it.
    ///
    /// ```
    /// use svckit_core::name::ServiceName;
    /// assert_eq!(ServiceName::new("Shop").unwrap(), ServiceName::new("SHOP").unwrap());
    /// assert!(ServiceName::new("a/b").is_err());
    /// ```
    ServiceName, "service name", &['/', '\\']
}
name_type! {
    /// The name that people see: 1 to 256 characters, unique without case among key names and display names.
    DisplayName, "display name", &[]
}
name_type! {
    /// The name of a load order group.
    GroupName, "load order group", &['/', '\\']
}

impl From<ServiceName> for DisplayName {
    /// Every key name can be a display name, and is one unless another is given.
    fn from(name: ServiceName) -> Self {
        Self(name.0)
    }
}

/// What a service needs to run before it: a service, or at least one service of a group.
///
/// In the API a group is written with the prefix `+` (`SC_GROUP_IDENTIFIER`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Dependency {
    /// One service, by key name.
    Service(ServiceName),
    /// A load order group.
    Group(GroupName),
}

impl Dependency {
    /// Reads a dependency as the API writes it.
    ///
    /// ```
    /// use svckit_core::name::Dependency;
    /// assert!(matches!(Dependency::new("+Network").unwrap(), Dependency::Group(_)));
    /// ```
    pub fn new(text: &str) -> Result<Self, NameError> {
        match text.strip_prefix('+') {
            Some(group) => GroupName::new(group).map(Self::Group),
            None => ServiceName::new(text).map(Self::Service),
        }
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(name) => write!(f, "{name}"),
            Self::Group(name) => write!(f, "+{name}"),
        }
    }
}

impl TryFrom<String> for Dependency {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<Dependency> for String {
    fn from(dependency: Dependency) -> String {
        dependency.to_string()
    }
}

/// Some services, or all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Folded names; absent: all.
    only: Option<HashSet<String>>,
}

impl Selection {
    /// These, or all.
    pub fn new(only: Option<&[ServiceName]>) -> Self {
        Self { only: only.map(|only| only.iter().map(ServiceName::folded).collect()) }
    }

    /// Whether a service is one of them.
    pub fn has(&self, name: &ServiceName) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&name.folded()))
    }

    /// Whether every service is.
    pub fn is_all(&self) -> bool {
        self.only.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_with_a_slash_is_refused_and_the_slash_named() {
        let error = ServiceName::new("web/front").unwrap_err();
        assert_eq!(error.to_string(), "a service name can't contain '/'");
        assert_eq!(error.code(), Win32Error::INVALID_NAME);
        assert!(DisplayName::new("web/front").is_ok());
    }

    #[test]
    fn a_name_has_1_to_256_utf16_units() {
        assert_eq!(ServiceName::new("").unwrap_err(), NameError::Empty("service name"));
        assert!(ServiceName::new("x".repeat(256)).is_ok());
        assert!(ServiceName::new("x".repeat(257)).is_err());
        assert!(
            ServiceName::new("\u{1F600}".repeat(129)).is_err(),
            "a character outside the BMP counts twice"
        );
    }

    #[test]
    fn a_character_whose_upper_case_is_longer_stays_as_it_is() {
        assert_eq!(fold("straße"), "STRAßE");
    }

    proptest! {
        #[test]
        fn names_equal_without_case_hash_alike(text in "[a-zA-Zé0-9 ]{1,20}") {
            use std::collections::HashSet;
            let both: HashSet<ServiceName> =
                [text.to_uppercase(), text.to_lowercase()].into_iter().map(|t| ServiceName::new(t).unwrap()).collect();
            prop_assert_eq!(both.len(), 1);
        }

        #[test]
        fn any_text_is_a_dependency_or_an_error(text in any::<String>()) {
            if let Ok(dependency) = Dependency::new(&text) {
                prop_assert_eq!(dependency.to_string(), text);
            }
        }
    }
}
