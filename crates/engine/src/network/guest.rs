//! Somebody from the network who has not shown yet who it is.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use svckit_core::lockout::Consequence;
use svckit_core::security::check::Token;
use svckit_os::clock;
use svckit_scmr::auth::{self, AuthError, NtHash};

use super::{Failed, Visit};
use crate::accounts::Accounts;
use crate::scm::FailedLogon;

/// What was found out about an account when it was asked for.
#[derive(Default)]
enum Found {
    #[default]
    Nobody,
    /// The account, its name as it is compared, and what it may do.
    Known(String, Token),
    /// Nobody is listened to who says that it is this account.
    Locked(String, Duration),
    /// The accounts can't be read.
    Unreadable(String),
}

/// Somebody who wants to come in.
pub(crate) struct Guest {
    from: IpAddr,
    visit: Arc<Visit>,
    found: Arc<Mutex<Found>>,
}

/// What a connection asks for the verifiers of passwords.
pub(crate) struct Doorkeeper {
    accounts: Accounts,
    visit: Arc<Visit>,
    found: Arc<Mutex<Found>>,
}

impl Guest {
    /// Somebody who was admitted, and who answers for it.
    pub(crate) fn new(from: IpAddr, visit: &Arc<Visit>, accounts: Accounts) -> (Self, Doorkeeper) {
        let found = Arc::new(Mutex::new(Found::default()));
        let doorkeeper = Doorkeeper { accounts, visit: Arc::clone(visit), found: Arc::clone(&found) };
        (Self { from, visit: Arc::clone(visit), found }, doorkeeper)
    }

    /// It has shown that it is this account: what it may do.
    pub(crate) fn welcome(self, account: &auth::Account) -> Result<Token, String> {
        match std::mem::take(&mut *lock(&self.found)) {
            Found::Known(name, token) => {
                self.visit.succeeded(&name);
                tracing::info!("{:?} logs on from {}", account.user, self.from);
                Ok(token)
            }
            // Nobody is known whose verifier was not given.
            _ => Err("it logged on as nobody".to_owned()),
        }
    }

    /// It could not show it.
    pub(crate) fn turn_away(self, account: &auth::Account, error: AuthError) -> FailedLogon {
        let now = clock::now().tick;
        let found = std::mem::take(&mut *lock(&self.found));
        let (key, reason) = match &found {
            Found::Known(name, _) if error == AuthError::Refused => {
                (Some(name), "the password is wrong, or somebody changed what was said".to_owned())
            }
            Found::Locked(name, time) => {
                (Some(name), format!("the account is locked for {} s more", time.as_secs() + 1))
            }
            Found::Unreadable(reason) => (None, reason.clone()),
            Found::Nobody if error == AuthError::Refused && account.user.contains('@') => {
                (None, "no account has that principal".to_owned())
            }
            Found::Nobody if error == AuthError::Refused => (None, "there is no such account".to_owned()),
            Found::Known(..) | Found::Nobody => (None, error.to_string()),
        };
        let failed = match found {
            // Nobody but us is wrong.
            Found::Unreadable(_) => UNCOUNTED,
            // Nobody guesses tickets.
            _ if matches!(error, AuthError::Kerberos(_)) => UNCOUNTED,
            _ => self.visit.failed(key.map(String::as_str), now),
        };
        let named = (!account.user.is_empty()).then(|| account.user.chars().take(LONGEST_TOLD).collect());
        FailedLogon { from: self.from, account: named, reason, failed }
    }
}

/// A failure that locks nobody out.
const UNCOUNTED: Failed = Failed { account: Consequence::Counted, address: Consequence::Counted };

/// How much is told of a name that somebody says.
const LONGEST_TOLD: usize = 64;

impl auth::Accounts for Doorkeeper {
    fn verifier(&self, account: &auth::Account) -> Option<NtHash> {
        let (found, verifier) = match self.accounts.find(&account.user) {
            Ok(Some(known)) => {
                let key = known.name.to_uppercase();
                match self.visit.closed(&key, clock::now().tick) {
                    Some(left) => (Found::Locked(key, left), None),
                    None => (Found::Known(key, known.token), Some(known.verifier)),
                }
            }
            Ok(None) => (Found::Nobody, None),
            Err(error) => {
                tracing::error!("nobody can log on: {error}");
                (Found::Unreadable(error.to_string()), None)
            }
        };
        *lock(&self.found) = found;
        verifier
    }

    /// Wrong passwords, by which anybody can lock an account, don't lock out who has a ticket.
    fn admits(&self, principal: &str) -> bool {
        let found = match self.accounts.find_principal(principal) {
            Ok(Some((name, token))) => Found::Known(name.to_uppercase(), token),
            Ok(None) => Found::Nobody,
            Err(error) => {
                tracing::error!("nobody can log on: {error}");
                Found::Unreadable(error.to_string())
            }
        };
        let is_known = matches!(found, Found::Known(..));
        *lock(&self.found) = found;
        is_known
    }
}

fn lock(found: &Mutex<Found>) -> std::sync::MutexGuard<'_, Found> {
    // It is replaced as a whole.
    found.lock().unwrap_or_else(PoisonError::into_inner)
}
