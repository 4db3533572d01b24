//! What programs say of themselves while they run.
//!
//! An [`Inbox`] is a source of a poller; when that brings its number there may be messages. A program knows it by a variable of its environment: a socket as
//! systemd has it, on Windows a named pipe.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::Inbox;
#[cfg(windows)]
pub use windows::Inbox;
