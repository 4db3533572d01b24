//! svckit's host: runs one program, or several, as services.
//!
//! One thread waits for everything at once: the service control manager, the programs' ends, their output and deadlines. What to do is decided by
//! `svckit-core`; this crate carries it out. macOS runs no programs so far: there it is what those need who manage other machines.

#![forbid(unsafe_code)]

pub mod environment;

#[cfg(not(target_os = "macos"))]
pub mod debug;
#[cfg(target_os = "macos")]
#[path = "nowhere/debug.rs"]
pub mod debug;
#[cfg(not(target_os = "macos"))]
mod link;
#[cfg(target_os = "macos")]
#[path = "nowhere/link.rs"]
mod link;
#[cfg(target_os = "linux")]
pub mod spawner;

mod debug_event;
#[cfg(not(target_os = "macos"))]
mod log;
#[cfg(not(target_os = "macos"))]
mod message;
#[cfg(not(target_os = "macos"))]
mod probe;
#[cfg(not(target_os = "macos"))]
mod runtime;
#[cfg(not(target_os = "macos"))]
mod service;
#[cfg(not(target_os = "macos"))]
mod supervisor;
#[cfg(not(target_os = "macos"))]
mod turns;
#[cfg(not(target_os = "macos"))]
mod whole;

pub use link::{refuse_limits, run_from_environment, serve_spawner};
pub use svckit_os::signal::{name as signal_name, on_end};
pub use svckit_os::space::of as space;
pub use svckit_os::{clock, entrance, keyboard, listen, program};
