//! Kerberos in a token each way, with a library that only looks like one.

use std::ops::Range;

use svckit_core::kerberos::{Code, Context, Failure, Step};
use zeroize::Zeroizing;

use super::server::{Server, Twist};
use super::{agreements, connect_by, fragment, talk};
use crate::auth::{AuthError, Initiate, kerberos, spnego};
use crate::smb::crypto::{Algorithm, Cipher};
use crate::smb::frame::NtStatus;
use crate::smb::negotiate::Dialect;
use crate::smb::{During, SmbError};

/// One side: who comes is in its first token, and its key in the answer.
#[derive(Debug)]
struct Toy {
    user: String,
    key: Option<Vec<u8>>,
    refuses: Option<Code>,
}

impl Context for Toy {
    fn step(&mut self, token: &[u8]) -> Result<Step, Failure> {
        if let Some(code) = self.refuses {
            return Err(Failure { code: Some(code), text: String::new() });
        }
        match &self.key {
            None if token.is_empty() => Ok(Step { token: self.user.clone().into_bytes(), is_done: false }),
            None => {
                self.key = Some(token.to_vec());
                Ok(Step { token: Vec::new(), is_done: true })
            }
            Some(key) => {
                self.user = String::from_utf8_lossy(token).into_owned();
                Ok(Step { token: key.clone(), is_done: true })
            }
        }
    }

    fn peer(&self) -> Result<String, Failure> {
        Ok(self.user.clone())
    }

    fn signature_length(&self) -> usize {
        0
    }

    fn seal(&mut self, _: &mut [u8], _: Range<usize>) -> Result<Vec<u8>, Failure> {
        unreachable!("SMB seals")
    }

    fn open(&mut self, _: &mut [u8], _: Range<usize>, _: &[u8]) -> Result<(), Failure> {
        unreachable!("SMB opens")
    }

    fn session_key(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        self.key.clone().map(Zeroizing::new).ok_or_else(|| Failure::other("none yet"))
    }

    fn sign(&mut self, text: &[u8]) -> Result<Vec<u8>, Failure> {
        Ok(text.to_vec())
    }

    fn verify(&mut self, text: &[u8], signature: &[u8]) -> Result<(), Failure> {
        if text == signature { Ok(()) } else { Err(Failure::other("altered")) }
    }
}

/// A client whose library tells the key of its session, or doesn't.
fn client(user: &str) -> Box<dyn Initiate> {
    let mut toy = Toy { user: user.to_owned(), key: None, refuses: None };
    let first = toy.step(&[]).unwrap().token;
    Box::new(spnego::Initiator::kerberos(kerberos::Initiator::new(Box::new(toy), first)))
}

fn acceptor(key: &[u8], refuses: Option<Code>) -> kerberos::Acceptor {
    let toy = Toy { user: String::new(), key: Some(key.to_vec()), refuses };
    kerberos::Acceptor::new(Box::new(toy), |_| {})
}

#[test]
fn a_token_each_way_leads_to_a_pipe_with_keys_of_any_length() {
    for length in [16, 24, 32] {
        let key: Vec<u8> = (1..=length).collect();
        for (dialect, algorithm, cipher) in agreements() {
            let mut server =
                Server::new(dialect, algorithm, cipher, Twist::Nothing).with_kerberos(acceptor(&key, None));
            let mut pipe = connect_by(&mut server, client("ann@SHOP"), 4096).unwrap();
            assert_eq!(pipe.cipher(), cipher);
            pipe.write(&fragment(300, 1)).unwrap();
            talk(&mut pipe, &mut server).unwrap();
            assert_eq!(pipe.take_data(), fragment(300, 1));
        }
    }
}

fn server(twist: Twist, refuses: Option<Code>) -> Server {
    Server::new(Dialect::V3_1_1, Algorithm::Gmac, Some(Cipher::Aes256Gcm), twist)
        .with_kerberos(acceptor(&[5; 32], refuses))
}

#[test]
fn why_a_ticket_is_not_taken_is_heard() {
    for code in [Code::SKEW, Code::MODIFIED] {
        let error = connect_by(&mut server(Twist::Nothing, Some(code)), client("ann@SHOP"), 4096);
        assert_eq!(error.err(), Some(SmbError::Security(AuthError::Kerberos(code))));
    }
    let error = connect_by(&mut server(Twist::Nothing, None), client("eve@SHOP"), 4096).err();
    let refused = SmbError::Refused { during: During::Logon, status: NtStatus::LOGON_FAILURE };
    assert_eq!(error, Some(refused));
}

#[test]
fn a_server_that_does_not_prove_its_key_is_left() {
    for (twist, expected) in [
        (Twist::Guest, SmbError::Guest),
        (Twist::Unsigned, SmbError::Unsigned),
        (Twist::WrongSignature, SmbError::Altered),
        (Twist::Plain, SmbError::Unsigned),
        (Twist::Endless, SmbError::Malformed { what: "the logon is over, and shall go on" }),
    ] {
        let error = connect_by(&mut server(twist, None), client("ann@SHOP"), 4096).err();
        assert_eq!(error, Some(expected), "{twist:?}");
    }
}
