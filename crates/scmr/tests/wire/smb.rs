//! Sessions with Samba 4.17's `smbd`, as far as the server spoke, recorded on a loopback interface: the corpus of the fuzz target `smb`. The client chooses the key of a session, so that with the same randomness it
//! understands the same session again, encrypted or not. What was not as recorded is noticed.

use std::path::Path;

use svckit_scmr::client::{Binding, Progress as Bound};
use svckit_scmr::smb::{Cipher, Progress, SmbError};

use crate::corpus::smb_check::connecting;

const SESSIONS: [(&str, Option<Cipher>); 3] = [
    ("dialect-3.1.1-gcm", Some(Cipher::Aes128Gcm)),
    ("dialect-3.0-ccm", Some(Cipher::Aes128Ccm)),
    ("dialect-3.1.1-signed", None),
];

fn recorded(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/smb").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What came of a session.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    /// How messages were encrypted.
    cipher: Option<Cipher>,
    /// What came through the pipe.
    data: Vec<u8>,
}

/// Goes through a session; `None` if the pipe isn't opened.
fn replay(session: &[u8], piece: usize) -> Result<Option<Outcome>, SmbError> {
    let mut connecting = connecting().unwrap();
    let mut pieces = session.chunks(piece);
    let mut pipe = loop {
        let Some(piece) = pieces.next() else { return Ok(None) };
        match connecting.receive(piece)? {
            Progress::Connecting(more) => connecting = more,
            Progress::Open(pipe) => break pipe,
        }
    };
    pipe.write(&Binding::start().1)?;
    for piece in pieces {
        pipe.receive(piece)?;
    }
    Ok(Some(Outcome { cipher: pipe.cipher(), data: pipe.take_data() }))
}

#[test]
fn samba_is_understood() {
    for (name, cipher) in SESSIONS {
        // Not in one piece: what follows the opened pipe is an answer to what is written then.
        for piece in [1, 7] {
            let outcome = replay(&recorded(name), piece).unwrap().unwrap();
            assert_eq!(outcome.cipher, cipher, "{name}");
            let (binding, _) = Binding::start();
            let Bound::Ready(client) = binding.receive(&outcome.data).unwrap() else {
                panic!("{name}: not bound")
            };
            assert!(!client.has_native());
        }
    }
}

#[test]
fn whatever_of_it_is_changed_is_noticed() {
    for (name, _) in SESSIONS {
        let session = recorded(name);
        let whole = replay(&session, 1).unwrap().unwrap();
        for at in 0..session.len() {
            let mut changed = session.clone();
            changed[at] ^= 0x40;
            // A length may say that more is to come, and some things mean nothing: then nothing came, or the same.
            if let Ok(Some(outcome)) = replay(&changed, 1)
                && !outcome.data.is_empty()
            {
                assert_eq!(outcome, whole, "{name}: byte {at}");
            }
        }
    }
}
