//! The command lines of shawl 1.9: `shawl add` and `shawl run`, one service for each line.

use std::time::Duration;

use svckit_core::definition::{ExitAction, RestartPolicy, RestartWhen, Rung, StopAction, StopPolicy};
use svckit_core::image_path;
use svckit_core::limits::Priority;
use svckit_core::name::Dependency;
use svckit_core::sort;

use super::ini::Setting;
use super::limits;
use super::native;
use super::reader::Reader;
use crate::definition::{Hosted, LogSettings, ServiceDefinition, Span, StartMode};
use crate::moments::Often;

/// Options that have no value.
const SWITCHES: &str = "restart no-restart no-log no-log-cmd pass-start-args kill-process-tree interactive";

/// shawl runs the program again at once; here is a moment between.
const DELAY: u64 = 1000;

/// The size that shawl rotates a log at, and how many old ones it keeps.
const ROTATION: (u64, u32) = (2 << 20, 2);

pub(super) fn is_line(text: &str) -> bool {
    text.lines().any(|line| words_of(line).is_some())
}

pub(super) fn read(reader: &mut Reader<'_>) -> Vec<ServiceDefinition> {
    let source = reader.source;
    let mut services = Vec::new();
    for (text, span) in source.trimmed_lines() {
        match words_of(text) {
            Some((words, is_added)) => {
                let wrapped = Wrapped::new(reader, &words, span);
                services.extend(wrapped.and_then(|wrapped| wrapped.service(reader, is_added)));
            }
            None if text.is_empty() || text.to_ascii_lowercase().starts_with("rem ") => {}
            None => reader.remark(span, "the line is not mapped", "only shawl add and shawl run are"),
        }
    }
    services
}

/// The words after `shawl add` or `shawl run`, and whether it is the first of them.
fn words_of(line: &str) -> Option<(Vec<String>, bool)> {
    let mut words = image_path::split(line.trim());
    let at = words.iter().position(|word| {
        let name = word.rsplit(['\\', '/']).next().unwrap_or_default();
        name.eq_ignore_ascii_case("shawl") || name.eq_ignore_ascii_case("shawl.exe")
    })?;
    let is_added = match words.get(at + 1)?.as_str() {
        "add" => true,
        "run" => false,
        _ => return None,
    };
    Some((words.split_off(at + 2), is_added))
}

/// The options with the command.
struct Wrapped {
    span: Span,
    options: Vec<Setting>,
    command: Vec<String>,
}

impl Wrapped {
    fn new(reader: &mut Reader<'_>, words: &[String], span: Span) -> Option<Self> {
        let mut options = Vec::new();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if word == "--" {
                return Some(Self { span, options, command: rest.cloned().collect() });
            }
            let Some(option) = word.strip_prefix("--") else {
                reader.wrong(span, format!("{word:?} is no option of shawl"), "write -- before the command");
                return None;
            };
            let (key, value) = match option.split_once('=') {
                Some((key, value)) => (key, value.to_owned()),
                None if SWITCHES.split_whitespace().any(|switch| switch == option) => (option, String::new()),
                None => (option, rest.next().cloned().unwrap_or_default()),
            };
            options.push(Setting { key: key.to_owned(), key_span: span, value, span });
        }
        reader.wrong(span, "the command is missing", "write -- PROGRAM ARGUMENTS at the end");
        None
    }

    fn take_all(&mut self, key: &str) -> Vec<Setting> {
        self.options.extract_if(.., |option| option.key == key).collect()
    }

    fn take(&mut self, key: &str) -> Option<Setting> {
        self.take_all(key).pop()
    }

    fn number<N: std::str::FromStr>(&mut self, reader: &mut Reader<'_>, key: &str, default: N) -> N {
        let setting = self.take(key);
        setting.and_then(|setting| reader.number(&setting)).unwrap_or(default)
    }

    fn service(mut self, reader: &mut Reader<'_>, is_added: bool) -> Option<ServiceDefinition> {
        let name = match self.take("name") {
            Some(name) => name.value,
            None if !is_added => "Shawl".to_owned(),
            None => {
                reader.wrong(self.span, "shawl add needs a name", "write --name NAME");
                return None;
            }
        };
        let name = reader.service_name(&name, self.span)?;
        let program = self.command.first().cloned().unwrap_or_default();
        let folder = native::folder_of(reader.platform, &program);
        let directory = match self.take("cwd") {
            Some(cwd) => cwd.value,
            None => {
                let which = if folder.is_empty() { "this file" } else { "its program" };
                let message = format!("{name} has no --cwd: it runs in the folder of {which}");
                reader.remark(self.span, message, "shawl runs it in System32");
                folder
            }
        };
        let base = reader.folder();
        let directory = reader.path(&directory, self.span, &base)?;
        let mut program = reader.program(std::mem::take(&mut self.command), self.span, directory)?;
        for option in self.take_all("env") {
            native::variables(reader, &option, &mut program.environment);
        }
        let mut hosted = Hosted::new(program, reader.platform);
        hosted.restart = self.restart(reader);
        let wait = Duration::from_millis(self.number(reader, "stop-timeout", 3000_u32).into());
        hosted.stop = StopPolicy { ladder: vec![Rung { action: StopAction::CtrlC, wait }] };
        hosted.log = self.log(reader, name.as_str(), &base);
        let setting = self.take("priority");
        hosted.limits.priority = setting
            .and_then(|setting| limits::priority(reader, &setting))
            .filter(|one| *one != Priority::Normal);
        let mut service = ServiceDefinition::new(name, hosted);
        // What shawl adds is started by hand until somebody says otherwise.
        service.start = is_added.then_some(StartMode::Manual);
        for names in self.take_all("dependencies") {
            for needed in names.value.split(',').filter(|needed| !needed.is_empty()) {
                match Dependency::new(needed) {
                    Ok(dependency) => service.dependencies.push(dependency),
                    Err(error) => reader.wrong(self.span, error.to_string(), "write the name of a service"),
                }
            }
        }
        self.rest(reader);
        Some(service)
    }

    /// Restarts without an end and with pauses that are always the same.
    fn restart(&mut self, reader: &mut Reader<'_>) -> RestartPolicy {
        let delay = Duration::from_millis(self.number(reader, "restart-delay", DELAY).min(86_400_000));
        let mut policy = RestartPolicy {
            delay,
            factor: 1.0,
            max_delay: delay.max(Duration::from_secs(300)),
            reset_after: Duration::ZERO,
            ..RestartPolicy::default()
        };
        let passed = match self.take("pass") {
            Some(setting) => codes(reader, &setting),
            None => vec![0],
        };
        let (only, never) = (self.take("restart-if"), self.take("restart-if-not"));
        let ends = |code: i32| if passed.contains(&code) { ExitAction::Stop } else { ExitAction::Fail };
        if self.take("restart").is_some() {
            policy.when = RestartWhen::Always;
            return policy;
        }
        if let Some(setting) = never {
            policy.when = RestartWhen::Always;
            policy.exit_codes = sort::map(codes(reader, &setting).into_iter().map(|code| (code, ends(code))));
            return policy;
        }
        if self.take("no-restart").is_some() || only.is_some() {
            policy.when = RestartWhen::Never;
            policy.exit_codes = sort::map(passed.iter().map(|code| (*code, ExitAction::Stop)));
            let again = only.map_or_else(Vec::new, |setting| codes(reader, &setting));
            policy.exit_codes.extend(again.into_iter().map(|code| (code, ExitAction::Restart)));
        }
        if !passed.contains(&0) {
            policy.exit_codes.entry(0).or_insert(ExitAction::Fail);
        }
        policy
    }

    fn log(&mut self, reader: &mut Reader<'_>, name: &str, base: &str) -> LogSettings {
        let mut log = LogSettings { rotate_size: Some(ROTATION.0), ..LogSettings::default() };
        if let Some(setting) = self.take("log-rotate") {
            let daily_or_hourly = ["daily", "hourly"].contains(&setting.value.as_str());
            log.rotate_size = setting.value.strip_prefix("bytes=").and_then(|bytes| bytes.parse().ok());
            log.rotate_time = Often::read(&setting.value).filter(|_| daily_or_hourly).map(Often::begin);
            if log.rotate_size.is_none() && log.rotate_time.is_none() {
                let message = format!("--log-rotate {} is not mapped", setting.value);
                reader.remark(self.span, message, "write [service.NAME.log] rotate = { size = \"10MB\" }");
            }
        }
        let count = self.number(reader, "log-retain", ROTATION.1);
        let is_rotated = log.rotate_size.is_some() || log.rotate_time.is_some();
        log.keep_count = is_rotated.then_some(count.min(100_000));
        let file = self.take("log-cmd-as").map_or_else(|| name.to_owned(), |setting| setting.value);
        if let Some(folder) = self.take("log-dir") {
            let path = reader.path(&folder.value, self.span, base);
            log.stdout = path.map(|folder| {
                let folder = folder.to_string_lossy().into_owned();
                crate::winservice::path::below(reader.platform, &folder, &[&format!("{file}.log")]).into()
            });
            log.stderr.clone_from(&log.stdout);
        }
        log
    }

    /// What is always so, and what svckit has nothing for.
    fn rest(mut self, reader: &mut Reader<'_>) {
        for always in ["pass-start-args", "kill-process-tree"] {
            self.take(always);
        }
        for option in self.options {
            let help = match option.key.as_str() {
                "no-log" | "no-log-cmd" => "output is always kept: svc logs",
                "log-as" => "svc events has what happens to the service",
                "path" | "path-prepend" => {
                    "write the program with its whole path, or set PATH in environment"
                }
                "interactive" => "svc debug runs the program in a console",
                _ => {
                    let message = format!("--{} is not known, and not mapped", option.key);
                    reader.remark(self.span, message, "see what it is for, and whether the service needs it");
                    continue;
                }
            };
            reader.remark(self.span, format!("--{} is not mapped", option.key), help);
        }
    }
}

fn codes(reader: &mut Reader<'_>, setting: &Setting) -> Vec<i32> {
    let each = setting.value.split(',').map(|word| Setting { value: word.to_owned(), ..setting.clone() });
    each.filter_map(|one| reader.number(&one)).collect()
}
