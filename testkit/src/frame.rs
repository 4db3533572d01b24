//! Frames of the dispatcher protocol, written independently of the host's and the engine's so that the three check each other.

use std::io::{self, Read, Write};

use svckit_core::dispatch::{FromProcess, MAX_FRAME, ToProcess};

/// A message with its length before it.
pub fn encode(message: &FromProcess) -> Vec<u8> {
    let json = serde_json::to_vec(message).expect("messages have string keys only");
    let length = u32::try_from(json.len()).expect("a scripted service says little");
    [length.to_le_bytes().as_slice(), &json].concat()
}

/// Writes one message.
pub fn write(stream: &mut impl Write, message: &FromProcess) -> io::Result<()> {
    stream.write_all(&encode(message))
}

/// Reads one message; `None` at the end of the stream.
pub fn read(stream: &mut impl Read) -> io::Result<Option<ToProcess>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_FRAME {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a frame of {length} bytes")));
    }
    let mut json = vec![0; length];
    stream.read_exact(&mut json)?;
    serde_json::from_slice(&json).map(Some).map_err(io::Error::from)
}
