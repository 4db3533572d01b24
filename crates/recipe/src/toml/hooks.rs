//! `[service.NAME.hooks]`.

use std::collections::BTreeMap;
use std::path::Path;

use svckit_core::hook::{Errand, Hook, Hooks, Moment, OnFailure};
use toml::Spanned;
use toml::de::DeValue;

use super::command;
use super::section::{Entry, Reader, Section, closest};

pub(super) const ON_FAILURE: &[(&str, OnFailure)] = &[("fail", OnFailure::Fail), ("go-on", OnFailure::GoOn)];

const EXAMPLE: &str = r#"["python3", "migrate.py"]"#;

/// Reads the hooks; a program in one is looked for from `directory`, as that of the service is.
pub(super) fn read(mut section: Section<'_>, directory: &Path) -> BTreeMap<Moment, Hooks> {
    let mut hooks = BTreeMap::new();
    for entry in section.entries() {
        let Some(moment) = moment(&section, entry) else { continue };
        let each = several(&section, entry).into_iter();
        let of_it: Vec<_> = each.filter_map(|entry| hook(&section, entry, moment, directory)).collect();
        hooks.extend(Hooks::new(of_it).map(|of_it| (moment, of_it)));
    }
    hooks
}

/// Each of a list of hooks; a list of words is one command, and so no word can be one of several.
fn several<'a>(section: &Section<'_>, entry: Entry<'a>) -> Vec<Entry<'a>> {
    let is_hook =
        |item: &Spanned<DeValue<'_>>| matches!(item.get_ref(), DeValue::Array(_) | DeValue::Table(_));
    let DeValue::Array(items) = entry.value.get_ref() else { return vec![entry] };
    if !items.iter().any(is_hook) {
        return vec![entry];
    }
    let (hooks, others): (Vec<_>, Vec<_>) = items.iter().partition(|item| is_hook(item));
    for other in others {
        let message = format!("one of several hooks of {:?} must be a list or a table", entry.name());
        section.reader.report(other.span(), message, Some(format!("write {{ run = {EXAMPLE} }}")));
    }
    hooks.into_iter().map(|value| Entry { value, ..entry }).collect()
}

fn moment(section: &Section<'_>, entry: Entry<'_>) -> Option<Moment> {
    let found = Moment::NAMED.iter().find(|(word, _)| *word == entry.name());
    if found.is_none() {
        let words = || Moment::NAMED.iter().map(|(word, _)| *word);
        let help = match closest(entry.name(), words()) {
            Some(right) => format!("did you mean {right:?}?"),
            None => format!("the keys here are {}", words().collect::<Vec<_>>().join(", ")),
        };
        let message = format!("unknown key {:?} in [{}]", entry.name(), section.path());
        section.reader.report(entry.key.span(), message, Some(help));
    }
    found.map(|(_, moment)| *moment)
}

fn hook(section: &Section<'_>, entry: Entry<'_>, moment: Moment, directory: &Path) -> Option<Hook> {
    if !matches!(entry.value.get_ref(), DeValue::Table(_)) {
        let example = format!("{} = {EXAMPLE}", entry.name());
        let command = command::line(section.reader, entry, directory, &example)?;
        let errand = Errand { command, timeout: Errand::TIMEOUT };
        return Some(Hook { errand, on_failure: moment.usual() });
    }
    let path = format!("{}.{}", section.path(), entry.name());
    let mut table = Section::of(section.reader, path, entry, "write { run = […] }")?;
    let on_failure = on_failure(&mut table, moment);
    let example = format!("run = {EXAMPLE}");
    let missing = |reader: &Reader<'_>| {
        let message = format!("the hook {:?} does not say what to run", entry.name());
        reader.report(entry.key.span(), message, Some(format!("write {example}")));
    };
    let errand = command::errand(table, "run", directory, &example, missing)?;
    Some(Hook { errand, on_failure })
}

fn on_failure(table: &mut Section<'_>, moment: Moment) -> OnFailure {
    let said = table.choice("on-failure", ON_FAILURE).unwrap_or(moment.usual());
    if said == OnFailure::Fail
        && !moment.may_fail()
        && let Some(entry) = table.entry("on-failure")
    {
        let why =
            if moment == Moment::OnRotate { "nothing waits for it" } else { "the service stops anyway" };
        let message = format!("the failure of {:?} can't fail anything: {why}", moment.word());
        table.reader.report(
            entry.span(),
            message,
            Some(r#"write on-failure = "go-on", or leave it out"#.to_owned()),
        );
    }
    said
}
