//! The built-in service control manager, on systems that it runs on; and which kind of system this is.
//!
//! A system has `PLATFORM`, `serve`, which runs the service control manager of a state directory until it is stopped, `user`, which changes the accounts of such a directory, `open_directory`, how others may reach into
//! such a directory, `are_others_let`, whether everybody may do something with a file, and `unbuffered_input`, standard input of which nothing is kept that was read.

#[cfg(target_os = "linux")]
mod accounts;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
pub(crate) use accounts::user;
#[cfg(target_os = "linux")]
pub(crate) use linux::{open_directory, serve};
#[cfg(target_os = "macos")]
pub(crate) use macos::{open_directory, serve, user};
#[cfg(unix)]
pub(crate) use unix::{PLATFORM, are_others_let, unbuffered_input};
#[cfg(windows)]
pub(crate) use windows::{PLATFORM, are_others_let, open_directory, serve, unbuffered_input, user};

/// What somebody may do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Read it.
    Read,
    /// Write it; a folder: replace what is in it.
    Write,
}
