use std::fmt;

use svckit_core::time::WallTime;

use crate::auth::spnego::{self, Response};
use crate::auth::{Account, Accounts, AuthError, PACKET_PRIVACY, Protect, kerberos, ntlm, provider};
use crate::pdu::{Auth, Channel};

/// A client that is about to say who it is, by NTLM, Kerberos, or either of them in SPNEGO.
pub(super) struct Logon {
    accounts: Box<dyn Accounts>,
    state: State,
    /// `auth_type` and `auth_context_id` of the first token.
    context: Option<(u8, u32)>,
    /// Whether somebody with a ticket may come in.
    takes_tickets: bool,
}

#[derive(Debug)]
enum State {
    Fresh(ntlm::Acceptor, Option<Ticketing>),
    Ntlm(ntlm::Challenged),
    Kerberos(kerberos::Acceptor),
    Spnego(spnego::Acceptor),
    Over,
}

/// Kerberos, where there are keys.
#[derive(Debug)]
pub(super) struct Ticketing {
    pub(super) acceptor: kerberos::Acceptor,
    /// Now, for the client to see whose clock is wrong.
    pub(super) time: WallTime,
}

/// What a token says.
pub(super) enum Heard {
    /// There is more to be said; what has to be answered.
    Answer(Auth),
    /// Who it is, what is answered if that is possible, and what seals.
    Known(Auth, Account, Channel),
    /// Nobody, and what can be said about it.
    Nobody(Account, AuthError, Option<Auth>),
}

impl Logon {
    pub(super) fn new(acceptor: ntlm::Acceptor, accounts: Box<dyn Accounts>) -> Self {
        Self { accounts, state: State::Fresh(acceptor, None), context: None, takes_tickets: false }
    }

    pub(super) fn set_kerberos(&mut self, ticketing: Ticketing) {
        if let State::Fresh(_, none) = &mut self.state {
            *none = Some(ticketing);
            self.takes_tickets = true;
        }
    }

    /// Whether somebody with a ticket may come in: what is in tickets can be long.
    pub(super) fn takes_tickets(&self) -> bool {
        self.takes_tickets
    }

    /// Takes the trailer of a unit that binds.
    pub(super) fn hear(&mut self, auth: Option<&Auth>) -> Heard {
        let nobody = |error| Heard::Nobody(Account::default(), error, None);
        let Some(auth) = auth.filter(|auth| auth.level == PACKET_PRIVACY) else {
            return nobody(AuthError::Weak { what: "packet privacy" });
        };
        let context = (auth.kind, auth.context);
        if *self.context.get_or_insert(context) != context {
            return nobody(AuthError::Mechanism);
        }
        let time = match &self.state {
            State::Fresh(_, Some(ticketing)) => ticketing.time,
            _ => WallTime::default(),
        };
        self.step(auth).unwrap_or_else(|(account, error)| {
            let told = refusal(auth, &error, time);
            Heard::Nobody(account, error, told)
        })
    }

    fn step(&mut self, auth: &Auth) -> Result<Heard, (Account, AuthError)> {
        let nobody = |error| (Account::default(), error);
        let accounts = &*self.accounts;
        match (std::mem::replace(&mut self.state, State::Over), auth.kind) {
            (State::Fresh(ntlm, _), provider::NTLM) => {
                let (token, challenged) = ntlm.challenge(&auth.value).map_err(nobody)?;
                self.state = State::Ntlm(challenged);
                Ok(Heard::Answer(answer(auth, token)))
            }
            (State::Ntlm(ntlm), _) => {
                let session = ntlm.accept(&auth.value, accounts)?;
                Ok(known(auth, Vec::new(), session.account, Box::new(session.protection)))
            }
            (
                State::Fresh(_, Some(Ticketing { acceptor, .. })) | State::Kerberos(acceptor),
                provider::KERBEROS,
            ) => Ok(match acceptor.step(&auth.value, accounts)? {
                kerberos::Step::More(token, acceptor) => {
                    self.state = State::Kerberos(acceptor);
                    Heard::Answer(answer(auth, token))
                }
                kerberos::Step::Done(token, account, protection) => {
                    known(auth, token, account, Box::new(protection))
                }
            }),
            (State::Fresh(ntlm, kerberos), provider::SPNEGO) => {
                let mut spnego = spnego::Acceptor::new(ntlm);
                if let Some(Ticketing { acceptor, .. }) = kerberos {
                    spnego = spnego.with_kerberos(acceptor);
                }
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
            spnego::Step::Done(token, account, protection) => known(auth, token, account, protection),
        }
    }
}

/// What a client hears of a ticket that isn't taken. Of passwords nothing is told.
fn refusal(auth: &Auth, error: &AuthError, time: WallTime) -> Option<Auth> {
    let AuthError::Kerberos(code) = error else { return None };
    let token = kerberos::error_token(*code, time);
    Some(match auth.kind {
        provider::SPNEGO => {
            let state = Some(spnego::State::REJECT);
            let response = Response { state, token: Some(token), ..Response::default() };
            answer(auth, response.to_bytes())
        }
        _ => answer(auth, token),
    })
}

fn answer(auth: &Auth, token: Vec<u8>) -> Auth {
    Auth::token(auth.kind, auth.context, token)
}

fn known(auth: &Auth, token: Vec<u8>, account: Account, protection: Box<dyn Protect>) -> Heard {
    let channel = Channel::new(auth.kind, auth.context, protection);
    Heard::Known(answer(auth, token), account, channel)
}

impl fmt::Debug for Logon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logon").field("state", &self.state).finish_non_exhaustive()
    }
}
