//! What svckit needs of the operating system, behind a safe interface: the one crate that knows which system it runs on.
//!
//! Each module has its contract in `mod.rs` and an implementation for each system beside it. macOS is for managing other machines only so far: what runs programs is not there.

#[cfg(windows)]
pub mod account;
pub mod aside;
pub mod clock;
#[cfg(target_os = "linux")]
pub mod daemon;
#[cfg(any(target_os = "linux", windows))]
pub mod dial;
#[cfg(windows)]
pub mod dispatcher;
pub mod dump;
pub mod entrance;
pub mod errno;
#[cfg(any(target_os = "linux", windows))]
pub mod event;
#[cfg(windows)]
pub mod event_log;
pub mod file;
#[cfg(any(target_os = "linux", windows))]
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
#[cfg(any(target_os = "linux", windows))]
pub mod notify;
#[cfg(windows)]
mod overlapped;
#[cfg(windows)]
mod path;
#[cfg(target_os = "linux")]
pub mod pidfd;
#[cfg(any(target_os = "linux", windows))]
pub mod pipe;
#[cfg(unix)]
pub mod private;
#[cfg(any(target_os = "linux", windows))]
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
#[cfg(windows)]
mod token;
#[cfg(target_os = "linux")]
pub mod tree;
#[cfg(any(target_os = "linux", windows))]
pub mod usage;
pub mod variable;
#[cfg(any(target_os = "linux", windows))]
pub mod watch;
