//! Which service control managers this system has, and where it keeps what belongs to them.
//!
//! A system has `DEFAULT_TARGET`, what `--scm` means when nothing is said; `connect`; `state_directory`; `grant_logon`, which lets an account log on as
//! a service where that is a right of its own, and tells whether it had to; `logon`, whether it could now; `inherited`, the variables that a service's process begins with;
//! `SIGNED_IN`, why nobody may say who goes to other machines, where the system decides that; `prompt`, `remote_password`, `remote_credentials` and `Ticket`, where what is shown to another machine comes from; and for
//! those who go on looking, `wait_until_served` and `Interrupt`.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(unix)]
mod remote;
#[cfg(unix)]
mod smb;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::ffi::OsString;
use std::io;

use svckit_core::definition::PasswordSource;
use svckit_core::name::ServiceName;
use svckit_core::secret::Secret;
use svckit_core::{Error, Result, Win32Error};
use svckit_os::{dump, errno, secret};

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "linux")]
pub use linux::adopt_descriptor;
#[cfg(target_os = "macos")]
use macos as system;
#[cfg(unix)]
pub use system::{grant_logon, inherited, logon, wait_until_served};
#[cfg(unix)]
pub use unix::{
    DEFAULT_TARGET, Interrupt, SIGNED_IN, Ticket, prompt, remote_credentials, remote_password,
    state_directory,
};
#[cfg(unix)]
pub(crate) use unix::{connect, connect_until};
#[cfg(windows)]
pub use windows::{
    DEFAULT_TARGET, Interrupt, SIGNED_IN, Ticket, grant_logon, inherited, logon, prompt, remote_credentials,
    remote_password, state_directory, wait_until_served,
};
#[cfg(windows)]
pub(crate) use windows::{connect, connect_until};

use crate::Target;

const OPERATION: &str = "connect to service control manager";

/// The variables that the process of a service begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inherited {
    /// Those of the service control manager, or of the machine.
    pub system: Vec<(OsString, OsString)>,
    /// Those that belong to its account, as far as they can be told before it logs on.
    pub account: Vec<(OsString, OsString)>,
    /// Those that the service control manager keeps with the service.
    pub service: Vec<(OsString, OsString)>,
}

/// Whether a service can run under an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logon {
    /// It can.
    Possible,
    /// There is no such account.
    NoAccount,
    /// Nobody gave it the right, or it can't be switched to.
    NoRight,
}

/// From now on no core dump of this process is made, or (on Windows) no report has what is on its heap: for programs that read passwords. Programs that it runs are as they
/// would be; on Linux other processes of the user can't look into this one either.
pub fn withhold_dumps() {
    dump::withhold().for_good();
}

/// The password of a service's account, from where `source` says. `variable` reads the environment.
pub fn password(
    source: &PasswordSource,
    service: &ServiceName,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Secret> {
    let fail = |code, cause: String| {
        let error = Error::new("read the account's password for service", code).service(service.as_str());
        Box::new(error.cause(cause))
    };
    let (place, read) = match source {
        PasswordSource::File(path) => (path.display().to_string(), secret::read(path)),
        PasswordSource::Credential(name) => (format!("the credential {name:?}"), secret::credential(name)),
        PasswordSource::Environment(name) => {
            let place = format!("the variable {name}");
            let Some(value) = variable(name) else {
                return Err(fail(Win32Error::ENVVAR_NOT_FOUND, format!("{place} is not set")));
            };
            let not_text = |_| io::Error::new(io::ErrorKind::InvalidData, "it is not valid Unicode");
            (place, value.into_string().map(Secret::from).map_err(not_text))
        }
    };
    match read {
        Ok(secret) if secret.is_empty() => Err(fail(Win32Error::INVALID_DATA, format!("{place} is empty"))),
        Ok(secret) => Ok(secret),
        Err(error) => {
            Err(fail(errno::win32(&error), format!("{place} can't be used: {}", errno::describe(&error))))
        }
    }
}

/// A target that can't be reached from here.
fn refused(target: &Target, cause: &str) -> Box<Error> {
    let error = Error::new(OPERATION, Win32Error::NOT_SUPPORTED);
    Box::new(error.target(target.to_string()).cause(cause))
}
