//! Trying whether somebody accepts TCP connections, and what is answered there, without waiting.
//!
//! An [`Attempt`] has a poller bring its number; whenever that comes it goes on, until it is over. Names are looked up by a thread of their own, since nobody
//! knows how long that takes.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::Attempt;
#[cfg(windows)]
pub use windows::Attempt;

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

/// One of the addresses of `HOST:PORT`, another with each turn: who is looked for may listen on only one of them.
fn resolve(name: &str, turn: usize) -> io::Result<SocketAddr> {
    let all: Vec<SocketAddr> = name.to_socket_addrs()?.collect();
    all.get(turn % all.len().max(1)).copied().ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

/// An answer is read to this length: its begin is what counts, and the rest of most, so that who answers is not cut short.
const LONGEST_ANSWER: usize = 64 << 10;

/// How much is read at once.
const PIECE: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Poller;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Duration;

    fn attempt(address: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
        attempt_by(&address.to_string(), 0, question)
    }

    fn attempt_by(name: &str, turn: usize, question: &[u8]) -> io::Result<Vec<u8>> {
        let poller = Poller::new().unwrap();
        let mut attempt =
            Attempt::begin(&poller, 3, (name, turn), question.to_vec(), Duration::from_secs(60))?;
        let mut ready = Vec::new();
        loop {
            poller.wait(&mut ready, None).unwrap();
            assert_eq!(ready[0].token, 3);
            if attempt.go_on(&poller, 3)? {
                return Ok(attempt.answer().to_vec());
            }
        }
    }

    #[test]
    fn tells_whether_somebody_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(attempt(address, b"").unwrap(), b"");
        drop(listener);
        assert_eq!(attempt(address, b"").unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_name_has_one_address_after_the_other() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let name = format!("localhost:{}", listener.local_addr().unwrap().port());
        // There may be one of IPv6 too, at which nobody listens.
        let outcomes: Vec<_> = (0..2).map(|turn| attempt_by(&name, turn, b"").is_ok()).collect();
        assert!(outcomes.contains(&true), "{outcomes:?}");
        assert!(attempt_by("localhost", 0, b"").is_err(), "it has no port");
    }

    #[test]
    fn brings_the_answer_to_a_question() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            for length in [10_000, 1 << 20] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut question = [0; 5];
                stream.read_exact(&mut question).unwrap();
                assert_eq!(&question, b"how?\n");
                // The end comes without a close only if it was asked for longer than an answer may be.
                let _ = stream.write_all(&vec![b'x'; length]);
            }
        });
        assert_eq!(attempt(address, b"how?\n").unwrap().len(), 10_000);
        let long = attempt(address, b"how?\n").unwrap().len();
        assert!((LONGEST_ANSWER..LONGEST_ANSWER + PIECE).contains(&long), "{long}");
        server.join().unwrap();
    }
}
