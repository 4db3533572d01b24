//! The life of the machine or container that this process is in.

mod unix;

pub use unix::identity;
