//! What is written is read again; what is not written by us is refused or read, and never more.

use proptest::prelude::*;
use svckit_core::Win32Error;
use svckit_scmr::ops::{Answer, Call, Opnum};

use crate::strategies;

proptest! {
    #[test]
    fn calls_round_trip(call in strategies::call()) {
        prop_assert_eq!(Call::decode(call.opnum(), &call.encode()), Ok(Some(call)));
    }

    #[test]
    fn answers_round_trip(answer in strategies::answer()) {
        prop_assert_eq!(Answer::decode(answer.opnum(), &answer.encode()), Ok(Some(answer)));
    }

    /// A refusal is an answer to its call, carries its code, and has the buffer that was wanted.
    #[test]
    fn refusals_round_trip(call in strategies::call(), code in any::<u32>()) {
        let answer = call.refuse(Win32Error(code));
        prop_assert_eq!(answer.opnum(), call.opnum());
        prop_assert_eq!(answer.code(), Win32Error(code));
        prop_assert_eq!(Answer::decode(answer.opnum(), &answer.encode()), Ok(Some(answer)));
    }

    /// No bytes make a decoder panic; what it reads, it can write and read again.
    #[test]
    fn arbitrary_bytes_are_read_or_refused(opnum in 0_u16..66, stub in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(Some(call)) = Call::decode(Opnum(opnum), &stub) {
            prop_assert_eq!(Call::decode(call.opnum(), &call.encode()), Ok(Some(call)));
        }
        if let Ok(Some(answer)) = Answer::decode(Opnum(opnum), &stub) {
            let _ = Answer::decode(answer.opnum(), &answer.encode());
        }
    }

    /// Calls and answers with a byte changed or an end cut off are read or refused.
    #[test]
    fn damaged_stubs_are_read_or_refused(
        call in strategies::call(),
        answer in strategies::answer(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        for (opnum, mut stub) in [(call.opnum(), call.encode()), (answer.opnum(), answer.encode())] {
            let at = at.index(stub.len());
            let _ = Call::decode(opnum, &stub[..at]);
            let _ = Answer::decode(opnum, &stub[..at]);
            stub[at] = byte;
            let _ = Call::decode(opnum, &stub);
            let _ = Answer::decode(opnum, &stub);
        }
    }
}

#[test]
fn unknown_operations_are_told_from_bad_stubs() {
    for opnum in 0..=u16::MAX {
        let known = Opnum::KNOWN.contains(&Opnum(opnum));
        assert_eq!(Call::decode(Opnum(opnum), &[]) == Ok(None), !known, "call {opnum}");
        assert_eq!(Answer::decode(Opnum(opnum), &[]) == Ok(None), !known, "answer {opnum}");
    }
}

/// What fits as it came, but not with the terminator that it lacks, is refused: nothing is read that can't be written.
#[test]
fn lists_and_passwords_in_bytes_have_room_for_their_terminators() {
    let create = |list: usize, password: usize| {
        let stub = {
            let mut w = svckit_scmr::ndr::Writer::new().with_text(svckit_scmr::ndr::Text::Ansi);
            w.raw(&[0; 20]);
            w.string("a");
            w.pointer(false);
            (0..4).for_each(|_| w.u32(0));
            w.string("x");
            w.pointer(false);
            w.pointer(false);
            w.optional(Some(vec![b'a'; list]), |w, list| w.conformant_bytes(&list));
            w.count(list);
            w.pointer(false);
            w.optional(Some(vec![b'b'; password]), |w, password| w.conformant_bytes(&password));
            w.count(password);
            w.into_bytes()
        };
        Call::decode(Opnum::CREATE_SERVICE_A, &stub).map(|call| {
            let call = call.unwrap();
            assert_eq!(Call::decode(call.opnum(), &call.encode()), Ok(Some(call)));
        })
    };
    assert_eq!(create(4094, 513), Ok(()));
    assert!(create(4095, 513).is_err() && create(4096, 1).is_err() && create(1, 514).is_err());
}

#[test]
fn counts_that_promise_more_than_there_is_allocate_nothing() {
    // argc and the conformance say 1024 arguments, but there are none.
    let mut start =
        Call::StartService { service: svckit_scmr::ops::Handle::NULL, arguments: Vec::new() }.encode();
    start.truncate(20);
    for number in [1024_u32, 4, 1024] {
        start.extend(number.to_le_bytes());
    }
    assert!(Call::decode(Opnum::START_SERVICE, &start).is_err());
    // A string of four thousand million characters.
    let mut open = vec![0; 20];
    for number in [u32::MAX, 0, u32::MAX] {
        open.extend(number.to_le_bytes());
    }
    assert!(Call::decode(Opnum::OPEN_SERVICE, &open).is_err());
}
