//! The service control manager of Windows: its functions with owned handles, in plain data.
//!
//! Every call fails with the system's code; nothing is retried or made up. Values that have no name here are passed on as numbers.

mod changes;
mod config2;
mod lock;
mod manager;
mod privilege;
mod security;
mod service;
mod set;
mod text;
mod trigger;
mod wait;

use svckit_core::Win32Error;

pub use changes::Changes;
pub use lock::{Lock, report_boot};
pub use manager::{Found, Manager};
pub use service::{RawConfig, Service};
pub use set::Watch;
pub use wait::be_called;

/// The code of the last call of this thread that failed.
fn last_error() -> Win32Error {
    crate::errno::win32(&std::io::Error::last_os_error())
}

/// A call that returns zero when it failed.
fn check(done: i32) -> Result<(), Win32Error> {
    if done == 0 { Err(last_error()) } else { Ok(()) }
}
