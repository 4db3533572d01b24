//! The program that the benchmarks put under supervision: it says that it runs, and does nothing or writes a lot.
//!
//! `measured ready SOCKET NAME` says `ready NAME PID` and stays. `measured flood SOCKET BYTES` says `begin`, writes so many bytes of numbered
//! lines to its standard output in pieces of 64 KiB, says `end`, and stays.

#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;

/// A line with its end. The measuring side checks that none is missing.
const LINE: usize = 64;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let say =
        |socket: &str, text: String| UnixDatagram::unbound()?.send_to(text.as_bytes(), socket).map(drop);
    match words[1..] {
        ["ready", socket, name] => say(socket, format!("ready {name} {}", std::process::id()))?,
        ["flood", socket, bytes] => {
            let bytes = bytes.parse().map_err(io::Error::other)?;
            say(socket, "begin".to_owned())?;
            flood(bytes)?;
            say(socket, "end".to_owned())?;
        }
        _ => return Err(io::Error::other("measured ready SOCKET NAME | measured flood SOCKET BYTES")),
    }
    loop {
        std::thread::park();
    }
}

fn flood(bytes: usize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut piece = Vec::with_capacity(65_536);
    let mut line = [b'0'; LINE];
    line[LINE - 1] = b'\n';
    for _ in 0..bytes / LINE {
        piece.extend_from_slice(&line);
        count_up(&mut line[..LINE - 1]);
        if piece.len() == 65_536 {
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
