//! Writing a definition file: what [`super::parse`] reads back as the same services.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use svckit_core::control::Control;
use svckit_core::definition::{ControlAction, PasswordSource, RestartPolicy, SecretSource, StopAction};
use svckit_core::failure::{FailureActions, ResetPeriod};
use svckit_core::health::{AskPolicy, HealthPolicy};
use svckit_core::hook::{Errand, Hook, Hooks, Moment};
use svckit_core::kind::{ErrorControl, LaunchProtection, SidType};
use svckit_core::limits::Limits;
use svckit_core::name::ServiceName;
use svckit_core::probe::{ReadyPolicy, ReadyWhen};
use svckit_core::sort;
use svckit_core::target::Target;
use svckit_core::timetable::{Occasion, Timetable};
use svckit_core::tree::TreePolicy;
use svckit_core::units::written_size;
use toml_writer::{ToTomlKey, ToTomlValue, WriteTomlValue};

use super::{controls, health, hooks, limits, log, parse, ready, recovery, restart, service, stop, windows};
use crate::definition::{Hosted, LogSettings, Places, Process, Runs, ServiceDefinition, StartMode};
use crate::file::MAX_FILE;
use crate::moments;
use crate::platform::Platform;
use crate::units::written_duration;

/// A line longer than this is not made of several values if it can be helped.
const WIDTH: usize = 100;

/// Why services can't be written as a definition file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// One of them has something that the file has no words for.
    #[error("service {:?} can't be written as a definition: {reason}", service.as_str())]
    Service {
        /// Which.
        service: ServiceName,
        /// What it is.
        reason: String,
    },
    /// Each can be written, but not all in one file.
    #[error("the services can't be written as one definition: {0}")]
    Together(String),
}

/// The text of a definition file for these services: of each every key whose value is not the default, with absolute paths, always in the same order.
///
/// Reading the text gives the same services, but for where they are in the file, and for the form of paths without `.` and double separators. What can't be read
/// back as it was is an error.
pub fn write(services: &[ServiceDefinition], platform: Platform) -> Result<String, Unwritable> {
    let mut whole = String::new();
    for service in services {
        let fail = |reason| Unwritable::Service { service: service.name.clone(), reason };
        let text = one(service, platform).map_err(fail)?;
        proved(service, &text, platform).map_err(fail)?;
        if !whole.is_empty() {
            whole.push('\n');
        }
        whole.push_str(&text);
    }
    if whole.len() > MAX_FILE {
        let reason =
            "the file would be larger than 1 MiB, which is the most that is read; write fewer of them";
        return Err(Unwritable::Together(reason.to_owned()));
    }
    if services.len() > 1 {
        read(services, &whole, platform).map_err(Unwritable::Together)?;
    }
    Ok(whole)
}

/// Makes sure that the text of a service is read as that service.
fn proved(service: &ServiceDefinition, text: &str, platform: Platform) -> Result<(), String> {
    let read = read(std::slice::from_ref(service), text, platform)?;
    let wanted = plain(service);
    match read.first() {
        Some(read) if *read == wanted => Ok(()),
        Some(read) => Err(format!("{} would not be the same when it is read", difference(read, &wanted))),
        None => Err("nothing would be read".to_owned()),
    }
}

/// What the text is read as, without the places.
fn read(
    services: &[ServiceDefinition],
    text: &str,
    platform: Platform,
) -> Result<Vec<ServiceDefinition>, String> {
    let hosted = services.iter().find_map(ServiceDefinition::hosted);
    // Without a program nothing is relative to it.
    let file = hosted.map_or_else(PathBuf::new, |hosted| hosted.program.directory.join("service.toml"));
    let read = parse(file, text, platform).map_err(|wrong| {
        let first = wrong.iter().next().map(|diagnostic| diagnostic.message.clone());
        first.unwrap_or_default()
    })?;
    Ok(read.services.iter().map(plain).collect())
}

/// The service with paths in their plain form, and nowhere in a file.
fn plain(service: &ServiceDefinition) -> ServiceDefinition {
    let clean = |path: &PathBuf| super::section::clean(path);
    let mut plain = ServiceDefinition { places: Places::default(), ..service.clone() };
    if let Some(PasswordSource::File(file)) = &mut plain.password {
        *file = clean(file);
    }
    if let Some(hosted) = plain.hosted_mut() {
        make_plain(hosted);
    }
    plain
}

/// Puts the paths of a program and its policy into their plain form.
fn make_plain(plain: &mut Hosted) {
    let clean = |path: &PathBuf| super::section::clean(path);
    plain.program.directory = clean(&plain.program.directory);
    plain.program.environment_files = plain.program.environment_files.iter().map(clean).collect();
    for SecretSource::File(file) in plain.program.secrets.values_mut() {
        *file = clean(file);
    }
    if let Some(ReadyPolicy { when: ReadyWhen::File(file), .. }) = &mut plain.ready {
        *file = clean(file);
    }
    plain.log.stdout = plain.log.stdout.as_ref().map(clean);
    plain.log.stderr = plain.log.stderr.as_ref().map(clean);
    let hooks = plain.hooks.values_mut().flat_map(Hooks::as_mut_slice).map(|hook| &mut hook.errand.command);
    let rungs = plain.stop.ladder.iter_mut().filter_map(|rung| match &mut rung.action {
        StopAction::Command(command) => Some(command),
        _ => None,
    });
    let acting = plain.controls.values_mut().chain(plain.system_events.values_mut());
    let controls = acting.filter_map(|action| match action {
        ControlAction::Command(errand) => Some(&mut errand.command),
        ControlAction::Signal(_) | ControlAction::Http(_) => None,
    });
    let ready = plain.ready.as_mut().and_then(|ready| match &mut ready.when {
        ReadyWhen::Ask(Target::Command(command)) => Some(command),
        _ => None,
    });
    let health = plain.health.as_mut().and_then(|health| match health {
        HealthPolicy::Ask(AskPolicy { target: Target::Command(command), .. }) => Some(command),
        _ => None,
    });
    let own = Some(&mut plain.program.command);
    let commands = hooks.chain(rungs).chain(controls).chain(ready).chain(health).chain(own);
    for command in commands {
        if let Some(program) = command.first_mut()
            && let Some(path) = Some(Path::new(program)).filter(|path| path.is_absolute())
        {
            *program = super::section::clean(path).to_string_lossy().into_owned();
        }
    }
}

/// What of the two differs, in words.
fn difference(one: &ServiceDefinition, other: &ServiceDefinition) -> &'static str {
    let hosted = match (&one.runs, &other.runs) {
        (Runs::Hosted(one), Runs::Hosted(other)) => hosted_difference(one, other),
        (one, other) => (one != other).then_some("what is run"),
    };
    let all = [
        (
            "the recovery",
            (&one.recovery, one.recovery_on_error) != (&other.recovery, other.recovery_on_error),
        ),
        ("the preshutdown time-out", one.preshutdown != other.preshutdown),
        ("the triggers", one.triggers != other.triggers),
        ("the preferred node", one.preferred_node != other.preferred_node),
        ("the account", one.account != other.account),
        ("where the account's password is", one.password != other.password),
    ];
    let differing = all.into_iter().find(|(_, differs)| *differs).map(|(what, _)| what);
    hosted.or(differing).unwrap_or("something")
}

/// What of two programs and their policies differs, in words.
fn hosted_difference(one: &Hosted, other: &Hosted) -> Option<&'static str> {
    let all = [
        ("what is run", one.program != other.program),
        ("the restart policy", one.restart != other.restart),
        ("how it is stopped", (&one.stop, &one.tree) != (&other.stop, &other.tree)),
        ("its limits", one.limits != other.limits),
        ("when it is ready", one.ready != other.ready),
        ("how it is known to be alive", one.health != other.health),
        ("where its output goes", one.log != other.log),
        ("what controls do", one.controls != other.controls),
        ("what is done when something happens", one.system_events != other.system_events),
        ("its hooks", one.hooks != other.hooks),
        ("its schedule", one.schedule != other.schedule),
    ];
    all.into_iter().find(|(_, differs)| *differs).map(|(what, _)| what)
}

/// The tables of one service under construction.
struct Tables {
    name: String,
    text: String,
}

/// Lines `key = value` of a table.
#[derive(Default)]
struct Keys(Vec<(String, String)>);

impl Keys {
    fn value(&mut self, key: &str, value: impl ToTomlValue) {
        self.0.push((key.to_owned(), value.to_toml_value()));
    }

    /// A value only if it is not the default.
    fn unless<T: PartialEq + WriteTomlValue>(&mut self, key: &str, default: &T, value: &T) {
        if value != default {
            self.value(key, value);
        }
    }

    fn duration(&mut self, key: &str, default: Duration, value: Duration) -> Result<(), String> {
        if value != default {
            self.value(key, time(value)?);
        }
        Ok(())
    }

    /// One of some words.
    fn word<T: PartialEq>(
        &mut self,
        key: &str,
        words: &[(&str, T)],
        default: &T,
        value: &T,
    ) -> Result<(), String> {
        if value != default {
            self.value(key, word(key, words, value)?);
        }
        Ok(())
    }

    fn path(&mut self, key: &str, path: &Path) -> Result<(), String> {
        self.value(key, absolute(path)?);
        Ok(())
    }

    /// Something that is TOML already.
    fn written(&mut self, key: &str, value: String) {
        self.0.push((key.to_owned(), value));
    }
}

impl Tables {
    /// A table if there is something in it; the service's own is always there.
    fn add(&mut self, section: Option<&str>, keys: Keys) {
        if section.is_some() && keys.0.is_empty() {
            return;
        }
        let (gap, dot) = if section.is_some() { ("\n", ".") } else { ("", "") };
        let Self { name, text } = self;
        // Writing into a string never fails.
        let _ = writeln!(text, "{gap}[service.{name}{dot}{}]", section.unwrap_or_default());
        for (key, value) in keys.0 {
            let _ = writeln!(text, "{} = {value}", key.to_toml_key());
        }
    }
}

fn one(service: &ServiceDefinition, platform: Platform) -> Result<String, String> {
    let mut tables = Tables { name: service.name.as_str().to_toml_key(), text: String::new() };
    let keys = basic(service)?;
    match service.hosted() {
        Some(hosted) => hosted_tables(&mut tables, keys, hosted, platform)?,
        None => tables.add(None, keys),
    }
    tables.add(Some("recovery"), recovery_keys(&service.recovery, service.recovery_on_error)?);
    tables.add(Some("windows"), windows_keys(service)?);
    Ok(tables.text)
}

/// The service's own table, whose other `keys` are there, and those of its program.
fn hosted_tables(
    tables: &mut Tables,
    mut keys: Keys,
    hosted: &Hosted,
    platform: Platform,
) -> Result<(), String> {
    let mut variables = keys_of(&hosted.program.environment);
    for (name, SecretSource::File(file)) in &hosted.program.secrets {
        let source = inline(&[("file".to_owned(), absolute(file)?.to_toml_value())]);
        variables.push((name.clone(), source));
    }
    sort::by(&mut variables, Ord::cmp);
    let environment = inline(&variables);
    let fits = variables.len() < 4 && environment.len() < WIDTH;
    if fits && !variables.is_empty() {
        keys.written("environment", environment);
    }
    tables.add(None, keys);
    if !fits {
        tables.add(Some("environment"), Keys(variables));
    }
    tables.add(Some("restart"), restart_keys(&hosted.restart)?);
    tables.add(Some("stop"), stop_keys(hosted, platform)?);
    if let Some(policy) = &hosted.ready {
        tables.add(Some("ready"), ready_keys(policy)?);
    }
    if let Some(policy) = &hosted.health {
        tables.add(Some("health"), health_keys(policy)?);
    }
    tables.add(Some("limits"), limit_keys(&hosted.limits));
    tables.add(Some("log"), log_keys(&hosted.log)?);
    tables.add(Some("controls"), control_keys(hosted)?);
    tables.add(Some("hooks"), hook_keys(&hosted.hooks)?);
    tables.add(Some("schedule"), schedule_keys(&hosted.schedule)?);
    Ok(())
}

/// The keys of the service's own table, but for the variables.
fn basic(service: &ServiceDefinition) -> Result<Keys, String> {
    let mut keys = Keys::default();
    match &service.runs {
        Runs::Hosted(hosted) => {
            keys.value("run", &hosted.program.command);
            keys.path("directory", &hosted.program.directory)?;
        }
        Runs::BinaryPath(path) => keys.value("binary-path", path.as_str()),
    }
    // Names that differ only in case are equal, but not the same.
    if service.display_name.as_str() != service.name.as_str() {
        keys.value("display-name", service.display_name.as_str());
    }
    if let Some(description) = &service.description {
        keys.value("description", description);
    }
    if let Some(start) = service.start {
        keys.value("start", word("start", StartMode::NAMED, &start)?);
    }
    let dependencies: Vec<_> = service.dependencies.iter().map(ToString::to_string).collect();
    keys.unless("depends-on", &Vec::new(), &dependencies);
    if let Some(account) = &service.account {
        keys.value("account", account);
    }
    if let Some(source) = &service.password {
        let (key, value) = match source {
            PasswordSource::File(file) => ("file", absolute(file)?.to_toml_value()),
            PasswordSource::Environment(name) => ("environment", name.to_toml_value()),
            PasswordSource::Credential(name) => ("credential", name.to_toml_value()),
        };
        keys.written("password", inline(&[(key.to_owned(), value)]));
    }
    keys.word("process", service::PROCESSES, &Process::default(), &service.process)?;
    let files = service.hosted().into_iter().flat_map(|hosted| &hosted.program.environment_files);
    let files = files.map(|file| absolute(file));
    match &files.collect::<Result<Vec<_>, _>>()?[..] {
        [] => {}
        [one] => keys.value("environment-file", one),
        several => keys.value("environment-file", several),
    }
    Ok(keys)
}

fn stop_keys(hosted: &Hosted, platform: Platform) -> Result<Keys, String> {
    let mut keys = Keys::default();
    if hosted.stop != platform.stop() {
        let rungs = hosted.stop.ladder.iter().map(|rung| {
            let wait = time(rung.wait)?.to_toml_value();
            Ok(match &rung.action {
                StopAction::Command(command) => {
                    let command = ("command".to_owned(), command.to_toml_value());
                    inline(&[command, ("wait".to_owned(), wait)])
                }
                StopAction::Http(request) => {
                    let http = ("http".to_owned(), request.to_string().to_toml_value());
                    inline(&[http, ("wait".to_owned(), wait)])
                }
                other => inline(&[(means(other)?, wait)]),
            })
        });
        keys.written("ladder", list(rungs)?);
    }
    match &hosted.tree {
        TreePolicy::Leave(names) => {
            keys.written("tree", inline(&[("leave".to_owned(), names.to_toml_value())]));
        }
        other => keys.word("tree", stop::TREES, &TreePolicy::default(), other)?,
    }
    Ok(keys)
}

fn ready_keys(policy: &ReadyPolicy) -> Result<Keys, String> {
    let mut keys = Keys::default();
    match &policy.when {
        ReadyWhen::Ask(target) => target_key(&mut keys, target),
        ReadyWhen::Log(pattern) => keys.value("log", pattern.as_str()),
        ReadyWhen::File(path) => keys.path("file", path)?,
        ReadyWhen::Notify => keys.value("notify", true),
    }
    keys.duration("timeout", ready::TIMEOUT, policy.timeout)?;
    let usual = matches!(policy.when, ReadyWhen::Ask(Target::Command(_))).then_some(ready::INTERVAL);
    if let Some(interval) = policy.interval.filter(|_| policy.interval != usual) {
        keys.value("interval", time(interval)?);
    }
    Ok(keys)
}

fn restart_keys(policy: &RestartPolicy) -> Result<Keys, String> {
    let default = RestartPolicy::default();
    let mut keys = Keys::default();
    keys.word("when", restart::WHEN, &default.when, &policy.when)?;
    keys.duration("delay", default.delay, policy.delay)?;
    for (key, default, number) in
        [("factor", default.factor, policy.factor), ("jitter", default.jitter, policy.jitter)]
    {
        // Not a number is nothing's default.
        if number.to_bits() != default.to_bits() {
            keys.written(key, number.to_string());
        }
    }
    keys.duration("max-delay", default.max_delay, policy.max_delay)?;
    keys.duration("budget", default.budget, policy.budget)?;
    keys.duration("reset-after", default.reset_after, policy.reset_after)?;
    let codes = policy.exit_codes.iter().map(|(code, action)| {
        Ok((code.to_string(), word("exit-codes", restart::EXIT_ACTIONS, action)?.to_toml_value()))
    });
    let codes = codes.collect::<Result<Vec<_>, String>>()?;
    if !codes.is_empty() {
        keys.written("exit-codes", inline(&codes));
    }
    Ok(keys)
}

fn limit_keys(limits: &Limits) -> Keys {
    let mut keys = Keys::default();
    if let Some(priority) = limits.priority {
        keys.value("priority", priority.word());
    }
    if !limits.affinity.is_empty() {
        keys.value("affinity", &limits.affinity);
    }
    if let Some(files) = limits.open_files {
        keys.value("files", files);
    }
    if let Some(size) = limits.core_size {
        let word = limits::SIZES.iter().find(|(_, known)| *known == size);
        keys.value("core", word.map_or_else(|| written_size(size), |(word, _)| (*word).to_owned()));
    }
    if let Some(size) = limits.memory {
        keys.value("memory", written_size(size));
    }
    if let Some(percent) = limits.cpu {
        keys.value("cpu", format!("{percent}%"));
    }
    if let Some(count) = limits.processes {
        keys.value("processes", count);
    }
    keys
}

fn target_key(keys: &mut Keys, target: &Target) {
    match target {
        Target::Tcp(address) => keys.value("tcp", address),
        Target::Http(url) => keys.value("http", url.as_str()),
        Target::Command(command) => keys.value("command", command.as_slice()),
    }
}

fn health_keys(policy: &HealthPolicy) -> Result<Keys, String> {
    let mut keys = Keys::default();
    match policy {
        HealthPolicy::Ask(ask) => {
            target_key(&mut keys, &ask.target);
            keys.duration("interval", health::INTERVAL, ask.interval)?;
            keys.duration("timeout", health::TIMEOUT, ask.timeout)?;
            keys.unless("threshold", &health::THRESHOLD, &ask.threshold);
        }
        HealthPolicy::Silence(limit) => keys.value("silence", time(*limit)?),
        HealthPolicy::Notify(limit) => keys.value("notify", time(*limit)?),
    }
    Ok(keys)
}

fn log_keys(settings: &LogSettings) -> Result<Keys, String> {
    let default = LogSettings::default();
    let mut keys = Keys::default();
    match (&settings.stdout, &settings.stderr) {
        (Some(one), Some(other)) if one == other => keys.path("file", one)?,
        (stdout, stderr) => {
            for (key, file) in [("stdout-file", stdout), ("stderr-file", stderr)] {
                file.as_ref().map_or(Ok(()), |file| keys.path(key, file))?;
            }
        }
    }
    let mut rotate = Vec::new();
    let mut add = |key: &str, value: String| rotate.push((key.to_owned(), value));
    if let Some(size) = settings.rotate_size {
        add("size", written_size(size).to_toml_value());
    }
    if let Some(time) = settings.rotate_time {
        let (often, at) =
            moments::written(time).ok_or("the times at which its log is rotated have no words")?;
        add("time", often.to_toml_value());
        if let Some(at) = at {
            add("at", at.to_toml_value());
        }
    }
    if settings.rotate_at_start {
        add("at-start", true.to_toml_value());
    }
    let mut keep = Vec::new();
    let mut add = |key: &str, value: String| keep.push((key.to_owned(), value));
    if let Some(count) = settings.keep_count {
        add("count", count.to_toml_value());
    }
    if let Some(age) = settings.keep_age {
        add("age", time(age)?.to_toml_value());
    }
    if let Some(total) = settings.keep_total {
        add("total", written_size(total).to_toml_value());
    }
    for (key, values) in [("rotate", rotate), ("keep", keep)] {
        if !values.is_empty() {
            keys.written(key, inline(&values));
        }
    }
    if let Some(compression) = &settings.compress {
        keys.value("compress", word("compress", log::COMPRESSIONS, compression)?);
    }
    keys.word("format", log::FORMATS, &default.format, &settings.format)?;
    keys.unless("timestamps", &default.timestamps, &settings.timestamps);
    keys.unless("buffer", &written_size(default.buffer), &written_size(settings.buffer));
    Ok(keys)
}

fn control_keys(hosted: &Hosted) -> Result<Keys, String> {
    let mut keys = Keys::default();
    let own = hosted.controls.iter().map(|(control, action)| {
        let named = controls::NAMED.iter().find(|(_, named)| *named == Control(*control));
        (named.map_or_else(|| control.to_string(), |(word, _)| (*word).to_owned()), action)
    });
    let told = hosted.system_events.iter().map(|(event, action)| (event.word().to_owned(), action));
    for (key, action) in own.chain(told) {
        match action {
            ControlAction::Signal(signal) => keys.value(&key, format!("signal:{signal}")),
            ControlAction::Command(errand) => {
                let command = ("command".to_owned(), errand.command.to_toml_value());
                keys.written(&key, inline(&with_limit(command, errand.timeout)?));
            }
            ControlAction::Http(call) => {
                let http = ("http".to_owned(), call.request.to_string().to_toml_value());
                keys.written(&key, inline(&with_limit(http, call.timeout)?));
            }
        }
    }
    Ok(keys)
}

/// What is to be done, with its time unless that is the usual.
fn with_limit(what: (String, String), limit: Duration) -> Result<Vec<(String, String)>, String> {
    let mut table = vec![what];
    if limit != Errand::TIMEOUT {
        table.push(("timeout".to_owned(), time(limit)?.to_toml_value()));
    }
    Ok(table)
}

fn hook_keys(all: &BTreeMap<Moment, Hooks>) -> Result<Keys, String> {
    let mut keys = Keys::default();
    for (moment, hooks) in all {
        let written = hooks.as_slice().iter().map(|hook| hook_value(*moment, hook));
        let written = written.collect::<Result<Vec<_>, _>>()?;
        match &written[..] {
            [only] => keys.written(moment.word(), only.clone()),
            several => keys.written(moment.word(), format!("[{}]", several.join(", "))),
        }
    }
    Ok(keys)
}

/// The command, or a table if there is more to say.
fn hook_value(moment: Moment, Hook { errand, on_failure }: &Hook) -> Result<String, String> {
    let mut table = with_limit(("run".to_owned(), errand.command.to_toml_value()), errand.timeout)?;
    if *on_failure != moment.usual() {
        let word = word("on-failure", hooks::ON_FAILURE, on_failure)?;
        table.push(("on-failure".to_owned(), word.to_toml_value()));
    }
    Ok(match &table[..] {
        [(_, run)] => run.clone(),
        several => inline(several),
    })
}

fn schedule_keys(schedule: &Timetable) -> Result<Keys, String> {
    let mut keys = Keys::default();
    let all = [("start", &schedule.start), ("stop", &schedule.stop), ("restart", &schedule.restart)];
    for (key, occasions) in all {
        let text = |occasion: &Occasion| {
            moments::written_occasion(occasion)
                .ok_or_else(|| format!("there are no words for its times of {key}"))
        };
        match &occasions.iter().map(text).collect::<Result<Vec<_>, _>>()?[..] {
            [] => {}
            [one] => keys.value(key, one),
            several => keys.value(key, several),
        }
    }
    Ok(keys)
}

fn recovery_keys(actions: &FailureActions, on_error: bool) -> Result<Keys, String> {
    let mut keys = Keys::default();
    if !actions.actions.is_empty() {
        let all = actions.actions.iter().map(|action| {
            let kind = word("actions", recovery::ACTIONS, &action.kind)?;
            Ok((kind.to_owned(), time(action.delay)?))
        });
        keys.written("actions", steps(all)?);
    }
    if let ResetPeriod::Seconds(seconds) = actions.reset_period {
        keys.value("reset-period", time(Duration::from_secs(seconds.into()))?);
    }
    keys.unless("command", &String::new(), &actions.command);
    keys.unless("reboot-message", &String::new(), &actions.reboot_message);
    keys.unless("on-stop-with-error", &false, &on_error);
    Ok(keys)
}

fn windows_keys(service: &ServiceDefinition) -> Result<Keys, String> {
    let mut keys = Keys::default();
    if let Some(group) = &service.group {
        keys.value("group", group.as_str());
    }
    keys.unless("tag", &false, &service.tag);
    keys.word("error-control", windows::ERROR_CONTROLS, &ErrorControl::NORMAL, &service.error_control)?;
    keys.duration("preshutdown", ServiceDefinition::DEFAULT_PRESHUTDOWN, service.preshutdown)?;
    keys.word("sid-type", windows::SIDS, &SidType::NONE, &service.sid)?;
    keys.unless("privileges", &Vec::new(), &service.privileges);
    let triggers = service.triggers.iter().map(|trigger| {
        let unsaid = || format!("there is no text for its trigger {} {}", trigger.kind, trigger.subtype);
        trigger.to_text().ok_or_else(unsaid)
    });
    keys.unless("triggers", &Vec::new(), &triggers.collect::<Result<Vec<_>, _>>()?);
    if let Some(node) = service.preferred_node {
        keys.written("preferred-node", node.to_string());
    }
    let protection = (&LaunchProtection::NONE, &service.launch_protection);
    keys.word("launch-protection", windows::PROTECTIONS, protection.0, protection.1)?;
    if let Some(security) = &service.security {
        keys.value("security", security.to_string());
    }
    Ok(keys)
}

fn means(action: &StopAction) -> Result<String, String> {
    match action {
        StopAction::Signal(signal) => Ok(format!("signal:{signal}")),
        other => word("ladder", stop::ACTIONS, other).map(str::to_owned),
    }
}

/// Tables of one key each, in a list.
fn steps(all: impl Iterator<Item = Result<(String, String), String>>) -> Result<String, String> {
    list(all.map(|step| step.map(|(means, time)| inline(&[(means, time.to_toml_value())]))))
}

/// Tables in a list.
fn list(all: impl Iterator<Item = Result<String, String>>) -> Result<String, String> {
    let steps = all.collect::<Result<Vec<_>, _>>()?;
    let line = format!("[{}]", steps.join(", "));
    if line.len() < WIDTH { Ok(line) } else { Ok(format!("[\n    {},\n]", steps.join(",\n    "))) }
}

/// A table within a line, of values that are TOML already.
fn inline(entries: &[(String, String)]) -> String {
    let entries: Vec<_> =
        entries.iter().map(|(key, value)| format!("{} = {value}", key.to_toml_key())).collect();
    format!("{{ {} }}", entries.join(", "))
}

fn keys_of(variables: &BTreeMap<String, String>) -> Vec<(String, String)> {
    variables.iter().map(|(name, value)| (name.clone(), value.to_toml_value())).collect()
}

/// The word for a value; one without a word the file can't hold.
fn word<'w, T: PartialEq>(key: &str, words: &[(&'w str, T)], value: &T) -> Result<&'w str, String> {
    let found = words.iter().find(|(_, meant)| meant == value).map(|(word, _)| *word);
    found.ok_or_else(|| format!("there is no word for its value of {key:?}"))
}

fn time(duration: Duration) -> Result<String, String> {
    written_duration(duration).ok_or_else(|| format!("{duration:?} is no whole number of milliseconds"))
}

fn absolute(path: &Path) -> Result<&str, String> {
    let text = path.to_str().ok_or_else(|| format!("{} is not UTF-8", path.display()))?;
    if path.is_absolute() { Ok(text) } else { Err(format!("{text:?} is not an absolute path")) }
}
