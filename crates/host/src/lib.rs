//! svckit's host: runs one program, or several, as services.
//!
//! One thread waits for everything at once: the service control manager, signals, the programs' output and deadlines. What to do is decided by
//! `svckit-core`; this crate carries it out.

#![forbid(unsafe_code)]

pub mod debug;
pub mod spawner;

mod environment;
mod link;
mod log;
mod message;
mod probe;
mod runtime;
mod service;
mod supervisor;

pub use runtime::run_from_environment;
pub use svckit_os::program;
