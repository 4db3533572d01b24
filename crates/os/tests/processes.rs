//! Programs are really started, and their ends really seen.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use svckit_core::Win32Error;
use svckit_core::limits::{Limits, Priority};
use svckit_os::process::{Birth, Command, End, SpawnError, Stage, Stdio, spawn};
use svckit_os::{file, pipe};

fn command(words: &[&str]) -> Command {
    let environment = vec![("PATH".into(), "/usr/bin:/bin".into()), ("COLOUR".into(), "blue".into())];
    Command { command: words.iter().map(OsString::from).collect(), environment, ..Command::default() }
}

/// Runs a program to its end: what it printed, or why it did not run.
fn output(command: &Command) -> Result<String, SpawnError> {
    let null = file::null_device().unwrap();
    let (mut read, write) = pipe::outflow().unwrap();
    pipe::set_nonblocking(&read, false).unwrap();
    let end = End::from(&write);
    let stdio = Stdio { input: End::from(&null), output: end, error: end };
    let pid = {
        let _alone = alone();
        spawn(command, stdio, Birth::default())?
    };
    drop(write);
    let mut text = Vec::new();
    while read.read(&mut text, 4096).unwrap() > 0 {}
    rustix::process::waitpid(
        rustix::process::Pid::from_raw(pid.cast_signed()),
        rustix::process::WaitOptions::empty(),
    )
    .unwrap();
    Ok(String::from_utf8(text).unwrap())
}

fn failure(command: &Command) -> (Stage, Win32Error, String) {
    let error = output(command).unwrap_err();
    (error.stage, error.code(), error.to_string())
}

/// No script is written while a process is made, which has every open file for a moment: a script that somebody may write to can't be executed (`ETXTBSY`).
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn script(folder: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
    let path = folder.join(name);
    let _alone = alone();
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn a_program_gets_what_was_said_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let _open = File::open("/dev/null").unwrap();
    let mut command = command(&[
        "sh",
        "-c",
        r#"pwd; env | grep -c .; echo $COLOUR; ls /proc/self/fd | wc -l; ps -o sid= -p $$"#,
    ]);
    command.directory = Some(folder.path().to_owned());
    let text = output(&command).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(Path::new(lines[0]), folder.path().canonicalize().unwrap());
    assert_eq!(lines[2], "blue");
    // Three standard ones and the folder that is being listed.
    assert_eq!(lines[3].trim(), "4");
}

#[test]
fn default_signals_and_a_session_of_its_own() {
    let status = output(&command(&["cat", "/proc/self/status"])).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        u64::from_str_radix(line.rsplit('\t').next().unwrap(), 16).unwrap()
    };
    // The two that the C library keeps for itself may be anything.
    let kept = 1 << 31 | 1 << 32;
    assert_eq!((field("SigBlk") & !kept, field("SigIgn") & !kept), (0, 0));
    let stat = output(&command(&["cat", "/proc/self/stat"])).unwrap();
    let fields: Vec<&str> = stat.split(' ').collect();
    assert_eq!((fields[4], fields[5]), (fields[0], fields[0]), "group and session are led by the program");
}

#[test]
fn every_way_not_to_start_has_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: PathBuf| path.to_str().unwrap().to_owned();
    let missing = at(folder.path().join("missing"));
    let (stage, code, text) = failure(&command(&[&missing]));
    assert_eq!((stage, code), (Stage::Program, Win32Error::FILE_NOT_FOUND));
    assert_eq!(text, format!("cannot run {missing:?}: no such file or directory"));

    let (_, code, text) = failure(&command(&["svckit-no-such-program"]));
    assert_eq!(code, Win32Error::FILE_NOT_FOUND);
    assert!(text.contains("in no folder of PATH (/usr/bin:/bin)"), "{text}");

    let plain = at(script(folder.path(), "plain", "#!/bin/sh\n", 0o644));
    let (_, code, text) = failure(&command(&[&plain]));
    assert_eq!(code, Win32Error::ACCESS_DENIED);
    assert!(text.ends_with("the file may not be executed"), "{text}");

    let bare = at(script(folder.path(), "bare", "echo hello\n", 0o755));
    assert_eq!(failure(&command(&[&bare])).1, Win32Error::BAD_EXE_FORMAT);

    let odd = at(script(folder.path(), "odd", "#!/no/such/interpreter -x\n", 0o755));
    let (_, code, text) = failure(&command(&[&odd]));
    assert_eq!(code, Win32Error::FILE_NOT_FOUND);
    assert!(text.ends_with("is not: /no/such/interpreter -x"), "{text}");

    let mut lost = command(&["true"]);
    lost.directory = Some(folder.path().join("nowhere"));
    let (stage, code, text) = failure(&lost);
    assert_eq!((stage, code), (Stage::Directory, Win32Error::DIRECTORY));
    assert!(text.starts_with("cannot use the working directory"), "{text}");
}

#[test]
fn a_program_has_its_limits() {
    let mut limited =
        command(&["sh", "-c", "ulimit -n; ulimit -c; nice; grep Cpus_allowed_list /proc/self/status"]);
    limited.limits = Limits {
        priority: Some(Priority::BelowNormal),
        affinity: vec![0],
        open_files: Some(100),
        core_size: Some(0),
        ..Limits::default()
    };
    let text = output(&limited).unwrap();
    assert_eq!(text.lines().collect::<Vec<_>>(), ["100", "0", "10", "Cpus_allowed_list:\t0"]);
}

#[test]
fn a_limit_that_cannot_be_is_no_start() {
    let refused = |limits: Limits| {
        let (stage, _, text) = failure(&Command { limits, ..command(&["true"]) });
        assert_eq!(stage, Stage::Limits);
        text
    };
    let text = refused(Limits { affinity: vec![0, 1000], ..Limits::default() });
    let expected = "cannot set the limit \"affinity = [0, 1000]\": invalid argument: not all of these processors are there for it";
    assert_eq!(text, expected);
    // More than the kernel lets anybody have (`fs.nr_open`).
    let text = refused(Limits { open_files: Some(1 << 30), ..Limits::default() });
    assert!(text.starts_with("cannot set the limit \"files = 1073741824\": "), "{text}");
}

#[test]
fn a_relative_program_is_relative_to_its_directory() {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), "here", "#!/bin/sh\necho found\n", 0o755);
    let mut relative = command(&["./here"]);
    relative.directory = Some(folder.path().to_owned());
    assert_eq!(output(&relative).unwrap(), "found\n");
}
