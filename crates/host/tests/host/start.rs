//! What a program is started with, and every way not to start.

use std::os::unix::fs::{FileExt, PermissionsExt};

use svckit_core::definition::{HostDefinition, SecretSource};
use svckit_core::dispatch::ToProcess;
use svckit_core::native::EventId;
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;
use svckit_os::process::environment_value;

use crate::support::{Bed, name, wait_gone};

/// The code and the event of a start that fails.
fn failure(bed: &mut Bed, definition: HostDefinition) -> (u32, String) {
    let mut host = bed.host();
    let status = host.link.run("bad", definition);
    let event = host.link.events().into_iter().find(|(id, _)| *id == EventId::PROGRAM_NOT_STARTED);
    assert!(!host.link.was_running(), "it was never running");
    host.link.release("bad");
    host.wait_end();
    (status.win32_exit_code.0, event.unwrap().1)
}

#[test]
fn every_way_not_to_start_has_its_code_and_its_words() {
    let mut bed = Bed::new();
    let mut missing = bed.script("");
    missing.program.command = vec!["/no/such/program".to_owned()];
    let (code, words) = failure(&mut bed, missing);
    assert_eq!(code, 2);
    assert_eq!(
        words,
        r#""bad" could not be started: cannot run "/no/such/program": no such file or directory"#
    );

    let plain = bed.path("plain");
    std::fs::write(&plain, "#!/bin/sh\n").unwrap();
    let mut forbidden = bed.script("");
    forbidden.program.command = vec![bed.text("plain")];
    assert_eq!(failure(&mut bed, forbidden.clone()).0, 5);

    std::fs::write(&plain, "nonsense").unwrap();
    std::fs::set_permissions(&plain, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(failure(&mut bed, forbidden).0, 193);

    let mut nowhere = bed.script("");
    nowhere.program.directory = bed.path("nowhere");
    let (code, words) = failure(&mut bed, nowhere);
    assert_eq!(code, 267);
    assert!(words.contains("nowhere"), "{words}");

    let mut newer = bed.script("");
    newer.version += 1;
    assert_eq!(failure(&mut bed, newer).0, Win32Error::INVALID_DATA.0);
}

#[test]
fn environment_files_come_before_the_definition_and_their_errors_stop_the_start() {
    let mut bed = Bed::new();
    let mut definition = bed.script("echo $A $B $C; exit 0");
    std::fs::write(bed.path("one.env"), "# first\nexport A='from file'\nB=2\n").unwrap();
    std::fs::write(bed.path("two.env"), "B=3\nC=4\n").unwrap();
    definition.program.environment_files = vec![bed.path("one.env"), bed.path("two.env")];
    definition.program.environment.insert("C".to_owned(), "5".to_owned());
    let mut host = bed.host();
    host.link.run("env", definition.clone());
    assert_eq!(bed.log(), "from file 3 5\n");

    std::fs::write(bed.path("two.env"), "B=3\nC\n").unwrap();
    let (code, words) = failure(&mut bed, definition.clone());
    assert_eq!(code, Win32Error::INVALID_DATA.0);
    assert!(words.contains("two.env:2: a line has to be NAME=value"), "{words}");

    std::fs::remove_file(bed.path("two.env")).unwrap();
    let (code, words) = failure(&mut bed, definition);
    assert_eq!(code, 2);
    assert!(words.contains("cannot read the environment file") && words.contains("two.env"), "{words}");
}

#[test]
fn secrets_are_read_at_every_start_and_only_if_nobody_else_may() {
    let mut bed = Bed::new();
    let mut definition = bed.script("echo $TOKEN; exit 0");
    let file = bed.path("token");
    let set = |text: &str, mode: u32| {
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    definition.program.environment.insert("TOKEN".to_owned(), "shadowed".to_owned());
    definition.program.secrets.insert("TOKEN".to_owned(), SecretSource::File(file.clone()));
    set("hunter2\n", 0o600);
    let mut host = bed.host();
    host.link.run("first", definition.clone());
    set("swordfish", 0o640);
    host.link.run("second", definition.clone());
    assert_eq!(bed.log(), "hunter2\nswordfish\n");

    set("hunter2", 0o644);
    let (code, words) = failure(&mut bed, definition.clone());
    assert_eq!(code, Win32Error::ACCESS_DENIED.0);
    let shown = file.display();
    assert!(
        words.ends_with(&format!(
            "cannot read the secret TOKEN from \"{shown}\": everybody may read or change it"
        )),
        "{words}"
    );

    std::fs::remove_file(&file).unwrap();
    let (code, words) = failure(&mut bed, definition);
    assert_eq!(code, 2);
    assert!(words.contains("cannot read the secret TOKEN"), "{words}");
}

/// How often bytes are in the memory of a process that it can write to.
fn found_in_memory(pid: u32, wanted: &[u8]) -> usize {
    let memory = std::fs::File::open(format!("/proc/{pid}/mem")).unwrap();
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let number = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let mut found = 0;
    for (range, rest) in maps.lines().map(|line| line.split_once(' ').unwrap()) {
        if rest.starts_with("rw") {
            let (begin, end) =
                range.split_once('-').map(|(begin, end)| (number(begin), number(end))).unwrap();
            let mut bytes = vec![0; usize::try_from(end - begin).unwrap()];
            // Some of the kernel's own can't be read.
            if memory.read_exact_at(&mut bytes, begin).is_ok() {
                found += bytes.windows(wanted.len()).filter(|window| *window == wanted).count();
            }
        }
    }
    found
}

#[test]
fn a_host_forgets_secrets_when_the_program_runs() {
    let mut bed = Bed::new();
    let mut definition = bed.script("exec sleep 1000");
    let file = bed.path("token");
    // So long that what is put into freed memory doesn't cover it, and so short that its memory stays with the process.
    let part = "that-nobody-else-shall-ever-find";
    let secret = part.repeat(30);
    std::fs::write(&file, &secret).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    definition.program.secrets.insert("TOKEN".to_owned(), SecretSource::File(file));
    let known = "what-is-no-secret-is-still-there";
    definition.program.environment.insert("KNOWN".to_owned(), known.to_owned());
    let mut host = bed.host();
    host.link.start("web", definition);
    host.link.state("web", ServiceState::RUNNING);
    let program = host.link.program();
    assert!(environment_value(program, "TOKEN").is_some_and(|value| *value == *secret));
    assert!(found_in_memory(host.pid, known.as_bytes()) > 0, "the definition is kept");
    assert_eq!(found_in_memory(host.pid, part.as_bytes()), 0);
}

#[test]
fn start_arguments_follow_those_of_the_definition() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = bed.script(r#"printf '%s|' "$0" "$@""#);
    definition.program.command.push("zero".to_owned());
    host.link.start_with("arguments", definition, &["a b", ""]);
    host.link.state("arguments", ServiceState::STOPPED);
    assert_eq!(bed.log(), "zero|a b||");
}

#[test]
fn a_host_without_a_definition_says_so() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    host.link.send(&ToProcess::Start {
        service: name("none"),
        display_name: None,
        arguments: Vec::new(),
        definition: None,
        sockets: Vec::new(),
    });
    let status = host.link.state("none", ServiceState::STOPPED);
    assert_eq!(status.win32_exit_code, Win32Error::INVALID_DATA);
}

#[test]
fn a_user_is_switched_to_by_root_only() {
    let mut bed = Bed::new();
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root may switch to another user");
        return;
    }
    let folder = bed.folder.path().to_owned();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut host = bed.host_as(Some("nobody"));
    let status =
        host.link.run("user", bed.script("id -un; echo $USER $HOME; test -w /root || echo shut out"));
    assert_eq!(status.win32_exit_code, Win32Error::SUCCESS);
    let log = bed.log();
    assert!(log.starts_with("nobody\nnobody /") && log.ends_with("shut out\n"), "{log}");
    // The program dies with its host all the same.
    let mut host = bed.host_as(Some("nobody"));
    host.link.start("user", bed.script("exec sleep 1000"));
    host.link.state("user", ServiceState::RUNNING);
    host.kill();
    wait_gone(host.link.program());
}
