//! Here it is that of Windows.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Backend;
use svckit_core::kerberos::Failure;
use svckit_core::name::ServiceName;
use svckit_core::secret::Secret;
use svckit_core::{Error, Result, Win32Error};
use svckit_os::{account, errno, process, scm};

pub use svckit_os::interrupt::Interrupt;

use super::{Inherited, Logon, refused};
use crate::windows::{WindowsBackend, account_code};
use crate::{Target, Way};

/// Who one is on other machines: who is signed in here, by what Windows has for that, so nobody says it.
pub const SIGNED_IN: Option<&str> = Some(NOT_SAID);

const NOT_SAID: &str = r"on Windows it is who is signed in that goes to another machine: runas /netonly /user:DOMAIN\NAME cmd opens a console for somebody else";

/// What `--scm` means when nothing is said.
pub const DEFAULT_TARGET: &str = "windows";

/// Connects to a service control manager.
pub(crate) fn connect(target: &Target) -> Result<Box<dyn Backend>> {
    match target {
        Target::Windows => Ok(Box::new(WindowsBackend::local())),
        Target::Embedded(_) => Err(refused(
            target,
            "the built-in service control manager does not run on Windows; \"windows\" is what this system has",
        )),
        Target::Remote(remote) if remote.port().is_some() => {
            Err(refused(target, "the functions of Windows find the port themselves: name the machine alone"))
        }
        Target::Remote(remote) if remote.way() != Way::Any => {
            Err(refused(target, "the functions of Windows find the way themselves: name the machine alone"))
        }
        Target::Remote(remote) => Ok(Box::new(WindowsBackend::remote(remote)?)),
    }
}

/// Nobody is asked: it is who is signed in that goes to other machines.
pub fn prompt(_: &str) -> io::Result<Secret> {
    Err(io::ErrorKind::Unsupported.into())
}

/// What somebody shows to other machines by Kerberos: here the system does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ticket {}

impl Ticket {
    /// There is none.
    pub fn from_cache(_: Option<&str>) -> std::result::Result<Self, Failure> {
        Err(Failure::other(NOT_SAID))
    }

    /// There is none.
    pub fn from_password(_: &str, _: &Secret, _: Duration) -> std::result::Result<Self, Failure> {
        Err(Failure::other(NOT_SAID))
    }
}

/// Nothing is read, for the same reason.
pub fn remote_credentials(_: &Path) -> io::Result<crate::Logon> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Nothing is read, for the same reason.
pub fn remote_password(_: &Path) -> io::Result<Secret> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The same; `interrupt` ends what is being waited for on it.
pub(crate) fn connect_until(target: &Target, interrupt: &Interrupt) -> Result<Box<dyn Backend>> {
    match target {
        Target::Windows => Ok(Box::new(WindowsBackend::local_until(interrupt.clone()))),
        other => connect(other),
    }
}

/// That of Windows is there as long as Windows is.
pub fn wait_until_served(target: &Target) -> Result<()> {
    Err(refused(target, "it can't be waited for"))
}

/// The directory for what belongs to no definition: logs whose definition names no file. Services are the machine's, whoever installs them. `variable`
/// reads the environment.
pub fn state_directory(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let data = variable("ProgramData").map(PathBuf::from).filter(|path| path.is_absolute());
    data.map(|data| data.join("svckit"))
}

/// Lets an account log on as a service of this machine; whether it could not before.
pub fn grant_logon(target: &Target, account: &str) -> Result<bool> {
    if let Target::Remote(_) = target {
        let failed = Error::new("grant the right to log on as a service", Win32Error::NOT_SUPPORTED);
        return Err(Box::new(failed.target(target.to_string()).cause("it is granted on the machine itself")));
    }
    account::grant_service_logon(account).map_err(|error| {
        let failed = Error::new("grant the right to log on as a service", account_code(&error))
            .target(target.to_string());
        Box::new(failed.cause(format!("to {account:?}: {}", errno::describe(&error))))
    })
}

/// Whether a service can run under an account that is none of the system's own.
pub fn logon(target: &Target, account: &str) -> io::Result<Logon> {
    if let Target::Remote(_) = target {
        return Err(io::ErrorKind::Unsupported.into());
    }
    match account::has_service_logon(account) {
        Ok(true) => Ok(Logon::Possible),
        Ok(false) => Ok(Logon::NoRight),
        Err(error) if account_code(&error) == Win32Error::INVALID_SERVICE_ACCOUNT => Ok(Logon::NoAccount),
        Err(error) => Err(error),
    }
}

/// The variables that the programs of a service begin with. Those of its account are known where that has logged on: in the service's process, if this one may look into that,
/// or here.
pub fn inherited(_: Option<u32>, service: &ServiceName, account: Option<&str>) -> io::Result<Inherited> {
    let system = process::system_environment()?;
    let mut account = match process_of(service) {
        Some(process) => process::account_environment_of(process).unwrap_or_default(),
        None if account.is_some_and(account::is_own) => process::account_environment()?,
        None => Vec::new(),
    };
    account.retain(|variable| !system.contains(variable));
    Ok(Inherited { system, account, service: process::service_environment(service)? })
}

/// The process of a service, while it has one.
fn process_of(service: &ServiceName) -> Option<u32> {
    let manager = scm::Manager::open(None, ManagerAccess::CONNECT).ok()?;
    let opened = manager.open_service(service.as_str(), ServiceAccess::QUERY_STATUS).ok()?;
    Some(opened.status().ok()?.pid).filter(|process| *process != 0)
}
