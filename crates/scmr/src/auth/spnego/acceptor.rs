use super::{Init, NTLM, Response, State, Token};
use crate::auth::{Account, Accounts, AuthError, Protect, kerberos, ntlm};

/// The server's side: of what a client offers it takes the first that it knows, NTLM or, if it has keys, Kerberos.
#[derive(Debug)]
pub struct Acceptor {
    list: Vec<u8>,
    /// Whether something else was offered before it: then the list has to be signed (RFC 4178 5).
    is_second: bool,
    /// The mechanism's name, as the client has it.
    name: Vec<u8>,
    progress: Progress,
}

#[derive(Debug)]
enum Progress {
    /// Nothing was offered yet.
    Fresh(ntlm::Acceptor, Option<kerberos::Acceptor>),
    /// NTLM was chosen, and nothing of it said.
    Ntlm(ntlm::Acceptor),
    Challenged(ntlm::Challenged),
    Kerberos(kerberos::Acceptor),
}

/// What comes of a token.
#[derive(Debug)]
pub enum Step {
    /// The token to send, and who waits for the next.
    More(Vec<u8>, Acceptor),
    /// The last token to send, who came in, and what seals from now on.
    Done(Vec<u8>, Account, Box<dyn Protect>),
}

type Stepped = Result<Step, (Account, AuthError)>;

impl Acceptor {
    /// A server that has heard nothing yet.
    pub fn new(ntlm: ntlm::Acceptor) -> Self {
        let progress = Progress::Fresh(ntlm, None);
        Self { list: Vec::new(), is_second: false, name: Vec::new(), progress }
    }

    /// The same, which knows Kerberos, too.
    #[must_use]
    pub fn with_kerberos(mut self, kerberos: kerberos::Acceptor) -> Self {
        if let Progress::Fresh(_, none) = &mut self.progress {
            *none = Some(kerberos);
        }
        self
    }

    /// Takes a token. Whoever it is from comes with the error, as far as that is known.
    pub fn step(self, token: &[u8], accounts: &dyn Accounts) -> Stepped {
        let token = Token::read(token).map_err(nobody)?;
        let Self { list, is_second, name, progress } = self;
        let rest = Rest { list, is_second, name };
        match (progress, token) {
            (Progress::Fresh(ntlm, kerberos), Token::Init(init)) => offered(ntlm, kerberos, &init, accounts),
            (Progress::Ntlm(ntlm), Token::Response(response)) => {
                rest.challenge(&ntlm, token_of(&response).map_err(nobody)?).map_err(nobody)
            }
            (Progress::Challenged(ntlm), Token::Response(response)) => {
                let session = ntlm.accept(token_of(&response).map_err(nobody)?, accounts)?;
                rest.completed(session.account, Box::new(session.protection), None, response.mic.as_deref())
            }
            (Progress::Kerberos(kerberos), Token::Response(response)) => {
                let token = token_of(&response).map_err(nobody)?;
                rest.ticket(kerberos, token, response.mic.as_deref(), accounts)
            }
            _ => Err(nobody(AuthError::Malformed { what: "a token of SPNEGO comes at the wrong time" })),
        }
    }
}

/// What is kept of the offer.
struct Rest {
    list: Vec<u8>,
    is_second: bool,
    name: Vec<u8>,
}

fn nobody(error: AuthError) -> (Account, AuthError) {
    (Account::default(), error)
}

fn offered(
    ntlm: ntlm::Acceptor,
    kerberos: Option<kerberos::Acceptor>,
    init: &Init,
    accounts: &dyn Accounts,
) -> Stepped {
    let is_kerberos = |name: &Vec<u8>| kerberos::MECHANISMS.contains(&name.as_slice());
    let is_known = |name: &Vec<u8>| name == NTLM || kerberos.is_some() && is_kerberos(name);
    let place = init.mechanisms.iter().position(is_known).ok_or_else(|| nobody(AuthError::Mechanism))?;
    let name = init.mechanisms[place].clone();
    // What comes with the offer is of the first mechanism, or nothing.
    let is_second = place > 0;
    let token = init.token.as_deref().filter(|_| !is_second);
    let by_ticket = kerberos.filter(|_| is_kerberos(&name));
    let rest = Rest { list: init.list(), is_second, name };
    match (by_ticket, token) {
        (Some(kerberos), Some(token)) => rest.ticket(kerberos, token, None, accounts),
        (Some(kerberos), None) => Ok(rest.chosen(Progress::Kerberos(kerberos))),
        (None, Some(token)) => rest.challenge(&ntlm, token).map_err(nobody),
        (None, None) => Ok(rest.chosen(Progress::Ntlm(ntlm))),
    }
}

impl Rest {
    fn wait(self, progress: Progress) -> Acceptor {
        Acceptor { list: self.list, is_second: self.is_second, name: self.name, progress }
    }

    /// The mechanism is named; its first token has yet to come.
    fn chosen(self, progress: Progress) -> Step {
        let state = if self.is_second { State::REQUEST_MIC } else { State::INCOMPLETE };
        let chosen =
            Response { state: Some(state), mechanism: Some(self.name.clone()), ..Response::default() };
        Step::More(chosen.to_bytes(), self.wait(progress))
    }

    fn more(self, token: Vec<u8>, progress: Progress) -> Step {
        let response = Response {
            state: Some(State::INCOMPLETE),
            mechanism: Some(self.name.clone()),
            token: Some(token),
            mic: None,
        };
        Step::More(response.to_bytes(), self.wait(progress))
    }

    fn challenge(self, ntlm: &ntlm::Acceptor, negotiate: &[u8]) -> Result<Step, AuthError> {
        let (token, challenged) = ntlm.challenge(negotiate)?;
        Ok(self.more(token, Progress::Challenged(challenged)))
    }

    fn ticket(
        self,
        kerberos: kerberos::Acceptor,
        token: &[u8],
        mic: Option<&[u8]>,
        accounts: &dyn Accounts,
    ) -> Stepped {
        match kerberos.step(token, accounts)? {
            kerberos::Step::More(token, kerberos) => Ok(self.more(token, Progress::Kerberos(kerberos))),
            kerberos::Step::Done(token, account, protection) => {
                let token = (!token.is_empty()).then_some(token);
                self.completed(account, Box::new(protection), token, mic)
            }
        }
    }

    fn completed(
        self,
        account: Account,
        mut protection: Box<dyn Protect>,
        token: Option<Vec<u8>>,
        mic: Option<&[u8]>,
    ) -> Stepped {
        match self.last_word(&mut *protection, token, mic) {
            Ok(response) => Ok(Step::Done(response.to_bytes(), account, protection)),
            Err(error) => Err((account, error)),
        }
    }

    fn last_word(
        &self,
        protection: &mut dyn Protect,
        token: Option<Vec<u8>>,
        mic: Option<&[u8]>,
    ) -> Result<Response, AuthError> {
        let mut response = Response { state: Some(State::COMPLETED), token, ..Response::default() };
        match mic {
            Some(mic) => {
                protection.verify_apart(&self.list, mic)?;
                response.mic = Some(protection.sign_apart(&self.list)?);
            }
            None if self.is_second => return Err(AuthError::Refused),
            None => {}
        }
        Ok(response)
    }
}

fn token_of(response: &Response) -> Result<&[u8], AuthError> {
    response.token.as_deref().ok_or(AuthError::Malformed { what: "NegTokenResp has no token" })
}
