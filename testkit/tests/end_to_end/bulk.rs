//! What is done with several services, and what waits for others, with programs that run.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;
use svckit_testkit::following::Following;
use svckit_testkit::svc::Svc;

use crate::{open, up};

/// The event of a program that runs.
const STARTED: u32 = 1;

/// The exit status of a service that is marked for deletion.
const MARKED: i32 = 9;

#[test]
fn a_removal_waits_for_who_has_the_service_open_or_says_who_it_is() {
    let svc = Svc::new();
    up(&svc, "web", "run", "");
    let handle = open(&svc, "web");
    let refused = svc.run(&["remove", "web", "--stop", "--wait", "2"]);
    assert_eq!(refused.code(), Some(MARKED), "{}", refused.stderr);
    let own =
        format!(": process {} has it open (1072 ERROR_SERVICE_MARKED_FOR_DELETE)\n", std::process::id());
    assert!(refused.stderr.contains(&own), "{}", refused.stderr);

    let mut removal = svc.command(&["remove", "web", "--verbose"]);
    let mut removal = removal.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let told = BufReader::new(removal.stderr.take().unwrap());
    let held = format!("removing web: process {} has it open", std::process::id());
    assert!(told.lines().any(|line| line.unwrap() == held));
    drop(handle);
    let removed = removal.wait_with_output().unwrap();
    assert_eq!((removed.status.code(), removed.stdout.as_slice()), (Some(0), b"removed web\n".as_slice()));
    assert_eq!(svc.run(&["status", "web"]).code(), Some(3));
}

/// The exit statuses of a service that failed, and of one that took too long.
const FAILED: i32 = 7;
const TIMED_OUT: i32 = 5;

/// `top` over `left` and `right` over `base`, and `other`; `left` has these lines in place of a program that runs.
fn diamond(svc: &Svc, left: &str) {
    let text = format!(
        "[service.base]\nrun = 'sleep 1000'\n[service.left]\ndepends-on = ['base']\n{left}\n\
         [service.right]\nrun = 'sleep 1000'\ndepends-on = ['base']\n\
         [service.top]\nrun = 'sleep 1000'\ndepends-on = ['left', 'right']\n[service.other]\nrun = 'sleep 1000'\n"
    );
    let file = svc.write("service.toml", &text);
    svc.ok(&["install", file.to_str().unwrap()]);
}

fn states(svc: &Svc) -> Vec<(String, String)> {
    let all = svc.json(&["list"]);
    let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    all.as_array().unwrap().iter().map(|one| (text(one, "name"), text(one, "state"))).collect()
}

fn running(svc: &Svc) -> Vec<String> {
    states(svc).into_iter().filter(|(_, state)| state == "RUNNING").map(|(name, _)| name).collect()
}

#[test]
fn a_diamond_starts_stops_and_starts_again_as_a_whole() {
    let svc = Svc::new();
    diamond(&svc, "run = 'sleep 1000'");
    assert_eq!(svc.ok(&["start", "*"]).lines().count(), 5);
    assert_eq!(running(&svc), ["base", "left", "other", "right", "top"]);
    let before = svc.status("other")["pid"].clone();
    svc.ok(&["stop", "top"]);
    let restarted = svc.json(&["restart", "--with-dependents", "base"]);
    let mut names: Vec<_> = restarted.as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, ["base", "left", "right"], "top had been stopped, and other has nothing to do with it");
    assert_eq!(running(&svc), ["base", "left", "other", "right"]);
    assert_eq!(svc.status("other")["pid"], before);
    let refused = svc.run(&["stop", "base"]);
    assert_eq!(refused.code(), Some(10));
    assert!(refused.stderr.contains("these depend on it and run: "), "{}", refused.stderr);
    svc.ok(&["stop", "*"]);
    assert_eq!(running(&svc), [""; 0]);
    let removed = svc.json(&["remove", "[!o]*"]);
    assert_eq!(removed.as_array().unwrap().len(), 4);
    assert_eq!(states(&svc).len(), 1);
}

#[test]
fn a_failure_in_the_middle_of_a_diamond_stops_nobody_else() {
    let svc = Svc::new();
    let failing = "run = ['sh', '-c', 'exit 3']\nready.tcp = '127.0.0.1:1'\nrestart.when = 'never'";
    diamond(&svc, failing);
    let ran = svc.run(&["start", "top", "other", "left", "right", "base"]);
    assert_eq!(ran.code(), Some(FAILED), "{}", ran.stderr);
    assert_eq!(running(&svc), ["base", "other", "right"]);
    assert!(
        ran.stderr.contains("cannot start service \"top\": it was not tried: it needs \"left\""),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.ends_with("3 of 5 started, 1 failed, 1 not tried\n"), "{}", ran.stderr);
}

#[test]
fn one_that_takes_too_long_is_a_time_out_and_the_others_run() {
    let svc = Svc::new();
    diamond(&svc, "run = 'sleep 1000'\nready = { tcp = '127.0.0.1:1', timeout = '1h' }");
    // What the others need may take its time on a busy machine, so they are on their way before.
    svc.ok(&["start", "base", "other", "right"]);
    let late = svc.run(&["start", "*", "--wait", "0.3", "--json"]);
    assert_eq!(late.code(), Some(TIMED_OUT), "{}", late.stderr);
    let errors: Vec<Value> = late.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let codes: Vec<_> = errors.iter().map(|one| (&one["error"]["service"], &one["error"]["code"])).collect();
    assert_eq!(codes, [(&"left".into(), &258.into()), (&"top".into(), &1068.into())]);
    assert_eq!(running(&svc), ["base", "other", "right"]);
    assert_eq!(svc.status("left")["state"], "START_PENDING");
}

#[test]
fn a_run_that_is_killed_leaves_services_that_can_be_started_again() {
    let svc = Svc::new();
    diamond(&svc, "run = 'sleep 1000'\nready = { tcp = '127.0.0.1:1', timeout = '1h' }");
    let mut killed =
        svc.command(&["start", "*"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Before its host says so, it takes no stop.
    Following::events(&svc, "left").event(STARTED);
    killed.kill().unwrap();
    killed.wait().unwrap();
    svc.ok(&["stop", "left"]);
    svc.ok(&["restart", "base", "right", "other"]);
    assert_eq!(running(&svc), ["base", "other", "right"]);
}

#[test]
fn a_wait_ends_when_another_brings_the_services_there() {
    let svc = Svc::new();
    up(&svc, "web", "run", "");
    let mut stopped = waiting(&svc, "stopped", "waiting for web: RUNNING");
    svc.ok(&["stop", "web"]);
    assert!(stopped.wait().unwrap().success());
    // A service that has stopped may be started some time.
    let mut running = waiting(&svc, "running", "waiting for web: STOPPED");
    svc.ok(&["start", "web"]);
    assert!(running.wait().unwrap().success());
    let mut gone = waiting(&svc, "gone", "waiting for web");
    svc.ok(&["remove", "web", "--stop"]);
    assert!(gone.wait().unwrap().success());
}

/// A wait for `web` that has said this.
fn waiting(svc: &Svc, state: &str, line: &str) -> Child {
    let mut command = svc.command(&["wait", "web", "--state", state, "--verbose"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(told.any(|told| told.unwrap() == line));
    child
}
