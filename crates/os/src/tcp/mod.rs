//! Connections to other machines, with limits of time.

mod unix;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::clock;

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
