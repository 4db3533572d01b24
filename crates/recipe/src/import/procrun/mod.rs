//! procrun's services (Apache Commons Daemon 1.6): from the registry, or from the commands that make them.

mod command;
mod java;
mod parameters;

use std::path::Path;
use std::time::Duration;

use svckit_core::definition::{RestartPolicy, RestartWhen, Rung, StopAction, StopPolicy};
use svckit_core::name::ServiceName;

use super::ini::{Section, Setting};
use super::reader::Reader;
use super::{native, registry};
use crate::definition::{Hosted, LogSettings, ServiceDefinition, Span};
use crate::moments::Often;
use crate::winservice::path;
use parameters::PARAMETERS;

/// What a service has of which kind of settings.
struct Found {
    name: String,
    span: Span,
    /// Those of the service control manager; `None` if the file has none of them.
    native: Option<Section>,
    /// Those of procrun, by the names that its commands have for them.
    parameters: Section,
}

impl Found {
    fn of_registry(name: &str, span: Span) -> Self {
        Self { name: name.to_owned(), span, native: None, parameters: Section::new(name, span) }
    }

    /// What is installed by a command is started by hand until one says otherwise.
    fn of_command(name: &str, span: Span) -> Self {
        Self { native: Some(Section::new(name, span)), ..Self::of_registry(name, span) }
    }

    /// Moves what a command says of the service itself to where the registry would have it.
    fn native(&mut self) {
        let Some(native) = &mut self.native else { return };
        let manual =
            Setting { key: String::new(), key_span: self.span, value: "manual".to_owned(), span: self.span };
        for (from, to) in
            [("Description", "Description"), ("DisplayName", "DisplayName"), ("ServiceUser", "ObjectName")]
        {
            native_setting(native, to, self.parameters.take(from));
        }
        native_setting(native, "DependOnService", self.parameters.take("DependsOn"));
        if native.last_of("Start").is_none() {
            let startup = self.parameters.take("Startup").unwrap_or(manual);
            let value = match startup.value.to_ascii_lowercase().as_str() {
                "auto" => "2".to_owned(),
                "delayed" => "SERVICE_DELAYED_AUTO_START".to_owned(),
                "manual" => "3".to_owned(),
                _ => startup.value.clone(),
            };
            native_setting(native, "Start", Some(Setting { value, ..startup }));
        }
        native_setting(native, "Type", self.parameters.take("Type"));
        self.parameters.take("Install");
    }
}

fn native_setting(native: &mut Section, key: &str, setting: Option<Setting>) {
    if let Some(setting) = setting {
        native.push(Setting { key: key.to_owned(), ..setting });
    }
}

/// Whether it is an export with keys of procrun.
pub(super) fn is_export(text: &str) -> bool {
    registry::HEADERS.iter().any(|header| text.starts_with(header))
        && text.to_ascii_lowercase().contains(ROOT)
}

/// Whether a text has a command of procrun.
pub(super) fn is_command(text: &str) -> bool {
    text.lines().any(command::is_command)
}

/// What is before a service's name in the path of its key.
const ROOT: &str = "\\apache software foundation\\procrun 2.0\\";

pub(super) fn read(reader: &mut Reader<'_>) -> Vec<ServiceDefinition> {
    let is_registry = registry::HEADERS.iter().any(|header| reader.source.text().starts_with(header));
    let found = if is_registry { of_registry(reader) } else { command::read(reader) };
    found.into_iter().filter_map(|service| definition(reader, service, is_registry)).collect()
}

fn of_registry(reader: &mut Reader<'_>) -> Vec<Found> {
    let sections = registry::read(reader);
    let mut found: Vec<Found> = Vec::new();
    for section in &sections {
        let Some((name, _)) = key_of(&section.name) else { continue };
        if !found.iter().any(|service| service.name.eq_ignore_ascii_case(name)) {
            found.push(Found::of_registry(name, section.span));
        }
    }
    for section in sections {
        let own = key_of(&section.name);
        let (name, below) = match own.or_else(|| native::key_of(&section.name)) {
            Some((name, below)) => (name, below.to_ascii_lowercase()),
            None if section.keys().is_empty() => continue,
            None => {
                reader.remark(section.span, "the key is none of procrun or of a service, and not mapped", "");
                continue;
            }
        };
        let service = found.iter_mut().find(|service| service.name.eq_ignore_ascii_case(name));
        match (service, own, below.as_str()) {
            (Some(service), Some(_), _) => stored(reader, section, &below, service),
            (Some(service), None, "") => service.native = Some(section),
            _ if section.keys().is_empty() => {}
            (Some(_), None, _) => native::subkey(reader, &section, &below),
            (None, ..) => {
                let message = format!("{name} is not one of procrun's services, and not mapped");
                reader.remark(section.span, message, "svc import takes the services that procrun runs");
            }
        }
    }
    found
}

/// The name of a service, and what is below its key.
fn key_of(path: &str) -> Option<(&str, &str)> {
    let at = path.to_ascii_lowercase().find(ROOT)? + ROOT.len();
    let (name, below) = path.get(at..)?.split_once('\\').unwrap_or((path.get(at..)?, ""));
    (!name.is_empty()).then_some((name, below))
}

/// Takes over the values of one of procrun's keys.
fn stored(reader: &mut Reader<'_>, section: Section, below: &str, service: &mut Found) {
    let key = below.strip_prefix("parameters").map(|key| key.trim_start_matches('\\'));
    for setting in section.rest() {
        let parameter = PARAMETERS.iter().find(|parameter| {
            parameter.stored.is_some_and(|(folder, value)| {
                key.is_some_and(|key| key.eq_ignore_ascii_case(folder))
                    && value.eq_ignore_ascii_case(&setting.key)
            })
        });
        match parameter {
            Some(parameter) => {
                if parameter.name.ends_with("Password") {
                    reader.hide(setting.span, &setting.value);
                }
                service.parameters.push(Setting { key: parameter.name.to_owned(), ..setting });
            }
            None => reader.unmapped(&setting, &[], ""),
        }
    }
}

fn definition(reader: &mut Reader<'_>, mut found: Found, is_registry: bool) -> Option<ServiceDefinition> {
    if !is_registry {
        found.native();
    }
    let parameters = &mut found.parameters;
    let program = java::program(reader, parameters, found.span);
    let name = reader.service_name(&found.name, found.span);
    let (mut program, name) = (program?, name?);
    if let Some(setting) = parameters.take("Environment") {
        native::variables(reader, &setting, &mut program.environment);
    }
    let mut hosted = Hosted::new(program, reader.platform);
    // procrun ends with its program, and what follows is up to the service control manager.
    hosted.restart = RestartPolicy { when: RestartWhen::Never, ..RestartPolicy::default() };
    let timeout = parameters.take("StopTimeout").and_then(|setting| reader.number::<u32>(&setting));
    let wait = Duration::from_secs(timeout.filter(|seconds| *seconds != 0).unwrap_or(60).into());
    hosted.stop = StopPolicy { ladder: vec![Rung { action: StopAction::CtrlC, wait }] };
    hosted.log = log(reader, parameters, &name, &hosted.program.directory)?;
    let mut service = ServiceDefinition::new(name, hosted);
    match found.native {
        Some(native) => native::read(reader, native, &mut service),
        None => {
            let message = "when the service starts, its account and its dependencies are in another key";
            let help =
                "reg export HKLM\\SYSTEM\\CurrentControlSet\\Services\\NAME too, and put both into one file";
            reader.remark(found.span, message, help);
        }
    }
    for setting in found.parameters.rest() {
        reader.unmapped(&setting, parameters::ADVICE, parameters::MAPPED);
    }
    Some(service)
}

/// `auto` is a file of the service's own for each day in the folder of procrun's log; here it is one for all.
fn log(
    reader: &mut Reader<'_>,
    parameters: &mut Section,
    name: &ServiceName,
    directory: &Path,
) -> Option<LogSettings> {
    let base = directory.to_string_lossy().into_owned();
    let folder = match parameters.take("LogPath").filter(|setting| !setting.value.is_empty()) {
        Some(setting) => Some(native::without_variables(reader, &setting)?),
        None => None,
    };
    let mut rotate_time = None;
    let mut file = |key: &str, stream: &str| {
        let Some(setting) = parameters.take(key).filter(|setting| !setting.value.is_empty()) else {
            return Some(None);
        };
        if !setting.value.eq_ignore_ascii_case("auto") {
            let text = native::without_variables(reader, &setting)?;
            return reader.file(&text, setting.span, &base).map(Some);
        }
        // A file for each day.
        rotate_time = Often::read("daily").map(Often::begin);
        let Some(folder) = &folder else { return Some(None) };
        let name = format!("{}-{stream}.log", name.as_str().to_lowercase());
        reader.file(&path::below(reader.platform, folder, &[&name]), setting.span, &base).map(Some)
    };
    let (stdout, stderr) = (file("StdOutput", "stdout")?, file("StdError", "stderr")?);
    // Without a file of its own standard error goes where standard output does.
    let stderr = stderr.or_else(|| stdout.clone());
    Some(LogSettings { stdout, stderr, rotate_time, ..LogSettings::default() })
}
