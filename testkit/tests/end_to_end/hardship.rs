//! State directories that can't be used, and those that look so.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;

use svckit_testkit::svc::{Svc, finish};

use crate::define;

/// A user that owns nothing.
const NOBODY: u32 = 65_534;

#[test]
fn a_socket_left_by_a_dead_service_control_manager_is_in_nobodys_way() {
    let svc = Svc::new();
    svc.ok(&["list"]);
    let first = svc.scm();
    svc.kill_scm();
    assert!(svc.state().join("scm.sock").exists());
    svc.ok(&["list"]);
    assert_ne!(svc.scm(), first);
}

#[test]
fn one_state_directory_has_one_service_control_manager() {
    let svc = Svc::new();
    svc.ok(&["list"]);
    let first = svc.scm();
    let second = svc.run(&["scm", "serve", "--directory", svc.state().to_str().unwrap()]);
    assert!(!second.status.success());
    assert!(second.stderr.contains(svc.state().to_str().unwrap()), "{}", second.stderr);
    assert_eq!(svc.scm(), first, "the first goes on");
}

#[test]
fn clients_that_come_together_start_one_service_control_manager() {
    let svc = Svc::new();
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    svc.ok(&["list"]);
                    svc.scm()
                })
            })
            .collect();
        let mut pids: Vec<u32> = clients.into_iter().map(|client| client.join().unwrap()).collect();
        pids.dedup();
        assert_eq!(pids.len(), 1, "{pids:?}");
    });
}

/// Everything in the folder can be reached by others, and the state directory belongs to them.
fn hand_over(svc: &Svc, mode: u32) {
    fs::create_dir(svc.state()).unwrap();
    fs::set_permissions(svc.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(svc.state(), fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_state_directory_that_cannot_be_written_is_refused_by_name() {
    let svc = Svc::new();
    hand_over(&svc, 0o500);
    let mut command = svc.command(&["list"]);
    if svckit_os::process::Credentials::may_change() {
        // Root may write everywhere: another user tries it, with a program that it can reach.
        chown(svc.state(), Some(NOBODY), Some(NOBODY)).unwrap();
        let copy = svc.folder().join("svc");
        fs::copy(svc.program(), &copy).unwrap();
        let mut other = std::process::Command::new(copy);
        other.args(command.get_args());
        for (name, value) in command.get_envs() {
            other.env(name, value.unwrap());
        }
        other.current_dir(svc.folder()).uid(NOBODY).gid(NOBODY);
        command = other;
    }
    let output = finish(command);
    assert!(!output.status.success());
    assert!(output.stderr.contains(svc.state().to_str().unwrap()), "{}", output.stderr);
    assert_eq!(fs::read_dir(svc.state()).unwrap().count(), 0);
}

#[test]
fn a_state_directory_that_others_may_write_is_refused() {
    let svc = Svc::new();
    hand_over(&svc, 0o777);
    let output = svc.run(&["list"]);
    assert!(!output.status.success());
    assert!(output.stderr.contains(svc.state().to_str().unwrap()), "{}", output.stderr);
}

/// Makes a database with one service in it, and stops everything.
fn with_database(svc: &Svc) -> std::path::PathBuf {
    let file = define(svc, "web", "hang", "");
    svc.ok(&["install", file.to_str().unwrap()]);
    svc.ok(&["scm", "stop"]);
    let database = svc.state().join("svc.db");
    assert!(database.is_file() && !svc.state().join("svc.db-wal").exists(), "nothing is held back");
    database
}

/// The database is refused by name, and stays as it is.
fn is_refused(svc: &Svc, database: &Path, because: &str) {
    let before = fs::read(database).unwrap();
    for _ in 0..2 {
        let output = svc.run(&["list"]);
        assert!(!output.status.success());
        assert!(output.stderr.contains("svc.db") && output.stderr.contains(because), "{}", output.stderr);
    }
    assert_eq!(fs::read(database).unwrap(), before, "not a byte was changed");
}

#[test]
fn a_corrupt_database_is_refused_and_not_touched() {
    let svc = Svc::new();
    let database = with_database(&svc);
    fs::write(&database, "this was a database once, and much longer than this".repeat(100)).unwrap();
    is_refused(&svc, &database, "database");
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_not_touched() {
    let svc = Svc::new();
    let database = with_database(&svc);
    let mut bytes = fs::read(&database).unwrap();
    // The user version in the header of an SQLite file: four bytes at offset 60, the most significant first.
    bytes[60..64].copy_from_slice(&9999_u32.to_be_bytes());
    fs::write(&database, bytes).unwrap();
    is_refused(&svc, &database, "newer");
}

#[test]
fn what_was_installed_is_there_after_a_stop() {
    let svc = Svc::new();
    with_database(&svc);
    assert_eq!(svc.status("web")["state"], "STOPPED");
}
