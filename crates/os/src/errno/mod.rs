//! The system's error codes as Win32 error codes.

mod unix;

pub use unix::{describe, win32};
