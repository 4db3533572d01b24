use super::{Init, NTLM, Response, State, Token};
use crate::auth::{AuthError, Initiate, Leg, Protect, kerberos, ntlm, provider};

/// The client's side: it offers one mechanism alone, and its first message with the offer.
#[derive(Debug)]
pub struct Initiator {
    mechanism: Box<dyn Initiate>,
    /// The identifiers that stand for it.
    names: &'static [&'static [u8]],
    list: Vec<u8>,
    progress: Progress,
}

#[derive(Debug)]
enum Progress {
    Offering,
    /// The last message is on its way.
    Proving(Box<dyn Protect>),
    Over,
}

impl Initiator {
    /// A client with NTLM that has sent nothing yet.
    pub fn new(credentials: ntlm::Credentials) -> Self {
        Self::around(Box::new(ntlm::Initiator::new(credentials)), &[NTLM])
    }

    /// The same with Kerberos.
    pub fn kerberos(kerberos: kerberos::Initiator) -> Self {
        Self::around(Box::new(kerberos), &kerberos::MECHANISMS)
    }

    fn around(mechanism: Box<dyn Initiate>, names: &'static [&'static [u8]]) -> Self {
        Self { mechanism, names, list: Vec::new(), progress: Progress::Offering }
    }

    /// A token of the mechanism came: the next one. With the last goes the signature of what was offered, where that is needed. If the server has said the last word of both, nothing goes.
    fn prove(&mut self, response: &Response) -> Result<Leg, AuthError> {
        if response.mechanism.as_deref().is_some_and(|mechanism| !self.names.contains(&mechanism)) {
            return Err(AuthError::Mechanism);
        }
        let missing = AuthError::Malformed { what: "NegTokenResp has no token" };
        let Leg { token, done } = self.mechanism.step(response.token.as_ref().ok_or(missing)?)?;
        let has_token = !token.is_empty();
        let mut answer = Response { token: has_token.then_some(token), ..Response::default() };
        match done {
            None => self.progress = Progress::Offering,
            Some(protection) if !has_token && response.state == Some(State::COMPLETED) => {
                return self.finish(protection, response);
            }
            Some(mut protection) => {
                if let Some(mic) = &response.mic {
                    protection.verify_apart(&self.list, mic)?;
                }
                // NTLM's is always there ([MS-SPNG] 3.1.5.1); for others it is left out unless the server sends one, asks for it, or waits for it (RFC 4178 5).
                let is_asked = response.mic.is_some() || response.state == Some(State::REQUEST_MIC);
                if is_asked || !has_token || self.mechanism.provider() == provider::NTLM {
                    answer.mic = Some(protection.sign_apart(&self.list)?);
                }
                self.progress = Progress::Proving(protection);
            }
        }
        Ok(Leg { token: answer.to_bytes(), done: None })
    }

    /// The server's last word. With one mechanism in the list there is nothing that a missing signature could hide (RFC 4178 5).
    fn finish(&self, mut protection: Box<dyn Protect>, response: &Response) -> Result<Leg, AuthError> {
        if response.state != Some(State::COMPLETED) {
            return Err(AuthError::Refused);
        }
        if let Some(mic) = &response.mic {
            protection.verify_apart(&self.list, mic)?;
        }
        Ok(Leg { token: Vec::new(), done: Some(protection) })
    }

    /// Why the server refuses, if it says so; only Kerberos has words for it.
    fn rejected(&mut self, response: &Response) -> AuthError {
        let told = response.token.as_ref().map(|token| self.mechanism.step(token));
        match told {
            Some(Err(error @ AuthError::Kerberos(_))) => error,
            _ => AuthError::Refused,
        }
    }
}

impl Initiate for Initiator {
    fn provider(&self) -> u8 {
        provider::SPNEGO
    }

    fn start(&mut self) -> Vec<u8> {
        let mechanisms = self.names.iter().map(|name| name.to_vec()).collect();
        let mut init = Init { mechanisms, token: None };
        self.list = init.list();
        init.token = Some(self.mechanism.start());
        init.to_bytes()
    }

    fn step(&mut self, token: &[u8]) -> Result<Leg, AuthError> {
        let response = Token::read_response(token)?;
        if response.state == Some(State::REJECT) {
            return Err(self.rejected(&response));
        }
        match std::mem::replace(&mut self.progress, Progress::Over) {
            Progress::Offering => self.prove(&response),
            Progress::Proving(protection) => self.finish(protection, &response),
            Progress::Over => Err(AuthError::Malformed { what: "a token of SPNEGO comes after the last" }),
        }
    }
}
