//! Everybody who is not let in, and everything that is not believed.

use std::io::Write;

use svckit_core::access::ManagerAccess;
use svckit_core::native::EventId;
use svckit_core::win32::Win32Error;
use svckit_scmr::client::{Binding, Outcome, Progress};
use svckit_scmr::ops::Call;

use super::peer::{self, Peer, Way, dial, open_manager, read};
use super::{Bed, PASSWORD};

const SIGNATURE: &[u8] = b"NTLMSSP\0";

/// Where the last message of NTLM begins.
fn message(bytes: &[u8]) -> usize {
    bytes.windows(SIGNATURE.len()).rposition(|window| window == SIGNATURE).expect("a message of NTLM")
}

/// Somebody whose last message is changed on its way.
fn changed(bed: &Bed, user: &str, password: &str, change: impl FnOnce(&mut [u8])) -> Option<Outcome> {
    let mut peer = Peer::new(bed.address, user, password);
    let (_, bytes) = peer.client.call(&open_manager(ManagerAccess::CONNECT));
    let mut bytes = bytes.to_vec();
    let at = message(&bytes);
    assert_eq!(bytes[at + 8], 3, "it shows who it is");
    change(&mut bytes[at..]);
    peer.exchange(&bytes)
}

fn is_answered(outcome: &Option<Outcome>) -> bool {
    matches!(outcome, Some(Outcome::Answer(_) | Outcome::Native(_)))
}

#[test]
fn wrong_passwords_and_names_are_refused_alike() {
    let bed = Bed::new("");
    for way in [Way::Ntlm, Way::Spnego] {
        for (user, password) in
            [("ann", "wrong horse"), ("ann", ""), ("eve", PASSWORD), ("", ""), ("", PASSWORD)]
        {
            let outcome = Peer::try_new(bed.address, user, password, way)
                .and_then(|mut peer| peer.call(&open_manager(ManagerAccess::CONNECT)));
            assert!(!is_answered(&outcome), "{user:?} {password:?} {way:?}: {outcome:?}");
        }
    }
    assert_eq!(bed.events(EventId::LOGON_FAILED).len(), 6);
    assert!(bed.peer("ann").is_in());
}

#[test]
fn an_empty_or_changed_proof_and_a_changed_mic_are_refused() {
    const RESPONSE_LENGTH: usize = 20;
    const RESPONSE_OFFSET: usize = 24;
    const FLAGS: usize = 60;
    const MIC: usize = 72;
    let bed = Bed::new("");
    assert!(is_answered(&changed(&bed, "ann", PASSWORD, |_| {})), "unchanged it is believed");
    let empty = changed(&bed, "ann", PASSWORD, |message| message[RESPONSE_LENGTH..][..4].fill(0));
    assert!(!is_answered(&empty), "an empty proof: {empty:?}");
    let proof = changed(&bed, "ann", PASSWORD, |message| {
        let offset = u32::from_le_bytes(message[RESPONSE_OFFSET..][..4].try_into().unwrap());
        message[offset as usize] ^= 1;
    });
    assert!(!is_answered(&proof), "a changed proof: {proof:?}");
    for byte in 0..16 {
        let mic = changed(&bed, "ann", PASSWORD, |message| message[MIC + byte] ^= 0x80);
        assert!(!is_answered(&mic), "a changed MIC: {mic:?}");
        // So that the address isn't closed.
        assert!(bed.peer("ann").is_in());
    }
    let missing = changed(&bed, "ann", PASSWORD, |message| message[MIC..][..16].fill(0));
    assert!(!is_answered(&missing), "no MIC: {missing:?}");
    let flags = changed(&bed, "ann", PASSWORD, |message| message[FLAGS] ^= 0x10);
    assert!(!is_answered(&flags), "other flags: {flags:?}");
}

#[test]
fn less_than_packet_privacy_is_refused() {
    const CONNECT: u8 = 2;
    const PACKET: u8 = 4;
    const INTEGRITY: u8 = 5;
    let bed = Bed::new("");
    for level in [CONNECT, PACKET, INTEGRITY] {
        let mut stream = dial(bed.address);
        let (binding, mut bytes) = peer::begin("ann", PASSWORD, Way::Ntlm);
        let at = message(&bytes);
        // auth_type, auth_level, auth_pad_length, auth_reserved, auth_context_id
        bytes[at - 7] = level;
        stream.write_all(&bytes).unwrap();
        let answer = read(&mut stream);
        let ready = matches!(binding.receive(&answer), Ok(Progress::Ready(_)));
        assert!(answer.is_empty() || !ready, "level {level}");
    }
    assert_eq!(bed.events(EventId::LOGON_FAILED).len(), 3);
}

#[test]
fn nobody_calls_without_saying_who_it_is() {
    let bed = Bed::new("");
    let mut stream = dial(bed.address);
    let (binding, bytes) = Binding::start();
    stream.write_all(&bytes).unwrap();
    let answer = read(&mut stream);
    if let Ok(Progress::Ready(client)) = binding.receive(&answer) {
        let mut peer = Peer { stream, client };
        let outcome = peer.call(&open_manager(ManagerAccess::CONNECT));
        assert!(!is_answered(&outcome), "{outcome:?}");
    }
}

#[test]
fn an_altered_a_repeated_and_a_reordered_fragment_end_the_connection() {
    let bed = Bed::new("");
    let call = || open_manager(ManagerAccess::CONNECT);
    let joined = || {
        let mut peer = bed.peer("ann");
        assert!(peer.is_in());
        peer
    };
    let length = joined().client.call(&call()).1.len();
    for at in (0..length).step_by(5) {
        let mut peer = joined();
        let mut bytes = peer.client.call(&call()).1.to_vec();
        bytes[at] ^= 1;
        let _ = peer.stream.write_all(&bytes);
        // Who changes the length has the server wait for more.
        let _ = peer.stream.shutdown(std::net::Shutdown::Write);
        let outcome = peer.outcome();
        assert!(!is_answered(&outcome), "byte {at}: {outcome:?}");
    }
    let mut altered = joined();
    let mut bytes = altered.client.call(&call()).1.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    let outcome = altered.exchange(&bytes);
    assert!(!is_answered(&outcome), "altered: {outcome:?}");
    let mut repeated = joined();
    let bytes = repeated.client.call(&call()).1.to_vec();
    assert!(is_answered(&repeated.exchange(&bytes)));
    let outcome = repeated.exchange(&bytes);
    assert!(!is_answered(&outcome), "repeated: {outcome:?}");
    let mut reordered = joined();
    let _first = reordered.client.call(&call());
    let second = reordered.client.call(&call()).1.to_vec();
    let outcome = reordered.exchange(&second);
    assert!(!is_answered(&outcome), "reordered: {outcome:?}");
    assert!(bed.peer("ann").is_in());
}

#[test]
fn what_is_no_protocol_is_no_reason_to_wait() {
    let bed = Bed::new("");
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"[..],
        &[0; 5000],
        &[5, 0, 11, 3, 16, 0, 0, 0, 255, 255, 0, 0],
    ] {
        let mut stream = dial(bed.address);
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        while !read(&mut stream).is_empty() {}
    }
    let mut ann = bed.peer("ann");
    let closed = ann.answer(&Call::CloseServiceHandle { handle: svckit_scmr::ops::Handle::from_number(77) });
    assert_eq!(closed.code(), Win32Error::INVALID_HANDLE);
}
