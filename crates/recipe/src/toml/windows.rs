//! `[service.NAME.windows]`: what only the service API knows.

use std::time::Duration;

use svckit_core::kind::{ErrorControl, LaunchProtection, SidType};
use svckit_core::name::GroupName;
use svckit_core::security::{SecurityDescriptor, SecurityInformation};
use svckit_core::trigger::{self, Trigger, TriggerTextError};

use super::section::Section;

pub(super) const SIDS: &[(&str, SidType)] =
    &[("none", SidType::NONE), ("unrestricted", SidType::UNRESTRICTED), ("restricted", SidType::RESTRICTED)];

pub(super) const ERROR_CONTROLS: &[(&str, ErrorControl)] = &[
    ("ignore", ErrorControl::IGNORE),
    ("normal", ErrorControl::NORMAL),
    ("severe", ErrorControl::SEVERE),
    ("critical", ErrorControl::CRITICAL),
];

pub(super) const PROTECTIONS: &[(&str, LaunchProtection)] = &[
    ("none", LaunchProtection::NONE),
    ("windows", LaunchProtection::WINDOWS),
    ("windows-light", LaunchProtection::WINDOWS_LIGHT),
    ("antimalware-light", LaunchProtection::ANTIMALWARE_LIGHT),
];

/// What the section says.
pub(super) struct Windows {
    pub(super) sid: SidType,
    pub(super) privileges: Vec<String>,
    pub(super) triggers: Vec<Trigger>,
    pub(super) preferred_node: Option<u16>,
    pub(super) launch_protection: LaunchProtection,
    pub(super) preshutdown: Option<Duration>,
    pub(super) group: Option<GroupName>,
    pub(super) tag: bool,
    pub(super) error_control: Option<ErrorControl>,
    pub(super) security: Option<SecurityDescriptor>,
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            sid: SidType::NONE,
            privileges: Vec::new(),
            triggers: Vec::new(),
            preferred_node: None,
            launch_protection: LaunchProtection::NONE,
            preshutdown: None,
            group: None,
            tag: false,
            error_control: None,
            security: None,
        }
    }
}

pub(super) fn read(mut section: Section<'_>) -> Windows {
    let sid = section.choice("sid-type", SIDS).unwrap_or(SidType::NONE);
    let privileges = privileges(&mut section);
    let preshutdown = section.duration("preshutdown", "3m");
    if let (Some(entry), Some(time)) = (section.entry("preshutdown"), preshutdown)
        && u32::try_from(time.as_millis()).is_err()
    {
        section.reader.report(entry.span(), "\"preshutdown\" can't be longer than 49 days", None);
    }
    let group = section.string("group", "Network").and_then(|(text, span)| {
        GroupName::new(text).map_err(|error| section.reader.report(span, error.to_string(), None)).ok()
    });
    let tag = section.boolean("tag");
    if let (Some((true, span)), None) = (&tag, &group) {
        let help = r#"write group = "NAME" as well"#.to_owned();
        section.reader.report(span.clone(), "a tag is a place in a group", Some(help));
    }
    let error_control = section.choice("error-control", ERROR_CONTROLS);
    let triggers = triggers(&mut section);
    let security = security(&mut section);
    let node = section.integer("preferred-node", 0..=u16::MAX.into());
    let preferred_node = node.and_then(|node| u16::try_from(node).ok());
    let launch_protection =
        section.choice("launch-protection", PROTECTIONS).unwrap_or(LaunchProtection::NONE);
    section.finish();
    let tag = tag.is_some_and(|(on, _)| on);
    Windows {
        sid,
        privileges,
        triggers,
        preferred_node,
        launch_protection,
        preshutdown,
        group,
        tag,
        error_control,
        security,
    }
}

fn triggers(section: &mut Section<'_>) -> Vec<Trigger> {
    let mut triggers = Vec::new();
    for (text, span) in section.strings("triggers", r#"["start/tcp/8080"]"#).unwrap_or_default() {
        match text.parse() {
            Ok(trigger) => triggers.push(trigger),
            Err(error) => {
                let error: TriggerTextError = error;
                section.reader.report(span, format!("{text:?} is no trigger: {error}"), None);
            }
        }
    }
    if let (Some(entry), Err(wrong)) = (section.entry("triggers"), trigger::check(&triggers)) {
        section.reader.report(entry.span(), wrong.to_string(), None);
    }
    triggers
}

fn security(section: &mut Section<'_>) -> Option<SecurityDescriptor> {
    let (text, span) = section.string("security", "D:(A;;GA;;;BA)(A;;GA;;;SY)")?;
    let problem = match text.parse::<SecurityDescriptor>() {
        Ok(descriptor) if descriptor.parts() != SecurityInformation::empty() => return Some(descriptor),
        Ok(_) => "a security descriptor has at least one part: O:, G:, D: or S:".to_owned(),
        Err(error) => format!("this is no security descriptor: {error}"),
    };
    section.reader.report(span, problem, None);
    None
}

fn privileges(section: &mut Section<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for (name, span) in section.strings("privileges", r#"["SeBackupPrivilege"]"#).unwrap_or_default() {
        if name.is_empty() {
            section.reader.report(span, "a privilege can't be empty", None);
        } else {
            names.push(name.to_owned());
        }
    }
    names
}
