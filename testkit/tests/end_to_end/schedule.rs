//! Services that the clock starts, runs again and stops.

use svckit_core::status::ServiceState;
use svckit_testkit::following::Following;
use svckit_testkit::gate::Gate;
use svckit_testkit::svc::Svc;

use crate::{define, reaches};

/// The event of what is done as scheduled.
const SCHEDULED: u32 = 14;

#[test]
fn the_clock_starts_one_service_runs_another_again_and_stops_the_third() {
    let (svc, started, again) = (Svc::new(), Gate::new(), Gate::new());
    let scheduled = |service: &str, steps: &str, deed: &str| {
        let file = define(&svc, service, steps, &format!("schedule.{deed} = \"1m\"\n"));
        svc.ok(&["install", file.to_str().unwrap()]);
    };
    scheduled("night", &format!("gate:{}", started.address()), "start");
    scheduled("fresh", &format!("gate:{}", again.address()), "restart");
    scheduled("shift", "hang", "stop");
    svc.ok(&["start", "fresh", "shift"]);
    let first = again.arrival();
    for (service, deed, after) in
        [("night", "start", "RUNNING"), ("fresh", "restart", ""), ("shift", "stop", "STOPPED")]
    {
        let status = svc.status(service);
        let next = &status["host"]["scheduled"];
        // A minute may have ended meanwhile.
        let is_scheduled = next["action"] == deed && next["at"].as_str().unwrap().ends_with(":00.000Z");
        assert!(is_scheduled || status["state"] == after, "{status}");
    }
    // The next full minute may be a whole one away.
    svc.ok(&["wait", "shift", "--state", "stopped", "--timeout", "110"]);
    assert_eq!(svc.status("shift")["host"]["scheduled"], serde_json::Value::Null);
    let night = started.arrival();
    reaches(&svc, "night", ServiceState::RUNNING);
    first.gone();
    let second = again.arrival();
    let told = |service: &str| {
        let event = Following::events(&svc, service).event(SCHEDULED);
        event["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(told("night"), "service \"night\" is started as scheduled");
    assert_eq!(told("fresh"), "\"fresh\" is run again as scheduled");
    assert_eq!(told("shift"), "\"shift\" is stopped as scheduled");
    let fresh = svc.status("fresh");
    assert_eq!((&fresh["state"], &fresh["host"]["phase"]), (&"RUNNING".into(), &"running".into()));
    assert_eq!(svc.status("shift")["win32_exit_code"], 0);
    drop((night, second));
}
