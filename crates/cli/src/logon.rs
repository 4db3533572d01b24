//! Who logs on to another machine: from the command line, a file or the environment, and the password from a file, a variable or the terminal, never from an argument; or the ticket of Kerberos that there is.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clap::ValueEnum;
use svckit_core::kerberos::{Code, Failure};
use svckit_core::secret::Secret;
use svckit_core::{Error, Result, Win32Error};
use svckit_manager::local::{self, Ticket};
use svckit_manager::remote::{LIMIT, Trial};
use svckit_manager::{Remote, Target};

use crate::args::{Auth, Global};
use crate::failure::plain;

/// The variables that say what options may say.
const USER: &str = "SVC_USER";
const PASSWORD: &str = "SVC_PASSWORD";
const AUTH: &str = "SVC_AUTH";

/// What was said of it. It is asked for when the first connection is made, and once, however many there are.
#[derive(Default)]
pub(crate) struct Logon {
    user: Option<String>,
    password_file: Option<PathBuf>,
    credentials_file: Option<PathBuf>,
    auth: Option<Auth>,
    limit: Option<Duration>,
    known: Mutex<Option<Known>>,
    /// What machines said of it: one that refuses it stops the others.
    trial: Trial,
}

/// What is shown to other machines.
#[derive(Clone)]
enum Known {
    Password(svckit_manager::Logon),
    Ticket(Ticket),
}

impl Logon {
    /// What the command line says.
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            user: global.user.clone(),
            password_file: global.password_file.clone(),
            credentials_file: global.credentials_file.clone(),
            auth: global.auth,
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
            let is_said = self.user.is_some() || self.auth.is_some();
            let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
            if is_said
                || self.password_file.is_some()
                || self.credentials_file.is_some()
                || [USER, PASSWORD, AUTH].into_iter().any(is_set)
            {
                return Err(failed(remote, Win32Error::NOT_SUPPORTED, why.to_owned()));
            }
            return Ok(within(remote.clone()));
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = match known.take() {
            Some(shown) => shown,
            None => self.ask(remote)?,
        };
        *known = Some(shown.clone());
        Ok(within(match shown {
            Known::Password(logon) => remote.clone().log_on(logon).on_trial(&self.trial),
            // Nothing locks whoever shows a ticket where it isn't taken.
            Known::Ticket(ticket) => remote.clone().show(ticket),
        }))
    }

    /// Whether a machine was not asked because another let nobody in.
    pub(crate) fn is_left_out(&self, target: &Target) -> bool {
        self.trial.is_left_out(&target.to_string())
    }

    fn ask(&self, remote: &Remote) -> Result<Known> {
        local::withhold_dumps();
        let auth = self.auth(remote)?;
        if let Some(file) = &self.credentials_file {
            let logon = local::remote_credentials(file).map_err(|error| {
                let code = match error.kind() {
                    io::ErrorKind::InvalidData => Win32Error::INVALID_DATA,
                    _ => Win32Error::ACCESS_DENIED,
                };
                let cause =
                    format!("the credentials can't be read from {}: {}", file.display(), plain(&error));
                failed(remote, code, cause)
            })?;
            return match auth {
                Some(Auth::Kerberos) => {
                    self.ticket_for(&principal(&logon.domain, &logon.user), &logon.password, remote)
                }
                _ => Ok(Known::Password(logon)),
            };
        }
        let said = self.user.clone().or_else(|| std::env::var(USER).ok());
        match (said.filter(|user| !user.is_empty()), auth) {
            (Some(user), Some(Auth::Kerberos)) => self.ticket_of(&user, remote),
            (Some(user), _) => {
                Ok(Known::Password(svckit_manager::Logon::new(&user, self.password(&user, remote)?)))
            }
            (None, Some(Auth::Ntlm)) => {
                let cause = format!("it takes the name of a user: --user, or the variable {USER}");
                Err(failed(remote, Win32Error::LOGON_FAILURE, cause))
            }
            (None, auth) => Ticket::from_cache(None).map(Known::Ticket).map_err(|failure| {
                let cause = match auth {
                    Some(_) => format!("Kerberos has nothing to show: {failure}"),
                    None => format!(
                        "it takes the name of a user (--user, or the variable {USER}) or a Kerberos ticket, and that can't be had: {failure}"
                    ),
                };
                failed(remote, failure.win32(), cause)
            }),
        }
    }

    /// How it was said that it is to be shown.
    fn auth(&self, remote: &Remote) -> Result<Option<Auth>> {
        let variable = std::env::var(AUTH).unwrap_or_default();
        match self.auth {
            None if !variable.is_empty() => Auth::from_str(&variable, true).map(Some).map_err(|_| {
                let cause = format!("the variable {AUTH} is {variable:?}, and may be kerberos or ntlm");
                failed(remote, Win32Error::INVALID_PARAMETER, cause)
            }),
            said => Ok(said),
        }
    }

    /// The ticket of this user: for the password if that was given, else that of the cache; if there is none, for the password that is asked for.
    fn ticket_of(&self, user: &str, remote: &Remote) -> Result<Known> {
        let (domain, name) = user.split_once('\\').unwrap_or(("", user));
        let principal = principal(domain, name);
        let is_given = self.password_file.is_some() || std::env::var_os(PASSWORD).is_some();
        if !is_given {
            match Ticket::from_cache(Some(&principal)) {
                Ok(ticket) => return Ok(Known::Ticket(ticket)),
                Err(Failure {
                    code: Some(Code::NO_CACHE | Code::NO_SUCH_TICKET | Code::EXPIRED), ..
                }) => {}
                Err(failure) => return Err(no_ticket(&principal, &failure, remote)),
            }
        }
        self.ticket_for(&principal, &self.password(user, remote)?, remote)
    }

    fn ticket_for(&self, principal: &str, password: &Secret, remote: &Remote) -> Result<Known> {
        Ticket::from_password(principal, password, self.limit.unwrap_or(LIMIT))
            .map(Known::Ticket)
            .map_err(|failure| no_ticket(principal, &failure, remote))
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

/// The user as Kerberos has it, with the realm that was said.
fn principal(domain: &str, user: &str) -> String {
    if domain.is_empty() { user.to_owned() } else { format!("{user}@{}", domain.to_uppercase()) }
}

fn no_ticket(principal: &str, failure: &Failure, remote: &Remote) -> Box<Error> {
    failed(remote, failure.win32(), format!("Kerberos gives no ticket to {principal}: {failure}"))
}

fn failed(remote: &Remote, code: Win32Error, cause: String) -> Box<Error> {
    let error = Error::new("log on to another machine", code).target(remote.target());
    Box::new(error.cause(cause))
}
