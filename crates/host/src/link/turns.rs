//! Turns of several hosts, in one process. The gate is that of Unix.

use std::time::Duration;

use svckit_core::time::Tick;
use svckit_os::event::{Poller, Ready};
use svckit_os::gate::Gate;

use crate::turns::{PATIENCE, Turn, Turns};

const TOKEN: u64 = 3;
const NOW: Tick = Tick(Duration::from_secs(10));

/// One of several hosts.
struct Host {
    turns: Turns,
    poller: Poller,
}

impl Host {
    fn at(gate: &Gate) -> Self {
        Self { turns: Turns::new(Some(gate.clone()), TOKEN), poller: Poller::new().unwrap() }
    }

    fn begin(&mut self, now: Tick) -> Result<Turn, Tick> {
        self.turns.begin(&self.poller, now)
    }

    fn is_called(&self) -> bool {
        let mut ready: Vec<Ready> = Vec::new();
        self.poller.wait(&mut ready, Some(Duration::ZERO)).unwrap();
        ready.iter().any(|ready| ready.token == TOKEN)
    }
}

#[test]
fn who_waits_is_called_when_another_has_ended_its_turn() {
    let gate = Gate::new(1).unwrap();
    let (mut one, mut other) = (Host::at(&gate), Host::at(&gate));
    let turn = one.begin(NOW).unwrap();
    assert_eq!(other.begin(NOW).unwrap_err(), NOW + PATIENCE);
    let later = NOW + Duration::from_millis(1);
    assert_eq!(other.begin(later).unwrap_err(), NOW + PATIENCE, "it has waited since then");
    assert!(!other.is_called());
    one.turns.end(turn);
    assert!(other.is_called());
    let turn = other.begin(later).unwrap();
    assert_eq!(other.turns.waits_until(), None);
    other.turns.end(turn);
    assert!(!other.is_called(), "it doesn't wait any more");
}

#[test]
fn nobody_waits_for_ever_and_who_did_not_enter_does_not_leave() {
    let gate = Gate::new(1).unwrap();
    assert!(gate.enter(), "by a host that is stopped from now on");
    let mut host = Host::at(&gate);
    let until = host.begin(NOW).unwrap_err();
    let turn = host.begin(until).unwrap();
    host.turns.end(turn);
    assert!(!gate.enter());
    assert_eq!(host.begin(until).unwrap_err(), until + PATIENCE, "the next time it waits anew");
}

#[test]
fn a_turn_that_nobody_wants_any_more_is_the_next_ones() {
    let gate = Gate::new(1).unwrap();
    let mut hosts = [Host::at(&gate), Host::at(&gate), Host::at(&gate)];
    let turn = hosts[0].begin(NOW).unwrap();
    assert!(hosts[1].begin(NOW).is_err() && hosts[2].begin(NOW).is_err());
    hosts[0].turns.end(turn);
    let Host { turns, poller } = &mut hosts[1];
    turns.pass_on(poller);
    assert!(!hosts[1].is_called() && hosts[2].is_called());
    assert!(hosts[2].begin(NOW).is_ok());
}
