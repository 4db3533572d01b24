//! `[service.NAME.stop]`.

use std::path::Path;

use svckit_core::definition::{Rung, StopAction, StopPolicy};
use svckit_core::signal::Signal;
use svckit_core::tree::TreePolicy;
use toml::de::{DeTable, DeValue};

use super::command;
use super::ready::{one_of, request};
use super::section::{Entry, Reader, Section, choice, closest, duration, wrong_type};

pub(super) const ACTIONS: &[(&str, StopAction)] = &[
    ("ctrl-c", StopAction::CtrlC),
    ("ctrl-break", StopAction::CtrlBreak),
    ("wm-close", StopAction::WmClose),
    ("stdin-close", StopAction::StdinClose),
    ("terminate", StopAction::Terminate),
];

const COMMAND: &str = r#"{ command = ["shopctl", "quit"], wait = "10s" }"#;

const HTTP: &str = r#"{ http = "POST http://127.0.0.1:8080/stop", wait = "10s" }"#;

pub(super) const TREES: &[(&str, TreePolicy)] = &[("kill", TreePolicy::Kill), ("follow", TreePolicy::Follow)];

const LEAVE: &str = r#"write tree = { leave = ["updater"] }"#;

const EXAMPLE: &str = r#"write ladder = [{ ctrl-c = "5s" }, { "signal:TERM" = "10s" }]"#;

/// Reads how a program is stopped; a command is looked for from `directory`.
pub(super) fn read(mut section: Section<'_>, directory: &Path) -> (StopPolicy, TreePolicy) {
    let policy = match section.entry("ladder") {
        Some(entry) => StopPolicy { ladder: ladder(&section, entry, directory) },
        None => section.reader.platform.stop(),
    };
    let tree = section.entry("tree").and_then(|entry| tree(&section, entry)).unwrap_or_default();
    section.finish();
    (policy, tree)
}

fn tree(section: &Section<'_>, entry: Entry<'_>) -> Option<TreePolicy> {
    let DeValue::Table(_) = entry.value.get_ref() else {
        return choice(section.reader, entry, TREES);
    };
    let path = format!("{}.tree", section.path());
    let mut table = Section::of(section.reader, path, entry, LEAVE)?;
    let names = table.strings("leave", r#"["updater"]"#);
    if names.is_none() && table.entry("leave").is_none() {
        section.reader.report(entry.span(), "\"tree\" doesn't say what is left", Some(LEAVE.to_owned()));
    }
    table.finish();
    let names = names?;
    for (name, span) in &names {
        if name.is_empty() || name.contains(['/', '\\']) {
            let message = format!("{name:?} is not the name of a program's file");
            section.reader.report(span.clone(), message, Some(LEAVE.to_owned()));
        }
    }
    Some(TreePolicy::Leave(names.into_iter().map(|(name, _)| name.to_owned()).collect()))
}

fn ladder(section: &Section<'_>, entry: Entry<'_>, directory: &Path) -> Vec<Rung> {
    let DeValue::Array(items) = entry.value.get_ref() else {
        wrong_type(section.reader, entry, "a list of tables", EXAMPLE);
        return Vec::new();
    };
    let mut ladder = Vec::new();
    for value in items.iter() {
        let item = Entry { key: entry.key, value };
        let DeValue::Table(table) = value.get_ref() else {
            wrong_type(section.reader, item, "a list of tables", EXAMPLE);
            continue;
        };
        let is_long = table.iter().any(|(key, _)| matches!(&**key.get_ref(), "command" | "http"));
        ladder.extend(if is_long { long_rung(section, item, directory) } else { rung(section, item, table) });
    }
    ladder
}

fn rung(section: &Section<'_>, item: Entry<'_>, table: &DeTable<'_>) -> Option<Rung> {
    let mut entries = table.iter().map(|(key, value)| Entry { key, value });
    let (Some(entry), None) = (entries.next(), entries.next()) else {
        let message = "each step of \"ladder\" is one means with its time";
        section.reader.report(item.span(), message, Some(EXAMPLE.to_owned()));
        return None;
    };
    let wait = duration(section.reader, entry, &format!("write {{ {:?} = \"5s\" }}", entry.name()));
    let action = match entry.name().strip_prefix("signal:") {
        Some(name) => signal(section.reader, entry, name).map(StopAction::Signal),
        None => named(section.reader, entry),
    };
    Some(Rung { action: action?, wait: wait? })
}

/// `{ command = […], wait = "10s" }`, or `http` in place of `command`.
fn long_rung(section: &Section<'_>, item: Entry<'_>, directory: &Path) -> Option<Rung> {
    let mut table = Section::of(section.reader, format!("{}.ladder", section.path()), item, COMMAND)?;
    let (reader, found) = (table.reader, one_of(&mut table, &["command", "http"])?);
    let wait = table.duration("wait", "10s");
    let says_wait = table.entry("wait").is_some();
    table.finish();
    let (action, noun, example) = if found.name() == "http" {
        (request(reader, found).map(StopAction::Http), "request", HTTP)
    } else {
        (command::line(reader, found, directory, COMMAND).map(StopAction::Command), "command", COMMAND)
    };
    if !says_wait || wait.is_some_and(|wait| wait.is_zero()) {
        let message = format!("a {noun} in \"ladder\" needs time: it is ended with its \"wait\"");
        reader.report(item.span(), message, Some(format!("write {example}")));
        return None;
    }
    Some(Rung { action: action?, wait: wait? })
}

fn named(reader: &Reader<'_>, entry: Entry<'_>) -> Option<StopAction> {
    let found = ACTIONS.iter().find(|(word, _)| *word == entry.name());
    if let Some((_, action)) = found {
        return Some(action.clone());
    }
    let words = || ACTIONS.iter().map(|(word, _)| *word);
    let help = if Signal::named(entry.name()).is_some() {
        format!("did you mean \"signal:{}\"?", entry.name())
    } else if let Some(right) = closest(entry.name(), words()) {
        format!("did you mean {right:?}?")
    } else {
        format!("the means are {}, \"signal:NAME\", command and http", words().collect::<Vec<_>>().join(", "))
    };
    reader.report(entry.key.span(), format!("{:?} is not a means of stopping", entry.name()), Some(help));
    None
}

/// The signal of a name, or a report at the key.
fn signal(reader: &Reader<'_>, entry: Entry<'_>, name: &str) -> Option<Signal> {
    let signal = Signal::named(name);
    if signal.is_none() {
        reader.report(entry.key.span(), format!("there is no signal {name:?}"), Some(signal_help(name)));
    }
    signal
}

/// What to write instead of a name that is no signal's.
pub(super) fn signal_help(name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
    let alike = Signal::ALL
        .iter()
        .map(|signal| (strsim::jaro_winkler(bare, signal.name()), signal.name()))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match alike {
        Some((_, right)) => format!("did you mean \"signal:{right}\"?"),
        None => {
            let all: Vec<_> = Signal::ALL.iter().map(|signal| signal.name()).collect();
            format!("the signals are {}", all.join(", "))
        }
    }
}
