//! Trying whether somebody accepts TCP connections, without waiting.

mod unix;

pub use unix::{begin, result};
