//! Being told that something changed in a directory.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::Watch;
#[cfg(windows)]
pub use windows::Watch;
