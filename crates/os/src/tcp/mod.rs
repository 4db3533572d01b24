//! Connections to other machines, with limits of time.

mod unix;

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::{aside, clock};

/// The addresses of a name, which the system has to find within `limit`.
pub fn look_up(host: &str, port: u16, limit: Duration) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    look_up_by(host, limit, move |host| Ok((host, port).to_socket_addrs()?.collect()))
}

/// It is done aside, since nobody knows how long the system takes, and nothing ends it.
fn look_up_by(
    host: &str,
    limit: Duration,
    resolve: impl FnOnce(&str) -> io::Result<Vec<SocketAddr>> + Send + 'static,
) -> io::Result<Vec<SocketAddr>> {
    let name = host.to_owned();
    aside::within(limit, move || resolve(&name))?.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
}

/// Connects to the first of these addresses that answers, all of them within `limit`. The connection notices when the other machine is gone.
pub fn connect(addresses: &[SocketAddr], limit: Duration) -> io::Result<TcpStream> {
    let deadline = clock::now().tick + limit;
    let mut last: io::Error = io::ErrorKind::AddrNotAvailable.into();
    for (index, address) in addresses.iter().enumerate() {
        let left = deadline.since(clock::now().tick);
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // One that says nothing leaves some of the time to those after it.
        let share = left / u32::try_from(addresses.len() - index).unwrap_or(1);
        match TcpStream::connect_timeout(address, share.max(Duration::from_millis(1))) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                unix::keep_alive(&stream)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_name_that_is_looked_up_for_ever_is_given_up() {
        let limit = Duration::from_secs(60);
        assert_eq!(look_up("127.0.0.1", 135, limit).unwrap(), ["127.0.0.1:135".parse().unwrap()]);
        assert_eq!(look_up("::1", 135, limit).unwrap(), ["[::1]:135".parse().unwrap()]);
        let (go_on, held) = std::sync::mpsc::channel::<()>();
        let stuck = move |name: &str| {
            assert_eq!(name, "db1");
            let _ = held.recv();
            Ok(Vec::new())
        };
        let error = look_up_by("db1", Duration::from_millis(10), stuck).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(go_on);
    }

    #[test]
    fn the_first_address_that_answers_is_taken() {
        let (closed, open) =
            (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let addresses = [closed.local_addr().unwrap(), open.local_addr().unwrap()];
        drop(closed);
        let limit = Duration::from_secs(60);
        assert_eq!(connect(&addresses, limit).unwrap().peer_addr().unwrap(), addresses[1]);
        assert_eq!(connect(&addresses[..1], limit).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(connect(&addresses, Duration::ZERO).unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(connect(&[], limit).unwrap_err().kind(), io::ErrorKind::AddrNotAvailable);
    }
}
