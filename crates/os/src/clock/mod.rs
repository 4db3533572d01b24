//! The one place that reads clocks.

mod unix;

pub use unix::now;
