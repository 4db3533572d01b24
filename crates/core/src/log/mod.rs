//! When the log of a service is rotated, which rotated files are kept, what they are called, and how lines are written.

pub mod lines;
pub mod name;
pub mod retention;
pub mod rotation;
pub mod stamp;
