//! `onfailure`: what the service control manager does when the program fails, since WinSW ends with it.

use std::time::Duration;

use svckit_core::definition::{RestartPolicy, RestartWhen};
use svckit_core::failure::{ActionType, FailureAction, FailureActions, ResetPeriod};

use super::element::Elements;
use super::time;
use crate::import::ini::Setting;
use crate::import::reader::Reader;

/// WinSW may run the program again at once; here is a moment between.
const SHORTEST: Duration = Duration::from_secs(1);

/// Restarts without an end: more pauses than there will be.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// How long a run makes the count of failures new if the file doesn't say.
const RESET: Duration = Duration::from_secs(86_400);

/// Restarts become those of the program, whose host lives on; a restart of the machine follows when they have come to an end, also of a host that stops with an error.
pub(super) fn read(
    reader: &mut Reader<'_>,
    settings: &mut Elements,
) -> (RestartPolicy, Option<FailureActions>) {
    let (mut delays, mut end) = (Vec::new(), None);
    for mut element in settings.take_all("onfailure") {
        let action = element.inside.text(reader, "action");
        let delay = element.inside.text(reader, "delay").and_then(|setting| time(reader, &setting));
        element.inside.unknown(reader);
        let action = action.unwrap_or(element.setting);
        if end.is_some() {
            let message = "what comes after an action other than restart is not mapped";
            reader.remark(action.span, message, "there is no failure after it");
            break;
        }
        match action.value.to_ascii_lowercase().as_str() {
            "restart" => delays.push((delay.unwrap_or_default().max(SHORTEST).min(LONGEST), action)),
            "none" => end = Some(None),
            "reboot" => end = Some(Some(delay.unwrap_or_default())),
            other => {
                let message = format!("onfailure can't be {other:?}");
                reader.wrong(action.span, message, "write restart, reboot or none");
            }
        }
    }
    let reset = settings.text(reader, "resetfailure").and_then(|setting| time(reader, &setting));
    let reset = reset.unwrap_or(RESET).min(LONGEST);
    let policy = policy(reader, &delays, end.is_some(), reset);
    let recovery = end.flatten().map(|delay: Duration| {
        // The service control manager takes 32 bits of milliseconds.
        let delay = delay.min(Duration::from_millis(u32::MAX.into()));
        let action = FailureAction { kind: ActionType::REBOOT, delay };
        let seconds = u32::try_from(reset.as_secs()).unwrap_or(u32::MAX - 1);
        let reset_period = ResetPeriod::Seconds(seconds);
        FailureActions { reset_period, actions: vec![action], ..FailureActions::default() }
    });
    (policy, recovery)
}

/// The pauses one after the other, the last again and again unless they end.
fn policy(
    reader: &mut Reader<'_>,
    delays: &[(Duration, Setting)],
    ends: bool,
    reset_after: Duration,
) -> RestartPolicy {
    let (Some((first, _)), Some((last, setting))) = (delays.first(), delays.last()) else {
        return RestartPolicy { when: RestartWhen::Never, ..RestartPolicy::default() };
    };
    let second = delays.get(1).map_or(*first, |(delay, _)| *delay);
    let factor = (second.as_secs_f64() / first.as_secs_f64()).clamp(1.0, 1000.0);
    let max_delay = (*last).max(*first);
    let made = |index: usize| {
        let power = i32::try_from(index).unwrap_or(i32::MAX);
        (first.as_secs_f64() * factor.powi(power)).min(max_delay.as_secs_f64())
    };
    let is_same = |(index, (delay, _)): (usize, &(Duration, Setting))| {
        (made(index) - delay.as_secs_f64()).abs() < 0.001
    };
    if !delays.iter().enumerate().all(is_same) {
        let message = "the pauses of onfailure are not wholly mapped: each is so many times the one before, up to a longest";
        reader.remark(setting.span, message, "restart.delay, restart.factor and restart.max-delay say them");
    }
    // The restart after which more than the budget is spent is the last.
    let spent = (1..delays.len()).map(|count| Duration::from_secs_f64(made(count - 1))).sum();
    RestartPolicy {
        when: RestartWhen::OnFailure,
        delay: *first,
        factor,
        max_delay,
        budget: if ends { spent } else { LONGEST },
        reset_after,
        ..RestartPolicy::default()
    }
}
