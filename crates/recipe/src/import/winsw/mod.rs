//! WinSW's services: the XML of its versions 2 and 3, and the YAML of version 2.

mod advice;
mod element;
mod expand;
mod log;
mod restart;
mod xml;
mod yaml;

use std::path::PathBuf;
use std::time::Duration;

use svckit_core::definition::{Rung, StopAction, StopPolicy};
use svckit_core::hook::Moment;
use svckit_core::limits::Priority;

use super::ini::Setting;
use super::limits;
use super::native;
use super::reader::Reader;
use crate::definition::{Hosted, ServiceDefinition, Span, StartMode};
use element::{Element, Elements};

/// How long a program has to stop if the file doesn't say.
const STOP: Duration = Duration::from_secs(15);

const ROLL_ADVICE: &str = "write [service.NAME.log] rotate = { size = \"10MB\" }";

const MAPPING_ADVICE: &str =
    "write \\\\SERVER\\SHARE in place of the drive, or let a script with net use run the program";

/// Whether it is a configuration of WinSW; `name` is the file's, in small letters.
pub(super) fn is_configuration(name: &str, text: &str) -> bool {
    let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    let has_program = || text.lines().any(|line| line.starts_with("executable:"));
    is_xml(text) && text.contains("<service") || is_yaml && has_program()
}

fn is_xml(text: &str) -> bool {
    text.trim_start().starts_with('<')
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<ServiceDefinition> {
    let mut settings = if is_xml(reader.source.text()) { xml::read(reader) } else { yaml::read(reader) }?;
    settings.each(&mut |setting| {
        if ["password", "proxy"].iter().any(|secret| setting.key.eq_ignore_ascii_case(secret)) {
            reader.hide(setting.span, &setting.value);
        }
    });
    let variables = expand::expand(reader, &mut settings);
    let settings = &mut settings;
    let (id, words, directory) =
        (name(reader, settings), command(reader, settings), directory(reader, settings));
    let (id, directory, (words, span)) = (id?, directory?, words?);
    let base = directory.to_string_lossy().into_owned();
    let program = reader.program(words, span, directory);
    let log = log::read(reader, settings, &base);
    let mut hosted = Hosted::new(program?, reader.platform);
    hosted.log = log?;
    for (name, value) in variables {
        let line = Setting { value: format!("{}={}", name.value, value.value), ..value };
        native::variables(reader, &line, &mut hosted.program.environment);
    }
    let (restart, recovery) = restart::read(reader, settings);
    hosted.restart = restart;
    hosted.stop = stop(reader, settings);
    let setting = settings.text(reader, "priority");
    hosted.limits.priority =
        setting.and_then(|setting| limits::priority(reader, &setting)).filter(|one| *one != Priority::Normal);
    beside(reader, settings, &mut hosted);
    let mut service = ServiceDefinition::new(id, hosted);
    service.recovery_on_error = recovery.is_some();
    service.recovery = recovery.unwrap_or_default();
    native_settings(reader, settings, &mut service);
    account(reader, settings, &mut service);
    switches(reader, settings);
    for element in std::mem::take(settings).0 {
        reader.unmapped(&canonical(element.setting), advice::ADVICE, advice::MAPPED);
    }
    Some(service)
}

fn name(reader: &mut Reader<'_>, settings: &mut Elements) -> Option<svckit_core::name::ServiceName> {
    match settings.text(reader, "id").filter(|setting| !setting.value.is_empty()) {
        Some(setting) => reader.service_name(&setting.value, setting.span),
        None => missing(reader, "id", "write the name of the service"),
    }
}

fn missing<T>(reader: &mut Reader<'_>, key: &str, help: &str) -> Option<T> {
    reader.wrong(Span::default(), format!("{key} is missing"), help);
    None
}

/// The program with its arguments, and where it is said.
fn command(reader: &mut Reader<'_>, settings: &mut Elements) -> Option<(Vec<String>, Span)> {
    let Some(setting) = settings.text(reader, "executable") else {
        return missing(reader, "executable", "write the program");
    };
    let mut words = vec![native::without_variables(reader, &setting)?];
    let mut found: Option<Vec<Setting>> = None;
    // What is for the start only goes before what is for the stop as well, and single arguments before all in one.
    for key in ["startargument", "startarguments", "argument", "arguments"] {
        let given = settings.texts(reader, key);
        match (&found, given.first()) {
            (_, None) => {}
            (None, Some(_)) => found = Some(given),
            (Some(_), Some(first)) => {
                reader.remark(first.key_span, format!("{key} has no effect beside the other arguments"), "");
            }
        }
    }
    for setting in found.unwrap_or_default() {
        let text = native::without_variables(reader, &setting)?;
        let is_one = setting.key.to_ascii_lowercase().ends_with("argument");
        let is_quoted = text.len() > 1 && text.starts_with('"') && text.ends_with('"');
        // Lines are for those who read the file.
        let line = if is_one && !is_quoted && text.contains(' ') {
            format!("\"{text}\"")
        } else {
            text.replace(['\n', '\t'], " ")
        };
        words.extend(native::arguments(reader, &line, setting.span));
    }
    Some((words, setting.span))
}

fn directory(reader: &mut Reader<'_>, settings: &mut Elements) -> Option<PathBuf> {
    let base = reader.folder();
    match settings.text(reader, "workingdirectory").filter(|setting| !setting.value.is_empty()) {
        Some(setting) => {
            let text = native::without_variables(reader, &setting)?;
            reader.path(&text, setting.span, &base)
        }
        None => Some(base.into()),
    }
}

/// Ctrl+C for a program with a console and a request to close for one with windows, then the time for either.
fn stop(reader: &mut Reader<'_>, settings: &mut Elements) -> StopPolicy {
    let given = settings.text(reader, "stoptimeout").and_then(|setting| time(reader, &setting));
    let wait = given.unwrap_or(STOP);
    let rungs = if reader.platform.knows(&StopAction::WmClose) {
        vec![(StopAction::CtrlC, Duration::ZERO), (StopAction::WmClose, wait)]
    } else {
        vec![(StopAction::CtrlC, wait)]
    };
    StopPolicy { ladder: rungs.into_iter().map(|(action, wait)| Rung { action, wait }).collect() }
}

/// What the service control manager knows of it.
fn native_settings(reader: &mut Reader<'_>, settings: &mut Elements, service: &mut ServiceDefinition) {
    if let Some(setting) = settings.text(reader, "name") {
        native::display_name(reader, &setting, service);
    }
    if let Some(setting) = settings.text(reader, "description") {
        native::description(reader, setting, service);
    }
    for setting in settings.texts(reader, "depend") {
        native::dependency(reader, &setting.value, setting.span, service);
    }
    if let Some(time) = settings.text(reader, "preshutdownTimeout").and_then(|setting| time(reader, &setting))
    {
        service.preshutdown = time.min(Duration::from_millis(u32::MAX.into()));
    }
    let delayed = settings.text(reader, "delayedAutoStart");
    let is_delayed = delayed.is_some_and(|setting| is_on(reader, &setting));
    let mode = settings.text(reader, "startmode");
    service.start = match mode.as_ref().map(|mode| mode.value.to_ascii_lowercase()).as_deref() {
        None | Some("automatic") if is_delayed => Some(StartMode::Delayed),
        None | Some("automatic") => Some(StartMode::Auto),
        Some("manual") => Some(StartMode::Manual),
        Some("disabled") => Some(StartMode::Disabled),
        Some(other) => {
            let message = format!("startmode can't be {other:?}");
            let span = mode.as_ref().map_or_else(Span::default, |mode| mode.span);
            reader.wrong(span, message, "write Automatic or Manual");
            None
        }
    };
}

fn account(reader: &mut Reader<'_>, settings: &mut Elements, service: &mut ServiceDefinition) {
    let Some(mut group) = settings.group(reader, "serviceaccount") else { return };
    let domain = group.text(reader, "domain").filter(|setting| !setting.value.is_empty());
    let user = group.text(reader, "username").or_else(|| group.text(reader, "user"));
    // svckit gives the right itself.
    group.take(reader, "allowservicelogon");
    // That it is not carried over is told with the account.
    group.take(reader, "password");
    if let Some(setting) = group.text(reader, "prompt") {
        reader.remark(
            setting.key_span,
            "prompt is not mapped",
            "svc up --username NAME --password-stdin takes both",
        );
    }
    if let Some(mut setting) = user.filter(|setting| !setting.value.is_empty()) {
        if let Some(domain) = domain {
            setting.value = format!("{}\\{}", domain.value, setting.value);
        }
        native::account(reader, setting, service);
    }
    group.unknown(reader);
}

/// What WinSW does beside running the program.
fn beside(reader: &mut Reader<'_>, settings: &mut Elements, hosted: &mut Hosted) {
    for (key, moment) in [
        ("prestart", Moment::PreStart),
        ("poststart", Moment::PostStart),
        ("prestop", Moment::PreStop),
        ("poststop", Moment::PostStop),
    ] {
        if let Some(element) = settings.take(reader, key) {
            hook(reader, element, moment, hosted);
        }
    }
    if let Some(mut mapping) = settings.group(reader, "sharedDirectoryMapping") {
        for element in mapping.take_all("map") {
            reader.remark(element.setting.key_span, "the mapped drive is not mapped", MAPPING_ADVICE);
        }
        mapping.unknown(reader);
    }
    for mut element in settings.take_all("extensions") {
        let all = element.inside.take_all("extension");
        // In XML each is in an element of its own, in YAML it is an entry of the list.
        let is_list = all.is_empty() && !element.inside.0.is_empty();
        for one in if is_list { vec![element] } else { all } {
            extension(reader, one);
        }
    }
}

/// A command that is run before or after a start or a stop.
fn hook(reader: &mut Reader<'_>, element: Element, moment: Moment, hosted: &mut Hosted) {
    let Element { setting, mut inside } = element;
    let Some(executable) = inside.text(reader, "executable") else {
        return native::unmapped_hook(reader, &setting, &setting.key);
    };
    let arguments = inside.text(reader, "arguments").map_or_else(String::new, |arguments| arguments.value);
    let program = executable.value.trim_matches('"');
    let line = Setting { value: format!("\"{program}\" {arguments}"), ..executable };
    for output in ["stdoutPath", "stderrPath"] {
        if let Some(setting) = inside.text(reader, output) {
            let message = format!("{output} is not mapped");
            reader.remark(setting.key_span, message, "what a hook writes is in the service's log");
        }
    }
    inside.unknown(reader);
    native::hook(reader, &line, &setting.key, moment, hosted);
    let message = format!("{} is waited for 30 seconds, and then ended", setting.key);
    reader.remark(setting.key_span, message, format!("timeout of hooks.{} is how long", moment.word()));
}

fn extension(reader: &mut Reader<'_>, mut extension: Element) {
    if extension.inside.text(reader, "enabled").is_some_and(|setting| !is_on(reader, &setting)) {
        return;
    }
    let class = extension.inside.text(reader, "className").map(|setting| setting.value).unwrap_or_default();
    let name = class.rsplit('.').next().unwrap_or_default();
    let help = match name {
        "RunawayProcessKillerExtension" => {
            "nothing is left of a program that was ended: what it started ends with it"
        }
        "SharedDirectoryMapper" => MAPPING_ADVICE,
        _ => "see what it is for, and whether the service needs it",
    };
    reader.remark(extension.setting.key_span, format!("the extension {name} is not mapped"), help);
}

/// What is on or off, and matters only one way.
fn switches(reader: &mut Reader<'_>, settings: &mut Elements) {
    for (key, help) in [
        ("interactive", "a service has no desktop; svc debug runs the program in a console"),
        ("beeponshutdown", "svc events has what happens to the service"),
        ("autoRefresh", "svc update takes over what was changed in the file"),
        // The program's console never has a window, and a service is always told before a shutdown.
        ("hidewindow", ""),
        ("preshutdown", ""),
    ] {
        let Some(setting) = settings.text(reader, key) else { continue };
        if is_on(reader, &setting) && !help.is_empty() {
            reader.remark(setting.key_span, format!("{key} is not mapped"), help);
        }
    }
}

/// Whether a switch is on; one without a value is.
fn is_on(reader: &mut Reader<'_>, setting: &Setting) -> bool {
    setting.value.is_empty() || reader.boolean(setting).unwrap_or_default()
}

/// A time of WinSW: a number with a unit, or of milliseconds without.
fn time(reader: &mut Reader<'_>, setting: &Setting) -> Option<Duration> {
    let text = setting.value.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let scale = match unit.trim() {
        "" | "ms" => Some(1),
        "sec" | "secs" => Some(1000),
        "min" | "mins" => Some(60_000),
        "hr" | "hrs" | "hour" | "hours" => Some(3_600_000),
        "day" | "days" => Some(86_400_000),
        _ => None,
    };
    let number = number.parse::<u32>().ok();
    let time = number.zip(scale).map(|(number, scale)| Duration::from_millis(u64::from(number) * scale));
    if time.is_none() {
        let message = format!("{} can't be {:?}", setting.key, setting.value);
        reader.wrong(setting.span, message, "write a whole number and ms, sec, min, hour or day");
    }
    time
}

/// The setting by the name that WinSW's documentation has for it, in whatever case it is written.
fn canonical(setting: Setting) -> Setting {
    let known = advice::ADVICE.iter().flat_map(|(keys, _)| keys.split_whitespace());
    let key = known
        .into_iter()
        .find(|key| key.eq_ignore_ascii_case(&setting.key))
        .unwrap_or(&setting.key)
        .to_owned();
    Setting { key, ..setting }
}
