//! The built-in service control manager, on systems that it runs on; and which kind of system this is.
//!
//! A system has `PLATFORM`, and `serve`, which runs the service control manager of a state directory until it is stopped.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{PLATFORM, serve};
#[cfg(windows)]
pub(crate) use windows::{PLATFORM, serve};
