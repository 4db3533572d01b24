//! Process trees: what belongs to a service, and its end.

mod group;
mod limited;
mod unix;

pub use group::{Group, Groups};
pub(crate) use limited::Crowds;
pub use unix::{Leftover, end_leftovers, leftovers};
