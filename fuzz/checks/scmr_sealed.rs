//! Any bytes can be sent to a server that seals, before and after a logon, and to a client: no call comes out that nobody sealed. The first byte says in which pieces they come.

use svckit_scmr::auth::{Account, Accounts, NtHash, ntlm};
use svckit_scmr::client::{Binding, Client, Progress};
use svckit_scmr::server::{Incoming, Server};
use zeroize::Zeroizing;

struct Ann;

impl Accounts for Ann {
    fn verifier(&self, _: &Account) -> Option<NtHash> {
        Some(NtHash::from(*b"sixteen bytes !!"))
    }
}

pub(crate) fn check(data: &[u8]) {
    let Some((size, bytes)) = data.split_first() else { return };
    let size = usize::from(*size).max(1) * 16;
    feed(&mut server(), bytes, size);
    let (mut client, mut server) = bound();
    feed(&mut server, bytes, size);
    for piece in bytes.chunks(size) {
        // A fault in clear may be for a call; there is none.
        match client.receive(piece) {
            Ok(returned) => assert!(returned.is_empty(), "nothing was asked"),
            Err(_) => break,
        }
    }
    let mut binding = Binding::start_sealed(Box::new(ntlm::Initiator::new(credentials()))).0;
    for piece in bytes.chunks(size) {
        match binding.receive(piece) {
            Ok(Progress::Binding(more)) => binding = more,
            _ => return,
        }
    }
}

fn feed(server: &mut Server, bytes: &[u8], size: usize) {
    for piece in bytes.chunks(size) {
        let Ok(incoming) = server.receive(piece) else { return };
        for incoming in incoming {
            assert!(matches!(incoming, Incoming::LogonFailed { .. }), "{incoming:?} that nobody sealed");
        }
        drop(server.take_output());
    }
}

fn server() -> Server {
    let acceptor = ntlm::Acceptor::new(ntlm::Identity::default(), *b"8 random", 1);
    Server::sealed(4096, acceptor, Box::new(Ann))
}

fn credentials() -> ntlm::Credentials {
    ntlm::Credentials {
        account: Account { user: "ann".to_owned(), ..Account::default() },
        hash: NtHash::from(*b"sixteen bytes !!"),
        service: "host/here".to_owned(),
        random: Zeroizing::new([2; 24]),
        time: 1,
    }
}

/// A client that has logged on, and its server, which knows it.
fn bound() -> (Client, Server) {
    let mut server = server();
    let (binding, hello) = Binding::start_sealed(Box::new(ntlm::Initiator::new(credentials())));
    server.receive(&hello).expect("a bind");
    let Ok(Progress::Ready(mut client)) = binding.receive(&server.take_output()) else { panic!("not bound") };
    let call = svckit_scmr::ops::Call::DeleteService { service: svckit_scmr::ops::Handle::NULL };
    let (call_id, bytes) = client.call(&call);
    assert_eq!(server.receive(&bytes).map(|incoming| incoming.len()), Ok(2));
    server.answer(call_id, &call.refuse(svckit_core::Win32Error::ACCESS_DENIED));
    assert_eq!(client.receive(&server.take_output()).map(|returned| returned.len()), Ok(1));
    (client, server)
}
