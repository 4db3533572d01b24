//! Tests that are programs of services too: a process of a test program does something else in place of its tests, in the test called `role`, when variables say so.

use std::process::Command;

/// What a process is to do.
pub const ROLE: &str = "SVCKIT_TEST_ROLE";

/// What it needs for that.
pub const WITH: &str = "SVCKIT_TEST_WITH";

/// What runs the test called `role` alone, and lets its output through.
const WORDS: [&str; 3] = ["--exact", "role", "--nocapture"];

/// What this process is to do, and with what; `None` where it is there for its tests.
pub fn asked() -> Option<(String, String)> {
    let role = std::env::var(ROLE).ok()?;
    Some((role, std::env::var(WITH).unwrap_or_default()))
}

/// This program in a role.
pub fn command(role: &str, with: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a process knows its program"));
    command.args(WORDS).env(ROLE, role).env(WITH, with);
    command
}

/// This program as the value of `run` in a definition.
pub fn run() -> String {
    let program = std::env::current_exe().expect("a process knows its program");
    format!("[{program:?}, {}]", WORDS.map(|word| format!("{word:?}")).join(", "))
}

/// The lines of a definition for this program in a role.
pub fn lines(role: &str, with: &str) -> String {
    format!("run = {}\nenvironment = {{ {ROLE} = {role:?}, {WITH} = {with:?} }}\n", run())
}
