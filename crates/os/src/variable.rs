//! Names of environment variables.

use std::ffi::{OsStr, OsString};

/// What is the same for two names exactly if they are those of one variable: on Windows case doesn't count.
pub fn key(name: &OsStr) -> OsString {
    if cfg!(windows) {
        name.to_str().map_or_else(|| name.to_ascii_uppercase(), |name| name.to_uppercase().into())
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_variable() {
        assert_eq!(key("Path".as_ref()) == key("PATH".as_ref()), cfg!(windows));
        assert_ne!(key("PATH".as_ref()), key("PATHEXT".as_ref()));
    }
}
