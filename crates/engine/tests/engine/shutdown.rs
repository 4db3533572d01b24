//! The end of a service control manager: everything in order, then by force.

use std::time::Duration;

use svckit_core::backend::Backend;
use svckit_core::control::Control;
use svckit_core::name::Dependency;
use svckit_core::native::{Reply, Request};
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;
use svckit_testkit::gate::{Gate, Reporter};

use crate::support::{Scm, create, open, scripted, settings, start, state};

/// The controls that were sent, each with its service.
fn controls(reporter: &Reporter, count: usize) -> Vec<(String, u32)> {
    let control = |_| {
        let mut words = reporter.next_of("control");
        (words.swap_remove(1), words.pop().unwrap().parse().unwrap())
    };
    (0..count).map(control).collect()
}

#[test]
fn each_is_told_in_the_way_it_wants_before_what_it_depends_on() {
    let state = state();
    let reporter = Reporter::new();
    let report = format!("report={}", reporter.address());
    let scm = Scm::serve(state.path());
    let base = scripted("base", &[&report, "accept=STOP,SHUTDOWN,PRESHUTDOWN"]);
    let mut middle = scripted("middle", &[&report, "accept=STOP,SHUTDOWN"]);
    middle.config.dependencies = vec![Dependency::new("base").unwrap()];
    let mut top = scripted("top", &[&report]);
    top.config.dependencies = vec![Dependency::new("middle").unwrap()];
    create(&scm.direct, &[base, middle, top]);
    start(&*open(&scm.direct, "top"));
    let stop = {
        let direct = scm.direct.clone();
        std::thread::spawn(move || direct.native(Request::ScmStop))
    };
    let expected = [("top", Control::STOP), ("middle", Control::SHUTDOWN), ("base", Control::PRESHUTDOWN)];
    assert_eq!(controls(&reporter, 3), expected.map(|(name, control)| (name.to_owned(), control.0)));
    assert_eq!(stop.join().unwrap().unwrap(), Reply::Done);
    assert!(!state.path().join("scm.sock").exists());
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
