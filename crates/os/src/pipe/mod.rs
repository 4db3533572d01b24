//! Pipes from a program, and moving what is in them without copying it through this process.

mod unix;

pub use unix::{available, grow, outflow, pour, read, set_nonblocking, waste};
