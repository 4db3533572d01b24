//! Pipes between this process and a program, and moving what is in them into a file, on Unix without copying it through this process.
//!
//! A [`Reader`] never waits: `WouldBlock` means that nothing is there now, and that a poller wakes when there is; zero that nobody can write any more. The
//! [`ProgramEnd`] is inherited only by the program that is started with it, and is an ordinary, waiting one for it.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{ProgramEnd, Reader, Writer, inflow, outflow, set_nonblocking};
#[cfg(windows)]
pub use windows::{ProgramEnd, Reader, Writer, inflow, outflow};
