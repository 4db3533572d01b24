//! Files for their owner alone: read only if nobody else can read or change them, and replaced whole or not at all.

mod unix;

pub use unix::{read, replace};
