//! When the log of a service is rotated, which rotated files are kept, and what they are called.

pub mod name;
pub mod retention;
pub mod rotation;
pub mod stamp;
