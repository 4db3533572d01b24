//! Starting a process that outlives the one that starts it, and what such a process arranges for itself.

mod unix;

pub use unix::{READY_DESCRIPTOR, raise_file_limit, start};
