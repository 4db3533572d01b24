//! A service control manager that is reached through a stream of bytes: MS-SCMR and the native interface, blocking.

mod link;
mod manager;
mod place;
mod service;
mod waiter;

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use svckit_core::access::ManagerAccess;
use svckit_core::backend::{Backend, Manager};
use svckit_core::name::ServiceName;
use svckit_core::native::{Reply, Request};
use svckit_core::secret::Secret;
use svckit_core::security::{SecurityDescriptor, SecurityInformation};
use svckit_core::{Error, Result, Win32Error};
use svckit_os::clock;
use svckit_scmr::auth::Initiate;
use svckit_scmr::ops::{Answer, Call, Handle, MAX_256K, Password};

use link::{Link, LinkError, NotOpened};
use manager::WireManager;

use crate::remote::Trial;

/// A stream of bytes both ways.
pub trait Transport: Read + Write + 'static {
    /// The buffer in bytes with which a list is asked for first. Servers fill up what a buffer has over the list, and fragments come one after the other without
    /// being asked for: hundreds of services fit. Where each fragment has to be asked for, it is what fits in one.
    const FIRST_BUFFER: u32 = 60 * 1024;

    /// Sets how long a read may take before it fails with `WouldBlock` or `TimedOut`; `None`: for ever.
    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()>;

    /// Says that nothing more will be sent.
    fn finish(&mut self) -> io::Result<()>;

    /// The password of an account as it has to be in calls through this stream, where these aren't sealed themselves; `None` if it can't be sent safely.
    fn password(&self, _clear: &Secret) -> Option<Password> {
        None
    }
}

/// A service control manager behind a stream.
///
/// Calls share one connection; a wait has one of its own. When the connection was lost, the handles on it are gone; opening the service control
/// manager again makes a new one. To another machine, what only reads makes one by itself, opens what it asks again, and asks once more; nothing that changes something is done twice.
pub struct Wire<S> {
    shared: Rc<Shared<S>>,
}

/// What a handle has to know of where it came from.
struct Shared<S> {
    target: String,
    dial: Box<dyn Fn() -> Result<S>>,
    entry: Entry,
    link: RefCell<Option<Rc<Connection<S>>>>,
}

/// How a service control manager knows who comes.
enum Entry {
    /// It is this machine's, and the system tells it.
    Here,
    /// By a logon on the connection, which is sealed.
    Sealed(Sealing),
    /// The stream has shown it. How long the rest may take.
    Known(Duration),
}

/// How connections are sealed.
pub struct Sealing {
    /// Makes the client's side of a logon, anew for each connection.
    pub initiate: Box<dyn Fn(Mechanism) -> Result<Box<dyn Initiate>>>,
    /// How long a logon may take.
    pub limit: Duration,
    /// Whether it may be tried, with what other machines said of it.
    pub trial: Trial,
    /// What is shown.
    pub credential: Credential,
}

/// What a client shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// That it knows a password, by NTLM.
    Password,
    /// A ticket of Kerberos.
    Ticket,
}

impl Credential {
    /// What shows it.
    pub(crate) fn mechanism(self) -> &'static str {
        match self {
            Self::Password => "NTLMv2",
            Self::Ticket => "Kerberos",
        }
    }
}

/// How a logon is negotiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// By SPNEGO: what is tried first.
    Spnego,
    /// NTLM or Kerberos alone, for a server that knows nothing else.
    Alone,
}

/// A connection that handles share.
struct Connection<S> {
    link: RefCell<Link<S>>,
    shared: Rc<Shared<S>>,
}

/// The first buffer for a security descriptor; few are larger.
const SECURITY_BUFFER: u32 = 1024;

/// How often a connection is made before one that is lost at once counts.
const DIAL_ATTEMPTS: u32 = 5;

/// How long a server is certain to wait for the first word on a connection.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// What is being done, for errors.
#[derive(Debug, Clone)]
struct Doing {
    operation: &'static str,
    service: Option<String>,
}

impl<S: Transport> Wire<S> {
    /// Connects. `dial` makes a stream to the service control manager, now and whenever another is needed.
    pub fn connect(target: String, dial: impl Fn() -> Result<S> + 'static) -> Result<Self> {
        Self::begin(target, Box::new(dial), Entry::Here)
    }

    /// Connects to a service control manager that wants to know who comes, and seals everything.
    pub fn connect_sealed(
        target: String,
        dial: impl Fn() -> Result<S> + 'static,
        sealing: Sealing,
    ) -> Result<Self> {
        Self::begin(target, Box::new(dial), Entry::Sealed(sealing))
    }

    /// Connects to a service control manager of another machine by streams that have shown it who comes, and are protected. `limit` is how long agreeing on the interfaces may take.
    pub fn connect_known(
        target: String,
        dial: impl Fn() -> Result<S> + 'static,
        limit: Duration,
    ) -> Result<Self> {
        Self::begin(target, Box::new(dial), Entry::Known(limit))
    }

    fn begin(target: String, dial: Box<dyn Fn() -> Result<S>>, entry: Entry) -> Result<Self> {
        let wire = Self { shared: Rc::new(Shared { target, dial, entry, link: RefCell::new(None) }) };
        wire.shared.connection()?;
        Ok(wire)
    }
}

impl<S> Drop for Wire<S> {
    fn drop(&mut self) {
        // The connection knows where it came from: without this, the two would hold each other for ever.
        self.shared.link.borrow_mut().take();
    }
}

impl<S: Transport> Shared<S> {
    /// The connection, made anew if there is none that works.
    fn connection(self: &Rc<Self>) -> Result<Rc<Connection<S>>> {
        if let Some(connection) = self.link.borrow().as_ref().filter(|connection| connection.works()) {
            return Ok(Rc::clone(connection));
        }
        let link = RefCell::new(self.open()?);
        let connection = Rc::new(Connection { link, shared: Rc::clone(self) });
        *self.link.borrow_mut() = Some(Rc::clone(&connection));
        Ok(connection)
    }

    /// Does what only reads, and once more if the connection to another machine is lost meanwhile; on which one it was done.
    fn read<T>(
        self: &Rc<Self>,
        read: impl Fn(&Connection<S>) -> Result<T>,
    ) -> Result<(Rc<Connection<S>>, T)> {
        let mut connection = self.connection()?;
        let done = match read(&connection) {
            Err(error) if connection.is_gone(&error) => {
                connection = self.connection()?;
                read(&connection)
            }
            done => done,
        };
        done.map(|done| (connection, done))
    }

    /// Whether it is another machine's.
    fn is_elsewhere(&self) -> bool {
        !matches!(self.entry, Entry::Here)
    }

    fn open(&self) -> Result<Link<S>> {
        match &self.entry {
            Entry::Here => self.open_local(),
            Entry::Sealed(sealing) => self.open_sealed(sealing),
            Entry::Known(limit) => {
                let link = Link::open_known((self.dial)()?, clock::now().tick + *limit);
                let doing = Doing::new("connect to service control manager");
                link.map_err(|error| doing.failed(error, &self.target))
            }
        }
    }

    /// A wrong password is tried once, and on one machine: an account may be locked after a few.
    fn open_sealed(&self, sealing: &Sealing) -> Result<Link<S>> {
        let attempt = |mechanism| -> Result<_> {
            // First, so that a machine that can't be reached keeps nobody waiting.
            let mut stream = (self.dial)()?;
            let begun = clock::now().tick;
            let ticket = sealing.trial.begin(&self.target, sealing.limit)?;
            if clock::now().tick.since(begun) > PATIENCE {
                stream = (self.dial)()?;
            }
            let initiate = (sealing.initiate)(mechanism)?;
            let deadline = clock::now().tick + sealing.limit;
            Ok(Link::open_sealed(stream, initiate, sealing.credential, deadline, ticket))
        };
        let opened = match attempt(Mechanism::Spnego)? {
            Err(NotOpened::Mechanism(_)) => attempt(Mechanism::Alone)?,
            opened => opened,
        };
        let doing = Doing::new("connect to service control manager");
        opened.map_err(|error| doing.failed(error.into(), &self.target))
    }

    fn open_local(&self) -> Result<Link<S>> {
        let doing = Doing::new("connect to service control manager");
        let mut attempts = 1;
        loop {
            match Link::open((self.dial)()?) {
                Ok(link) => return Ok(link),
                // It was ending just then. Nothing was asked of it yet, so the next one can be asked.
                Err(error) if error.code == Win32Error::RPC_S_CALL_FAILED && attempts < DIAL_ATTEMPTS => {
                    attempts += 1;
                }
                Err(error) => return Err(doing.failed(error, &self.target)),
            }
        }
    }
}

impl<S: Transport> Connection<S> {
    fn works(&self) -> bool {
        self.link.borrow().works()
    }

    /// Makes a call; an answer with an error code is an error.
    fn ask(&self, doing: &Doing, call: &Call) -> Result<Answer> {
        let answer = self.ask_for(doing, call)?;
        match answer.code().check() {
            Ok(()) => Ok(answer),
            Err(code) => Err(doing.error(code, &self.shared.target)),
        }
    }

    /// The password of an account as it has to be in calls, if there is one.
    fn password(&self, doing: &Doing, clear: Option<&Secret>) -> Result<Option<Password>> {
        let password = clear.map(|clear| self.link.borrow().password(clear)).transpose();
        password.map_err(|error| doing.failed(error, &self.shared.target))
    }

    /// Makes a call, whatever the code of its answer is.
    fn ask_for(&self, doing: &Doing, call: &Call) -> Result<Answer> {
        self.link.borrow_mut().call(call).map_err(|error| doing.failed(error, &self.shared.target))
    }

    /// Parts of the security descriptor of what is open.
    fn security(
        &self,
        doing: &Doing,
        object: Handle,
        parts: SecurityInformation,
    ) -> Result<SecurityDescriptor> {
        let mut size = SECURITY_BUFFER;
        loop {
            let call = Call::QueryServiceObjectSecurity { object, parts, size };
            let answer = self.ask_for(doing, &call)?;
            let Answer::QueryServiceObjectSecurity { buffer, needed, code } = answer else {
                return Err(self.nonsense(doing, "the answer is one to another call"));
            };
            if code == Win32Error::INSUFFICIENT_BUFFER && size < needed && needed <= MAX_256K {
                size = needed;
                continue;
            }
            code.check().map_err(|code| doing.error(code, &self.shared.target))?;
            return SecurityDescriptor::from_bytes(&buffer)
                .map_err(|error| self.nonsense(doing, error.to_string()));
        }
    }

    /// Sets parts of the security descriptor of what is open.
    fn set_security(
        &self,
        doing: &Doing,
        object: Handle,
        parts: SecurityInformation,
        new: &SecurityDescriptor,
    ) -> Result<()> {
        let call = Call::SetServiceObjectSecurity { object, parts, descriptor: new.to_bytes() };
        self.ask(doing, &call).map(drop)
    }

    /// The error for an answer that is none to the call.
    fn nonsense(&self, doing: &Doing, cause: impl Into<String>) -> Box<Error> {
        let error = LinkError { code: Win32Error::RPC_S_PROTOCOL_ERROR, cause: cause.into() };
        doing.failed(error, &self.shared.target)
    }
}

impl Doing {
    fn new(operation: &'static str) -> Self {
        Self { operation, service: None }
    }

    fn to(operation: &'static str, service: &str) -> Self {
        Self { operation, service: Some(service.to_owned()) }
    }

    fn error(&self, code: Win32Error, target: &str) -> Box<Error> {
        let mut error = Error::new(self.operation, code).target(target);
        error.service.clone_from(&self.service);
        Box::new(error)
    }

    fn failed(&self, failure: LinkError, target: &str) -> Box<Error> {
        let mut error = self.error(failure.code, target);
        error.cause = Some(failure.cause);
        error
    }
}

impl<S: Transport> Backend for Wire<S> {
    fn target(&self) -> String {
        self.shared.target.clone()
    }

    fn open_manager(&self, access: ManagerAccess) -> Result<Box<dyn Manager>> {
        let doing = Doing::new("open service control manager");
        let call = Call::OpenScManager { machine: None, database: None, access };
        let (connection, answer) = self.shared.read(|connection| connection.ask(&doing, &call))?;
        match answer {
            Answer::OpenScManager { manager, .. } => {
                Ok(Box::new(WireManager::new(connection, manager, access)))
            }
            _ => Err(connection.nonsense(&doing, "the answer is one to another call")),
        }
    }

    fn report_boot(&self, acceptable: bool) -> Result<()> {
        let doing = Doing::new("report start of system");
        let call = Call::NotifyBootConfigStatus { machine: None, acceptable: acceptable.into() };
        self.shared.connection()?.ask(&doing, &call).map(drop)
    }

    fn native(&self, request: Request) -> Result<Reply> {
        let doing = Doing::new("ask service control manager");
        let ask = |connection: &Connection<S>| {
            let reply = connection.link.borrow_mut().native(&request, None);
            reply.map_err(|error| doing.failed(error, &self.shared.target))
        };
        let (connection, reply) = if request.only_reads() {
            self.shared.read(ask)?
        } else {
            let connection = self.shared.connection()?;
            let reply = ask(&connection)?;
            (connection, reply)
        };
        reply.ok_or_else(|| connection.nonsense(&doing, "no answer came"))
    }

    /// On a connection of its own, which is closed when the time is over, so that the other side gives up too.
    fn changes(
        &self,
        after: u64,
        services: Option<Vec<ServiceName>>,
        limit: Duration,
    ) -> Result<Option<Reply>> {
        let request = Request::Overview { after: Some(after), services };
        let deadline = clock::now().tick + limit;
        let mut link = self.shared.open()?;
        let reply = link.native(&request, Some(deadline));
        let doing = Doing::new("ask service control manager");
        reply.map_err(|error| doing.failed(error, &self.shared.target))
    }
}
