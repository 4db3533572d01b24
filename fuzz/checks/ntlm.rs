//! Any message of NTLM is refused, or comes back as it was when it is written again; and nobody gets in with one that was made without the password.

use svckit_core::secret::Secret;
use svckit_scmr::auth::ntlm::{
    Acceptor, Authenticate, Challenge, Credentials, Identity, Initiator, Negotiate,
};
use svckit_scmr::auth::{Account, Accounts, NtHash};
use zeroize::Zeroizing;

/// Everybody has an account here, whose password nobody knows.
struct Everybody;

impl Accounts for Everybody {
    fn verifier(&self, _: &Account) -> Option<NtHash> {
        Some(NtHash::of(&Secret::from("a password that is in no corpus")))
    }
}

pub(crate) fn check(data: &[u8]) {
    if let Ok(message) = Negotiate::read(data) {
        assert_eq!(Negotiate::read(&message.to_bytes()), Ok(message));
    }
    // What is as long as a length can say has no room beside it.
    if let Ok(message) = Challenge::read(data)
        && data.len() < 0x8000
    {
        let again = Challenge::read(&message.to_bytes());
        // Names that came without the flag are not read; a target that was no text is one now.
        assert_eq!(again.map(|again| (again.flags, again.challenge)), Ok((message.flags, message.challenge)));
    }
    if let Ok(message) = Authenticate::read(data)
        && [&message.response, &message.lm_response, &message.session_key]
            .iter()
            .all(|part| part.len() < 0x4000)
    {
        assert_eq!(Authenticate::read(&message.to_bytes()), Ok(message));
    }
    let acceptor = Acceptor::new(Identity::default(), *b"8 random", 1);
    let _ = acceptor.challenge(data);
    let mut client = Initiator::new(credentials());
    let hello = client.negotiate();
    let _ = client.authenticate(data);
    if let Ok((_, challenged)) = acceptor.challenge(&hello) {
        assert!(challenged.accept(data, &Everybody).is_err(), "nobody has proven anything");
    }
}

fn credentials() -> Credentials {
    Credentials {
        account: Account { user: "ann".to_owned(), ..Account::default() },
        hash: NtHash::from([1; 16]),
        service: "host/here".to_owned(),
        random: Zeroizing::new([2; 24]),
        time: 1,
    }
}
