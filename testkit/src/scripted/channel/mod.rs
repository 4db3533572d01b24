//! The scripted service's end of the channel to the service control manager.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use unix::{Connection, answer, listen};
#[cfg(windows)]
pub(super) use windows::{Connection, answer, listen};
