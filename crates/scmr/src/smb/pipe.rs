//! An open pipe: what is written comes out at the other end, what is written there can be read here.

use std::collections::VecDeque;

use svckit_core::secret::Secret;

use super::conversation::{Answer, Conversation, Protection};
use super::crypto::Cipher;
use super::frame::{NtStatus, command};
use super::message::{self, FileId};
use super::{During, SmbError};
use crate::ops::Password;
use crate::pdu::{HEADER, MAX_FRAGMENT};

/// What is read at once: a fragment of RPC.
const READ: u32 = 8 * 1024;

/// Where a fragment of RPC says how long it is (`frag_length`, C706 12.6.3.1).
const FRAGMENT_LENGTH: std::ops::Range<usize> = 8..10;

/// An open pipe. Each fragment of RPC is a message in it, and a write of its own: one after the other, since a server may do them in any order. A read is on its way whenever something is waited for.
#[derive(Debug)]
pub struct Pipe {
    talk: Conversation,
    file: FileId,
    /// What isn't sent yet.
    fragments: VecDeque<Vec<u8>>,
    /// The number of the write that isn't answered, and how long it is.
    writing: Option<(u64, usize)>,
    reading: Option<u64>,
    is_wanted: bool,
    has_ended: bool,
    data: Vec<u8>,
}

impl Pipe {
    pub(super) fn new(talk: Conversation, file: FileId) -> Self {
        Self {
            talk,
            file,
            fragments: VecDeque::new(),
            writing: None,
            reading: None,
            is_wanted: false,
            has_ended: false,
            data: Vec::new(),
        }
    }

    /// Writes whole fragments of RPC, and waits for what comes back.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), SmbError> {
        while !bytes.is_empty() {
            let said =
                bytes.get(FRAGMENT_LENGTH).map_or(0, |said| usize::from(said[0]) | usize::from(said[1]) << 8);
            let length = if said < HEADER { bytes.len() } else { said.min(bytes.len()) };
            let (fragment, rest) = bytes.split_at(length.min(MAX_FRAGMENT.into()));
            self.fragments.push_back(fragment.to_vec());
            bytes = rest;
        }
        self.want()
    }

    /// Asks for more of what the other end writes, unless that was done.
    pub fn want(&mut self) -> Result<(), SmbError> {
        self.is_wanted = true;
        self.go_on()
    }

    /// What has to be sent to the server.
    pub fn take_output(&mut self) -> Vec<u8> {
        self.talk.take_output()
    }

    /// Takes bytes of the server.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), SmbError> {
        self.talk.receive(bytes);
        while let Some(answer) = self.talk.answer()? {
            self.take(&answer)?;
        }
        self.go_on()
    }

    /// What came through the pipe.
    pub fn take_data(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.data)
    }

    /// Whether nothing more can come.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// How messages are encrypted; `None`: they are only signed.
    pub fn cipher(&self) -> Option<Cipher> {
        match self.talk.protection() {
            Some(Protection::Encryption(encryption)) => Some(encryption.cipher()),
            _ => None,
        }
    }

    /// The password of an account as it has to be in calls through this pipe ([MS-SCMR] 3.1.4.12); `None` if the pipe is only signed: then everybody could hear what protects it.
    pub fn password(&self, text: &Secret) -> Option<Password> {
        match self.talk.protection() {
            Some(Protection::Encryption(encryption)) => {
                Some(Password::encrypted(text.as_str(), encryption.application_key()))
            }
            _ => None,
        }
    }

    /// Closes the pipe and logs off; answers to that say nothing of interest.
    pub fn close(&mut self) -> Result<(), SmbError> {
        self.has_ended = true;
        for (command, body) in
            [(command::CLOSE, message::close(&self.file)), (command::LOGOFF, message::logoff())]
        {
            // Without credits there is only the end of the connection.
            if self.talk.may_ask() {
                self.talk.ask(command, &body)?;
            }
        }
        Ok(())
    }

    /// Sends what may be sent.
    fn go_on(&mut self) -> Result<(), SmbError> {
        if self.writing.is_none()
            && self.talk.may_ask()
            && let Some(fragment) = self.fragments.pop_front()
        {
            let (number, _) = self.talk.ask(command::WRITE, &message::write(&self.file, &fragment))?;
            self.writing = Some((number, fragment.len()));
        }
        let may_read = self.is_wanted && self.reading.is_none() && !self.has_ended;
        if may_read && self.fragments.is_empty() && self.talk.may_ask() {
            self.reading = Some(self.talk.ask(command::READ, &message::read(&self.file, READ))?.0);
        }
        Ok(())
    }

    fn take(&mut self, answer: &Answer) -> Result<(), SmbError> {
        let (number, status) = (answer.header.message, answer.header.status);
        match answer.header.command {
            command::WRITE if self.writing.is_some_and(|(writing, _)| writing == number) => {
                let length = self.writing.take().map_or(0, |(_, length)| length);
                match status {
                    NtStatus::SUCCESS if message::written(answer.body())? == length => Ok(()),
                    NtStatus::SUCCESS => Err(SmbError::Malformed { what: "a part of a write was left out" }),
                    status => self.stop(status),
                }
            }
            command::READ if self.reading == Some(number) => {
                self.reading = None;
                match status {
                    NtStatus::SUCCESS | NtStatus::BUFFER_OVERFLOW => {
                        let data = message::data(answer.body())?;
                        if data.len() > READ as usize {
                            return Err(SmbError::Malformed { what: "more was read than was asked for" });
                        }
                        // A read that brought nothing is repeated only when somebody asks again.
                        self.is_wanted = false;
                        self.data.extend_from_slice(data);
                        Ok(())
                    }
                    status => self.stop(status),
                }
            }
            // The connection is on its way to its end.
            command::CLOSE | command::LOGOFF | command::READ | command::WRITE if self.has_ended => Ok(()),
            command => Err(SmbError::OutOfTurn { command }),
        }
    }

    /// The end of the pipe, or what went wrong with it.
    fn stop(&mut self, status: NtStatus) -> Result<(), SmbError> {
        match status {
            NtStatus::END_OF_FILE
            | NtStatus::PIPE_DISCONNECTED
            | NtStatus::PIPE_CLOSING
            | NtStatus::PIPE_BROKEN
            | NtStatus::FILE_CLOSED => {
                self.has_ended = true;
                Ok(())
            }
            status if self.has_ended => {
                let _ = status;
                Ok(())
            }
            status => Err(SmbError::Refused { during: During::Use, status }),
        }
    }
}
