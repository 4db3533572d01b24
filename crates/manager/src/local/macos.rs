//! Here there is no service control manager yet: other machines are managed.

use std::io;

use svckit_core::backend::Backend;
use svckit_core::name::ServiceName;
use svckit_core::{Error, Result, Win32Error};
use svckit_os::socket::Stream;

use super::{Inherited, Interrupt, Logon, OPERATION, refused};
use crate::Embedded;
use crate::target::Target;
use crate::wire::Wire;

const WHY: &str =
    "the built-in service control manager does not run on macOS yet; --scm HOST manages another machine";

/// Refused.
pub(super) fn connect(embedded: &Embedded) -> Result<Box<dyn Backend>> {
    Ok(Box::new(embedded.connect()?))
}

/// Refused.
pub(super) fn connect_until(embedded: &Embedded, _: Interrupt) -> Result<Box<dyn Backend>> {
    connect(embedded)
}

/// Refused.
pub fn wait_until_served(target: &Target) -> Result<()> {
    Err(refused(target, WHY))
}

/// Nothing is granted for services of other machines.
pub fn grant_logon(_: &Target, _: &str) -> Result<bool> {
    Ok(false)
}

/// Of accounts of other machines nothing is known.
pub fn logon(_: &Target, _: &str) -> io::Result<Logon> {
    Err(io::Error::new(io::ErrorKind::Unsupported, WHY))
}

/// No service begins here.
pub fn inherited(_: Option<u32>, _: &ServiceName, _: Option<&str>) -> io::Result<Inherited> {
    Err(io::Error::new(io::ErrorKind::Unsupported, WHY))
}

impl Embedded {
    /// Refused: this system has none yet.
    ///
    /// # Errors
    /// `ERROR_NOT_SUPPORTED`, always.
    pub fn connect(&self) -> Result<Wire<Stream>> {
        let error = Error::new(OPERATION, Win32Error::NOT_SUPPORTED);
        Err(Box::new(error.target(format!("embedded:{}", self.directory.display())).cause(WHY)))
    }
}
