//! Which service control managers this system has, and where it keeps what belongs to them.
//!
//! A system has `DEFAULT_TARGET`, what `--scm` means when nothing is said; `connect`; `state_directory`; `grant_logon`, which lets an account log on as
//! a service where that is a right of its own, and tells whether it had to; `logon`, whether it could now; `inherited`, the variables that a service's process begins with;
//! and for those who go on looking, `wait_until_served` and `Interrupt`.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::ffi::OsString;

use svckit_core::{Error, Win32Error};

#[cfg(unix)]
pub use unix::{
    DEFAULT_TARGET, Interrupt, adopt_descriptor, grant_logon, inherited, logon, state_directory,
    wait_until_served,
};
#[cfg(unix)]
pub(crate) use unix::{connect, connect_until};
#[cfg(windows)]
pub use windows::{
    DEFAULT_TARGET, Interrupt, grant_logon, inherited, logon, state_directory, wait_until_served,
};
#[cfg(windows)]
pub(crate) use windows::{connect, connect_until};

use crate::Target;

const OPERATION: &str = "connect to service control manager";

const NO_REMOTE: &str = "this version of svckit knows only service control managers of this machine";

/// The variables that the process of a service begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inherited {
    /// Those of the service control manager, or of the machine.
    pub system: Vec<(OsString, OsString)>,
    /// Those that belong to its account, as far as they can be told before it logs on.
    pub account: Vec<(OsString, OsString)>,
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

/// A target that can't be reached from here.
fn refused(target: &Target, cause: &str) -> Box<Error> {
    let error = Error::new(OPERATION, Win32Error::NOT_SUPPORTED);
    Box::new(error.target(target.to_string()).cause(cause))
}
