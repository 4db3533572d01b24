//! `[service.NAME.controls]`.

use std::collections::BTreeMap;
use std::path::Path;

use svckit_core::call::HttpCall;
use svckit_core::control::Control;
use svckit_core::definition::ControlAction;
use svckit_core::signal::Signal;
use svckit_core::system_event::SystemEvent;
use toml::de::DeValue;

use super::command;
use super::ready::{one_of, request};
use super::section::{Entry, Reader, Section, closest, string};
use super::stop::signal_help;
use crate::definition::Places;

pub(super) const NAMED: &[(&str, Control)] =
    &[("pause", Control::PAUSE), ("continue", Control::CONTINUE), ("reload", Control::PARAMCHANGE)];

const EXAMPLE: &str = r#""signal:HUP""#;

const COMMAND: &str = r#"{ command = ["shopctl", "reload"] }"#;

/// What is done at controls, and when something happens to the machine or to a session.
#[derive(Default)]
pub(super) struct Controls {
    pub(super) controls: BTreeMap<u32, ControlAction>,
    pub(super) system_events: BTreeMap<SystemEvent, ControlAction>,
}

/// What a key is about.
enum Cue {
    Control(Control),
    Event(SystemEvent),
}

/// Reads what controls do; a command is looked for from `directory`.
pub(super) fn read(mut section: Section<'_>, directory: &Path, places: &mut Places) -> Controls {
    let (mut controls, mut system_events) = (BTreeMap::new(), BTreeMap::new());
    for entry in section.entries() {
        let Some(cue) = cue(&section, entry) else { continue };
        let Some(action) = action(&section, entry, directory) else { continue };
        match cue {
            Cue::Control(control) => {
                places.controls.insert(control.0, entry.span().into());
                controls.insert(control.0, action);
            }
            Cue::Event(event) => {
                places.system_events.insert(event, entry.span().into());
                system_events.insert(event, action);
            }
        }
    }
    let pair = [Control::PAUSE, Control::CONTINUE].map(|control| controls.contains_key(&control.0));
    if pair[0] != pair[1] {
        let (there, missing) = if pair[0] { ("pause", "continue") } else { ("continue", "pause") };
        if let Some(entry) = section.entry(there) {
            let message = format!("{there:?} needs {missing:?} as well");
            let help = r#"for example pause = "signal:TSTP", continue = "signal:CONT""#.to_owned();
            section.reader.report(entry.key.span(), message, Some(help));
        }
    }
    Controls { controls, system_events }
}

fn cue(section: &Section<'_>, entry: Entry<'_>) -> Option<Cue> {
    let name = entry.name();
    if let Some((_, control)) = NAMED.iter().find(|(word, _)| *word == name) {
        return Some(Cue::Control(*control));
    }
    if let Some((_, event)) = SystemEvent::NAMED.iter().find(|(word, _)| *word == name) {
        return Some(Cue::Event(*event));
    }
    let number = name.parse().map(Control).ok();
    if let Some(control) = number.filter(|control| control.is_user_defined()) {
        return Some(Cue::Control(control));
    }
    let named = NAMED.iter().map(|(word, _)| *word);
    let words: Vec<_> = named.chain(SystemEvent::NAMED.iter().map(|(word, _)| *word)).collect();
    let help = match closest(name, words.iter().copied()) {
        Some(right) if number.is_none() => format!("did you mean {right:?}?"),
        _ => format!("the keys here are {} and the numbers 128 to 255", words.join(", ")),
    };
    section.reader.report(
        entry.key.span(),
        format!("unknown key {name:?} in [{}]", section.path()),
        Some(help),
    );
    None
}

/// `{ command = […], timeout = "30s" }`, or `http` in place of `command`.
fn table_action(section: &Section<'_>, entry: Entry<'_>, directory: &Path) -> Option<ControlAction> {
    let path = format!("{}.{}", section.path(), entry.name());
    let example = format!("write {} = {COMMAND}", entry.name());
    let mut table = Section::of(section.reader, path, entry, &example)?;
    if let Some(http) = one_of(&mut table, &["command", "http"]).filter(|found| found.name() == "http") {
        let (reader, timeout) = (table.reader, command::limit(&mut table));
        table.finish();
        let request = request(reader, http)?;
        return Some(ControlAction::Http(HttpCall { request, timeout: timeout? }));
    }
    let missing =
        |reader: &Reader<'_>| reader.report(entry.span(), "it does not say what to do", Some(example));
    command::errand(table, "command", directory, COMMAND, missing).map(ControlAction::Command)
}

fn action(section: &Section<'_>, entry: Entry<'_>, directory: &Path) -> Option<ControlAction> {
    if matches!(entry.value.get_ref(), DeValue::Table(_)) {
        return table_action(section, entry, directory);
    }
    let example = format!("{} = {EXAMPLE}", entry.name());
    let (text, span) = string(section.reader, entry, "a string", &example)?;
    let Some(name) = text.strip_prefix("signal:") else {
        section.reader.report(span, format!("{text:?} is not an action"), Some(format!("write {example}")));
        return None;
    };
    let signal = Signal::named(name);
    if signal.is_some() && !section.reader.platform.has_signals() {
        let help = format!("write {} = {COMMAND}", entry.name());
        section.reader.report(span, "programs on Windows can't be sent signals", Some(help));
        return None;
    }
    if signal.is_none() {
        section.reader.report(span, format!("there is no signal {name:?}"), Some(signal_help(name)));
    }
    signal.map(ControlAction::Signal)
}
