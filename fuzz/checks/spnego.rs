//! Any token of SPNEGO is refused, or comes back as it was when it is written again; neither side panics at one.

use std::ops::Range;

use svckit_core::kerberos::{Context, Failure, Step as Leg};
use svckit_scmr::auth::spnego::{Acceptor, Initiator, Step, Token};
use svckit_scmr::auth::{Account, Accounts, Initiate, NtHash, kerberos, ntlm};
use zeroize::Zeroizing;

struct Nobody;

impl Accounts for Nobody {
    fn verifier(&self, _: &Account) -> Option<NtHash> {
        None
    }
}

/// Kerberos that believes nothing.
#[derive(Debug)]
struct Doubtful;

impl Context for Doubtful {
    fn step(&mut self, _: &[u8]) -> Result<Leg, Failure> {
        Err(Failure::other("no"))
    }

    fn peer(&self) -> Result<String, Failure> {
        Err(Failure::other("no"))
    }

    fn signature_length(&self) -> usize {
        0
    }

    fn seal(&mut self, _: &mut [u8], _: Range<usize>) -> Result<Vec<u8>, Failure> {
        Err(Failure::other("no"))
    }

    fn open(&mut self, _: &mut [u8], _: Range<usize>, _: &[u8]) -> Result<(), Failure> {
        Err(Failure::other("no"))
    }

    fn session_key(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        Err(Failure::other("no"))
    }

    fn sign(&mut self, _: &[u8]) -> Result<Vec<u8>, Failure> {
        Err(Failure::other("no"))
    }

    fn verify(&mut self, _: &[u8], _: &[u8]) -> Result<(), Failure> {
        Err(Failure::other("no"))
    }
}

pub(crate) fn check(data: &[u8]) {
    if let Ok(token) = Token::read(data) {
        let written = match &token {
            Token::Init(init) => init.to_bytes(),
            Token::Response(response) => response.to_bytes(),
        };
        assert_eq!(Token::read(&written), Ok(token));
    }
    let plain = || Acceptor::new(ntlm::Acceptor::new(ntlm::Identity::default(), *b"8 random", 1));
    let with_keys = || plain().with_kerberos(kerberos::Acceptor::new(Box::new(Doubtful), |_| {}));
    sides(data, plain);
    sides(data, with_keys);
    let mut client = Initiator::kerberos(kerberos::Initiator::new(Box::new(Doubtful), vec![1]));
    client.start();
    for _ in 0..2 {
        assert!(client.step(data).is_err(), "nothing convinces it");
    }
}

fn sides(data: &[u8], acceptor: impl Fn() -> Acceptor) {
    if let Ok(Step::More(_, next)) = acceptor().step(data, &Nobody) {
        let _ = next.step(data, &Nobody);
    }
    let mut client = initiator();
    if let Ok(Step::More(_, next)) = acceptor().step(&client.start(), &Nobody) {
        assert!(!matches!(next.step(data, &Nobody), Ok(Step::Done(..))), "there is nobody to be");
    }
    let _ = client.step(data);
    let _ = client.step(data);
}

fn initiator() -> Initiator {
    Initiator::new(ntlm::Credentials {
        account: Account { user: "ann".to_owned(), ..Account::default() },
        hash: NtHash::from([1; 16]),
        service: "host/here".to_owned(),
        random: Zeroizing::new([2; 24]),
        time: 1,
    })
}
