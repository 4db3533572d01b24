//! Test support shared by the crates of svckit: a clock that is moved by hand, a service program that does what a script says, guards
//! that leave no process behind, and the suite of behaviour that every backend has to pass.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed expectation is how a test fails")]

pub mod binary;
pub mod capture;
pub mod clock;
pub mod dsc;
pub mod following;
pub mod frame;
pub mod gate;
pub mod kdc;
pub mod model;
pub mod need;
pub mod output;
#[cfg(unix)]
mod processes;
pub mod role;
#[cfg(unix)]
pub mod samba;
pub mod schema;
pub mod script;
pub mod scripted;
pub mod suite;
pub mod svc;

use std::time::Duration;

/// How long a test waits for something that happens at once on an idle machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
