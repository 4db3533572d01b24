//! `[service.NAME.restart]`.

use std::collections::BTreeMap;

use svckit_core::definition::{ExitAction, RestartPolicy, RestartWhen};

use super::section::{Section, choice};

pub(super) const WHEN: &[(&str, RestartWhen)] =
    &[("on-failure", RestartWhen::OnFailure), ("always", RestartWhen::Always), ("never", RestartWhen::Never)];

pub(super) const EXIT_ACTIONS: &[(&str, ExitAction)] =
    &[("stop", ExitAction::Stop), ("restart", ExitAction::Restart), ("fail", ExitAction::Fail)];

pub(super) fn read(mut section: Section<'_>) -> RestartPolicy {
    let default = RestartPolicy::default();
    let policy = RestartPolicy {
        when: section.choice("when", WHEN).unwrap_or(default.when),
        delay: section.duration("delay", "5s").unwrap_or(default.delay),
        factor: section.number("factor", 1.0, 1000.0, "2").unwrap_or(default.factor),
        max_delay: section.duration("max-delay", "5m").unwrap_or(default.max_delay),
        jitter: section.number("jitter", 0.0, 1.0, "0.1").unwrap_or(default.jitter),
        budget: section.duration("budget", "300s").unwrap_or(default.budget),
        reset_after: section.duration("reset-after", "30s").unwrap_or(default.reset_after),
        exit_codes: exit_codes(&mut section),
    };
    section.finish();
    policy
}

fn exit_codes(section: &mut Section<'_>) -> BTreeMap<i32, ExitAction> {
    let mut codes = BTreeMap::new();
    let Some(mut table) = section.section("exit-codes") else { return codes };
    for entry in table.entries() {
        let Ok(code) = entry.name().parse() else {
            let help = r#"write exit-codes = { 75 = "restart", 78 = "fail" }"#.to_owned();
            table.reader.report(
                entry.key.span(),
                format!("{:?} is not an exit code", entry.name()),
                Some(help),
            );
            continue;
        };
        if let Some(action) = choice(table.reader, entry, EXIT_ACTIONS) {
            codes.insert(code, action);
        }
    }
    codes
}
