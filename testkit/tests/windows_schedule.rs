//! Services on Windows, which may be Wine, that the clock runs again and stops.

#![forbid(unsafe_code)]
#![cfg(windows)]

use svckit_testkit::binary;
use svckit_testkit::following::Following;
use svckit_testkit::gate::Gate;
use svckit_testkit::svc::{Svc, starting};

/// The event of what is done as scheduled.
const SCHEDULED: u32 = 14;

#[test]
fn the_clock_runs_one_service_again_and_stops_another() {
    let (svc, again) = (Svc::new(), Gate::new());
    let name = |service: &str| svc.name(service);
    let run = |service: &str, steps: &str, deed: &str| {
        let log = svc.folder().join(format!("{service}.log"));
        let command = format!("[{:?}, \"program={steps}\"]", binary::scripted());
        let lines = format!("run = {command}\nlog.file = {log:?}\nschedule.{deed} = \"1m\"\n");
        let file = svc.write(&format!("{service}.toml"), &format!("[service.{}]\n{lines}", name(service)));
        let output = starting(|| svc.run(&["up", file.to_str().unwrap()]));
        assert!(output.status.success(), "{}{}", output.stdout, output.stderr);
    };
    run("fresh", &format!("gate:{}", again.address()), "restart");
    run("shift", "hang", "stop");
    let first = again.arrival();
    for (service, deed) in [("fresh", "restart"), ("shift", "stop")] {
        let status = svc.status(&name(service));
        let next = &status["host"]["scheduled"];
        // That the clock was set, and that the machine has slept.
        let accepted = status["controls_accepted"].as_array().unwrap();
        let hears = |control: &str| accepted.iter().any(|accepts| accepts == control);
        assert!(hears("TIMECHANGE") && hears("POWEREVENT") || status["state"] != "RUNNING", "{status}");
        // One of them may have come meanwhile, where starting takes long.
        assert!(next["action"] == deed || status["state"] == "STOPPED", "{status}");
    }
    // The next full minute may be a whole one away.
    svc.ok(&["wait", &name("shift"), "--state", "stopped", "--timeout", "110"]);
    first.gone();
    let second = again.arrival();
    let told = |service: &str| {
        let event = Following::events(&svc, &name(service)).event(SCHEDULED);
        event["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(told("fresh"), format!("{:?} is run again as scheduled", name("fresh")));
    assert_eq!(told("shift"), format!("{:?} is stopped as scheduled", name("shift")));
    let fresh = svc.status(&name("fresh"));
    assert_eq!((&fresh["state"], &fresh["host"]["phase"]), (&"RUNNING".into(), &"running".into()));
    assert_eq!(svc.status(&name("shift"))["win32_exit_code"], 0);
    drop(second);
}
