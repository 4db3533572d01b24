//! Who accepts TCP connections on this machine.
//!
//! A system has `all`, every place where somebody listens; of processes of others it may not tell who they are.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::net::{IpAddr, SocketAddr};

#[cfg(unix)]
pub use unix::all;
#[cfg(windows)]
pub use windows::all;

/// A place where somebody listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The address.
    pub address: SocketAddr,
    /// Whose it is, if that may be known.
    pub owner: Option<Owner>,
}

/// The process that listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its process id.
    pub pid: u32,
    /// The name of its program, if that may be known.
    pub program: Option<String>,
}

impl Listener {
    /// Whether it is who accepts a connection to an address of this machine.
    pub fn accepts(&self, asked: SocketAddr) -> bool {
        if self.address.port() != asked.port() {
            return false;
        }
        let (own, asked) = (self.address.ip().to_canonical(), asked.ip().to_canonical());
        match (own, asked) {
            _ if own == asked => true,
            // That of both families accepts for the older one too, unless it was made not to.
            (IpAddr::V6(own), _) if own.is_unspecified() => true,
            (IpAddr::V4(own), IpAddr::V4(_)) if own.is_unspecified() => true,
            (IpAddr::V4(own), IpAddr::V4(asked)) => asked.is_unspecified() && own.is_loopback(),
            (IpAddr::V6(own), IpAddr::V6(asked)) => asked.is_unspecified() && own.is_loopback(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn who_accepts_for_whom() {
        let accepts = |own: &str, asked: &str| {
            let address = own.parse().unwrap();
            Listener { address, owner: None }.accepts(asked.parse().unwrap())
        };
        for (own, asked) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("[::ffff:127.0.0.1]:80", "127.0.0.1:80"),
            ("127.0.0.1:80", "0.0.0.0:80"),
        ] {
            assert!(accepts(own, asked), "{own} {asked}");
        }
        for (own, asked) in [
            ("127.0.0.1:81", "127.0.0.1:80"),
            ("127.0.0.2:80", "127.0.0.1:80"),
            ("0.0.0.0:80", "[::1]:80"),
            ("[::1]:80", "127.0.0.1:80"),
        ] {
            assert!(!accepts(own, asked), "{own} {asked}");
        }
    }

    #[test]
    fn a_listener_of_this_process_is_known_by_its_id() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            // A machine may have one family only.
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let address = listener.local_addr().unwrap();
            let find = || all().unwrap().into_iter().find(|one| one.address == address);
            let owner = find().unwrap().owner.unwrap();
            assert_eq!(owner.pid, std::process::id());
            let own = std::env::current_exe().unwrap();
            let program = owner.program.unwrap();
            let name = own.file_name().unwrap().to_string_lossy();
            assert!(name.starts_with(&program), "{program} {name}");
            drop(listener);
            assert_eq!(find(), None);
        }
    }
}
