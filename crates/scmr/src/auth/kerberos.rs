//! Kerberos in the style of DCE ([MS-KILE] 3.4.5, [MS-RPCE] 2.2.1.1.7): three tokens, AP-REQ, AP-REP and AP-REP once more; or, where SMB protects what is sent, with the first two of them (RFC 4121). What they mean
//! is known by a [`Context`], which the system's GSSAPI has; here it is fitted into connections.

use std::ops::Range;

use svckit_core::calendar::rfc3339;
use svckit_core::kerberos::{Code, Context, Failure};
use svckit_core::time::WallTime;
use zeroize::{Zeroize, Zeroizing};

use super::spnego::der::{self, Elements, element, field};
use super::{Account, Accounts, AuthError, Initiate, Leg, Protect, provider};

/// The object identifiers: 1.2.840.48018.1.2.2, as Windows' first version had it ([MS-SPNG] 3.1.5.2), which is still named first by all, and 1.2.840.113554.1.2.2 (RFC 4121 4.1).
pub const MECHANISMS: [&[u8]; 2] = [
    &[0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 0x01, 0x02, 0x02],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02],
];

/// What is within the frame of GSSAPI: `KRB_AP_REQ`, `KRB_ERROR` (RFC 4121 4.1).
const REQUEST_TOKEN: [u8; 2] = [1, 0];
const ERROR_TOKEN: [u8; 2] = [3, 0];

/// `KRB-ERROR` (RFC 4120 5.9.1), its tag and number.
const ERROR_TAG: u8 = 0x7e;
const ERROR_TYPE: u8 = 30;
const VERSION: u8 = 5;

const INTEGER: u8 = 0x02;
const GENERALIZED_TIME: u8 = 0x18;
const GENERAL_STRING: u8 = 0x1b;

/// The client's side.
#[derive(Debug)]
pub struct Initiator {
    /// The first token, until it is sent.
    first: Vec<u8>,
    context: Option<Box<dyn Context>>,
}

impl Initiator {
    /// A client whose context has made its first token: what can go wrong with tickets has gone wrong by then.
    pub fn new(context: Box<dyn Context>, first: Vec<u8>) -> Self {
        Self { first, context: Some(context) }
    }
}

impl Initiate for Initiator {
    fn provider(&self) -> u8 {
        provider::KERBEROS
    }

    fn start(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.first)
    }

    fn step(&mut self, token: &[u8]) -> Result<Leg, AuthError> {
        if let Some(code) = error_code(token) {
            return Err(AuthError::Kerberos(code));
        }
        let late = AuthError::Malformed { what: "a token of Kerberos comes after the last" };
        let mut context = self.context.take().ok_or(late)?;
        let step = context.step(token).map_err(|failure| refused(&failure))?;
        if step.is_done {
            return Ok(Leg { token: step.token, done: Some(Box::new(Protection(context))) });
        }
        self.context = Some(context);
        Ok(Leg { token: step.token, done: None })
    }
}

/// The server's side.
#[derive(Debug)]
pub struct Acceptor {
    context: Box<dyn Context>,
    tell: fn(&Failure),
}

/// What comes of a token.
#[derive(Debug)]
pub enum Step {
    /// The token to send, and who waits for the next.
    More(Vec<u8>, Acceptor),
    /// The last token to send, who came in, and what seals from now on.
    Done(Vec<u8>, Account, Protection),
}

impl Acceptor {
    /// A server that has heard nothing yet. `tell` hears what the library says of a failure, which is more than the client may know.
    pub fn new(context: Box<dyn Context>, tell: fn(&Failure)) -> Self {
        Self { context, tell }
    }

    /// Takes a token.
    pub fn step(mut self, token: &[u8], accounts: &dyn Accounts) -> Result<Step, (Account, AuthError)> {
        let failed = |failure: &Failure| {
            (self.tell)(failure);
            (Account::default(), refused(failure))
        };
        // In the style of DCE there is no frame; impacket has one all the same, and Windows doesn't mind.
        let token = unframed(token, REQUEST_TOKEN).unwrap_or(token);
        let step = self.context.step(token).map_err(|failure| failed(&failure))?;
        if !step.is_done {
            return Ok(Step::More(step.token, self));
        }
        let account =
            Account { user: self.context.peer().map_err(|failure| failed(&failure))?, ..Account::default() };
        if !accounts.admits(&account.user) {
            return Err((account, AuthError::Refused));
        }
        Ok(Step::Done(step.token, account, Protection(self.context)))
    }
}

/// What seals the packets of a connection.
#[derive(Debug)]
pub struct Protection(Box<dyn Context>);

impl Protect for Protection {
    fn signature_length(&self) -> usize {
        self.0.signature_length()
    }

    /// If the library fails, nothing of the packet is sent: the other side gets zeros, which it does not take for a packet.
    fn seal(&mut self, packet: &mut [u8], part: Range<usize>) -> Vec<u8> {
        self.0.seal(packet, part.clone()).unwrap_or_else(|_| {
            packet[part].zeroize();
            vec![0; self.0.signature_length()]
        })
    }

    fn open(&mut self, packet: &mut [u8], part: Range<usize>, signature: &[u8]) -> Result<(), AuthError> {
        self.0.open(packet, part, signature).map_err(|_| AuthError::Altered)
    }

    fn session_key(&self) -> Option<Zeroizing<Vec<u8>>> {
        self.0.session_key().ok()
    }

    fn sign_apart(&mut self, text: &[u8]) -> Result<Vec<u8>, AuthError> {
        self.0.sign(text).map_err(|failure| refused(&failure))
    }

    fn verify_apart(&mut self, text: &[u8], signature: &[u8]) -> Result<(), AuthError> {
        self.0.verify(text, signature).map_err(|_| AuthError::Altered)
    }

    /// Kerberos signs what it is given: headers as well, if both sides say that they do.
    fn always_signs_headers(&self) -> bool {
        false
    }
}

fn refused(failure: &Failure) -> AuthError {
    AuthError::Kerberos(failure.code.unwrap_or(Code::GENERIC))
}

/// `KRB-ERROR` in the frame of GSSAPI, as Windows answers a client whose AP-REQ it doesn't take. It has no name of a server: the client knows whom it has asked.
pub(crate) fn error_token(code: Code, time: WallTime) -> Vec<u8> {
    // What only the library knows has no number in the protocol.
    let code = u8::try_from(code.0).ok().filter(|code| *code < 0x80).unwrap_or(Code::GENERIC.0 as u8);
    let number = |place, value: u8| element(field(place), &element(INTEGER, &[value]));
    let digits: Vec<u8> = rfc3339(time).bytes().filter(u8::is_ascii_digit).take(14).chain([b'Z']).collect();
    let no_name = [number(0, 0), element(field(1), &element(der::SEQUENCE, &[]))].concat();
    let fields = [
        number(0, VERSION),
        number(1, ERROR_TYPE),
        element(field(4), &element(GENERALIZED_TIME, &digits)),
        number(5, 0),
        number(6, code),
        element(field(9), &element(GENERAL_STRING, &[])),
        element(field(10), &element(der::SEQUENCE, &no_name)),
    ];
    let error = element(ERROR_TAG, &element(der::SEQUENCE, &fields.concat()));
    element(der::APPLICATION, &[&element(der::OBJECT, MECHANISMS[1])[..], &ERROR_TOKEN, &error].concat())
}

/// The code of a `KRB-ERROR`, with or without the frame of GSSAPI; `None`: it is something else.
fn error_code(token: &[u8]) -> Option<Code> {
    let error = unframed(token, ERROR_TOKEN).unwrap_or(token);
    let error = Elements(error).optional(ERROR_TAG).ok()??;
    let mut fields = Elements(Elements(error).optional(der::SEQUENCE).ok()??);
    for place in 0..6 {
        fields.optional(field(place)).ok()?;
    }
    let number = Elements(fields.optional(field(6)).ok()??).optional(INTEGER).ok()??;
    // A negative number, or one of more than four bytes, is none.
    let is_one = number.len() <= 4 && number.first().is_some_and(|byte| *byte < 0x80);
    is_one.then(|| Code(number.iter().fold(0, |code, byte| code << 8 | u32::from(*byte))))
}

/// What is in the frame of GSSAPI (RFC 2743 3.1), if it is this.
fn unframed(token: &[u8], kind: [u8; 2]) -> Option<&[u8]> {
    let mut inner = Elements(Elements(token).optional(der::APPLICATION).ok()??);
    inner.optional(der::OBJECT).ok()??;
    inner.0.strip_prefix(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_comes_back_in_its_frame_and_without_it() {
        let time = WallTime::of_file_time(134_000_000_000_000_000);
        let token = error_token(Code::SKEW, time);
        assert_eq!(error_code(&token), Some(Code::SKEW));
        let at = token.iter().position(|byte| *byte == ERROR_TAG).unwrap();
        // impacket, too, looks for it there.
        assert_eq!(at, 15);
        assert_eq!(error_code(&token[at..]), Some(Code::SKEW));
        assert_eq!(error_code(&error_token(Code::NOT_IN_KEYTAB, time)), Some(Code::GENERIC));
        assert!(token.windows(15).any(|found| found == b"20250818141320Z"));
        for end in 0..token.len() {
            assert_eq!(error_code(&token[..end]), None, "{end}");
        }
        assert_eq!(error_code(b"\x6f\x03\x30\x01\x00"), None, "AP-REP is none");
    }
}
