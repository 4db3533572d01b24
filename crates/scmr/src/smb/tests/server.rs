//! A server for tests, as small as it can be: it knows ann with the password "pw", and a pipe that gives back what was written into it.

use svckit_core::secret::Secret;
use svckit_core::time::WallTime;
use zeroize::Zeroizing;

use super::super::crypto::{Algorithm, Cipher, Encryption, Preauth, Signing};
use super::super::frame::{self, ENCRYPTED, Fields, HEADER, Header, NtStatus, command, flags};
use super::super::negotiate::Dialect;
use crate::auth::{Account, Accounts, AuthError, NtHash, kerberos, ntlm, spnego};

/// What it does wrong, or otherwise than at most times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twist {
    Nothing,
    /// Whoever comes is a guest.
    Guest,
    /// It doesn't sign the end of the logon.
    Unsigned,
    /// It signs it with another key.
    WrongSignature,
    /// It says another thing than before when it is asked once more.
    Downgraded,
    /// It answers the same question with an error.
    KnowsNoValidation,
    /// It has no such pipe.
    NoPipe,
    /// After the logon it answers in clear and unsigned.
    Plain,
    /// It says first that an answer comes later.
    Later,
    /// It knows dialect 2.1 only.
    Old,
    /// It takes one request at a time.
    Stingy,
    /// It says the last word of the logon with the status of those before.
    Endless,
}

pub(super) struct Server {
    pub(super) dialect: Dialect,
    pub(super) algorithm: Algorithm,
    pub(super) cipher: Option<Cipher>,
    pub(super) twist: Twist,
    input: Vec<u8>,
    preauth: Preauth,
    acceptor: Option<spnego::Acceptor>,
    signing: Option<Signing>,
    encryption: Option<Encryption>,
    /// What was written and isn't read yet, a message each.
    written: Vec<Vec<u8>>,
    /// The number of a read that waits.
    waiting: Option<u64>,
    /// Every fragment of every write.
    pub(super) writes: Vec<Vec<u8>>,
    pub(super) commands: Vec<u16>,
}

struct Ann;

impl Accounts for Ann {
    fn verifier(&self, account: &Account) -> Option<NtHash> {
        (account.user == "ann").then(|| NtHash::of(&Secret::from("pw")))
    }

    fn admits(&self, principal: &str) -> bool {
        principal == "ann@SHOP"
    }
}

const SESSION: u64 = 0x77;
const SERVER: [u8; 16] = *b"a server's guid.";
const CAN_ENCRYPT: u32 = 0x40;

impl Server {
    pub(super) fn new(dialect: Dialect, algorithm: Algorithm, cipher: Option<Cipher>, twist: Twist) -> Self {
        let ntlm = ntlm::Acceptor::new(ntlm::Identity::default(), *b"8 random", 133_000_000_000_000_000);
        Self {
            dialect,
            algorithm,
            cipher,
            twist,
            input: Vec::new(),
            preauth: Preauth::new(),
            acceptor: Some(spnego::Acceptor::new(ntlm)),
            signing: None,
            encryption: None,
            written: Vec::new(),
            waiting: None,
            writes: Vec::new(),
            commands: Vec::new(),
        }
    }

    /// The key that a program behind the pipe gets.
    pub(super) fn application_key(&self) -> Option<&[u8; 16]> {
        self.encryption.as_ref().map(Encryption::application_key)
    }

    /// The same, which takes tickets.
    pub(super) fn with_kerberos(mut self, kerberos: kerberos::Acceptor) -> Self {
        self.acceptor = self.acceptor.map(|acceptor| acceptor.with_kerberos(kerberos));
        self
    }

    /// Takes bytes of a client: those for it.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.input.extend_from_slice(bytes);
        let mut output = Vec::new();
        while let Some(message) = frame::take(&mut self.input).unwrap() {
            let message = match &self.encryption {
                Some(encryption) => encryption.open(SESSION, &message).unwrap(),
                None => message,
            };
            if let (Some(signing), None) = (&self.signing, &self.encryption) {
                signing.check(&message).unwrap();
            }
            self.answer(&message, &mut output);
        }
        output
    }

    fn answer(&mut self, message: &[u8], output: &mut Vec<u8>) {
        let fields = Fields::new(message, "a request");
        let (asked, number) = (fields.u16(12).unwrap(), fields.u64(24).unwrap());
        self.commands.push(asked);
        let body = &message[HEADER..];
        match asked {
            command::NEGOTIATE => {
                self.preauth.add(message);
                let body = self.negotiate();
                let answer = self.say(output, asked, number, NtStatus::SUCCESS, &body);
                self.preauth.add(&answer);
            }
            command::SESSION_SETUP => self.set_up(message, number, output),
            command::TREE_CONNECT => {
                let body = [16, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 1, 0x1f, 0];
                self.say(output, asked, number, NtStatus::SUCCESS, &body);
            }
            command::IOCTL if self.twist == Twist::KnowsNoValidation => {
                self.say(
                    output,
                    asked,
                    number,
                    NtStatus::INVALID_DEVICE_REQUEST,
                    &[9, 0, 0, 0, 0, 0, 0, 0, 0],
                );
            }
            command::IOCTL => {
                let body = self.validation();
                self.say(output, asked, number, NtStatus::SUCCESS, &body);
            }
            command::CREATE if self.twist == Twist::NoPipe => {
                let status = NtStatus::OBJECT_NAME_NOT_FOUND;
                self.say(output, asked, number, status, &[9, 0, 0, 0, 0, 0, 0, 0, 0]);
            }
            command::CREATE => {
                let mut body = vec![0; 88];
                body[0] = 89;
                body[64..80].copy_from_slice(b"number of a pipe");
                self.say(output, asked, number, NtStatus::SUCCESS, &body);
            }
            command::WRITE => {
                let data = body[48..].to_vec();
                self.writes.push(data.clone());
                let length = u32::try_from(data.len()).unwrap().to_le_bytes();
                self.written.push(data);
                let body = [&[17, 0, 0, 0][..], &length, &[0; 8]].concat();
                self.say(output, asked, number, NtStatus::SUCCESS, &body);
                if let Some(waiting) = self.waiting.take() {
                    self.read(waiting, output);
                }
            }
            command::READ if self.written.is_empty() => {
                self.waiting = Some(number);
                self.say_later(number, output);
            }
            command::READ => {
                if self.twist == Twist::Later {
                    self.say_later(number, output);
                }
                self.read(number, output);
            }
            command::CLOSE | command::LOGOFF => {
                self.say(output, asked, number, NtStatus::SUCCESS, &[4, 0, 0, 0]);
            }
            other => panic!("{other}"),
        }
    }

    fn read(&mut self, number: u64, output: &mut Vec<u8>) {
        let data = self.written.remove(0);
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        let body = [&[17, 0, 80, 0][..], &length, &[0; 8], &data].concat();
        self.say(output, command::READ, number, NtStatus::SUCCESS, &body);
    }

    fn say_later(&mut self, number: u64, output: &mut Vec<u8>) {
        self.say(output, command::READ, number, NtStatus::PENDING, &[9, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    fn said(&self) -> (u32, u16) {
        let dialect = match self.dialect {
            _ if self.twist == Twist::Old => 0x0210,
            Dialect::V3_0 => 0x0300,
            Dialect::V3_0_2 => 0x0302,
            Dialect::V3_1_1 => 0x0311,
        };
        (if self.cipher.is_some() { CAN_ENCRYPT } else { 0 }, dialect)
    }

    fn negotiate(&self) -> Vec<u8> {
        let (capabilities, dialect) = self.said();
        let signing = match self.algorithm {
            Algorithm::Cmac => 1_u16,
            Algorithm::Gmac => 2,
        };
        let cipher = self.cipher.map(|cipher| match cipher {
            Cipher::Aes128Ccm => 1_u16,
            Cipher::Aes128Gcm => 2,
            Cipher::Aes256Ccm => 3,
            Cipher::Aes256Gcm => 4,
        });
        let mut contexts = vec![(1_u16, [&[1, 0, 4, 0, 1, 0], &b"salt"[..]].concat())];
        contexts.push((8, [[1, 0], signing.to_le_bytes()].concat()));
        contexts.extend(cipher.map(|cipher| (2, [[1, 0], cipher.to_le_bytes()].concat())));
        let mut body = Vec::new();
        body.extend([65, 0, 3, 0]);
        body.extend(dialect.to_le_bytes());
        body.extend((contexts.len() as u16).to_le_bytes());
        body.extend(SERVER);
        body.extend(capabilities.to_le_bytes());
        body.extend([0, 0, 1, 0].repeat(3));
        body.extend([0; 16]);
        body.extend([128, 0, 0, 0, 128, 0, 0, 0]);
        if self.dialect == Dialect::V3_1_1 {
            for (kind, data) in contexts {
                body.resize(body.len().next_multiple_of(8), 0);
                body.extend(kind.to_le_bytes());
                body.extend((data.len() as u16).to_le_bytes());
                body.extend([0; 4]);
                body.extend(data);
            }
        }
        body
    }

    fn set_up(&mut self, message: &[u8], number: u64, output: &mut Vec<u8>) {
        self.preauth.add(message);
        let acceptor = self.acceptor.take().unwrap();
        match acceptor.step(&message[HEADER + 24..], &Ann) {
            Ok(spnego::Step::More(token, next)) => {
                self.acceptor = Some(next);
                let status = NtStatus::MORE_PROCESSING_REQUIRED;
                let answer = self.say(output, command::SESSION_SETUP, number, status, &token_body(0, &token));
                self.preauth.add(&answer);
            }
            Ok(spnego::Step::Done(token, _, protection)) => {
                let key = protection.session_key().unwrap();
                let guest = u16::from(self.twist == Twist::Guest);
                let key = if self.twist == Twist::WrongSignature { Zeroizing::new(vec![1; 16]) } else { key };
                let signing = Signing::new(self.dialect, self.algorithm, &key, &self.preauth);
                self.signing = (self.twist != Twist::Unsigned).then_some(signing);
                let body = token_body(guest, &token);
                let status = match self.twist {
                    Twist::Endless => NtStatus::MORE_PROCESSING_REQUIRED,
                    _ => NtStatus::SUCCESS,
                };
                self.say(output, command::SESSION_SETUP, number, status, &body);
                self.encryption = self
                    .cipher
                    .map(|cipher| Encryption::new(self.dialect, cipher, &key, &self.preauth).reversed());
            }
            // Windows says it in this way, with a status as if something could follow.
            Err((_, AuthError::Kerberos(code))) => {
                let time = WallTime::of_file_time(133_000_000_000_000_000);
                let response = spnego::Response {
                    state: Some(spnego::State::INCOMPLETE),
                    token: Some(kerberos::error_token(code, time)),
                    ..spnego::Response::default()
                };
                let (status, body) =
                    (NtStatus::MORE_PROCESSING_REQUIRED, token_body(0, &response.to_bytes()));
                self.say(output, command::SESSION_SETUP, number, status, &body);
            }
            Err(_) => {
                let status = NtStatus::LOGON_FAILURE;
                self.say(output, command::SESSION_SETUP, number, status, &[9, 0, 0, 0, 0, 0, 0, 0, 0]);
            }
        }
    }

    fn validation(&self) -> Vec<u8> {
        let (capabilities, dialect) = self.said();
        let mode = if self.twist == Twist::Downgraded { 1 } else { 3_u16 };
        let mut body = vec![0; 48];
        body[0] = 49;
        body[32] = 112;
        body[36] = 24;
        body.extend(capabilities.to_le_bytes());
        body.extend(SERVER);
        body.extend(mode.to_le_bytes());
        body.extend(dialect.to_le_bytes());
        body
    }

    /// Writes an answer; what it is in clear.
    fn say(
        &mut self,
        output: &mut Vec<u8>,
        command: u16,
        number: u64,
        status: NtStatus,
        body: &[u8],
    ) -> Vec<u8> {
        let is_later = status == NtStatus::PENDING;
        let is_plain = self.twist == Twist::Plain && command == command::TREE_CONNECT;
        let is_signed = self.signing.is_some() && self.encryption.is_none() && !is_later && !is_plain;
        let mut message = Vec::new();
        Header {
            credits: if self.twist == Twist::Stingy || is_later { 1 } else { 8 },
            status,
            command,
            flags: flags::ANSWER
                | if is_later { flags::ASYNC } else { 0 }
                | if is_signed { flags::SIGNED } else { 0 },
            next: 0,
            message: number,
            tree: 5,
            session: SESSION,
        }
        .write(&mut message);
        message.extend_from_slice(body);
        if let Some(signing) = self.signing.as_ref().filter(|_| is_signed) {
            signing.sign(&mut message).unwrap();
        }
        match &mut self.encryption {
            Some(encryption) if !is_plain => {
                let sealed = encryption.seal(SESSION, &message).unwrap();
                assert!(sealed.starts_with(&ENCRYPTED));
                frame::write(output, &sealed);
            }
            _ => frame::write(output, &message),
        }
        message
    }
}

fn token_body(flags: u16, token: &[u8]) -> Vec<u8> {
    let length = u16::try_from(token.len()).unwrap();
    [&[9, 0][..], &flags.to_le_bytes(), &[72, 0], &length.to_le_bytes(), token].concat()
}
