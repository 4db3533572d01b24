//! `[service.NAME.recovery]`: the failure actions of the service control manager itself.

use svckit_core::failure::{ActionType, FailureAction, FailureActions, ResetPeriod};
use toml::de::DeValue;

use super::section::{Entry, Section, closest, duration, wrong_type};

pub(super) const ACTIONS: &[(&str, ActionType)] = &[
    ("none", ActionType::NONE),
    ("restart", ActionType::RESTART),
    ("reboot", ActionType::REBOOT),
    ("run-command", ActionType::RUN_COMMAND),
];

const EXAMPLE: &str = r#"write actions = [{ restart = "5s" }, { none = "0s" }]"#;

/// The failure actions, and whether they are also for a stop with an error.
pub(super) fn read(mut section: Section<'_>) -> (FailureActions, bool) {
    let actions = section.entry("actions").map(|entry| actions(&section, entry)).unwrap_or_default();
    let command = section.string("command", "/usr/bin/notify shop").map(|(text, _)| text.to_owned());
    let message = section.string("reboot-message", "restarting").map(|(text, _)| text.to_owned());
    let on_error = section.boolean("on-stop-with-error").is_some_and(|(on, _)| on);
    let reset_period = reset_period(&mut section);
    if command.is_none()
        && actions.iter().any(|action| action.kind == ActionType::RUN_COMMAND)
        && let Some(entry) = section.entry("actions")
    {
        let help = r#"write command = "program argument""#.to_owned();
        section.reader.report(entry.key.span(), "\"run-command\" needs a \"command\"", Some(help));
    }
    section.finish();
    let all = FailureActions {
        reset_period: if actions.is_empty() { ResetPeriod::default() } else { reset_period },
        reboot_message: message.unwrap_or_default(),
        command: command.unwrap_or_default(),
        actions,
    };
    (all, on_error)
}

fn reset_period(section: &mut Section<'_>) -> ResetPeriod {
    let Some(entry) = section.entry("reset-period") else { return ResetPeriod::default() };
    if matches!(entry.value.get_ref(), DeValue::String(word) if word == "never") {
        return ResetPeriod::Never;
    }
    let Some(period) = duration(section.reader, entry, r#"write reset-period = "1d" or "never""#) else {
        return ResetPeriod::default();
    };
    match u32::try_from(period.as_secs()) {
        Ok(seconds) if seconds != u32::MAX && period.subsec_nanos() == 0 => ResetPeriod::Seconds(seconds),
        _ => {
            let help = r#"whole seconds up to 49710 days, or "never""#.to_owned();
            section.reader.report(entry.span(), "\"reset-period\" can't be that", Some(help));
            ResetPeriod::default()
        }
    }
}

fn actions(section: &Section<'_>, entry: Entry<'_>) -> Vec<FailureAction> {
    let DeValue::Array(items) = entry.value.get_ref() else {
        wrong_type(section.reader, entry, "a list of tables", EXAMPLE);
        return Vec::new();
    };
    items.iter().filter_map(|value| action(section, Entry { key: entry.key, value })).collect()
}

fn action(section: &Section<'_>, item: Entry<'_>) -> Option<FailureAction> {
    let DeValue::Table(table) = item.value.get_ref() else {
        wrong_type(section.reader, item, "a list of tables", EXAMPLE);
        return None;
    };
    let mut entries = table.iter().map(|(key, value)| Entry { key, value });
    let (Some(entry), None) = (entries.next(), entries.next()) else {
        section.reader.report(
            item.span(),
            "each action is one kind with its delay",
            Some(EXAMPLE.to_owned()),
        );
        return None;
    };
    let Some((_, kind)) = ACTIONS.iter().find(|(word, _)| *word == entry.name()) else {
        let words = || ACTIONS.iter().map(|(word, _)| *word);
        let help = match closest(entry.name(), words()) {
            Some(right) => format!("did you mean {right:?}?"),
            None => format!("the actions are {}", words().collect::<Vec<_>>().join(", ")),
        };
        section.reader.report(entry.key.span(), format!("{:?} is not an action", entry.name()), Some(help));
        return None;
    };
    let delay = duration(section.reader, entry, &format!("write {{ {} = \"5s\" }}", entry.name()))?;
    if u32::try_from(delay.as_millis()).is_err() {
        section.reader.report(entry.span(), "a delay can't be longer than 49 days", None);
        return None;
    }
    Some(FailureAction { kind: *kind, delay })
}
