//! Trying whether somebody accepts TCP connections, without waiting.
//!
//! An [`Attempt`] is a source of a poller; it is writable when it is decided, and then tells how.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::Attempt;
#[cfg(windows)]
pub use windows::Attempt;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Interest, Poller};
    use std::io;
    use std::net::{SocketAddr, TcpListener};

    fn attempt(address: SocketAddr) -> io::Result<()> {
        let attempt = Attempt::begin(address)?;
        let poller = Poller::new().unwrap();
        poller.add(&attempt, 0, Interest::Write).unwrap();
        let mut ready = Vec::new();
        poller.wait(&mut ready, None).unwrap();
        assert!(ready[0].writable);
        attempt.result()
    }

    #[test]
    fn tells_whether_somebody_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        attempt(address).unwrap();
        drop(listener);
        assert_eq!(attempt(address).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }
}
