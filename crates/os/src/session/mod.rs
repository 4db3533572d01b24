//! The life of the machine or container that this process is in, and the user it acts as.

mod unix;

pub use unix::{host_name, identity, user};
