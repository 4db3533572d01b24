//! The program that the benchmarks put under supervision: it says that it runs, and does nothing or writes a lot.
//!
//! `measured ready ADDRESS NAME` says `ready NAME PID` and stays. `measured flood ADDRESS BYTES` says `begin`, writes so many bytes of numbered
//! lines to its standard output in pieces of 64 KiB, says `end`, and stays. `measured lines ADDRESS BYTES` does the same with a write for each line.
//! `measured crash ADDRESS NAME` says `crash NAME PID`, and fails.
//!
//! The address is one of UDP, or else the path of a socket. To a program that told UDP, any answer is the order to end: it says `ending`, and fails.

#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

/// A line with its end. The measuring side checks that none is missing.
const LINE: usize = 64;

/// A line of a program that writes line by line.
const LONG_LINE: usize = 90;

/// How much is written at once.
const PIECE: usize = 65_536;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let usage =
        "measured ready ADDRESS NAME | flood ADDRESS BYTES | lines ADDRESS BYTES | crash ADDRESS NAME";
    let [_, role, address, with] = words[..] else { return Err(io::Error::other(usage)) };
    let listener = Listener::new(address)?;
    match role {
        "ready" => listener.say(&format!("ready {with} {}", std::process::id()))?,
        "flood" | "lines" => {
            let bytes = with.parse().map_err(io::Error::other)?;
            let (line, at_once) = if role == "flood" { (LINE, PIECE) } else { (LONG_LINE, LONG_LINE) };
            listener.say("begin")?;
            flood(bytes, line, at_once)?;
            listener.say("end")?;
        }
        "crash" => {
            listener.say(&format!("crash {with} {}", std::process::id()))?;
            return Err(io::Error::other("that is what it is for"));
        }
        _ => return Err(io::Error::other(usage)),
    }
    listener.hear()
}

/// Who hears what the program says.
enum Listener {
    Udp(UdpSocket, SocketAddr),
    #[cfg(unix)]
    Path(std::path::PathBuf),
}

impl Listener {
    fn new(address: &str) -> io::Result<Self> {
        match address.parse() {
            Ok(address) => Ok(Self::Udp(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?, address)),
            #[cfg(unix)]
            Err(_) => Ok(Self::Path(address.into())),
            #[cfg(not(unix))]
            Err(error) => Err(io::Error::other(error)),
        }
    }

    fn say(&self, text: &str) -> io::Result<()> {
        match self {
            Self::Udp(socket, address) => socket.send_to(text.as_bytes(), *address).map(drop),
            #[cfg(unix)]
            Self::Path(path) => {
                std::os::unix::net::UnixDatagram::unbound()?.send_to(text.as_bytes(), path).map(drop)
            }
        }
    }

    /// Stays until it is told to end, if anybody can tell it.
    fn hear(&self) -> io::Result<()> {
        match self {
            Self::Udp(socket, _) => socket.recv(&mut [0; 16])?,
            #[cfg(unix)]
            Self::Path(_) => loop {
                std::thread::park();
            },
        };
        self.say("ending")?;
        Err(io::Error::other("told to end"))
    }
}

fn flood(bytes: usize, length: usize, at_once: usize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut piece = Vec::with_capacity(at_once);
    let mut line = vec![b'0'; length];
    line[length - 1] = b'\n';
    for _ in 0..bytes / length {
        piece.extend_from_slice(&line);
        count_up(&mut line[..length - 1]);
        if piece.len() >= at_once {
            out.write_all(&piece)?;
            piece.clear();
        }
    }
    out.write_all(&piece)?;
    out.flush()
}

/// Adds one to a decimal number, faster than it can be formatted.
fn count_up(digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
}
