//! Which services share a process, and what becomes of processes.

use svckit_core::backend::Backend;
use svckit_core::control::Control;
use svckit_core::kind::ServiceType;
use svckit_core::native::{Reply, Request};
use svckit_core::status::ServiceState;
use svckit_testkit::gate::{Gate, Reporter};

use crate::support::{Scm, create, open, reaches, scripted, start, state};

fn shared(name: &str, script: &[&str]) -> svckit_core::config::NewService {
    let mut new = scripted(name, script);
    new.config.service_type = ServiceType::WIN32_SHARE_PROCESS;
    new
}

#[test]
fn shared_services_of_one_image_have_one_process() {
    let state = state();
    let scm = Scm::serve(state.path());
    let another = shared("c", &["accept=STOP,SHUTDOWN"]);
    create(&scm.direct, &[shared("a", &[]), shared("b", &[]), another, scripted("own", &[])]);
    let pids = ["a", "b", "c", "own"].map(|name| start(&*open(&scm.direct, name)).pid);
    assert_eq!(pids[0], pids[1]);
    assert!(pids[2] != pids[0] && pids[3] != pids[0] && pids[2] != pids[3]);
    // One of two stops: the other goes on, and the first comes back into the same process.
    open(&scm.direct, "a").control(Control::STOP).unwrap();
    assert_eq!(open(&scm.direct, "b").status().unwrap().state, ServiceState::RUNNING);
}

#[test]
fn services_started_together_wait_for_one_shared_process() {
    let state = state();
    let (gate, reporter) = (Gate::new(), Reporter::new());
    let script = [&*format!("connect=gate:{}", gate.address()), &*format!("report={}", reporter.address())];
    let scm = Scm::serve(state.path());
    create(&scm.direct, &[shared("a", &script), shared("b", &script)]);
    let starts: Vec<_> = ["a", "b"]
        .map(|name| {
            let direct = scm.direct.clone();
            std::thread::spawn(move || start(&*open(&direct, name)).pid)
        })
        .into_iter()
        .collect();
    let at_gate = gate.arrival();
    for name in ["a", "b"] {
        reaches(&*open(&scm.direct, name), ServiceState::START_PENDING);
    }
    at_gate.release();
    let pids: Vec<u32> = starts.into_iter().map(|start| start.join().unwrap()).collect();
    assert_eq!(pids[0], pids[1]);
    let Reply::ScmStatus(status) = scm.direct.native(Request::ScmStatus).unwrap() else { panic!() };
    assert_eq!(status.processes, 1);
}

#[test]
fn a_shared_process_that_dies_takes_all_its_services() {
    let state = state();
    let scm = Scm::serve(state.path());
    let script = ["on-128=abort"];
    create(&scm.direct, &[shared("a", &script), shared("b", &script)]);
    let [a, b] = ["a", "b"].map(|name| open(&scm.direct, name));
    start(&*a);
    start(&*b);
    // The process ends while it handles the control.
    let _ = a.control(Control(128));
    for service in [&a, &b] {
        reaches(&**service, ServiceState::STOPPED);
    }
}
