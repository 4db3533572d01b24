//! The table is what the reader reads, and the files are what the table says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use svckit_core::hook::Moment;
use svckit_core::system_event::SystemEvent;
use svckit_testkit::schema::Schema;
use toml::de::DeTable;

use super::{page, schema, tables};
use crate::definition::{Places, ServiceDefinition};
use crate::diagnostic::Source;
use crate::platform::Platform;
use crate::toml::section::Reader;
use crate::toml::{controls, parse, recovery, services, stop};

const PAGE: &str = include_str!("../../../../../docs/reference/definition.md");
const SCHEMA: &str = include_str!("../../../../../docs/reference/definition.schema.json");

/// Says that the files are to be written and not compared: `cargo xtask docs`.
const WRITE: &str = "SVCKIT_WRITE_DOCS";

/// Every table that a service may have, those within others included.
const EVERYTHING: &str = r#"
[service.web]
run = "web"
account = "web"
password = { file = "password" }
environment = { TOKEN = { file = "token" } }
restart = { exit-codes = {} }
stop = { ladder = [{ command = "quit", wait = "1s" }], tree = { leave = ["x"] } }
ready = { tcp = "localhost:80" }
health = { tcp = "localhost:80" }
limits = {}
log = { rotate = {}, keep = {} }
controls = { pause = { command = "x" }, continue = { command = "x" }, reload = { command = "x" }, 200 = { command = "x" }, suspend = { command = "x" }, resume = { command = "x" }, power-status = { command = "x" }, session-logon = { command = "x" }, session-logoff = { command = "x" }, session-lock = { command = "x" }, session-unlock = { command = "x" }, session-connect = { command = "x" }, session-disconnect = { command = "x" } }
schedule = {}
recovery = {}
windows = {}
"#;

type Keys = BTreeMap<String, BTreeSet<String>>;

/// Which keys the reader asks for, by the table in which it does.
fn asked() -> Keys {
    let hooks = Moment::NAMED.iter().map(|(word, _)| format!("{word} = {{ run = 'x' }}\n"));
    let text = format!("{EVERYTHING}[service.web.hooks]\n{}", hooks.collect::<String>());
    let source = Source::new("/srv/service.toml", text.as_str());
    let reader = Reader::new(&source, Platform::Unix);
    let document = DeTable::parse(&text).unwrap();
    assert_eq!(services(&reader, &document).len(), 1);
    let mut keys = Keys::new();
    for (at, key) in reader.asked.borrow().iter() {
        let Some(at) = at.strip_prefix("service.web") else { continue };
        let at = at.trim_start_matches('.').replace("environment.TOKEN", "environment.*");
        keys.entry(at.replace("controls.200", "controls.*")).or_default().insert((*key).to_owned());
    }
    // What is read entry by entry has tables of words.
    let mut more = |at: &str, words: Vec<&str>| {
        keys.entry(at.to_owned()).or_default().extend(words.into_iter().map(str::to_owned));
    };
    more("stop.ladder", stop::ACTIONS.iter().map(|(word, _)| *word).collect());
    more("recovery.actions", recovery::ACTIONS.iter().map(|(word, _)| *word).collect());
    more("controls", controls::NAMED.iter().map(|(word, _)| *word).collect());
    more("controls", SystemEvent::NAMED.iter().map(|(word, _)| *word).collect());
    more("hooks", Moment::NAMED.iter().map(|(word, _)| *word).collect());
    assert_eq!(reader.finish().iter().map(ToString::to_string).collect::<Vec<_>>(), [""; 0]);
    keys
}

/// Which keys the schema has, by their table.
fn said(whole: &Value, schema: &Value, at: &str, keys: &mut Keys) {
    if let Some(pointer) = schema.get("$ref").and_then(Value::as_str) {
        return said(whole, whole.pointer(&pointer[1..]).unwrap(), at, keys);
    }
    let inner = |key: &str| if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
    for (key, member) in schema["properties"].as_object().into_iter().flatten() {
        keys.entry(at.to_owned()).or_default().insert(key.clone());
        said(whole, member, &inner(key), keys);
    }
    let others = schema["patternProperties"].as_object().into_iter().flat_map(|all| all.values());
    for member in others.chain(schema.get("additionalProperties")) {
        said(whole, member, &inner("*"), keys);
    }
    let variants = schema["anyOf"].as_array().into_iter().flatten().chain(schema.get("items"));
    for variant in variants {
        said(whole, variant, at, keys);
    }
}

#[test]
fn every_key_that_is_read_is_in_the_table_and_the_other_way_round() {
    let schema = schema();
    let mut table = Keys::new();
    said(&schema, &schema["$defs"]["service"], "", &mut table);
    let asked = asked();
    for (at, keys) in table.iter().chain(&asked) {
        let (read, known) = (asked.get(at), table.get(at));
        assert_eq!(read, known, "what is read, and what the table has, of {at:?} ({keys:?})");
    }
}

#[test]
fn every_key_is_taken_or_refused_beside_a_binary_path() {
    let text = "[service.web]\nbinary-path = 'web'\n";
    let source = Source::new("/srv/service.toml", text);
    let reader = Reader::new(&source, Platform::Unix);
    assert_eq!(services(&reader, &DeTable::parse(text).unwrap()).len(), 1);
    let all = reader
        .asked
        .borrow()
        .iter()
        .filter(|(at, _)| at == "service.web")
        .map(|(_, key)| (*key).to_owned())
        .collect();
    assert_eq!(asked().get(""), Some(&all));
}

fn read(text: &str) -> ServiceDefinition {
    let definition = parse("/srv/service.toml", text, Platform::Unix);
    let service = definition.unwrap_or_else(|wrong| panic!("{wrong}\n{text}")).services.remove(0);
    ServiceDefinition { places: Places::default(), ..service }
}

#[test]
fn a_default_is_what_holds_without_the_key() {
    let mut count = 0;
    for table in tables() {
        let dot = if table.at.is_empty() { "" } else { "." };
        let needs = if matches!(table.at, "ready" | "health") { "tcp = 'x:1'\n" } else { "" };
        let head = format!("[service.web]\nrun = 'web'\n[service.web{dot}{}]\n{needs}", table.at);
        let head = if table.at.is_empty() { "[service.web]\nrun = 'web'\n".to_owned() } else { head };
        for (row, default) in table.rows.iter().filter_map(|row| Some((row, row.default?))) {
            for key in row.keys() {
                assert_eq!(read(&format!("{head}{key} = {default}")), read(&head), "{key} = {default}");
                count += 1;
            }
        }
    }
    assert!(count > 15, "{count} defaults");
}

#[test]
fn every_word_that_a_key_may_be_is_explained() {
    for table in tables() {
        for row in &table.rows {
            let own = row.schema["anyOf"].as_array().into_iter().flatten().chain([&row.schema]);
            let words = own.flat_map(|schema| schema["enum"].as_array().into_iter().flatten());
            for word in words {
                let is_said = row.cells[0].contains(&word.to_string());
                assert!(is_said, "{:?}: {word} is not in the text", row.keys);
            }
        }
    }
}

#[test]
fn the_files_are_what_the_table_says() {
    let (page, schema) = (page(PAGE), schema());
    if std::env::var_os(WRITE).is_some() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
        // It is part of the program: no indentation, but lines that can be compared.
        let mut text = Vec::new();
        let lines = serde_json::ser::PrettyFormatter::with_indent(b"");
        schema.serialize(&mut serde_json::Serializer::with_formatter(&mut text, lines)).unwrap();
        text.push(b'\n');
        std::fs::write(folder.join("definition.md"), page).unwrap();
        std::fs::write(folder.join("definition.schema.json"), text).unwrap();
        return;
    }
    const HELP: &str = "cargo xtask docs writes it";
    assert!(page == PAGE, "docs/reference/definition.md is out of date: {HELP}");
    let written: Value = serde_json::from_str(SCHEMA).unwrap_or_default();
    assert!(schema == written, "docs/reference/definition.schema.json is out of date: {HELP}");
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let schema = Schema::new(SCHEMA);
    let check = |keys: &str| schema.check(&format!("[service.web]\nrun = 'web'\n{keys}"));
    for right in [
        "",
        "restart.delay = '1M 30 S'",
        "stop.ladder = [{ 'signal:sigterm' = '5s' }, { terminate = '0s' }]",
        "controls = { 128 = 'signal:usr1', 255 = 'signal:SIGHUP' }",
        "stop.ladder = [{ http = 'PUT http://x/stop', wait = '5s' }]",
        "controls.reload = { http = 'http://x/reload' }",
        "health.command = ['is-up']",
        "log.rotate = { time = 'weekly', at = 'sun 3:05' }",
        "restart = { exit-codes = { -1 = 'fail' } }",
        "schedule = { restart = '3:00', stop = ['mon-fri 18:00', 'sunday', '6h', 'weekly sun 4:00'] }",
    ] {
        assert_eq!(check(right), [""; 0], "{right}");
        read(&format!("[service.web]\nrun = 'web'\n{right}"));
    }
    for (text, is_right) in [
        (
            "binary-path = 'x'\naccount = 'web'\npassword = { file = '/x' }\nrecovery.command = 'x'\nwindows.error-control = 'ignore'",
            true,
        ),
        ("binary-path = 'x'\nrun = 'x'", false),
        ("binary-path = 'x'\nrestart.when = 'never'", false),
        ("binary-path = ['x']", false),
        ("start = 'auto'", false),
    ] {
        let text = format!("[service.web]\n{text}");
        assert_eq!(schema.check(&text).is_empty(), is_right, "{text}");
        assert_eq!(parse("/srv/service.toml", text.as_str(), Platform::Unix).is_ok(), is_right, "{text}");
    }
    for wrong in [
        "runs = 'x'",
        "start = 'automatic'",
        "restart.delay = '5'",
        "restart.delay = 5",
        "restart.factor = 0",
        "restart.exit-codes = { x = 'stop' }",
        "stop.ladder = [{ ctrl-c = '5s', terminate = '0s' }]",
        "stop.ladder = [{ command = 'quit' }]",
        "stop.ladder = [{ http = 'stop http://x', wait = '5s' }]",
        "controls.reload = { http = 'http://x', command = 'x' }",
        "ready = { file = 'x', command = 'y' }",
        "stop.ladder = [{ 'signal:NONE' = '5s' }]",
        "stop.tree = { leave = ['a/b'] }",
        "ready = { timeout = '5s' }",
        "ready = { tcp = 'x:1', file = 'y' }",
        "health.threshold = 0",
        "limits.affinity = []",
        "log.rotate = { size = '10' }",
        "log.keep = { count = -1 }",
        "controls.reload = 'HUP'",
        "schedule.restart = 3",
        "schedule.restart = 'at three'",
        "controls.127 = 'signal:HUP'",
        "hooks.pre-start = { timeout = '5s' }",
        "recovery.actions = [{ restart = '5s', none = '0s' }]",
        "password = { file = 'x', environment = 'y' }",
        "environment = { PORT = 80 }",
        "windows.tag = 1",
    ] {
        assert_ne!(check(wrong), [""; 0], "{wrong}");
        let text = format!("[service.web]\nrun = 'web'\naccount = 'web'\n{wrong}");
        assert!(parse("/srv/service.toml", text, Platform::Unix).is_err(), "{wrong} is read");
    }
}
