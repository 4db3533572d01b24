//! The system's error codes as Win32 error codes.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{describe, win32};
#[cfg(windows)]
pub use windows::{describe, win32};

/// A sentence as a part of another: it begins in lower case, unless it begins with an abbreviation.
fn clause(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}
