//! Requests and answers of one connection: numbers, credits, and what protects them.

use std::fmt;

use super::SmbError;
use super::crypto::{Encryption, Signing};
use super::frame::{self, ENCRYPTED, HEADER, Header, NtStatus, flags};

/// How many credits are asked for with each request: more than are ever used at once.
const CREDITS: u16 = 16;

/// The number of messages that nobody asked for.
const UNASKED: u64 = u64::MAX;

/// What protects messages after the logon.
pub(super) enum Protection {
    Signing(Signing),
    Encryption(Encryption),
}

/// A connection: requests in the order of their numbers, as many as the server allows.
pub(super) struct Conversation {
    input: Vec<u8>,
    output: Vec<u8>,
    next: u64,
    credits: u32,
    pub(super) session: u64,
    pub(super) tree: u32,
    protection: Option<Protection>,
}

/// An answer.
pub(super) struct Answer {
    pub(super) header: Header,
    /// The message, header and all.
    pub(super) whole: Vec<u8>,
}

impl Answer {
    /// What follows the header.
    pub(super) fn body(&self) -> &[u8] {
        &self.whole[HEADER..]
    }
}

impl Conversation {
    pub(super) fn new() -> Self {
        Self {
            input: Vec::new(),
            output: Vec::new(),
            next: 0,
            credits: 1,
            session: 0,
            tree: 0,
            protection: None,
        }
    }

    /// Everything is protected from now on.
    pub(super) fn protect(&mut self, protection: Protection) {
        self.protection = Some(protection);
    }

    pub(super) fn protection(&self) -> Option<&Protection> {
        self.protection.as_ref()
    }

    /// Whether the server takes another request now.
    pub(super) fn may_ask(&self) -> bool {
        self.credits > 0
    }

    /// Sends a request: its number, and the message as it is without protection.
    pub(super) fn ask(&mut self, command: u16, body: &[u8]) -> Result<(u64, Vec<u8>), SmbError> {
        let number = self.next;
        self.next += 1;
        self.credits =
            self.credits.checked_sub(1).ok_or(SmbError::Malformed { what: "no credits are left" })?;
        let is_signed = matches!(self.protection, Some(Protection::Signing(_)));
        let mut message = Vec::with_capacity(HEADER + body.len());
        Header {
            credits: CREDITS,
            status: NtStatus::SUCCESS,
            command,
            flags: if is_signed { flags::SIGNED } else { 0 },
            next: 0,
            message: number,
            tree: self.tree,
            session: self.session,
        }
        .write(&mut message);
        message.extend_from_slice(body);
        match &mut self.protection {
            Some(Protection::Encryption(encryption)) => {
                frame::write(&mut self.output, &encryption.seal(self.session, &message)?);
            }
            Some(Protection::Signing(signing)) => {
                signing.sign(&mut message)?;
                frame::write(&mut self.output, &message);
            }
            None => frame::write(&mut self.output, &message),
        }
        Ok((number, message))
    }

    pub(super) fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// The next answer that came, if one did. That one will come later is no answer.
    pub(super) fn answer(&mut self) -> Result<Option<Answer>, SmbError> {
        while let Some(message) = frame::take(&mut self.input)? {
            let Some(answer) = self.open(message)? else { continue };
            self.credits = self.credits.saturating_add(answer.header.credits.into());
            if answer.header.status == NtStatus::PENDING && answer.header.flags & flags::ASYNC != 0 {
                continue;
            }
            return Ok(Some(answer));
        }
        Ok(None)
    }

    /// Takes the protection off a message. `None`: it says nothing that anybody needs to know.
    fn open(&self, message: Vec<u8>) -> Result<Option<Answer>, SmbError> {
        let is_encrypted = message.starts_with(&ENCRYPTED);
        let whole = match (&self.protection, is_encrypted) {
            (Some(Protection::Encryption(encryption)), true) => encryption.open(self.session, &message)?,
            (Some(Protection::Encryption(_)), false) => return Err(SmbError::Unsigned),
            (_, true) => return Err(SmbError::Malformed { what: "it is encrypted without a key" }),
            (_, false) => message,
        };
        let header = Header::read(&whole)?;
        if header.next != 0 {
            return Err(SmbError::Malformed { what: "answers are bundled that were not asked for so" });
        }
        if header.message == UNASKED {
            return Ok(None);
        }
        // That an answer will come later is not signed ([MS-SMB2] 3.2.5.1.3); all that is believed of it is the number of credits.
        let is_later = header.status == NtStatus::PENDING && header.flags & flags::ASYNC != 0;
        if let Some(Protection::Signing(signing)) = &self.protection
            && !is_later
        {
            signing.check(&whole)?;
        }
        Ok(Some(Answer { header, whole }))
    }
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { next, credits, session, .. } = self;
        f.debug_struct("Conversation")
            .field("next", next)
            .field("credits", credits)
            .field("session", session)
            .finish_non_exhaustive()
    }
}
