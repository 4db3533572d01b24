use super::{Init, NTLM, Response, State, Token};
use crate::auth::{Account, Accounts, AuthError, ntlm};

/// The server's side: whatever a client offers, it takes NTLM.
#[derive(Debug)]
pub struct Acceptor {
    list: Vec<u8>,
    /// Whether something else was offered before it: then the list has to be signed (RFC 4178 5).
    is_second: bool,
    progress: Progress,
}

#[derive(Debug)]
enum Progress {
    Fresh(ntlm::Acceptor),
    Challenged(ntlm::Challenged),
}

/// What comes of a token.
#[derive(Debug)]
pub enum Step {
    /// The token to send, and who waits for the next.
    More(Vec<u8>, Acceptor),
    /// The last token to send, and who came in.
    Done(Vec<u8>, Box<ntlm::Session>),
}

impl Acceptor {
    /// A server that has heard nothing yet.
    pub fn new(ntlm: ntlm::Acceptor) -> Self {
        Self { list: Vec::new(), is_second: false, progress: Progress::Fresh(ntlm) }
    }

    /// Takes a token. Whoever it is from comes with the error, as far as that is known.
    pub fn step(mut self, token: &[u8], accounts: &dyn Accounts) -> Result<Step, (Account, AuthError)> {
        let nobody = |error| (Account::default(), error);
        let token = Token::read(token).map_err(nobody)?;
        match (std::mem::take(&mut self.list), self.progress, token) {
            (list, Progress::Fresh(ntlm), Token::Init(init)) if list.is_empty() => {
                offered(ntlm, &init).map_err(nobody)
            }
            (list, Progress::Fresh(ntlm), Token::Response(response)) if !list.is_empty() => {
                let negotiate = token_of(&response).map_err(nobody)?;
                challenge(&ntlm, negotiate, list, self.is_second).map_err(nobody)
            }
            (list, Progress::Challenged(ntlm), Token::Response(response)) => {
                let authenticate = token_of(&response).map_err(nobody)?;
                let session = ntlm.accept(authenticate, accounts)?;
                match completed(&session, &list, self.is_second, response.mic.as_deref()) {
                    Ok(token) => Ok(Step::Done(token, Box::new(session))),
                    Err(error) => Err((session.account, error)),
                }
            }
            _ => Err(nobody(AuthError::Malformed { what: "a token of SPNEGO comes at the wrong time" })),
        }
    }
}

fn offered(ntlm: ntlm::Acceptor, init: &Init) -> Result<Step, AuthError> {
    let place = init.mechanisms.iter().position(|mechanism| mechanism == NTLM).ok_or(AuthError::Mechanism)?;
    let is_second = place > 0;
    if let (false, Some(token)) = (is_second, &init.token) {
        return challenge(&ntlm, token, init.list(), is_second);
    }
    // What came with the offer is of the first mechanism, or nothing.
    let state = if is_second { State::REQUEST_MIC } else { State::INCOMPLETE };
    let chosen = Response { state: Some(state), mechanism: Some(NTLM.to_vec()), ..Response::default() };
    let next = Acceptor { list: init.list(), is_second, progress: Progress::Fresh(ntlm) };
    Ok(Step::More(chosen.to_bytes(), next))
}

fn challenge(
    ntlm: &ntlm::Acceptor,
    negotiate: &[u8],
    list: Vec<u8>,
    is_second: bool,
) -> Result<Step, AuthError> {
    let (token, challenged) = ntlm.challenge(negotiate)?;
    let response = Response {
        state: Some(State::INCOMPLETE),
        mechanism: Some(NTLM.to_vec()),
        token: Some(token),
        mic: None,
    };
    Ok(Step::More(
        response.to_bytes(),
        Acceptor { list, is_second, progress: Progress::Challenged(challenged) },
    ))
}

fn completed(
    session: &ntlm::Session,
    list: &[u8],
    is_second: bool,
    mic: Option<&[u8]>,
) -> Result<Vec<u8>, AuthError> {
    let mut response = Response { state: Some(State::COMPLETED), ..Response::default() };
    match mic {
        Some(mic) => {
            session.protection.verify_apart(list, mic)?;
            response.mic = Some(session.protection.sign_apart(list).to_vec());
        }
        None if is_second => return Err(AuthError::Refused),
        None => {}
    }
    Ok(response.to_bytes())
}

fn token_of(response: &Response) -> Result<&[u8], AuthError> {
    response.token.as_deref().ok_or(AuthError::Malformed { what: "NegTokenResp has no token" })
}
