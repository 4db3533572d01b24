use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::crypto::{self, Way};
use super::{Authenticate, Challenge, Names, Negotiate, Protection, WANTED, agreed, flags, name};
use crate::auth::{Account, Accounts, AuthError, NtHash};

/// A response of NTLMv1 has this length, and no other ([MS-NLMP] 2.2.2.6).
const OLD_RESPONSE: usize = 24;

/// `NTLMv2_CLIENT_CHALLENGE` up to its names ([MS-NLMP] 2.2.2.7).
const BLOCK: usize = 28;

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Its name.
    pub computer: String,
    /// The domain that it belongs to, or its name once more.
    pub domain: String,
}

/// The server's side ([MS-NLMP] 3.2.5.1), before a client has said anything.
#[derive(Debug, Clone)]
pub struct Acceptor {
    identity: Identity,
    challenge: [u8; 8],
    time: u64,
}

/// The server's side when the challenge is on its way.
#[derive(Debug, Clone)]
pub struct Challenged {
    challenge: [u8; 8],
    messages: [Vec<u8>; 2],
}

/// Somebody who is known.
#[derive(Debug)]
pub struct Session {
    /// Who it is.
    pub account: Account,
    /// What seals from now on.
    pub protection: Protection,
}

impl Acceptor {
    /// A server with a challenge, eight random bytes that were never used before, and the time in units of 100 ns since 1601.
    pub fn new(identity: Identity, challenge: [u8; 8], time: u64) -> Self {
        Self { identity, challenge, time }
    }

    /// Takes the first message: the challenge to send ([MS-NLMP] 3.2.5.1.1).
    pub fn challenge(&self, negotiate: &[u8]) -> Result<(Vec<u8>, Challenged), AuthError> {
        let wanted = Negotiate::read(negotiate)?.flags;
        agreed(wanted)?;
        let mut names = Names::default();
        names.set_text(name::DOMAIN, &self.identity.domain);
        names.set_text(name::COMPUTER, &self.identity.computer);
        names.set_text(name::DNS_DOMAIN, &self.identity.domain);
        names.set_text(name::DNS_COMPUTER, &self.identity.computer);
        names.set(name::TIME, self.time.to_le_bytes().to_vec());
        let message = Challenge {
            flags: wanted & WANTED | flags::TARGET_INFO | flags::TARGET_SERVER | flags::NTLM,
            challenge: self.challenge,
            target: self.identity.computer.clone(),
            names,
        };
        let bytes = message.to_bytes();
        let messages = [negotiate.to_vec(), bytes.clone()];
        Ok((bytes, Challenged { challenge: self.challenge, messages }))
    }
}

impl Challenged {
    /// Takes the last message ([MS-NLMP] 3.2.5.1.2). Whoever it says it is comes with the error, as far as that can be read.
    ///
    /// User, proof and MIC are compared at the end and all together: a name that isn't known takes as long as a wrong password, and looks the same.
    pub fn accept(self, bytes: &[u8], accounts: &dyn Accounts) -> Result<Session, (Account, AuthError)> {
        let message = Authenticate::read(bytes).map_err(|error| (Account::default(), error))?;
        match self.verify(&message, bytes, accounts) {
            Ok(protection) => Ok(Session { account: message.account, protection }),
            Err(error) => Err((message.account, error)),
        }
    }

    fn verify(
        &self,
        message: &Authenticate,
        bytes: &[u8],
        accounts: &dyn Accounts,
    ) -> Result<Protection, AuthError> {
        let Authenticate { account, response, .. } = message;
        if message.flags & flags::ANONYMOUS != 0 || account.user.is_empty() || response.is_empty() {
            return Err(AuthError::Anonymous);
        }
        if response.len() == OLD_RESPONSE {
            return Err(AuthError::Old);
        }
        agreed(message.flags)?;
        let malformed = AuthError::Malformed { what: "the response of NTLMv2 is too short" };
        let (proof, temp) = response.split_first_chunk::<16>().ok_or(malformed)?;
        let names = temp.get(BLOCK..).ok_or(malformed)?;
        if temp[..2] != [1, 1] {
            return Err(AuthError::Old);
        }
        let has_mic = Names::read(names)?.has_mic();
        let session_key = <&[u8; 16]>::try_from(message.session_key.as_slice())
            .map_err(|_| AuthError::Malformed { what: "the key of the session has not 16 bytes" })?;

        let found = accounts.verifier(account);
        let is_known = Choice::from(u8::from(found.is_some()));
        let hash = found.unwrap_or_else(|| NtHash::from([0; 16]));
        let key = crypto::response_key(&hash, &account.user, &account.domain);
        let is_proven = crypto::proof(&key, &self.challenge, temp).ct_eq(proof);
        let session_key = crypto::crypt_key(&crypto::exchange_key(&key, proof), session_key);
        let is_whole = if has_mic { self.has_right_mic(&session_key, bytes)? } else { Choice::from(1) };
        if !bool::from(is_known & is_proven & is_whole) {
            return Err(AuthError::Refused);
        }
        Ok(Protection::new(session_key, Way::ToClient))
    }

    fn has_right_mic(&self, session_key: &crypto::Key, bytes: &[u8]) -> Result<Choice, AuthError> {
        let mut bytes = Zeroizing::new(bytes.to_vec());
        let mic = Authenticate::take_mic(&mut bytes)?;
        let [negotiate, challenge] = &self.messages;
        Ok(crypto::mic(session_key, [negotiate, challenge, &bytes]).ct_eq(&mic))
    }
}
