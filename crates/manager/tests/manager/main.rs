//! The manager against a service control manager made for tests: a model without processes behind a real socket.

#![cfg(unix)]
#![allow(clippy::unwrap_used)] // in helpers of tests, too

mod embedded;
mod entity;
mod install;
mod remote;
mod scm;
mod wire;
