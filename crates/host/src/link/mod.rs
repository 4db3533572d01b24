//! The connection to the service control manager, as each system has it. It brings orders and takes what the services tell; which of its events
//! mean what is its own business.
//!
//! A system's `Link` has
//! * `ready(event, poller, services)`: takes an event whose token is one of [`TOKENS`], and returns the orders that came with it; `services` are for a
//!   greeting;
//! * `send(frame)`: takes a frame to be told, and `flush(poller)`, which passes on what was taken as far as it can be without waiting;
//! * `is_connected()`: whether somebody is there who can give orders, `Release` above all;
//! * `sockets(names)`: the sockets of these names that came with a `Start`; to be asked for in the order of these;
//! * `keeps_process()`: whether the process has to stay though it has no service and had one.
//!
//! Beside it, `run_from_environment` is `svc host run`: it finds out how this process was started, makes the `Link` and calls [`crate::runtime::run`]; and
//! `serve_spawner` is `svc host spawner`, for systems whose hosts are made by a process of svckit's own.

#[cfg(target_os = "linux")]
mod unix;
#[cfg(windows)]
mod windows;

use std::ops::RangeFrom;

#[cfg(target_os = "linux")]
pub(crate) use unix::{Link, Ticket, run};
#[cfg(target_os = "linux")]
pub use unix::{run_from_environment, serve_spawner};
#[cfg(windows)]
pub(crate) use windows::Link;
#[cfg(windows)]
pub use windows::{run_from_environment, serve_spawner};

pub use svckit_os::process::refuse_limits;

/// The tokens of a link's events.
pub(crate) const TOKENS: RangeFrom<u64> = 1 << 63..;
