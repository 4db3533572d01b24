//! The service control manager is killed at random moments while clients create, start, stop, change and delete services; what was acknowledged
//! has to be so afterwards, and nothing may be there twice or be left over.
//!
//! `SVCKIT_KILLS` sets how often it is killed, `SVCKIT_SEED` repeats the choices of a run.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed expectation is how a test fails")]

mod client;
mod random;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use svckit_core::native::{Reply, Request};
use svckit_core::status::ServiceState;
use svckit_os::lock::Lock;
use svckit_os::pidfd::PidFd;
use svckit_testkit::svc::Svc;

use client::{Client, Expected};
use random::Random;

/// How many clients work at the same time.
const CLIENTS: u64 = 4;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn what_was_acknowledged_is_so_after_any_number_of_kills() {
    let kills = number("SVCKIT_KILLS", 200);
    let seed = number("SVCKIT_SEED", std::process::id().into());
    eprintln!("SVCKIT_SEED={seed}");
    let svc = Svc::new();
    svc.ok(&["list"]);
    let over = AtomicBool::new(false);
    let expected = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (svc, over) = (&svc, &over);
                scope.spawn(move || {
                    let mut client = Client::new(svc, number, Random::new(seed ^ (number + 1)));
                    while !over.load(Ordering::Relaxed) {
                        client.step();
                    }
                    client.expected()
                })
            })
            .collect();
        let failed = || clients.iter().any(std::thread::ScopedJoinHandle::is_finished);
        kill_again_and_again(&svc, kills, &mut Random::new(seed), failed);
        over.store(true, Ordering::Relaxed);
        let mut expected = BTreeMap::new();
        for client in clients {
            expected.extend(client.join().expect("a client found a promise broken"));
        }
        expected
    });
    check_everything(&svc, &expected);
}

/// Kills the service control manager of the directory; a client starts the next one.
fn kill_again_and_again(svc: &Svc, kills: u64, random: &mut Random, failed: impl Fn() -> bool) {
    let lock = svc.state().join("scm.lock");
    let (_never, nothing) = channel::<()>();
    for _ in 0..kills {
        // Nothing comes: the moment is what is random here, from before the first answer to well after it.
        let _ = nothing.recv_timeout(Duration::from_micros(random.below(400_000)));
        if failed() {
            return;
        }
        let Some(pid) = Lock::holder(&lock) else { continue };
        // One that has ended in between, or has not got the lock yet, is no service control manager of ours.
        let Ok(process) = PidFd::open(pid) else { continue };
        if svc.processes().contains(&pid) {
            process.kill().unwrap();
        }
    }
}

/// Asks the last service control manager for everything, and looks at every process.
fn check_everything(svc: &Svc, expected: &BTreeMap<String, Expected>) {
    let mut client = Client::new(svc, CLIENTS, Random::new(0));
    client.check_list(expected);
    let up = expected.values().filter(|service| service.state == ServiceState::RUNNING).count();
    let status = client.native(Request::ScmStatus);
    let Reply::ScmStatus(status) = status else { panic!("{status:?}") };
    assert_eq!(status.active as usize, up);
    for (name, service) in expected {
        let programs = client::programs(svc, name);
        match service.state {
            ServiceState::RUNNING => assert_eq!(programs.len(), 1, "programs of {name}: {programs:?}"),
            _ => assert!(programs.is_empty() || !service.hosted, "programs of {name}: {programs:?}"),
        }
    }
    svc.ok(&["scm", "stop"]);
    for name in expected.keys() {
        assert_eq!(client::programs(svc, name), [] as [u32; 0], "programs of {name} after the end");
    }
    assert_eq!(
        std::fs::read_dir(svc.state().join("hosts")).unwrap().count(),
        0,
        "sockets that are left over"
    );
}
