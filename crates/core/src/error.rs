//! Errors that say what was being done, to which service, where, with which code and why.

use std::fmt;

use crate::win32::Win32Error;

/// A result whose error tells operation, service, target, code and cause.
pub type Result<T, E = Box<Error>> = std::result::Result<T, E>;

/// A failed operation on a service control manager.
///
/// ```
/// use svckit_core::{Error, Win32Error};
/// let error = Error::new("start service", Win32Error::SERVICE_DEPENDENCY_FAIL)
///     .service("web")
///     .cause(r#"dependency "db" failed"#);
/// assert_eq!(error.to_string(), r#"cannot start service "web": dependency "db" failed (1068 ERROR_SERVICE_DEPENDENCY_FAIL)"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What was being done, as a verb phrase: `start service`.
    pub operation: &'static str,
    /// The service it was done to, by key name.
    pub service: Option<String>,
    /// The service control manager it was done on, in the form of `--scm`.
    pub target: Option<String>,
    /// The code.
    pub code: Win32Error,
    /// The cause in words, if more is known than the code tells.
    pub cause: Option<String>,
}

impl Error {
    /// An error of an operation.
    pub fn new(operation: &'static str, code: Win32Error) -> Self {
        Self { operation, service: None, target: None, code, cause: None }
    }

    /// The same about a service.
    #[must_use]
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.service = Some(service.into());
        self
    }

    /// The same on a service control manager.
    #[must_use]
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// The same with the cause in words.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.operation)?;
        if let Some(service) = &self.service {
            write!(f, " {service:?}")?;
        }
        match self.cause.as_deref().or_else(|| self.code.description()) {
            Some(cause) => write!(f, ": {cause} ({})", self.code.numbered()),
            None => write!(f, ": {}", self.code.numbered()),
        }
    }
}

impl std::error::Error for Error {}
