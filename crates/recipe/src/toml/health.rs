//! `[service.NAME.health]`.

use std::path::Path;
use std::time::Duration;

use svckit_core::health::{AskPolicy, HealthPolicy};

use super::ready::{nothing_asked, one_of, target};
use super::section::{Section, positive};
use crate::definition::Places;

/// What holds if the file doesn't say.
pub(super) const INTERVAL: Duration = Duration::from_secs(10);
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);
pub(super) const THRESHOLD: u32 = 3;

pub(super) const WAYS: &[&str] = &["tcp", "http", "command", "silence", "notify"];

/// Reads how it is known that a program is alive; a command is looked for from `directory`.
pub(super) fn read(mut section: Section<'_>, directory: &Path, places: &mut Places) -> Option<HealthPolicy> {
    let header = section.entries().first().copied();
    let interval = positive(&mut section, "interval", "10s").unwrap_or(INTERVAL);
    let timeout = positive(&mut section, "timeout", "5s").unwrap_or(TIMEOUT);
    let threshold = section.integer("threshold", 1..=1000).unwrap_or(THRESHOLD);
    let ask = |target| HealthPolicy::Ask(AskPolicy { target, interval, timeout, threshold });
    let found = one_of(&mut section, WAYS);
    places.health = found.as_ref().map(|entry| entry.span().into());
    let policy = match found.as_ref().map(|entry| (entry.name(), *entry)) {
        Some(("tcp" | "http" | "command", entry)) => target(&mut section, entry, directory).map(ask),
        Some(("silence", _)) => unasked(&mut section, "silence", "5m").map(HealthPolicy::Silence),
        Some(_) => unasked(&mut section, "notify", "30s").map(HealthPolicy::Notify),
        None => {
            if let Some(header) = header {
                let message =
                    format!("[{}] does not say how it is known that the program is alive", section.path());
                let help = r#"write http = "http://127.0.0.1:8080/health""#.to_owned();
                section.reader.report(header.key.span(), message, Some(help));
            }
            None
        }
    };
    section.finish();
    policy
}

/// How long nothing may be heard of a program that nobody asks.
fn unasked(section: &mut Section<'_>, key: &'static str, example: &str) -> Option<Duration> {
    for key in ["interval", "timeout", "threshold"] {
        if let Some(entry) = section.entry(key) {
            nothing_asked(section.reader, entry);
        }
    }
    positive(section, key, example)
}
