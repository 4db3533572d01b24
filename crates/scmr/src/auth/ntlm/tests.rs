//! The published values of [MS-NLMP] 4.2.1 and 4.2.4, and what an acceptor has to refuse.

use proptest::prelude::*;
use svckit_core::secret::Secret;
use zeroize::Zeroizing;

use super::crypto::{self, Key, Way};
use super::initiator::client_challenge_block;
use super::*;
use crate::auth::{Account, Accounts, NtHash, Protect};
use crate::ndr::Writer;

const SERVER_CHALLENGE: [u8; 8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn key(hex: &str) -> Key {
    Zeroizing::new(bytes(hex).try_into().unwrap())
}

fn response_key() -> Key {
    crypto::response_key(&NtHash::of(&Secret::from("Password")), "User", "Domain")
}

fn published_temp() -> Vec<u8> {
    let mut names = Names::default();
    names.set_text(name::DOMAIN, "Domain");
    names.set_text(name::COMPUTER, "Server");
    client_challenge_block(0, [0xaa; 8], &names)
}

#[test]
fn keys_are_the_published_ones() {
    let hash = NtHash::of(&Secret::from("Password"));
    assert_eq!(hash.as_bytes()[..], bytes("a4f49c406510bdcab6824ee7c30fd852"));
    let response_key = response_key();
    assert_eq!(response_key, key("0c868a403bfd7a93a3001ef22ef02e3f"));
    let proof = crypto::proof(&response_key, &SERVER_CHALLENGE, &published_temp());
    assert_eq!(proof, key("68cd0ab851e51c96aabc927bebef6a1c"));
    let exchange = crypto::exchange_key(&response_key, &proof);
    assert_eq!(exchange, key("8de40ccadbc14a82f15cb0ad0de95ca3"));
    assert_eq!(crypto::crypt_key(&exchange, &[0x55; 16]), key("c5dad2544fc9799094ce1ce90bc9d03e"));
}

#[test]
fn what_is_sealed_is_as_it_was_published() {
    let session_key = Zeroizing::new([0x55; 16]);
    assert_eq!(crypto::seal_key(&session_key, Way::ToServer), key("59f600973cc4960a25480a7c196e4c58"));
    assert_eq!(crypto::sign_key(&session_key, Way::ToServer), key("4788dc861b4782f35d43fd98fe1a2d39"));
    let mut client = Protection::new(session_key.clone(), Way::ToServer);
    let plain = bytes("50006c00610069006e007400650078007400");
    let mut message = plain.clone();
    let signature = client.seal(&mut message, 0..plain.len());
    assert_eq!(message, bytes("54e50165bf1936dc996020c1811b0f06fb5f"));
    assert_eq!(signature, bytes("01000000 7fb38ec5c55d4976 00000000"));
    let mut server = Protection::new(session_key, Way::ToClient);
    server.open(&mut message, 0..plain.len(), &signature).unwrap();
    assert_eq!(message, plain);
}

#[test]
fn capitals_are_those_of_windows() {
    let hash = NtHash::from([7; 16]);
    let same = |a, b| crypto::response_key(&hash, a, "") == crypto::response_key(&hash, b, "");
    assert!(same("ännchen", "ÄNNCHEN"));
    assert!(same("straße", "STRAßE"));
    assert!(!same("straße", "STRASSE"));
    assert!(!same("𐐨", "𐐀"));
    assert_ne!(crypto::response_key(&hash, "a", "d"), crypto::response_key(&hash, "a", "D"));
}

/// Ann, with the password "pw".
struct Ann;

impl Accounts for Ann {
    fn verifier(&self, account: &Account) -> Option<NtHash> {
        account.user.eq_ignore_ascii_case("ann").then(|| NtHash::of(&Secret::from("pw")))
    }
}

fn credentials(user: &str, password: &str) -> Credentials {
    let account =
        Account { user: user.to_owned(), domain: "SHOP".to_owned(), workstation: "HERE".to_owned() };
    Credentials {
        account,
        hash: NtHash::of(&Secret::from(password)),
        service: "host/db1".to_owned(),
        random: Zeroizing::new([9; 24]),
        time: 133_000_000_000_000_000,
    }
}

fn acceptor() -> Acceptor {
    let identity = Identity { computer: "DB1".to_owned(), domain: "SHOP".to_owned() };
    Acceptor::new(identity, SERVER_CHALLENGE, 134_000_000_000_000_000)
}

/// The last message of a client, and the server that waits for it.
fn dialogue(user: &str, password: &str) -> (Vec<u8>, Protection, Challenged) {
    let mut client = Initiator::new(credentials(user, password));
    let (challenge, challenged) = acceptor().challenge(&client.negotiate()).unwrap();
    let (message, protection) = client.authenticate(&challenge).unwrap();
    (message, protection, challenged)
}

fn outcome(challenged: Challenged, message: &[u8]) -> Result<Session, AuthError> {
    challenged.accept(message, &Ann).map_err(|(_, error)| error)
}

#[test]
fn who_has_the_password_comes_in() {
    let (message, mut client, challenged) = dialogue("Ann", "pw");
    let mut server = outcome(challenged, &message).unwrap();
    let account = Account { user: "Ann".into(), domain: "SHOP".into(), workstation: "HERE".into() };
    assert_eq!(server.account, account);
    for _ in 0..3 {
        let mut packet = b"head secret".to_vec();
        let signature = client.seal(&mut packet, 5..11);
        assert_eq!((&packet[..5], &packet[5..] == b"secret"), (&b"head "[..], false));
        server.protection.open(&mut packet, 5..11, &signature).unwrap();
        assert_eq!(packet, b"head secret");
        let signature = server.protection.seal(&mut packet, 0..4);
        client.open(&mut packet, 0..4, &signature).unwrap();
        assert_eq!(packet, b"head secret");
    }
}

#[test]
fn a_wrong_name_and_a_wrong_password_look_the_same() {
    for (user, password) in [("Ann", "Pw"), ("Bob", "pw"), ("ann", "")] {
        let (message, _, challenged) = dialogue(user, password);
        let (account, error) = challenged.accept(&message, &Ann).unwrap_err();
        assert_eq!((account.user.as_str(), error), (user, AuthError::Refused));
    }
}

/// Takes a message apart, changes it, and writes it again; the MIC is lost.
fn changed(message: &[u8], change: impl FnOnce(&mut Authenticate)) -> Vec<u8> {
    let mut message = Authenticate::read(message).unwrap();
    change(&mut message);
    message.to_bytes()
}

#[test]
fn nobody_comes_in_without_a_proof() {
    let attempt = |change: fn(&mut Authenticate)| {
        let (message, _, challenged) = dialogue("Ann", "pw");
        outcome(challenged, &changed(&message, change)).unwrap_err()
    };
    assert_eq!(attempt(|message| message.response.clear()), AuthError::Anonymous);
    assert_eq!(attempt(|message| message.account.user.clear()), AuthError::Anonymous);
    assert_eq!(attempt(|message| message.flags |= flags::ANONYMOUS), AuthError::Anonymous);
    assert_eq!(attempt(|message| message.response.truncate(24)), AuthError::Old);
    assert_eq!(attempt(|message| message.response[16] = 0), AuthError::Old);
    let short = AuthError::Malformed { what: "the response of NTLMv2 is too short" };
    assert_eq!(attempt(|message| message.response.truncate(16)), short);
    assert_eq!(attempt(|message| message.response[..16].fill(0)), AuthError::Refused);
    assert_eq!(attempt(|message| message.response[30] ^= 1), AuthError::Refused);
    // Only its MIC is wrong.
    assert_eq!(attempt(|_| {}), AuthError::Refused);
    for (flag, what) in NEEDED {
        let (message, _, challenged) = dialogue("Ann", "pw");
        let weaker = changed(&message, |message| message.flags &= !flag);
        assert_eq!(outcome(challenged, &weaker).unwrap_err(), AuthError::Weak { what });
    }
}

#[test]
fn a_client_that_announces_no_mic_needs_none() {
    let negotiate = Negotiate { flags: WANTED }.to_bytes();
    let (_, challenged) = acceptor().challenge(&negotiate).unwrap();
    let key = crypto::response_key(&NtHash::of(&Secret::from("pw")), "Ann", "");
    let temp = published_temp();
    let proof = crypto::proof(&key, &SERVER_CHALLENGE, &temp);
    let message = Authenticate {
        flags: WANTED,
        account: Account { user: "Ann".into(), ..Account::default() },
        lm_response: Vec::new(),
        response: [&proof[..], &temp].concat(),
        session_key: vec![3; 16],
    };
    outcome(challenged.clone(), &message.to_bytes()).unwrap();
    let short = Authenticate { session_key: vec![3; 15], ..message }.to_bytes();
    assert!(matches!(outcome(challenged, &short), Err(AuthError::Malformed { .. })));
}

/// The list in which a client announces its MIC is part of what it proves: without the announcement there is no proof.
#[test]
fn an_announced_mic_can_neither_be_left_out_nor_made_unannounced() {
    let (message, _, challenged) = dialogue("Ann", "pw");
    let with_names = |change: fn(&mut Names)| {
        changed(&message, |message| {
            let at = 16 + 28;
            let mut names = Names::read(&message.response[at..]).unwrap();
            assert!(names.has_mic());
            change(&mut names);
            message.response.truncate(at);
            let mut list = Writer::new();
            names.write(&mut list);
            message.response.extend(list.into_bytes());
            message.response.extend([0; 4]);
        })
    };
    let unannounced = with_names(|names| names.set(name::FLAGS, vec![0; 4]));
    assert_eq!(outcome(challenged.clone(), &unannounced).unwrap_err(), AuthError::Refused);
    // Unchanged, with zeros in place of the MIC.
    assert_eq!(outcome(challenged.clone(), &with_names(|_| {})).unwrap_err(), AuthError::Refused);
    let mut other = message.clone();
    Authenticate::set_mic(&mut other, &[1; 16]);
    assert_eq!(outcome(challenged.clone(), &other).unwrap_err(), AuthError::Refused);
    outcome(challenged, &message).unwrap();
}

#[test]
fn who_agrees_to_less_hears_what_is_missing() {
    for (flag, what) in NEEDED {
        let weak = AuthError::Weak { what };
        let negotiate = Negotiate { flags: WANTED & !flag }.to_bytes();
        assert_eq!(acceptor().challenge(&negotiate).unwrap_err(), weak);
        let mut client = Initiator::new(credentials("Ann", "pw"));
        let (challenge, _) = acceptor().challenge(&client.negotiate()).unwrap();
        let mut challenge = Challenge::read(&challenge).unwrap();
        challenge.flags &= !flag;
        assert_eq!(client.authenticate(&challenge.to_bytes()).unwrap_err(), weak);
    }
    let mut nobody = Initiator::new(credentials("", ""));
    let (challenge, _) = acceptor().challenge(&nobody.negotiate()).unwrap();
    assert_eq!(nobody.authenticate(&challenge).unwrap_err(), AuthError::Anonymous);
}

#[test]
fn a_response_is_good_for_one_challenge() {
    let (message, _, _) = dialogue("Ann", "pw");
    let negotiate = Negotiate { flags: WANTED }.to_bytes();
    let other = Acceptor::new(Identity::default(), [1; 8], 0).challenge(&negotiate).unwrap().1;
    assert_eq!(outcome(other, &message).unwrap_err(), AuthError::Refused);
}

#[test]
fn what_is_secret_is_not_shown() {
    let shown = format!("{:?} {:?}", credentials("Ann", "pw"), dialogue("Ann", "pw").1);
    assert!(shown.starts_with("Credentials { account: Account { user: \"Ann\""), "{shown}");
    assert!(shown.ends_with(".. } Protection(***)"), "{shown}");
    assert_eq!(format!("{:?}", NtHash::from([1; 16])), "***");
}

proptest! {
    /// Whatever is changed in the last message: nobody comes in, or as somebody who isn't there.
    #[test]
    fn an_altered_message_is_refused(at in 0_usize..400, bit in 0_u8..8) {
        let (mut message, _, challenged) = dialogue("Ann", "pw");
        let at = at % message.len();
        message[at] ^= 1 << bit;
        prop_assert!(outcome(challenged, &message).is_err(), "byte {}", at);
    }

    #[test]
    fn an_altered_packet_is_refused(
        packet in prop::collection::vec(any::<u8>(), 1..200),
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let session_key = Zeroizing::new([5; 16]);
        let mut client = Protection::new(session_key.clone(), Way::ToServer);
        let mut server = Protection::new(session_key, Way::ToClient);
        let (length, part) = (packet.len(), packet.len() / 3..packet.len());
        let mut sealed = packet;
        let signature = client.seal(&mut sealed, part.clone());
        sealed.extend(signature);
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        let (head, signature) = sealed.split_at_mut(length);
        prop_assert_eq!(server.open(head, part, signature), Err(AuthError::Altered));
    }

    #[test]
    fn messages_come_back_as_they_were(
        flags: u32, challenge: [u8; 8], target in ".{0,20}", user in ".{0,20}", domain in ".{0,20}",
        response in prop::collection::vec(any::<u8>(), 0..60), pairs in prop::collection::vec((1_u16..12, prop::collection::vec(any::<u8>(), 0..20)), 0..8),
    ) {
        let mut names = Names::default();
        pairs.into_iter().for_each(|(id, value)| names.set(id, value));
        let negotiate = Negotiate { flags };
        prop_assert_eq!(Negotiate::read(&negotiate.to_bytes()), Ok(negotiate));
        let challenge = Challenge { flags: flags | flags::TARGET_INFO, challenge, target, names };
        prop_assert_eq!(Challenge::read(&challenge.to_bytes()), Ok(challenge));
        let account = Account { user, domain, workstation: String::new() };
        let message = Authenticate { flags, account, lm_response: vec![0; 24], session_key: response.clone(), response };
        prop_assert_eq!(Authenticate::read(&message.to_bytes()), Ok(message));
    }

    #[test]
    fn garbage_is_an_error(garbage in prop::collection::vec(any::<u8>(), 0..200), kind in 1_u8..4) {
        let mut bytes = b"NTLMSSP\0\0\0\0\0".to_vec();
        bytes[8] = kind;
        bytes.extend(garbage);
        let _ = (Negotiate::read(&bytes), Challenge::read(&bytes), Authenticate::read(&bytes));
        prop_assert!(outcome(dialogue("Ann", "pw").2, &bytes).is_err());
    }
}
