//! Trying whether somebody accepts TCP connections, without waiting.
//!
//! An [`Attempt`] is a source of a poller; it is writable when it is decided, and then tells how.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::Attempt;
#[cfg(windows)]
pub use windows::Attempt;
