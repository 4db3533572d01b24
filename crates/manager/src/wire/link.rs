use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::native::{Reply, Request};
use svckit_core::secret::Secret;
use svckit_core::time::Tick;
use svckit_os::{clock, errno};
use svckit_scmr::auth::{AuthError, Initiate};
use svckit_scmr::client::{Binding, Client, Outcome, Progress};
use svckit_scmr::ops::{Answer, Call, MAX_PASSWORD, Password};
use svckit_scmr::pdu::{ProtocolError, Status};

use super::{Credential, Transport};
use crate::remote::Ticket;

/// How long the other side has to say good-bye.
const FAREWELL: Duration = Duration::from_secs(2);

/// How many UTF-16 code units of a password fit into a call, with its terminator ([MS-SCMR] 2.2.56).
const MOST_IN_CLEAR: usize = MAX_PASSWORD as usize / 2 - 1;

/// The same of one that is encrypted, in blocks of 8 bytes after one for its length.
const MOST_ENCRYPTED: usize = (MAX_PASSWORD as usize / 8 - 1) * 8 / 2 - 1;

/// Why a call brought no answer.
#[derive(Debug)]
pub(super) struct LinkError {
    pub(super) code: Win32Error,
    pub(super) cause: String,
}

/// Why a sealed connection was not made.
#[derive(Debug)]
pub(super) enum NotOpened {
    /// The server doesn't know the mechanism; nothing that is secret was said.
    Mechanism(LinkError),
    /// Anything else.
    Other(LinkError),
}

/// A stream with the client's machine on it.
pub(super) struct Link<S> {
    stream: S,
    client: Client,
    buffer: Box<[u8]>,
    /// Outcomes of calls that nobody has asked for yet.
    outcomes: BTreeMap<u32, Outcome>,
    works: bool,
    credential: Credential,
    /// As long as it isn't known whether who came was let in.
    ticket: Option<Ticket>,
    /// Whether the server is this machine's.
    is_here: bool,
}

impl<S: Transport> Link<S> {
    /// Binds to the interfaces of this machine's service control manager.
    pub(super) fn open(mut stream: S) -> Result<Self, LinkError> {
        let (mut binding, hello) = Binding::start();
        stream.write_all(&hello).map_err(lost)?;
        let mut buffer = vec![0; 64 * 1024].into_boxed_slice();
        loop {
            let count = read(&mut stream, &mut buffer)?;
            match binding.receive(&buffer[..count])? {
                Progress::Binding(more) => binding = more,
                Progress::Ready(client) => {
                    let own = Self::new(stream, client, buffer, Credential::Password, None);
                    return Ok(Self { is_here: true, ..own });
                }
            }
        }
    }

    /// Binds to the interfaces of another machine's, until `deadline`, by a stream that has shown it who comes.
    pub(super) fn open_known(mut stream: S, deadline: Tick) -> Result<Self, LinkError> {
        let (mut binding, hello) = Binding::start();
        stream.write_all(&hello).map_err(lost)?;
        let mut buffer = vec![0; 64 * 1024].into_boxed_slice();
        let credential = Credential::Password;
        loop {
            let count = read_until(&mut stream, &mut buffer, deadline)?;
            let progress = binding.receive(&buffer[..count]);
            match progress.map_err(|error| LinkError::from(not_bound(error, credential)))? {
                Progress::Binding(more) => binding = more,
                Progress::Ready(client) => return Ok(Self::new(stream, client, buffer, credential, None)),
            }
        }
    }

    fn new(
        stream: S,
        client: Client,
        buffer: Box<[u8]>,
        credential: Credential,
        ticket: Option<Ticket>,
    ) -> Self {
        let outcomes = BTreeMap::new();
        Self { stream, client, buffer, outcomes, works: true, credential, ticket, is_here: false }
    }

    /// Binds to the interfaces of a server that wants to know who comes, until `deadline`.
    pub(super) fn open_sealed(
        stream: S,
        initiate: Box<dyn Initiate>,
        credential: Credential,
        deadline: Tick,
        ticket: Ticket,
    ) -> Result<Self, NotOpened> {
        match Self::bind_sealed(stream, initiate, credential, deadline) {
            Ok((stream, client, buffer)) => Ok(Self::new(stream, client, buffer, credential, Some(ticket))),
            Err(error) => {
                ticket.failed(error.code());
                Err(error)
            }
        }
    }

    fn bind_sealed(
        mut stream: S,
        initiate: Box<dyn Initiate>,
        credential: Credential,
        deadline: Tick,
    ) -> Result<(S, Client, Box<[u8]>), NotOpened> {
        let (mut binding, mut bytes) = Binding::start_sealed(initiate);
        let mut buffer = vec![0; 64 * 1024].into_boxed_slice();
        loop {
            stream.write_all(&bytes).map_err(lost)?;
            let count = read_until(&mut stream, &mut buffer, deadline)?;
            match binding.receive(&buffer[..count]).map_err(|error| not_bound(error, credential))? {
                Progress::Binding(more) => binding = more,
                Progress::Ready(client) => return Ok((stream, client, buffer)),
            }
            bytes = binding.take_output();
        }
    }

    /// Whether the connection can still be used.
    pub(super) fn works(&self) -> bool {
        self.works
    }

    /// The password of an account as it has to be in calls ([MS-SCMR] 3.1.4.12): in clear where the whole call is sealed or stays on this machine, else as the stream has it, if that is private.
    pub(super) fn password(&self, clear: &Secret) -> Result<Password, LinkError> {
        let (password, most) = if self.is_here || self.client.is_sealed() {
            (Password::new(clear.as_str()), MOST_IN_CLEAR)
        } else {
            let cause = "the password of an account goes only over a connection that is encrypted, and this one over SMB \
                         is only signed: let the server encrypt, or go over TCP (tcp://HOST)";
            let refused = || LinkError::new(Win32Error::NOT_SUPPORTED, cause);
            (self.stream.password(clear).ok_or_else(refused)?, MOST_ENCRYPTED)
        };
        if password.fits() {
            return Ok(password);
        }
        let cause = format!(
            "the password of an account can have up to {most} characters here (code units of UTF-16), and this has {}",
            clear.as_str().encode_utf16().count()
        );
        Err(LinkError::new(Win32Error::INVALID_PARAMETER, cause))
    }

    /// Makes a call and waits for its answer.
    pub(super) fn call(&mut self, call: &Call) -> Result<Answer, LinkError> {
        let call_id = self.begin(call)?;
        match self.outcome(call_id, None)? {
            Some(outcome) => answer(outcome),
            None => Err(LinkError::new(Win32Error::WAIT_TIMEOUT, "no answer came")),
        }
    }

    /// Asks on the native interface and waits for the reply until `deadline`; `None` when that is over.
    pub(super) fn native(
        &mut self,
        request: &Request,
        deadline: Option<Tick>,
    ) -> Result<Option<Reply>, LinkError> {
        if !self.client.has_native() {
            return Err(LinkError::new(
                Win32Error::NOT_SUPPORTED,
                "this service control manager knows nothing of hosts, events and logs",
            ));
        }
        let (call_id, bytes) = self
            .client
            .native(request)
            .map_err(|error| LinkError::new(Win32Error::INVALID_PARAMETER, error.to_string()))?;
        self.send(&bytes)?;
        match self.outcome(call_id, deadline)? {
            None => Ok(None),
            Some(Outcome::Native(reply)) => Ok(Some(reply)),
            Some(Outcome::Fault(status)) => Err(fault(status)),
            _ => Err(LinkError::new(Win32Error::RPC_S_PROTOCOL_ERROR, "the reply is not one to the request")),
        }
    }

    /// Sends a call; the number under which its outcome can be had.
    pub(super) fn begin(&mut self, call: &Call) -> Result<u32, LinkError> {
        let (call_id, bytes) = self.client.call(call);
        self.send(&bytes)?;
        Ok(call_id)
    }

    /// Waits for the outcome of a call until `deadline`; `None` when that is over. The call goes on, and can be asked for again.
    pub(super) fn outcome(
        &mut self,
        call_id: u32,
        deadline: Option<Tick>,
    ) -> Result<Option<Outcome>, LinkError> {
        let outcome = self.wait_for(call_id, deadline);
        self.works &= outcome.is_ok();
        outcome
    }

    /// Closes the connection, and waits until the other side did so, too: then its handles are closed.
    pub(super) fn close(mut self) {
        let deadline = clock::now().tick + FAREWELL;
        let mut open = self.stream.finish().is_ok();
        while open {
            let left = deadline.since(clock::now().tick);
            open = !left.is_zero()
                && self.stream.set_read_timeout(Some(left)).is_ok()
                && self.stream.read(&mut self.buffer).is_ok_and(|count| count > 0);
        }
    }

    fn wait_for(&mut self, call_id: u32, deadline: Option<Tick>) -> Result<Option<Outcome>, LinkError> {
        loop {
            if let Some(outcome) = self.outcomes.remove(&call_id) {
                return Ok(Some(outcome));
            }
            let left = deadline.map(|deadline| deadline.since(clock::now().tick));
            if left == Some(Duration::ZERO) {
                return Ok(None);
            }
            self.stream.set_read_timeout(left).map_err(lost)?;
            let count = match self.stream.read(&mut self.buffer) {
                Ok(0) => return Err(lost(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => count,
                Err(error) if is_no_loss(&error) => continue,
                Err(error) => return Err(lost(error)),
            };
            let was_proven = self.client.is_proven();
            let returned = self.client.receive(&self.buffer[..count])?;
            if self.client.is_proven()
                && let Some(ticket) = self.ticket.take()
            {
                ticket.let_in();
            }
            for returned in returned {
                if returned.outcome == Outcome::Fault(Status::ACCESS)
                    && self.client.is_sealed()
                    && !was_proven
                {
                    let error = not_let_in(self.credential);
                    if let Some(ticket) = self.ticket.take() {
                        ticket.failed(error.code);
                    }
                    return Err(error);
                }
                self.outcomes.insert(returned.call_id, returned.outcome);
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        if !self.works {
            return Err(LinkError::new(
                Win32Error::RPC_S_CALL_FAILED,
                "the connection to the service control manager was lost before",
            ));
        }
        let sent = self.stream.write_all(bytes);
        self.works = sent.is_ok();
        sent.map_err(lost)
    }
}

/// The answer in an outcome.
pub(super) fn answer(outcome: Outcome) -> Result<Answer, LinkError> {
    match outcome {
        Outcome::Answer(answer) => Ok(answer),
        Outcome::Fault(status) => Err(fault(status)),
        Outcome::Native(_) => {
            Err(LinkError::new(Win32Error::RPC_S_PROTOCOL_ERROR, "the answer is one of another interface"))
        }
    }
}

impl LinkError {
    fn new(code: Win32Error, cause: impl Into<String>) -> Self {
        Self { code, cause: cause.into() }
    }
}

impl NotOpened {
    fn code(&self) -> Win32Error {
        match self {
            Self::Mechanism(error) | Self::Other(error) => error.code,
        }
    }
}

impl From<LinkError> for NotOpened {
    fn from(error: LinkError) -> Self {
        Self::Other(error)
    }
}

impl From<NotOpened> for LinkError {
    fn from(error: NotOpened) -> Self {
        match error {
            NotOpened::Mechanism(error) | NotOpened::Other(error) => error,
        }
    }
}

impl From<ProtocolError> for LinkError {
    fn from(error: ProtocolError) -> Self {
        Self::new(Win32Error::RPC_S_PROTOCOL_ERROR, error.to_string())
    }
}

/// What came instead of an answer to who comes.
fn not_bound(error: ProtocolError, credential: Credential) -> NotOpened {
    let weak = |why: &dyn std::fmt::Display| {
        let cause =
            format!("the server does not agree to sealed packets with {}: {why}", credential.mechanism());
        LinkError::new(Win32Error::RPC_S_SEC_PKG_ERROR, cause)
    };
    match error {
        ProtocolError::Refused(_) => NotOpened::Mechanism(weak(&error)),
        ProtocolError::LogonRefused(_) | ProtocolError::Security(AuthError::Refused) => {
            NotOpened::Other(not_let_in(credential))
        }
        ProtocolError::Security(AuthError::Kerberos(code)) => {
            let cause = format!("the server does not take the ticket: {code}");
            NotOpened::Other(LinkError::new(code.win32(), cause))
        }
        ProtocolError::Security(_) | ProtocolError::Unsealed => NotOpened::Other(weak(&error)),
        ProtocolError::NoInterface { .. } => NotOpened::Other(error.into()),
        _ => {
            let cause = format!("what listens there does not speak RPC: {error}");
            NotOpened::Other(LinkError::new(Win32Error::RPC_S_PROTOCOL_ERROR, cause))
        }
    }
}

/// No server says which of these it is.
fn not_let_in(credential: Credential) -> LinkError {
    let cause = match credential {
        Credential::Password => {
            "the user name or password is wrong, or the account is locked or may not come over the network"
        }
        Credential::Ticket => {
            "the ticket is right, but its user has no account there, or may not come over the network"
        }
    };
    LinkError::new(Win32Error::LOGON_FAILURE, cause)
}

fn read_until(stream: &mut impl Transport, buffer: &mut [u8], deadline: Tick) -> Result<usize, LinkError> {
    loop {
        let left = deadline.since(clock::now().tick);
        if left.is_zero() {
            let cause = "the server did not answer in time while the connection was made";
            return Err(LinkError::new(Win32Error::WAIT_TIMEOUT, cause));
        }
        stream.set_read_timeout(Some(left)).map_err(lost)?;
        match stream.read(buffer) {
            Ok(0) => return Err(lost(io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => return Ok(count),
            Err(error) if is_no_loss(&error) => {}
            Err(error) => return Err(lost(error)),
        }
    }
}

fn read(stream: &mut impl Transport, buffer: &mut [u8]) -> Result<usize, LinkError> {
    loop {
        match stream.read(buffer) {
            Ok(0) => return Err(lost(io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => return Ok(count),
            Err(error) if is_no_loss(&error) => {}
            Err(error) => return Err(lost(error)),
        }
    }
}

fn is_no_loss(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// The connection is gone in the middle of a call: whether the call was carried out can't be told.
fn lost(error: io::Error) -> LinkError {
    let lost = "the connection to the service control manager was lost";
    let cause = match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
            lost.to_owned()
        }
        _ => format!("{lost}: {}", errno::describe(&error)),
    };
    LinkError::new(Win32Error::RPC_S_CALL_FAILED, cause)
}

/// The code that the RPC runtime of Windows makes of a fault.
fn fault(status: Status) -> LinkError {
    let code = match status {
        Status::OPERATION => Win32Error::RPC_S_PROCNUM_OUT_OF_RANGE,
        Status::STUB => Win32Error::RPC_X_BAD_STUB_DATA,
        Status::CONTEXT => Win32Error::INVALID_HANDLE,
        Status::ACCESS => Win32Error::ACCESS_DENIED,
        Status::INTERFACE => Win32Error::NOT_SUPPORTED,
        _ => Win32Error::RPC_S_CALL_FAILED,
    };
    LinkError::new(code, format!("the service control manager refused the call with the fault {status}"))
}
