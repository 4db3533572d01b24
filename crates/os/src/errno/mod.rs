//! The system's error codes as Win32 error codes.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{describe, win32};
#[cfg(windows)]
pub use windows::{describe, win32};
