//! What svckit needs of the operating system, behind a safe interface: the one crate that knows which system it runs on.
//!
//! Each module has its contract in `mod.rs` and an implementation for each system beside it.

#[cfg(windows)]
pub mod account;
pub mod aside;
pub mod clock;
#[cfg(unix)]
pub mod daemon;
pub mod dial;
#[cfg(windows)]
pub mod dispatcher;
pub mod entrance;
pub mod errno;
pub mod event;
#[cfg(windows)]
pub mod event_log;
pub mod file;
pub mod gate;
#[cfg(unix)]
pub mod gssapi;
#[cfg(windows)]
pub mod interrupt;
pub mod keyboard;
#[cfg(windows)]
mod library;
pub mod listen;
pub mod lock;
pub mod log;
#[cfg(windows)]
pub mod named_pipe;
pub mod notify;
#[cfg(windows)]
mod overlapped;
#[cfg(windows)]
mod path;
#[cfg(unix)]
pub mod pidfd;
pub mod pipe;
#[cfg(unix)]
pub mod private;
pub mod process;
pub mod program;
#[cfg(unix)]
pub mod prompt;
pub mod random;
#[cfg(windows)]
pub mod registry;
#[cfg(windows)]
pub mod scm;
pub mod secret;
#[cfg(windows)]
pub mod security;
#[cfg(unix)]
pub mod session;
pub mod signal;
#[cfg(unix)]
pub mod socket;
pub mod space;
#[cfg(unix)]
pub mod tcp;
#[cfg(windows)]
mod text;
#[cfg(unix)]
pub mod tree;
pub mod usage;
pub mod watch;
