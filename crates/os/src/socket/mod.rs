//! Unix sockets: listeners that only their owner may reach, paths of any length, peers' identities, and descriptors as cargo.

mod unix;

pub use unix::{Peer, Stream, bind, connect, is_trusted, packet_pair, pair, peer, receive, send};
