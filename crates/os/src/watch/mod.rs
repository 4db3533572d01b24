//! Being told that something changed in a directory.

mod unix;

pub use unix::Watch;
