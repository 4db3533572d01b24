//! What the service control manager of Windows keeps about a service in the registry.

use std::collections::BTreeMap;
use std::time::Duration;

use svckit_core::hook::{Errand, Hook, Moment, OnFailure};
use svckit_core::kind::{ErrorControl, SidType};
use svckit_core::name::{Dependency, DisplayName, GroupName};

use super::ini::{Section, Setting};
use super::reader::{Advice, Reader};
use crate::definition::{DESCRIPTION_HELP, Hosted, ServiceDefinition, Span, StartMode, checked_description};
use crate::platform::Platform;
use crate::winservice::path;

const MAPPED: &str = "DisplayName Description Start DelayedAutostart DelayedAutoStart ObjectName DependOnService DependOnGroup Group \
    ErrorControl ServiceSidType RequiredPrivileges PreshutdownTimeout Type ImagePath Tag Environment";

const ADVICE: Advice<'_> = &[
    (
        "FailureActions FailureActionsOnNonCrashFailures FailureCommand RebootMessage",
        "say recovery actions in [service.NAME.recovery]",
    ),
    (
        "WOW64 SvcHostSplitDisable SvcMemHardLimitInMB SvcMemSoftLimitInMB LaunchProtected",
        "it is set by Windows",
    ),
    ("PreferredNode", "say preferred-node in [service.NAME.windows]"),
    ("TriggerInfo", "say triggers in [service.NAME.windows]"),
];

/// The name of the service whose key this is, or that of something below it.
pub(super) fn key_of(path: &str) -> Option<(&str, &str)> {
    let mut parts = path.splitn(6, '\\');
    let [root, system, set, services, name] = [(); 5].map(|()| parts.next());
    let is = |part: Option<&str>, word: &str| part.is_some_and(|part| part.eq_ignore_ascii_case(word));
    let is_set = set.is_some_and(|set| set.to_ascii_lowercase().contains("controlset"));
    let is_service =
        is(root, "HKEY_LOCAL_MACHINE") && is(system, "SYSTEM") && is_set && is(services, "Services");
    name.filter(|name| is_service && !name.is_empty()).map(|name| (name, parts.next().unwrap_or_default()))
}

/// A key below that of a service, which has no settings of the service.
pub(super) fn subkey(reader: &mut Reader<'_>, section: &Section, below: &str) {
    let help = match below {
        "security" => "the service gets the usual rights",
        "enum" => "Windows makes it at each start",
        below if below.starts_with("triggerinfo") => "a definition has no word for triggers",
        _ => "see what it is for, and whether the service needs it",
    };
    let message = format!("the key {below} is not mapped: {}", section.keys().join(", "));
    reader.remark(section.span, message, help);
}

const HOOKS: &str = "[service.NAME.hooks] has the moments at which commands are run";

/// A command that is run on an event that svckit has no hook for.
pub(super) fn unmapped_hook(reader: &mut Reader<'_>, setting: &Setting, event: &str) {
    reader.remark(setting.key_span, format!("the hook {event} is not mapped"), HOOKS);
}

/// A command line as a hook, whose failure changes nothing.
pub(super) fn hook(
    reader: &mut Reader<'_>,
    line: &Setting,
    event: &str,
    moment: Moment,
    hosted: &mut Hosted,
) {
    if let Some(errand) = errand(reader, line, event, hosted) {
        hosted.hooks.insert(moment, Hook { errand, on_failure: OnFailure::GoOn }.into());
    }
}

/// A command line that is run on an event. One that would not be the same command is told.
pub(super) fn errand(
    reader: &mut Reader<'_>,
    line: &Setting,
    event: &str,
    hosted: &Hosted,
) -> Option<Errand> {
    if let Some(name) = variable_in(&line.value) {
        let message =
            format!("the hook {event} is not mapped: it has %{name}% in it, which svckit does not replace");
        reader.remark(line.span, message, "write its value");
        return None;
    }
    let words = match Platform::Windows.split(&line.value) {
        Ok(words) => words,
        Err(error) => {
            let message = format!("the hook {event} is not mapped: it can't be split: {error}");
            reader.remark(line.span, message, "");
            return None;
        }
    };
    let program = reader.program(words, line.span, hosted.program.directory.clone())?;
    Some(Errand { command: program.command, timeout: Errand::TIMEOUT })
}

/// Adds the settings to a service.
pub(super) fn read(reader: &mut Reader<'_>, mut section: Section, service: &mut ServiceDefinition) {
    if let Some(setting) = section.take("DisplayName") {
        display_name(reader, &setting, service);
    }
    if let Some(setting) = section.take("Description") {
        description(reader, setting, service);
    }
    service.start = Some(start(reader, &mut section));
    if let Some(setting) = section.take("ObjectName") {
        account(reader, setting, service);
    }
    dependencies(reader, &mut section, service);
    section.take("ImagePath");
    kinds(reader, &mut section, service);
    if let Some(setting) = section.take("Environment")
        && let Some(hosted) = service.hosted_mut()
    {
        variables(reader, &setting, &mut hosted.program.environment);
    }
    for setting in section.rest() {
        reader.unmapped(&setting, ADVICE, MAPPED);
    }
}

fn start(reader: &mut Reader<'_>, section: &mut Section) -> StartMode {
    let delayed = ["DelayedAutostart", "DelayedAutoStart"].map(|key| section.take(key));
    let is_delayed = delayed.into_iter().flatten().any(|setting| setting.value != "0");
    let Some(setting) = section.take("Start") else { return StartMode::Auto };
    match setting.value.as_str() {
        "2" | "SERVICE_AUTO_START" if !is_delayed => StartMode::Auto,
        "2" | "SERVICE_AUTO_START" | "SERVICE_DELAYED_AUTO_START" => StartMode::Delayed,
        "3" | "SERVICE_DEMAND_START" => StartMode::Manual,
        "4" | "SERVICE_DISABLED" => StartMode::Disabled,
        _ => {
            let message = format!("Start can't be {:?}", setting.value);
            reader.wrong(
                setting.span,
                message,
                "a program is started automatically (2), by hand (3) or never (4)",
            );
            StartMode::Manual
        }
    }
}

/// The name that people see; an empty one is none.
pub(super) fn display_name(reader: &mut Reader<'_>, setting: &Setting, service: &mut ServiceDefinition) {
    if setting.value.is_empty() {
        return;
    }
    match DisplayName::new(setting.value.as_str()) {
        Ok(name) => service.display_name = name,
        Err(error) => reader.wrong(setting.span, error.to_string(), "a display name has 1 to 256 characters"),
    }
}

pub(super) fn description(reader: &mut Reader<'_>, setting: Setting, service: &mut ServiceDefinition) {
    if let Err(message) = checked_description(&setting.value) {
        return reader.wrong(setting.span, message, DESCRIPTION_HELP);
    }
    service.description = Some(setting.value).filter(|text| !text.is_empty());
}

/// The system's own account needs no word.
pub(super) fn account(reader: &mut Reader<'_>, setting: Setting, service: &mut ServiceDefinition) {
    let is_system = ["LocalSystem", r".\LocalSystem", r"NT AUTHORITY\SYSTEM"];
    if setting.value.is_empty() || is_system.iter().any(|system| system.eq_ignore_ascii_case(&setting.value))
    {
        return;
    }
    let has_password =
        !setting.value.to_ascii_uppercase().starts_with("NT ") && !setting.value.ends_with('$');
    if has_password {
        let message = format!("the password of {} is not part of the definition", setting.value);
        reader.remark(setting.span, message, "svc up --password-stdin takes it");
    }
    service.account = Some(setting.value);
}

fn dependencies(reader: &mut Reader<'_>, section: &mut Section, service: &mut ServiceDefinition) {
    for (key, sign) in [("DependOnService", ""), ("DependOnGroup", "+")] {
        let Some(setting) = section.take(key) else { continue };
        for name in setting.value.lines().filter(|name| !name.is_empty()) {
            dependency(reader, &format!("{sign}{}", name.trim_start_matches('+')), setting.span, service);
        }
    }
}

/// A service that has to run before, or with a plus a group of them.
pub(super) fn dependency(reader: &mut Reader<'_>, name: &str, span: Span, service: &mut ServiceDefinition) {
    match Dependency::new(name) {
        Ok(dependency) if !service.dependencies.contains(&dependency) => {
            service.dependencies.push(dependency)
        }
        Ok(_) => {}
        Err(error) => reader.wrong(span, error.to_string(), "write the name of a service or group"),
    }
}

fn kinds(reader: &mut Reader<'_>, section: &mut Section, service: &mut ServiceDefinition) {
    if let Some(setting) = section.take("Type")
        && !matches!(setting.value.as_str(), "16" | "SERVICE_WIN32_OWN_PROCESS")
    {
        let message = format!("Type={} is not mapped", setting.value);
        reader.remark(setting.span, message, "the program has no desktop, and a host of its own");
    }
    if let Some(setting) = section.take("Group").filter(|setting| !setting.value.is_empty()) {
        match GroupName::new(setting.value.as_str()) {
            Ok(group) => service.group = Some(group),
            Err(error) => {
                reader.wrong(setting.span, error.to_string(), "write the name of a load order group")
            }
        }
    }
    service.tag = section.take("Tag").is_some_and(|setting| setting.value != "0") && service.group.is_some();
    let mut number = |key: &str, most: u32| {
        let setting = section.take(key)?;
        let number = reader.number::<u32>(&setting)?;
        if number > most {
            reader.wrong(setting.span, format!("{key} can't be {number}"), format!("the most is {most}"));
            return None;
        }
        Some(number)
    };
    if let Some(number) = number("ErrorControl", 3) {
        service.error_control = ErrorControl(number);
    }
    if let Some(number) = number("ServiceSidType", 3) {
        service.sid = if number == 2 { SidType::NONE } else { SidType(number) };
    }
    if let Some(time) = number("PreshutdownTimeout", u32::MAX) {
        service.preshutdown = Duration::from_millis(time.into());
    }
    if let Some(setting) = section.take("RequiredPrivileges") {
        service.privileges =
            setting.value.lines().filter(|name| !name.is_empty()).map(str::to_owned).collect();
    }
}

/// Adds the variables of a list. One whose value has others in it is told and left out, since svckit replaces nothing there.
pub(super) fn variables(
    reader: &mut Reader<'_>,
    setting: &Setting,
    variables: &mut BTreeMap<String, String>,
) {
    for line in setting.value.lines().filter(|line| !line.is_empty()) {
        let Some((name, value)) = line.split_once('=') else {
            reader.wrong(setting.span, format!("{line:?} is no variable with its value"), "write NAME=value");
            continue;
        };
        if let Some(other) = variable_in(value) {
            let message =
                format!("{name} is not mapped: it has %{other}% in it, which svckit does not replace");
            reader.remark(setting.span, message, "write the whole value");
            continue;
        }
        reader.variable(variables, (name, value), setting.span);
    }
}

/// A value in which the other tool replaces variables at each start, which svckit does not.
pub(super) fn without_variables(reader: &mut Reader<'_>, setting: &Setting) -> Option<String> {
    if let Some(name) = variable_in(&setting.value) {
        let message = format!("{} has the variable %{name}%, which svckit does not replace", setting.key);
        reader.wrong(setting.span, message, "write its value");
        return None;
    }
    Some(setting.value.clone())
}

/// The first variable that Windows would replace in a text.
pub(super) fn variable_in(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('%')?;
    let (name, _) = rest.split_once('%')?;
    // Names of variables don't begin with a digit: `%20` is a blank in an address.
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_()".contains(c));
    Some(name).filter(|name| is_name && !name.starts_with(|c: char| c.is_ascii_digit()))
}

/// The words after a program, by the rules of Windows, whatever the platform is.
pub(super) fn arguments(reader: &mut Reader<'_>, line: &str, span: Span) -> Vec<String> {
    match Platform::Windows.split(&format!("program {line}")) {
        Ok(words) => words.into_iter().skip(1).collect(),
        Err(error) => {
            reader.wrong(span, format!("this command can't be split: {error}"), "");
            Vec::new()
        }
    }
}

/// The folder that a program is in.
pub(super) fn folder_of(platform: Platform, program: &str) -> String {
    let at = program.rfind(|c| path::is_separator(platform, c));
    at.map_or(String::new(), |at| program[..=at].to_owned())
}
