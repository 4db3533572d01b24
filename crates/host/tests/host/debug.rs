//! `svc debug` in small: the program in the console.

use std::process::{Command, Output};
use std::time::Duration;

use svckit_core::definition::{HostDefinition, RestartWhen};
use svckit_core::native::EventId;

use crate::support::script_in;

/// The runner takes over the signals of its process, so it runs in one of its own.
fn run(folder: &tempfile::TempDir, definition: &HostDefinition) -> Output {
    let file = folder.path().join("definition.json");
    std::fs::write(&file, serde_json::to_vec(definition).unwrap()).unwrap();
    Command::new(env!("CARGO_BIN_EXE_svckit-host")).arg("debug").arg(file).output().unwrap()
}

fn events(output: &Output) -> Vec<EventId> {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    text.lines().map(|line| EventId(line.parse().unwrap())).collect()
}

#[test]
fn a_program_runs_in_the_console_by_its_policy() {
    let folder = tempfile::tempdir().unwrap();
    let mut definition = script_in(folder.path(), "echo visible; test -e again && exit 0; : > again; exit 3");
    definition.restart.when = RestartWhen::OnFailure;
    definition.restart.delay = Duration::from_millis(1);
    let output = run(&folder, &definition);
    assert_eq!(output.stdout, b"visible\nvisible\n");
    let expected = [
        EventId::PROGRAM_STARTED,
        EventId::PROGRAM_DIED,
        EventId::PROGRAM_RECOVERED,
        EventId::PROGRAM_STOPPED,
    ];
    assert_eq!((output.status.code(), events(&output)), (Some(0), expected.to_vec()));
    assert!(!folder.path().join("out.log").exists());
}

#[test]
fn the_exit_status_is_that_of_the_program() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(&folder, &script_in(folder.path(), "exit 3")).status.code(), Some(3));
    assert_eq!(run(&folder, &script_in(folder.path(), "kill -KILL $$")).status.code(), Some(128 + 9));
    let mut missing = script_in(folder.path(), "");
    missing.program.command = vec!["/no/such/program".to_owned()];
    let output = run(&folder, &missing);
    assert_eq!((output.status.code(), events(&output)), (Some(127), vec![EventId::PROGRAM_NOT_STARTED]));
}

#[test]
fn ctrl_c_takes_the_program_down_the_ladder() {
    let folder = tempfile::tempdir().unwrap();
    let script = "trap 'echo bye; exit 0' TERM; kill -INT $PPID; while :; do sleep 1000 & wait; done";
    let output = run(&folder, &script_in(folder.path(), script));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "bye\n");
    assert_eq!(output.status.code(), Some(0));
}
