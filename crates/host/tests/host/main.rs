//! The host as a service control manager meets it: real processes, the real protocol, programs that are shell scripts.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

mod controls;
mod debug;
mod family;
mod floods;
mod health;
mod hooks;
mod life;
mod limits;
mod lines;
mod link;
mod logs;
mod ready;
mod restart;
mod schedule;
mod shared;
mod spawner;
mod start;
mod stop;
mod support;
mod tree;
