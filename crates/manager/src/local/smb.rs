//! The pipe of another machine's service control manager over SMB, as a stream.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use svckit_core::kerberos::Code;
use svckit_core::secret::Secret;
use svckit_core::{Error, Result, Win32Error};
use svckit_os::{clock, errno, random};
use svckit_scmr::auth::{AuthError, Initiate};
use svckit_scmr::ops::Password;
use svckit_scmr::smb::{Connecting, During, NtStatus, Pipe, Progress, Request, SmbError};

use super::remote::exchange;
use crate::remote::Remote;
use crate::wire::{Credential, Transport};

/// The pipe of service control managers ([MS-SCMR] 2.1.1).
const PIPE: &str = "svcctl";

/// How much is taken from the connection at once.
const BUFFER: usize = 16 * 1024;

/// An open pipe, and the connection under it.
#[derive(Debug)]
pub(super) struct Stream {
    stream: TcpStream,
    pipe: Pipe,
    /// What came through the pipe that nobody has read yet, from `read` on.
    data: Vec<u8>,
    read: usize,
    buffer: Box<[u8]>,
    is_finished: bool,
}

/// Logs on and opens the pipe, within the limit.
pub(super) fn open(remote: &Remote, mut stream: TcpStream, initiate: Box<dyn Initiate>) -> Result<Stream> {
    let mut random = [0; 48];
    random::fill(&mut random).map_err(|error| {
        let cause = format!("the system has no randomness: {}", errno::describe(&error));
        remote.error(errno::win32(&error), cause)
    })?;
    let request = Request { host: remote.host().to_owned(), pipe: PIPE.to_owned(), random };
    let deadline = clock::now().tick + remote.limit();
    let (mut connecting, mut bytes) =
        Connecting::start(request, initiate).map_err(|error| refused(remote, error))?;
    let mut buffer = vec![0; BUFFER].into_boxed_slice();
    loop {
        let count =
            exchange(&mut stream, &bytes, &mut buffer, deadline).map_err(|error| lost(remote, &error))?;
        connecting = match connecting.receive(&buffer[..count]).map_err(|error| refused(remote, error))? {
            Progress::Connecting(more) => more,
            Progress::Open(pipe) => {
                let protection = pipe.cipher().map_or("signing".to_owned(), |cipher| cipher.to_string());
                tracing::debug!(host = remote.host(), protection, "the pipe is open over SMB");
                return Ok(Stream { stream, pipe, data: Vec::new(), read: 0, buffer, is_finished: false });
            }
        };
        bytes = connecting.take_output();
    }
}

impl Stream {
    fn flush_pipe(&mut self) -> io::Result<()> {
        let output = self.pipe.take_output();
        if output.is_empty() { Ok(()) } else { self.stream.write_all(&output) }
    }

    /// What is left of what came.
    fn rest(&self) -> &[u8] {
        &self.data[self.read..]
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // After the farewell there is nothing to wait for but the end of the connection.
        while self.is_finished {
            if self.stream.read(&mut self.buffer)? == 0 {
                return Ok(0);
            }
        }
        if self.rest().is_empty() && !self.pipe.has_ended() {
            self.pipe.want().map_err(broken)?;
            self.flush_pipe()?;
            let count = self.stream.read(&mut self.buffer)?;
            if count == 0 {
                return Ok(0);
            }
            self.pipe.receive(&self.buffer[..count]).map_err(broken)?;
            self.flush_pipe()?;
            (self.data, self.read) = (self.pipe.take_data(), 0);
            if self.data.is_empty() && !self.pipe.has_ended() {
                // Something came, but nothing through the pipe: how long to wait yet is for the caller to say.
                return Err(io::ErrorKind::Interrupted.into());
            }
        }
        let count = self.rest().len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.rest()[..count]);
        self.read += count;
        Ok(count)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pipe.write(bytes).map_err(broken)?;
        self.flush_pipe()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Stream {
    /// Windows' fragments at a pipe have 4280 bytes, and each takes a read that goes there and back.
    const FIRST_BUFFER: u32 = 4 * 1024;

    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.stream.set_read_timeout(limit)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.is_finished = true;
        self.pipe.close().map_err(broken)?;
        self.flush_pipe()?;
        self.stream.shutdown(Shutdown::Write)
    }

    fn password(&self, clear: &Secret) -> Option<Password> {
        self.pipe.password(clear)
    }
}

fn broken(error: SmbError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

fn lost(remote: &Remote, error: &io::Error) -> Box<Error> {
    let at = remote.at(remote.smb());
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            let cause = format!(
                "what listens at {at} did not answer as SMB does within {} s",
                remote.limit().as_secs_f32()
            );
            remote.error(Win32Error::WAIT_TIMEOUT, cause)
        }
        _ => {
            let cause = format!("what listens at {at} ended the connection: {}", errno::describe(error));
            remote.error(Win32Error::RPC_S_SERVER_UNAVAILABLE, cause)
        }
    }
}

/// Why there is no pipe, for who has to do something about it.
fn refused(remote: &Remote, error: SmbError) -> Box<Error> {
    let at = remote.at(remote.smb());
    let credential = if remote.ticket().is_some() { Credential::Ticket } else { Credential::Password };
    let (code, cause) = match error {
        SmbError::Refused { during: During::Logon, status } => {
            let (code, why) = logon(status, credential);
            (code, why.map_or_else(|| format!("{at} refuses the logon: {status}"), str::to_owned))
        }
        SmbError::Security(AuthError::Kerberos(code)) => {
            (code.win32(), format!("the server does not take the ticket: {code}"))
        }
        SmbError::Refused { during: During::Open, status: NtStatus::OBJECT_NAME_NOT_FOUND } => {
            let cause = format!(r"there is no service control manager: \pipe\{PIPE} does not exist at {at}");
            (Win32Error::RPC_S_SERVER_UNAVAILABLE, cause)
        }
        SmbError::Refused { during, status: NtStatus::ACCESS_DENIED } => {
            let cause = format!("who logged on may not come in there: {during}");
            (Win32Error::ACCESS_DENIED, cause)
        }
        SmbError::Refused { .. } => {
            (Win32Error::RPC_S_SERVER_UNAVAILABLE, format!("SMB at {at} is of no use: {error}"))
        }
        SmbError::Security(AuthError::Refused) => {
            (Win32Error::LOGON_FAILURE, not_let_in(credential).to_owned())
        }
        SmbError::Guest => {
            let cause = "the user name is wrong: the server knows nobody of that name, and would take anybody as a guest, whom it can't tell from others".to_owned();
            (Win32Error::LOGON_FAILURE, cause)
        }
        SmbError::Security(_) | SmbError::Unsigned | SmbError::Altered | SmbError::Downgraded => {
            let mechanism = credential.mechanism();
            let cause = format!("the server does not agree to SMB with signatures and {mechanism}: {error}");
            (Win32Error::RPC_S_SEC_PKG_ERROR, cause)
        }
        SmbError::Dialect => {
            (Win32Error::RPC_S_PROTOCOL_ERROR, format!("the server at {at} is too old: {error}"))
        }
        SmbError::Malformed { .. } | SmbError::OutOfTurn { .. } => {
            (Win32Error::RPC_S_PROTOCOL_ERROR, format!("what listens at {at} does not speak SMB: {error}"))
        }
    };
    remote.error(code, cause)
}

/// Servers don't say what of it is so.
fn not_let_in(credential: Credential) -> &'static str {
    match credential {
        Credential::Password => "the user name or password is wrong",
        Credential::Ticket => {
            "the server does not take the ticket: its key is not the one that the ticket was made for, or its user has no account there"
        }
    }
}

/// What a refused logon is about, where the server says it.
fn logon(status: NtStatus, credential: Credential) -> (Win32Error, Option<&'static str>) {
    let (code, why) = match status {
        NtStatus::LOGON_FAILURE | NtStatus::NO_SUCH_USER | NtStatus::WRONG_PASSWORD => {
            (Win32Error::LOGON_FAILURE, not_let_in(credential))
        }
        // Samba's word for it.
        NtStatus::ACCESS_DENIED if credential == Credential::Ticket => (
            Win32Error::LOGON_FAILURE,
            "the ticket is right, but its user has no account there, or may not come over the network",
        ),
        NtStatus::INVALID_PARAMETER if credential == Credential::Ticket => {
            (Win32Error::RPC_S_SEC_PKG_ERROR, "the server does not take Kerberos")
        }
        NtStatus::TIME_DIFFERENCE_AT_DC => (Code::SKEW.win32(), Code::SKEW.meaning().unwrap_or_default()),
        NtStatus::NO_LOGON_SERVERS => {
            (Win32Error::NO_LOGON_SERVERS, "the server finds no domain controller that knows who comes")
        }
        NtStatus::ACCOUNT_LOCKED_OUT => {
            (Win32Error::ACCOUNT_LOCKED_OUT, "the account is locked after too many wrong passwords")
        }
        NtStatus::ACCOUNT_DISABLED => (Win32Error::ACCOUNT_DISABLED, "the account is disabled"),
        NtStatus::ACCOUNT_EXPIRED => (Win32Error::ACCOUNT_EXPIRED, "the account has expired"),
        NtStatus::PASSWORD_EXPIRED => (Win32Error::PASSWORD_EXPIRED, "the password has expired"),
        NtStatus::PASSWORD_MUST_CHANGE => {
            (Win32Error::PASSWORD_MUST_CHANGE, "the password has to be changed before the first logon")
        }
        NtStatus::LOGON_TYPE_NOT_GRANTED => {
            (Win32Error::LOGON_TYPE_NOT_GRANTED, "the account may not come over the network")
        }
        NtStatus::ACCOUNT_RESTRICTION => (
            Win32Error::ACCOUNT_RESTRICTION,
            "a restriction of the account forbids it, such as that an empty password is not for the network",
        ),
        NtStatus::INVALID_LOGON_HOURS => {
            (Win32Error::INVALID_LOGON_HOURS, "the account may not log on at this hour")
        }
        NtStatus::INVALID_WORKSTATION => {
            (Win32Error::LOGON_FAILURE, "the account may not log on from this machine")
        }
        NtStatus::NTLM_BLOCKED => (Win32Error::RPC_S_SEC_PKG_ERROR, "NTLM is forbidden there by policy"),
        NtStatus::ACCESS_DENIED => (Win32Error::ACCESS_DENIED, "the server lets nobody in who comes so"),
        _ => return (Win32Error::RPC_S_SERVER_UNAVAILABLE, None),
    };
    (code, Some(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_status_says_depends_on_what_was_shown() {
        use Credential::{Password, Ticket};
        for (status, credential, code, said) in [
            (
                NtStatus::LOGON_FAILURE,
                Password,
                Win32Error::LOGON_FAILURE,
                "the user name or password is wrong",
            ),
            (NtStatus::LOGON_FAILURE, Ticket, Win32Error::LOGON_FAILURE, "does not take the ticket"),
            (NtStatus::ACCESS_DENIED, Password, Win32Error::ACCESS_DENIED, "lets nobody in"),
            (NtStatus::ACCESS_DENIED, Ticket, Win32Error::LOGON_FAILURE, "its user has no account there"),
            (NtStatus::INVALID_PARAMETER, Ticket, Win32Error::RPC_S_SEC_PKG_ERROR, "does not take Kerberos"),
            (NtStatus::TIME_DIFFERENCE_AT_DC, Ticket, Win32Error::TIME_SKEW, "the clocks"),
            (NtStatus::TIME_DIFFERENCE_AT_DC, Password, Win32Error::TIME_SKEW, "the clocks"),
            (NtStatus::NO_LOGON_SERVERS, Ticket, Win32Error::NO_LOGON_SERVERS, "no domain controller"),
            (NtStatus::ACCOUNT_LOCKED_OUT, Ticket, Win32Error::ACCOUNT_LOCKED_OUT, "the account is locked"),
        ] {
            let (found, why) = logon(status, credential);
            assert_eq!(found, code, "{status}, {credential:?}");
            assert!(why.is_some_and(|why| why.contains(said)), "{status}, {credential:?}: {why:?}");
        }
        let unknown = (Win32Error::RPC_S_SERVER_UNAVAILABLE, None);
        assert_eq!(logon(NtStatus::INVALID_PARAMETER, Password), unknown);
        assert_eq!(logon(NtStatus(0xc000_ffff), Ticket), unknown);
    }
}
