//! The reference of the definition file: one table of its keys, from which the tables of `docs/reference/definition.md` and the JSON schema for
//! editors are made. It is compared with what the reader really asks for; `cargo xtask docs` writes both files.

mod log;
mod program;
mod service;
mod tests;
mod values;

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::{binary_path, health, ready};

/// The keys of one TOML table.
struct Table {
    /// Where it is in the table of a service: `log.rotate`; the service's own: nothing.
    at: &'static str,
    columns: &'static [&'static str],
    rows: Vec<Row>,
}

/// A line of it, in Markdown: one key, or several of the same meaning.
struct Row {
    keys: &'static str,
    cells: Vec<String>,
    schema: Value,
    /// What holds without the key, as TOML.
    default: Option<&'static str>,
}

fn row(keys: &'static str, cells: &[&str], schema: Value) -> Row {
    Row { keys, cells: cells.iter().map(|cell| (*cell).to_owned()).collect(), schema, default: None }
}

impl Row {
    /// With a value that means the same as leaving the key out, as TOML.
    fn is(mut self, default: &'static str) -> Self {
        self.cells.push(default.trim_matches('"').to_owned());
        self.default = Some(default);
        self
    }

    fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.keys.split(',')
    }

    /// The keys as the page shows them.
    fn title(&self) -> String {
        let title = |key| match key {
            values::SIGNAL_KEY => "`\"signal:NAME\"`".to_owned(),
            values::OWN_CONTROLS => "`128` to `255`".to_owned(),
            key => format!("`{key}`"),
        };
        self.keys().map(title).collect::<Vec<_>>().join(", ")
    }

    /// What an editor shows.
    fn description(&self, columns: &[&str]) -> String {
        let mut text = String::new();
        for (column, cell) in columns[1..].iter().zip(&self.cells).filter(|(_, cell)| !cell.is_empty()) {
            let cell = unlinked(cell);
            let _ = match (text.is_empty(), *column) {
                (true, "value" | "when" | "control" | "what it does") => write!(text, "{cell}"),
                (true, _) => write!(text, "{column}: {cell}"),
                (false, _) => write!(text, ". {}: {cell}", capital(column)),
            };
        }
        capital(&text)
    }

    /// The schema of its value, with what an editor shows.
    fn schema(&self, columns: &[&str]) -> Value {
        let mut schema = self.schema.clone();
        let description = self.description(columns);
        if !description.is_empty() {
            schema["description"] = description.into();
        }
        if let Some(default) = self.default {
            schema["default"] = svckit_testkit::schema::json(&format!("it = {default}"))["it"].take();
        }
        schema
    }
}

/// Markdown without links, and without the hint that more is said below.
fn unlinked(markdown: &str) -> String {
    let mut text = String::new();
    let mut rest = markdown;
    while let Some((before, (label, (_, after)))) = rest.split_once('[').and_then(|(before, from)| {
        let (label, link) = from.split_once("](")?;
        Some((before, (label, link.split_once(')')?)))
    }) {
        if label == "below" {
            text.push_str(before.trim_end_matches([' ', ',', ':']));
        } else {
            text.push_str(before);
            text.push_str(label);
        }
        rest = after;
    }
    text + rest
}

fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

impl Table {
    /// As the page has it.
    fn markdown(&self) -> String {
        let mut text = String::new();
        let mut line = |cells: &[String]| {
            text.push('|');
            for cell in cells {
                let gap = if cell.is_empty() { "" } else { " " };
                let _ = write!(text, "{gap}{cell} |");
            }
            text.push('\n');
        };
        line(&self.columns.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>());
        line(&[]);
        for row in &self.rows {
            let cells: Vec<_> = std::iter::once(row.title()).chain(row.cells.clone()).collect();
            line(&cells);
        }
        text.replacen("\n|\n", &format!("\n|{}\n", "---|".repeat(self.columns.len())), 1)
    }

    /// The schema of such a table.
    fn schema(&self) -> Value {
        let (mut named, mut like) = (Map::new(), Map::new());
        for row in &self.rows {
            for key in row.keys() {
                let schema = row.schema(self.columns);
                match values::pattern(key) {
                    Some(pattern) => like.insert(pattern, schema),
                    None => named.insert(key.to_owned(), schema),
                };
            }
        }
        let mut schema = values::object(&[], &[]);
        schema["properties"] = Value::Object(named);
        if !like.is_empty() {
            schema["patternProperties"] = Value::Object(like);
        }
        schema
    }
}

/// The tables of a service's table, each with what it is about.
fn sections() -> [(&'static str, Table); 11] {
    [
        ("When the program is run again", program::restart()),
        ("How the program is stopped", program::stop()),
        ("When the program is ready", program::ready()),
        ("What the program may use", program::limits()),
        ("Whether the program is alive", program::health()),
        ("Where the output goes", log::log()),
        ("What controls do", program::controls()),
        ("Commands for moments in the program's life", program::hooks()),
        ("What is done by the clock", service::schedule()),
        ("What the service control manager does when the host itself ends", service::recovery()),
        ("What only the service API knows", service::windows()),
    ]
}

/// Every table of the page.
fn tables() -> Vec<Table> {
    let inner = [service::service(), program::means(), log::rotate(), log::keep()];
    sections().into_iter().map(|(_, table)| table).chain(inner).collect()
}

/// The JSON schema of a definition file.
fn schema() -> Value {
    let mut service = service::service().schema();
    for (title, table) in sections() {
        let mut section = table.schema();
        section["description"] = title.into();
        let ways = match table.at {
            "ready" => ready::WAYS,
            "health" => health::WAYS,
            _ => &[],
        };
        if !ways.is_empty() {
            section["oneOf"] = ways.iter().map(|way| json!({ "required": [way] })).collect();
        }
        service["properties"][table.at] = section;
    }
    service["oneOf"] = what_is_run(&service);
    let mut shared = values::shared();
    shared["service"] = service;
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A definition file of svckit",
        "type": "object",
        "properties": { "service": {
            "description": "The services, each with its name",
            "type": "object",
            "minProperties": 1,
            "propertyNames": { "maxLength": 256, "pattern": "^[^/\\\\]+$" },
            "additionalProperties": { "$ref": "#/$defs/service" },
        } },
        "required": ["service"],
        "additionalProperties": false,
        "$defs": shared,
    })
}

/// A host with what it does, or a binary path and nothing that needs a host.
fn what_is_run(service: &Value) -> Value {
    let is_for_host = |key: &str| key == "run" || binary_path::OF_HOST.iter().any(|(of, _)| *of == key);
    let keys = service["properties"].as_object().into_iter().flat_map(Map::keys);
    let own: Vec<_> = keys.filter(|key| !is_for_host(key)).collect();
    json!([
        { "required": ["run"], "not": { "required": ["binary-path"] } },
        { "required": ["binary-path"], "propertyNames": { "enum": own } },
    ])
}

/// The page with its tables as they are now: each follows a comment that says which it is.
fn page(text: &str) -> String {
    const MARK: &str = "<!-- cargo xtask docs: service.NAME";
    let mut tables = tables();
    let mut page = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        page.push_str(line);
        page.push('\n');
        let Some(at) = line.strip_prefix(MARK).and_then(|rest| rest.strip_suffix(" -->")) else { continue };
        let found = tables.iter().position(|table| table.at == at.trim_start_matches('.'));
        let found = found.unwrap_or_else(|| panic!("there is no table, or no other one, for {line}"));
        page.push_str(&tables.swap_remove(found).markdown());
        while lines.next_if(|line| line.starts_with('|')).is_some() {}
    }
    let left: Vec<_> = tables.iter().map(|table| table.at).collect();
    assert!(left.is_empty(), "the page has no place for the tables of {left:?}");
    page
}
