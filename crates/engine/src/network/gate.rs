//! Who of the network may connect, and how often somebody may be wrong about a password.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use svckit_core::lockout::{Consequence, Lockout, Tolerance};
use svckit_core::time::Tick;

use crate::settings::Network;

/// For an account: somebody who has forgotten a password tries a few.
const ACCOUNT: Tolerance = Tolerance {
    failures: 10,
    shortest: Duration::from_secs(1),
    longest: Duration::from_secs(15 * 60),
    memory: Duration::from_secs(60 * 60),
};

/// For an address, behind which there may be several people.
const ADDRESS: Tolerance = Tolerance { failures: 20, ..ACCOUNT };

/// How many accounts and addresses are remembered.
const REMEMBERED: usize = 4096;

/// Where somebody comes from: an address, or of version 6, the network of it that is one subscriber's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Origin(u128);

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => Self(address.to_bits() >> 64 << 64),
        }
    }
}

/// Why somebody is turned away before a word was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turned {
    /// There are so many connections.
    Full(usize),
    /// There are so many connections of this address.
    TooMany(usize),
    /// Too many wrong passwords came from this address.
    Closed(Duration),
}

/// What a wrong password has led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) account: Consequence,
    pub(crate) address: Consequence,
}

/// The limits, and who is there.
#[derive(Debug)]
pub(crate) struct Gate {
    most: usize,
    most_of_one: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    open: usize,
    by_origin: HashMap<Origin, usize>,
    accounts: Lockout<String>,
    origins: Lockout<Origin>,
}

/// A connection that was let in, until it is dropped.
#[derive(Debug)]
pub(crate) struct Visit {
    gate: Arc<Gate>,
    origin: Origin,
}

impl Gate {
    pub(crate) fn new(settings: &Network) -> Arc<Self> {
        let state = State {
            open: 0,
            by_origin: HashMap::new(),
            accounts: Lockout::new(ACCOUNT, REMEMBERED),
            origins: Lockout::new(ADDRESS, REMEMBERED),
        };
        let (most, most_of_one) = (settings.max_connections, settings.max_connections_per_address);
        Arc::new(Self { most, most_of_one, state: Mutex::new(state) })
    }

    /// Lets a connection in, if there is room for it.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr, now: Tick) -> Result<Visit, Turned> {
        let origin = Origin::from(address);
        let mut state = self.state();
        if let Some(left) = state.origins.closed(&origin, now) {
            return Err(Turned::Closed(left));
        }
        if state.open >= self.most {
            return Err(Turned::Full(self.most));
        }
        let of_one = state.by_origin.entry(origin).or_insert(0);
        if *of_one >= self.most_of_one {
            return Err(Turned::TooMany(self.most_of_one));
        }
        *of_one += 1;
        state.open += 1;
        Ok(Visit { gate: Arc::clone(self), origin })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What is counted is right after each step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visit {
    /// How long an account is closed; `None` if a password for it is listened to.
    pub(crate) fn closed(&self, account: &str, now: Tick) -> Option<Duration> {
        self.gate.state().accounts.closed(&account.to_owned(), now)
    }

    /// Takes note of a failed logon; `account` is one that exists.
    pub(crate) fn failed(&self, account: Option<&str>, now: Tick) -> Failed {
        let mut state = self.gate.state();
        let account = account.map(|account| state.accounts.failed(&account.to_owned(), now));
        Failed {
            account: account.unwrap_or(Consequence::Counted),
            address: state.origins.failed(&self.origin, now),
        }
    }

    /// Takes note of a logon.
    pub(crate) fn succeeded(&self, account: &str) {
        let mut state = self.gate.state();
        state.accounts.succeeded(&account.to_owned());
        state.origins.succeeded(&self.origin);
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        state.open -= 1;
        if let Some(of_one) = state.by_origin.get_mut(&self.origin) {
            *of_one -= 1;
            if *of_one == 0 {
                state.by_origin.remove(&self.origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(most: usize, most_of_one: usize) -> Arc<Gate> {
        Gate::new(&Network {
            max_connections: most,
            max_connections_per_address: most_of_one,
            ..Network::default()
        })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn there_is_room_for_so_many_and_so_many_of_each() {
        let gate = gate(3, 2);
        let now = Tick::default();
        let (one, other) = (address("127.0.0.1"), address("127.0.0.2"));
        let first = gate.admit(one, now).unwrap();
        let _second = gate.admit(address("::ffff:127.0.0.1"), now).unwrap();
        assert_eq!(gate.admit(one, now).unwrap_err(), Turned::TooMany(2), "the same address in another form");
        let _third = gate.admit(other, now).unwrap();
        assert_eq!(gate.admit(other, now).unwrap_err(), Turned::Full(3));
        drop(first);
        assert!(gate.admit(other, now).is_ok());
        assert_eq!(gate.state().open, 2);
    }

    #[test]
    fn a_network_of_version_6_counts_as_one_address() {
        let gate = gate(8, 1);
        let _first = gate.admit(address("2001:db8::1"), Tick::default()).unwrap();
        assert!(gate.admit(address("2001:db8::ffff:2"), Tick::default()).is_err());
        assert!(gate.admit(address("2001:db8:0:1::1"), Tick::default()).is_ok());
    }

    #[test]
    fn wrong_passwords_close_the_account_and_then_the_address() {
        let gate = gate(64, 64);
        let now = Tick::default();
        let visit = gate.admit(address("127.0.0.1"), now).unwrap();
        for _ in 0..ACCOUNT.failures {
            assert_eq!(visit.failed(Some("ANN"), now).account, Consequence::Counted);
        }
        assert_eq!(visit.closed("ANN", now), None);
        assert_eq!(visit.failed(Some("ANN"), now).account, Consequence::Closed(ACCOUNT.shortest));
        let elsewhere = gate.admit(address("127.0.0.2"), now).unwrap();
        assert_eq!(elsewhere.closed("ANN", now), Some(ACCOUNT.shortest), "from anywhere");
        assert_eq!(elsewhere.closed("BOB", now), None);
        while visit.failed(None, now).address == Consequence::Counted {}
        assert_eq!(gate.admit(address("127.0.0.1"), now).unwrap_err(), Turned::Closed(ADDRESS.shortest));
        assert!(gate.admit(address("127.0.0.2"), now).is_ok());
        assert!(gate.admit(address("127.0.0.1"), now + ADDRESS.shortest).is_ok());
    }

    #[test]
    fn a_logon_lets_failures_be_forgotten() {
        let gate = gate(64, 64);
        let now = Tick::default();
        let visit = gate.admit(address("127.0.0.1"), now).unwrap();
        for _ in 0..30 {
            visit.failed(Some("ANN"), now);
        }
        visit.succeeded("ANN");
        assert_eq!(visit.closed("ANN", now), None);
        assert!(gate.admit(address("127.0.0.1"), now).is_ok());
    }
}
