//! Client and server machine on a sealed connection, and what a server has to refuse on one.

use proptest::prelude::*;
use svckit_core::Win32Error;
use svckit_core::access::ManagerAccess;
use svckit_core::secret::Secret;
use svckit_scmr::auth::{Account, Accounts, AuthError, Initiate, NtHash, ntlm, spnego};
use svckit_scmr::client::{Binding, Client, Outcome, Progress};
use svckit_scmr::ops::{Call, Handle};
use svckit_scmr::pdu::{
    Bind, BindNak, Body, Frame, HEADER, Header, MAX_FRAGMENT, NDR32, PacketType, Proposal, ProtocolError,
    SCMR, Status, fragments,
};
use svckit_scmr::server::{Incoming, Server};
use zeroize::Zeroizing;

use crate::strategies;

/// The length of a trailer with its signature.
const TRAILER: usize = 24;

/// Ann, with the password "pw".
pub(crate) struct Ann;

impl Accounts for Ann {
    fn verifier(&self, account: &Account) -> Option<NtHash> {
        (account.user == "ann").then(|| NtHash::of(&Secret::from("pw")))
    }
}

pub(crate) fn credentials(password: &str) -> ntlm::Credentials {
    ntlm::Credentials {
        account: Account { user: "ann".into(), domain: "SHOP".into(), workstation: "HERE".into() },
        hash: NtHash::of(&Secret::from(password)),
        service: "host/db1".into(),
        random: Zeroizing::new([0x5a; 24]),
        time: 133_000_000_000_000_000,
    }
}

pub(crate) fn server(max_fragment: u16) -> Server {
    let identity = ntlm::Identity { computer: "DB1".into(), domain: "DB1".into() };
    let acceptor = ntlm::Acceptor::new(identity, *b"8 random", 133_000_000_000_000_000);
    Server::sealed(max_fragment, acceptor, Box::new(Ann))
}

fn initiate(with_spnego: bool, password: &str) -> Box<dyn Initiate> {
    if with_spnego {
        Box::new(spnego::Initiator::new(credentials(password)))
    } else {
        Box::new(ntlm::Initiator::new(credentials(password)))
    }
}

/// Binds; what the server told of it, unless that comes with the first call.
fn bind(security: Box<dyn Initiate>, server: &mut Server) -> (Result<Client, ProtocolError>, Vec<Incoming>) {
    let (mut binding, mut bytes) = Binding::start_sealed(security);
    let mut told = Vec::new();
    loop {
        told.extend(server.receive(&bytes).unwrap());
        match binding.receive(&server.take_output()) {
            Ok(Progress::Ready(client)) => return (Ok(client), told),
            Ok(Progress::Binding(more)) => binding = more,
            Err(error) => return (Err(error), told),
        }
        bytes = binding.take_output();
        assert!(!bytes.is_empty());
    }
}

fn connected(with_spnego: bool, max_fragment: u16) -> (Client, Server) {
    let mut server = server(max_fragment);
    let (client, _) = bind(initiate(with_spnego, "pw"), &mut server);
    (client.unwrap(), server)
}

fn open() -> Call {
    Call::OpenScManager { machine: None, database: None, access: ManagerAccess::CONNECT }
}

fn ann() -> Account {
    credentials("").account
}

/// The packets that bytes consist of.
fn packets(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    while let Some(header) = Header::read(bytes, MAX_FRAGMENT).unwrap() {
        let (packet, rest) = bytes.split_at(header.fragment_length.into());
        packets.push(packet.to_vec());
        bytes = rest;
    }
    assert!(bytes.is_empty());
    packets
}

fn is_fault(output: &[u8], status: Status) {
    let (frame, _) = Frame::read(output, MAX_FRAGMENT).unwrap().unwrap();
    assert_eq!((frame.header.packet, frame.auth), (PacketType::FAULT, None));
    assert_eq!(frame.body[8..12], status.0.to_le_bytes());
}

#[test]
fn both_mechanisms_lead_to_a_sealed_connection() {
    for with_spnego in [false, true] {
        let mut server = server(MAX_FRAGMENT);
        let (client, mut told) = bind(initiate(with_spnego, "pw"), &mut server);
        let mut client = client.unwrap();
        assert!(client.is_sealed() && !client.is_proven());
        for round in 0..3 {
            let (call_id, bytes) = client.call(&open());
            told.extend(server.receive(&bytes).unwrap());
            assert_eq!(told.pop(), Some(Incoming::Call { call_id, call: open() }));
            let logons = std::mem::take(&mut told);
            assert_eq!(logons, if round == 0 { vec![Incoming::LoggedOn(ann())] } else { vec![] });
            let answer = open().refuse(Win32Error::ACCESS_DENIED);
            server.answer(call_id, &answer);
            let output = server.take_output();
            assert_eq!(client.receive(&output).unwrap()[0].outcome, Outcome::Answer(answer));
            assert!(client.is_proven());
        }
    }
}

#[test]
fn nothing_of_a_call_is_readable() {
    let (mut client, mut server) = connected(false, MAX_FRAGMENT);
    let name = "A name that nobody reads";
    let call = Call::OpenService { manager: Handle::NULL, name: name.into(), access: Default::default() };
    let stub = call.encode();
    let bytes = client.call(&call).1;
    assert!(bytes.len() > stub.len() && !bytes.windows(8).any(|found| found == &stub[40..48]));
    assert!(
        matches!(&server.receive(&bytes).unwrap()[1], Incoming::Call { call: found, .. } if *found == call)
    );
}

#[test]
fn a_wrong_password_is_told_as_late_as_the_protocol_has_it() {
    // NTLM alone: the server can say nothing before the first call.
    let mut first = server(MAX_FRAGMENT);
    let mut client = bind(initiate(false, "wrong"), &mut first).0.unwrap();
    let (call_id, bytes) = client.call(&open());
    let head = packets(&bytes)[0].len();
    let failed = Incoming::LogonFailed { account: ann(), error: AuthError::Refused };
    assert_eq!(first.receive(&bytes[..head]).unwrap(), std::slice::from_ref(&failed));
    assert_eq!(first.receive(&bytes[head..]), Err(AuthError::Refused.into()));
    let returned = client.receive(&first.take_output()).unwrap();
    assert_eq!((returned[0].call_id, &returned[0].outcome), (call_id, &Outcome::Fault(Status::ACCESS)));
    assert!(!client.is_proven());
    // With SPNEGO it answers.
    let mut second = server(MAX_FRAGMENT);
    let (client, told) = bind(initiate(true, "wrong"), &mut second);
    assert_eq!(client.unwrap_err(), ProtocolError::LogonRefused(Status::ACCESS));
    assert_eq!(told, [failed]);
    assert_eq!(second.receive(&bytes[head..]), Err(AuthError::Refused.into()));
}

#[test]
fn less_than_packet_privacy_is_refused() {
    let weak =
        |what| vec![Incoming::LogonFailed { account: Account::default(), error: AuthError::Weak { what } }];
    let refused = |server: &mut Server| {
        let output = server.take_output();
        let (frame, _) = Frame::read(&output, MAX_FRAGMENT).unwrap().unwrap();
        assert_eq!(frame.header.packet, PacketType::BIND_NAK);
        assert_eq!(BindNak::read(frame.body).unwrap().reason, 8);
    };
    let mut clear = server(MAX_FRAGMENT);
    assert_eq!(clear.receive(&Binding::start().1).unwrap(), weak("packet privacy"));
    refused(&mut clear);
    assert!(clear.receive(&Binding::start().1).is_err());

    let (_, hello) = Binding::start_sealed(initiate(false, "pw"));
    let length = usize::from(u16::from_le_bytes([hello[10], hello[11]]));
    for level in 0..6 {
        let mut hello = hello.clone();
        let at = hello.len() - length - 8;
        assert_eq!(hello[at..at + 2], [10, 6]);
        hello[at + 1] = level;
        let mut server = server(MAX_FRAGMENT);
        assert_eq!(server.receive(&hello).unwrap(), weak("packet privacy"));
        refused(&mut server);
    }
    for kind in [0, 1, 14, 16, 68] {
        let mut hello = hello.clone();
        let at = hello.len() - length - 8;
        hello[at] = kind;
        let mut server = server(MAX_FRAGMENT);
        let error = AuthError::Mechanism;
        let failed = Incoming::LogonFailed { account: Account::default(), error };
        assert_eq!(server.receive(&hello).unwrap(), [failed]);
        refused(&mut server);
    }
}

#[test]
fn a_call_in_clear_is_refused_before_and_after_the_logon() {
    let mut clear = Vec::new();
    let body =
        Body { packet: PacketType::REQUEST, call_id: 7, context: 0, operation: 15, stub: open().encode() };
    fragments(&mut clear, &body, MAX_FRAGMENT);

    let mut early = server(MAX_FRAGMENT);
    early.receive(&Binding::start_sealed(initiate(false, "pw")).1).unwrap();
    early.take_output();
    assert_eq!(early.receive(&clear), Err(AuthError::Refused.into()));
    is_fault(&early.take_output(), Status::ACCESS);

    let (mut client, mut late) = connected(true, MAX_FRAGMENT);
    assert_eq!(late.receive(&clear), Err(ProtocolError::Unsealed));
    // And so is an answer in clear by the client.
    let (call_id, _) = client.call(&open());
    let mut answer = Vec::new();
    let body = Body { packet: PacketType::RESPONSE, call_id, context: 0, operation: 0, stub: vec![0; 24] };
    fragments(&mut answer, &body, MAX_FRAGMENT);
    assert_eq!(client.receive(&answer), Err(ProtocolError::Unsealed));
}

#[test]
fn a_call_can_be_given_up_only_with_a_signature() {
    let (mut client, mut server) = connected(true, MAX_FRAGMENT);
    let (call_id, bytes) = client.call(&open());
    server.receive(&bytes).unwrap();
    let mut orphaned = bytes[..HEADER].to_vec();
    orphaned[2] = PacketType::ORPHANED.0;
    orphaned[8..12].copy_from_slice(&[HEADER as u8, 0, 0, 0]);
    assert_eq!(server.receive(&orphaned), Ok(vec![]));
    assert_eq!(server.calls_under_way(), 1);
    server.answer(call_id, &open().refuse(Win32Error::ACCESS_DENIED));
    assert_eq!(client.receive(&server.take_output()).unwrap().len(), 1);
}

#[test]
fn a_repeated_or_reordered_packet_is_refused() {
    let sent = |client: &mut Client| client.call(&open()).1;
    let (mut client, mut server) = connected(true, MAX_FRAGMENT);
    let first = sent(&mut client);
    server.receive(&first).unwrap();
    assert_eq!(server.receive(&first), Err(AuthError::Altered.into()));

    let (mut client, mut server) = connected(true, MAX_FRAGMENT);
    let (_, second) = (sent(&mut client), sent(&mut client));
    assert_eq!(server.receive(&second), Err(AuthError::Altered.into()));

    // A packet of another connection.
    let (mut other, _) = connected(true, MAX_FRAGMENT);
    let (_, mut server) = (sent(&mut other), connected(true, MAX_FRAGMENT).1);
    let stray = sent(&mut other);
    assert_eq!(server.receive(&stray), Err(AuthError::Altered.into()));

    // Fragments of one call, in another order.
    let (mut client, mut server) = connected(true, 1432);
    let name = "x".repeat(4000);
    let call = Call::OpenService { manager: Handle::NULL, name, access: Default::default() };
    let packets = packets(&client.call(&call).1);
    assert!(packets.len() > 3 && packets.iter().all(|packet| packet.len() <= 1432));
    server.receive(&packets[0]).unwrap();
    assert_eq!(server.receive(&packets[2]), Err(AuthError::Altered.into()));
}

#[test]
fn a_server_that_offers_less_is_left() {
    // An acknowledgement without a token.
    let (binding, _) = Binding::start_sealed(initiate(true, "pw"));
    let mut local = Server::default();
    local.receive(&Binding::start().1).unwrap();
    assert_eq!(binding.receive(&local.take_output()).unwrap_err(), ProtocolError::Unsealed);
    // One whose token asks for less.
    let (binding, hello) = Binding::start_sealed(initiate(false, "pw"));
    let mut server = server(MAX_FRAGMENT);
    server.receive(&hello).unwrap();
    let mut output = server.take_output();
    let at = output.windows(8).position(|found| found == b"NTLMSSP\0").unwrap();
    output[at + 20] &= !0x20; // NTLMSSP_NEGOTIATE_SEAL
    let error = binding.receive(&output).unwrap_err();
    assert_eq!(error, AuthError::Weak { what: "sealing" }.into());
}

/// `rpc_sec_verification_trailer` as [MS-RPCE] 2.2.2.13 has it: bits, context and header.
fn trailer(call_id: u32, operation: u16, signs_headers: bool) -> Vec<u8> {
    let mut bytes = vec![0x8a, 0xe3, 0x13, 0x71, 0x02, 0xf4, 0x36, 0x71];
    bytes.extend([1, 0, 4, 0, u8::from(signs_headers), 0, 0, 0]);
    bytes.extend([2, 0, 40, 0]);
    for syntax in [SCMR, NDR32] {
        bytes.extend(syntax.uuid.0);
        bytes.extend([syntax.major.to_le_bytes(), syntax.minor.to_le_bytes()].concat());
    }
    bytes.extend([3, 0x40, 16, 0, 0, 0, 0, 0, 0x10, 0, 0, 0]);
    bytes.extend(call_id.to_le_bytes());
    bytes.extend([[0, 0], operation.to_le_bytes()].concat());
    bytes
}

#[test]
fn what_a_client_says_of_its_request_has_to_be_so() {
    let attempt = |trailer: Vec<u8>| {
        let mut server = Server::default();
        server.receive(&Binding::start().1).unwrap();
        server.take_output();
        let mut stub = open().encode();
        stub.resize(stub.len().next_multiple_of(4), 0);
        stub.extend(trailer);
        let body = Body { packet: PacketType::REQUEST, call_id: 5, context: 0, operation: 15, stub };
        let mut bytes = Vec::new();
        fragments(&mut bytes, &body, MAX_FRAGMENT);
        (server.receive(&bytes).unwrap(), server.take_output())
    };
    let (incoming, _) = attempt(trailer(5, 15, false));
    assert_eq!(incoming, [Incoming::Call { call_id: 5, call: open() }]);
    let mut unknown = trailer(5, 15, false);
    unknown[8] = 9;
    assert_eq!(attempt(unknown.clone()).0.len(), 1);
    unknown[9] = 0x80;
    let short = trailer(5, 15, false)[..30].to_vec();
    for wrong in [trailer(6, 15, false), trailer(5, 16, false), trailer(5, 15, true), unknown, short] {
        let (incoming, output) = attempt(wrong);
        assert_eq!(incoming, []);
        is_fault(&output, Status::ACCESS);
    }
}

#[test]
fn a_client_that_prefers_another_mechanism_has_to_sign_its_list() {
    // Windows offers Kerberos first; NTLM then takes one leg more.
    let kerberos = vec![0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02];
    let init =
        spnego::Init { mechanisms: vec![kerberos, spnego::NTLM.to_vec()], token: Some(b"a ticket".to_vec()) };
    for (mic, is_in) in [(Some(true), true), (Some(false), false), (None, false)] {
        let acceptor = ntlm::Acceptor::new(ntlm::Identity::default(), *b"8 random", 1);
        let step = spnego::Acceptor::new(acceptor).step(&init.to_bytes(), &Ann).unwrap();
        let spnego::Step::More(token, server) = step else { panic!("{step:?}") };
        let chosen = spnego::Token::read_response(&token).unwrap();
        assert_eq!((chosen.state, chosen.token), (Some(spnego::State::REQUEST_MIC), None));
        let mut client = ntlm::Initiator::new(credentials("pw"));
        let respond =
            |token, mic| spnego::Response { token: Some(token), mic, ..Default::default() }.to_bytes();
        let step = server.step(&respond(client.negotiate(), None), &Ann).unwrap();
        let spnego::Step::More(token, server) = step else { panic!("{step:?}") };
        let challenge = spnego::Token::read_response(&token).unwrap().token.unwrap();
        let (message, mut protection) = client.authenticate(&challenge).unwrap();
        let mic = mic.map(|right| {
            let list = if right { init.list() } else { spnego::Init::default().list() };
            svckit_scmr::auth::Protect::seal(&mut protection, &mut list.clone(), 0..0)
        });
        assert_eq!(server.step(&respond(message, mic), &Ann).is_ok(), is_in);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the call and the fragment size: it comes through, and its answer.
    #[test]
    fn sealed_calls_and_answers_come_through(
        call in strategies::call(), answer in strategies::answer(), max_fragment in 0..=u16::MAX, with_spnego: bool, piece in 1_usize..3000,
    ) {
        let (mut client, mut server) = connected(with_spnego, max_fragment);
        let (call_id, bytes) = client.call(&call);
        let mut incoming: Vec<_> = bytes.chunks(piece).flat_map(|piece| server.receive(piece).unwrap()).collect();
        prop_assert_eq!(incoming.pop(), Some(Incoming::Call { call_id, call: call.clone() }));
        let refusal = call.refuse(answer.code());
        server.answer(call_id, &refusal);
        let output = server.take_output();
        for packet in packets(&output) {
            prop_assert!(packet.len() <= usize::from(max_fragment.max(1432)));
            prop_assert_eq!((packet.len() - TRAILER - 24) % 16, 0);
        }
        let returned: Vec<_> = output.chunks(piece).flat_map(|piece| client.receive(piece).unwrap()).collect();
        prop_assert_eq!(&returned[0].outcome, &Outcome::Answer(refusal));
    }

    /// Whatever is changed in a sealed packet: the call doesn't come out.
    #[test]
    fn an_altered_fragment_is_refused(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let (mut client, mut server) = connected(true, MAX_FRAGMENT);
        let mut bytes = client.call(&open()).1;
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        // A changed length may leave the server waiting for more; a changed type may be one that says nothing.
        prop_assert_eq!(server.receive(&bytes).unwrap_or_default(), vec![]);
    }

    #[test]
    fn tokens_of_spnego_come_back_as_they_were(
        mechanisms in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..12), 1..5), token in prop::option::of(prop::collection::vec(any::<u8>(), 0..70_000)),
        state in prop::option::of(0_u8..4), mic in prop::option::of(prop::collection::vec(any::<u8>(), 0..20)), garbage in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let response = spnego::Response { state: state.map(spnego::State), mechanism: mechanisms.first().cloned(), token: token.clone(), mic };
        prop_assert_eq!(spnego::Token::read(&response.to_bytes()), Ok(spnego::Token::Response(response)));
        let init = spnego::Init { mechanisms, token };
        prop_assert_eq!(spnego::Token::read(&init.to_bytes()), Ok(spnego::Token::Init(init)));
        let _ = spnego::Token::read(&garbage);
    }
}

#[test]
fn a_bind_of_nothing_that_is_known_is_answered_and_nothing_else() {
    let unknown = Proposal { context: 0, interface: NDR32, transfer: vec![NDR32] };
    let bind = Bind { max_transmit: 5840, max_receive: 5840, association: 0, proposals: vec![unknown] };
    let (_, hello) = Binding::start_sealed(initiate(false, "pw"));
    let auth = Frame::read(&hello, MAX_FRAGMENT).unwrap().unwrap().0.auth.unwrap();
    let mut bytes = Vec::new();
    bind.write_secured(&mut bytes, PacketType::BIND, 1, &auth);
    let mut server = server(MAX_FRAGMENT);
    assert_eq!(server.receive(&bytes).unwrap(), []);
    let output = server.take_output();
    assert_eq!(Frame::read(&output, MAX_FRAGMENT).unwrap().unwrap().0.header.packet, PacketType::BIND_ACK);
}
