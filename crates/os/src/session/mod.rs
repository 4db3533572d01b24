//! The life of the machine or container that this process is in, and the user it acts as.

mod unix;

#[cfg(target_os = "linux")]
pub use unix::identity;
pub use unix::{host_name, user};
