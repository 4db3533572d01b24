use super::crypto::{self, Key, Way};
use super::{Authenticate, Challenge, Names, Negotiate, Protection, WANTED, agreed, name};
use crate::auth::{Account, AuthError, Initiate, Leg, NtHash, provider};
use crate::ndr::Writer;
use zeroize::Zeroizing;

/// Who wants to come in, and what has to be new each time.
#[derive(Clone)]
pub struct Credentials {
    /// Who it is.
    pub account: Account,
    /// Of the password.
    pub hash: NtHash,
    /// The service that is meant, such as `host/db1`, for a server that wants to know that nobody passes it on.
    pub service: String,
    /// 24 random bytes: the client's challenge and the session's key.
    pub random: Zeroizing<[u8; 24]>,
    /// The time in units of 100 ns since 1601, for a server that doesn't tell its own.
    pub time: u64,
}

/// The client's side ([MS-NLMP] 3.1.5.1).
#[derive(Debug)]
pub struct Initiator {
    credentials: Credentials,
    negotiate: Vec<u8>,
}

impl Initiator {
    /// A client that has sent nothing yet.
    pub fn new(credentials: Credentials) -> Self {
        Self { credentials, negotiate: Vec::new() }
    }

    /// The first message.
    pub fn negotiate(&mut self) -> Vec<u8> {
        self.negotiate = Negotiate { flags: WANTED }.to_bytes();
        self.negotiate.clone()
    }

    /// Takes the challenge: the last message, and what seals from now on ([MS-NLMP] 3.1.5.1.2).
    pub fn authenticate(&self, challenge: &[u8]) -> Result<(Vec<u8>, Protection), AuthError> {
        let message = Challenge::read(challenge)?;
        agreed(message.flags)?;
        let Credentials { account, hash, random, .. } = &self.credentials;
        if account.user.is_empty() {
            return Err(AuthError::Anonymous);
        }
        let has_time = message.names.time().is_some();
        let temp = self.temp(&message);
        let key = crypto::response_key(hash, &account.user, &account.domain);
        let proof = crypto::proof(&key, &message.challenge, &temp);
        let exchange = crypto::exchange_key(&key, &proof);
        let mut session_key: Key = Zeroizing::new([0; 16]);
        session_key.copy_from_slice(&random[8..]);
        // With the server's time there is no LMv2 response, but zeros ([MS-NLMP] 3.1.5.1.2); without it none is sent either: nobody needs it beside the other.
        let authenticate = Authenticate {
            flags: message.flags & WANTED,
            account: account.clone(),
            lm_response: vec![0; 24],
            response: [&proof[..], &temp].concat(),
            session_key: crypto::crypt_key(&exchange, &session_key).to_vec(),
        };
        let mut bytes = authenticate.to_bytes();
        if has_time {
            let mic = crypto::mic(&session_key, [&self.negotiate, challenge, &bytes]);
            Authenticate::set_mic(&mut bytes, &mic);
        }
        Ok((bytes, Protection::new(session_key, Way::ToServer)))
    }

    /// `NTLMv2_CLIENT_CHALLENGE` ([MS-NLMP] 2.2.2.7).
    fn temp(&self, challenge: &Challenge) -> Vec<u8> {
        let mut names: Names = challenge.names.clone();
        let time = names.time();
        if time.is_some() {
            names.set_mic();
        }
        names.set(name::BINDINGS, vec![0; 16]);
        names.set_text(name::TARGET, &self.credentials.service);
        let mut client_challenge = [0; 8];
        client_challenge.copy_from_slice(&self.credentials.random[..8]);
        client_challenge_block(time.unwrap_or(self.credentials.time), client_challenge, &names)
    }
}

/// `NTLMv2_CLIENT_CHALLENGE`, and the zeros after it ([MS-NLMP] 2.2.2.7, 3.3.2).
pub(super) fn client_challenge_block(time: u64, challenge: [u8; 8], names: &Names) -> Vec<u8> {
    let mut w = Writer::new();
    w.raw(&[1, 1, 0, 0, 0, 0, 0, 0]); // RespType, HiRespType, Reserved1, Reserved2
    w.raw(&time.to_le_bytes()); // TimeStamp
    w.raw(&challenge); // ChallengeFromClient
    w.raw(&[0; 4]); // Reserved3
    names.write(&mut w); // AvPairs
    w.raw(&[0; 4]);
    w.into_bytes()
}

impl Initiate for Initiator {
    fn provider(&self) -> u8 {
        provider::NTLM
    }

    fn start(&mut self) -> Vec<u8> {
        self.negotiate()
    }

    fn step(&mut self, token: &[u8]) -> Result<Leg, AuthError> {
        let (token, protection) = self.authenticate(token)?;
        Ok(Leg { token, done: Some(Box::new(protection)) })
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("account", &self.account).finish_non_exhaustive()
    }
}
