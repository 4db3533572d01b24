//! The one place that reads clocks.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::now;
#[cfg(windows)]
pub use windows::now;
