//! Starting programs and learning how they end.

mod credentials;
mod lean;
mod spawn;
mod unix;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use svckit_core::Win32Error;

pub use credentials::Credentials;
pub use lean::{make_lean, undo_lean};
pub use spawn::{Stdio, spawn};
pub use unix::{
    Forked, OpenFiles, adopt_descriptor, become_subreaper, children, environment_value, fork, is_alive,
    is_same_file, kill, leave_terminal, name_process, pidfd, raise_open_files, reap, session, signal_group,
    trim_memory, wait_for,
};

/// A program to be started, complete: nothing is inherited but what is said here.
#[derive(Debug, Clone, Default)]
pub struct Command {
    /// The program and its arguments. A program without a slash is looked up in the `PATH` of `environment`.
    pub command: Vec<OsString>,
    /// Its working directory; absent: that of this process.
    pub directory: Option<PathBuf>,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Who it runs as; absent: who this process runs as.
    pub credentials: Option<Credentials>,
    /// How many open files it may have; absent: as many as this process.
    pub open_files: Option<OpenFiles>,
    /// Whether the system shall end it when this process is gone.
    pub ends_with_parent: bool,
    /// The number of one more descriptor that it shall have, under the same number as here.
    pub keep: Option<i32>,
}

/// At what a start failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Making the process.
    Process,
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
