//! The service control manager as a whole, with real processes.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed expectation is how a test fails")]

mod behaviour;
mod calls;
mod connections;
mod entity;
mod native;
mod network;
mod overview;
mod processes;
mod security;
mod session;
mod shutdown;
mod support;
