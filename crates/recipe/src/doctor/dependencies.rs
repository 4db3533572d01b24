//! What a service depends on.

use svckit_core::name::Dependency;
use svckit_core::win32::Win32Error;

use super::{Code, Facts, Finding, Need, Standing};
use crate::lint::Severity;

pub(super) fn circle(facts: &Facts) -> Vec<Finding> {
    let circle = facts.circle.iter();
    let found = circle.map(|circle| {
        Finding::new(Severity::Error, "dependency-circle", format!("it depends on itself: {circle}"))
            .help(format!("take one of them out: svc sc config {} depend= …", facts.name))
            .about(Code::Win32(Win32Error::CIRCULAR_DEPENDENCY))
    });
    found.collect()
}

pub(super) fn needs(facts: &Facts) -> Vec<Finding> {
    facts.needs.iter().filter_map(|(dependency, need)| one(facts, dependency, need)).collect()
}

fn one(facts: &Facts, dependency: &Dependency, need: &Need) -> Option<Finding> {
    let name = &facts.name;
    let error = |rule, message: String| Finding::new(Severity::Error, rule, message);
    let all_are = |standing, all: &[Standing]| !all.is_empty() && all.iter().all(|one| *one == standing);
    match need {
        Need::Missing => Some(
            error("dependency-missing", format!("it depends on {dependency}, which is not installed"))
                .help(format!("install it, or take it out of depends-on and run svc update; by hand svc sc config {name} depend= …"))
                .about(Code::Win32(Win32Error::SERVICE_DEPENDENCY_DELETED)),
        ),
        Need::Group(all) if all.is_empty() => Some(
            error("dependency-missing", format!("it depends on a group without members: {dependency}"))
                .help("install a service of that group, or take it out of depends-on".to_owned()),
        ),
        Need::Service(Standing::Disabled) => Some(
            error("dependency-disabled", format!("it depends on {dependency}, which is disabled"))
                .help(format!("svc sc config {dependency} start= demand")),
        ),
        Need::Group(all) if all_are(Standing::Disabled, all) => Some(
            error("dependency-disabled", format!("every member of {dependency}, which it depends on, is disabled"))
                .help("make one of them startable".to_owned()),
        ),
        Need::Service(Standing::Failed) => Some(
            error("dependency-failed", format!("it depends on {dependency}, which stopped with an error"))
                .help(format!("svc doctor {dependency}"))
                .about(Code::Win32(Win32Error::SERVICE_DEPENDENCY_FAIL)),
        ),
        Need::Group(all) if all_are(Standing::Failed, all) => Some(
            error("dependency-failed", format!("every member of {dependency}, which it depends on, stopped with an error"))
                .help("svc doctor tells why".to_owned()),
        ),
        Need::Service(_) | Need::Group(_) => None,
    }
}
