use super::{Init, NTLM, Response, State, Token};
use crate::auth::{AuthError, Initiate, Leg, Protect, ntlm, provider};

/// The client's side: it offers NTLM alone, and its first message with the offer.
#[derive(Debug)]
pub struct Initiator {
    list: Vec<u8>,
    progress: Progress,
}

#[derive(Debug)]
enum Progress {
    Offering(ntlm::Initiator),
    /// The last message is on its way.
    Proving(Box<ntlm::Protection>),
    Over,
}

impl Initiator {
    /// A client that has sent nothing yet.
    pub fn new(credentials: ntlm::Credentials) -> Self {
        Self { list: Vec::new(), progress: Progress::Offering(ntlm::Initiator::new(credentials)) }
    }

    /// The challenge came: the last message, with the signature of what was offered.
    fn prove(&mut self, ntlm: &ntlm::Initiator, response: &Response) -> Result<Leg, AuthError> {
        if response.mechanism.as_deref().is_some_and(|mechanism| mechanism != NTLM) {
            return Err(AuthError::Mechanism);
        }
        let missing = AuthError::Malformed { what: "NegTokenResp has no token" };
        let (token, protection) = ntlm.authenticate(response.token.as_ref().ok_or(missing)?)?;
        let mic = Some(protection.sign_apart(&self.list).to_vec());
        self.progress = Progress::Proving(Box::new(protection));
        let token = Response { token: Some(token), mic, ..Response::default() }.to_bytes();
        Ok(Leg { token, done: None })
    }

    /// The server's last word. With one mechanism in the list there is nothing that a missing signature could hide (RFC 4178 5).
    fn finish(&self, protection: Box<ntlm::Protection>, response: &Response) -> Result<Leg, AuthError> {
        if response.state != Some(State::COMPLETED) {
            return Err(AuthError::Refused);
        }
        if let Some(mic) = &response.mic {
            protection.verify_apart(&self.list, mic)?;
        }
        Ok(Leg { token: Vec::new(), done: Some(protection as Box<dyn Protect>) })
    }
}

impl Initiate for Initiator {
    fn provider(&self) -> u8 {
        provider::SPNEGO
    }

    fn start(&mut self) -> Vec<u8> {
        let mut init = Init { mechanisms: vec![NTLM.to_vec()], token: None };
        self.list = init.list();
        if let Progress::Offering(ntlm) = &mut self.progress {
            init.token = Some(ntlm.negotiate());
        }
        init.to_bytes()
    }

    fn step(&mut self, token: &[u8]) -> Result<Leg, AuthError> {
        let response = Token::read_response(token)?;
        if response.state == Some(State::REJECT) {
            return Err(AuthError::Refused);
        }
        match std::mem::replace(&mut self.progress, Progress::Over) {
            Progress::Offering(ntlm) => self.prove(&ntlm, &response),
            Progress::Proving(protection) => self.finish(protection, &response),
            Progress::Over => Err(AuthError::Malformed { what: "a token of SPNEGO comes after the last" }),
        }
    }
}
