//! `svc buildout` on the real program. (On Windows that is done in `testkit/tests/windows_end_to_end.rs`: the paths here are those of Unix.)

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

mod bad_input;
mod life_cycle;
mod site;
mod specification;
