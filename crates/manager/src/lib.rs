//! The way to service control managers: [`connect`] gives a [`Backend`] for a [`Target`].
//!
//! [`remote`] names other machines. [`local`] knows which service control managers this system has; [`wire`] speaks MS-SCMR over any byte stream. [`install`] and [`wait`] do with any backend what takes more than one call,
//! and [`entity`] has services as things.

#![forbid(unsafe_code)]

mod access;
pub mod configurations;
mod definition;
pub mod dependencies;
pub mod embedded;
pub mod entity;
pub mod gone;
pub mod install;
pub mod local;
pub mod plan;
mod ready;
pub mod remote;
pub mod target;
pub mod update;
pub mod wait;
#[cfg(windows)]
pub mod windows;
pub mod wire;

pub use embedded::Embedded;
pub use remote::{Logon, Remote, Way};
pub use target::{Target, TargetError};

use svckit_core::Result;
use svckit_core::backend::Backend;

/// Connects to a service control manager.
pub fn connect(target: &Target) -> Result<Box<dyn Backend>> {
    local::connect(target)
}

/// The same, for a thread that waits for what may never come: `interrupt` ends its calls.
pub fn connect_until(target: &Target, interrupt: &local::Interrupt) -> Result<Box<dyn Backend>> {
    local::connect_until(target, interrupt)
}
