//! `svc dsc`, called as Microsoft DSC calls it: by the manifest, with an instance on standard input.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::schema::Schema;
use crate::svc::{Output, Svc};

/// The manifest that is delivered.
const MANIFEST: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../integrations/dsc/svckit.dsc.resource.json"));

/// Runs an operation as its manifest says, in a folder of nobody's.
pub fn invoke(svc: &Svc, operation: &str, instance: &Value) -> Output {
    let manifest: Value = serde_json::from_str(MANIFEST).expect("the manifest is JSON");
    let call = &manifest[operation];
    assert_eq!((&call["executable"], &call["input"]), (&"svc".into(), &"stdin".into()));
    let words = call["args"].as_array().expect("it has arguments").iter();
    let words: Vec<&str> = words.map(|word| word.as_str().expect("an argument is a text")).collect();
    let mut command = svc.command(&words);
    let root = svc.folder().ancestors().last().expect("a path has a root");
    command.current_dir(root).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("svc can be run");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(instance.to_string().as_bytes()).expect("svc reads its input");
    drop(input);
    let output = child.wait_with_output().expect("a child can be waited for");
    let text = |bytes| String::from_utf8(bytes).expect("svc prints text");
    Output { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The lines of the answer. Each state is an instance of the schema, and what differs names properties of it, as DSC demands.
#[track_caller]
pub fn answer(svc: &Svc, operation: &str, instance: &Value) -> Vec<Value> {
    let output = invoke(svc, operation, instance);
    read(svc, operation, &output)
}

/// The lines of an answer that there is.
#[track_caller]
pub fn read(svc: &Svc, operation: &str, output: &Output) -> Vec<Value> {
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{operation}: {output:?}\n{}",
        svc.scm_log()
    );
    let schema = svc.ok(&["dsc", "schema"]);
    let properties: Value = serde_json::from_str(&schema).expect("the schema is JSON");
    let schema = Schema::new(&schema);
    let lines = output.stdout.lines().map(|line| serde_json::from_str(line).expect("a line is JSON"));
    let lines: Vec<Value> = lines.collect();
    for line in &lines {
        match line.as_array() {
            Some(differing) => {
                let is_property = |name: &Value| {
                    name.as_str().is_some_and(|name| properties["properties"].get(name).is_some())
                };
                assert!(differing.iter().all(is_property), "{line}");
            }
            None => assert_eq!(schema.check_json(line), [""; 0], "{line}"),
        }
    }
    lines
}
