//! `svc debug` in small: the program in the console.

use svckit_core::native::EventId;

use crate::support::{name, script_in};

/// The runner takes over the signals of its process, so it needs one of its own: this test's program, run again for one test.
fn in_a_process(test: &str) -> std::process::Output {
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--include-ignored", "--test-threads=1"])
        .output()
        .unwrap()
}

#[test]
#[ignore = "run by another test in a process of its own"]
fn child_restarts_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut definition = script_in(folder.path(), "echo visible; test -e again && exit 0; : > again; exit 3");
    definition.restart.when = svckit_core::definition::RestartWhen::OnFailure;
    definition.restart.delay = std::time::Duration::from_millis(1);
    let mut events = Vec::new();
    let code =
        svckit_host::debug::run(&definition, &name("show"), &mut |event| events.push(event.id)).unwrap();
    let expected = [
        EventId::PROGRAM_STARTED,
        EventId::PROGRAM_DIED,
        EventId::PROGRAM_RECOVERED,
        EventId::PROGRAM_STOPPED,
    ];
    assert_eq!((code, events), (0, expected.to_vec()));
    assert!(!folder.path().join("out.log").exists());
    let mut failing = script_in(folder.path(), "exit 3");
    failing.restart.when = svckit_core::definition::RestartWhen::Never;
    assert_eq!(svckit_host::debug::run(&failing, &name("show"), &mut |_| {}).unwrap(), 3);
    failing.program.command = vec!["/no/such/program".to_owned()];
    assert_eq!(svckit_host::debug::run(&failing, &name("show"), &mut |_| {}).unwrap(), 127);
}

#[test]
fn a_program_runs_in_the_console_by_its_policy() {
    let output = in_a_process("debug::child_restarts_and_ends");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(text.matches("visible").count(), 2, "{text}");
}

#[test]
#[ignore = "run by another test in a process of its own"]
fn child_obeys_ctrl_c() {
    let folder = tempfile::tempdir().unwrap();
    let definition = script_in(
        folder.path(),
        "trap 'echo bye; exit 0' TERM; kill -INT $PPID; while :; do sleep 1000 & wait; done",
    );
    let code = svckit_host::debug::run(&definition, &name("show"), &mut |_| {}).unwrap();
    assert_eq!(code, 0);
}

#[test]
fn ctrl_c_takes_the_program_down_the_ladder() {
    let output = in_a_process("debug::child_obeys_ctrl_c");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("bye"), "{text}");
}
