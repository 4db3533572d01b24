//! Starting a process that outlives the one that starts it.

mod unix;

pub use unix::{READY_DESCRIPTOR, start};
