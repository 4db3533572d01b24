//! What `svc doctor` finds on Windows, which may be Wine, by `svc.exe` from end to end. What Wine can't say is named in `NOT_UNDER_WINE` of `xtask/src/wine.rs`.

#![forbid(unsafe_code)]
#![cfg(windows)]
#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::Value;
use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Backend, Service};
use svckit_core::status::{NotifyMask, ServiceState};
use svckit_manager::windows::WindowsBackend;
use svckit_testkit::svc::{Svc, starting};
use svckit_testkit::{PATIENCE, binary};

/// The exit status of a doctor who found errors.
const UNWELL: i32 = 12;

/// A definition of one service with a log of its own.
fn define(svc: &Svc, service: &str, lines: &str) -> PathBuf {
    let log = svc.folder().join(format!("{service}.log"));
    let text = format!("[service.{}]\nlog = {{ file = {log:?} }}\n{lines}", svc.name(service));
    svc.write(&format!("{service}.toml"), &text)
}

/// The line for a program.
fn run(program: &Path) -> String {
    format!("run = [{program:?}, \"program=hang\"]\n")
}

/// What is found, in short: `error gave-up`; and each message.
fn found(svc: &Svc, arguments: &[&str]) -> Vec<(String, String)> {
    let output = svc.run(&[&["doctor", "--json"], arguments].concat());
    assert!(matches!(output.code(), Some(0 | UNWELL)), "{}{}", output.stdout, output.stderr);
    let all: Value = serde_json::from_str(&output.stdout).unwrap();
    let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    let short =
        |one: &Value| (format!("{} {}", text(one, "severity"), text(one, "rule")), text(one, "message"));
    let all: Vec<_> = all.as_array().unwrap().iter().map(short).collect();
    let is_error = |one: &(String, String)| one.0.starts_with("error");
    assert_eq!(output.code() == Some(UNWELL), all.iter().any(is_error), "{all:?}");
    all
}

/// The message of a finding that has to be there.
#[track_caller]
fn message(found: &[(String, String)], rule: &str) -> String {
    let Some((_, message)) = found.iter().find(|(short, _)| short == rule) else {
        panic!("no {rule} in {found:?}")
    };
    message.clone()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn open(name: &str) -> Box<dyn Service> {
    let manager = WindowsBackend::local().open_manager(ManagerAccess::CONNECT).unwrap();
    manager.open_service(name, ServiceAccess::ALL_ACCESS).unwrap()
}

/// A program with one section, which names a library that it imports (PE format: "COFF File Header", "Optional Header", "Section Table", "The .idata Section").
fn image(machine: u16, library: &str) -> Vec<u8> {
    let mut bytes = vec![0; 0x400];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, b"MZ");
    put(0x3c, &0x40_u32.to_le_bytes());
    put(0x40, b"PE\0\0");
    put(0x44, &machine.to_le_bytes());
    put(0x46, &1_u16.to_le_bytes());
    put(0x54, &240_u16.to_le_bytes());
    put(0x58, &0x20b_u16.to_le_bytes());
    put(0x58 + 108, &16_u32.to_le_bytes());
    put(0x58 + 120, &0x2000_u32.to_le_bytes());
    for (at, value) in [(8, 0x200_u32), (12, 0x2000), (16, 0x200), (20, 0x200)] {
        put(0x58 + 240 + at, &value.to_le_bytes());
    }
    put(0x20c, &0x2100_u32.to_le_bytes());
    put(0x300, library.as_bytes());
    bytes
}

#[test]
fn a_program_that_can_not_be_run_is_told_of_before_it_is_installed() {
    let svc = Svc::new();
    let program = svc.folder().join("program.exe");
    let file = define(&svc, "program", &run(&program));
    assert_eq!(message(&found(&svc, &[text(&file)]), "error program").matches("program.exe").count(), 1);
    let cases: [(&[u8], &str, &str); 5] = [
        (b"", "error program-format", "is empty"),
        // As far as the machine that it is for ("ELF Header").
        (
            b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0",
            "error program-format",
            "is a program of Unix",
        ),
        (b"this is no program", "warning program-format", "is no program that this system knows"),
        (&image(0xaa64, "KERNEL32.dll"), "warning program-machine", "is made for aarch64"),
        (&image(0x8664, "No-Such-Library.dll"), "error missing-library", "needs no-such-library.dll"),
    ];
    for (bytes, rule, part) in cases {
        fs::write(&program, bytes).unwrap();
        let told = message(&found(&svc, &[text(&file)]), rule);
        assert!(told.contains(part), "{told}");
    }
    fs::write(&program, image(0x8664, "KERNEL32.dll")).unwrap();
    assert_eq!(found(&svc, &[text(&file)])[0].0, "hint not-installed");
    // A library beside the program is there.
    fs::write(&program, image(0x8664, "beside.dll")).unwrap();
    fs::write(svc.folder().join("beside.dll"), image(0x8664, "below.dll")).unwrap();
    let told = message(&found(&svc, &[text(&file)]), "error missing-library");
    assert!(told.contains("beside.dll needs below.dll"), "{told}");
}

#[test]
fn an_account_that_is_not_there_is_told_of() {
    let svc = Svc::new();
    let file = define(&svc, "account", &(run(&binary::scripted()) + "account = 'no such account'\n"));
    assert_eq!(message(&found(&svc, &[text(&file)]), "error account"), "there is no account no such account");
    let file = define(&svc, "account", &(run(&binary::scripted()) + "account = 'LocalService'\n"));
    assert_eq!(found(&svc, &[text(&file)]).len(), 1);
}

/// A definition that is ready where this listens.
fn ready_at(svc: &Svc, tcp: &str) -> PathBuf {
    define(svc, "ready", &format!("{}ready = {{ tcp = {tcp:?} }}\n", run(&binary::scripted())))
}

#[test]
fn a_port_that_is_taken_and_an_address_that_nobody_connects_to_are_told_of() {
    let svc = Svc::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    let told = message(&found(&svc, &[text(&ready_at(&svc, &taken))]), "warning port-in-use");
    assert!(told.contains(&format!("accepts connections at {taken} already")), "{told}");
    drop(listener);
    assert_eq!(found(&svc, &[text(&ready_at(&svc, &taken))]).len(), 1);
    message(&found(&svc, &[text(&ready_at(&svc, "0.0.0.0:80"))]), "error ready-address");
}

#[test]
fn the_process_that_listens_is_named() {
    let svc = Svc::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    let told = message(&found(&svc, &[text(&ready_at(&svc, &taken))]), "warning port-in-use");
    assert!(told.contains(&format!("(process {})", std::process::id())), "{told}");
}

#[test]
fn names_are_looked_up_when_asked_for() {
    let svc = Svc::new();
    let file = ready_at(&svc, "localhost:8");
    assert_eq!(found(&svc, &[text(&file), "--resolve"]).len(), 1);
    let file = ready_at(&svc, "no-such-host.invalid:8");
    assert_eq!(found(&svc, &[text(&file)]).len(), 1);
    let told = message(&found(&svc, &[text(&file), "--resolve"]), "error ready-name");
    assert!(told.contains("\"no-such-host.invalid\""), "{told}");
}

#[test]
fn what_is_installed_is_looked_at_with_its_image_and_its_file() {
    let svc = Svc::new();
    let (file, name) = (define(&svc, "web", &run(&binary::scripted())), svc.name("web"));
    svc.ok(&["install", text(&file)]);
    assert_eq!(found(&svc, &[&name]), []);
    define(&svc, "web", &(run(&binary::scripted()) + "description = 'another'\n"));
    message(&found(&svc, &[&name]), "warning drift");

    let theirs = svc.name("theirs");
    svc.ok(&["sc", "create", &theirs, "binPath=", r"C:\no such folder\program.exe"]);
    let told = found(&svc, &[&theirs]);
    let unquoted = message(&told, "warning image-unquoted");
    assert!(unquoted.contains(r"C:\no.exe would be run"), "{unquoted}");
    svc.ok(&["sc", "config", &theirs, "binPath=", r#""C:\no such folder\program.exe""#]);
    let told = found(&svc, &[&theirs]);
    assert!(message(&told, "error image").contains(r"C:\no such folder\program.exe"), "{told:?}");
    assert!(told.iter().all(|(short, _)| short != "warning image-unquoted"), "{told:?}");
}

#[test]
fn how_a_service_ended_is_told_with_its_code() {
    let svc = Svc::new();
    let program = binary::scripted();
    let lines = format!("run = [{program:?}, \"program=exit:7\"]\nrestart = {{ when = \"never\" }}\n");
    let (file, name) = (define(&svc, "once", &lines), svc.name("once"));
    svc.ok(&["install", text(&file)]);
    starting(|| svc.run(&["start", &name]));
    assert!(open(&name).wait(NotifyMask::of(ServiceState::STOPPED), PATIENCE).unwrap().is_some());
    let told = message(&found(&svc, &[&name]), "error stopped-with-error");
    assert!(told.contains('7'), "{told}");

    let copy = svc.folder().join("copy.exe");
    fs::copy(&program, &copy).unwrap();
    let (file, name) = (define(&svc, "gone", &run(&copy)), svc.name("gone"));
    svc.ok(&["install", text(&file)]);
    fs::remove_file(&copy).unwrap();
    starting(|| svc.run(&["start", &name]));
    let told = found(&svc, &[&name]);
    assert!(message(&told, "error start-failed").contains("copy.exe"), "{told:?}");
    assert!(message(&told, "error program").contains("copy.exe"), "{told:?}");
}

#[test]
fn a_dependency_that_is_not_there_is_told_of() {
    let svc = Svc::new();
    let (name, other) = (svc.name("needy"), svc.name("nobody"));
    let image = format!("\"{}\"", text(&binary::scripted()));
    svc.ok(&["sc", "create", &name, "binPath=", &image, "depend=", &other]);
    let told = message(&found(&svc, &[&name]), "error dependency-missing");
    assert!(told.contains(&other), "{told}");
}

#[test]
fn a_service_that_waits_for_its_last_handle_is_told_of() {
    let svc = Svc::new();
    let (file, name) = (define(&svc, "held", &run(&binary::scripted())), svc.name("held"));
    svc.ok(&["install", text(&file)]);
    let open = open(&name);
    svc.run(&["remove", &name, "--wait", "0"]);
    message(&found(&svc, &[&name]), "error marked-for-deletion");
    drop(open);
}
