//! Randomness.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::unit;
#[cfg(windows)]
pub use windows::unit;
