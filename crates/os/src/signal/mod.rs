//! Signals: names and numbers, and receiving them as events.

mod unix;

pub use unix::{Delivered, SignalSource, ignore_file_size_signal, name, number};
