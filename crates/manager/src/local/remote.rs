//! The way to another machine: its endpoint mapper, and a sealed connection to its service control manager; or SMB, and its pipe.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use svckit_core::backend::Backend;
use svckit_core::kerberos::{Failure, Style};
use svckit_core::time::Tick;
use svckit_core::{Error, Result, Win32Error};
use svckit_os::{aside, clock, errno, gssapi, random, tcp};
use svckit_scmr::auth::{Account, Initiate, NtHash, kerberos, ntlm, spnego};
use svckit_scmr::mapper::{Lookup, Step};
use zeroize::Zeroizing;

use super::{OPERATION, Ticket, smb};
use crate::remote::{Logon, Remote, Way};
use crate::wire::{Credential, Mechanism, PATIENCE, Sealing, Transport, Wire};

/// A service control manager that wasn't reached over TCP.
struct Unreached {
    error: Box<Error>,
    /// Whether it may be there all the same: then SMB is tried.
    may_be_there: bool,
    /// How much of the limit went by without a word.
    waited: Duration,
}

/// What of the other machine is asked who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    /// Its RPC over TCP.
    Rpc,
    /// Its SMB.
    Smb,
}

impl Service {
    /// As it is in the names that Kerberos has: `host/db1`.
    fn class(self) -> &'static str {
        match self {
            Self::Rpc => "host",
            Self::Smb => "cifs",
        }
    }

    /// SMB protects messages itself ([MS-SMB2] 3.2.4.2.3).
    fn style(self) -> Style {
        match self {
            Self::Rpc => Style::Dce,
            Self::Smb => Style::Plain,
        }
    }
}

/// What is shown to the other machine.
enum Shown {
    /// That it knows a password, with its hash.
    Password(Logon, NtHash),
    Ticket(Ticket),
}

impl Remote {
    /// Connects. `admit` sees each connection before it is used.
    pub(super) fn connect(
        &self,
        admit: impl Fn(&TcpStream) -> Result<()> + Clone + 'static,
    ) -> Result<Box<dyn Backend>> {
        let shown = Rc::new(self.shown()?);
        if self.way() == Way::Smb {
            return self.over_smb(self.limit(), shown, admit);
        }
        let is_only = self.way() == Way::Tcp || self.port().is_some();
        // A firewall that drops what comes makes no difference to how long it takes until a machine is given up.
        let limit = if is_only { self.limit() } else { self.limit() / 3 };
        let waited = Rc::new(Cell::new(None));
        match (self.over_tcp(limit, Rc::clone(&waited), Rc::clone(&shown), admit.clone()), waited.take()) {
            (Err(error), Some(waited)) if !is_only => {
                let limit = self.limit().saturating_sub(waited);
                self.over_smb(limit, shown, admit).map_err(|other| both(*error, other))
            }
            (connected, _) => connected,
        }
    }

    /// `limit` is that of the first connection. If the service control manager isn't reached, but may be there, `waited` tells how much of it went by without a word.
    fn over_tcp(
        &self,
        limit: Duration,
        waited: Rc<Cell<Option<Duration>>>,
        shown: Rc<Shown>,
        admit: impl Fn(&TcpStream) -> Result<()> + 'static,
    ) -> Result<Box<dyn Backend>> {
        let (remote, asked, limit) = (self.clone(), self.clone(), Cell::new(Some(limit)));
        let credential = match *shown {
            Shown::Password(..) => Credential::Password,
            Shown::Ticket(_) => Credential::Ticket,
        };
        let initiate = Box::new(move |mechanism| asked.initiate(&shown, mechanism, Service::Rpc));
        let sealing = Sealing { initiate, limit: self.limit(), trial: self.trial().clone(), credential };
        let dial = move || {
            let limit = limit.take().unwrap_or(remote.limit());
            let stream = remote.dial(limit).map_err(|unreached| {
                waited.set(unreached.may_be_there.then_some(unreached.waited));
                unreached.error
            })?;
            admit(&stream)?;
            Ok(stream)
        };
        Ok(Box::new(Wire::connect_sealed(self.target(), dial, sealing)?))
    }

    fn over_smb(
        &self,
        limit: Duration,
        shown: Rc<Shown>,
        admit: impl Fn(&TcpStream) -> Result<()> + 'static,
    ) -> Result<Box<dyn Backend>> {
        let (remote, limit) = (self.clone(), Cell::new(Some(limit)));
        let dial = move || {
            let limit = limit.take().unwrap_or(remote.limit());
            let reach = || remote.reach(remote.smb(), None, limit).map_err(|unreached| unreached.error);
            // First, so that a machine that can't be reached keeps nobody waiting.
            let mut stream = reach()?;
            let begun = clock::now().tick;
            let ticket = remote.trial().begin(&remote.target(), remote.limit())?;
            if clock::now().tick.since(begun) > PATIENCE {
                stream = reach()?;
            }
            admit(&stream)?;
            let initiate = remote.initiate(&shown, Mechanism::Spnego, Service::Smb)?;
            let opened = smb::open(&remote, stream, initiate);
            match &opened {
                Ok(_) => ticket.let_in(),
                Err(error) => ticket.failed(error.code),
            }
            opened
        };
        Ok(Box::new(Wire::connect_known(self.target(), dial, self.limit())?))
    }

    /// A connection to the port of the service control manager.
    fn dial(&self, limit: Duration) -> Result<TcpStream, Unreached> {
        if let Some(port) = self.port() {
            return self.reach(port, None, limit);
        }
        let mapper = self.reach(self.mapper(), None, limit)?;
        let address = mapper.peer_addr().map_err(|error| self.lost(self.mapper(), &error, limit))?;
        match self.look_up(mapper, limit)? {
            Some(port) => self.reach(port, Some(address), limit),
            None => Err(Unreached {
                error: self.unavailable("its endpoint mapper knows no service control manager".to_owned()),
                may_be_there: true,
                waited: Duration::ZERO,
            }),
        }
    }

    /// Connects to a port, at the address that answered before if there is one.
    fn reach(&self, port: u16, known: Option<SocketAddr>, limit: Duration) -> Result<TcpStream, Unreached> {
        let addresses = match known {
            Some(known) => vec![SocketAddr::new(known.ip(), port)],
            None => self.addresses(port, limit)?,
        };
        tcp::connect(&addresses, limit).map_err(|error| self.lost(port, &error, limit))
    }

    fn addresses(&self, port: u16, limit: Duration) -> Result<Vec<SocketAddr>> {
        let unknown =
            |why: String| self.unavailable(format!("the name {:?} leads nowhere: {why}", self.host()));
        let found = tcp::look_up(self.host(), port, limit).map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => {
                let seconds = rounded(limit);
                let cause =
                    format!("the system did not find out within {seconds} s where {:?} is", self.host());
                self.error(Win32Error::WAIT_TIMEOUT, cause)
            }
            _ => unknown(errno::describe(&error)),
        })?;
        if found.is_empty() {
            return Err(unknown("it has no address".to_owned()));
        }
        Ok(found)
    }

    /// Asks the endpoint mapper.
    fn look_up(&self, mut stream: TcpStream, limit: Duration) -> Result<Option<u16>, Unreached> {
        let deadline = clock::now().tick + limit;
        let (mut lookup, mut bytes) = Lookup::start();
        let mut buffer = [0; 4096];
        let lost = |error: &io::Error| self.lost(self.mapper(), error, limit);
        loop {
            let count = exchange(&mut stream, &bytes, &mut buffer, deadline).map_err(|error| lost(&error))?;
            match lookup.receive(&buffer[..count]) {
                Ok(Step::More(more, next)) => (lookup, bytes) = (more, next),
                Ok(Step::Done(port)) => return Ok(port),
                Err(error) => {
                    let cause =
                        format!("what listens at {} is no endpoint mapper: {error}", self.at(self.mapper()));
                    return Err(self.error(Win32Error::RPC_S_PROTOCOL_ERROR, cause).into());
                }
            }
        }
    }

    fn shown(&self) -> Result<Shown> {
        match (self.ticket(), self.logon()) {
            (Some(ticket), _) => Ok(Shown::Ticket(ticket.clone())),
            (None, Some(logon)) => Ok(Shown::Password(logon.clone(), NtHash::of(&logon.password))),
            (None, None) => {
                let hint = "nobody was named who shall log on there";
                Err(self.error(Win32Error::LOGON_FAILURE, hint.to_owned()))
            }
        }
    }

    fn initiate(&self, shown: &Shown, mechanism: Mechanism, service: Service) -> Result<Box<dyn Initiate>> {
        match shown {
            Shown::Password(logon, hash) => self.answer(logon, hash, mechanism, service),
            Shown::Ticket(ticket) => self.present(ticket, mechanism, service),
        }
    }

    /// The client's side with a ticket for the machine, which the KDC is asked for unless the cache has it.
    fn present(&self, ticket: &Ticket, mechanism: Mechanism, service: Service) -> Result<Box<dyn Initiate>> {
        let name = self.name(service);
        let failed = |failure: &Failure| {
            let cause = format!("Kerberos gives no ticket for {name} to {}: {failure}", ticket.user());
            self.error(failure.win32(), cause)
        };
        let (class, style) = (service.class(), service.style());
        let context = gssapi::initiate(ticket.credentials(), class, self.host(), style);
        let mut context = context.map_err(|failure| failed(&failure))?;
        let begun = aside::within(self.limit(), move || {
            let first = context.step(&[]);
            (context, first)
        });
        let (context, first) = match begun {
            Ok(Some(begun)) => begun,
            Ok(None) => {
                let cause = format!("no KDC gave a ticket for {name} within {} s", rounded(self.limit()));
                return Err(self.error(Win32Error::WAIT_TIMEOUT, cause));
            }
            Err(error) => return Err(self.error(errno::win32(&error), errno::describe(&error))),
        };
        let first = first.map_err(|failure| failed(&failure))?;
        let kerberos = kerberos::Initiator::new(context, first.token);
        Ok(match mechanism {
            Mechanism::Spnego => Box::new(spnego::Initiator::kerberos(kerberos)),
            Mechanism::Alone => Box::new(kerberos),
        })
    }

    /// The client's side that answers with a password.
    fn answer(
        &self,
        logon: &Logon,
        hash: &NtHash,
        mechanism: Mechanism,
        service: Service,
    ) -> Result<Box<dyn Initiate>> {
        let mut random = Zeroizing::new([0; 24]);
        random::fill(random.as_mut()).map_err(|error| {
            let cause = format!("the system has no randomness: {}", errno::describe(&error));
            self.error(errno::win32(&error), cause)
        })?;
        let credentials = ntlm::Credentials {
            account: Account {
                user: logon.user.clone(),
                domain: logon.domain.clone(),
                workstation: String::new(),
            },
            hash: hash.clone(),
            service: self.name(service),
            random,
            time: clock::now().wall.to_file_time(),
        };
        Ok(match mechanism {
            Mechanism::Spnego => Box::new(spnego::Initiator::new(credentials)),
            Mechanism::Alone => Box::new(ntlm::Initiator::new(credentials)),
        })
    }

    /// The service as it is named, such as `host/db1`.
    fn name(&self, service: Service) -> String {
        format!("{}/{}", service.class(), self.host())
    }

    fn lost(&self, port: u16, error: &io::Error, limit: Duration) -> Unreached {
        let at = self.at(port);
        let (error, waited) = match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
                let cause = format!("no answer came from {at} within {} s", rounded(limit));
                (self.error(Win32Error::WAIT_TIMEOUT, cause), limit)
            }
            io::ErrorKind::ConnectionRefused => {
                (self.unavailable(format!("nothing listens at {at}")), Duration::ZERO)
            }
            _ => {
                let cause = format!("{at} can't be reached: {}", errno::describe(error));
                (self.unavailable(cause), Duration::ZERO)
            }
        };
        Unreached { error, may_be_there: true, waited }
    }

    pub(super) fn at(&self, port: u16) -> String {
        match self.host().contains(':') {
            true => format!("[{}]:{port}", self.host()),
            false => format!("{}:{port}", self.host()),
        }
    }

    fn unavailable(&self, cause: String) -> Box<Error> {
        self.error(Win32Error::RPC_S_SERVER_UNAVAILABLE, cause)
    }

    pub(super) fn error(&self, code: Win32Error, cause: String) -> Box<Error> {
        Box::new(Error::new(OPERATION, code).target(self.target()).cause(cause))
    }
}

/// Sends, and takes what comes next; no bytes after an interruption. The deadline holds however much still comes.
///
/// # Errors
/// `TimedOut` or `WouldBlock` at the deadline; `ConnectionReset` if the other side has ended the connection.
pub(super) fn exchange(
    stream: &mut TcpStream,
    bytes: &[u8],
    buffer: &mut [u8],
    deadline: Tick,
) -> io::Result<usize> {
    stream.write_all(bytes)?;
    let left = deadline.since(clock::now().tick);
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    stream.set_read_timeout(Some(left))?;
    match stream.read(buffer) {
        Ok(0) => Err(io::ErrorKind::ConnectionReset.into()),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
        read => read,
    }
}

/// Seconds, to the tenth where there are some.
fn rounded(limit: Duration) -> f32 {
    let seconds = limit.as_secs_f32();
    if seconds < 1.0 { seconds } else { (seconds * 10.0).round() / 10.0 }
}

/// The error of who was found neither way. If SMB got further, what is told is where it ended.
fn both(tcp: Error, mut smb: Box<Error>) -> Box<Error> {
    if matches!(smb.code, Win32Error::RPC_S_SERVER_UNAVAILABLE | Win32Error::WAIT_TIMEOUT) {
        let [first, second] = [tcp.cause, smb.cause.take()].map(Option::unwrap_or_default);
        smb.code = tcp.code;
        smb.cause = Some(format!("{first}, and {second}"));
    }
    smb
}

impl From<Box<Error>> for Unreached {
    fn from(error: Box<Error>) -> Self {
        Self { error, may_be_there: false, waited: Duration::ZERO }
    }
}

impl Transport for TcpStream {
    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        TcpStream::set_read_timeout(self, limit)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.shutdown(std::net::Shutdown::Write)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};

    #[test]
    fn the_deadline_holds_even_if_something_came() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut other, _) = listener.accept().unwrap();
        other.write_all(b"answer").unwrap();
        let now = clock::now().tick;
        let mut buffer = [0; 16];
        let late = exchange(&mut stream, b"a", &mut buffer, now).unwrap_err();
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
        let deadline = now + Duration::from_secs(60);
        let count = exchange(&mut stream, b"b", &mut buffer, deadline).unwrap();
        assert_eq!(&buffer[..count], b"answer");
        other.read_exact(&mut buffer[..2]).unwrap();
        assert_eq!(&buffer[..2], b"ab");
        drop(other);
        let gone = exchange(&mut stream, b"", &mut buffer, deadline).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::ConnectionReset);
    }
}
