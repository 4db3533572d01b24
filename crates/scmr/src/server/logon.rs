use std::fmt;

use crate::auth::{Account, Accounts, AuthError, PACKET_PRIVACY, ntlm, provider, spnego};
use crate::pdu::{Auth, Channel};

/// A client that is about to say who it is, alone by NTLM or by SPNEGO.
pub(super) struct Logon {
    accounts: Box<dyn Accounts>,
    state: State,
    /// `auth_type` and `auth_context_id` of the first token.
    context: Option<(u8, u32)>,
}

#[derive(Debug)]
enum State {
    Fresh(ntlm::Acceptor),
    Ntlm(ntlm::Challenged),
    Spnego(spnego::Acceptor),
    Over,
}

/// What a token says.
pub(super) enum Heard {
    /// There is more to be said; what has to be answered.
    Answer(Auth),
    /// Who it is, what is answered if that is possible, and what seals.
    Known(Auth, Account, Channel),
    /// Nobody.
    Nobody(Account, AuthError),
}

impl Logon {
    pub(super) fn new(acceptor: ntlm::Acceptor, accounts: Box<dyn Accounts>) -> Self {
        Self { accounts, state: State::Fresh(acceptor), context: None }
    }

    /// Takes the trailer of a unit that binds.
    pub(super) fn hear(&mut self, auth: Option<&Auth>) -> Heard {
        let Some(auth) = auth.filter(|auth| auth.level == PACKET_PRIVACY) else {
            return Heard::Nobody(Account::default(), AuthError::Weak { what: "packet privacy" });
        };
        let context = (auth.kind, auth.context);
        if *self.context.get_or_insert(context) != context {
            return Heard::Nobody(Account::default(), AuthError::Mechanism);
        }
        match self.step(auth) {
            Ok(heard) => heard,
            Err((account, error)) => Heard::Nobody(account, error),
        }
    }

    fn step(&mut self, auth: &Auth) -> Result<Heard, (Account, AuthError)> {
        let nobody = |error| (Account::default(), error);
        let accounts = &*self.accounts;
        match (std::mem::replace(&mut self.state, State::Over), auth.kind) {
            (State::Fresh(ntlm), provider::NTLM) => {
                let (token, challenged) = ntlm.challenge(&auth.value).map_err(nobody)?;
                self.state = State::Ntlm(challenged);
                Ok(Heard::Answer(answer(auth, token)))
            }
            (State::Ntlm(ntlm), _) => Ok(known(auth, Vec::new(), ntlm.accept(&auth.value, accounts)?)),
            (State::Fresh(ntlm), provider::SPNEGO) => {
                let spnego = spnego::Acceptor::new(ntlm);
                let step = spnego.step(&auth.value, accounts)?;
                Ok(self.negotiated(auth, step))
            }
            (State::Spnego(spnego), _) => {
                let step = spnego.step(&auth.value, accounts)?;
                Ok(self.negotiated(auth, step))
            }
            _ => Err(nobody(AuthError::Mechanism)),
        }
    }

    fn negotiated(&mut self, auth: &Auth, step: spnego::Step) -> Heard {
        match step {
            spnego::Step::More(token, spnego) => {
                self.state = State::Spnego(spnego);
                Heard::Answer(answer(auth, token))
            }
            spnego::Step::Done(token, session) => known(auth, token, *session),
        }
    }
}

fn answer(auth: &Auth, token: Vec<u8>) -> Auth {
    Auth::token(auth.kind, auth.context, token)
}

fn known(auth: &Auth, token: Vec<u8>, session: ntlm::Session) -> Heard {
    let channel = Channel::new(auth.kind, auth.context, Box::new(session.protection));
    Heard::Known(answer(auth, token), session.account, channel)
}

impl fmt::Debug for Logon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logon").field("state", &self.state).finish_non_exhaustive()
    }
}
