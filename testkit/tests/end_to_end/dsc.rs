//! `svc dsc`, called as Microsoft DSC calls it: by the manifest, with an instance on standard input.

use serde_json::{Value, json};
use svckit_testkit::dsc::{answer, invoke};
use svckit_testkit::svc::Svc;

fn web(seconds: u32, state: &str) -> Value {
    json!({ "name": "web", "state": state, "definition": { "run": ["sleep", seconds.to_string()], "start": "auto" } })
}

#[test]
fn an_instance_is_tested_set_changed_exported_and_deleted() {
    let svc = Svc::new();
    let running = web(1000, "running");
    assert_eq!(answer(&svc, "test", &running)[0]["_inDesiredState"], false);
    let foreseen = answer(&svc, "whatIf", &running);
    assert_eq!(svc.json(&["list"]), json!([]));
    assert_eq!(answer(&svc, "set", &running), foreseen);
    let program = svc.status("web")["host"]["child_pid"].clone();
    assert!(program.is_u64());
    assert_eq!(answer(&svc, "set", &running)[1], json!([]));
    assert_eq!(answer(&svc, "test", &running)[0]["_inDesiredState"], true);
    assert_eq!(svc.status("web")["host"]["child_pid"], program, "nothing was to be done");

    let other = web(2000, "running");
    let foreseen = answer(&svc, "whatIf", &other);
    assert_eq!(foreseen[1], json!(["definition"]));
    assert_eq!(answer(&svc, "set", &other), foreseen);
    assert_ne!(svc.status("web")["host"]["child_pid"], program, "it runs otherwise");
    assert_eq!(answer(&svc, "set", &web(2000, "stopped"))[1], json!(["state"]));
    assert_eq!(svc.status("web")["state"], "STOPPED");

    let exported = answer(&svc, "export", &json!({ "name": "w*" }));
    assert_eq!(exported.len(), 1);
    // What was exported is as it is, also where it is set anew.
    assert_eq!(answer(&svc, "test", &exported[0])[1], json!([]));
    answer(&svc, "delete", &json!({ "name": "web" }));
    assert_eq!(answer(&svc, "get", &json!({ "name": "web" })), [json!({ "name": "web", "_exist": false })]);
    let other = Svc::new();
    answer(&other, "set", &exported[0]);
    assert_eq!(answer(&other, "export", &json!({ "name": "web" })), exported);
}

#[test]
fn a_program_that_does_not_start_is_an_error_that_dsc_can_show() {
    let svc = Svc::new();
    let instance = json!({
        "name": "web", "state": "running",
        "definition": { "run": ["sh", "-c", "exit 3"], "ready": { "tcp": "127.0.0.1:1", "timeout": "30s" }, "restart": { "when": "never" } }
    });
    let output = invoke(&svc, "set", &instance);
    assert_eq!((output.code(), output.stdout.as_str()), (Some(7), ""), "{output:?}");
    let line: Value = serde_json::from_str(output.stderr.lines().next().unwrap()).unwrap();
    assert!(line["error"].as_str().unwrap().starts_with("cannot start service \"web\""), "{line}");
    assert_eq!(answer(&svc, "get", &json!({ "name": "web" }))[0]["state"], "stopped");
}
