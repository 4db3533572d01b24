//! What the state of a service tells.

use svckit_core::kind::StartType;
use svckit_core::native::Phase;
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;

use super::{Code, Ended, Facts, Finding, HostFacts};
use crate::lint::Severity;
use crate::platform::Platform;

/// So many restarts since the service started are no accident.
const LOOP: u32 = 3;

pub(super) fn marked(facts: &Facts) -> Vec<Finding> {
    if !facts.marked_for_deletion {
        return Vec::new();
    }
    let help = if facts.status.state == ServiceState::STOPPED {
        "close what has it open, such as the Services console or the Task Manager, or an svc that waits for it".to_owned()
    } else {
        format!("svc stop {}, and close what has it open", facts.name)
    };
    vec![
        Finding::new(
            Severity::Error,
            "marked-for-deletion",
            "it is marked for deletion and can't be started",
        )
        .help(help)
        .about(Code::Win32(Win32Error::SERVICE_MARKED_FOR_DELETE)),
    ]
}

/// A service that stopped with an error.
pub(super) fn ended(facts: &Facts) -> Vec<Finding> {
    let (status, name) = (&facts.status, &facts.name);
    let code = status.win32_exit_code;
    let is_fine = code.is_success() || code == Win32Error::SERVICE_NEVER_STARTED;
    if status.state != ServiceState::STOPPED || is_fine {
        return Vec::new();
    }
    let host = facts.host.as_ref();
    if let Some(reason) = host.and_then(|host| host.start_error.as_deref()) {
        let help = format!("mend that and run svc start {name}");
        let found =
            Finding::new(Severity::Error, "start-failed", format!("it could not be started: {reason}"));
        return vec![found.help(help).noting(&facts.last_output).about(Code::Win32(code))];
    }
    let last = host.and_then(|host| host.last_end.as_ref());
    if let Some(last) = last.filter(|_| host.is_some_and(|host| host.phase == Phase::GaveUp)) {
        let message = format!("{} at {}, once too often: the restart budget is spent", last.words, last.at);
        let found = Finding::new(Severity::Error, "gave-up", message).noting(&facts.last_output);
        let found = found.help(format!("svc start {name}, when the program is mended"));
        return vec![with_end(found, last, facts.platform)];
    }
    let words = match code {
        Win32Error::SERVICE_SPECIFIC_ERROR => {
            format!("it stopped with an error of its own, {}", status.service_exit_code)
        }
        code => match code.description() {
            Some(words) => format!("it stopped with an error: {words} ({})", code.numbered()),
            None => format!("it stopped with error {}", code.numbered()),
        },
    };
    let message =
        last.map_or_else(|| words.clone(), |last| format!("{words}; {} at {}", last.words, last.at));
    let found = Finding::new(Severity::Error, "stopped-with-error", message).noting(&facts.last_output);
    let found = found.help(format!("svc events {name} tells what happened before")).about(Code::Win32(code));
    vec![match last {
        Some(last) => with_end(found, last, facts.platform),
        None => found,
    }]
}

/// What more is to be said is about how the program ended, where that tells more than the service's code.
fn with_end(mut found: Finding, last: &Ended, platform: Platform) -> Finding {
    match (platform, last.signal, last.code) {
        (Platform::Windows, Some(code), _) => found.about(Code::End(code.cast_unsigned())),
        (Platform::Unix, signal, code) => {
            found.causes = usual_causes(code, signal).iter().map(|cause| (*cause).to_owned()).collect();
            found
        }
        _ => found,
    }
}

/// What an end usually comes from that shells and kernels give a meaning to.
fn usual_causes(code: Option<i32>, signal: Option<i32>) -> &'static [&'static str] {
    match (code, signal) {
        (Some(126), _) => &["a shell found the command, but may not run it"],
        (Some(127), _) => &[
            "a shell did not find the command: PATH of the service is not that of your terminal",
            "a shared library of the program is missing",
        ],
        (_, Some(6)) => &["the program ended itself by abort(): an assertion, or damaged memory"],
        (_, Some(9)) => &[
            "the kernel ended it because memory ran out: its log (dmesg) tells",
            "somebody killed it by kill -9",
        ],
        (_, Some(4 | 7 | 8 | 11)) => &["a mistake in the program or in a library that it loads"],
        _ => &[],
    }
}

/// A program that ends again and again.
pub(super) fn restarting(facts: &Facts) -> Vec<Finding> {
    let Some(HostFacts { phase, restarts, last_end: Some(last), next_retry, .. }) = &facts.host else {
        return Vec::new();
    };
    if facts.status.state == ServiceState::STOPPED || *phase != Phase::Backoff && *restarts < LOOP {
        return Vec::new();
    }
    let times = match restarts {
        0 => String::new(),
        1 => ", and was run again once before".to_owned(),
        times => format!(", and was run again {times} times before"),
    };
    let next = next_retry.as_ref().map_or_else(String::new, |at| format!("; it runs again at {at}"));
    let message = format!("{} at {}{times}{next}", last.words, last.at);
    let (severity, rule) = match (*restarts >= LOOP, phase) {
        (true, Phase::Backoff) => (Severity::Error, "crash-loop"),
        (true, _) => (Severity::Warning, "crash-loop"),
        (false, _) => (Severity::Warning, "restarting"),
    };
    let found = Finding::new(severity, rule, message).noting(&facts.last_output);
    let found = found.help(format!("svc logs {} -f shows what it says when it runs again", facts.name));
    vec![with_end(found, last, facts.platform)]
}

pub(super) fn pending(facts: &Facts) -> Vec<Finding> {
    let status = &facts.status;
    if !status.state.is_pending() {
        return Vec::new();
    }
    let waits = facts.host.as_ref().and_then(|host| host.ready_when.as_deref());
    let waits = waits.filter(|_| status.state == ServiceState::START_PENDING);
    let progress = match status.checkpoint {
        0 => String::new(),
        checkpoint => format!(", at checkpoint {checkpoint}"),
    };
    let reason = waits.map_or_else(String::new, |deed| format!("; it is ready when its program {deed}"));
    let message = format!("it is {}{progress}{reason}", status.state);
    let found = Finding::new(Severity::Warning, "pending", message).noting(&facts.last_output);
    vec![found.help(format!("svc events {} -f tells how it goes on", facts.name))]
}

/// An automatic service that doesn't run though nothing failed.
pub(super) fn not_started(facts: &Facts) -> Vec<Finding> {
    let status = &facts.status;
    if status.state != ServiceState::STOPPED || facts.config.start_type != StartType::AUTO_START {
        return Vec::new();
    }
    let message = match status.win32_exit_code {
        Win32Error::SERVICE_NEVER_STARTED => "it starts by itself, but was not started yet",
        Win32Error::SUCCESS => "it starts by itself, but was stopped",
        _ => return Vec::new(),
    };
    vec![
        Finding::new(Severity::Hint, "automatic-stopped", message)
            .help(format!("svc start {}, if it should run", facts.name)),
    ]
}

pub(super) fn disabled(facts: &Facts) -> Vec<Finding> {
    if facts.config.start_type != StartType::DISABLED {
        return Vec::new();
    }
    vec![
        Finding::new(Severity::Warning, "disabled", "it is disabled and can't be started")
            .help(format!("svc sc config {} start= demand makes it startable", facts.name))
            .about(Code::Win32(Win32Error::SERVICE_DISABLED)),
    ]
}

pub(super) fn output_lost(facts: &Facts) -> Vec<Finding> {
    let lost = facts.host.as_ref().map_or(0, |host| host.bytes_lost);
    if lost == 0 {
        return Vec::new();
    }
    let message = format!("{lost} bytes of output could not be kept since the service started");
    vec![
        Finding::new(Severity::Warning, "output-lost", message)
            .help(format!("see to the disk and the rights of its log; svc events {} tells when", facts.name)),
    ]
}
