//! What of a program's tree goes on without it, or in its place; and what people have been hurt by with other supervisors.

use std::time::Duration;

use svckit_core::definition::{HostDefinition, RestartWhen, StopAction};
use svckit_core::native::EventId;
use svckit_core::signal::Signal;
use svckit_core::status::ServiceState;
use svckit_core::tree::TreePolicy;
use svckit_core::win32::Win32Error;
use svckit_os::process::is_alive;

use crate::support::{Bed, Gate, rung, wait_gone};

/// A definition of a script that has a program `updater`, and may leave it. That says its id at the gate.
fn leaving(bed: &Bed, script: &str) -> HostDefinition {
    let updater = "printf '#!/bin/sh\\necho $$ > gate\\nsleep 1000\\n' > updater; chmod +x updater;";
    let mut definition = bed.script(&format!("[ -e updater ] || {{ {updater} }}; {script}"));
    definition.tree = TreePolicy::Leave(vec!["updater".to_owned()]);
    definition
}

fn following(bed: &Bed, script: &str) -> HostDefinition {
    let mut definition = bed.script(script);
    definition.tree = TreePolicy::Follow;
    definition
}

fn numbers(gate: &mut Gate, count: usize) -> Vec<u32> {
    let mut text = String::new();
    while text.lines().count() < count {
        text.push_str(&gate.wait());
    }
    text.lines().map(|line| line.parse().unwrap()).collect()
}

fn name(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap().trim().to_owned()
}

#[test]
fn who_may_stay_outlives_program_service_and_host() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let (mut gate, mut go) = (bed.gate("gate"), bed.gate("go"));
    let script = "setsid ./updater & sleep 1000 & echo $! > gate; read word < go; exit 4";
    host.link.start("shop", leaving(&bed, script));
    let both = numbers(&mut gate, 2);
    go.open();
    assert_eq!(host.link.state("shop", ServiceState::STOPPED).service_exit_code, 4);
    let stayed = *both.iter().find(|pid| is_alive(**pid)).unwrap();
    assert_eq!(name(stayed), "updater");
    let ended = host.link.events().into_iter().find(|(id, _)| *id == EventId::LEFTOVERS_ENDED).unwrap().1;
    assert_eq!(ended, r#""shop" left 1 process behind, which were ended"#);
    host.link.release("shop");
    host.wait_end();
    assert!(is_alive(stayed), "it ended with the host");
}

#[test]
fn who_may_stay_hears_nothing_of_a_stop() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("gate");
    // All in one process group; the script ignores the signal, so that force follows.
    let script = "trap '' TERM; ./updater & \
                  sh -c 'trap - TERM; echo $$ > gate; exec sleep 1000' & read word < forever";
    let _forever = bed.gate("forever");
    let mut definition = leaving(&bed, script);
    definition.stop.ladder = vec![rung(StopAction::Signal(Signal::Term), 50)];
    host.link.start("shop", definition);
    let both = numbers(&mut gate, 2);
    host.link.stop("shop");
    let alive: Vec<_> = both.into_iter().filter(|pid| is_alive(*pid)).collect();
    assert_eq!(alive.len(), 1);
    assert_eq!(name(alive[0]), "updater");
}

#[test]
fn who_stayed_stays_when_the_program_is_run_again_and_stopped() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let (mut gate, mut go) = (bed.gate("gate"), bed.gate("go"));
    let mut definition = leaving(&bed, "./updater & read word < go; exit 4");
    definition.restart.when = RestartWhen::OnFailure;
    definition.restart.delay = Duration::ZERO;
    host.link.start("shop", definition);
    let mut all = numbers(&mut gate, 1);
    go.open();
    all.extend(numbers(&mut gate, 1));
    host.link.stop("shop");
    assert!(all.iter().all(|pid| is_alive(*pid)));
    assert!(host.link.events().iter().all(|(id, _)| *id != EventId::LEFTOVERS_ENDED));
    host.link.release("shop");
    host.wait_end();
    assert!(all.iter().all(|pid| is_alive(*pid)));
}

#[test]
fn a_program_that_forks_and_exits_is_followed() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let (mut gate, mut go) = (bed.gate("gate"), bed.gate("go"));
    host.link.start("daemon", following(&bed, "sh -c 'echo $$ > gate; read word < go; exit 7' & exit 0"));
    let child = numbers(&mut gate, 1)[0];
    let state = host.link.host_state(|state| state.child_pid == Some(child));
    assert!(state.ready && state.last_exit.is_none());
    go.open();
    let status = host.link.state("daemon", ServiceState::STOPPED);
    assert_eq!(status.service_exit_code, 7);
}

#[test]
fn a_program_that_forks_twice_is_followed_to_the_end_and_stopped() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("gate");
    let script = "setsid sh -c 'sh -c \"echo \\$\\$ > gate; exec sleep 1000\" & exit 0' & exit 0";
    host.link.start("daemon", following(&bed, script));
    let child = numbers(&mut gate, 1)[0];
    host.link.host_state(|state| state.child_pid == Some(child));
    let status = host.link.stop("daemon");
    assert_eq!(status.win32_exit_code, Win32Error::SUCCESS);
    assert!(!is_alive(child));
}

#[test]
fn a_followed_program_that_is_killed_is_run_again() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("gate");
    let mut definition = following(&bed, "sleep 1000 & echo $! > gate; exit 0");
    definition.restart.when = RestartWhen::OnFailure;
    definition.restart.delay = Duration::ZERO;
    host.link.start("daemon", definition);
    let child = numbers(&mut gate, 1)[0];
    host.link.host_state(|state| state.child_pid == Some(child));
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(child.cast_signed()).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
    host.link.event(EventId::PROGRAM_RECOVERED);
    let next = numbers(&mut gate, 1)[0];
    host.link.host_state(|state| state.child_pid == Some(next) && state.restarts == 1);
    host.kill();
}

#[test]
fn a_launcher_that_fails_is_not_followed_and_one_that_leaves_nothing_is_the_program() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("gate");
    let status = host.link.run("failing", following(&bed, "sleep 1000 & echo $! > gate; exit 3"));
    assert_eq!(status.service_exit_code, 3);
    let child = numbers(&mut gate, 1)[0];
    assert!(!is_alive(child));
    let status = host.link.run("alone", following(&bed, "exit 0"));
    assert_eq!(status.win32_exit_code, Win32Error::SUCCESS);
}

#[test]
fn a_second_service_of_the_same_executable_name_is_not_touched() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let (mut gate, script) = (bed.gate("gate"), "sleep 1000 & echo $! > gate; exec sleep 1000");
    let mut children = Vec::new();
    for service in ["one", "other"] {
        host.link.start(service, bed.script(script));
        children.extend(numbers(&mut gate, 1));
    }
    host.link.stop_of("one");
    assert!(!is_alive(children[0]) && is_alive(children[1]));
    host.link.stop_of("other");
    assert!(!is_alive(children[1]));
}

#[test]
fn a_grandchild_that_holds_the_pipe_open_does_not_hang_the_restart() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let (mut gate, mut go) = (bed.gate("gate"), bed.gate("go"));
    let script = "(setsid sh -c 'echo $$ > gate; exec sleep 1000' &); read word < go; exit 4";
    let mut definition = bed.script(script);
    definition.restart.when = RestartWhen::OnFailure;
    definition.restart.delay = Duration::ZERO;
    host.link.start("shop", definition);
    let first = numbers(&mut gate, 1)[0];
    go.open();
    host.link.event(EventId::PROGRAM_RECOVERED);
    assert!(!is_alive(first));
    let second = numbers(&mut gate, 1)[0];
    host.link.stop("shop");
    wait_gone(second);
}

#[test]
fn a_program_that_closes_its_outputs_runs_on() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let (mut gate, mut go) = (bed.gate("gate"), bed.gate("go"));
    let script =
        "echo first; exec >&- 2>&-; echo $$ > gate; read word < go; echo $$ > gate; read word < go; exit 5";
    host.link.start("mute", bed.script(script));
    let program = numbers(&mut gate, 1);
    go.open();
    assert_eq!(numbers(&mut gate, 1), program);
    assert_eq!(host.link.program(), program[0]);
    go.open();
    assert_eq!(host.link.state("mute", ServiceState::STOPPED).service_exit_code, 5);
    assert_eq!(bed.log(), "first\n");
}
