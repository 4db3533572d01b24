//! What clients of the network mean to the service control manager beyond their rights: where they are listened to, and what is told of those who were not let in.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use svckit_core::lockout::Consequence;
use svckit_core::native::{EventId, Level};

use super::Scm;
use crate::network::{Failed, is_own};

/// Where it is listened for clients of the network.
#[derive(Debug, Default)]
pub(crate) struct Listening {
    pub(crate) scmr: Vec<SocketAddr>,
    pub(crate) mapper: Vec<SocketAddr>,
}

/// As it follows a sentence: nothing where it isn't listened.
impl fmt::Display for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, all) in [("listening at", &self.scmr), ("endpoint mapper at", &self.mapper)] {
            if !all.is_empty() {
                let all: Vec<_> = all.iter().map(SocketAddr::to_string).collect();
                write!(f, ", {what} {}", all.join(" and "))?;
            }
        }
        Ok(())
    }
}

/// A logon over the network that failed.
#[derive(Debug)]
pub(crate) struct FailedLogon {
    pub(crate) from: IpAddr,
    /// Who it says that it is; not if that couldn't be read.
    pub(crate) account: Option<String>,
    /// Why, as a clause. Nobody but the reader of events is told.
    pub(crate) reason: String,
    pub(crate) failed: Failed,
}

impl Scm {
    /// Takes note of where it is listened.
    pub(crate) fn listens(&mut self, listening: Listening) {
        for address in &listening.scmr {
            let (level, reach) = match is_own(address) {
                true => (Level::Information, "this machine"),
                false => (Level::Warning, "the network"),
            };
            let text = format!("clients of {reach} are listened to at {address}, if they show who they are");
            self.record_event(None, EventId::LISTENING, level, text);
        }
        for address in &listening.mapper {
            let text = format!("an endpoint mapper tells everybody at {address} where that is");
            self.record_event(None, EventId::LISTENING, Level::Information, text);
        }
        self.listening = listening;
    }

    /// Whether the access list of a service alone decides what callers from afar may do with it.
    pub(super) fn is_exempt(&self, key: &str) -> bool {
        self.settings.network.remote_access_exemptions.iter().any(|name| name.folded() == key)
    }

    /// Somebody could not show who it is.
    pub(crate) fn logon_failed(&mut self, logon: &FailedLogon) {
        let FailedLogon { from, account, reason, failed } = logon;
        let who = account.as_ref().map_or_else(|| "somebody".to_owned(), |account| format!("{account:?}"));
        let text = format!("{who} was not let in from {from}: {reason}");
        self.record_event(None, EventId::LOGON_FAILED, Level::Warning, text);
        if let (Consequence::Closed(time), Some(account)) = (failed.account, account) {
            let text = format!("account {account:?} is locked for {}: too many logons failed", seconds(time));
            self.record_event(None, EventId::LOCKED_OUT, Level::Warning, text);
        }
        if let Consequence::Closed(time) = failed.address {
            let text =
                format!("nobody from {from} is listened to for {}: too many logons failed", seconds(time));
            self.record_event(None, EventId::LOCKED_OUT, Level::Warning, text);
        }
    }
}

fn seconds(time: Duration) -> String {
    match time.as_millis().div_ceil(1000) {
        1 => "1 second".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}
