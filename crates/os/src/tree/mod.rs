//! Process trees: what belongs to a service, and its end.

mod unix;

pub use unix::{Leftover, end_leftovers, leftovers};
