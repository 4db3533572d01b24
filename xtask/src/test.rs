//! The tests, all of them, and the checks that run nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Outcome, arrows, licences, python, shell, sources, windows_python, wine};

/// What tests need from PyPI: independent implementations to compare with, and a server of web sites that a service runs.
const PACKAGES: &[&str] = &["impacket==0.13.1", "zc.buildout==6.0.1", "waitress==3.0.2"];

/// The tool that the collection for it is tried with. It has an environment of its own, since it wants a newer Python than the others (3.11).
const ANSIBLE: &[&str] = &["ansible-core==2.19.14"];

/// Programs that tests need, each with the Debian packages that it comes with.
const PROGRAMS: &[(&str, &[&str])] = &[
    ("smbtorture", &["samba-testsuite"]),
    ("kinit", &["krb5-kdc", "krb5-admin-server", "krb5-user"]),
    ("faketime", &["faketime"]),
];

/// What came of the steps.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
    notes: Vec<String>,
}

impl Tally {
    /// A step that is one check.
    fn step(&mut self, name: &str, outcome: Outcome) {
        match outcome {
            Ok(()) => self.passed += 1,
            Err(message) => {
                eprintln!("{message}");
                self.failed += 1;
                self.notes.push(format!("failed: {name}"));
            }
        }
    }

    /// Runs a program that reports as Rust's test harness does.
    fn tests(&mut self, name: &str, command: &mut Command) {
        let (mut summed, before) = (0, self.failed);
        let ended = shell::watch(command, |line| summed += self.line(line));
        match ended {
            Ok(true) if summed > 0 => {}
            Ok(false) if self.failed > before => {}
            other => {
                // It was not built, or it was ended before it could say what failed.
                self.failed += 1;
                self.notes.push(format!("failed: {name} ({other:?}, {summed} results)"));
            }
        }
    }

    /// Takes a line of Rust's test harness; how many programs it sums up.
    fn line(&mut self, line: &str) -> usize {
        if let Some(failed) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED")) {
            self.notes.push(format!("failed: {failed}"));
        }
        let Some([passed, failed, ignored]) = counts(line) else { return 0 };
        self.passed += passed;
        self.failed += failed;
        self.skipped += ignored;
        1
    }

    /// The tests for Windows.
    fn windows(&mut self) {
        if let Err(message) = wine::prepare() {
            eprintln!("{message}");
            self.skip("the tests for Windows: Wine, a compiler for Windows or Rust's target is missing");
            return;
        }
        self.step("clippy for Windows", wine::lint());
        wine::check_others(|target, outcome| self.step(&format!("cargo check for {target}"), outcome));
        let python = python().and_then(|python| windows_python::folder(&python));
        if let Err(message) = &python {
            eprintln!("{message}");
            self.skip("windows_python: Python for Windows, or pywin32 for it, can't be had");
        }
        let ended = wine::test(python.ok().as_deref(), |name, text, is_good| {
            let before = self.failed;
            let summed: usize = text.lines().map(|line| self.line(line.trim_end())).sum();
            if summed != 1 || !is_good && self.failed == before {
                self.failed += 1;
                self.notes.push(format!("failed: {name} under Wine ({summed} results)"));
            }
        });
        if let Err(message) = ended {
            self.step("tests for Windows", Err(message));
        }
    }

    /// Tests that found that they can't run here passed for the harness, which knows no other way.
    fn take_skipped(&mut self, list: &Path) {
        let skipped = std::fs::read_to_string(list).unwrap_or_default();
        for line in skipped.lines() {
            self.passed = self.passed.saturating_sub(1);
            self.skip(line);
        }
    }

    fn skip(&mut self, what: &str) {
        self.skipped += 1;
        self.notes.push(format!("skipped: {what}"));
    }

    fn finish(self) -> Outcome {
        println!();
        for note in &self.notes {
            println!("{note}");
        }
        println!("{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped);
        if self.failed > 0 {
            return Err("not everything passed".to_owned());
        }
        if self.skipped > 0 && std::env::var_os("CI").is_some_and(|ci| ci == "true") {
            return Err("CI may not skip anything".to_owned());
        }
        Ok(())
    }
}

/// Everything.
pub(crate) fn all() -> Outcome {
    let mut tally = Tally::default();
    lints(&mut tally);

    let skipped = shell::target().join("skipped-tests");
    // It may not be there.
    let _ = std::fs::remove_file(&skipped);
    let mut tests = shell::cargo();
    tests.args(["test", "--workspace", "--no-fail-fast", "--locked"]).env("SVCKIT_SKIPPED", &skipped);
    match python() {
        Ok(python) => {
            tests.env("SVCKIT_PYTHON", python);
        }
        Err(message) => eprintln!("what needs packages of Python can't run: {message}"),
    }
    match python::with("ansible", ANSIBLE) {
        Ok(python) => {
            tests.env("SVCKIT_ANSIBLE", python);
        }
        Err(message) => eprintln!("what needs Ansible can't run: {message}"),
    }
    for (program, packages) in PROGRAMS {
        if shell::find(program).is_none()
            && let Err(message) = shell::install(packages)
        {
            eprintln!("what needs {program} can't run: {message}");
        }
    }
    // Servers aren't in everybody's PATH.
    let has_smbd = shell::find("smbd").is_some() || Path::new("/usr/sbin/smbd").is_file();
    if !has_smbd && let Err(message) = install_samba() {
        eprintln!("what needs Samba's server can't run: {message}");
    }
    tally.tests("cargo test", &mut tests);
    tally.take_skipped(&skipped);
    tally.windows();
    tally.finish()
}

/// Samba's server. Where a service manager would start it for all the network to see, that is for somebody else to decide.
fn install_samba() -> Outcome {
    if Path::new("/run/systemd/system").is_dir() {
        return Err("installing samba would start it; install it if that may be".to_owned());
    }
    shell::install(&["samba"])
}

/// A Python that has the packages.
fn python() -> Outcome<PathBuf> {
    python::with("python", PACKAGES)
}

/// What is for Windows.
pub(crate) fn windows() -> Outcome {
    let mut tally = Tally::default();
    tally.windows();
    tally.finish()
}

/// The checks that run nothing.
pub(crate) fn lint() -> Outcome {
    let mut tally = Tally::default();
    lints(&mut tally);
    tally.finish()
}

fn lints(tally: &mut Tally) {
    tally.step("format", shell::run(shell::cargo().args(["fmt", "--all", "--check"])));
    tally.step("arrows", arrows::check());
    tally.step("unsafe code and lengths", sources::check());
    tally.step("licences", licences::check());
    let clippy =
        ["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "--deny", "warnings"];
    tally.step("clippy", shell::run(shell::cargo().args(clippy)));
    let mut doc = shell::cargo();
    doc.args(["doc", "--workspace", "--no-deps", "--locked", "--quiet"]);
    doc.env("RUSTDOCFLAGS", "--deny warnings");
    tally.step("documentation", shell::run(&mut doc));
}

/// The numbers of a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
fn counts(line: &str) -> Option<[usize; 3]> {
    let (_, rest) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut numbers = rest.split("; ").map(|part| part.split_once(' ')?.0.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

#[cfg(test)]
mod tests {
    use super::counts;

    #[test]
    fn the_harness_is_understood() {
        let line = "test result: FAILED. 12 passed; 3 failed; 4 ignored; 0 measured; 5 filtered out; finished in 0.1s";
        assert_eq!(counts(line), Some([12, 3, 4]));
        assert_eq!(counts("test result of something: ok"), None);
    }
}
