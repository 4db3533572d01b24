//! Several services in one host.

use std::time::Duration;

use svckit_core::control::Control;
use svckit_core::definition::{RestartWhen, StopAction};
use svckit_core::dispatch::FromProcess;
use svckit_core::native::EventId;
use svckit_core::signal::Signal;
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;

use crate::support::{Bed, Gate, rung, wait_gone};

#[test]
fn services_share_a_host_but_not_their_fate() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("gate");
    let orphan = "(setsid sh -c 'echo $$ > gate; exec sleep 1000' &); exec sleep 1000";
    host.link.start("One", bed.script(orphan));
    host.link.state("One", ServiceState::RUNNING);
    let one: u32 = gate.wait().trim().parse().unwrap();
    host.link.start("two", bed.script(orphan));
    host.link.state("two", ServiceState::RUNNING);
    let two: u32 = gate.wait().trim().parse().unwrap();
    let second = host.link.program();

    // Names are compared without case.
    assert_eq!(host.link.control("ONE", Control::STOP), Win32Error::SUCCESS);
    host.link.state("one", ServiceState::STOPPED);
    assert!(!svckit_os::process::is_alive(one), "the orphan of the first went with it");
    assert!(svckit_os::process::is_alive(two) && svckit_os::process::is_alive(second));
    host.link.release("One");
    host.link.stop_of("two");
    wait_gone(two);
    host.link.release("two");
    host.wait_end();
}

#[test]
fn a_service_can_be_started_again_in_its_host() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    host.link.start("stay", bed.script("exec sleep 1000"));
    host.link.state("stay", ServiceState::RUNNING);
    for _ in 0..3 {
        host.link.run("again", bed.script("echo again; exit 0"));
        host.link.release("again");
    }
    // A start of what runs tells its state once more.
    let program = host.link.program();
    host.link.start("stay", bed.script("exit 0"));
    host.link.state("stay", ServiceState::RUNNING);
    assert_eq!(bed.log(), "again\n".repeat(3));
    let pids =
        host.link.seen.iter().filter(
            |frame| matches!(frame, FromProcess::Host { state, .. } if state.child_pid == Some(program)),
        );
    assert!(pids.count() >= 1);
    host.link.stop_of("stay");
}

/// A script that leaves an orphan of its own session and one that called `setsid`, says their ids at its gate, and goes on when its other gate opens.
fn leaving(gate: &str, go: &str, end: &str) -> String {
    format!(
        "(sleep 1000 & echo $! > {gate}); (setsid sh -c 'echo $$ > {gate}; exec sleep 1000' &); read word < {go}; {end}"
    )
}

fn two(gate: &mut Gate) -> Vec<u32> {
    let mut text = gate.wait();
    while text.lines().count() < 2 {
        text.push_str(&gate.wait());
    }
    text.lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
fn what_the_program_of_one_service_leaves_is_not_taken_for_that_of_another() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gates = ["gate-a", "go-a", "gate-b", "go-b"].map(|name| bed.gate(name));
    host.link.start("a", bed.script(&leaving("gate-a", "go-a", "exit 0")));
    let of_a = two(&mut gates[0]);
    let mut again = bed.script(&leaving("gate-b", "go-b", "exit 4"));
    again.restart.when = RestartWhen::OnFailure;
    again.restart.delay = Duration::ZERO;
    host.link.start("b", again);
    let of_b = two(&mut gates[2]);
    gates[3].open();
    host.link.event(EventId::PROGRAM_RECOVERED);
    let alive = |pids: &[u32]| pids.iter().filter(|pid| svckit_os::process::is_alive(**pid)).count();
    assert_eq!((alive(&of_a), alive(&of_b)), (2, 0), "b was run again, a went on");
    let words = host.link.events().into_iter().find(|(id, _)| *id == EventId::LEFTOVERS_ENDED).unwrap().1;
    assert_eq!(words, r#""b" left 2 processes behind, which were ended"#);

    let second_of_b = two(&mut gates[2]);
    gates[1].open();
    host.link.state("a", ServiceState::STOPPED);
    assert_eq!((alive(&of_a), alive(&second_of_b)), (0, 2), "a ended, b went on");
    host.link.stop_of("b");
    assert_eq!(alive(&second_of_b), 0);
}

#[test]
fn force_ends_what_a_program_that_still_runs_has_left() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let (mut gate, _go) = (bed.gate("gate"), bed.gate("go"));
    host.link.start("other", bed.script("exec sleep 1000"));
    let mut deaf = bed.script(&format!("trap '' TERM; {}", leaving("gate", "go", "exit 0")));
    deaf.stop.ladder = vec![rung(StopAction::Signal(Signal::Term), 50)];
    host.link.start("deaf", deaf);
    let left = two(&mut gate);
    host.link.stop_of("deaf");
    for pid in left {
        assert!(!svckit_os::process::is_alive(pid), "{pid} outlived its service");
    }
    host.link.stop_of("other");
}

#[test]
fn a_chain_of_processes_that_flee_is_ended_to_the_last() {
    const CHAIN: &str = "[ $1 -lt 300 ] && setsid sh chain $(($1 + 1)) &\nexit 0\n";
    let mut bed = Bed::new();
    std::fs::write(bed.path("chain"), CHAIN).unwrap();
    for (round, shared) in [false, true].repeat(10).into_iter().enumerate() {
        let mut host = bed.host();
        if shared {
            host.link.start("other", bed.script("exec sleep 1000"));
            host.link.state("other", ServiceState::RUNNING);
        }
        let name = format!("chain{round}");
        host.link.run(&name, bed.script("for i in 1 2 3 4 5 6 7 8; do sh chain 0; done; exit 0"));
        let left: Vec<_> = svckit_os::tree::leftovers(&host.instance, &[]).unwrap();
        let left: Vec<_> = left.iter().filter(|left| left.mark.ends_with(&name)).collect();
        assert!(left.is_empty(), "{left:?} outlived {name}");
    }
}
