//! The deaths of programs, hosts and service control managers.

use std::net::TcpListener;

use serde_json::{Value, json};
use svckit_core::control::Control;
use svckit_core::status::ServiceState;
use svckit_os::process::kill;
use svckit_testkit::following::Following;
use svckit_testkit::gate::Gate;
use svckit_testkit::svc::Svc;

use crate::{define, open, reaches, up};

const QUICK: &str = "[service.web.restart]\ndelay = \"10ms\"\n";

/// The event of a program that was started.
const STARTED: u32 = 1;

/// The event of a program that runs again.
const RECOVERED: u32 = 4;

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))).unwrap()
}

#[test]
fn a_program_that_crashes_is_run_again_and_counted() {
    let (svc, gate) = (Svc::new(), Gate::new());
    up(&svc, "web", &format!("gate:{},exit:3", gate.address()), QUICK);
    let events = Following::events(&svc, "web");
    for _ in 0..3 {
        gate.arrival().release();
        events.event(RECOVERED);
    }
    let _held = gate.arrival();
    let status = svc.status("web");
    assert_eq!(status["state"], "RUNNING");
    assert_eq!(status["host"]["restarts"], 3);
    assert_eq!(status["host"]["last_exit"]["code"], 3);
    assert_eq!(status["host"]["phase"], "running");
}

#[test]
fn a_program_that_ends_well_ends_its_service() {
    let (svc, gate) = (Svc::new(), Gate::new());
    up(&svc, "web", &format!("gate:{},exit:0", gate.address()), QUICK);
    gate.arrival().release();
    let status = reaches(&svc, "web", ServiceState::STOPPED);
    assert_eq!(status.win32_exit_code.0, 0);
    assert!(gate.is_empty(), "it was not run again");
}

#[test]
fn a_host_gives_up_when_the_budget_is_spent() {
    let (svc, gate) = (Svc::new(), Gate::new());
    let restart = "[service.web.restart]\ndelay = \"20ms\"\nbudget = \"50ms\"\n";
    up(&svc, "web", &format!("gate:{},exit:7", gate.address()), restart);
    // Two delays, 20 and 40 ms, spend the budget: the third end is the last.
    for _ in 0..3 {
        gate.arrival().release();
    }
    let status = reaches(&svc, "web", ServiceState::STOPPED);
    assert_eq!((status.win32_exit_code.0, status.service_exit_code), (1066, 7));
    let events = svc.ok(&["events", "web"]);
    assert!(events.contains("the service gives up"), "{events}");
}

/// What has to be the same before and after the service control manager died.
fn identity(svc: &Svc, service: &str) -> Value {
    let status = svc.status(service);
    let host = &status["host"];
    json!([
        status["state"],
        status["pid"],
        host["child_pid"],
        host["restarts"],
        host["last_exit"],
        host["phase"]
    ])
}

#[test]
fn services_outlive_their_service_control_manager() {
    let (svc, gate) = (Svc::new(), Gate::new());
    let steps = format!("gate:{},exit:3", gate.address());
    up(&svc, "web", &steps, QUICK);
    gate.arrival().release();
    let web = gate.arrival();
    up(&svc, "other", &steps, "process = \"share\"\n");
    let other = gate.arrival();
    Following::events(&svc, "web").event(RECOVERED);
    assert_eq!(svc.status("web")["host"]["restarts"], 1);
    for _ in 0..3 {
        let (scm, before) = (svc.scm(), [identity(&svc, "web"), identity(&svc, "other")]);
        svc.kill_scm();
        let after = [identity(&svc, "web"), identity(&svc, "other")];
        assert_eq!(after, before, "{}", svc.scm_log());
        assert_ne!(svc.scm(), scm);
    }
    assert!(gate.is_empty(), "no second copy was started");

    let events = Following::events(&svc, "web");
    web.release();
    let web = gate.arrival();
    events.event(RECOVERED);
    events.event(RECOVERED);
    drop(events);
    assert_eq!(svc.status("web")["host"]["restarts"], 2);
    svc.ok(&["stop", "web"]);
    web.gone();
    svc.ok(&["scm", "stop"]);
    other.gone();
    svc.wait_for_all_but(&[]);
    assert!(!svc.scm_log().contains("the spawner does not end"), "{}", svc.scm_log());
}

#[test]
fn a_program_is_run_again_while_no_service_control_manager_is_there() {
    let (svc, gate) = (Svc::new(), Gate::new());
    up(&svc, "web", &format!("gate:{},exit:3", gate.address()), QUICK);
    let held = gate.arrival();
    svc.kill_scm();
    held.release();
    gate.arrival().release();
    let _held = gate.arrival();
    assert_eq!(svc.status("web")["host"]["restarts"], 2);
}

#[test]
fn a_service_that_ends_while_no_service_control_manager_is_there_has_ended() {
    let (svc, gate) = (Svc::new(), Gate::new());
    up(&svc, "web", &format!("gate:{},exit:9", gate.address()), "[service.web.restart]\nwhen = \"never\"\n");
    let held = gate.arrival();
    svc.kill_scm();
    held.release();
    let status = reaches(&svc, "web", ServiceState::STOPPED);
    assert_eq!((status.win32_exit_code.0, status.service_exit_code), (1066, 9));
}

#[test]
fn a_killed_host_takes_its_program_along_and_the_failure_actions_follow() {
    let (svc, gate) = (Svc::new(), Gate::new());
    let recovery = "[service.web.recovery]\nactions = [{ restart = \"10ms\" }]\n";
    up(&svc, "web", &format!("gate:{}", gate.address()), recovery);
    let held = gate.arrival();
    let (host, program) = {
        let status = svc.status("web");
        (number(&status["pid"]), number(&status["host"]["child_pid"]))
    };
    kill(host).unwrap();
    held.gone();
    let _held = gate.arrival();
    let status = reaches(&svc, "web", ServiceState::RUNNING);
    assert_ne!(status.pid, host);
    let events = Following::events(&svc, "web");
    events.event(STARTED);
    events.event(STARTED);
    assert_ne!(number(&svc.status("web")["host"]["child_pid"]), program);
    assert!(svc.ok(&["events", "web"]).contains("7031"), "the event of an unexpected end");
}

#[test]
fn a_host_killed_with_its_service_control_manager_leaves_nothing_behind() {
    let (svc, gate) = (Svc::new(), Gate::new());
    up(&svc, "web", &format!("gate:{}", gate.address()), "");
    let held = gate.arrival();
    let host = number(&svc.status("web")["pid"]);
    svc.kill_scm();
    kill(host).unwrap();
    held.gone();
    svc.ok(&["list"]);
    let status = reaches(&svc, "web", ServiceState::STOPPED);
    assert_eq!(status.win32_exit_code.0, 1067);
}

#[test]
fn a_start_goes_on_under_the_next_service_control_manager() {
    let (svc, gate) = (Svc::new(), Gate::new());
    // A port that nobody listens on yet.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ready = format!("[service.web.ready]\ntcp = \"{port}\"\ntimeout = \"120s\"\n");
    let file = define(&svc, "web", &format!("gate:{}", gate.address()), &ready);
    svc.ok(&["install", file.to_str().unwrap()]);
    svc.run(&["start", "web", "--wait", "0"]);
    let _held = gate.arrival();
    assert_eq!(svc.status("web")["state"], "START_PENDING");
    svc.kill_scm();
    assert_eq!(svc.status("web")["state"], "START_PENDING");
    let _ready = TcpListener::bind(port).unwrap();
    reaches(&svc, "web", ServiceState::RUNNING);
    assert!(gate.is_empty(), "no second copy was started");
}

#[test]
fn a_stop_goes_on_under_the_next_service_control_manager() {
    let (svc, gate) = (Svc::new(), Gate::new());
    let program = svckit_testkit::binary::scripted();
    let run = format!("trap '' TERM; exec {} program=gate:{}", program.display(), gate.address());
    let text = format!(
        "[service.web]\nrun = [\"sh\", \"-c\", {run:?}]\n[service.web.stop]\nladder = [{{ \"signal:TERM\" = \"100s\" }}]\n"
    );
    svc.ok(&["up", svc.write("web.toml", &text).to_str().unwrap()]);
    let held = gate.arrival();
    open(&svc, "web").control(Control::STOP).unwrap();
    svc.kill_scm();
    assert_eq!(svc.status("web")["state"], "STOP_PENDING");
    held.release();
    let status = reaches(&svc, "web", ServiceState::STOPPED);
    assert_eq!(status.win32_exit_code.0, 0);
    assert!(gate.is_empty(), "it was not run again");
}

#[test]
fn an_acknowledged_change_outlives_the_service_control_manager() {
    let svc = Svc::new();
    for number in 0..10 {
        let name = format!("service{number}");
        let file = define(&svc, &name, "hang", "description = \"kept\"\n");
        svc.ok(&["install", file.to_str().unwrap()]);
        svc.kill_scm();
    }
    let all = svc.json(&["list"]);
    assert_eq!(all.as_array().unwrap().len(), 10, "{all}");
    svc.ok(&["remove", "service3"]);
    svc.kill_scm();
    assert_eq!(svc.run(&["status", "service3"]).code(), Some(3));
}
