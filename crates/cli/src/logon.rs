//! Who logs on to another machine: from the command line and the environment, and the password from a file, a variable or the terminal, never from an argument.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use svckit_core::secret::Secret;
use svckit_core::{Error, Result, Win32Error};
use svckit_manager::remote::Trial;
use svckit_manager::{Remote, Target, local};

use crate::args::Global;
use crate::failure::plain;

/// The variables that say what options may say.
const USER: &str = "SVC_USER";
const PASSWORD: &str = "SVC_PASSWORD";

/// What was said of it. It is asked for when the first connection is made, and once, however many there are.
#[derive(Default)]
pub(crate) struct Logon {
    user: Option<String>,
    password_file: Option<PathBuf>,
    limit: Option<Duration>,
    known: Mutex<Option<svckit_manager::Logon>>,
    /// What machines said of it: one that refuses it stops the others.
    trial: Trial,
}

impl Logon {
    /// What the command line says.
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            user: global.user.clone(),
            password_file: global.password_file.clone(),
            limit: global.connect_timeout,
            known: Mutex::default(),
            trial: Trial::default(),
        }
    }

    /// The machine with who logs on there.
    pub(crate) fn on(&self, remote: &Remote) -> Result<Remote> {
        let within = |remote: Remote| match self.limit {
            Some(limit) => remote.within(limit),
            None => remote,
        };
        if let Some(why) = local::SIGNED_IN {
            if self.user.is_some() || self.password_file.is_some() {
                return Err(failed(remote, Win32Error::NOT_SUPPORTED, why.to_owned()));
            }
            return Ok(within(remote.clone()));
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let logon = match known.take() {
            Some(logon) => logon,
            None => self.ask(remote)?,
        };
        *known = Some(logon.clone());
        Ok(within(remote.clone().log_on(logon).on_trial(&self.trial)))
    }

    /// Whether a machine was not asked because another let nobody in.
    pub(crate) fn is_left_out(&self, target: &Target) -> bool {
        self.trial.is_left_out(&target.to_string())
    }

    fn ask(&self, remote: &Remote) -> Result<svckit_manager::Logon> {
        let said = self.user.clone().or_else(|| std::env::var(USER).ok());
        let Some(user) = said.filter(|user| !user.is_empty()) else {
            let cause = format!("it takes the name of a user: --user, or the variable {USER}");
            return Err(failed(remote, Win32Error::LOGON_FAILURE, cause));
        };
        let password = self.password(&user, remote)?;
        Ok(svckit_manager::Logon::new(&user, password))
    }

    fn password(&self, user: &str, remote: &Remote) -> Result<Secret> {
        if let Some(file) = &self.password_file {
            return local::remote_password(file).map_err(|error| {
                let cause = format!("the password can't be read from {}: {}", file.display(), plain(&error));
                failed(remote, Win32Error::ACCESS_DENIED, cause)
            });
        }
        if let Some(password) = std::env::var_os(PASSWORD) {
            return password.into_string().map(Secret::from).map_err(|_| {
                let cause = format!("the variable {PASSWORD} is not valid Unicode");
                failed(remote, Win32Error::INVALID_DATA, cause)
            });
        }
        local::prompt(&format!("Password of {user} on {remote}: ")).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => {
                failed(remote, Win32Error::CANCELLED, "no password was given".to_owned())
            }
            _ => {
                let cause = format!(
                    "there is no terminal to ask for the password of {user:?} ({}); --password-file or the variable {PASSWORD} give it",
                    plain(&error)
                );
                failed(remote, Win32Error::LOGON_FAILURE, cause)
            }
        })
    }
}

fn failed(remote: &Remote, code: Win32Error, cause: String) -> Box<Error> {
    let error = Error::new("log on to another machine", code).target(remote.target());
    Box::new(error.cause(cause))
}
