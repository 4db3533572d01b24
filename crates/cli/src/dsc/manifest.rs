//! What DSC has to know of the resource: its manifest, and the schema of its instances.

use serde_json::{Map, Value, json};

use super::instance::State;
use crate::verbs::generate::SCHEMA;

/// The name of the resource.
const TYPE: &str = "Svckit/Service";

/// The manifest as it is in `integrations/dsc`.
pub(super) fn text() -> String {
    format!("{:#}\n", manifest())
}

/// The manifest ("Command-based DSC Resource manifest schema reference", DSC 3.1). That of the first version 3.0 has all of it too; what later versions
/// have in place of `whatIf`, an argument of `set`, the earlier ones refuse.
fn manifest() -> Value {
    let call = |operation: &str| json!({ "executable": "svc", "args": ["dsc", operation], "input": "stdin" });
    let with = |operation: &str, more: Value| {
        let mut call = call(operation);
        if let (Some(call), Value::Object(more)) = (call.as_object_mut(), more) {
            call.extend(more);
        }
        call
    };
    // The set looks first itself, and removes what shall not be there.
    let change = json!({ "implementsPretest": true, "handlesExist": true, "return": "stateAndDiff" });
    json!({
        "$schema": "https://aka.ms/dsc/schemas/v3/bundled/resource/manifest.json",
        "type": TYPE,
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Services that svckit makes of any program: installed, changed, started, stopped and removed",
        "tags": ["service", "svckit"],
        "get": call("get"),
        "set": with("set", change.clone()),
        "whatIf": with("what-if", change),
        "test": with("test", json!({ "return": "stateAndDiff" })),
        "delete": call("delete"),
        "export": call("export"),
        "exitCodes": exit_codes(),
        "schema": { "command": { "executable": "svc", "args": ["dsc", "schema"] } },
    })
}

/// The exit statuses that an operation can end with, as in `docs/reference/exit-status.md`.
fn exit_codes() -> Value {
    json!({
        "0": "done",
        "1": "another failure",
        "2": "the instance or its definition is wrong, and nothing was done",
        "3": "there is no such service",
        "4": "access denied",
        "5": "time-out",
        "6": "it is so already",
        "7": "the service failed: its program could not be run, or ended with an error",
        "8": "the service control manager can't be reached",
        "9": "the service is marked for deletion",
        "10": "not in the present state: dependents run, or it is disabled",
    })
}

/// The schema of an instance. That of the definition is the one of definition files.
pub(super) fn schema() -> Value {
    let file: Map<String, Value> = serde_json::from_str(SCHEMA).unwrap_or_default();
    let definitions = file.get("$defs").cloned().unwrap_or_default();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:svckit:dsc:service:{}", env!("CARGO_PKG_VERSION")),
        "title": "A service of svckit",
        "type": "object",
        "required": ["name"],
        "additionalProperties": false,
        "properties": {
            "name": {
                "type": "string", "minLength": 1, "maxLength": 256, "title": "Name",
                "description": "The name of the service, compared without regard to case; for an export it may have wildcards",
            },
            "_exist": {
                "type": "boolean", "default": true, "title": "Exists",
                "description": "Whether there shall be such a service; one that shall not be is stopped and removed",
            },
            "state": {
                "type": "string", "enum": State::ALL, "title": "State",
                "description": "What the service does; it can be asked for running and stopped. Without it a service that runs goes on, and another stays as it is",
            },
            "definition": {
                "$ref": "#/$defs/service", "title": "Definition",
                "description": "What a table [service.NAME] of a definition file says, as JSON. Without it the service is as it is",
            },
            "_inDesiredState": {
                "type": "boolean", "readOnly": true, "title": "Is as it shall be",
                "description": "What a test found",
            },
        },
        "$defs": definitions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file that `cargo xtask docs` writes.
    const FILE: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../integrations/dsc/svckit.dsc.resource.json");

    #[test]
    fn the_manifest_is_that_of_the_integration() {
        if std::env::var_os("SVCKIT_WRITE_DOCS").is_some() {
            std::fs::write(FILE, text()).unwrap();
        }
        let file = std::fs::read_to_string(FILE).unwrap();
        assert_eq!(file, text(), "cargo xtask docs writes it");
    }

    /// What the manifest's reference demands: a name of two parts, a semantic version, a way for the input, and what the answers are.
    #[test]
    fn the_manifest_is_as_dsc_has_it() {
        let manifest = manifest();
        let (owner, name) = manifest["type"].as_str().unwrap().split_once('/').unwrap();
        assert!([owner, name].iter().all(|part| part.chars().all(char::is_alphanumeric) && !part.is_empty()));
        assert_eq!(manifest["version"].as_str().unwrap().split('.').count(), 3);
        for operation in ["get", "set", "whatIf", "test", "delete", "export"] {
            let call = &manifest[operation];
            assert_eq!(
                (&call["executable"], &call["input"]),
                (&"svc".into(), &"stdin".into()),
                "{operation}"
            );
            assert!(call["args"].as_array().unwrap().iter().all(Value::is_string), "{operation}");
        }
        for operation in ["set", "whatIf", "test"] {
            assert_eq!(manifest[operation]["return"], "stateAndDiff", "{operation}");
        }
        let known = [
            "$schema",
            "type",
            "version",
            "description",
            "tags",
            "get",
            "set",
            "whatIf",
            "test",
            "delete",
            "export",
            "exitCodes",
            "schema",
        ];
        assert!(manifest.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())));
        let codes = manifest["exitCodes"].as_object().unwrap();
        assert!(codes.iter().all(|(code, text)| code.parse::<u8>().is_ok() && text.is_string()));
    }

    #[test]
    fn every_operation_of_the_manifest_is_on_the_command_line() {
        use clap::Parser;
        let manifest = manifest();
        let calls = manifest.as_object().unwrap().values().chain([&manifest["schema"]["command"]]);
        let words: Vec<Vec<&str>> = calls
            .filter_map(|call| call["args"].as_array())
            .map(|args| args.iter().filter_map(Value::as_str).collect())
            .collect();
        assert_eq!(words.len(), 7);
        for words in words {
            crate::args::Cli::try_parse_from(["svc"].into_iter().chain(words)).unwrap();
        }
    }
}
