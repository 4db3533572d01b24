//! Why a request was refused, and why the service control manager could not start.

use std::net::SocketAddr;
use std::path::PathBuf;

use svckit_core::win32::Win32Error;

/// A refused request: the code, and more than the code tells where more is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: Win32Error,
    pub(crate) cause: Option<String>,
}

impl Failure {
    pub(crate) fn new(code: Win32Error, cause: impl Into<String>) -> Self {
        Self { code, cause: Some(cause.into()) }
    }

    /// The cause in words, if only those of the code.
    pub(crate) fn words(&self) -> String {
        match (&self.cause, self.code.description()) {
            (Some(cause), _) => cause.clone(),
            (None, Some(text)) => text.to_owned(),
            (None, None) => self.code.numbered(),
        }
    }
}

impl From<Win32Error> for Failure {
    fn from(code: Win32Error) -> Self {
        Self { code, cause: None }
    }
}

/// Why the service control manager could not start, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The state directory can't be made or read.
    #[error("cannot use the state directory {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Somebody else could change what is in the state directory.
    #[error("the state directory {} is not private: {found}; mend it with: {remedy}", path.display())]
    NotPrivate {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
        /// The command that puts it right.
        remedy: String,
    },
    /// Another service control manager has the state directory.
    #[error("the state directory {} is in use by another service control manager{}", path.display(), holder.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The other one.
        holder: Option<u32>,
    },
    /// The database can't be read as one.
    #[error("the database {} is damaged and was left as it is: {reason}; restore it from a copy, or move it away to begin with an empty one", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the check found.
        reason: String,
    },
    /// The database was written by a newer version.
    #[error("the database {} was written by a newer version of svckit (its form is {found}, this version knows forms up to {known}) and was left as it is; use that version", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its form.
        found: i64,
        /// The newest form known here.
        known: i64,
    },
    /// The database can't be used for another reason.
    #[error("cannot use the database {}: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// Clients with Kerberos can't be taken.
    #[error("cannot take Kerberos: {reason}")]
    Kerberos {
        /// Why.
        reason: String,
    },
    /// The settings file is wrong.
    #[error("{}: {reason}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// It can't listen on the network as it should.
    #[error("cannot listen at {address}: {reason}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        reason: String,
    },
    /// The system refused something else.
    #[error("cannot {what}: {source}")]
    System {
        /// What was being done.
        what: &'static str,
        /// Why.
        source: std::io::Error,
    },
}

impl ServeError {
    pub(crate) fn system(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}
