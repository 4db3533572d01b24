//! `svc dsc`, called as Microsoft DSC calls it: by the manifest, with an instance on standard input.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use svckit_testkit::schema::Schema;
use svckit_testkit::svc::{Output, Svc};

/// The manifest that is delivered.
const MANIFEST: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../integrations/dsc/svckit.dsc.resource.json"));

/// Runs an operation as its manifest says, in a folder of nobody's.
fn invoke(svc: &Svc, operation: &str, instance: &Value) -> Output {
    let manifest: Value = serde_json::from_str(MANIFEST).unwrap();
    let call = &manifest[operation];
    assert_eq!((&call["executable"], &call["input"]), (&"svc".into(), &"stdin".into()));
    let words: Vec<&str> =
        call["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    let mut command: Command = svc.command(&words);
    let mut child = command
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(instance.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Output { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The lines of the answer. Each state is an instance of the schema, and what differs names properties of it, as DSC demands.
#[track_caller]
fn answer(svc: &Svc, operation: &str, instance: &Value) -> Vec<Value> {
    let output = invoke(svc, operation, instance);
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{operation}: {output:?}\n{}",
        svc.scm_log()
    );
    let schema = svc.ok(&["dsc", "schema"]);
    let properties: Value = serde_json::from_str(&schema).unwrap();
    let schema = Schema::new(&schema);
    let lines: Vec<Value> = output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        match line.as_array() {
            Some(differing) => {
                assert!(
                    differing
                        .iter()
                        .all(|name| properties["properties"].get(name.as_str().unwrap()).is_some())
                );
            }
            None => assert_eq!(schema.check_json(line), [""; 0], "{line}"),
        }
    }
    lines
}

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
