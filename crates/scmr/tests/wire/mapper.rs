//! The endpoint mapper: both machines against each other, and what they have to refuse.

use std::net::Ipv4Addr;

use proptest::prelude::*;
use svckit_scmr::mapper::{Lookup, MapAnswer, MapRequest, Mapper, Step, Tower};
use svckit_scmr::pdu::{
    Body, Frame, MAX_FRAGMENT, NATIVE, NDR32, PacketType, ProtocolError, SCMR, Status, fragments,
};

fn tower(port: u16) -> Tower {
    Tower::of_scm(port, Ipv4Addr::new(10, 0, 0, 7))
}

/// Asks a mapper, in pieces of this size.
fn ask(mapper: &mut Mapper, piece: usize) -> Result<Option<u16>, ProtocolError> {
    let (mut lookup, mut bytes) = Lookup::start();
    loop {
        let mut answer = Vec::new();
        for piece in bytes.chunks(piece) {
            answer.extend(mapper.receive(piece)?);
        }
        bytes.clear();
        for piece in answer.chunks(piece) {
            match lookup.receive(piece)? {
                Step::More(more, send) => {
                    lookup = more;
                    bytes.extend(send);
                }
                Step::Done(port) => return Ok(port),
            }
        }
    }
}

/// The bytes of a tower as [MS-RPCE] 2.2.1.2.5 and C706 appendix L have them: little endian, but port and address.
#[test]
fn a_tower_is_as_it_was_specified() {
    let mut expected = vec![5, 0];
    for syntax in [SCMR, NDR32] {
        expected.extend([19, 0, 13]);
        expected.extend(syntax.uuid.0);
        expected.extend([2, 0, 2, 0, 0, 0]);
    }
    expected.extend([1, 0, 11, 2, 0, 0, 0]);
    expected.extend([1, 0, 7, 2, 0, 0xc0, 0x01]);
    expected.extend([1, 0, 9, 4, 0, 10, 0, 0, 7]);
    assert_eq!(tower(0xc001).to_bytes(), expected);
    assert_eq!(Tower::read(&expected), Ok(tower(0xc001)));
    // The identifiers of the floors.
    for at in [4, 29, 54, 61, 68] {
        let mut other = expected.clone();
        other[at] ^= 4;
        assert!(Tower::read(&other).is_err(), "{at}");
    }
    assert!(Tower::read(&expected[..expected.len() - 1]).is_err());
}

#[test]
fn the_port_is_found_however_the_bytes_come() {
    for piece in [1, 7, 100, 10_000] {
        assert_eq!(ask(&mut Mapper::new(tower(49_152)), piece), Ok(Some(49_152)));
    }
    let other = Tower { interface: NATIVE, ..tower(49_152) };
    assert_eq!(ask(&mut Mapper::new(other), 1000), Ok(None));
}

#[test]
fn a_mapper_answers_nothing_else() {
    let bound = || {
        let mut mapper = Mapper::new(tower(7));
        mapper.receive(&Lookup::start().1).unwrap();
        mapper
    };
    let request = |operation, stub| {
        let body = Body { packet: PacketType::REQUEST, call_id: 1, context: 0, operation, stub };
        let mut bytes = Vec::new();
        fragments(&mut bytes, &body, 2000);
        bytes
    };
    for (operation, stub, status) in [(2, vec![], Status::OPERATION), (3, vec![1; 30], Status::STUB)] {
        let output = bound().receive(&request(operation, stub)).unwrap();
        let (frame, _) = Frame::read(&output, MAX_FRAGMENT).unwrap().unwrap();
        assert_eq!(frame.header.packet, PacketType::FAULT);
        assert_eq!(frame.body[8..12], status.0.to_le_bytes());
    }
    assert_eq!(bound().receive(&request(3, vec![0; 3000])), Err(ProtocolError::Fragments));
    let mut long = request(3, Vec::new());
    long[8..10].copy_from_slice(&5000_u16.to_le_bytes());
    assert_eq!(bound().receive(&long), Err(ProtocolError::FragmentLength { found: 5000, limit: 4096 }));
    assert_eq!(Mapper::new(tower(7)).receive(&request(3, vec![])), Err(ProtocolError::Unexpected(0)));
    assert_eq!(bound().receive(&Lookup::start().1), Err(ProtocolError::Unexpected(11)));
}

#[test]
fn a_server_that_is_no_mapper_is_told() {
    let mut scm = svckit_scmr::server::Server::default();
    let (lookup, hello) = Lookup::start();
    scm.receive(&hello).unwrap();
    let error = lookup.receive(&scm.take_output()).unwrap_err();
    assert_eq!(error, ProtocolError::NoInterface { result: 2, reason: 1 });
    assert!(matches!(Lookup::start().0.receive(b"SSH-2.0-OpenSSH_9"), Err(ProtocolError::Version { .. })));
}

proptest! {
    #[test]
    fn questions_and_answers_come_back_as_they_were(port: u16, entry: [u8; 20], max_towers in 1_u32..9, count in 0_usize..4, status: u32) {
        let request = MapRequest { tower: tower(port), entry, max_towers };
        prop_assert_eq!(MapRequest::decode(&request.encode()), Ok(request));
        let answer = MapAnswer { towers: vec![tower(port); count], status };
        prop_assert_eq!(MapAnswer::decode(&answer.encode(9)), Ok(answer));
    }

    #[test]
    fn garbage_is_an_error_or_waited_for(garbage in prop::collection::vec(any::<u8>(), 0..300), at in any::<prop::sample::Index>()) {
        let _ = (Tower::read(&garbage), MapRequest::decode(&garbage), MapAnswer::decode(&garbage));
        let _ = Mapper::new(tower(1)).receive(&garbage);
        let mut answer = MapAnswer { towers: vec![tower(1); 2], status: 0 }.encode(4);
        let at = at.index(answer.len());
        answer[at] ^= garbage.first().copied().unwrap_or(1);
        let _ = MapAnswer::decode(&answer);
    }
}
