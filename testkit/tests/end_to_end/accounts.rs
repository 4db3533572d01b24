//! `svc scm user`: the accounts that may come over the network.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use svckit_testkit::svc::{Output, Svc};

use crate::terminal::Terminal;

/// Runs a command with a password on its standard input; how it ended, and what it said.
fn with_password(svc: &Svc, words: &[&str], password: &str) -> (Option<i32>, String) {
    let mut command = svc.command(&[&["scm", "user"], words, &["--password-stdin"]].concat());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Who refuses a name doesn't read a password.
    let _ = child.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

fn user(svc: &Svc, words: &[&str]) -> Output {
    svc.run(&[&["scm", "user"], words].concat())
}

#[test]
fn accounts_are_added_listed_changed_and_removed() {
    let svc = Svc::new();
    assert_eq!(svc.ok(&["scm", "user", "list"]), "");
    let (code, said) = with_password(&svc, &["add", "ann", "--administrator"], "correct horse");
    assert!(code == Some(0) && said.starts_with("added account ann (S-1-5-21-"), "{said}");
    assert_eq!(with_password(&svc, &["add", "bob"], "correct horse").0, Some(0));
    let (code, said) = with_password(&svc, &["add", "ANN"], "correct horse");
    assert!(code == Some(6) && said.contains("account \"ANN\" exists"), "{said}");
    let (code, said) = with_password(&svc, &["add", "eve"], "short");
    assert!(code == Some(2) && said.contains("a password has 8 to 256 characters, and this has 5"), "{said}");
    let listed = svc.json(&["scm", "user", "list"]);
    assert_eq!((&listed[0]["name"], &listed[0]["administrator"]), (&"ann".into(), &true.into()), "{listed}");
    assert_eq!((&listed[1]["name"], &listed[1]["administrator"]), (&"bob".into(), &false.into()), "{listed}");
    assert_eq!(with_password(&svc, &["passwd", "bob"], "battery staple").0, Some(0));
    let (code, said) = with_password(&svc, &["passwd", "eve"], "battery staple");
    assert!(code == Some(1) && said.contains("account \"eve\" does not exist"), "{said}");
    assert_eq!(user(&svc, &["remove", "bob"]).code(), Some(0));
    assert_eq!(user(&svc, &["remove", "bob"]).code(), Some(1));
    assert_eq!(svc.ok(&["scm", "user", "list"]).lines().count(), 1);
}

#[test]
fn accounts_that_others_could_read_are_refused() {
    let svc = Svc::new();
    assert_eq!(with_password(&svc, &["add", "ann"], "correct horse").0, Some(0));
    let file = svc.state().join("accounts.json");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = user(&svc, &["list"]);
    assert_eq!(output.code(), Some(1));
    assert!(output.stderr.contains("accounts.json") && output.stderr.contains("0644"), "{}", output.stderr);
}

#[test]
fn a_password_is_asked_for_twice_and_never_shown() {
    let svc = Svc::new();
    let mut terminal = Terminal::run(&svc.command(&["scm", "user", "add", "ann"]), 24, 100);
    terminal.shows("password of ann: ");
    terminal.keys("wrong horse\x15correct horse\r");
    terminal.shows("the same again: ");
    terminal.keys("correct horse\r");
    let text = terminal.shows("added account ann");
    assert!(terminal.ends().success() && !text.contains("horse"), "{text}");
    let mut terminal = Terminal::run(&svc.command(&["scm", "user", "passwd", "ann"]), 24, 100);
    terminal.shows("password of ann: ");
    terminal.keys("one password\r");
    terminal.shows("the same again: ");
    terminal.keys("another password\r");
    terminal.shows("the two passwords are not the same");
    assert_eq!(terminal.ends().code(), Some(2));
    let mut terminal = Terminal::run(&svc.command(&["scm", "user", "passwd", "ann"]), 24, 100);
    terminal.shows("password of ann: ");
    terminal.keys("correct\x03");
    assert_eq!(terminal.ends().code(), Some(1), "it is interrupted");
}
