//! The key name of a service that was given none.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::path;
use crate::platform::Platform;

/// A path of so many characters or more is not spelt out: with two characters for each separator a name has to stay within 256.
const TOO_LONG: usize = 128;

/// How much of the hash a name shows, in bytes.
const HASH_SHOWN: usize = 16;

/// The name that is made of a script's absolute path. It depends on nothing else, so that the service is found again whatever else changes.
pub(super) fn derived(script: &str, platform: Platform) -> String {
    if script.chars().count() >= TOO_LONG {
        return hashed(script);
    }
    let mut name = String::with_capacity(2 * script.len());
    for c in script.chars() {
        match c {
            c if path::is_separator(platform, c) => name.push_str("__"),
            c if c.is_ascii_alphanumeric() => name.push(c),
            _ => name.push('_'),
        }
    }
    name
}

fn hashed(script: &str) -> String {
    let mut name = String::from("winservice_");
    for byte in Sha256::digest(script).iter().take(HASH_SHOWN) {
        // Writing into a string can't fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn separators_are_two_underscores_and_others_one() {
        assert_eq!(
            derived("/sample-buildout/bin/app-script.py", Platform::Unix),
            "__sample_buildout__bin__app_script_py"
        );
        assert_eq!(
            derived(r"C:\my site\bin\app-script.py", Platform::Windows),
            "C___my_site__bin__app_script_py"
        );
        assert_eq!(derived("/b\u{fc}ro/a\\b.py", Platform::Unix), "__b_ro__a_b_py");
    }

    #[test]
    fn a_long_path_has_a_hash_that_never_changes() {
        let path = |length: usize| format!("/{}.py", "x".repeat(length - 4));
        assert_eq!(derived(&path(127), Platform::Unix).len(), 128);
        assert_eq!(derived(&path(128), Platform::Unix), "winservice_b8a9366a4b81dca541c314427d570835");
        assert_ne!(derived(&path(128), Platform::Unix), derived(&path(129), Platform::Unix));
    }

    proptest! {
        #[test]
        fn every_path_has_a_name_that_the_service_api_takes(path in "/[^\0]{0,200}") {
            for platform in [Platform::Unix, Platform::Windows] {
                prop_assert!(svckit_core::name::ServiceName::new(derived(&path, platform)).is_ok());
            }
        }
    }
}
