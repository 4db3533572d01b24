//! What the user does at the terminal: keys, and its size.
//!
//! Elsewhere than on Windows the library for terminals reads it. On Windows that library needs `user32.dll`, which it takes a host a good part of its start to load; what the
//! console itself tells is enough.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::Keyboard;
#[cfg(windows)]
pub use windows::Keyboard;
