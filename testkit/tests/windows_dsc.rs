//! `svc dsc` with the service control manager of Windows: every operation of the resource, with the manifest that is delivered.

#![forbid(unsafe_code)]
#![cfg(windows)]

use serde_json::{Value, json};
use svckit_testkit::binary;
use svckit_testkit::dsc::{self, invoke};
use svckit_testkit::svc::{Svc, making_anew, starting};

fn web(svc: &Svc, steps: &str, state: &str) -> Value {
    let (program, log) = (binary::scripted(), svc.folder().join("web.log"));
    let run = [program.display().to_string(), format!("program={steps}")];
    json!({ "name": svc.name("web"), "state": state, "definition": { "run": run, "log": { "file": log } } })
}

/// Of every service Wine tells an access list without entries, which nobody has set; what is set is another.
const WINES: &str = "D:";

/// The lines of an answer, without what only Wine tells.
fn without_wines(mut lines: Vec<Value>) -> Vec<Value> {
    for definition in lines.iter_mut().filter_map(|line| line.get_mut("definition")?.as_object_mut()) {
        if definition.get("windows") == Some(&json!({ "security": WINES })) {
            definition.remove("windows");
        }
    }
    lines
}

#[track_caller]
fn answer(svc: &Svc, operation: &str, instance: &Value) -> Vec<Value> {
    without_wines(dsc::answer(svc, operation, instance))
}

/// Sets an instance with which something is started.
#[track_caller]
fn set(svc: &Svc, instance: &Value) -> Vec<Value> {
    let output = making_anew(|| starting(|| invoke(svc, "set", instance)));
    without_wines(dsc::read(svc, "set", &output))
}

#[test]
fn an_instance_is_tested_set_changed_exported_and_deleted() {
    let svc = Svc::new();
    let name = svc.name("web");
    let running = web(&svc, "hang", "running");
    assert_eq!(answer(&svc, "test", &running)[0]["_inDesiredState"], false);
    let foreseen = answer(&svc, "whatIf", &running);
    let named = json!({ "name": name });
    assert_eq!(answer(&svc, "get", &named), [json!({ "name": name, "_exist": false })]);
    assert_eq!(set(&svc, &running), foreseen);
    let program = svc.status(&name)["host"]["child_pid"].clone();
    assert!(program.is_u64(), "{program}");
    assert_eq!(set(&svc, &running)[1], json!([]));
    assert_eq!(answer(&svc, "test", &running)[0]["_inDesiredState"], true);
    assert_eq!(svc.status(&name)["host"]["child_pid"], program, "nothing was to be done");
    assert_eq!(answer(&svc, "get", &named)[0]["state"], "running");

    let other = web(&svc, "say:changed,hang", "running");
    let foreseen = answer(&svc, "whatIf", &other);
    assert_eq!(foreseen[1], json!(["definition"]));
    assert_eq!(set(&svc, &other), foreseen);
    assert_ne!(svc.status(&name)["host"]["child_pid"], program, "it runs otherwise");
    assert_eq!(set(&svc, &web(&svc, "say:changed,hang", "stopped"))[1], json!(["state"]));
    assert_eq!(svc.status(&name)["state"], "STOPPED");

    let exported = answer(&svc, "export", &json!({ "name": svc.name("w*") }));
    assert_eq!(exported.len(), 1);
    assert_eq!(exported[0]["definition"]["run"], other["definition"]["run"]);
    assert_eq!(answer(&svc, "test", &exported[0])[1], json!([]));
    answer(&svc, "delete", &named);
    assert_eq!(answer(&svc, "get", &named), [json!({ "name": name, "_exist": false })]);
    // What was exported makes the same again, and that it shall not be there takes it away.
    set(&svc, &exported[0]);
    assert_eq!(answer(&svc, "export", &named), exported);
    let gone = json!({ "name": name, "_exist": false });
    assert_eq!(answer(&svc, "set", &gone)[0], gone);
    assert_eq!(answer(&svc, "test", &gone)[0]["_inDesiredState"], true);
}

#[test]
fn what_is_wrong_is_an_error_that_dsc_can_show() {
    let svc = Svc::new();
    let mut instance = web(&svc, "exit:3", "running");
    instance["definition"]["restart"] = json!({ "when": "never" });
    instance["definition"]["ready"] = json!({ "log": "never said" });
    let output = starting(|| invoke(&svc, "set", &instance));
    assert_eq!((output.code(), output.stdout.as_str()), (Some(7), ""), "{output:?}");
    let line: Value =
        serde_json::from_str(output.stderr.lines().next().unwrap_or_default()).unwrap_or_default();
    let said = format!("cannot start service \"{}\"", svc.name("web"));
    assert!(line["error"].as_str().is_some_and(|error| error.starts_with(&said)), "{output:?}");
    instance["definition"]["run"] = json!([]);
    let output = invoke(&svc, "set", &instance);
    assert_eq!((output.code(), output.stdout.as_str()), (Some(2), ""), "{output:?}");
}
