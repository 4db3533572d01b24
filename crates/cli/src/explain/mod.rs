//! `svc explain`: what a code means, what its usual causes are, and what to do.

mod events;
mod exits;
mod processes;
mod win32;

use serde::Serialize;
use svckit_core::name::ServiceName;
use svckit_core::native::EventId;
use svckit_core::win32::Win32Error;
use svckit_recipe::doctor::Code;

use crate::app::App;
use crate::doctor;
use crate::failure::Failure;
use crate::table::printable;
use crate::ui::heading_style;

/// What a number is one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Win32,
    ExitStatus,
    Event,
    ProcessEnd,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Win32 => "Win32 error",
            Self::ExitStatus => "exit status of svc",
            Self::Event => "event",
            Self::ProcessEnd => "code with which Windows ends a program",
        }
    }
}

/// What there is to say about a number.
#[derive(Debug, Clone, Copy)]
struct Entry {
    code: u32,
    /// One sentence without a full stop.
    meaning: &'static str,
    causes: &'static [&'static str],
    actions: &'static [&'static str],
}

const fn entry(
    code: u32,
    meaning: &'static str,
    causes: &'static [&'static str],
    actions: &'static [&'static str],
) -> Entry {
    Entry { code, meaning, causes, actions }
}

/// An entry with its kind and name.
#[derive(Debug, Serialize)]
struct Explanation {
    kind: Kind,
    code: u32,
    name: Option<&'static str>,
    meaning: &'static str,
    causes: &'static [&'static str],
    actions: &'static [&'static str],
}

/// The first half of an `HRESULT` that is a Win32 error.
const FACILITY_WIN32: u32 = 0x8007_0000;

pub(crate) fn run(app: &mut App, what: &str) -> Result<(), Failure> {
    let found = explain(what);
    if found.is_empty() {
        return service(app, what);
    }
    if app.ui.json {
        return app.ui.print_json(&found);
    }
    for (index, explanation) in found.iter().enumerate() {
        if index > 0 {
            writeln!(app.ui.out())?;
        }
        print(app, explanation)?;
    }
    Ok(())
}

/// The post-mortem of a service in words; what is neither a code nor a service is not known.
fn service(app: &mut App, what: &str) -> Result<(), Failure> {
    let name = if number(what).is_some() { None } else { ServiceName::new(what).ok() };
    let found = name.map(|name| doctor::post_mortem(app, &name)).transpose()?.flatten();
    let Some((state, findings)) = found else {
        let failure = Failure::usage(format!("nothing is known of {what:?}"));
        return Err(failure.hint(
            "a code is a number, as 1053 or 0x8007041d, or a name, as ERROR_SERVICE_REQUEST_TIMEOUT or GAVE_UP; what else there is \
             are services: svc list",
        ));
    };
    let causes: Vec<_> = findings.iter().map(|finding| finding.message.as_str()).collect();
    let mut actions: Vec<_> = findings.iter().filter_map(|finding| finding.help.as_deref()).collect();
    actions.dedup();
    if app.ui.json {
        let one = serde_json::json!({ "kind": "service", "code": null, "name": what, "meaning": state, "causes": causes, "actions": actions });
        return app.ui.print_json(&[one]);
    }
    let heading = app.ui.paint(heading_style(), &printable(&state));
    writeln!(app.ui.out(), "{heading}")?;
    lists(app, &causes, &actions)
}

fn print(app: &mut App, explanation: &Explanation) -> Result<(), Failure> {
    let number = match explanation.kind {
        Kind::ProcessEnd => format!("{:#x}", explanation.code),
        _ => explanation.code.to_string(),
    };
    let name = explanation.name.map_or_else(String::new, |name| format!(" {name}"));
    let heading = app.ui.paint(heading_style(), &format!("{number}{name}"));
    writeln!(app.ui.out(), "{heading} ({}): {}", explanation.kind.words(), explanation.meaning)?;
    lists(app, explanation.causes, explanation.actions)
}

fn lists(app: &mut App, causes: &[&str], actions: &[&str]) -> Result<(), Failure> {
    for (title, lines) in [("causes", causes), ("what to do", actions)] {
        if !lines.is_empty() {
            let title = app.ui.paint(heading_style(), title);
            writeln!(app.ui.out(), "{title}")?;
        }
        for line in lines {
            writeln!(app.ui.out(), "  - {}", printable(line))?;
        }
    }
    Ok(())
}

/// What a code usually comes from; of one with which Windows ended a program also what it means.
pub(crate) fn causes(code: Code) -> Vec<&'static str> {
    let (kind, number) = match code {
        Code::Win32(code) => (Kind::Win32, code.0),
        Code::End(code) => (Kind::ProcessEnd, code),
    };
    let found = explanations().find(|one| one.kind == kind && one.code == number);
    let Some(found) = found else { return Vec::new() };
    let meaning = (kind == Kind::ProcessEnd).then_some(found.meaning);
    meaning.into_iter().chain(found.causes.iter().copied()).collect()
}

/// Everything that a number or a name stands for.
fn explain(what: &str) -> Vec<Explanation> {
    let all = explanations();
    if let Some(number) = number(what) {
        let number = if number & 0xFFFF_0000 == FACILITY_WIN32 { number & 0xFFFF } else { number };
        return all.filter(|explanation| explanation.code == number).collect();
    }
    let wanted = bare(what);
    all.filter(|explanation| explanation.name.is_some_and(|name| bare(name) == wanted)).collect()
}

fn explanations() -> impl Iterator<Item = Explanation> {
    let make = |kind, name, entry: &Entry| Explanation {
        kind,
        code: entry.code,
        name,
        meaning: entry.meaning,
        causes: entry.causes,
        actions: entry.actions,
    };
    let codes =
        win32::ENTRIES.iter().map(move |entry| make(Kind::Win32, Win32Error(entry.code).name(), entry));
    // What is only a name and a meaning is better than nothing.
    let others =
        Win32Error::NAMED.iter().filter(|(code, _)| win32::ENTRIES.iter().all(|entry| entry.code != code.0));
    let others = others.filter_map(move |(code, name)| {
        let entry = entry(code.0, code.description()?, &[], &[]);
        Some(make(Kind::Win32, Some(*name), &entry))
    });
    let exits = exits::ENTRIES.iter().map(move |(name, entry)| make(Kind::ExitStatus, Some(*name), entry));
    let events =
        events::ENTRIES.iter().map(move |entry| make(Kind::Event, EventId(entry.code).name(), entry));
    let ends = processes::ENTRIES.iter().map(move |(name, entry)| make(Kind::ProcessEnd, Some(*name), entry));
    // What is met most often comes first: events are everywhere with their numbers, exit statuses only where somebody looks for them.
    codes.chain(others).chain(events).chain(exits).chain(ends)
}

/// A number as it is met: decimal, hexadecimal, or negative for what is a signed one elsewhere.
fn number(text: &str) -> Option<u32> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u32::from_str_radix(digits, 16).ok();
    }
    text.parse().ok().or_else(|| text.parse().ok().map(i32::cast_unsigned))
}

/// A name in the form that is equal for all ways to write it.
fn bare(name: &str) -> String {
    let name = name.to_ascii_uppercase().replace(['-', ' '], "_");
    name.strip_prefix("ERROR_").map_or(name.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::failure::Status;

    fn kinds(what: &str) -> Vec<(Kind, u32)> {
        explain(what).into_iter().map(|found| (found.kind, found.code)).collect()
    }

    #[test]
    fn a_code_is_found_however_it_is_written() {
        let ways = [
            "1053",
            "0x41d",
            "0x8007041D",
            "-2147023843",
            "ERROR_SERVICE_REQUEST_TIMEOUT",
            "service_request_timeout",
            "Service-Request-Timeout",
        ];
        for way in ways {
            assert_eq!(kinds(way), [(Kind::Win32, 1053)], "{way}");
        }
        for way in ["0xC0000005", "-1073741819", "3221225477", "status_access_violation"] {
            assert_eq!(kinds(way), [(Kind::ProcessEnd, 0xC000_0005)], "{way}");
        }
    }

    #[test]
    fn a_number_that_means_several_things_is_told_as_all() {
        assert_eq!(kinds("5"), [(Kind::Win32, 5), (Kind::Event, 5), (Kind::ExitStatus, 5)]);
        assert_eq!(kinds("gave_up"), [(Kind::Event, 5)]);
        assert_eq!(kinds("7031"), [(Kind::Event, 7031)]);
    }

    #[test]
    fn what_nobody_knows_is_not_explained() {
        for unknown in ["", "4711", "ERROR_", "0x", "-", "99999999999", "no such name"] {
            assert_eq!(kinds(unknown), [], "{unknown}");
        }
    }

    #[test]
    fn every_event_and_every_exit_status_is_explained() {
        for (id, name) in EventId::NAMED {
            assert!(kinds(name).contains(&(Kind::Event, id.0)), "{name}");
        }
        for status in 0..=Status::Unwell as u32 {
            assert!(kinds(&status.to_string()).contains(&(Kind::ExitStatus, status)), "{status}");
        }
    }

    #[test]
    fn entries_are_unique_named_and_sentences_without_a_full_stop() {
        let mut seen = HashSet::new();
        for entry in explanations() {
            assert!(seen.insert((entry.kind.words(), entry.code)), "{} twice", entry.code);
            assert!(entry.name.is_some(), "{} has no name", entry.code);
            for text in [entry.meaning].iter().chain(entry.causes).chain(entry.actions) {
                assert!(!text.is_empty() && !text.ends_with('.'), "{}: {text}", entry.code);
            }
        }
    }
}
