//! Unix sockets: listeners that only their owner may reach, paths of any length, peers' identities, and descriptors as cargo; and TCP connections whose peer is asked whether it is still there.

mod unix;

pub use unix::{Peer, Stream, bind, connect, is_trusted, keep_alive, packet_pair, pair, peer, receive, send};
