//! The Windows event log: the source under which hosts report, and reporting.

mod windows;

pub use windows::{EventLog, register, unregister};

/// The source of all hosts, in the log `Application`.
pub const SOURCE: &str = "svckit";
