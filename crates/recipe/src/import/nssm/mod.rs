//! NSSM's services, as of NSSM 2.24: from the registry, or from the commands of `nssm dump`.

mod dump;

use std::collections::BTreeMap;
use std::time::Duration;

use svckit_core::definition::{
    ControlAction, ExitAction, RestartPolicy, RestartWhen, Rung, StopAction, StopPolicy,
};
use svckit_core::hook::Moment;
use svckit_core::limits::Priority;
use svckit_core::system_event::SystemEvent;
use svckit_core::tree::TreePolicy;

use super::ini::{Section, Setting};
use super::limits;
use super::reader::{Advice, Reader};
use super::{native, registry};
use crate::definition::{Hosted, LogSettings, ServiceDefinition, Span};

/// What a service has of which kind of settings.
struct Found {
    name: String,
    span: Span,
    /// Those of the service control manager.
    native: Section,
    /// Those of NSSM.
    parameters: Section,
    /// What exit codes mean; `@` is any other.
    exits: Section,
    /// Commands for events: `Start/Pre`.
    events: Section,
}

/// Where those are in the registry, below the service's own key.
const EVENTS: &str = "parameters\\appevents\\";

impl Found {
    fn new(name: &str, span: Span) -> Self {
        let [native, parameters, exits, events] = [(); 4].map(|()| Section::new(name, span));
        Self { name: name.to_owned(), span, native, parameters, exits, events }
    }
}

const MAPPED: &str = "Application AppParameters AppDirectory AppEnvironment AppEnvironmentExtra AppRestartDelay AppThrottle \
    AppStopMethodSkip AppStopMethodConsole AppStopMethodWindow AppStdout AppStderr AppRotateFiles AppRotateOnline AppRotateBytes \
    AppRotateBytesHigh AppTimestampLog AppKillProcessTree AppPriority AppAffinity";

const ADVICE: Advice<'_> = &[
    (
        "AppStopMethodThreads",
        "after WM_CLOSE the program is ended by force; give that rung of the stop ladder more time",
    ),
    (
        "AppStdin AppStdinShareMode AppStdinCreationDisposition AppStdinFlagsAndAttributes",
        "a service has nothing to read",
    ),
    (
        "AppStdoutShareMode AppStdoutCreationDisposition AppStdoutFlagsAndAttributes AppStdoutCopyAndTruncate AppStderrShareMode \
         AppStderrCreationDisposition AppStderrFlagsAndAttributes AppStderrCopyAndTruncate AppRotateDelay",
        "output is added to a file that anybody may read, and is rotated without a copy",
    ),
    (
        "AppRotateSeconds",
        "a log is rotated however young it is; at which times is said by rotate = { time = \"daily\" }",
    ),
    ("AppNoConsole", "the program's console has no window"),
    ("AppRedirectHook", "nothing else is run beside the program"),
];

pub(super) fn is_dump(text: &str) -> bool {
    text.lines().any(|line| {
        let mut words = line.split_whitespace().map(|word| word.trim_matches(['"', '^']));
        words.any(dump::is_nssm) && words.next().is_some_and(|verb| verb == "set" || verb == "install")
    })
}

pub(super) fn read(reader: &mut Reader<'_>) -> Vec<ServiceDefinition> {
    let is_registry = registry::HEADERS.iter().any(|header| reader.source.text().starts_with(header));
    let found = if is_registry { of_registry(reader) } else { dump::read(reader) };
    found.into_iter().filter_map(|service| definition(reader, service)).collect()
}

fn of_registry(reader: &mut Reader<'_>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for section in registry::read(reader) {
        let Some((name, below)) = native::key_of(&section.name) else {
            reader.remark(section.span, "the key is none of a service, and not mapped", "");
            continue;
        };
        let at = found.iter().position(|service| service.name == name).unwrap_or(found.len());
        if at == found.len() {
            found.push(Found::new(name, section.span));
        }
        let service = &mut found[at];
        let below = below.to_ascii_lowercase();
        match below.as_str() {
            "" => service.native = section,
            "parameters" => service.parameters = section,
            "parameters\\appexit" => service.exits = section,
            _ if below.starts_with(EVENTS) => {
                let event = section.name.rsplit('\\').next().unwrap_or_default().to_owned();
                for setting in section.rest() {
                    service.events.push(Setting { key: format!("{event}/{}", setting.key), ..setting });
                }
            }
            _ if section.keys().is_empty() => {}
            _ => native::subkey(reader, &section, &below),
        }
    }
    found
}

fn definition(reader: &mut Reader<'_>, mut found: Found) -> Option<ServiceDefinition> {
    let parameters = &mut found.parameters;
    let Some(application) = parameters.take("Application") else {
        let message = format!("{} is not one of NSSM's services, and not mapped", found.name);
        reader.remark(found.span, message, "svc import takes the services that NSSM runs");
        return None;
    };
    let program = native::without_variables(reader, &application)?;
    let folder = native::folder_of(reader.platform, &program);
    let given = parameters.take("AppDirectory").filter(|setting| !setting.value.is_empty());
    if folder.is_empty() && given.is_none() {
        let message = format!("{program:?} is in no folder, and AppDirectory is not said");
        reader.wrong(application.span, message, "write the program with its whole path");
        return None;
    }
    let base = reader.folder();
    let home = reader.path(&folder, application.span, &base)?;
    let folder = home.to_string_lossy().into_owned();
    let directory = match given {
        Some(setting) => {
            let text = native::without_variables(reader, &setting)?;
            reader.path(&text, setting.span, &folder)?
        }
        None => home,
    };
    let mut words = vec![program];
    if let Some(setting) = parameters.take("AppParameters") {
        let line = native::without_variables(reader, &setting)?;
        words.extend(native::arguments(reader, &line, setting.span));
    }
    let mut program = reader.program(words, application.span, directory)?;
    program.environment = environment(reader, parameters);
    let name = reader.service_name(&found.name, found.span)?;
    let mut hosted = Hosted::new(program, reader.platform);
    hosted.restart = restart(reader, parameters, &mut found.exits);
    hosted.stop = stop(reader, parameters);
    hosted.log = log(reader, parameters, &folder);
    if let Some(setting) = parameters.take("AppKillProcessTree")
        && reader.number::<u32>(&setting) == Some(0)
    {
        hosted.tree = TreePolicy::Leave(vec!["*".to_owned()]);
    }
    let setting = parameters.take("AppPriority");
    hosted.limits.priority =
        setting.and_then(|setting| limits::priority(reader, &setting)).filter(|one| *one != Priority::Normal);
    if let Some(setting) = parameters.take("AppAffinity") {
        hosted.limits.affinity = limits::processors(reader, &setting);
    }
    for setting in found.parameters.rest() {
        match setting.key.strip_prefix("AppEvents ") {
            Some(event) => found.events.push(Setting { key: event.to_owned(), ..setting }),
            None => reader.unmapped(&setting, ADVICE, MAPPED),
        }
    }
    for setting in found.events.rest() {
        event(reader, &setting, &mut hosted);
    }
    let mut service = ServiceDefinition::new(name, hosted);
    native::read(reader, found.native, &mut service);
    Some(service)
}

/// A command for an event: NSSM tells of a failure and goes on, but for one code of one event.
fn event(reader: &mut Reader<'_>, setting: &Setting, hosted: &mut Hosted) {
    let name = setting.key.as_str();
    let mut at = |event| {
        if let Some(errand) = native::errand(reader, setting, name, hosted) {
            hosted.system_events.insert(event, ControlAction::Command(errand));
        }
    };
    let moments: &[Moment] = match name.to_ascii_lowercase().as_str() {
        "start/pre" => {
            let message = "the exit code 99 of Start/Pre does not keep the program from being run";
            reader.remark(
                setting.key_span,
                message,
                "on-failure = \"fail\" of pre-start makes every failure do that",
            );
            &[Moment::PreStart]
        }
        "start/post" => &[Moment::PostStart],
        "stop/pre" => &[Moment::PreStop],
        "rotate/post" => &[Moment::OnRotate],
        // They are run when the power status changes and when the machine resumes by itself or not: PBT_APMPOWERSTATUSCHANGE and PBT_APMRESUMEAUTOMATIC.
        "power/change" => return at(SystemEvent::PowerStatus),
        "power/resume" => return at(SystemEvent::Resume),
        "exit/post" => {
            let message = "Exit/Post is on-crash and post-stop: when a crash stops the service, both are run";
            reader.remark(setting.key_span, message, "leave one of them");
            &[Moment::OnCrash, Moment::PostStop]
        }
        _ => return native::unmapped_hook(reader, setting, name),
    };
    for moment in moments {
        native::hook(reader, setting, name, *moment, hosted);
    }
}

fn environment(reader: &mut Reader<'_>, parameters: &mut Section) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    if let Some(setting) = parameters.take("AppEnvironment") {
        let message = "AppEnvironment is added to the variables of the service, not put in their place";
        reader.remark(setting.key_span, message, "");
        native::variables(reader, &setting, &mut variables);
    }
    if let Some(setting) = parameters.take("AppEnvironmentExtra") {
        native::variables(reader, &setting, &mut variables);
    }
    variables
}

/// Restarts without an end, each after twice the pause of the one before, unless the program ran for a while.
fn restart(reader: &mut Reader<'_>, parameters: &mut Section, exits: &mut Section) -> RestartPolicy {
    let mut number = |key: &str, default: u32| {
        let setting = parameters.take(key);
        let number = setting.map_or(Some(default), |setting| reader.number(&setting));
        Duration::from_millis(number.unwrap_or(default).into())
    };
    let delay = number("AppRestartDelay", 0).max(Duration::from_secs(2));
    let mut policy = RestartPolicy {
        when: RestartWhen::Always,
        delay,
        max_delay: delay.max(Duration::from_secs(128)),
        budget: Duration::from_secs(365 * 86_400),
        reset_after: number("AppThrottle", 1500),
        ..RestartPolicy::default()
    };
    for setting in std::mem::take(exits).rest() {
        let code =
            if setting.key == "@" { None } else { setting.key.parse::<u32>().ok().map(u32::cast_signed) };
        if code.is_none() && setting.key != "@" {
            reader.wrong(
                setting.key_span,
                format!("{:?} is not an exit code", setting.key),
                "write a number",
            );
            continue;
        }
        exit(reader, &setting, code, &mut policy);
    }
    policy
}

fn exit(reader: &mut Reader<'_>, setting: &Setting, code: Option<i32>, policy: &mut RestartPolicy) {
    let action = match setting.value.to_ascii_lowercase().as_str() {
        "restart" => ExitAction::Restart,
        "exit" if code == Some(0) => ExitAction::Stop,
        "exit" => ExitAction::Fail,
        "ignore" => {
            let message = "AppExit can't be Ignore: a service runs as long as its program";
            reader.remark(setting.span, message, "");
            ExitAction::Stop
        }
        "suicide" => {
            let message = "AppExit=Suicide is not wholly mapped: the service stops with an error";
            reader.remark(setting.span, message, "recovery.on-stop-with-error makes recovery actions follow");
            ExitAction::Fail
        }
        _ => {
            let message = format!("AppExit can't be {:?}", setting.value);
            return reader.wrong(setting.span, message, "write Restart, Ignore, Exit or Suicide");
        }
    };
    match code {
        Some(code) => drop(policy.exit_codes.insert(code, action)),
        None if action == ExitAction::Restart => policy.when = RestartWhen::Always,
        None => policy.when = RestartWhen::Never,
    }
}

fn stop(reader: &mut Reader<'_>, parameters: &mut Section) -> StopPolicy {
    let mut number = |key: &str, default: u32| {
        let setting = parameters.take(key);
        (setting.as_ref().map_or(Some(default), |setting| reader.number(setting)).unwrap_or(default), setting)
    };
    let (skip, setting) = number("AppStopMethodSkip", 0);
    let (console, _) = number("AppStopMethodConsole", 1500);
    let (window, _) = number("AppStopMethodWindow", 1500);
    if let Some(setting) = setting.filter(|_| skip & 8 != 0) {
        let message = "AppStopMethodSkip can't have 8: what doesn't stop is ended by force";
        reader.remark(setting.span, message, "give the last rung of the stop ladder more time");
    }
    let rungs = [(1, StopAction::CtrlC, console), (2, StopAction::WmClose, window)];
    let ladder = rungs.into_iter().filter(|(bit, ..)| skip & bit == 0);
    StopPolicy {
        ladder: ladder
            .map(|(_, action, wait)| Rung { action, wait: Duration::from_millis(wait.into()) })
            .collect(),
    }
}

fn log(reader: &mut Reader<'_>, parameters: &mut Section, folder: &str) -> LogSettings {
    let mut file = |key: &str| {
        let setting = parameters.take(key).filter(|setting| !setting.value.is_empty())?;
        let text = native::without_variables(reader, &setting)?;
        reader.file(&text, setting.span, folder)
    };
    let mut log =
        LogSettings { stdout: file("AppStdout"), stderr: file("AppStderr"), ..LogSettings::default() };
    let mut number = |key: &str| {
        let setting = parameters.take(key)?;
        Some((reader.number::<u32>(&setting).unwrap_or(0), setting))
    };
    let rotates = number("AppRotateFiles").filter(|(on, _)| *on != 0);
    // Logs are always rotated while the program runs.
    number("AppRotateOnline");
    let [low, high] =
        ["AppRotateBytes", "AppRotateBytesHigh"].map(|key| number(key).map_or(0, |(bytes, _)| bytes));
    let size = u64::from(high) << 32 | u64::from(low);
    log.timestamps = number("AppTimestampLog").is_some_and(|(on, _)| on != 0);
    if rotates.is_some() {
        // Without a size a start begins a new log.
        log.rotate_size = Some(size).filter(|size| *size > 0);
        log.rotate_at_start = size == 0;
    }
    log
}
