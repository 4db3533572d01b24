//! The end of a service control manager: everything in order, then by force.

use std::time::Duration;

use svckit_core::backend::Backend;
use svckit_core::name::Dependency;
use svckit_core::native::{EventId, Reply, Request};
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;
use svckit_testkit::gate::{Gate, Reporter};

use crate::support::{Scm, create, events, open, scripted, settings, start, state};

#[test]
fn each_is_told_in_the_way_it_wants_before_what_it_depends_on() {
    let state = state();
    let scm = Scm::serve(state.path());
    let base = scripted("base", &["accept=STOP,SHUTDOWN,PRESHUTDOWN"]);
    let mut middle = scripted("middle", &["accept=STOP,SHUTDOWN"]);
    middle.config.dependencies = vec![Dependency::new("base").unwrap()];
    let mut top = scripted("top", &[]);
    top.config.dependencies = vec![Dependency::new("middle").unwrap()];
    create(&scm.direct, &[base, middle, top]);
    start(&*open(&scm.direct, "top"));
    assert_eq!(scm.direct.native(Request::ScmStop).unwrap(), Reply::Done);
    assert!(!state.path().join("scm.sock").exists());
    drop(scm);
    let scm = Scm::serve(state.path());
    let order: Vec<String> = events(&scm.direct)
        .into_iter()
        .filter(|event| event.id == EventId::CONTROL_SENT || event.message.ends_with("STOPPED state"))
        .map(|event| event.message)
        .collect();
    let expected = [
        r#"service "top" was sent the control STOP"#,
        r#"service "top" entered the STOPPED state"#,
        r#"service "middle" was sent the control SHUTDOWN"#,
        r#"service "middle" entered the STOPPED state"#,
        r#"service "base" was sent the control PRESHUTDOWN"#,
        r#"service "base" entered the STOPPED state"#,
    ];
    assert_eq!(order, expected);
}

#[test]
fn nothing_is_begun_while_everything_ends() {
    let state = state();
    let (gate, reporter) = (Gate::new(), Reporter::new());
    let scm = Scm::serve(state.path());
    let slow = [&*format!("on-1=gate:{}", gate.address()), &*format!("report={}", reporter.address())];
    create(&scm.direct, &[scripted("slow", &slow), scripted("other", &[])]);
    start(&*open(&scm.direct, "slow"));
    let other = open(&scm.direct, "other");
    scm.direct.end();
    reporter.next_of("control");
    let at_gate = gate.arrival();
    assert_eq!(other.start(&[]).unwrap_err().code, Win32Error::SHUTDOWN_IN_PROGRESS);
    assert_eq!(open(&scm.direct, "slow").status().unwrap().state, ServiceState::STOP_PENDING);
    at_gate.release();
}

#[test]
fn a_service_that_does_not_stop_is_ended_by_force() {
    let state = state();
    settings(state.path(), "shutdown-timeout = 0.2\ncontrol-timeout = 0.1\n");
    let scm = Scm::serve(state.path());
    // One answers nothing, and one doesn't even accept to be stopped.
    create(&scm.direct, &[scripted("deaf", &["on-1=hang"]), scripted("stubborn", &["accept="])]);
    start(&*open(&scm.direct, "deaf"));
    start(&*open(&scm.direct, "stubborn"));
    scm.stop();
}

#[test]
fn a_second_signal_does_not_wait() {
    let state = state();
    settings(state.path(), "shutdown-timeout = 3600\n");
    let reporter = Reporter::new();
    let scm = Scm::serve(state.path());
    create(&scm.direct, &[scripted("deaf", &["on-1=hang", &format!("report={}", reporter.address())])]);
    let deaf = open(&scm.direct, "deaf");
    start(&*deaf);
    scm.direct.end();
    reporter.next_of("control");
    assert_eq!(deaf.wait(svckit_core::status::NotifyMask::STOPPED, Duration::ZERO).unwrap(), None);
    scm.stop();
}
