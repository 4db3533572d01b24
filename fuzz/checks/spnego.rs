//! Any token of SPNEGO is refused, or comes back as it was when it is written again; neither side panics at one, or at one of Kerberos.

use std::ops::Range;

use svckit_core::kerberos::{Context, Failure, Step as Leg};
use svckit_scmr::auth::spnego::{Acceptor, Initiator, State, Step, Token};
use svckit_scmr::auth::{Account, Accounts, Initiate, NtHash, kerberos, ntlm};
use zeroize::Zeroizing;

struct Nobody;

impl Accounts for Nobody {
    fn verifier(&self, _: &Account) -> Option<NtHash> {
        None
    }
}

/// Kerberos that believes nothing, or everything.
#[derive(Debug)]
struct Toy {
    is_credulous: bool,
}

impl Toy {
    fn say<T>(&self, yes: T) -> Result<T, Failure> {
        if self.is_credulous { Ok(yes) } else { Err(Failure::other("no")) }
    }
}

impl Context for Toy {
    fn step(&mut self, _: &[u8]) -> Result<Leg, Failure> {
        self.say(Leg { token: Vec::new(), is_done: true })
    }

    fn peer(&self) -> Result<String, Failure> {
        self.say("nobody".to_owned())
    }

    fn signature_length(&self) -> usize {
        0
    }

    fn seal(&mut self, _: &mut [u8], _: Range<usize>) -> Result<Vec<u8>, Failure> {
        self.say(Vec::new())
    }

    fn open(&mut self, _: &mut [u8], _: Range<usize>, _: &[u8]) -> Result<(), Failure> {
        self.say(())
    }

    fn session_key(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        self.say(Zeroizing::default())
    }

    fn sign(&mut self, _: &[u8]) -> Result<Vec<u8>, Failure> {
        self.say(vec![1])
    }

    fn verify(&mut self, _: &[u8], _: &[u8]) -> Result<(), Failure> {
        self.say(())
    }
}

fn toy(is_credulous: bool) -> Box<Toy> {
    Box::new(Toy { is_credulous })
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
    let with_keys = || plain().with_kerberos(kerberos::Acceptor::new(toy(false), |_| {}));
    sides(data, plain);
    sides(data, with_keys);
    let client = |is_credulous| {
        let mut client = Initiator::kerberos(kerberos::Initiator::new(toy(is_credulous), vec![1]));
        client.start();
        client
    };
    let mut doubtful = client(false);
    for _ in 0..2 {
        assert!(doubtful.step(data).is_err(), "nothing convinces it");
    }
    believed(data, client(true));
    alone(data);
}

/// Whoever believes each token of Kerberos goes on until the server says that it is over, and signs the list once.
fn believed(data: &[u8], mut client: Initiator) {
    let Ok(leg) = client.step(data) else { return };
    let heard = Token::read_response(data).expect("what was believed can be read");
    assert_eq!(leg.done.is_some(), heard.state == Some(State::COMPLETED));
    assert_eq!(leg.token.is_empty(), leg.done.is_some(), "there is something to send as long as it goes on");
    if leg.done.is_none() {
        let said = Token::read_response(&leg.token).expect("what is sent can be read");
        assert_eq!((said.token, said.mic), (None, Some(vec![1])));
        assert!(client.step(data).is_err(), "that was all");
    }
}

/// A token of Kerberos without SPNEGO: an error is the same in the frame of GSSAPI and without it.
fn alone(data: &[u8]) {
    let heard = |token: &[u8]| kerberos::Initiator::new(toy(false), vec![1]).step(token).expect_err("no");
    let mechanism = [&[6, 9], kerberos::MECHANISMS[1], &[3, 0]].concat();
    let length = u32::try_from(mechanism.len() + data.len()).expect("inputs are short").to_be_bytes();
    let framed = [&[0x60, 0x84], &length[..], &mechanism, data].concat();
    if data.first() == Some(&0x7e) {
        assert_eq!(heard(&framed), heard(data));
    }
    let _ = kerberos::Acceptor::new(toy(false), |_| {}).step(data, &Nobody);
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
