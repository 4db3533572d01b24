//! What can be said about a definition without asking anybody: what would be refused later, and what is probably not meant.
//!
//! Each rule is a function of the definition. What only the machine knows has rules of the same form in the program that asks it.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use svckit_core::definition::{Rung, StopAction};
use svckit_core::failure::ActionType;
use svckit_core::hook::Moment;
use svckit_core::name::{Dependency, ServiceName};
use svckit_core::sort;

use crate::definition::{Definition, ServiceDefinition, Span, StartMode};
use crate::diagnostic::Diagnostic;
use crate::platform::Platform;
use crate::secret::seems_secret;
use crate::units::written_duration;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth to know.
    Hint,
    /// It will work, but perhaps not as it is meant.
    Warning,
    /// It can't be installed, or not run.
    Error,
}

impl Severity {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hint => "hint",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something found in a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// The name of the rule, the same for ever.
    pub rule: &'static str,
    /// The service it is about.
    pub service: Option<ServiceName>,
    /// What, where, and what would be right.
    pub diagnostic: Diagnostic,
}

/// A finding before it is said of which service and file.
struct Found {
    severity: Severity,
    span: Option<Span>,
    message: String,
    help: String,
}

/// A rule about one service.
type Rule = fn(&ServiceDefinition, &Definition, Platform) -> Option<Found>;

/// The rule whose place is beside a secret.
const SECRET_VARIABLE: &str = "secret-variable";

const RULES: &[(&str, Rule)] = &[
    ("delayed-in-group", delayed_in_group),
    ("disabled-dependency", disabled_dependency),
    ("disabled-schedule", disabled_schedule),
    ("never-restarted", never_restarted),
    ("max-delay", max_delay),
    ("unreachable-rung", unreachable_rung),
    ("no-graceful-stop", no_graceful_stop),
    ("long-stop", long_stop),
    ("limit-elsewhere", limit_elsewhere),
    ("event-elsewhere", event_elsewhere),
    ("keep-without-rotate", keep_without_rotate),
    ("timestamps-twice", timestamps_twice),
    ("reboot", reboot),
    ("binary-path-unquoted", binary_path_unquoted),
    ("binary-path-relative", binary_path_relative),
];

/// Everything that the rules find, in the order of the file.
pub fn lint(definition: &Definition, platform: Platform) -> Vec<Finding> {
    let mut found = Vec::new();
    for service in &definition.services {
        for (rule, check) in RULES {
            found.extend(check(service, definition, platform).map(|one| (*rule, service, one)));
        }
        found.extend(secrets(service).into_iter().map(|one| (SECRET_VARIABLE, service, one)));
    }
    found.extend(shared_logs(definition).into_iter().map(|(service, one)| ("shared-log", service, one)));
    sort::by_key(&mut found, |(_, service, one)| place(service, one).start);
    let finding = |(rule, service, one): (&'static str, &ServiceDefinition, Found)| {
        let diagnostic = definition.diagnostic(place(service, &one), one.message, Some(one.help));
        let diagnostic = if rule == SECRET_VARIABLE { without_values(diagnostic) } else { diagnostic };
        Finding { severity: one.severity, rule, service: Some(service.name.clone()), diagnostic }
    };
    found.into_iter().map(finding).collect()
}

/// The line of the file with nothing but what is meant: the rest may be the secret.
fn without_values(mut diagnostic: Diagnostic) -> Diagnostic {
    if let Some(place) = &mut diagnostic.place {
        let blank = " ".repeat(place.column - 1);
        let name: String = place.text.chars().skip(place.column - 1).take(place.length).collect();
        place.text = format!("{blank}{name} = …").into();
    }
    diagnostic
}

fn place(service: &ServiceDefinition, found: &Found) -> Span {
    found.span.unwrap_or(service.places.name)
}

fn warning(span: Option<Span>, message: impl Into<String>, help: impl Into<String>) -> Option<Found> {
    Some(Found { severity: Severity::Warning, span, message: message.into(), help: help.into() })
}

/// Every service control manager refuses it.
fn delayed_in_group(service: &ServiceDefinition, _: &Definition, _: Platform) -> Option<Found> {
    let group = service.group.as_ref().filter(|_| service.start == Some(StartMode::Delayed))?;
    Some(Found {
        severity: Severity::Error,
        span: service.places.start,
        message: format!("a service in a load order group ({group}) can't have a delayed start"),
        help: r#"write start = "auto", or leave the group"#.to_owned(),
    })
}

fn disabled_dependency(service: &ServiceDefinition, all: &Definition, _: Platform) -> Option<Found> {
    if service.start == Some(StartMode::Disabled) {
        return None;
    }
    let is_disabled = |dependency: &Dependency| match dependency {
        Dependency::Service(name) => {
            all.service(name).is_some_and(|needed| needed.start == Some(StartMode::Disabled))
        }
        Dependency::Group(_) => false,
    };
    let index = service.dependencies.iter().position(is_disabled)?;
    let message = format!("{} is disabled, so this service can't be started", service.dependencies[index]);
    let help = "give it another start, or remove the dependency";
    warning(service.places.dependencies.get(index).copied(), message, help)
}

fn never_restarted(service: &ServiceDefinition, _: &Definition, _: Platform) -> Option<Found> {
    let hosted = service.hosted()?;
    let policy = &hosted.restart;
    if policy.when == svckit_core::definition::RestartWhen::Never || policy.delay <= policy.budget {
        return None;
    }
    let message = format!(
        "the first delay ({}) is longer than the budget ({}), so the program is never run again",
        shown(policy.delay),
        shown(policy.budget)
    );
    warning(service.places.restart, message, r#"make the budget longer, or write when = "never""#)
}

fn disabled_schedule(service: &ServiceDefinition, _: &Definition, _: Platform) -> Option<Found> {
    let hosted = service.hosted()?;
    let never = service.start == Some(StartMode::Disabled) && !hosted.schedule.start.is_empty();
    let message = "the service is disabled, so the clock doesn't start it";
    never.then(|| warning(service.places.start, message, "write start = \"manual\", or no schedule.start"))?
}

fn max_delay(service: &ServiceDefinition, _: &Definition, _: Platform) -> Option<Found> {
    let hosted = service.hosted()?;
    let policy = &hosted.restart;
    if policy.delay <= policy.max_delay {
        return None;
    }
    let message = format!(
        "the first delay ({}) is longer than max-delay ({})",
        shown(policy.delay),
        shown(policy.max_delay)
    );
    warning(service.places.restart, message, "make max-delay at least as long as delay")
}

fn unreachable_rung(service: &ServiceDefinition, _: &Definition, _: Platform) -> Option<Found> {
    let hosted = service.hosted()?;
    let ladder = &hosted.stop.ladder;
    let force = ladder.iter().position(|rung| rung.action == StopAction::Terminate)?;
    if force + 1 == ladder.len() {
        return None;
    }
    let message = "what follows terminate in the ladder is never done: nothing is left of the program";
    warning(service.places.stop, message, "put terminate last, or leave it out: it is what comes last anyway")
}

fn no_graceful_stop(service: &ServiceDefinition, _: &Definition, platform: Platform) -> Option<Found> {
    let hosted = service.hosted()?;
    let asks = |rung: &Rung| rung.action != StopAction::Terminate && platform.knows(&rung.action);
    if hosted.stop.ladder.iter().any(asks) {
        return None;
    }
    let message = "nothing in the ladder asks the program to end, so it is ended by force at once";
    let help = match platform {
        Platform::Unix => r#"for example ladder = [{ "signal:TERM" = "10s" }]"#,
        Platform::Windows => r#"for example ladder = [{ ctrl-c = "5s" }]"#,
    };
    warning(service.places.stop, message, help)
}

fn long_stop(service: &ServiceDefinition, _: &Definition, platform: Platform) -> Option<Found> {
    let hosted = service.hosted()?;
    let climbed = hosted.stop.ladder.iter().filter(|rung| platform.knows(&rung.action));
    let rungs = climbed.take_while(|rung| rung.action != StopAction::Terminate);
    let ladder = rungs.fold(Duration::ZERO, |sum, rung| sum.saturating_add(rung.wait));
    let hook = |moment: Moment| hosted.hooks.get(&moment).map(|hooks| (moment.word(), hooks.timeout()));
    let parts = [hook(Moment::PreStop), Some(("the ladder", ladder)), hook(Moment::PostStop)];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    let whole = parts.iter().fold(Duration::ZERO, |sum, (_, time)| sum.saturating_add(*time));
    if whole <= service.preshutdown {
        return None;
    }
    let sum: Vec<_> = parts.iter().map(|(what, time)| format!("{what} {}", shown(*time))).collect();
    let sum = if sum.len() > 1 { format!(" ({})", sum.join(" + ")) } else { String::new() };
    let message = format!(
        "stopping may take {}{sum}, but when the system shuts down it waits {}",
        shown(whole),
        shown(service.preshutdown)
    );
    let name = &service.name;
    warning(
        service.places.stop.or(service.places.hooks),
        message,
        format!("shorten the ladder, or set preshutdown in [service.{name}.windows]"),
    )
}

fn limit_elsewhere(service: &ServiceDefinition, _: &Definition, platform: Platform) -> Option<Found> {
    let hosted = service.hosted()?;
    let limits = &hosted.limits;
    let key = match (limits.open_files, limits.core_size) {
        (Some(_), _) => "files",
        (None, Some(_)) => "core",
        (None, None) => return None,
    };
    if platform == Platform::Unix {
        return None;
    }
    let message = format!("there is no limit {key:?} on Windows, so the program runs without it");
    warning(service.places.limits, message, "leave it out there")
}

fn event_elsewhere(service: &ServiceDefinition, _: &Definition, platform: Platform) -> Option<Found> {
    let hosted = service.hosted()?;
    let event = hosted.system_events.keys().find(|event| !platform.tells(**event))?;
    let message =
        format!("nobody tells services of {:?} but Windows, so that is never done here", event.word());
    warning(
        service.places.system_events.get(event).copied(),
        message,
        "leave it out, unless the file is for Windows too",
    )
}

fn keep_without_rotate(service: &ServiceDefinition, _: &Definition, _: Platform) -> Option<Found> {
    let hosted = service.hosted()?;
    let log = &hosted.log;
    let keeps = log.keep_count.is_some() || log.keep_age.is_some() || log.keep_total.is_some();
    let rotates = log.rotate_size.is_some() || log.rotate_time.is_some() || log.rotate_at_start;
    if !keeps || rotates {
        return None;
    }
    let message = "the log is never rotated, so there is nothing for keep to count";
    warning(service.places.log, message, r#"write rotate = { size = "10MB" } as well"#)
}

fn timestamps_twice(service: &ServiceDefinition, _: &Definition, _: Platform) -> Option<Found> {
    let hosted = service.hosted()?;
    if !hosted.log.timestamps || hosted.log.format.is_raw() {
        return None;
    }
    Some(Found {
        severity: Severity::Hint,
        span: service.places.log,
        message: "each object of a log in JSON has its time already, so timestamps = true does nothing"
            .to_owned(),
        help: "leave it out".to_owned(),
    })
}

fn reboot(service: &ServiceDefinition, _: &Definition, platform: Platform) -> Option<Found> {
    service.recovery.actions.iter().find(|action| action.kind == ActionType::REBOOT)?;
    let (message, help) = match platform {
        Platform::Unix => (
            "the built-in service control manager restarts the machine only if its settings say how",
            "set reboot-command in its scm.toml, or choose another action",
        ),
        Platform::Windows => (
            "a failure of this service restarts the machine, and setting that takes the right to shut it down",
            "install it as an administrator who has SeShutdownPrivilege, or choose another action",
        ),
    };
    warning(service.places.recovery, message, help)
}

/// Windows tries a path with blanks that nobody quoted from its first word on, so that another program can be put there.
fn binary_path_unquoted(service: &ServiceDefinition, _: &Definition, _: Platform) -> Option<Found> {
    let path = service.binary_path()?;
    let program = path.unquoted_program()?;
    let first = program.split([' ', '\t']).next().unwrap_or_default();
    let message = format!(
        "the path of the program has blanks and is not quoted, so {first}.exe would be run if it were there"
    );
    let rest = path.as_str().trim_start().strip_prefix(program).unwrap_or_default();
    warning(Some(service.places.run), message, format!("write binary-path = '\"{program}\"{rest}'"))
}

/// Where a program without its folder is, depends on the service control manager.
fn binary_path_relative(service: &ServiceDefinition, _: &Definition, _: Platform) -> Option<Found> {
    let program = service.binary_path()?.program();
    let has_drive = |text: &str| {
        let mut characters = text.chars();
        let drive = characters.next().is_some_and(|c| c.is_ascii_alphabetic());
        drive && characters.next() == Some(':') && characters.next().is_some_and(|c| matches!(c, '\\' | '/'))
    };
    // A variable may stand for a whole path, and \??\ and \SystemRoot\ begin those of the kernel.
    if program.starts_with(['\\', '/', '%']) || has_drive(program) {
        return None;
    }
    let message =
        format!("{program:?} is not a whole path, so what is started depends on where it is looked for");
    warning(Some(service.places.run), message, r"write the whole path, such as C:\Shop\shop.exe")
}

fn secrets(service: &ServiceDefinition) -> Vec<Found> {
    let Some(hosted) = service.hosted() else { return Vec::new() };
    let variables = hosted.program.environment.iter().filter(|(name, value)| seems_secret(name, value));
    let found = variables.filter_map(|(name, _)| {
        let message = format!(
            "the variable {name} seems to hold a secret, which everybody can read who can read this file"
        );
        let help =
            format!("put it into a file that only the service's account can read, and write {name} = {{ file = \"…\" }}");
        warning(service.places.environment.get(name).copied(), message, help)
    });
    found.collect()
}

/// Two hosts that write one file tear each other's lines apart, and each rotates what the other writes.
fn shared_logs(definition: &Definition) -> Vec<(&ServiceDefinition, Found)> {
    let mut writers: HashMap<&Path, &ServiceDefinition> = HashMap::new();
    let mut found = Vec::new();
    for service in &definition.services {
        let Some(hosted) = service.hosted() else { continue };
        let files = [&hosted.log.stdout, &hosted.log.stderr];
        let mut files: Vec<&Path> = files.into_iter().flatten().map(|file| &**file).collect();
        files.dedup();
        for file in files {
            let Some(other) = writers.insert(file, service) else { continue };
            let message = format!("service {:?} writes into {} as well", other.name.as_str(), file.display());
            let help = "give each service a file of its own";
            found.extend(warning(service.places.log, message, help).map(|one| (service, one)));
        }
    }
    found
}

fn shown(duration: Duration) -> String {
    written_duration(duration).unwrap_or_else(|| format!("{duration:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toml;

    fn findings(text: &str, platform: Platform) -> Vec<String> {
        let definition =
            toml::parse("/srv/service.toml", text, platform).unwrap_or_else(|wrong| panic!("{wrong}"));
        let all = lint(&definition, platform);
        let told = |finding: Finding| {
            let weight = finding.severity.word();
            let place = finding.diagnostic.place.unwrap();
            format!(
                "{weight} {} {}:{}: {}",
                finding.rule, place.line, place.column, finding.diagnostic.message
            )
        };
        all.into_iter().map(told).collect()
    }

    #[track_caller]
    fn finds(keys: &str, expected: &[&str]) {
        assert_eq!(findings(&format!("[service.web]\nrun = 'web'\n{keys}"), Platform::Unix), expected);
    }

    #[test]
    fn a_plain_service_has_no_findings() {
        finds("", &[]);
        let documented = include_str!("../../../docs/reference/definition.md");
        let example = documented.split("```toml\n").last().unwrap().split("```").next().unwrap();
        assert_eq!(findings(example, Platform::Unix), Vec::<String>::new());
        assert_eq!(findings("[service.web]\nrun = 'web'\n", Platform::Windows), Vec::<String>::new());
    }

    #[test]
    fn delayed_start_in_a_group() {
        finds(
            "start = 'delayed'\n[service.web.windows]\ngroup = 'Web'\n",
            &["error delayed-in-group 3:9: a service in a load order group (Web) can't have a delayed start"],
        );
        finds("start = 'auto'\n[service.web.windows]\ngroup = 'Web'\n", &[]);
    }

    #[test]
    fn times_in_a_log_that_has_them_anyway() {
        let log = |format: &str| format!("[service.web.log]\nformat = '{format}'\ntimestamps = true\n");
        let expected = "hint timestamps-twice 3:14: each object of a log in JSON has its time already, so timestamps = true does nothing";
        finds(&log("json"), &[expected]);
        finds(&log("raw"), &[]);
    }

    #[test]
    fn an_event_of_which_nobody_tells() {
        let keys = "[service.web.controls]\nresume = 'signal:HUP'\nsession-lock = { command = ['x'] }\n";
        finds(
            keys,
            &[
                "warning event-elsewhere 5:16: nobody tells services of \"session-lock\" but Windows, so that is never done here",
            ],
        );
        let text =
            format!("[service.web]\nrun = 'web'\n{}", keys.replace("'signal:HUP'", "{ command = ['x'] }"));
        assert_eq!(findings(&text, Platform::Windows), Vec::<String>::new());
    }

    #[test]
    fn a_dependency_that_is_disabled() {
        let db = "depends-on = ['x', 'db']\n[service.db]\nrun = 'db'\nstart = 'disabled'\n";
        finds(db, &["warning disabled-dependency 3:20: db is disabled, so this service can't be started"]);
        finds(&format!("start = 'disabled'\n{db}"), &[]);
    }

    #[test]
    fn a_start_by_the_clock_that_never_is() {
        let schedule = "[service.web.schedule]\nstart = '08:00'\n";
        finds(
            &format!("start = 'disabled'\n{schedule}"),
            &["warning disabled-schedule 3:9: the service is disabled, so the clock doesn't start it"],
        );
        finds(schedule, &[]);
    }

    #[test]
    fn restarts_that_never_are() {
        finds(
            "[service.web.restart]\ndelay = '10m'\nmax-delay = '1h'\n",
            &[
                "warning never-restarted 3:14: the first delay (10m) is longer than the budget (5m), so the program is never run again",
            ],
        );
        finds("[service.web.restart]\ndelay = '10m'\nmax-delay = '1h'\nwhen = 'never'\n", &[]);
        finds(
            "[service.web.restart]\nmax-delay = '1s'\n",
            &["warning max-delay 3:14: the first delay (5s) is longer than max-delay (1s)"],
        );
    }

    #[test]
    fn ladders_that_do_not_lead_down() {
        finds(
            "[service.web.stop]\nladder = [{ ctrl-c = '1s' }, { terminate = '0s' }, { ctrl-c = '1s' }]\n",
            &[
                "warning unreachable-rung 3:14: what follows terminate in the ladder is never done: nothing is left of the program",
            ],
        );
        let force = "nothing in the ladder asks the program to end, so it is ended by force at once";
        for ladder in ["", "{ wm-close = '5s' }", "{ terminate = '0s' }"] {
            finds(
                &format!("stop.ladder = [{ladder}]\n"),
                &[&format!("warning no-graceful-stop 3:1: {force}")],
            );
        }
        let windows = "[service.web]\nrun = 'web'\nstop.ladder = [{ 'signal:TERM' = '5s' }]\n";
        assert_eq!(findings(windows, Platform::Windows), [format!("warning no-graceful-stop 3:1: {force}")]);
        finds(
            "[service.web.stop]\nladder = [{ ctrl-c = '2m' }, { 'signal:TERM' = '2m' }]\n",
            &["warning long-stop 3:14: stopping may take 4m, but when the system shuts down it waits 3m"],
        );
        finds("[service.web.stop]\nladder = [{ ctrl-c = '2m' }, { wm-close = '2m' }]\n", &[]);
        finds(
            "[service.web.hooks]\npre-stop = { run = 'x', timeout = '2m' }\npost-stop = { run = 'y', timeout = '1m' }\n",
            &[
                "warning long-stop 3:14: stopping may take 190s (pre-stop 2m + the ladder 10s + post-stop 1m), but when the system shuts down it waits 3m",
            ],
        );
        finds("[service.web.stop]\nladder = [{ command = 'quit', wait = '5s' }]\n", &[]);
    }

    #[test]
    fn limits_that_are_none_on_windows() {
        let text = "[service.web]\nrun = 'web'\n[service.web.limits]\npriority = 'idle'\ncore = 'none'\n";
        assert_eq!(findings(text, Platform::Unix), [""; 0]);
        let expected = "warning limit-elsewhere 3:14: there is no limit \"core\" on Windows, so the program runs without it";
        assert_eq!(findings(text, Platform::Windows), [expected]);
    }

    #[test]
    fn logs_that_are_not_kept_as_meant() {
        finds(
            "[service.web.log]\nkeep = { count = 3 }\n",
            &[
                "warning keep-without-rotate 3:14: the log is never rotated, so there is nothing for keep to count",
            ],
        );
        let two = "[service.web]\nrun = 'web'\nlog.file = 'x.log'\n[service.db]\nrun = 'db'\nlog = { stderr-file = './x.log' }\n";
        let file = toml::parse("/srv/service.toml", two, Platform::Unix).unwrap().services[0]
            .hosted()
            .unwrap()
            .log
            .stdout
            .clone();
        let message = format!("service \"web\" writes into {} as well", file.unwrap().display());
        assert_eq!(findings(two, Platform::Unix), [format!("warning shared-log 6:1: {message}")]);
    }

    #[test]
    fn a_restart_of_the_machine() {
        finds(
            "[service.web.recovery]\nactions = [{ reboot = '1m' }]\n",
            &[
                "warning reboot 3:14: the built-in service control manager restarts the machine only if its settings say how",
            ],
        );
    }

    #[test]
    fn secrets_in_the_file() {
        finds(
            "environment = { PORT = '80', API_TOKEN = 'x' }\n",
            &[
                "warning secret-variable 3:30: the variable API_TOKEN seems to hold a secret, which everybody can read who can read this file",
            ],
        );
    }

    #[test]
    fn binary_paths_that_may_start_something_else() {
        let of =
            |path: &str| findings(&format!("[service.web]\nbinary-path = '{path}'\n"), Platform::Windows);
        assert_eq!(
            of(r"C:\Program Files\Shop\shop.exe -x"),
            [
                r"warning binary-path-unquoted 2:15: the path of the program has blanks and is not quoted, so C:\Program.exe would be run if it were there"
            ]
        );
        for path in ["shop.exe -x", r"Shop\shop.exe", r"C:shop.exe"] {
            let program = path.split(' ').next().unwrap();
            let expected = format!(
                "warning binary-path-relative 2:15: {program:?} is not a whole path, so what is started depends on where it is looked for"
            );
            assert_eq!(of(path), [expected]);
        }
        for path in [
            r#""C:\Program Files\Shop\shop.exe" -x"#,
            r"%SystemRoot%\system32\svchost.exe -k shop",
            r"\SystemRoot\shop.exe",
            r"\\server\share\shop.exe",
            "C:/Shop/shop.exe",
            "/opt/shop/run it",
        ] {
            assert_eq!(of(path), [""; 0], "{path}");
        }
    }

    #[test]
    fn rules_have_names_of_their_own() {
        let names: std::collections::BTreeSet<_> = RULES.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), RULES.len());
    }
}
