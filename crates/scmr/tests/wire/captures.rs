//! Replays sessions of clients by others with a server: their logon with NTLM, their sealed calls with what they write in them, and what they were answered, byte by byte.
//! They are recorded by `cargo test -p svckit-engine capture` with `UPDATE_CAPTURES=1`.

use std::collections::BTreeMap;

use svckit_core::secret::Secret;
use svckit_scmr::auth::{Account, Accounts, NtHash, ntlm};
use svckit_scmr::ops::{Answer, Call, Opnum};
use svckit_scmr::server::{Incoming, Server};
use svckit_testkit::capture::{self, COMPUTER, Entry, FRAGMENT, PASSWORD, TIME};

/// Ann, with the password that the recorded one had.
struct Ann;

impl Accounts for Ann {
    fn verifier(&self, account: &Account) -> Option<NtHash> {
        (account.user == "ann").then(|| NtHash::of(&Secret::from(PASSWORD)))
    }
}

/// What was found in a capture.
#[derive(Default)]
struct Found {
    connections: usize,
    logons: usize,
    /// By operation.
    calls: BTreeMap<u16, usize>,
}

fn server(challenge: [u8; 8]) -> Server {
    let identity = ntlm::Identity { computer: COMPUTER.to_owned(), domain: COMPUTER.to_owned() };
    Server::sealed(FRAGMENT, ntlm::Acceptor::new(identity, challenge, TIME), Box::new(Ann))
}

/// Goes through a capture; everything that the server sends has to be what it sent then.
fn replay(client: &str) -> Found {
    let path = capture::path(client);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut found = Found::default();
    let mut current = Server::default();
    let mut output = Vec::new();
    for (number, entry) in capture::read(&text).into_iter().enumerate() {
        match entry {
            Entry::Connection(challenge) => {
                assert!(output.is_empty(), "{client} {number}: more was sent than then");
                current = server(challenge);
                found.connections += 1;
            }
            Entry::ToServer(bytes) => {
                for incoming in current.receive(&bytes).unwrap() {
                    found.take(incoming);
                }
            }
            Entry::Answer { call_id, opnum, stub } => {
                let answer = Answer::decode(Opnum(opnum), &stub).unwrap().unwrap();
                assert_eq!(answer.encode(), stub, "{client} {number}: the answer is written otherwise");
                current.answer(call_id, &answer);
            }
            Entry::ToClient(bytes) => {
                output.extend(current.take_output());
                assert!(output.starts_with(&bytes), "{client} {number}: something else is sent than then");
                output.drain(..bytes.len());
            }
        }
    }
    assert!(output.is_empty() && current.take_output().is_empty(), "{client}: more is sent than then");
    found
}

impl Found {
    /// That just these operations were called.
    #[track_caller]
    fn has(&self, opnums: &[u16]) {
        assert_eq!(self.calls.keys().copied().collect::<Vec<_>>(), opnums, "{:?}", self.calls);
    }

    fn take(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::LoggedOn(account) => {
                assert_eq!(account.user, "ann");
                self.logons += 1;
            }
            Incoming::Call { call, .. } => {
                // However a client writes it, we read it as we would write it.
                let again = Call::decode(call.opnum(), &call.encode()).unwrap().unwrap();
                assert_eq!(again, call);
                *self.calls.entry(call.opnum().0).or_default() += 1;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_session_of_impacket_goes_as_it_went() {
    let found = replay("impacket");
    assert_eq!((found.connections, found.logons), (1, 1));
    found.has(&[0, 1, 2, 4, 5, 11, 12, 13, 14, 15, 16, 17, 19, 20, 37, 39, 47, 48, 49]);
}

#[test]
fn the_session_of_smbtorture_goes_as_it_went() {
    let found = replay("smbtorture");
    assert_eq!((found.connections, found.logons), (1, 1));
    found.has(&[0, 1, 4, 5, 6, 11, 13, 14, 15, 16, 17, 19, 39, 40]);
}
