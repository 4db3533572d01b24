//! Other machines, and how to be somebody there. What a system has of its own beside that is `connect` and `connect_until` to a built-in service control manager.

use std::ffi::OsString;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use svckit_core::backend::Backend;
use svckit_core::kerberos::Failure;
use svckit_core::secret::Secret;
use svckit_core::{Error, Result, Win32Error};
use svckit_os::gssapi::{self, Credentials as Tickets};
use svckit_os::socket::Stream;
use svckit_os::{aside, errno, private, session};

use super::{OPERATION, refused, system};
use crate::target::{Target, default_directory};
use crate::wire::Transport;

pub use svckit_os::prompt::password as prompt;

/// What `--scm` means when nothing is said.
pub const DEFAULT_TARGET: &str = "embedded";

/// Who one is on other machines has to be said.
pub const SIGNED_IN: Option<&str> = None;

/// Connects to a service control manager.
pub(crate) fn connect(target: &Target) -> Result<Box<dyn Backend>> {
    match target {
        Target::Embedded(embedded) => system::connect(embedded),
        Target::Windows => {
            Err(refused(target, "there is no Windows here; \"embedded\" is what this system has"))
        }
        Target::Remote(remote) => remote.connect(|_| Ok(())),
    }
}

/// The same; `interrupt` ends what is being waited for on it.
pub(crate) fn connect_until(target: &Target, interrupt: &Interrupt) -> Result<Box<dyn Backend>> {
    let interrupt = interrupt.clone();
    match target {
        Target::Embedded(embedded) => system::connect_until(embedded, interrupt),
        Target::Remote(remote) => {
            let target = target.clone();
            let admit = move |stream: &TcpStream| {
                let gone = |why: &str| {
                    let error = Error::new(OPERATION, Win32Error::RPC_S_SERVER_UNAVAILABLE);
                    Box::new(error.target(target.to_string()).cause(why))
                };
                let copy = stream.try_clone().map_err(|_| gone("it can't be kept"))?;
                interrupt.admit(move || copy.shutdown(Shutdown::Both)).map_err(gone)
            };
            remote.connect(admit)
        }
        Target::Windows => connect(target),
    }
}

/// The password in a file that belongs to this user and that nobody else can reach.
pub fn remote_password(path: &Path) -> io::Result<Secret> {
    private_text(path, |text| {
        Ok(text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line)).into())
    })
}

/// User, domain and password from a file with lines `username = …`, `domain = …`, `password = …`, which belongs to this user and that nobody else can reach.
pub fn remote_credentials(path: &Path) -> io::Result<crate::Logon> {
    private_text(path, |text| {
        crate::Logon::from_lines(text).map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))
    })
}

fn private_text<T>(path: &Path, read: impl FnOnce(&str) -> io::Result<T>) -> io::Result<T> {
    let bytes = private::read(path)?.ok_or(io::ErrorKind::NotFound)?;
    read(
        std::str::from_utf8(&bytes)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not valid UTF-8"))?,
    )
}

/// What somebody shows to other machines by Kerberos: a ticket, or what the KDC gives tickets for.
#[derive(Debug, Clone)]
pub struct Ticket(Arc<Tickets>);

impl Ticket {
    /// From the ticket cache: of this user (`ann@SHOP.EXAMPLE`), or of whoever it is of.
    pub fn from_cache(user: Option<&str>) -> std::result::Result<Self, Failure> {
        Tickets::from_cache(user).map(|tickets| Self(Arc::new(tickets)))
    }

    /// From the KDC, for a password, if it answers within `limit`.
    pub fn from_password(
        user: &str,
        password: &Secret,
        limit: Duration,
    ) -> std::result::Result<Self, Failure> {
        let (name, password) = (user.to_owned(), password.clone());
        match aside::within(limit, move || Tickets::from_password(&name, &password)) {
            Ok(Some(tickets)) => tickets.map(|tickets| Self(Arc::new(tickets))),
            Ok(None) => Err(Failure {
                code: Some(gssapi::Code::NO_KDC),
                text: format!("none within {} s", limit.as_secs_f32()),
            }),
            Err(error) => Err(Failure::other(errno::describe(&error))),
        }
    }

    /// Whose it is.
    pub fn user(&self) -> &str {
        self.0.name()
    }

    pub(super) fn credentials(&self) -> &Arc<Tickets> {
        &self.0
    }
}

impl PartialEq for Ticket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Ticket {}

/// Ends from another thread what is being waited for on connections that were made with it.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<Mutex<Interrupted>>);

#[derive(Default)]
struct Interrupted {
    is_over: bool,
    close: Option<Box<dyn FnOnce() -> io::Result<()> + Send>>,
}

impl Interrupt {
    /// One that has not come.
    ///
    /// # Errors
    /// None here: other systems have to be asked for something to wait at.
    pub fn new() -> io::Result<Self> {
        Ok(Self::default())
    }

    /// From now on calls on these connections fail, also those under way.
    pub fn interrupt(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_over = true;
        if let Some(close) = state.close.take() {
            // One that the other side closed needs no more.
            let _ = close();
        }
    }

    /// Takes a connection; why not, if it is too late.
    pub(super) fn admit(
        &self,
        close: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> std::result::Result<(), &'static str> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_over {
            return Err("it is not wanted any more");
        }
        state.close = Some(Box::new(close));
        Ok(())
    }
}

impl std::fmt::Debug for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interrupted").field("is_over", &self.is_over).finish_non_exhaustive()
    }
}

/// The directory for what belongs to no definition: state, and logs whose definition names no file. `variable` reads the environment.
pub fn state_directory(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = |name| variable(name).map(PathBuf::from);
    default_directory(path("XDG_STATE_HOME").as_deref(), path("HOME").as_deref(), session::user() == 0)
}

impl Transport for Stream {
    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        Stream::set_read_timeout(self, limit)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}
