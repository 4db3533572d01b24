//! Asking for a password at the terminal, which doesn't show what is typed.

mod unix;

use std::io::{self, Read, Write};

use svckit_core::secret::Secret;
use zeroize::Zeroizing;

/// The most bytes that a password may have: one has at most 256 characters.
const LONGEST: usize = 4 << 10;

/// Asks at the terminal, whatever standard input and output are. `NotFound` if there is no terminal, `Interrupted` if the user doesn't want to.
pub fn password(prompt: &str) -> io::Result<Secret> {
    let terminal = unix::open()?;
    read(&terminal, &terminal, prompt)
}

fn read(mut input: impl Read, mut output: impl Write, prompt: &str) -> io::Result<Secret> {
    output.write_all(prompt.as_bytes())?;
    output.flush()?;
    // As large as it can become: a buffer that grew would leave copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
    let ended = loop {
        let mut byte = Zeroizing::new([0]);
        if input.read(byte.as_mut())? == 0 {
            break End::GivenUp;
        }
        if let Some(end) = take(&mut line, byte[0]) {
            break end;
        }
    };
    output.write_all(b"\r\n")?;
    match ended {
        End::Done => {}
        End::GivenUp => return Err(io::ErrorKind::Interrupted.into()),
        End::TooLong => return Err(invalid("it is longer than 4 KiB")),
    }
    std::str::from_utf8(&line).map(Secret::from).map_err(|_| invalid("it is not valid UTF-8"))
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// How a line ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Done,
    GivenUp,
    TooLong,
}

/// What a key does to the line.
fn take(line: &mut Vec<u8>, key: u8) -> Option<End> {
    const INTERRUPT: u8 = 3;
    const END_OF_INPUT: u8 = 4;
    const BACKSPACE: u8 = 8;
    const DELETE: u8 = 127;
    const KILL: u8 = 21;
    match key {
        b'\r' | b'\n' => return Some(End::Done),
        INTERRUPT => return Some(End::GivenUp),
        END_OF_INPUT if line.is_empty() => return Some(End::GivenUp),
        END_OF_INPUT => return Some(End::Done),
        BACKSPACE | DELETE => {
            // A character goes as a whole.
            while line.pop().is_some_and(|byte| byte & 0xC0 == 0x80) {}
        }
        KILL => line.clear(),
        _ if line.len() >= LONGEST => return Some(End::TooLong),
        byte => line.push(byte),
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> Result<String, io::ErrorKind> {
        let mut shown = Vec::new();
        let read = read(keys, &mut shown, "password: ");
        assert_eq!(shown, b"password: \r\n", "nothing of it is shown");
        read.map(|secret| secret.as_str().to_owned()).map_err(|error| error.kind())
    }

    #[test]
    fn keys_make_a_line_and_nothing_is_shown() {
        assert_eq!(typed(b"hunter2\r"), Ok("hunter2".to_owned()));
        assert_eq!(typed(b"\n"), Ok(String::new()));
        assert_eq!(typed("aé\x7f\x7f\x7fb\n".as_bytes()), Ok("b".to_owned()));
        assert_eq!(typed(b"wrong\x15right\x04"), Ok("right".to_owned()));
        assert_eq!(typed(b"abc\x03"), Err(io::ErrorKind::Interrupted));
        assert_eq!(typed(b"\x04"), Err(io::ErrorKind::Interrupted));
        assert_eq!(typed(b"no end"), Err(io::ErrorKind::Interrupted));
        assert_eq!(typed(b"\xff\n"), Err(io::ErrorKind::InvalidData));
        assert_eq!(typed(&[b'a'; 5000]), Err(io::ErrorKind::InvalidData));
    }
}
