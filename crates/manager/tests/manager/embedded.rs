//! Finding and starting the built-in service control manager. What is started here is a shell script; the model serves.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use svckit_core::Win32Error;
use svckit_core::access::ManagerAccess;
use svckit_core::backend::Backend;
use svckit_manager::Embedded;

use crate::scm::Fixture;

/// A program that does what `svc scm serve` is asked for.
fn svc(folder: &Path, script: &str) -> PathBuf {
    let path = folder.join("svc");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

fn refused(embedded: &Embedded) -> (Win32Error, String) {
    let error = embedded.connect().err().unwrap();
    assert_eq!(error.operation, "connect to service control manager");
    (error.code, error.to_string())
}

#[test]
fn a_directory_that_nobody_serves_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    for directory in [folder.path().to_owned(), folder.path().join("missing")] {
        let (code, text) = refused(&Embedded::new(directory));
        assert_eq!(code, Win32Error::RPC_S_SERVER_UNAVAILABLE);
        assert!(text.contains("nobody serves"), "{text}");
    }
    // A socket that a dead service control manager left.
    drop(svckit_os::socket::bind(&folder.path().join("scm.sock")).unwrap());
    assert_eq!(refused(&Embedded::new(folder.path())).0, Win32Error::RPC_S_SERVER_UNAVAILABLE);
}

#[test]
fn the_service_control_manager_is_started_once_for_all_who_come() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::new();
    let state = folder.path().join("state");
    // The script says that it began, and waits for the word to be ready.
    for name in ["began", "go"] {
        let made = std::process::Command::new("mkfifo").arg(folder.path().join(name)).status().unwrap();
        assert!(made.success());
    }
    let script =
        format!("cd {:?}; echo \"$@\" >> calls; echo x > began; read x < go; echo ready >&3", folder.path());
    let svc = svc(folder.path(), &script);
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let embedded = Embedded::new(&state).autostart(Some(svc.clone()));
            std::thread::spawn(move || {
                embedded.connect().unwrap().open_manager(ManagerAccess::CONNECT).unwrap();
            })
        })
        .collect();
    fs::read(folder.path().join("began")).unwrap();
    Arc::clone(&fixture.scm).listen(&state.join("scm.sock"));
    fs::write(folder.path().join("go"), "go\n").unwrap();
    for client in clients {
        client.join().unwrap();
    }
    let calls = fs::read_to_string(folder.path().join("calls")).unwrap();
    assert_eq!(calls, format!("scm serve --directory {} --ready-fd 3\n", state.display()));
    assert_eq!(fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fixture.scm.state().connections, 4);
}

#[test]
fn what_it_says_about_a_failed_start_is_passed_on() {
    for (script, expected) in [
        ("echo 'the database is from a newer version' >&3", "the database is from a newer version"),
        (
            "echo 'usage: something' >&2; echo 'panic at the disco' >&2; exit 3",
            "it ended before it was ready: panic at the disco",
        ),
        ("exit 1", "it ended before it was ready; see "),
        ("echo ready >&3", "it said that it was ready, but it is gone"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let (code, text) = refused(&Embedded::new(&state).autostart(Some(svc(folder.path(), script))));
        assert_eq!(code, Win32Error::RPC_S_SERVER_UNAVAILABLE, "{script}");
        assert!(text.contains(expected), "{script}: {text}");
    }
}

#[test]
fn a_directory_that_can_not_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let state = folder.path().join("file/state");
    let svc = svc(folder.path(), "exit 1");
    let (_, text) = refused(&Embedded::new(&state).autostart(Some(svc)));
    assert!(text.contains("file/state"), "{text}");
    assert!(text.contains("not a directory"), "{text}");

    let missing = folder.path().join("no-svc");
    let (code, text) = refused(&Embedded::new(folder.path().join("s")).autostart(Some(missing)));
    assert_eq!(code, Win32Error::FILE_NOT_FOUND);
    assert!(text.contains("no-svc can't be run"), "{text}");
}
