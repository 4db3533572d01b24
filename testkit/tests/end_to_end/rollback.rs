//! `svc up` of a change that doesn't run goes back to what did.

use svckit_core::status::ServiceState;
use svckit_testkit::svc::Svc;

use crate::{define, reaches, up};

/// It is ready when somebody listens where nobody does, and not run again when it ends.
const NEVER_READY: &str =
    "description = \"after\"\nready.tcp = \"127.83.7.2:1\"\nrestart = { when = \"never\" }\n";

const BEFORE: &str = "description = \"before\"\n";

#[test]
fn a_change_that_does_not_run_is_taken_back_and_what_ran_runs_again() {
    let svc = Svc::new();
    up(&svc, "web", "hang", BEFORE);
    up(&svc, "user", "hang", "depends-on = [\"web\"]\n");
    let first = svc.status("web")["host"]["child_pid"].clone();
    let exported = svc.ok(&["export", "web"]);
    let file = define(&svc, "web", "exit:3", NEVER_READY);
    let ran = svc.run(&["up", file.to_str().unwrap()]);
    assert_eq!(ran.code(), Some(7), "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr.contains("warning: web doesn't run as the file says; it is as before again"),
        "{}",
        ran.stderr
    );
    assert_eq!(svc.ok(&["export", "web"]), exported);
    let status = svc.status("web");
    assert_eq!(status["state"], "RUNNING");
    assert!(status["host"]["child_pid"] != first, "it was stopped in between");
    reaches(&svc, "user", ServiceState::RUNNING);

    // The file is still what it is: nothing was lost, and the next attempt is one again.
    assert_eq!(svc.run(&["plan", file.to_str().unwrap()]).code(), Some(11));
    let ran = svc.run(&["up", file.to_str().unwrap(), "--no-rollback"]);
    assert_eq!(ran.code(), Some(7), "{}{}", ran.stdout, ran.stderr);
    assert!(!ran.stderr.contains("as before"), "{}", ran.stderr);
    assert_eq!(svc.status("web")["state"], "STOPPED");
    assert!(svc.ok(&["export", "web"]).contains("\"after\""));
}

#[test]
fn what_did_not_run_before_is_set_back_and_stays_stopped() {
    let svc = Svc::new();
    up(&svc, "web", "hang", BEFORE);
    svc.ok(&["stop", "web"]);
    let file = define(&svc, "web", "exit:3", NEVER_READY);
    let ran = svc.run(&["up", file.to_str().unwrap()]);
    assert_eq!(ran.code(), Some(7), "{}", ran.stderr);
    assert_eq!(svc.status("web")["state"], "STOPPED");
    assert!(svc.ok(&["export", "web"]).contains("\"before\""));
}

#[test]
fn a_change_that_is_not_ready_in_time_is_taken_back() {
    let svc = Svc::new();
    up(&svc, "web", "hang", BEFORE);
    let file = define(&svc, "web", "hang", "description = \"after\"\nready.tcp = \"127.83.7.2:1\"\n");
    let ran = svc.run(&["up", file.to_str().unwrap(), "--wait", "0.3"]);
    assert_eq!(ran.code(), Some(5), "{}{}", ran.stdout, ran.stderr);
    reaches(&svc, "web", ServiceState::RUNNING);
    assert!(svc.ok(&["export", "web"]).contains("\"before\""));
}
