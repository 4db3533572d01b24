//! Sessions of clients by others, as text: what came, what was answered, and what was sent. They are recorded by a test of the engine and replayed by one of the wire.
//!
//! A line begins with `connection` and the challenge of its server, with `>` and bytes of the client, with `=` and the number, the operation and the stub of an answer, or with `<` and bytes of the server, as
//! they go over the line. `#` begins a comment.

use std::fmt::{self, Write};
use std::path::{Path, PathBuf};

/// The password of the clients' account `ann`.
pub const PASSWORD: &str = "correct horse";

/// The size of fragments of the server that is recorded: that over the network.
pub const FRAGMENT: u16 = 5840;

/// Its time, in units of 100 ns since 1601, and its name.
pub const TIME: u64 = 133_000_000_000_000_000;
/// See [`TIME`].
pub const COMPUTER: &str = "RECORDER";

/// Something that happened in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A client came; the server's challenge.
    Connection([u8; 8]),
    /// It sent this.
    ToServer(Vec<u8>),
    /// A call was answered.
    Answer {
        /// The number of the call.
        call_id: u32,
        /// The operation.
        opnum: u16,
        /// The stub, as it is before it is sealed.
        stub: Vec<u8>,
    },
    /// The server sent this.
    ToClient(Vec<u8>),
}

/// Where the session of a client is kept.
pub fn path(client: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(format!("{client}.txt"))
}

/// Reads a capture.
///
/// # Panics
/// On a line that is none of one.
pub fn read(text: &str) -> Vec<Entry> {
    let entry = |line: &str| {
        let mut words = line.split(' ');
        let mut next = || words.next().unwrap_or_else(|| panic!("a word is missing in {line:?}"));
        match next() {
            "connection" => Entry::Connection(bytes(next()).try_into().expect("eight bytes")),
            ">" => Entry::ToServer(bytes(next())),
            "<" => Entry::ToClient(bytes(next())),
            "=" => {
                let (call_id, opnum) = (next().parse().unwrap(), next().parse().unwrap());
                Entry::Answer { call_id, opnum, stub: bytes(next()) }
            }
            _ => panic!("no line of a capture: {line:?}"),
        }
    };
    text.lines().filter(|line| !line.starts_with('#')).map(entry).collect()
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(challenge) => write!(f, "connection {}", hex(challenge)),
            Self::ToServer(bytes) => write!(f, "> {}", hex(bytes)),
            Self::Answer { call_id, opnum, stub } => write!(f, "= {call_id} {opnum} {}", hex(stub)),
            Self::ToClient(bytes) => write!(f, "< {}", hex(bytes)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("memory takes everything");
        text
    })
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16);
    (0..hex.len()).step_by(2).map(|at| digit(at).unwrap_or_else(|_| panic!("no bytes: {hex:?}"))).collect()
}
