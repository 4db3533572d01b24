//! Any token of SPNEGO is refused, or comes back as it was when it is written again; neither side panics at one.

use svckit_scmr::auth::spnego::{Acceptor, Initiator, Step, Token};
use svckit_scmr::auth::{Account, Accounts, Initiate, NtHash, ntlm};
use zeroize::Zeroizing;

struct Nobody;

impl Accounts for Nobody {
    fn verifier(&self, _: &Account) -> Option<NtHash> {
        None
    }
}

pub(crate) fn check(data: &[u8]) {
    if let Ok(token) = Token::read(data) {
        let written = match &token {
            Token::Init(init) => init.to_bytes(),
            Token::Response(response) => response.to_bytes(),
        };
        assert_eq!(Token::read(&written), Ok(token));
    }
    let acceptor = || Acceptor::new(ntlm::Acceptor::new(ntlm::Identity::default(), *b"8 random", 1));
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
