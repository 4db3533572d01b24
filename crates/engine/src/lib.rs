//! The built-in service control manager: what Windows' does, on systems that have none. On Windows this crate is empty, and on macOS so far.
//!
//! [`serve()`] is the process behind `svc scm serve`. Inside it one actor owns everything (`scm` decides, `actor` carries out); connections, processes
//! of services and the spawner are tasks that feed it. What survives it is in two databases (`store`).

#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

mod accounts;
mod actor;
mod connection;
mod direct;
mod directory;
mod doors;
mod error;
mod launcher;
mod link;
mod network;
mod readable;
mod remains;
mod scm;
mod serve;
mod settings;
mod store;
mod wire;

pub use accounts::{Account, AccountError, Accounts};
pub use direct::Direct;
pub use directory::check_private;
pub use error::ServeError;
pub use serve::{NetworkOptions, ServeOptions, serve, serve_directly};
