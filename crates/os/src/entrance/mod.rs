//! A place at which others on this machine may ask this process something: a port of the loopback interface, or a Unix socket for this user alone.
//!
//! A system has `Sockets`, what listens at paths: `bind` takes a path where nothing is, or where a socket is at which nobody listens any more; `accept` waits for
//! a connection.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

#[cfg(unix)]
use unix::Sockets;
#[cfg(windows)]
use windows::Sockets;

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A port of the loopback interface; 0 for one that is free.
    Port(SocketAddr),
    /// An absolute path, for a Unix socket.
    Path(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = PathBuf::from(text);
        if path.is_absolute() {
            return Ok(Self::Path(path));
        }
        let address = match text.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}"),
            None => text.to_owned(),
        };
        match address.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(Self::Port(address)),
            Ok(_) => Err(format!(
                "{text} is not an address of the loopback interface, as 127.0.0.1:9180 is: others could connect"
            )),
            Err(_) => Err(format!(
                "{text:?} is neither an address with a port, as 127.0.0.1:9180, nor an absolute path"
            )),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(address) => address.fmt(f),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

/// A place that is open.
#[derive(Debug)]
pub struct Entrance {
    kind: Kind,
    address: Address,
}

#[derive(Debug)]
enum Kind {
    Port(TcpListener),
    Path(Sockets),
}

impl Entrance {
    /// Opens it. What somebody else listens at is refused, and so is a path where there is something else than a socket.
    pub fn open(address: &Address) -> io::Result<Self> {
        Ok(match address {
            Address::Port(address) => {
                let listener = TcpListener::bind(address)?;
                let address = Address::Port(listener.local_addr()?);
                Self { kind: Kind::Port(listener), address }
            }
            Address::Path(path) => Self { kind: Kind::Path(Sockets::bind(path)?), address: address.clone() },
        })
    }

    /// Where it is, with the port that was chosen.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Waits for somebody, who has so long for each piece that is read or written.
    pub fn accept(&self, patience: Duration) -> io::Result<Box<dyn Visitor>> {
        match &self.kind {
            Kind::Port(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_read_timeout(Some(patience))?;
                stream.set_write_timeout(Some(patience))?;
                Ok(Box::new(stream))
            }
            Kind::Path(sockets) => sockets.accept(patience),
        }
    }
}

/// Somebody who asks.
pub trait Visitor: Read + Write {}

impl<T: Read + Write> Visitor for T {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn addresses_of_this_machine_alone_are_taken() {
        let port = |text: &str| Ok(Address::Port(text.parse().unwrap()));
        assert_eq!("127.0.0.1:9180".parse(), port("127.0.0.1:9180"));
        assert_eq!("localhost:1".parse(), port("127.0.0.1:1"));
        assert_eq!("[::1]:0".parse(), port("[::1]:0"));
        for (text, part) in [
            ("0.0.0.0:80", "others could connect"),
            ("192.0.2.1:80", "others could connect"),
            ("[::]:80", "others could connect"),
            ("9180", "neither"),
            ("localhost", "neither"),
            ("relative/path", "neither"),
            ("127.0.0.1:70000", "neither"),
            ("", "neither"),
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn who_comes_to_a_port_is_heard_and_answered_or_given_up() {
        let entrance = Entrance::open(&"127.0.0.1:0".parse().unwrap()).unwrap();
        let Address::Port(address) = *entrance.address() else { panic!() };
        let taken = Entrance::open(&Address::Port(address)).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"hello").unwrap();
        let mut visitor = entrance.accept(Duration::from_millis(20)).unwrap();
        let mut heard = [0; 5];
        visitor.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"hello");
        let silent = visitor.read(&mut heard).unwrap_err();
        assert!(matches!(silent.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "{silent}");
        visitor.write_all(b"bye").unwrap();
        drop(visitor);
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "bye");
    }
}
