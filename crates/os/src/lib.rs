//! What svckit needs of the operating system, behind a safe interface: the one crate that knows which system it runs on.
//!
//! Each module has its contract in `mod.rs` and an implementation for each system beside it.

pub mod clock;
pub mod daemon;
pub mod dial;
pub mod errno;
pub mod event;
pub mod file;
pub mod lock;
pub mod pidfd;
pub mod pipe;
pub mod process;
pub mod program;
pub mod random;
pub mod session;
pub mod signal;
pub mod socket;
pub mod tree;
pub mod watch;
