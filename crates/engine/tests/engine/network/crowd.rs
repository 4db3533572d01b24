//! Many connections, one after the other and at once: when they have gone, nothing of them is left. `SVCKIT_CONNECTIONS` says how many one after the other; at once are a tenth of them.

use std::fs;
use std::net::SocketAddr;

use svckit_testkit::svc::Svc;

use super::peer::{Peer, Way, dial, read};
use super::{PASSWORD, add_accounts};
use crate::support::settings;

/// How many, unless the variable says another number.
const CONNECTIONS: usize = 400;
const VARIABLE: &str = "SVCKIT_CONNECTIONS";

/// How many before what is held is looked at first.
const FEW: usize = 50;

/// What a process holds: descriptors, and memory in KiB.
fn held(pid: u32) -> (usize, u64) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let memory = line.trim().strip_suffix(" kB").unwrap().parse().unwrap();
    (fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count(), memory)
}

/// Comes in, asks something, and goes.
fn visit(address: SocketAddr) {
    assert!(Peer::new(address, "ann", PASSWORD).is_in());
}

/// So many at once: a third come in and stay, a third are silent, a third begin to say who they are.
fn crowd(address: SocketAddr, count: usize) {
    let mut inside = Vec::new();
    let mut outside = Vec::new();
    for number in 0..count {
        match number % 3 {
            0 => inside.push(Peer::try_new(address, "ann", PASSWORD, Way::Ntlm).unwrap()),
            1 => outside.push(dial(address)),
            _ => {
                let mut stream = dial(address);
                let (_, bytes) = super::peer::begin("ann", PASSWORD, Way::Ntlm);
                std::io::Write::write_all(&mut stream, &bytes[..40]).unwrap();
                outside.push(stream);
            }
        }
    }
    assert!(inside.iter_mut().all(Peer::is_in));
    // Whoever says nothing is left; the others stay.
    assert!(outside.iter_mut().all(|stream| read(stream).is_empty()));
    assert!(inside.iter_mut().all(Peer::is_in));
}

#[test]
fn nothing_is_left_of_connections_that_have_gone() {
    let count = std::env::var(VARIABLE).map_or(CONNECTIONS, |text| text.parse().unwrap());
    let svc = Svc::new();
    add_accounts(&svc.state());
    let limits = "max-connections = 4000\nmax-connections-per-address = 4000\nlogon-timeout = 5";
    settings(&svc.state(), &format!("[network]\nlisten = [\"127.0.0.1:0\"]\n{limits}\n"));
    svc.ok(&["list"]);
    let address: SocketAddr = svc.json(&["scm", "status"])["listening"][0].as_str().unwrap().parse().unwrap();
    (0..FEW).for_each(|_| visit(address));
    crowd(address, count / 10);
    let before = held(svc.scm());
    (0..count).for_each(|_| visit(address));
    crowd(address, count / 10);
    // Of the last the service control manager hears after its answer to somebody who comes later.
    visit(address);
    let after = held(svc.scm());
    assert!(after.0 <= before.0 + 10, "descriptors: {before:?}, {after:?}");
    assert!(after.1 <= before.1 + 2048, "memory: {before:?}, {after:?}");
    eprintln!("{count} connections: {before:?} before, {after:?} after");
}
