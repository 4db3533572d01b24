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
    /// The last message of the mechanism is on its way.
    Proving(Proven),
    Over,
}

/// What the mechanism has come to.
#[derive(Debug)]
struct Proven {
    protection: Box<dyn Protect>,
    /// Whether the server has, or gets, our signature of what was offered.
    is_list_signed: bool,
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

    /// A token of the mechanism came: the next one, if there is one. With the last goes the signature of what was offered, where that is needed.
    fn prove(&mut self, response: &Response) -> Result<Leg, AuthError> {
        if response.mechanism.as_deref().is_some_and(|mechanism| !self.names.contains(&mechanism)) {
            return Err(AuthError::Mechanism);
        }
        let missing = AuthError::Malformed { what: "NegTokenResp has no token" };
        let Leg { token, done } = self.mechanism.step(response.token.as_ref().ok_or(missing)?)?;
        let has_token = !token.is_empty();
        let mut answer = Response { token: has_token.then_some(token), ..Response::default() };
        let Some(mut protection) = done else {
            self.progress = Progress::Offering;
            return Ok(Leg { token: answer.to_bytes(), done: None });
        };
        if !has_token {
            return self.finish(Proven { protection, is_list_signed: false }, response);
        }
        if let Some(mic) = &response.mic {
            protection.verify_apart(&self.list, mic)?;
        }
        // NTLM's is always there ([MS-SPNG] 3.1.5.1); for others it is left out unless the server sends one, or asks for it (RFC 4178 5).
        let is_asked = response.mic.is_some() || response.state == Some(State::REQUEST_MIC);
        let is_list_signed = is_asked || self.mechanism.provider() == provider::NTLM;
        if is_list_signed {
            answer.mic = Some(protection.sign_apart(&self.list)?);
        }
        self.progress = Progress::Proving(Proven { protection, is_list_signed });
        Ok(Leg { token: answer.to_bytes(), done: None })
    }

    /// What the server says when the mechanism is over: the last word, or that it wants the list signed first, as Samba does it in the style of DCE. With one mechanism in the list there is nothing that a missing
    /// signature could hide (RFC 4178 5).
    fn finish(&mut self, mut proven: Proven, response: &Response) -> Result<Leg, AuthError> {
        if let Some(mic) = &response.mic {
            proven.protection.verify_apart(&self.list, mic)?;
        }
        match response.state {
            Some(State::COMPLETED) => Ok(Leg { token: Vec::new(), done: Some(proven.protection) }),
            Some(State::INCOMPLETE | State::REQUEST_MIC) if !proven.is_list_signed => {
                let mic = Some(proven.protection.sign_apart(&self.list)?);
                self.progress = Progress::Proving(Proven { is_list_signed: true, ..proven });
                Ok(Leg { token: Response { mic, ..Response::default() }.to_bytes(), done: None })
            }
            _ => Err(AuthError::Refused),
        }
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
            Progress::Proving(proven) => self.finish(proven, &response),
            Progress::Over => Err(AuthError::Malformed { what: "a token of SPNEGO comes after the last" }),
        }
    }
}
