//! Client and server machine against each other, and the server against clients that don't keep to the rules.

use proptest::prelude::*;
use svckit_core::access::ManagerAccess;
use svckit_core::native::{Reply, Request};
use svckit_core::{Win32Error, native};
use svckit_scmr::client::{Binding, Client, Outcome, Progress};
use svckit_scmr::ndr::Reader;
use svckit_scmr::ops::{Answer, Call, Handle, Opnum};
use svckit_scmr::pdu::{
    Bind, BindAck, Body, Frame, MAX_FRAGMENT, MIN_FRAGMENT, NATIVE, NDR32, PacketType, Proposal,
    ProtocolError, SCMR, Status, Syntax, Uuid, fragments, result,
};
use svckit_scmr::server::{Incoming, MAX_CALLS, Server};

use crate::strategies;

/// Feeds bytes in pieces.
fn pieces(bytes: &[u8], size: usize) -> impl Iterator<Item = &[u8]> {
    bytes.chunks(size.max(1))
}

/// A client that is bound to a server.
fn connect(max_fragment: u16, piece: usize) -> (Client, Server) {
    let mut server = Server::new(max_fragment);
    let (mut binding, hello) = Binding::start();
    for piece in pieces(&hello, piece) {
        assert_eq!(server.receive(piece), Ok(Vec::new()));
    }
    let output = server.take_output();
    let (first, last) = output.split_at(output.len() - 1);
    for piece in pieces(first, piece) {
        match binding.receive(piece).unwrap() {
            Progress::Binding(more) => binding = more,
            Progress::Ready(_) => panic!("ready before the last byte"),
        }
    }
    match binding.receive(last).unwrap() {
        Progress::Ready(client) => (client, server),
        Progress::Binding(_) => panic!("not ready after the last byte"),
    }
}

fn receive_all(server: &mut Server, bytes: &[u8], piece: usize) -> Vec<Incoming> {
    pieces(bytes, piece).flat_map(|piece| server.receive(piece).unwrap()).collect()
}

fn status_of_fault(output: &[u8]) -> Status {
    let (frame, length) = Frame::read(output, MAX_FRAGMENT).unwrap().unwrap();
    assert_eq!((frame.header.packet, length), (PacketType::FAULT, output.len()));
    let mut r = Reader::new(frame.body);
    r.take(8).unwrap();
    Status(r.u32().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the call, the answer, the fragment size and the pieces in which bytes come: they come through.
    #[test]
    fn calls_and_answers_come_through(
        call in strategies::call(),
        answer in strategies::answer(),
        max_fragment in 0..=u16::MAX,
        piece in 1_usize..3000,
    ) {
        let (mut client, mut server) = connect(max_fragment, piece);
        prop_assert!(client.has_native());
        let (call_id, bytes) = client.call(&call);
        let incoming = receive_all(&mut server, &bytes, piece);
        prop_assert_eq!(incoming, vec![Incoming::Call { call_id, call: call.clone() }]);
        // The answer is to another operation than the call: the refusal is one to this.
        let refusal = call.refuse(answer.code());
        server.answer(call_id, &refusal);
        let output = server.take_output();
        let returned: Vec<_> = pieces(&output, piece).flat_map(|piece| client.receive(piece).unwrap()).collect();
        prop_assert_eq!(returned.len(), 1);
        prop_assert_eq!(returned[0].call_id, call_id);
        prop_assert_eq!(&returned[0].outcome, &Outcome::Answer(refusal));
        prop_assert_eq!(server.calls_under_way(), 0);
    }

    /// No bytes make the server or the client panic.
    #[test]
    fn garbage_ends_the_connection_or_is_waited_for(
        garbage in prop::collection::vec(any::<u8>(), 0..400),
        head in prop::bool::ANY,
        packet in 0_u8..20,
    ) {
        let mut bytes = garbage;
        if head && bytes.len() >= 16 {
            let length = (bytes.len() as u16).to_le_bytes();
            bytes[..10].copy_from_slice(&[5, 0, packet, 3, 0x10, 0, 0, 0, length[0], length[1]]);
            bytes[10] = 0;
            bytes[11] = 0;
        }
        let _ = Server::default().receive(&bytes);
        let (mut client, mut server) = connect(MAX_FRAGMENT, usize::MAX);
        let _ = server.receive(&bytes);
        let _ = client.receive(&bytes);
        let _ = Binding::start().0.receive(&bytes);
    }
}

#[test]
fn a_large_answer_comes_in_fragments_of_the_agreed_size() {
    let (mut client, mut server) = connect(2000, usize::MAX);
    let call = Call::EnumServicesStatus {
        manager: Handle::from_number(7),
        types: svckit_core::kind::ServiceType::WIN32,
        states: svckit_core::status::StateFilter::ALL,
        size: 200_000,
        resume: Some(3),
    };
    let (call_id, bytes) = client.call(&call);
    server.receive(&bytes).unwrap();
    let answer = call.refuse(Win32Error::MORE_DATA);
    server.answer(call_id, &answer);
    let output = server.take_output();
    let mut rest = &output[..];
    let mut count = 0;
    while let Some((frame, length)) = Frame::read(rest, 2000).unwrap() {
        assert_eq!(frame.header.call_id, call_id);
        rest = &rest[length..];
        count += 1;
    }
    assert!(rest.is_empty());
    assert!(count > 100, "{count}");
    assert_eq!(client.receive(&output).unwrap()[0].outcome, Outcome::Answer(answer));
}

#[test]
fn answers_may_come_in_any_order_and_a_given_up_call_has_none() {
    let (mut client, mut server) = connect(MAX_FRAGMENT, usize::MAX);
    let call = Call::DeleteService { service: Handle::from_number(1) };
    let sent: Vec<_> = (0..3).map(|_| client.call(&call)).collect();
    for (_, bytes) in &sent {
        server.receive(bytes).unwrap();
    }
    assert_eq!(server.calls_under_way(), 3);
    for (call_id, code) in [(sent[2].0, 5), (sent[0].0, 0)] {
        server.answer(call_id, &Answer::DeleteService { code: Win32Error(code) });
        server.answer(call_id, &Answer::DeleteService { code: Win32Error(99) });
    }
    let returned = client.receive(&server.take_output()).unwrap();
    let codes: Vec<_> = returned
        .iter()
        .map(|returned| match &returned.outcome {
            Outcome::Answer(answer) => (returned.call_id, answer.code().0),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(codes, [(sent[2].0, 5), (sent[0].0, 0)]);
    server.fault(sent[1].0, Status::CONTEXT);
    let returned = client.receive(&server.take_output()).unwrap();
    assert_eq!(returned[0].outcome, Outcome::Fault(Status::CONTEXT));
}

#[test]
fn the_native_interface_is_spoken_on_the_same_connection() {
    let (mut client, mut server) = connect(MIN_FRAGMENT, 100);
    let request = Request::Events { service: None, after: Some(7), limit: None, wait: true };
    let (call_id, bytes) = client.native(&request).unwrap();
    assert_eq!(receive_all(&mut server, &bytes, 50), [Incoming::Native { call_id, request }]);
    let reply = Reply::Error { code: Win32Error::NOT_SUPPORTED, message: "é".repeat(5000) };
    server.reply(call_id, &reply);
    assert_eq!(client.receive(&server.take_output()).unwrap()[0].outcome, Outcome::Native(reply));
}

#[test]
fn a_native_request_that_is_not_understood_is_answered_so() {
    let (_, mut server) = connect(MAX_FRAGMENT, usize::MAX);
    let mut bytes = Vec::new();
    let stub = br#"{"op":"from_the_future"}"#.to_vec();
    let body = Body { packet: PacketType::REQUEST, call_id: 9, context: 1, operation: 0, stub };
    fragments(&mut bytes, &body, MAX_FRAGMENT);
    assert_eq!(server.receive(&bytes), Ok(Vec::new()));
    let output = server.take_output();
    let (frame, _) = Frame::read(&output, MAX_FRAGMENT).unwrap().unwrap();
    let text = std::str::from_utf8(&frame.body[8..]).unwrap();
    assert!(text.contains("not understood") && text.contains("from_the_future"), "{text}");
    assert_eq!(server.calls_under_way(), 0);
}

#[test]
fn a_call_that_can_not_be_read_is_answered_with_a_fault() {
    let (_, mut server) = connect(MAX_FRAGMENT, usize::MAX);
    for (context, operation, stub, status) in [
        (0, 16, vec![0; 21], Status::STUB),
        (0, 2, vec![0; 40], Status::STUB),
        (1, 1, vec![0; 20], Status::OPERATION),
        (5, 0, vec![0; 20], Status::INTERFACE),
    ]
    .into_iter()
    .chain(unknown_operations().map(|operation| (0, operation, vec![0; 20], Status::OPERATION)))
    {
        let mut bytes = Vec::new();
        let body = Body { packet: PacketType::REQUEST, call_id: 4, context, operation, stub };
        fragments(&mut bytes, &body, MAX_FRAGMENT);
        assert_eq!(server.receive(&bytes), Ok(Vec::new()));
        assert_eq!(status_of_fault(&server.take_output()), status);
    }
    assert_eq!(server.calls_under_way(), 0);
}

/// The numbers between those of the known calls, and some behind them.
fn unknown_operations() -> impl Iterator<Item = u16> {
    (0..100).chain([u16::MAX]).filter(|number| !Opnum::KNOWN.contains(&Opnum(*number)))
}

#[test]
fn proposals_are_accepted_or_rejected_one_by_one() {
    let other = Syntax { uuid: Uuid::from_u128(1), major: 1, minor: 0 };
    let features =
        Syntax { uuid: Uuid::from_u128(0x6cb71c2c_9812_4540_0300_000000000000), major: 1, minor: 0 };
    let newer = Syntax { minor: 1, ..SCMR };
    let proposal = |context, interface, transfer| Proposal { context, interface, transfer };
    let bind = Bind {
        max_transmit: 4280,
        max_receive: 4280,
        association: 0,
        proposals: vec![
            proposal(0, SCMR, vec![other, NDR32]),
            proposal(1, SCMR, vec![features]),
            proposal(2, SCMR, vec![other]),
            proposal(3, other, vec![NDR32]),
            proposal(4, newer, vec![NDR32]),
            proposal(9, NATIVE, vec![NDR32]),
        ],
    };
    let mut bytes = Vec::new();
    bind.write(&mut bytes, PacketType::BIND, 1);
    let mut server = Server::default();
    server.receive(&bytes).unwrap();
    let output = server.take_output();
    let (frame, _) = Frame::read(&output, MAX_FRAGMENT).unwrap().unwrap();
    let ack = BindAck::read(frame.body).unwrap();
    assert_eq!((ack.max_transmit, ack.max_receive), (4280, 4280));
    assert_eq!(ack.address, br"\PIPE\svcctl");
    let results: Vec<_> = ack.results.iter().map(|found| (found.result, found.reason)).collect();
    assert_eq!(
        results,
        [
            (result::ACCEPTED, 0),
            (result::NEGOTIATED, 0),
            (result::REJECTED, result::NO_TRANSFER_SYNTAX),
            (result::REJECTED, result::NO_INTERFACE),
            (result::REJECTED, result::NO_INTERFACE),
            (result::ACCEPTED, 0),
        ]
    );
}

#[test]
fn contexts_can_be_added_later() {
    let (mut client, mut server) = connect(MAX_FRAGMENT, usize::MAX);
    let alter = Bind {
        max_transmit: MAX_FRAGMENT,
        max_receive: MAX_FRAGMENT,
        association: 1,
        proposals: vec![Proposal { context: 77, interface: SCMR, transfer: vec![NDR32] }],
    };
    let mut bytes = Vec::new();
    alter.write(&mut bytes, PacketType::ALTER_CONTEXT, 50);
    server.receive(&bytes).unwrap();
    let output = server.take_output();
    let (frame, _) = Frame::read(&output, MAX_FRAGMENT).unwrap().unwrap();
    assert_eq!(frame.header.packet, PacketType::ALTER_CONTEXT_RESPONSE);
    assert_eq!(BindAck::read(frame.body).unwrap().results[0].result, result::ACCEPTED);
    let call = Call::DeleteService { service: Handle::NULL };
    let (_, bytes) = client.call(&call);
    let mut moved = bytes.clone();
    moved[20] = 77;
    assert_eq!(server.receive(&moved).unwrap().len(), 1);
}

#[test]
fn what_breaks_the_protocol_ends_the_connection() {
    let (mut client, _) = connect(MAX_FRAGMENT, usize::MAX);
    let open = Call::OpenScManager { machine: None, database: None, access: ManagerAccess::CONNECT };
    let (_, request) = client.call(&open);
    let fresh = || connect(MAX_FRAGMENT, usize::MAX).1;

    assert_eq!(Server::default().receive(&request), Err(ProtocolError::Unexpected(0)));
    assert_eq!(fresh().receive(&Binding::start().1), Err(ProtocolError::Unexpected(11)));
    assert!(matches!(fresh().receive(b"GET / HTTP/1.1\r\n\r\n"), Err(ProtocolError::Version { .. })));

    let mut server = fresh();
    server.receive(&request).unwrap();
    assert_eq!(server.receive(&request), Err(ProtocolError::Unexpected(0)));

    for (at, byte, error) in [
        (4, 0, ProtocolError::Representation(0)),
        (8, 15, ProtocolError::FragmentLength { found: 15, limit: MAX_FRAGMENT }),
        (3, 0x02, ProtocolError::Fragments),
    ] {
        let mut bytes = request.clone();
        bytes[at] = byte;
        assert_eq!(fresh().receive(&bytes), Err(error));
    }

    let mut last_missing = request.clone();
    last_missing[3] = 0x01;
    let mut server = fresh();
    server.receive(&last_missing).unwrap();
    assert_eq!(server.receive(&request), Err(ProtocolError::Fragments));
}

#[test]
fn a_client_can_not_make_the_server_hold_more_than_its_limits() {
    let (mut client, mut server) = connect(MAX_FRAGMENT, usize::MAX);
    let call = Call::DeleteService { service: Handle::NULL };
    for _ in 0..MAX_CALLS {
        let bytes = client.call(&call).1;
        server.receive(&bytes).unwrap();
    }
    let bytes = client.call(&call).1;
    assert_eq!(server.receive(&bytes), Err(ProtocolError::TooManyCalls(MAX_CALLS)));

    let (_, mut server) = connect(MAX_FRAGMENT, usize::MAX);
    let stub = vec![0; svckit_scmr::pdu::MAX_STUB + 1];
    let mut bytes = Vec::new();
    let body = Body { packet: PacketType::REQUEST, call_id: 1, context: 0, operation: 12, stub };
    fragments(&mut bytes, &body, MAX_FRAGMENT);
    assert_eq!(server.receive(&bytes), Err(ProtocolError::TooLarge));
}

#[test]
fn a_server_without_the_interface_or_without_mercy_is_an_error() {
    let refused = BindAck {
        max_transmit: 5840,
        max_receive: 5840,
        association: 1,
        address: Vec::new(),
        results: vec![svckit_scmr::pdu::ContextResult { result: 2, reason: 1, transfer: NDR32 }],
    };
    let mut bytes = Vec::new();
    refused.write(&mut bytes, PacketType::BIND_ACK, 0);
    let error = Binding::start().0.receive(&bytes).unwrap_err();
    assert_eq!(error, ProtocolError::NoInterface { result: 2, reason: 1 });

    let mut bytes = Vec::new();
    svckit_scmr::pdu::BindNak { reason: 8 }.write(&mut bytes, 0);
    assert_eq!(Binding::start().0.receive(&bytes).unwrap_err(), ProtocolError::Refused(8));
}

#[test]
fn a_server_without_the_native_interface_is_one_all_the_same() {
    let accepted = svckit_scmr::pdu::ContextResult { result: 0, reason: 0, transfer: NDR32 };
    let rejected = svckit_scmr::pdu::ContextResult { result: 2, reason: 1, transfer: NDR32 };
    let ack = BindAck {
        max_transmit: 5840,
        max_receive: 5840,
        association: 1,
        address: br"\PIPE\svcctl".to_vec(),
        results: vec![accepted, rejected],
    };
    let mut bytes = Vec::new();
    ack.write(&mut bytes, PacketType::BIND_ACK, 0);
    let Progress::Ready(client) = Binding::start().0.receive(&bytes).unwrap() else { panic!("not ready") };
    assert!(!client.has_native());
    assert_eq!(native::INTERFACE.len(), 36);
}

#[test]
fn a_trailer_is_taken_off() {
    let (mut client, _) = connect(MAX_FRAGMENT, usize::MAX);
    let mut bytes = client.call(&Call::DeleteService { service: Handle::NULL }).1;
    let plain = bytes.clone();
    bytes.extend([0; 4]);
    bytes.extend([10, 6, 4, 0, 1, 2, 3, 4]);
    bytes.extend([0xee; 16]);
    let length = (bytes.len() as u16).to_le_bytes();
    bytes[8..10].copy_from_slice(&length);
    bytes[10] = 16;
    let (frame, taken) = Frame::read(&bytes, MAX_FRAGMENT).unwrap().unwrap();
    assert_eq!((frame.body, taken), (&plain[16..], bytes.len()));
    let auth = frame.auth.unwrap();
    assert_eq!((auth.kind, auth.level, auth.context, auth.value), (10, 6, 0x0403_0201, vec![0xee; 16]));
    bytes[10] = 200;
    assert!(Frame::read(&bytes, MAX_FRAGMENT).is_err());
}
