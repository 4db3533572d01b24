//! Waiting for many things at once.

mod unix;

pub use unix::{Interest, Poller, Ready};
