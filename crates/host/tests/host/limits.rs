//! What a program may use.

use std::time::Duration;

use svckit_core::hook::{Errand, Hook, Moment, OnFailure};
use svckit_core::limits::{Limits, Priority};
use svckit_core::native::EventId;
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;
use svckit_os::clock;
use svckit_os::process::refuse_limits;
use svckit_os::tree::Groups;

use crate::support::Bed;

#[test]
fn a_program_and_its_children_have_the_limits_of_the_definition() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition =
        bed.script("nice; ulimit -n; sh -c 'nice; ulimit -c; grep Cpus_allowed_list /proc/self/status'");
    definition.limits = Limits {
        priority: Some(Priority::Idle),
        affinity: vec![0],
        open_files: Some(77),
        core_size: Some(0),
        ..Limits::default()
    };
    host.link.run("shop", definition);
    assert_eq!(bed.log(), "19\n77\n19\n0\nCpus_allowed_list:\t0\n");
}

#[test]
fn a_limit_that_can_not_be_set_is_no_start() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = bed.script("echo it ran");
    definition.limits.affinity = vec![0, Limits::LAST_PROCESSOR];
    host.link.start("shop", definition);
    let event = host.link.event(EventId::PROGRAM_NOT_STARTED);
    let expected = r#""shop" could not be started: cannot set the limit "affinity = [0, 1023]": invalid argument: not all of these processors are there for it"#;
    assert_eq!(event, expected);
    let status = host.link.state("shop", ServiceState::STOPPED);
    assert_eq!(status.win32_exit_code, Win32Error::INVALID_PARAMETER);
    assert_eq!(bed.log(), "");
}

/// Limits that take a control group, or why there can be none here.
#[expect(clippy::print_stderr, reason = "a test that can not be says why")]
fn of_all() -> (Limits, Option<String>) {
    let limits = Limits { memory: Some(64 << 20), cpu: Some(50), processes: Some(20), ..Limits::default() };
    let refusal = refuse_limits(&limits).map(|refusal| refusal.to_string());
    if let Some(refusal) = &refusal {
        eprintln!("skipped: {refusal}");
    }
    (limits, refusal)
}

#[test]
fn a_limit_that_this_machine_can_not_keep_is_no_start_and_is_known_before() {
    let (limits, Some(refusal)) = of_all() else { return };
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = bed.script("echo it ran");
    definition.limits = limits;
    host.link.start("shop", definition);
    let event = host.link.event(EventId::PROGRAM_NOT_STARTED);
    assert_eq!(event, format!("\"shop\" could not be started: {refusal}"));
    assert!(refusal.starts_with("cannot set the limit \"memory = 64MiB\": "), "{refusal}");
    let status = host.link.state("shop", ServiceState::STOPPED);
    assert_ne!(status.win32_exit_code, Win32Error::SUCCESS);
    assert_eq!(bed.log(), "");
}

#[test]
fn what_all_processes_together_may_use_is_limited() {
    let (limits, None) = of_all() else { return };
    let mut bed = Bed::new();
    let mut host = bed.host();
    let script = "cd /sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup); cat memory.max memory.oom.group cpu.max pids.max";
    let mut definition = bed.script(script);
    definition.limits = limits;
    host.link.run("shop", definition);
    assert_eq!(bed.log(), "67108864\n1\n50000 100000\n20\n");
    let groups = Groups::here().all(&host.instance);
    assert_eq!(groups.len(), 1, "the program's group went with it: {groups:?}");
}

#[test]
fn a_program_that_needs_more_memory_than_its_limit_is_ended_with_all_it_started() {
    let (limits, None) = of_all() else { return };
    let mut bed = Bed::new();
    let mut host = bed.host();
    // The second keeps all of what the first writes.
    let mut definition = bed.script("head -c 200m /dev/zero | tail; echo 'it goes on'");
    // With its full share of the processors: it has to come so far.
    definition.limits = Limits { memory: Some(16 << 20), cpu: None, ..limits };
    host.link.start("shop", definition);
    let reason = "it asked for more memory than its limit of 16MiB";
    let event = host.link.event(EventId::PROGRAM_STOPPED);
    assert_eq!(event, format!("\"shop\" ended with SIGKILL ({reason}); the service stops with an error"));
    let status = host.link.state("shop", ServiceState::STOPPED);
    assert_eq!(status.win32_exit_code, Win32Error::PROCESS_ABORTED);
    let state = host.link.last_host_state().unwrap();
    assert_eq!(state.exit_reason.as_deref(), Some(reason));
    assert_eq!(bed.log(), "");
}

#[test]
fn a_program_can_not_be_more_processes_than_its_limit() {
    let (limits, None) = of_all() else { return };
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = bed.script("echo one; /bin/true; echo two");
    definition.limits = Limits { processes: Some(1), ..limits };
    host.link.run("shop", definition);
    let log = bed.log();
    assert!(log.starts_with("one\n") && log.contains("fork") && !log.contains("two"), "{log}");
}

#[test]
fn groups_with_limits_go_with_a_host_that_was_killed() {
    let (limits, None) = of_all() else { return };
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("gate");
    let script = "(setsid env -i /bin/sh -c 'echo $$ > gate; exec sleep 1000' &); exec sleep 1000";
    let mut definition = bed.script(script);
    definition.limits = limits;
    host.link.start("hidden", definition);
    let hidden: u32 = gate.wait().trim().parse().unwrap();
    host.kill();
    let deadline = clock::now().tick + Duration::from_secs(60);
    svckit_os::tree::end_leftovers(&host.instance, &[], deadline).unwrap().unwrap();
    assert!(!svckit_os::process::is_alive(hidden));
    assert_eq!(Groups::here().all(&host.instance).len(), 0);
}

#[test]
fn hooks_have_the_limits_of_the_program() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = bed.script("nice");
    definition.limits = Limits {
        priority: Some(Priority::Idle),
        affinity: vec![0],
        open_files: Some(77),
        ..Limits::default()
    };
    let script = "nice; ulimit -n; grep Cpus_allowed_list /proc/self/status";
    let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    let errand = Errand { command, timeout: Duration::from_secs(60) };
    definition.hooks = [(Moment::PreStart, Hook { errand, on_failure: OnFailure::Fail }.into())].into();
    host.link.run("shop", definition);
    assert_eq!(bed.log(), "19\n77\nCpus_allowed_list:\t0\n19\n");
}

#[test]
fn the_limits_that_hold_are_told() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = bed.script("exec sleep 1000");
    let limits = Limits { priority: Some(Priority::Idle), open_files: Some(77), ..Limits::default() };
    definition.limits = limits.clone();
    host.link.start("shop", definition);
    let told = host.link.host_state(|state| state.child_pid.is_some());
    assert_eq!(told.limits.as_deref(), Some(&limits));
    host.link.stop("shop");
    assert_eq!(host.link.last_host_state().unwrap().limits, None);
    host.link.start("free", bed.script("exec sleep 1000"));
    assert_eq!(host.link.host_state(|state| state.child_pid.is_some()).limits, None);
    host.link.stop("free");
}

#[test]
fn limits_are_read_back_and_it_is_told_that_no_process_more_can_be() {
    let (limits, None) = of_all() else { return };
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = bed.script("/bin/true; echo 'it goes on'");
    let limits = Limits { processes: Some(1), ..limits };
    definition.limits = limits.clone();
    host.link.start("shop", definition);
    let told = host.link.host_state(|state| state.child_pid.is_some());
    assert_eq!(told.limits.as_deref(), Some(&limits));
    let expected = r#""shop": the program has reached its limit of 1 process, and could not start another"#;
    assert_eq!(host.link.event(EventId::PROCESS_LIMIT), expected);
    assert!(host.link.last_host_state().unwrap().is_full);
    host.link.state("shop", ServiceState::STOPPED);
}
