//! Nothing of a program's tree outlives it.

use std::time::Duration;

use svckit_core::control::Control;
use svckit_core::definition::{RestartWhen, StopAction};
use svckit_core::native::EventId;
use svckit_core::signal::Signal;
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;
use svckit_os::clock;
use svckit_os::tree::Groups;

use crate::support::{Bed, Gate, rung, wait_gone};

/// A script that leaves two processes: a plain child, and one in a session of its own whose parent has ended. It goes on when both have
/// said their ids at the gate and somebody opens the other one.
const FAMILY: &str =
    "sleep 1000 & echo $! > gate; (setsid sh -c 'echo $$ > gate; exec sleep 1000' &); read word < go;";

fn two(gate: &mut Gate) -> Vec<u32> {
    let mut text = gate.wait();
    while text.lines().count() < 2 {
        text.push_str(&gate.wait());
    }
    text.lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
fn what_a_program_leaves_behind_is_ended_before_the_service_stops() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let (mut gate, mut go) = (bed.gate("gate"), bed.gate("go"));
    host.link.start("family", bed.script(&format!("{FAMILY} exit 4")));
    let family = two(&mut gate);
    go.open();
    let status = host.link.state("family", ServiceState::STOPPED);
    assert_eq!(status.service_exit_code, 4);
    for pid in family {
        assert!(!svckit_os::process::is_alive(pid), "{pid} outlived its service");
    }
    let words = host.link.events().into_iter().find(|(id, _)| *id == EventId::LEFTOVERS_ENDED).unwrap().1;
    assert_eq!(words, r#""family" left 2 processes behind, which were ended"#);
}

#[test]
fn what_a_program_leaves_behind_is_ended_before_it_is_run_again() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let (mut gate, mut go) = (bed.gate("gate"), bed.gate("go"));
    let mut definition = bed.script(&format!("{FAMILY} exit 4"));
    definition.restart.when = RestartWhen::OnFailure;
    definition.restart.delay = Duration::ZERO;
    host.link.start("family", definition);
    let first = two(&mut gate);
    go.open();
    host.link.event(EventId::PROGRAM_RECOVERED);
    for pid in first {
        assert!(!svckit_os::process::is_alive(pid), "{pid} outlived its program");
    }
    let second = two(&mut gate);
    host.link.stop("family");
    for pid in second {
        assert!(!svckit_os::process::is_alive(pid), "{pid} outlived its service");
    }
}

#[test]
fn force_ends_the_whole_tree() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let (mut gate, _go) = (bed.gate("gate"), bed.gate("go"));
    let mut definition = bed.script(&format!("trap '' TERM; {FAMILY}"));
    definition.stop.ladder = vec![rung(StopAction::Signal(Signal::Term), 50)];
    host.link.start("family", definition);
    let family = two(&mut gate);
    assert_eq!(host.link.stop("family").win32_exit_code, Win32Error::SUCCESS);
    for pid in family {
        assert!(!svckit_os::process::is_alive(pid), "{pid} outlived its service");
    }
}

#[test]
fn a_killed_host_takes_its_program_along_and_the_rest_is_found_by_its_mark() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let (mut gate, _go) = (bed.gate("gate"), bed.gate("go"));
    host.link.start("family", bed.script(FAMILY));
    let family = two(&mut gate);
    let program = host.link.program();
    host.kill();
    wait_gone(program);
    let found: Vec<u32> =
        svckit_os::tree::leftovers(&host.instance, &[]).unwrap().iter().map(|left| left.pid).collect();
    assert!(family.iter().all(|pid| found.contains(pid)), "{found:?} of {family:?}");
    let deadline = clock::now().tick + Duration::from_secs(60);
    let ended = svckit_os::tree::end_leftovers(&host.instance, &[], deadline).unwrap().unwrap();
    assert!(ended >= 2);
    for pid in family {
        assert!(!svckit_os::process::is_alive(pid), "{pid} outlived its host");
    }
}

#[test]
fn a_grandchild_that_holds_the_pipe_holds_up_nothing() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("gate");
    // It keeps writing into the pipe of the program, which has ended.
    let script = "(setsid sh -c 'echo noise; echo $$ > gate; while :; do echo noise; done' &); read word < go; echo last; exit 0";
    let mut go = bed.gate("go");
    host.link.start("noisy", bed.script(script));
    let noisy: u32 = gate.wait().trim().parse().unwrap();
    go.open();
    let status = host.link.state("noisy", ServiceState::STOPPED);
    assert_eq!(status.win32_exit_code, Win32Error::SUCCESS);
    assert!(!svckit_os::process::is_alive(noisy));
    let log = bed.log();
    assert!(log.contains("last\n") && log.contains("noise\n"));
    assert_eq!(host.link.control("noisy", Control::STOP), Win32Error::SERVICE_NOT_ACTIVE);
}

#[test]
fn what_hides_from_everything_else_is_found_by_its_control_group() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    if Groups::here().find(&host.instance).is_none() {
        eprintln!("skipped: control groups of version 2 can't be made here");
        return;
    }
    let mut gate = bed.gate("gate");
    let script = "(setsid env -i /bin/sh -c 'echo $$ > gate; exec sleep 1000' &); exec sleep 1000";
    host.link.start("hidden", bed.script(script));
    let hidden: u32 = gate.wait().trim().parse().unwrap();
    host.kill();
    let deadline = clock::now().tick + Duration::from_secs(60);
    assert!(svckit_os::tree::leftovers(&host.instance, &[]).unwrap().iter().all(|left| left.pid != hidden));
    let ended = svckit_os::tree::end_leftovers(&host.instance, &[], deadline).unwrap().unwrap();
    assert!(ended >= 1 && !svckit_os::process::is_alive(hidden));
    assert!(Groups::here().find(&host.instance).is_none(), "the group went with what was in it");
}

#[test]
fn a_host_that_ends_removes_its_control_group() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    host.link.run("brief", bed.script("exit 0"));
    host.link.release("brief");
    host.wait_end();
    assert!(Groups::here().find(&host.instance).is_none());
}
