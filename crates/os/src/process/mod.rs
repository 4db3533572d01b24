//! Starting programs, asking them to end, and learning how they do, with everything that they started.
//!
//! The programs of a process are its [`Children`], an event source: when the poller brings the token, [`Children::next`] tells the [`News`].
//!
//! What each system has of its own: `Children` with `new`, `spawn`, `next`, `follow`, `end_rest`, `end_tree`, `end_all`, `can`, `ask` and `signal`; `End`, from a
//! `ProgramEnd`, a file, or this process's own outputs; `Terms` with `of_this_process`, `with_sockets` and `environment`; `Sockets`; `inherited_environment`
//! and `trim_memory`. Everything else that a system exports here is for those who know that they are on it.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use svckit_core::Win32Error;
use svckit_core::limits::Limits;
use svckit_core::restart::Ended;
use zeroize::Zeroizing;

#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;

/// A program to be started, complete: nothing is inherited but what is said here.
#[derive(Debug, Clone, Default)]
pub struct Command {
    /// The program and its arguments. A program without a path separator is looked up in the `PATH` of `environment`.
    pub command: Vec<OsString>,
    /// Its working directory; absent: that of this process.
    pub directory: Option<PathBuf>,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Names of programs, or patterns: processes of its tree that run them aren't ended with it.
    pub leave: Vec<String>,
    /// What it may use of the machine.
    pub limits: Limits,
    /// What else the system wants to know.
    pub terms: Terms,
}

impl Command {
    /// Overwrites the values of the variables, since secrets may be among them. What is made of them for the system is overwritten in any case.
    pub fn forget(self) {
        for (_, value) in self.environment {
            drop(Zeroizing::new(value.into_encoded_bytes()));
        }
    }
}

/// The three standard streams of a program.
#[derive(Debug, Clone, Copy)]
pub struct Stdio<'a> {
    /// Standard input.
    pub input: End<'a>,
    /// Standard output.
    pub output: End<'a>,
    /// Standard error.
    pub error: End<'a>,
}

/// What happened to the programs of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// A program ended.
    Ended {
        /// Its process id.
        pid: u32,
        /// How.
        how: Ended,
    },
    /// A program has as many processes as it may have, and was refused another. Told once of each.
    ProcessLimit {
        /// Its process id.
        pid: u32,
    },
    /// Something that a program had started, and left behind, ended: perhaps the last of it.
    Orphan,
    /// Somebody asks this process to end.
    EndRequested,
}

/// At what a start failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Making the process.
    Process,
    /// Limiting what it may use.
    Limits,
    /// Becoming the user.
    Credentials,
    /// Entering the working directory.
    Directory,
    /// Running the program.
    Program,
}

/// A program that could not be started.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct SpawnError {
    /// At what.
    pub stage: Stage,
    /// What the system said.
    pub error: io::Error,
    /// What it was about: the directory or the program.
    pub subject: String,
    /// What more is known, as a clause.
    pub detail: Option<String>,
}

impl SpawnError {
    /// The code that a service which fails so has.
    pub fn code(&self) -> Win32Error {
        match (self.stage, crate::errno::win32(&self.error)) {
            (Stage::Directory, _) => Win32Error::DIRECTORY,
            (Stage::Credentials, _) => Win32Error::SERVICE_LOGON_FAILED,
            (Stage::Program, Win32Error::PATH_NOT_FOUND) => Win32Error::FILE_NOT_FOUND,
            (_, code) => code,
        }
    }

    fn sentence(&self) -> String {
        let what = match self.stage {
            Stage::Process => "cannot make a process for",
            Stage::Limits => "cannot set the limit",
            Stage::Credentials => "cannot become the user for",
            Stage::Directory => "cannot use the working directory",
            Stage::Program => "cannot run",
        };
        let why = crate::errno::describe(&self.error);
        match &self.detail {
            Some(detail) => format!("{what} {:?}: {why}: {detail}", self.subject),
            None => format!("{what} {:?}: {why}", self.subject),
        }
    }
}
