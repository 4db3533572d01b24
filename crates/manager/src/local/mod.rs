//! Which service control managers this system has, and where it keeps what belongs to them.
//!
//! A system has `DEFAULT_TARGET`, what `--scm` means when nothing is said; `connect`; `state_directory`; and `grant_logon`, which lets an account log on as
//! a service where that is a right of its own, and tells whether it had to.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use svckit_core::{Error, Win32Error};

#[cfg(unix)]
pub(crate) use unix::connect;
#[cfg(unix)]
pub use unix::{DEFAULT_TARGET, adopt_descriptor, grant_logon, state_directory};
#[cfg(windows)]
pub(crate) use windows::connect;
#[cfg(windows)]
pub use windows::{DEFAULT_TARGET, grant_logon, state_directory};

use crate::Target;

const OPERATION: &str = "connect to service control manager";

const NO_REMOTE: &str = "this version of svckit knows only service control managers of this machine";

/// A target that can't be reached from here.
fn refused(target: &Target, cause: &str) -> Box<Error> {
    let error = Error::new(OPERATION, Win32Error::NOT_SUPPORTED);
    Box::new(error.target(target.to_string()).cause(cause))
}
