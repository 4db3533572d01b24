//! What svckit needs of the operating system, behind a safe interface: the one crate that knows which system it runs on.
//!
//! Each module has its contract in `mod.rs` and an implementation for each system beside it.

#[cfg(unix)]
pub mod clock;
#[cfg(unix)]
pub mod daemon;
#[cfg(unix)]
pub mod dial;
#[cfg(unix)]
pub mod errno;
#[cfg(unix)]
pub mod event;
#[cfg(windows)]
pub mod event_log;
#[cfg(unix)]
pub mod file;
#[cfg(unix)]
pub mod lock;
#[cfg(unix)]
pub mod log;
#[cfg(unix)]
pub mod pidfd;
#[cfg(unix)]
pub mod pipe;
#[cfg(unix)]
pub mod process;
#[cfg(unix)]
pub mod program;
#[cfg(unix)]
pub mod random;
#[cfg(unix)]
pub mod session;
#[cfg(unix)]
pub mod signal;
#[cfg(unix)]
pub mod socket;
#[cfg(unix)]
pub mod tree;
#[cfg(unix)]
pub mod watch;
