//! Test support shared by the crates of svckit.
