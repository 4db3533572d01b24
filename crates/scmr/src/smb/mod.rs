//! A named pipe of another machine over SMB ([MS-SMB2]), the client's side, without I/O: bytes of the server go in, bytes for the server come out.
//!
//! It is what `ncacn_np` takes and no more: negotiation, a logon with what [`crate::auth`] knows, `IPC$`, one pipe, reading and writing it. Every message after the logon is encrypted if the server can, and signed
//! otherwise; guests and whoever is nobody aren't wanted, nor are dialects before 3.0, which can't encrypt and let anybody choose for both sides. What is for files is not there.
//!
//! Randomness is an argument. Everything that a server can make it hold is bounded.

mod connecting;
mod conversation;
mod crypto;
mod frame;
mod message;
mod negotiate;
mod pipe;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::auth::AuthError;

pub use connecting::{Connecting, Progress, Request};
pub use crypto::Cipher;
pub use frame::NtStatus;
pub use negotiate::Dialect;
pub use pipe::Pipe;

/// Why there is no pipe, or no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SmbError {
    /// It isn't SMB, or broken.
    #[error("a message of SMB is malformed: {what}")]
    Malformed {
        /// The part of it.
        what: &'static str,
    },
    /// An answer to something that nobody asked, or at the wrong time.
    #[error("an answer to SMB command {command} came out of turn")]
    OutOfTurn {
        /// The command.
        command: u16,
    },
    /// It knows none of the dialects that are safe.
    #[error("it speaks no SMB from version 3.0 on")]
    Dialect,
    /// Who one is can't be shown, or not safely.
    #[error(transparent)]
    Security(#[from] AuthError),
    /// The server lets in anybody: then it knows nobody, and neither side can sign.
    #[error("it takes who logs on for a guest")]
    Guest,
    /// A message that has to be signed or encrypted isn't.
    #[error("it does not sign what it sends")]
    Unsigned,
    /// A signature doesn't fit.
    #[error("a message was altered on its way")]
    Altered,
    /// Somebody changed what both sides said before they knew each other.
    #[error("what the two sides can was altered while they negotiated")]
    Downgraded,
    /// The server refuses something.
    #[error("{during}: {status}")]
    Refused {
        /// What was asked for.
        during: During,
        /// Its answer.
        status: NtStatus,
    },
}

/// Reads bytes as everything that a server sends, whichever it is: for who tries that none of it does harm. What is signed or encrypted isn't read so otherwise without the key.
#[doc(hidden)]
pub fn read_as_anything(bytes: &[u8]) {
    let mut input = bytes.to_vec();
    while let Ok(Some(message)) = frame::take(&mut input) {
        let _ = frame::Header::read(&message);
        read_body(message.get(frame::HEADER..).unwrap_or_default());
        let preauth = crypto::Preauth::new();
        let _ =
            crypto::Signing::new(Dialect::V3_0, crypto::Algorithm::Cmac, b"key", &preauth).check(&message);
        let _ = crypto::Encryption::new(Dialect::V3_0, Cipher::Aes128Ccm, b"key", &preauth).open(0, &message);
    }
    read_body(bytes);
}

fn read_body(body: &[u8]) {
    let agreed = negotiate::Agreed::read(body);
    let _ = message::validated(body).and_then(|output| agreed.map(|agreed| agreed.confirm(output)));
    let _ = message::session_token(body);
    let _ = message::check_share(body);
    let _ = message::created(body);
    let _ = message::written(body);
    let _ = message::data(body);
}

/// What a server is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum During {
    /// The dialect.
    Negotiation,
    /// To let somebody in.
    Logon,
    /// The share of pipes.
    Share,
    /// What it said while negotiating, once more.
    Validation,
    /// The pipe.
    Open,
    /// To give what came through the pipe, or take something.
    Use,
}

impl fmt::Display for During {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Negotiation => "it refuses to negotiate",
            Self::Logon => "it refuses the logon",
            Self::Share => "it refuses its share of pipes, IPC$",
            Self::Validation => "it refuses to confirm what was negotiated",
            Self::Open => "it refuses the pipe",
            Self::Use => "the pipe failed",
        })
    }
}
