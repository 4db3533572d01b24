//! A program in the console, which this system isn't for yet.

use std::io;

use svckit_core::definition::HostDefinition;
use svckit_core::name::ServiceName;

pub use crate::debug_event::DebugEvent;

/// Refused.
///
/// # Errors
/// `Unsupported`, always.
pub fn run(_: &HostDefinition, _: &ServiceName, _: &mut dyn FnMut(DebugEvent)) -> io::Result<i32> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "svckit runs no programs on macOS yet"))
}
