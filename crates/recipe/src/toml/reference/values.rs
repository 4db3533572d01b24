//! What values may be, as JSON Schema.

use serde_json::{Value, json};
use svckit_core::signal::Signal;

use super::program;
use crate::toml::{hooks, recovery, restart, stop};

/// What is said in several places.
pub(super) fn shared() -> Value {
    let unit = |word: &str| {
        let any_case = |c: char| format!("[{}{}]", c, c.to_ascii_uppercase());
        word.chars().map(any_case).collect::<String>()
    };
    let units = |words: &[&str]| words.iter().map(|word| unit(word)).collect::<Vec<_>>().join("|");
    let number = "[0-9]+([.][0-9]+)?";
    let durations = units(&["ms", "s", "m", "min", "h", "d"]);
    let sizes = units(&["b", "kb", "mb", "gb", "kib", "mib", "gib"]);
    let command = json!({ "$ref": "#/$defs/command" });
    let hook_table = object(
        &[("run", command.clone()), ("timeout", duration()), ("on-failure", words(hooks::ON_FAILURE))],
        &["run"],
    );
    json!({
        "duration": {
            "type": "string",
            "pattern": format!("^\\s*({number}\\s*({durations})\\s*)+$"),
        },
        "size": { "type": "string", "pattern": format!("^\\s*{number}\\s*({sizes})\\s*$") },
        "command": { "anyOf": [
            { "type": "string", "minLength": 1 },
            { "type": "array", "items": { "type": "string" }, "minItems": 1 },
        ] },
        "signal": { "anyOf": [
            { "enum": Signal::ALL.iter().map(|signal| format!("signal:{signal}")).collect::<Vec<_>>() },
            { "type": "string", "pattern": signals() },
        ] },
        "control": { "anyOf": [
            { "$ref": "#/$defs/signal" },
            object(&[("command", command.clone()), ("timeout", duration())], &["command"]),
            object(&[("http", request()), ("timeout", duration())], &["http"]),
        ] },
        "hook": { "anyOf": [
            command,
            hook_table,
            { "type": "array", "minItems": 1, "items": { "anyOf": [
                { "type": "array", "items": { "type": "string" }, "minItems": 1 },
                hook_table,
            ] } },
        ] },
    })
}

/// `signal:NAME`, with or without `SIG`, in any case.
fn signals() -> String {
    let any_case = |c: char| {
        if c.is_ascii_digit() { c.to_string() } else { format!("[{}{}]", c, c.to_ascii_lowercase()) }
    };
    let name = |name: &str| name.chars().map(any_case).collect::<String>();
    let names: Vec<_> = Signal::ALL.iter().map(|signal| name(signal.name())).collect();
    format!("^signal:({})?({})$", name("SIG"), names.join("|"))
}

/// A table of these keys and no others.
pub(super) fn object(keys: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: serde_json::Map<_, _> =
        keys.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let mut object = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        object["required"] = required.into();
    }
    object
}

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

pub(super) fn path() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

pub(super) fn boolean() -> Value {
    json!({ "type": "boolean" })
}

pub(super) fn duration() -> Value {
    json!({ "$ref": "#/$defs/duration" })
}

pub(super) fn size() -> Value {
    json!({ "$ref": "#/$defs/size" })
}

pub(super) fn percent() -> Value {
    json!({ "type": "string", "pattern": "^[1-9][0-9]*\\s*%$" })
}

pub(super) fn command() -> Value {
    json!({ "$ref": "#/$defs/command" })
}

pub(super) fn control() -> Value {
    json!({ "$ref": "#/$defs/control" })
}

pub(super) fn hook() -> Value {
    json!({ "$ref": "#/$defs/hook" })
}

pub(super) fn integer(low: u32, high: u32) -> Value {
    json!({ "type": "integer", "minimum": low, "maximum": high })
}

pub(super) fn number(low: f64, high: f64) -> Value {
    json!({ "type": "number", "minimum": low, "maximum": high })
}

pub(super) fn words<T>(words: &[(&str, T)]) -> Value {
    json!({ "enum": words.iter().map(|(word, _)| *word).collect::<Vec<_>>() })
}

pub(super) fn either(one: Value, other: Value) -> Value {
    json!({ "anyOf": [one, other] })
}

pub(super) fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

pub(super) fn one_or_several(value: Value) -> Value {
    either(value.clone(), list(value))
}

pub(super) fn address() -> Value {
    json!({ "type": "string", "pattern": "^.+:[0-9]+$" })
}

pub(super) fn url() -> Value {
    json!({ "type": "string", "pattern": "^[hH][tT][tT][pP]://." })
}

fn request() -> Value {
    json!({ "type": "string", "pattern": "^([A-Z]+ +)?[hH][tT][tT][pP]://." })
}

pub(super) fn affinity() -> Value {
    let mut list = list(integer(0, svckit_core::limits::Limits::LAST_PROCESSOR.into()));
    list["minItems"] = 1.into();
    list
}

pub(super) fn password() -> Value {
    let mut place = object(&[("file", path()), ("environment", path()), ("credential", path())], &[]);
    place["minProperties"] = 1.into();
    place["maxProperties"] = 1.into();
    place
}

pub(super) fn environment() -> Value {
    let secret = object(&[("file", path())], &["file"]);
    json!({
        "type": "object",
        "propertyNames": { "pattern": "^[^=]+$" },
        "additionalProperties": either(text(), secret),
    })
}

pub(super) fn exit_codes() -> Value {
    json!({
        "type": "object",
        "patternProperties": { "^[+-]?[0-9]+$": words(restart::EXIT_ACTIONS) },
        "additionalProperties": false,
    })
}

/// A list of one-key tables and commands.
pub(super) fn ladder() -> Value {
    let mut rung = program::means().schema();
    // Beside its time each of them has another key.
    if let Some(keys) = rung["properties"].as_object_mut() {
        keys.remove("command");
        keys.remove("http");
    }
    rung["minProperties"] = 1.into();
    rung["maxProperties"] = 1.into();
    let command = object(&[("command", command()), ("wait", duration())], &["command", "wait"]);
    let http = object(&[("http", request()), ("wait", duration())], &["http", "wait"]);
    list(json!({ "anyOf": [rung, command, http] }))
}

/// `signal:NAME` as a key.
pub(super) const SIGNAL_KEY: &str = "signal:NAME";

/// The numbers of a service's own controls, as keys.
pub(super) const OWN_CONTROLS: &str = "128 to 255";

/// The pattern of keys that are not just one.
pub(super) fn pattern(key: &str) -> Option<String> {
    match key {
        SIGNAL_KEY => Some(signals()),
        OWN_CONTROLS => Some("^(12[89]|1[3-9][0-9]|2[0-4][0-9]|25[0-5])$".to_owned()),
        _ => None,
    }
}

pub(super) fn tree() -> Value {
    let leave = object(&[("leave", list(json!({ "type": "string", "pattern": "^[^/\\\\]+$" })))], &["leave"]);
    either(words(stop::TREES), leave)
}

pub(super) fn often() -> Value {
    either(json!({ "enum": ["hourly", "daily", "weekly", "monthly"] }), duration())
}

/// A day, a time of day, or both.
pub(super) fn moment() -> Value {
    json!({ "type": "string", "pattern": "^([A-Za-z]+|([A-Za-z]+ +)?[0-9]{1,2}:[0-9]{2})$" })
}

/// A time of day, days, or how often; or the last two with a time.
pub(super) fn occasion() -> Value {
    let time = "[0-9]{1,2}:[0-9]{2}";
    json!({ "type": "string", "pattern": format!("^({time}|[A-Za-z0-9.,-]+( +([A-Za-z]+ +)?{time})?)$") })
}

pub(super) fn recovery_actions() -> Value {
    let kinds: Vec<_> = recovery::ACTIONS.iter().map(|(word, _)| (*word, duration())).collect();
    let mut action = object(&kinds, &[]);
    action["minProperties"] = 1.into();
    action["maxProperties"] = 1.into();
    list(action)
}
