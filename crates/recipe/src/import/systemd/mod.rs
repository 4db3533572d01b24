//! A service unit of systemd, as of systemd 257: `NAME.service` is the service `NAME`.

mod advice;
mod command;
mod limits;
mod restart;
mod text;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use svckit_core::control::Control;
use svckit_core::definition::{ControlAction, Rung, StopAction, StopPolicy};
use svckit_core::health::HealthPolicy;
use svckit_core::name::Dependency;
use svckit_core::probe::{ReadyPolicy, ReadyWhen};
use svckit_core::signal::Signal;
use svckit_core::sort;
use svckit_core::tree::TreePolicy;

use super::ini::{self, Dialect, Section, Setting};
use super::reader::Reader;
use crate::definition::{Hosted, LogSettings, ServiceDefinition, Span, StartMode};
use text::Specifiers;

/// How long a program has to stop in a unit that says nothing.
const STOP_TIMEOUT: Duration = Duration::from_secs(90);

/// How long a program has to start in a unit that says nothing.
const START_TIMEOUT: Duration = Duration::from_secs(90);

/// What stands for "for ever", which the stop ladder has not.
const LONG: Duration = Duration::from_secs(24 * 3600);

pub(super) fn read(reader: &mut Reader<'_>) -> Option<ServiceDefinition> {
    let specifiers = Specifiers::of(reader)?;
    let mut sections = ini::read(reader, Dialect::Systemd);
    let mut section = |name: &str| {
        let at = sections.iter().position(|section| section.name == name)?;
        Some(sections.remove(at))
    };
    let (unit, install) = (section("Unit"), section("Install"));
    let Some(service) = section("Service") else {
        reader.wrong(
            Span::default(),
            "the unit has no section [Service]",
            "only service units can be imported",
        );
        return None;
    };
    for other in sections {
        let message = format!("[{}] is not known, and not mapped: {}", other.name, other.keys().join(", "));
        reader.remark(other.span, message, "see what it is for, and whether the service needs it");
    }
    let unit = unit.unwrap_or_default();
    let mut file = Unit { reader, specifiers, unit, service, reloads_by_signal: false };
    let mut definition = file.definition()?;
    let Unit { reader, unit, service, .. } = file;
    definition.start = Some(install.map_or(StartMode::Manual, |section| install_section(reader, section)));
    for setting in unit.rest() {
        advice::unmapped(reader, &setting, advice::UNIT, advice::UNIT_MAPPED);
    }
    for setting in service.rest() {
        advice::unmapped(reader, &setting, advice::SERVICE, advice::SERVICE_MAPPED);
    }
    Some(definition)
}

/// What is enabled starts with the system.
fn install_section(reader: &mut Reader<'_>, mut section: Section) -> StartMode {
    let mut start = StartMode::Manual;
    for key in ["WantedBy", "RequiredBy", "UpheldBy"] {
        for setting in section.take_all(key) {
            for unit in setting.value.split_whitespace() {
                if unit.ends_with(".target") {
                    start = StartMode::Auto;
                } else {
                    let message = format!("{key}={unit} is not mapped");
                    reader.remark(setting.span, message, "write it as depends-on of that service");
                }
            }
        }
    }
    for setting in section.rest() {
        advice::unmapped(reader, &setting, advice::INSTALL, "WantedBy RequiredBy UpheldBy");
    }
    start
}

/// A unit on the way to a service.
struct Unit<'r, 'a> {
    reader: &'r mut Reader<'a>,
    specifiers: Specifiers,
    unit: Section,
    service: Section,
    /// Whether SIGHUP makes the program read its configuration again.
    reloads_by_signal: bool,
}

impl Unit<'_, '_> {
    fn definition(&mut self) -> Option<ServiceDefinition> {
        let name = self.specifiers.name();
        let name = self.reader.service_name(&name, Span::default())?;
        let directory = self.directory()?;
        let environment = self.environment();
        let values = sort::map(environment.iter().map(|(name, (value, _))| (name.clone(), value.clone())));
        let mut program = command::exec_start(self, &values, directory.clone())?;
        for (name, (value, span)) in environment {
            self.reader.variable(&mut program.environment, (&name, &value), span);
        }
        program.environment_files = self.environment_files();
        let mut hosted = Hosted::new(program, self.reader.platform);
        let start = self.start_timeout();
        hosted.ready = self.ready(start);
        hosted.health = self.watchdog();
        hosted.tree = self.tree();
        let description = self.text("Description").filter(|text| !text.is_empty());
        let dependencies = self.dependencies();
        let account = self.service_text("User").filter(|user| !user.is_empty());
        hosted.restart = restart::policy(self);
        hosted.stop = self.stop();
        hosted.limits = limits::read(self);
        hosted.log = self.log();
        let stop = hosted.stop.ladder.last().map_or(STOP_TIMEOUT, |rung| rung.wait);
        hosted.hooks = command::hooks(self, &values, &directory, (start, stop));
        let reload = command::reload(self, &values, &directory, start);
        let reload = reload.or(self.reloads_by_signal.then_some(ControlAction::Signal(Signal::Hup)));
        hosted.controls.extend(reload.map(|action| (Control::PARAMCHANGE.0, action)));
        let definition = ServiceDefinition::new(name, hosted);
        Some(ServiceDefinition { description, dependencies, account, ..definition })
    }

    /// How long a start may take: what is before the program, and until it says that it is ready.
    fn start_timeout(&mut self) -> Duration {
        // That of both is taken for the stop.
        let both = self.service.last_of("TimeoutSec").map(|setting| setting.value.clone());
        let both = both.and_then(|value| text::time(&value));
        let is_used = self.service.last_of("Type").is_some_and(|kind| kind.value.starts_with("notify"))
            || ["ExecStartPre", "ExecStartPost"].iter().any(|key| self.service.last_of(key).is_some());
        let own = if is_used { self.time(&["TimeoutStartSec"]) } else { None };
        let time = own.or(both).unwrap_or(START_TIMEOUT);
        if time.is_zero() || time > LONG { LONG } else { time }
    }

    /// By what it is known that the program is ready.
    fn ready(&mut self, timeout: Duration) -> Option<ReadyPolicy> {
        let kind = self.service.last_of("Type").map(|setting| setting.value.clone())?;
        if !self.can_notify() || !matches!(&*kind, "notify" | "notify-reload") {
            return None;
        }
        self.reloads_by_signal = kind == "notify-reload";
        Some(ReadyPolicy { when: ReadyWhen::Notify, timeout, interval: None })
    }

    fn can_notify(&self) -> bool {
        self.reader.platform.has_signals()
    }

    /// How often the program has to say that it is alive; zero and infinity are never.
    fn watchdog(&mut self) -> Option<HealthPolicy> {
        if !self.can_notify() {
            return None;
        }
        let limit = self.time(&["WatchdogSec"])?;
        (!limit.is_zero() && limit <= LONG).then_some(HealthPolicy::Notify(limit))
    }

    /// A text of `[Unit]` with specifiers replaced.
    fn text(&mut self, key: &str) -> Option<String> {
        let setting = self.unit.take(key)?;
        self.specifiers.replace(self.reader, &setting.value, setting.span)
    }

    /// A text of `[Service]` with specifiers replaced.
    fn service_text(&mut self, key: &str) -> Option<String> {
        let setting = self.service.take(key)?;
        self.specifiers.replace(self.reader, &setting.value, setting.span)
    }

    /// A span of time of `[Service]` or, for what was moved there, of `[Unit]`.
    fn time(&mut self, keys: &[&str]) -> Option<Duration> {
        let found =
            keys.iter().filter_map(|key| self.service.take(key).or_else(|| self.unit.take(key))).last()?;
        let time = text::time(&found.value);
        if time.is_none() {
            let message = format!("{} can't be {:?}", found.key, found.value);
            self.reader.wrong(found.span, message, "write a time such as 30, 5min 20s or infinity");
        }
        time
    }

    /// What becomes of the processes that the program starts.
    fn tree(&mut self) -> TreePolicy {
        let forks = self.kind();
        let Some(setting) = self.service.take("KillMode") else {
            return if forks { TreePolicy::Follow } else { TreePolicy::Kill };
        };
        match setting.value.as_str() {
            "control-group" if forks => TreePolicy::Follow,
            "control-group" => TreePolicy::Kill,
            "process" if !forks => TreePolicy::Leave(vec!["*".to_owned()]),
            mode => {
                let message = format!("KillMode={mode} is not mapped");
                let help = "all that the program started gets the signal, and what is left is ended by force";
                self.reader.remark(setting.span, message, help);
                if forks { TreePolicy::Follow } else { TreePolicy::Kill }
            }
        }
    }

    /// Whether the program leaves its service to a process that it starts.
    fn kind(&mut self) -> bool {
        let Some(setting) = self.service.take("Type") else { return false };
        let help = match setting.value.as_str() {
            "simple" | "exec" | "idle" | "" => return false,
            "forking" => return true,
            "notify" | "notify-reload" if self.can_notify() => return false,
            "oneshot" => {
                "the service is stopped as soon as its program has ended; say restart.when = \"never\""
            }
            "notify" | "notify-reload" | "dbus" => {
                "the service counts as ready when its program runs; say ready.tcp for more"
            }
            _ => "see systemd.service(5)",
        };
        let message = format!("Type={} is not mapped", setting.value);
        self.reader.remark(setting.span, message, help);
        false
    }

    /// The working directory; of a system's unit it is `/` if nothing else is said.
    fn directory(&mut self) -> Option<PathBuf> {
        let Some(setting) = self.service.take("WorkingDirectory") else { return Some(PathBuf::from("/")) };
        let text = self.specifiers.replace(self.reader, &setting.value, setting.span)?;
        let path = match text.strip_prefix('-') {
            Some(path) => {
                let message = "the folder has to be there: - before it is not mapped";
                self.reader.remark(setting.span, message, "");
                path
            }
            None => text.as_str(),
        };
        if path == "~" {
            let help = "write the folder itself";
            self.reader.wrong(setting.span, "the home directory of the user is not said in this file", help);
            return None;
        }
        self.reader.path(if path.is_empty() { "/" } else { path }, setting.span, "/")
    }

    /// The variables with where they are; an empty setting makes an end of those before it.
    fn environment(&mut self) -> BTreeMap<String, (String, Span)> {
        let mut variables = BTreeMap::new();
        for setting in self.service.take_all("Environment") {
            if setting.value.is_empty() {
                variables.clear();
            }
            for word in self.words(&setting) {
                match word.split_once('=') {
                    Some((name, value)) => {
                        variables.insert(name.to_owned(), (value.to_owned(), setting.span));
                    }
                    None => {
                        let message = format!("{word:?} is no variable with its value");
                        self.reader.wrong(setting.span, message, "write NAME=value or \"NAME=two words\"");
                    }
                }
            }
        }
        variables
    }

    /// The words of a setting, with quotation marks, escapes and specifiers replaced.
    fn words(&mut self, setting: &Setting) -> Vec<String> {
        let words = text::words(&setting.value);
        let words = words.map_err(|error| self.reader.wrong(setting.span, error, "")).unwrap_or_default();
        let replaced = words.iter().map(|word| self.specifiers.replace(self.reader, word, setting.span));
        replaced.collect::<Option<_>>().unwrap_or_default()
    }

    fn environment_files(&mut self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for setting in self.service.take_all("EnvironmentFile") {
            let Some(text) = self.specifiers.replace(self.reader, &setting.value, setting.span) else {
                continue;
            };
            let path = text.strip_prefix('-').unwrap_or(&text);
            if path.is_empty() {
                files.clear();
                continue;
            }
            if path.contains(['*', '?', '[']) {
                let message = "a pattern for several files is not mapped";
                self.reader.remark(setting.span, message, "list the files as environment-file");
                continue;
            }
            if path.len() < text.len() {
                let message = "the file has to be there: - before it is not mapped";
                self.reader.remark(
                    setting.span,
                    message,
                    "make an empty file, or leave environment-file out",
                );
            }
            files.extend(self.reader.path(path, setting.span, "/"));
        }
        files
    }

    /// Services that this one needs. What only says in which order they start says nothing about one that is needed anyway.
    fn dependencies(&mut self) -> Vec<Dependency> {
        let mut dependencies: Vec<Dependency> = Vec::new();
        for key in ["Requires", "BindsTo", "Requisite", "Wants", "After"] {
            for setting in self.unit.take_all(key) {
                for unit in setting.value.split_whitespace() {
                    self.dependency(&setting, unit, &mut dependencies);
                }
            }
        }
        dependencies
    }

    fn dependency(&mut self, setting: &Setting, unit: &str, dependencies: &mut Vec<Dependency>) {
        let Some(unit) = self.specifiers.replace(self.reader, unit, setting.span) else { return };
        let key = setting.key.as_str();
        let Some(name) = unit.strip_suffix(".service") else {
            let help = "svckit has services only; one that needs the network is run again until it is there";
            return self.reader.remark(setting.span, format!("{key}={unit} is not mapped"), help);
        };
        let Some(name) = self.reader.service_name(name, setting.span).map(Dependency::Service) else {
            return;
        };
        if dependencies.contains(&name) {
            return;
        }
        if matches!(key, "Wants" | "After") {
            let help = "write depends-on if it is a service of svckit and has to run before this one";
            return self.reader.remark(setting.span, format!("{key}={unit} is not mapped"), help);
        }
        let message = format!("depends-on = [\"{name}\"] needs a service {name} in svckit");
        self.reader.remark(setting.span, message, "leave it out if that is still one of systemd's");
        dependencies.push(name);
    }

    fn stop(&mut self) -> StopPolicy {
        let signal = self.service.take("KillSignal").map_or(Signal::Term, |setting| {
            Signal::named(&setting.value).unwrap_or_else(|| {
                let message = format!("{:?} is no signal that svckit sends", setting.value);
                let all: Vec<_> = Signal::ALL.iter().map(|signal| signal.name()).collect();
                self.reader.wrong(setting.span, message, format!("the signals are {}", all.join(", ")));
                Signal::Term
            })
        });
        let mut wait = self.time(&["TimeoutSec", "TimeoutStopSec"]).unwrap_or(STOP_TIMEOUT);
        if wait.is_zero() || wait > LONG {
            let message = "a stop can't take for ever: after a day the program is ended by force";
            self.reader.remark(self.service.span, message, "write another time in [service.NAME.stop]");
            wait = LONG;
        }
        let hang_up = self.service.take("SendSIGHUP").and_then(|setting| self.reader.boolean(&setting));
        let mut ladder = vec![Rung { action: StopAction::Signal(signal), wait }];
        if hang_up == Some(true) {
            ladder[0].wait = Duration::ZERO;
            ladder.push(Rung { action: StopAction::Signal(Signal::Hup), wait });
        }
        StopPolicy { ladder }
    }

    fn log(&mut self) -> LogSettings {
        let stdout = self.output("StandardOutput", None);
        let stderr = self.output("StandardError", stdout.as_ref());
        LogSettings { stdout, stderr, ..LogSettings::default() }
    }

    /// The file that a stream goes to.
    fn output(&mut self, key: &str, inherited: Option<&PathBuf>) -> Option<PathBuf> {
        let Some(setting) = self.service.take(key) else { return inherited.cloned() };
        let value = setting.value.as_str();
        match value.split_once(':') {
            Some(("file" | "append" | "truncate", path)) => {
                let path = self.specifiers.replace(self.reader, path, setting.span)?;
                return self.reader.file(&path, setting.span, "/");
            }
            None if matches!(value, "inherit" | "") => return inherited.cloned(),
            None if value == "journal" => return None,
            _ => {}
        }
        let help = "the output goes to the service's log: svc logs";
        self.reader.remark(setting.span, format!("{key}={value} is not mapped"), help);
        None
    }
}
