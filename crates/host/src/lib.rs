//! svckit's host: runs one program, or several, as services.
//!
//! One thread waits for everything at once: the service control manager, the programs' ends, their output and deadlines. What to do is decided by
//! `svckit-core`; this crate carries it out.

#![forbid(unsafe_code)]

pub mod debug;
pub mod environment;
#[cfg(unix)]
pub mod spawner;

mod link;
mod log;
mod message;
mod probe;
mod runtime;
mod service;
mod supervisor;
mod turns;

pub use link::{run_from_environment, serve_spawner};
pub use svckit_os::process::refuse_limits;
pub use svckit_os::signal::{name as signal_name, on_end};
pub use svckit_os::space::of as space;
pub use svckit_os::{clock, entrance, keyboard, listen, program};
