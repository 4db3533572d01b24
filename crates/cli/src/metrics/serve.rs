//! Metrics over HTTP ([RFC 9112]), for who scrapes them: an answer to each request, and then the connection is closed.
//!
//! [RFC 9112]: https://www.rfc-editor.org/rfc/rfc9112

use std::io::{self, Read};
use std::thread;
use std::time::Duration;

use svckit_host::entrance::{Address, Entrance, Visitor};

use super::{current, text};
use crate::app::Connect;
use crate::failure::Failure;

/// How long somebody may be silent, or take none of an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a request may be, with all its fields.
const LONGEST: usize = 8 << 10;

/// How many are answered at once; the others wait to be accepted.
const AT_ONCE: usize = 4;

/// Where metrics are, for people.
pub(super) fn shown(address: &Address) -> String {
    match address {
        Address::Port(address) => format!("http://{address}/metrics"),
        Address::Path(path) => format!("{}, /metrics", path.display()),
    }
}

/// Answers until this process is ended, or nobody can be heard any more.
pub(super) fn all(entrance: &Entrance, connect: &Connect) -> Result<(), Failure> {
    thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(|| work(entrance, connect))).collect();
        let ends = workers.into_iter().filter_map(|worker| worker.join().ok());
        ends.reduce(Result::and).unwrap_or(Ok(()))
    })
}

/// Answers one after the other.
fn work(entrance: &Entrance, connect: &Connect) -> Result<(), Failure> {
    loop {
        match entrance.accept(PATIENCE) {
            // Who goes away in the middle has no answer, and nobody else cares.
            Ok(mut visitor) => drop(answer(&mut *visitor, connect)),
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => return Err(Failure::io("cannot accept a connection", error)),
        }
    }
}

fn answer(visitor: &mut dyn Visitor, connect: &Connect) -> io::Result<()> {
    let asked = asked(&head(visitor)?);
    let (status, body) = match asked {
        Asked::Metrics { .. } => {
            let text = connect().and_then(|backend| current(&*backend));
            ("200 OK", text.unwrap_or_else(|_| text::of(None, &[])))
        }
        Asked::Elsewhere => ("404 Not Found", "there is only /metrics\n".to_owned()),
        Asked::Otherwise => ("405 Method Not Allowed", "there are only GET and HEAD\n".to_owned()),
        Asked::Unclear => ("400 Bad Request", "this is no request\n".to_owned()),
    };
    let kind = if status.starts_with("200") { text::TYPE } else { "text/plain; charset=utf-8" };
    let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
    write!(
        visitor,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{allow}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    if !matches!(asked, Asked::Metrics { head: true }) {
        visitor.write_all(body.as_bytes())?;
    }
    visitor.flush()
}

/// The request up to the empty line, as far as it comes.
fn head(from: &mut (impl Read + ?Sized)) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    let mut piece = [0; 1024];
    while all.len() < LONGEST && !all.windows(4).any(|end| end == b"\r\n\r\n") {
        match from.read(&mut piece)? {
            0 => break,
            count => all.extend_from_slice(piece.get(..count).unwrap_or_default()),
        }
    }
    Ok(all)
}

/// What a request is about.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Metrics {
        /// Whether it is about the head alone.
        head: bool,
    },
    Elsewhere,
    Otherwise,
    Unclear,
}

fn asked(request: &[u8]) -> Asked {
    let line = request.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let whole = request.windows(4).any(|end| end == b"\r\n\r\n");
    let mut words = std::str::from_utf8(line).unwrap_or_default().trim_end_matches('\r').split(' ');
    let (Some(method), Some(target), Some(version), None, true) =
        (words.next(), words.next(), words.next(), words.next(), whole)
    else {
        return Asked::Unclear;
    };
    let path = target.split('?').next().unwrap_or_default();
    match (method, path) {
        _ if !version.starts_with("HTTP/1.") => Asked::Unclear,
        ("GET" | "HEAD", "/metrics") => Asked::Metrics { head: method == "HEAD" },
        ("GET" | "HEAD", _) => Asked::Elsewhere,
        _ => Asked::Otherwise,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart() {
        for (request, expected) in [
            ("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", Asked::Metrics { head: false }),
            ("HEAD /metrics?name[]=x HTTP/1.0\r\n\r\n", Asked::Metrics { head: true }),
            ("GET / HTTP/1.1\r\n\r\n", Asked::Elsewhere),
            ("POST /metrics HTTP/1.1\r\n\r\n", Asked::Otherwise),
            ("GET /metrics HTTP/1.1\r\n", Asked::Unclear),
            ("GET /metrics HTTP/2\r\n\r\n", Asked::Unclear),
            ("GET /metrics\r\n\r\n", Asked::Unclear),
            ("\u{16}\u{3}\r\n\r\n", Asked::Unclear),
            ("", Asked::Unclear),
        ] {
            assert_eq!(asked(request.as_bytes()), expected, "{request:?}");
        }
        assert_eq!(asked(b"\xff\xfe\r\n\r\n"), Asked::Unclear);
    }

    #[test]
    fn a_request_has_an_end() {
        let endless = io::repeat(b'x');
        assert!(head(&mut { endless }).unwrap().len() <= LONGEST + 1024);
        assert_eq!(head(&mut &b"GET / HTTP/1.1\r\n\r\n"[..]).unwrap().len(), 18);
    }
}
