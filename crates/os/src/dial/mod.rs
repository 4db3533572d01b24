//! Trying whether somebody accepts TCP connections, and what is answered there, without waiting.
//!
//! An [`Attempt`] is a source of a poller; whenever it is ready it goes on, until it is over.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::Attempt;
#[cfg(windows)]
pub use windows::Attempt;

/// An answer is read to this length: its begin is what counts, and the rest of most, so that who answers is not cut short.
const LONGEST_ANSWER: usize = 64 << 10;

/// How much is read at once.
const PIECE: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Interest, Poller};
    use std::io::{self, Read, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::time::Duration;

    fn attempt(address: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
        let mut attempt = Attempt::begin(address, question.to_vec(), Duration::from_secs(60))?;
        let poller = Poller::new().unwrap();
        poller.add(&attempt, 3, Interest::Write).unwrap();
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
