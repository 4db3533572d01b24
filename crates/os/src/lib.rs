//! What svckit needs of the operating system, behind a safe interface: the one crate that knows which system it runs on.
//!
//! Each module has its contract in `mod.rs` and an implementation for each system beside it.

pub mod socket;
