//! When a unit's program is run again.

use std::time::Duration;

use svckit_core::definition::{ExitAction, RestartPolicy, RestartWhen};

use super::Unit;
use crate::import::ini::Setting;

/// systemd's own values for a unit that says nothing.
const DELAY: Duration = Duration::from_millis(100);
const LIMIT_INTERVAL: Duration = Duration::from_secs(10);
const LIMIT_BURST: u32 = 5;

/// The longest time that is kept; more is for ever.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

pub(super) fn policy(unit: &mut Unit<'_, '_>) -> RestartPolicy {
    let mut policy = RestartPolicy { factor: 1.0, ..RestartPolicy::default() };
    when(unit, &mut policy);
    policy.delay = unit.time(&["RestartSec"]).unwrap_or(DELAY).min(LONGEST);
    policy.max_delay = policy.max_delay.max(policy.delay);
    limit(unit, &mut policy);
    exit_codes(unit, &mut policy);
    policy
}

fn when(unit: &mut Unit<'_, '_>, policy: &mut RestartPolicy) {
    policy.when = RestartWhen::Never;
    let Some(setting) = unit.service.take("Restart") else { return };
    let (when, is_same) = match setting.value.as_str() {
        "no" | "" => (RestartWhen::Never, true),
        "always" => (RestartWhen::Always, true),
        "on-failure" => (RestartWhen::OnFailure, true),
        "on-success" => (RestartWhen::Never, true),
        "on-abnormal" | "on-abort" => (RestartWhen::OnFailure, false),
        "on-watchdog" => (RestartWhen::Never, false),
        other => {
            let message = format!("Restart can't be {other:?}");
            return unit.reader.wrong(setting.span, message, "write no, always or on-failure");
        }
    };
    policy.when = when;
    if setting.value == "on-success" {
        policy.exit_codes.insert(0, ExitAction::Restart);
    }
    if !is_same {
        let message = format!("Restart={} is not wholly mapped", setting.value);
        unit.reader.remark(setting.span, message, "say what exit codes mean with restart.exit-codes");
    }
}

/// How many starts there may be in which time, as the budget that makes the same number of restarts when the program ends at once each time.
fn limit(unit: &mut Unit<'_, '_>, policy: &mut RestartPolicy) {
    let interval = unit.time(&["StartLimitInterval", "StartLimitIntervalSec"]).unwrap_or(LIMIT_INTERVAL);
    let burst = unit.unit.take("StartLimitBurst").or_else(|| unit.service.take("StartLimitBurst"));
    let starts = burst.as_ref().map_or(Some(LIMIT_BURST), |setting| unit.reader.number(setting));
    let starts = starts.unwrap_or(LIMIT_BURST);
    let is_limited = starts > 0 && policy.delay.saturating_mul(starts) < interval;
    policy.reset_after = if is_limited { interval.min(LONGEST) } else { Duration::ZERO };
    policy.budget = policy.delay.saturating_mul(starts.saturating_sub(2)).min(LONGEST);
    if let Some(setting) = burst.filter(|_| starts == 1 && is_limited && policy.when != RestartWhen::Never) {
        let message = "StartLimitBurst can't be 1 beside restarts: the program is run again once";
        unit.reader.remark(setting.span, message, "write restart.when = \"never\" for no restart at all");
    }
}

fn exit_codes(unit: &mut Unit<'_, '_>, policy: &mut RestartPolicy) {
    let success = codes(unit, "SuccessExitStatus");
    let prevented = codes(unit, "RestartPreventExitStatus");
    let forced = codes(unit, "RestartForceExitStatus");
    if policy.when != RestartWhen::Always {
        policy.exit_codes.extend(success.iter().map(|code| (*code, ExitAction::Stop)));
    }
    for code in prevented {
        let is_success = code == 0 || success.contains(&code);
        policy.exit_codes.insert(code, if is_success { ExitAction::Stop } else { ExitAction::Fail });
    }
    policy.exit_codes.extend(forced.into_iter().map(|code| (code, ExitAction::Restart)));
}

/// The exit codes of a setting; signals and names of codes are told.
fn codes(unit: &mut Unit<'_, '_>, key: &str) -> Vec<i32> {
    let mut codes = Vec::new();
    for setting in unit.service.take_all(key) {
        if setting.value.is_empty() {
            codes.clear();
        }
        for word in setting.value.split_whitespace() {
            match word.parse::<u8>() {
                Ok(code) => codes.push(code.into()),
                Err(_) => told(unit, &setting, word),
            }
        }
    }
    codes
}

fn told(unit: &mut Unit<'_, '_>, setting: &Setting, word: &str) {
    let message = format!("{}={word} is not mapped", setting.key);
    unit.reader.remark(setting.span, message, "write the exit code as a number in restart.exit-codes");
}
