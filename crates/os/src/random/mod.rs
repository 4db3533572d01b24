//! Randomness.

mod unix;

pub use unix::unit;
