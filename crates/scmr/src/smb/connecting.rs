//! The way to a pipe: negotiation, logon, share, pipe.

use std::fmt;

use zeroize::Zeroizing;

use super::conversation::{Answer, Conversation, Protection};
use super::crypto::{Encryption, Preauth, Signing};
use super::frame::{NtStatus, command};
use super::negotiate::{Agreed, Dialect, Offer};
use super::{During, Pipe, SmbError, message};
use crate::auth::{AuthError, Initiate, Protect};

/// What is wanted, and what has to be new each time.
#[derive(Clone)]
pub struct Request {
    /// The name or address of the machine, as it was given.
    pub host: String,
    /// The name of the pipe, without `\pipe\`.
    pub pipe: String,
    /// Random bytes.
    pub random: [u8; 48],
}

/// A connection that is being made.
#[derive(Debug)]
pub struct Connecting {
    talk: Conversation,
    request: Request,
    offer: Offer,
    security: Box<dyn Initiate>,
    preauth: Preauth,
    /// The number of the request that has to be answered.
    asked: u64,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Negotiating,
    LoggingOn(Agreed, Option<Box<dyn Protect>>),
    Sharing(Agreed),
    Validating(Agreed),
    Opening,
}

/// How far it has come.
#[derive(Debug)]
pub enum Progress {
    /// There may be something to send, and more is needed.
    Connecting(Connecting),
    /// The pipe is open.
    Open(Pipe),
}

impl Connecting {
    /// A new connection, and the bytes that begin it.
    pub fn start(request: Request, security: Box<dyn Initiate>) -> Result<(Self, Vec<u8>), SmbError> {
        let mut offer = Offer { client: [0; 16], salt: [0; 32] };
        offer.client.copy_from_slice(&request.random[..16]);
        offer.salt.copy_from_slice(&request.random[16..]);
        let mut talk = Conversation::new();
        let mut preauth = Preauth::new();
        let (asked, message) = talk.ask(command::NEGOTIATE, &offer.body())?;
        preauth.add(&message);
        let hello = talk.take_output();
        let stage = Stage::Negotiating;
        Ok((Self { talk, request, offer, security, preauth, asked, stage }, hello))
    }

    /// What has to be sent to the server before it answers again.
    pub fn take_output(&mut self) -> Vec<u8> {
        self.talk.take_output()
    }

    /// Takes bytes of the server.
    pub fn receive(mut self, bytes: &[u8]) -> Result<Progress, SmbError> {
        self.talk.receive(bytes);
        while let Some(answer) = self.talk.answer()? {
            if answer.header.message != self.asked {
                return Err(SmbError::OutOfTurn { command: answer.header.command });
            }
            match self.proceed(&answer)? {
                Progress::Connecting(more) => self = more,
                open => return Ok(open),
            }
        }
        Ok(Progress::Connecting(self))
    }

    fn proceed(mut self, answer: &Answer) -> Result<Progress, SmbError> {
        let expected = match self.stage {
            Stage::Negotiating => command::NEGOTIATE,
            Stage::LoggingOn(..) => command::SESSION_SETUP,
            Stage::Sharing(_) => command::TREE_CONNECT,
            Stage::Validating(_) => command::IOCTL,
            Stage::Opening => command::CREATE,
        };
        if answer.header.command != expected {
            return Err(SmbError::OutOfTurn { command: answer.header.command });
        }
        match std::mem::replace(&mut self.stage, Stage::Negotiating) {
            Stage::Negotiating => self.negotiated(answer)?,
            Stage::LoggingOn(agreed, done) => self.log_on(agreed, done, answer)?,
            Stage::Sharing(agreed) => self.shared(agreed, answer)?,
            Stage::Validating(agreed) => self.validated(&agreed, answer)?,
            Stage::Opening => {
                succeeded(answer, During::Open)?;
                return Ok(Progress::Open(Pipe::new(self.talk, message::created(answer.body())?)));
            }
        }
        Ok(Progress::Connecting(self))
    }

    fn negotiated(&mut self, answer: &Answer) -> Result<(), SmbError> {
        // Who knows none of the dialects says that it isn't supported.
        if answer.header.status == NtStatus::NOT_SUPPORTED {
            return Err(SmbError::Dialect);
        }
        succeeded(answer, During::Negotiation)?;
        self.preauth.add(&answer.whole);
        let agreed = Agreed::read(answer.body())?;
        let token = self.security.start();
        self.set_up(agreed, None, &token)
    }

    /// Sends a token.
    fn set_up(
        &mut self,
        agreed: Agreed,
        done: Option<Box<dyn Protect>>,
        token: &[u8],
    ) -> Result<(), SmbError> {
        let (asked, sent) = self.talk.ask(command::SESSION_SETUP, &message::session_setup(token))?;
        self.preauth.add(&sent);
        self.asked = asked;
        self.stage = Stage::LoggingOn(agreed, done);
        Ok(())
    }

    fn log_on(
        &mut self,
        agreed: Agreed,
        done: Option<Box<dyn Protect>>,
        answer: &Answer,
    ) -> Result<(), SmbError> {
        match answer.header.status {
            NtStatus::MORE_PROCESSING_REQUIRED => {
                self.talk.session = answer.header.session;
                self.preauth.add(&answer.whole);
                let leg = self.security.step(message::session_token(answer.body())?)?;
                if leg.token.is_empty() {
                    return Err(SmbError::Malformed { what: "the logon is over, and shall go on" });
                }
                self.set_up(agreed, leg.done, &leg.token)
            }
            NtStatus::SUCCESS => {
                self.talk.session = answer.header.session;
                let token = message::session_token(answer.body())?;
                let done = match done {
                    Some(done) => done,
                    None => self.security.step(token)?.done.ok_or(AuthError::Refused)?,
                };
                self.logged_on(agreed, &*done, answer)
            }
            status => Err(SmbError::Refused { during: During::Logon, status }),
        }
    }

    /// The last word of the logon is signed with what came of it; everything after is protected ([MS-SMB2] 3.2.5.3.1).
    fn logged_on(&mut self, agreed: Agreed, done: &dyn Protect, answer: &Answer) -> Result<(), SmbError> {
        let missing = AuthError::Weak { what: "a key of the session" };
        let key: Zeroizing<Vec<u8>> = done.session_key().ok_or(missing)?;
        let signing = Signing::new(agreed.dialect, agreed.algorithm, &key, &self.preauth);
        signing.check(&answer.whole)?;
        self.talk.protect(match agreed.cipher {
            Some(cipher) => {
                Protection::Encryption(Encryption::new(agreed.dialect, cipher, &key, &self.preauth))
            }
            None => Protection::Signing(signing),
        });
        self.ask(command::TREE_CONNECT, &message::tree_connect(&self.request.host), Stage::Sharing(agreed))
    }

    fn shared(&mut self, agreed: Agreed, answer: &Answer) -> Result<(), SmbError> {
        succeeded(answer, During::Share)?;
        message::check_share(answer.body())?;
        self.talk.tree = answer.header.tree;
        // From 3.1.1 on the keys depend on what was negotiated.
        if agreed.dialect == Dialect::V3_1_1 {
            return self.open_pipe();
        }
        self.ask(command::IOCTL, &message::validate(&self.offer.repeated()), Stage::Validating(agreed))
    }

    /// A server that doesn't know this says so, and nobody else can: then nobody took the better dialects out ([MS-SMB2] 3.2.5.14.12).
    fn validated(&mut self, agreed: &Agreed, answer: &Answer) -> Result<(), SmbError> {
        match answer.header.status {
            NtStatus::SUCCESS => agreed.confirm(message::validated(answer.body())?)?,
            NtStatus::FILE_CLOSED
            | NtStatus::NOT_SUPPORTED
            | NtStatus::INVALID_DEVICE_REQUEST
            | NtStatus::FS_DRIVER_REQUIRED => {}
            status => return Err(SmbError::Refused { during: During::Validation, status }),
        }
        self.open_pipe()
    }

    fn open_pipe(&mut self) -> Result<(), SmbError> {
        self.ask(command::CREATE, &message::create(&self.request.pipe), Stage::Opening)
    }

    fn ask(&mut self, command: u16, body: &[u8], stage: Stage) -> Result<(), SmbError> {
        self.asked = self.talk.ask(command, body)?.0;
        self.stage = stage;
        Ok(())
    }
}

fn succeeded(answer: &Answer, during: During) -> Result<(), SmbError> {
    match answer.header.status {
        NtStatus::SUCCESS => Ok(()),
        status => Err(SmbError::Refused { during, status }),
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r"\\{}\pipe\{}", self.host, self.pipe)
    }
}

impl fmt::Debug for Preauth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Preauth")
    }
}
