//! `svc plan`, `svc apply` and `svc diff` with a service control manager and programs that run.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::Value;
use svckit_core::status::ServiceState;
use svckit_testkit::binary;
use svckit_testkit::svc::Svc;

use crate::{exported, reaches};

/// The exit status of a plan with something to do.
const DIFFERENT: i32 = 11;

fn pid(svc: &Svc, service: &str) -> Value {
    svc.status(service)["host"]["child_pid"].clone()
}

fn apply(svc: &Svc, file: &Path, more: &[&str]) -> Vec<String> {
    let done = svc.json(&[&["apply", file.to_str().unwrap()], more].concat());
    let line =
        |step: &Value| format!("{} {}", step["step"].as_str().unwrap(), step["service"].as_str().unwrap());
    done.as_array().unwrap().iter().map(line).collect()
}

#[test]
fn just_who_is_affected_gets_another_program() {
    let svc = Svc::new();
    let text = |seconds: u32| {
        format!(
            "[service.db]\nrun = 'sleep {seconds}'\n[service.web]\nrun = 'sleep 1000'\ndepends-on = ['db']\n\
             [service.idle]\nrun = 'sleep {seconds}'\n[service.other]\nrun = 'sleep 1000'\ndescription = '{seconds}'\n"
        )
    };
    let file = svc.write("service.toml", &text(1000));
    assert_eq!(apply(&svc, &file, &[]), ["install db", "install web", "install idle", "install other"]);
    svc.ok(&["start", "web", "other"]);
    let before = ["db", "web", "other"].map(|service| pid(&svc, service));
    assert_eq!(apply(&svc, &file, &[]), [""; 0]);

    svc.write("service.toml", &text(2000));
    let planned = svc.run(&["plan", file.to_str().unwrap(), "--json"]);
    assert_eq!((planned.code(), planned.stderr.as_str()), (Some(DIFFERENT), ""));
    let expected =
        ["update db", "update idle", "update other", "stop web", "stop db", "start db", "start web"];
    assert_eq!(apply(&svc, &file, &[]), expected);
    let planned: Value = serde_json::from_str(&planned.stdout).unwrap();
    assert_eq!(planned["steps"].as_array().unwrap().len(), expected.len());
    let after = ["db", "web", "other"].map(|service| pid(&svc, service));
    assert!(after[0] != before[0] && after[1] != before[1] && after[2] == before[2], "{before:?} {after:?}");
    assert_eq!(svc.status("idle")["state"], "STOPPED");
    for verb in ["plan", "diff", "apply"] {
        svc.ok(&[verb, file.to_str().unwrap()]);
    }
}

#[test]
fn what_is_exported_differs_in_nothing() {
    let svc = Svc::new();
    let text = format!(
        "[service.web]\nrun = [{:?}, 'program=run']\ndisplay-name = 'The web'\ndescription = 'It serves'\nstart = 'delayed'\n\
         depends-on = ['+Data']\nenvironment = {{ A = '1' }}\nprocess = 'share'\nrecovery.actions = [{{ restart = '1m' }}]\n\
         [service.db]\nrun = 'sleep 1000'\nwindows = {{ group = 'Data', tag = true, privileges = ['SeBackupPrivilege'] }}\n",
        binary::scripted()
    );
    let file = svc.write("service.toml", &text);
    apply(&svc, &file, &[]);
    assert_eq!(apply(&svc, &file, &[]), [""; 0]);
    let other = Svc::new();
    let copy = other.write("exported.toml", &svc.ok(&["export"]));
    apply(&other, &copy, &[]);
    for service in ["web", "db"] {
        assert_eq!(exported::shown(&svc, service), exported::shown(&other, service));
    }
    assert_eq!(apply(&other, &copy, &["--prune"]), [""; 0]);
}

#[test]
fn what_the_file_lost_goes_when_that_is_asked_for() {
    let svc = Svc::new();
    let both = "[service.a]\nrun = 'sleep 1000'\n[service.b]\nrun = 'sleep 1000'\ndepends-on = ['a']\n";
    let file = svc.write("service.toml", both);
    svc.ok(&["up", file.to_str().unwrap()]);
    let other = svc.write("other.toml", "[service.c]\nrun = 'sleep 1000'\n");
    svc.ok(&["up", other.to_str().unwrap()]);
    svc.write("service.toml", "[service.a]\nrun = 'sleep 1000'\n");
    assert_eq!(apply(&svc, &file, &[]), [""; 0]);
    let running = pid(&svc, "a");
    assert_eq!(apply(&svc, &file, &["--prune"]), ["stop b", "remove b"]);
    let left = svc.json(&["list"]);
    let left: Vec<_> = left.as_array().unwrap().iter().map(|service| service["name"].clone()).collect();
    assert_eq!(left, ["a", "c"]);
    assert_eq!(pid(&svc, "a"), running);
}

#[test]
fn a_run_that_is_killed_while_a_service_stops_is_finished_by_the_next() {
    let svc = Svc::new();
    // The program doesn't care, so the stop takes as long as the test wants.
    let stop = "stop.ladder = [{ stdin-close = '1h' }]\n";
    let text = |seconds: u32| {
        format!(
            "[service.slow]\nrun = 'sleep {seconds}'\n{stop}[service.user]\nrun = 'sleep 1000'\ndepends-on = ['slow']\n"
        )
    };
    let file = svc.write("service.toml", &text(1000));
    svc.ok(&["up", file.to_str().unwrap()]);
    svc.write("service.toml", &text(2000));
    let mut killed = Killed::spawn(&svc, &["apply", file.to_str().unwrap()]);
    reaches(&svc, "slow", ServiceState::STOP_PENDING);
    killed.kill();
    let program = u32::try_from(pid(&svc, "slow").as_u64().unwrap()).unwrap();
    svckit_os::process::kill(program).unwrap();
    reaches(&svc, "slow", ServiceState::STOPPED);
    assert_eq!(svc.run(&["diff", file.to_str().unwrap()]).code(), Some(0), "nothing differs any more");
    let planned = svc.run(&["plan", file.to_str().unwrap()]);
    assert_eq!(planned.code(), Some(DIFFERENT), "{}", planned.stderr);
    assert!(planned.stdout.contains("did not come to restart slow, user"), "{}", planned.stdout);
    assert_eq!(apply(&svc, &file, &[]), ["start slow", "start user"]);
    assert_eq!(apply(&svc, &file, &[]), [""; 0]);
    assert!(!record(&svc).exists());
}

fn record(svc: &Svc) -> PathBuf {
    svc.state().join("apply.jsonl")
}

/// A run of `svc` that is ended in the middle.
struct Killed(Child);

impl Killed {
    fn spawn(svc: &Svc, arguments: &[&str]) -> Self {
        let mut command = svc.command(arguments);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        assert!(!self.0.wait().unwrap().success(), "it was still under way");
    }
}
