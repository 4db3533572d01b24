//! Processes held by a descriptor: what is done to one never hits another that got its number.

mod unix;

pub use unix::PidFd;
