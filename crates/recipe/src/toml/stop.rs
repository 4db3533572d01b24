//! `[service.NAME.stop]`.

use std::path::Path;

use svckit_core::definition::{Rung, StopAction, StopPolicy};
use svckit_core::signal::Signal;
use svckit_core::tree::TreePolicy;
use toml::de::{DeTable, DeValue};

use super::command;
use super::section::{Entry, Reader, Section, choice, closest, duration, wrong_type};

pub(super) const ACTIONS: &[(&str, StopAction)] = &[
    ("ctrl-c", StopAction::CtrlC),
    ("ctrl-break", StopAction::CtrlBreak),
    ("wm-close", StopAction::WmClose),
    ("stdin-close", StopAction::StdinClose),
    ("terminate", StopAction::Terminate),
];

/// A means that the definition file has and this version hasn't.
const LATER: &str = "http";

const COMMAND: &str = r#"{ command = ["shopctl", "quit"], wait = "10s" }"#;

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
        let is_command = table.iter().any(|(key, _)| key.get_ref() == "command");
        ladder.extend(if is_command {
            command_rung(section, item, directory)
        } else {
            rung(section, item, table)
        });
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
    if entry.name() == LATER {
        section.not_yet(entry.key.span(), entry.name());
        return None;
    }
    let wait = duration(section.reader, entry, &format!("write {{ {:?} = \"5s\" }}", entry.name()));
    let action = match entry.name().strip_prefix("signal:") {
        Some(name) => signal(section.reader, entry, name).map(StopAction::Signal),
        None => named(section.reader, entry),
    };
    Some(Rung { action: action?, wait: wait? })
}

/// `{ command = […], wait = "10s" }`.
fn command_rung(section: &Section<'_>, item: Entry<'_>, directory: &Path) -> Option<Rung> {
    let mut table = Section::of(section.reader, format!("{}.ladder", section.path()), item, COMMAND)?;
    let (reader, run) = (table.reader, table.entry("command")?);
    let wait = table.duration("wait", "10s");
    let says_wait = table.entry("wait").is_some();
    table.finish();
    let command = command::line(reader, run, directory, COMMAND);
    if !says_wait || wait.is_some_and(|wait| wait.is_zero()) {
        let message = "a command in \"ladder\" needs time: it is ended with its \"wait\"";
        reader.report(item.span(), message, Some(format!("write {COMMAND}")));
        return None;
    }
    Some(Rung { action: StopAction::Command(command?), wait: wait? })
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
        format!("the means are {}, \"signal:NAME\"", words().collect::<Vec<_>>().join(", "))
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
