//! Kerberos on both machines, with a library that only looks like one: tokens that say what they are, a cipher that is none, and signatures of which each byte and their order count.

use std::ops::Range;

use svckit_core::access::ManagerAccess;
use svckit_core::kerberos::{Code, Context, Failure, Step, Style};
use svckit_core::time::WallTime;
use svckit_scmr::auth::spnego::{self, Init, Response, State, Token};
use svckit_scmr::auth::{Account, Accounts, AuthError, Initiate, NtHash, kerberos, ntlm};
use svckit_scmr::client::{Binding, Client, Outcome, Progress};
use svckit_scmr::ops::Call;
use svckit_scmr::pdu::{MAX_FRAGMENT, ProtocolError, Status, flags};
use svckit_scmr::server::{Incoming, Server};
use zeroize::Zeroizing;

use crate::{corpus, sealed};

/// Where `pfc_flags` is in a packet.
const FLAGS: usize = 3;

/// One side of a connection of this user; the server refuses with this code.
#[derive(Debug)]
struct Toy {
    user: String,
    style: Style,
    is_server: bool,
    refuses: Option<Code>,
    sent: u32,
    received: u32,
}

impl Toy {
    fn client(user: &str) -> Self {
        let user = user.to_owned();
        Self { user, style: Style::Dce, is_server: false, refuses: None, sent: 0, received: 0 }
    }

    fn server(refuses: Option<Code>) -> Self {
        Self { is_server: true, refuses, ..Self::client("") }
    }
}

fn sum(bytes: &[u8], number: u32) -> Vec<u8> {
    let sum = bytes.iter().fold(number, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)));
    [&sum.to_le_bytes()[..], &[0; 72]].concat()
}

impl Context for Toy {
    fn step(&mut self, token: &[u8]) -> Result<Step, Failure> {
        if let Some(code) = self.refuses {
            return Err(Failure { code: Some(code), text: "no".to_owned() });
        }
        let is_plain = self.style == Style::Plain;
        let step = |token: String, is_done| Ok(Step { token: token.into_bytes(), is_done });
        match (self.is_server, String::from_utf8_lossy(token).split_once(' ')) {
            (false, None) => step(format!("request {}", self.user), false),
            (true, Some(("request", user))) => {
                self.user = user.to_owned();
                step("reply 1".to_owned(), is_plain)
            }
            (false, Some(("reply", "1"))) if is_plain => step(String::new(), true),
            (false, Some(("reply", "1"))) => step("reply 2".to_owned(), true),
            (true, Some(("reply", "2"))) => step(String::new(), true),
            other => Err(Failure::other(format!("{other:?}"))),
        }
    }

    fn peer(&self) -> Result<String, Failure> {
        Ok(self.user.clone())
    }

    fn signature_length(&self) -> usize {
        76
    }

    fn seal(&mut self, packet: &mut [u8], part: Range<usize>) -> Result<Vec<u8>, Failure> {
        let signature = self.sign(packet)?;
        packet[part].iter_mut().for_each(|byte| *byte ^= 0x5a);
        Ok(signature)
    }

    fn open(&mut self, packet: &mut [u8], part: Range<usize>, signature: &[u8]) -> Result<(), Failure> {
        packet[part].iter_mut().for_each(|byte| *byte ^= 0x5a);
        self.verify(packet, signature)
    }

    fn session_key(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        Ok(Zeroizing::new(self.user.clone().into_bytes()))
    }

    fn sign(&mut self, text: &[u8]) -> Result<Vec<u8>, Failure> {
        self.sent += 1;
        Ok(sum(text, self.sent))
    }

    fn verify(&mut self, text: &[u8], signature: &[u8]) -> Result<(), Failure> {
        self.received += 1;
        let is_right = sum(text, self.received) == signature;
        if is_right { Ok(()) } else { Err(Failure::other("altered")) }
    }
}

struct Shop;

impl Accounts for Shop {
    fn verifier(&self, _: &Account) -> Option<NtHash> {
        None
    }

    fn admits(&self, principal: &str) -> bool {
        principal == "ann@SHOP"
    }
}

fn acceptor(refuses: Option<Code>) -> kerberos::Acceptor {
    kerberos::Acceptor::new(Box::new(Toy::server(refuses)), |failure| assert!(!failure.text.is_empty()))
}

fn ntlm() -> ntlm::Acceptor {
    ntlm::Acceptor::new(ntlm::Identity::default(), *b"8 random", 133_000_000_000_000_000)
}

fn server(refuses: Option<Code>) -> Server {
    Server::sealed(2000, ntlm(), Box::new(Shop))
        .with_kerberos(acceptor(refuses), WallTime::of_file_time(133_000_000_000_000_000))
}

fn initiate(with_spnego: bool, user: &str) -> Box<dyn Initiate> {
    let mut toy = Toy::client(user);
    let first = toy.step(&[]).unwrap().token;
    let kerberos = kerberos::Initiator::new(Box::new(toy), first);
    match with_spnego {
        true => Box::new(spnego::Initiator::kerberos(kerberos)),
        false => Box::new(kerberos),
    }
}

/// Binds, with what somebody on the way does to the server's packets; what came of it, and what the server told.
fn bind(
    security: Box<dyn Initiate>,
    server: &mut Server,
    on_the_way: impl Fn(&mut Vec<u8>),
) -> (Result<Client, ProtocolError>, Vec<Incoming>) {
    let (mut binding, mut bytes) = Binding::start_sealed(security);
    let mut told = Vec::new();
    loop {
        told.extend(server.receive(&bytes).unwrap());
        let mut output = server.take_output();
        on_the_way(&mut output);
        match binding.receive(&output) {
            Ok(Progress::Ready(client)) => return (Ok(client), told),
            Ok(Progress::Binding(more)) => binding = more,
            Err(error) => return (Err(error), told),
        }
        bytes = binding.take_output();
        assert!(!bytes.is_empty());
    }
}

fn open() -> Call {
    Call::OpenScManager { machine: None, database: Some("x".repeat(3000)), access: ManagerAccess::CONNECT }
}

fn somebody(user: &str) -> Account {
    Account { user: user.to_owned(), ..Account::default() }
}

#[test]
fn a_ticket_leads_to_a_sealed_connection_alone_and_in_spnego() {
    for with_spnego in [false, true] {
        let mut server = server(None);
        let (client, mut told) = bind(initiate(with_spnego, "ann@SHOP"), &mut server, |_| {});
        let mut client = client.unwrap();
        for _ in 0..3 {
            let (call_id, bytes) = client.call(&open());
            assert!(bytes.len() > 6000 && !bytes.windows(8).any(|found| found == [b'x', 0].repeat(4)));
            told.extend(server.receive(&bytes).unwrap());
            assert_eq!(told.pop(), Some(Incoming::Call { call_id, call: open() }));
            let answer = open().refuse(svckit_core::Win32Error::ACCESS_DENIED);
            server.answer(call_id, &answer);
            assert_eq!(client.receive(&server.take_output()).unwrap()[0].outcome, Outcome::Answer(answer));
        }
        assert_eq!(told, [Incoming::LoggedOn(somebody("ann@SHOP"))]);
    }
}

#[test]
fn who_has_a_ticket_and_no_account_does_not_come_in() {
    let failed = [Incoming::LogonFailed { account: somebody("eve@SHOP"), error: AuthError::Refused }];
    let (client, told) = bind(initiate(true, "eve@SHOP"), &mut server(None), |_| {});
    assert_eq!(client.unwrap_err(), ProtocolError::LogonRefused(Status::ACCESS));
    assert_eq!(told, failed);

    // Alone, the server hears the last token with the first call.
    let mut server = server(None);
    let (client, told) = bind(initiate(false, "eve@SHOP"), &mut server, |_| {});
    assert_eq!(told, []);
    let mut client = client.unwrap();
    let (call_id, bytes) = client.call(&open());
    assert_eq!(server.receive(&bytes), Err(AuthError::Refused.into()));
    assert_eq!(server.take_understood(), failed);
    let heard = client.receive(&server.take_output()).unwrap();
    assert_eq!((heard[0].call_id, &heard[0].outcome), (call_id, &Outcome::Fault(Status::ACCESS)));
}

#[test]
fn why_a_ticket_is_not_taken_is_told() {
    for (code, heard) in [(Code::SKEW, Code::SKEW), (Code::NOT_IN_KEYTAB, Code::GENERIC)] {
        for with_spnego in [false, true] {
            let mut server = server(Some(code));
            let (client, told) = bind(initiate(with_spnego, "ann@SHOP"), &mut server, |_| {});
            assert_eq!(client.unwrap_err(), ProtocolError::Security(AuthError::Kerberos(heard)));
            let error = AuthError::Kerberos(code);
            assert_eq!(told, [Incoming::LogonFailed { account: Account::default(), error }]);
            let (_, hello) = Binding::start_sealed(initiate(with_spnego, "ann@SHOP"));
            assert!(server.receive(&hello).is_err(), "it is over");
        }
    }
}

#[test]
fn a_server_that_signs_no_headers_is_left() {
    for with_spnego in [false, true] {
        let strip = |packet: &mut Vec<u8>| packet[FLAGS] &= !flags::HEADER_SIGN;
        let (client, _) = bind(initiate(with_spnego, "ann@SHOP"), &mut server(None), strip);
        let weak = AuthError::Weak { what: "the signing of headers" };
        assert_eq!(client.unwrap_err(), ProtocolError::Security(weak));
    }
}

#[test]
fn a_server_without_keys_knows_no_tickets() {
    let mut server = sealed::server(MAX_FRAGMENT);
    let (client, told) = bind(initiate(true, "ann@SHOP"), &mut server, |_| {});
    assert!(matches!(client, Err(ProtocolError::Refused(_))), "{client:?}");
    let error = AuthError::Mechanism;
    assert_eq!(told, [Incoming::LogonFailed { account: Account::default(), error }]);
}

#[test]
fn a_list_in_which_kerberos_is_not_the_first_has_to_be_signed() {
    let other = vec![0x2b, 0x06, 0x01];
    let init = Init { mechanisms: vec![other, kerberos::MECHANISMS[1].to_vec()], token: Some(vec![1]) };
    let answered = |step| {
        let spnego::Step::More(token, next) = step else { panic!("{step:?}") };
        (Token::read_response(&token).unwrap(), next)
    };
    let said =
        |token: &[u8], mic| Response { token: Some(token.to_vec()), mic, ..Response::default() }.to_bytes();
    let begin = || {
        let acceptor = spnego::Acceptor::new(ntlm()).with_kerberos(acceptor(None));
        let (chosen, next) = answered(acceptor.step(&init.to_bytes(), &Shop).unwrap());
        assert_eq!(chosen.state, Some(State::REQUEST_MIC));
        assert_eq!(chosen.mechanism.as_deref(), Some(kerberos::MECHANISMS[1]));
        answered(next.step(&said(b"request ann@SHOP", None), &Shop).unwrap()).1
    };
    let refused = |mic| begin().step(&said(b"reply 2", mic), &Shop).unwrap_err();
    assert_eq!(refused(None), (somebody("ann@SHOP"), AuthError::Refused));
    assert_eq!(refused(Some(sum(b"another list", 1))), (somebody("ann@SHOP"), AuthError::Altered));
    let step = begin().step(&said(b"reply 2", Some(sum(&init.list(), 1))), &Shop).unwrap();
    let spnego::Step::Done(token, account, _) = step else { panic!("{step:?}") };
    assert_eq!(account, somebody("ann@SHOP"));
    let last = Token::read_response(&token).unwrap();
    assert_eq!((last.state, last.mic), (Some(State::COMPLETED), Some(sum(&init.list(), 1))));
}

#[test]
fn a_server_that_asks_for_a_signature_of_the_list_gets_one() {
    let mut client = initiate(true, "ann@SHOP");
    let Token::Init(init) = Token::read(&client.start()).unwrap() else { panic!() };
    let asked = |mic| Response {
        state: Some(if mic { State::REQUEST_MIC } else { State::INCOMPLETE }),
        mechanism: Some(kerberos::MECHANISMS[0].to_vec()),
        token: Some(b"reply 1".to_vec()),
        mic: None,
    };
    let leg = client.step(&asked(true).to_bytes()).unwrap();
    assert_eq!(Token::read_response(&leg.token).unwrap().mic, Some(sum(&init.list(), 1)));
    let mut client = initiate(true, "ann@SHOP");
    client.start();
    let leg = client.step(&asked(false).to_bytes()).unwrap();
    assert_eq!(Token::read_response(&leg.token).unwrap().mic, None);
    let done = Response { state: Some(State::COMPLETED), ..Response::default() };
    assert!(client.step(&done.to_bytes()).unwrap().done.is_some());
}

/// As Samba does it.
#[test]
fn a_server_that_wants_the_list_signed_after_the_last_token_gets_that() {
    let after_the_last_token = || {
        let mut client = initiate(true, "ann@SHOP");
        let Token::Init(init) = Token::read(&client.start()).unwrap() else { panic!() };
        let token = Some(b"reply 1".to_vec());
        let reply = Response { state: Some(State::INCOMPLETE), token, ..Response::default() };
        client.step(&reply.to_bytes()).unwrap();
        (client, init.list())
    };
    let say = |state, mic| Response { state: Some(state), mic, ..Response::default() }.to_bytes();
    for is_signed in [true, false] {
        let (mut client, list) = after_the_last_token();
        let leg = client.step(&say(State::INCOMPLETE, is_signed.then(|| sum(&list, 1)))).unwrap();
        let said = Token::read_response(&leg.token).unwrap();
        assert_eq!((said.token, said.mic), (None, Some(sum(&list, 1))));
        assert!(leg.done.is_none());
        assert!(client.step(&say(State::COMPLETED, None)).unwrap().done.is_some());
    }
    // It is done once.
    let (mut client, _) = after_the_last_token();
    client.step(&say(State::INCOMPLETE, None)).unwrap();
    assert_eq!(client.step(&say(State::INCOMPLETE, None)).unwrap_err(), AuthError::Refused);
    let (mut client, _) = after_the_last_token();
    let error = client.step(&say(State::INCOMPLETE, Some(sum(b"another list", 1)))).unwrap_err();
    assert_eq!(error, AuthError::Altered);
}

/// A client whose last word is the first, and its list of mechanisms.
fn plain(user: &str) -> (spnego::Initiator, Vec<u8>, Vec<u8>) {
    let mut toy = Toy { style: Style::Plain, ..Toy::client(user) };
    let first = toy.step(&[]).unwrap().token;
    let mut client = spnego::Initiator::kerberos(kerberos::Initiator::new(Box::new(toy), first));
    let offer = client.start();
    let Token::Init(init) = Token::read(&offer).unwrap() else { panic!() };
    (client, offer, init.list())
}

#[test]
fn a_token_each_way_is_enough_where_nobody_wants_the_style_of_dce() {
    let (mut client, offer, _) = plain("ann@SHOP");
    let toy = Toy { style: Style::Plain, ..Toy::server(None) };
    let kerberos = kerberos::Acceptor::new(Box::new(toy), |_| {});
    let step = spnego::Acceptor::new(ntlm()).with_kerberos(kerberos).step(&offer, &Shop).unwrap();
    let spnego::Step::Done(token, account, server) = step else { panic!("{step:?}") };
    assert_eq!(account, somebody("ann@SHOP"));
    let leg = client.step(&token).unwrap();
    assert_eq!(leg.token, [0; 0]);
    let (ours, theirs) = (leg.done.unwrap().session_key(), server.session_key());
    assert_eq!((ours.as_deref(), theirs.as_deref()), (Some(&b"ann@SHOP".to_vec()), ours.as_deref()));
}

#[test]
fn the_list_is_signed_and_checked_where_a_token_each_way_leaves_that_open() {
    let answer = |state, mic| {
        let mechanism = Some(kerberos::MECHANISMS[0].to_vec());
        Response { state: Some(state), mechanism, token: Some(b"reply 1".to_vec()), mic }.to_bytes()
    };
    // The server has said its last word, and has signed the list or not.
    let (mut client, _, list) = plain("ann@SHOP");
    let leg = client.step(&answer(State::COMPLETED, Some(sum(&list, 1)))).unwrap();
    assert!(leg.done.is_some() && leg.token.is_empty());
    assert!(client.step(&answer(State::COMPLETED, None)).is_err(), "it is over");
    let (mut client, ..) = plain("ann@SHOP");
    let error = client.step(&answer(State::COMPLETED, Some(sum(b"another list", 1)))).unwrap_err();
    assert_eq!(error, AuthError::Altered);

    // It waits for ours.
    for (state, is_signed) in
        [(State::INCOMPLETE, true), (State::INCOMPLETE, false), (State::REQUEST_MIC, false)]
    {
        let (mut client, _, list) = plain("ann@SHOP");
        let leg = client.step(&answer(state, is_signed.then(|| sum(&list, 1)))).unwrap();
        assert!(leg.done.is_none());
        let said = Token::read_response(&leg.token).unwrap();
        assert_eq!((said.token, said.mic), (None, Some(sum(&list, 1))));
        let last = Response { state: Some(State::COMPLETED), ..Response::default() };
        assert!(client.step(&last.to_bytes()).unwrap().done.is_some());
    }
    let (mut client, ..) = plain("ann@SHOP");
    let error = client.step(&answer(State::INCOMPLETE, Some(sum(b"another list", 1)))).unwrap_err();
    assert_eq!(error, AuthError::Altered);
    let (mut client, ..) = plain("ann@SHOP");
    assert_eq!(client.step(&answer(State::REJECT, None)).unwrap_err(), AuthError::Refused);
}

/// What a client offers, for the seeds of the fuzz target.
pub(crate) fn offer() -> Vec<u8> {
    plain("ann@SHOP").1
}

/// What our server says to a client whose clock is wrong, for the same.
pub(crate) fn refusal(with_spnego: bool) -> Vec<u8> {
    let mut server = server(Some(Code::SKEW));
    server.receive(&Binding::start_sealed(initiate(with_spnego, "ann@SHOP")).1).unwrap();
    let answer = server.take_output();
    let length = usize::from(u16::from_le_bytes([answer[10], answer[11]])); // auth_length
    answer[answer.len() - length..].to_vec()
}

/// Answers of Samba 4.17's `smbd`, whose Kerberos is Heimdal's, as they were recorded; they are seeds of the fuzz target, too.
#[test]
fn what_samba_says_of_tickets_is_understood() {
    let recorded = |name: &str| std::fs::read(corpus::folder("spnego").join(name)).unwrap();
    let read = |name: &str| Token::read_response(&recorded(name)).unwrap();
    let (mut client, ..) = plain("ann@SHOP");
    let error = client.step(&recorded("samba-clock")).unwrap_err();
    assert_eq!(error, AuthError::Kerberos(Code::SKEW));
    let clock = read("samba-clock");
    assert_eq!((clock.state, clock.mic), (Some(State::INCOMPLETE), None), "it goes on, by its state");

    let completed = read("samba-completed");
    let first = kerberos::MECHANISMS[0].to_vec();
    assert_eq!((completed.state, completed.mechanism), (Some(State::COMPLETED), Some(first)));
    let framed = completed.token.unwrap();
    assert_eq!((framed[0], &framed[14..17]), (0x60, &[2, 0, 0x6f][..]), "AP-REP in the frame of GSSAPI");
    let list = read("samba-list");
    assert_eq!((list.state, list.token), (Some(State::INCOMPLETE), None));
    assert_eq!(list.mic.unwrap().len(), 28);
}
