//! The way to service control managers: [`connect`] gives a [`Backend`] for a [`Target`].
//!
//! [`wire`] speaks MS-SCMR over any byte stream; [`embedded`] finds the built-in service control manager of a state directory and
//! starts it when nobody serves there. [`install`] and [`wait`] do with any backend what takes more than one call.

#![forbid(unsafe_code)]

mod definition;
pub mod embedded;
pub mod install;
pub mod target;
pub mod update;
pub mod wait;
pub mod wire;

pub use embedded::Embedded;
pub use svckit_os::process::adopt_descriptor;
pub use target::{Target, TargetError};

use svckit_core::backend::Backend;
use svckit_core::{Error, Result, Win32Error};

/// Connects to a service control manager.
pub fn connect(target: &Target) -> Result<Box<dyn Backend>> {
    match target {
        Target::Embedded(embedded) => Ok(Box::new(embedded.connect()?)),
        Target::Windows | Target::Remote(_) => Err(Box::new(
            Error::new("connect to service control manager", Win32Error::NOT_SUPPORTED)
                .target(target.to_string())
                .cause("this version of svckit only knows the built-in service control manager (embedded)"),
        )),
    }
}
