//! Unix sockets: listeners that only their owner may reach, paths of any length, peers' identities, and descriptors as cargo; and TCP connections whose peer is asked whether it is still there.
//!
//! Where programs don't run, it is listeners and connections only.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
mod unix;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "linux")]
pub use linux::{Peer, is_trusted, keep_alive, packet_pair, peer, receive, send};
#[cfg(target_os = "macos")]
use macos as system;
pub use unix::{Stream, bind, connect, pair};
