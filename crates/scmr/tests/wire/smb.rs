//! Sessions with Samba 4.17's `smbd`, as far as the server spoke, recorded on a loopback interface: the corpus of the fuzz target `smb`. The client chooses the key of a session, so that with the same randomness it
//! understands the same session again, encrypted or not. What was not as recorded is noticed. With Kerberos the server chooses, and the key was recorded, too.

use std::ops::Range;
use std::path::Path;

use svckit_core::kerberos::{Context, Failure, Step};
use svckit_scmr::auth::{kerberos, spnego};
use svckit_scmr::client::{Binding, Progress as Bound};
use svckit_scmr::smb::{Cipher, Connecting, Progress, Request, SmbError};
use svckit_testkit::capture;
use zeroize::Zeroizing;

use crate::corpus::smb_check::connecting;
use crate::impacket::bytes;

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

impl Outcome {
    /// Samba has answered the bind.
    fn check(&self) {
        let Bound::Ready(client) = Binding::start().0.receive(&self.data).unwrap() else {
            panic!("not bound")
        };
        assert!(!client.has_native());
    }
}

/// Goes through a session; `None` if the pipe isn't opened.
fn replay(mut connecting: Connecting, session: &[u8], piece: usize) -> Result<Option<Outcome>, SmbError> {
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
            let outcome = replay(connecting().unwrap(), &recorded(name), piece).unwrap().unwrap();
            assert_eq!(outcome.cipher, cipher, "{name}");
            outcome.check();
        }
    }
}

#[test]
fn whatever_of_it_is_changed_is_noticed() {
    for (name, _) in SESSIONS {
        notices_changes(&recorded(name), || connecting().unwrap());
    }
}

fn notices_changes(session: &[u8], connecting: impl Fn() -> Connecting) {
    let whole = replay(connecting(), session, 1).unwrap().unwrap();
    for at in 0..session.len() {
        let mut changed = session.to_vec();
        changed[at] ^= 0x40;
        // A length may say that more is to come, and some things mean nothing: then nothing came, or the same.
        if let Ok(Some(outcome)) = replay(connecting(), &changed, 1)
            && !outcome.data.is_empty()
        {
            assert_eq!(outcome, whole, "byte {at}");
        }
    }
}

/// A session with a ticket, as it was recorded: AP-REQ, the key that came of it, and what the server sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct WithTicket {
    request: Vec<u8>,
    key: Vec<u8>,
    server: Vec<u8>,
}

impl WithTicket {
    /// A line each.
    pub(crate) fn from_text(text: &str) -> Self {
        let mut lines = text.lines().filter(|line| !line.starts_with('#')).map(bytes);
        let [request, key, server] = [(); 3].map(|()| lines.next().unwrap());
        Self { request, key, server }
    }

    /// The client that was recorded.
    pub(crate) fn connecting(&self) -> Connecting {
        let context = Box::new(Replayed(self.key.clone()));
        let security = spnego::Initiator::kerberos(kerberos::Initiator::new(context, self.request.clone()));
        let request = Request { host: "localhost".into(), pipe: "svcctl".into(), random: [7; 48] };
        Connecting::start(request, Box::new(security)).unwrap().0
    }

    /// What the server sent is understood.
    pub(crate) fn check(&self) {
        assert_eq!(self.key.len(), 32);
        for piece in [1, 7] {
            let outcome = replay(self.connecting(), &self.server, piece).unwrap().unwrap();
            assert_eq!(outcome.cipher, Some(Cipher::Aes256Gcm));
            outcome.check();
        }
    }
}

/// A library that takes each answer for the one that was recorded.
#[derive(Debug)]
struct Replayed(Vec<u8>);

impl Context for Replayed {
    fn step(&mut self, _: &[u8]) -> Result<Step, Failure> {
        Ok(Step { token: Vec::new(), is_done: true })
    }

    fn peer(&self) -> Result<String, Failure> {
        unreachable!("clients aren't asked for it")
    }

    fn signature_length(&self) -> usize {
        unreachable!("SMB seals")
    }

    fn seal(&mut self, _: &mut [u8], _: Range<usize>) -> Result<Vec<u8>, Failure> {
        unreachable!("SMB seals")
    }

    fn open(&mut self, _: &mut [u8], _: Range<usize>, _: &[u8]) -> Result<(), Failure> {
        unreachable!("SMB opens")
    }

    fn session_key(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        Ok(Zeroizing::new(self.0.clone()))
    }

    fn sign(&mut self, _: &[u8]) -> Result<Vec<u8>, Failure> {
        Err(Failure::other("it was not recorded"))
    }

    fn verify(&mut self, _: &[u8], _: &[u8]) -> Result<(), Failure> {
        Err(Failure::other("it was not recorded"))
    }
}

/// AES-256 takes all of a key of 32 bytes, and what signs takes 16 of it.
#[test]
fn samba_is_understood_with_a_ticket() {
    let path = capture::path("smb-ticket");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let session = WithTicket::from_text(&text);
    session.check();
    // Also in AP-REP, at which nobody looks here: the message that it is in is signed.
    notices_changes(&session.server, || session.connecting());
    for at in 0..session.key.len() {
        let mut other = session.clone();
        other.key[at] ^= 1;
        assert!(replay(other.connecting(), &other.server, 1).is_err(), "byte {at} of the key");
    }
}
