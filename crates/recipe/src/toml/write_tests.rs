//! What is written is read as the same.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use proptest::prelude::*;
use svckit_core::call::{HttpCall, HttpRequest};
use svckit_core::config::LOCAL_SYSTEM;
use svckit_core::definition::{
    Compression, ControlAction, ExitAction, LogFormat, PasswordSource, Program, RestartPolicy, RestartWhen,
    Rung, SecretSource, StopAction, StopPolicy,
};
use svckit_core::failure::{ActionType, FailureAction, FailureActions, ResetPeriod};
use svckit_core::health::{AskPolicy, HealthPolicy};
use svckit_core::hook::{Errand, Hook, Hooks, Moment, OnFailure};
use svckit_core::image_path::ImagePath;
use svckit_core::kind::{ErrorControl, LaunchProtection, SidType};
use svckit_core::limits::{Limits, Priority};
use svckit_core::log::rotation::RotateTime;
use svckit_core::name::{Dependency, DisplayName, GroupName, ServiceName};
use svckit_core::probe::{HttpUrl, LinePattern, ReadyPolicy, ReadyWhen};
use svckit_core::signal::Signal;
use svckit_core::system_event::SystemEvent;
use svckit_core::target::Target;
use svckit_core::timetable::{Days, Occasion, Timetable};
use svckit_core::tree::TreePolicy;
use svckit_core::trigger::Trigger;
use svckit_testkit::schema::Schema;

use super::{Unwritable, parse, write};
use crate::definition::{Hosted, LogSettings, Places, Process, Runs, ServiceDefinition, StartMode};
use crate::platform::Platform;

/// What editors have.
static SCHEMA: LazyLock<Schema> =
    LazyLock::new(|| Schema::new(include_str!("../../../../docs/reference/definition.schema.json")));

/// A folder that is absolute on this system.
const ROOT: &str = if cfg!(windows) { r"C:\srv" } else { "/srv" };

fn root(rest: &str) -> PathBuf {
    Path::new(ROOT).join(rest)
}

fn read(text: &str) -> Vec<ServiceDefinition> {
    let services = parse(root("service.toml"), text, Platform::Unix)
        .unwrap_or_else(|wrong| panic!("{wrong}\n{text}"))
        .services;
    services.into_iter().map(|service| ServiceDefinition { places: Places::default(), ..service }).collect()
}

/// Any text that a file can hold, with what is awkward in TOML well represented.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9 ._/-]{1,12}",
        r#"["'\\\n\r\t #=\[\]{},\u{7f}\u{1}é€😀]{1,8}"#,
        any::<String>().prop_map(|text| text.replace('\0', "0")),
    ]
    .prop_filter("not empty", |text| !text.is_empty())
}

fn path() -> impl Strategy<Value = PathBuf> {
    prop::collection::vec("[a-zA-Zé '\"\\.]{1,8}", 1..4).prop_map(|parts| {
        let path: PathBuf = std::iter::once(ROOT.to_owned()).chain(parts).collect();
        path.components().filter(|part| *part != Component::CurDir).collect()
    })
}

fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![0..u64::from(u32::MAX), (0_u64..4000).prop_map(|seconds| seconds * 1000)]
        .prop_map(Duration::from_millis)
}

fn ready_when() -> impl Strategy<Value = ReadyWhen> {
    prop_oneof![
        (1_u16..).prop_map(|port| ReadyWhen::Ask(Target::Tcp(format!("[::1]:{port}")))),
        "http://[a-z]{1,4}(:8[0-9])?(/[a-z%?'\"]{0,4})?"
            .prop_map(|url| ReadyWhen::Ask(Target::Http(HttpUrl::new(&url).unwrap()))),
        text().prop_filter_map("not in a line", |text| LinePattern::new(&text).ok()).prop_map(ReadyWhen::Log),
        path().prop_map(ReadyWhen::File),
        Just(ReadyWhen::Notify),
        program().prop_map(|program| ReadyWhen::Ask(Target::Command(program.command))),
    ]
}

/// What comes back: of a command always a time, and none where nothing is asked.
fn ready() -> impl Strategy<Value = ReadyPolicy> {
    let interval = prop::option::of(time().prop_map(|time| time.max(Duration::from_millis(1))));
    (ready_when(), time(), interval).prop_map(|(when, timeout, interval)| {
        let interval = match &when {
            ReadyWhen::Ask(Target::Command(_)) => interval.or(Some(Duration::from_secs(1))),
            ReadyWhen::Ask(_) => interval,
            _ => None,
        };
        ReadyPolicy { when, timeout, interval }
    })
}

fn health() -> impl Strategy<Value = HealthPolicy> {
    let long = || time().prop_map(|time| time.max(Duration::from_millis(1)));
    let target = prop_oneof![
        (1_u16..).prop_map(|port| Target::Tcp(format!("[::1]:{port}"))),
        program().prop_map(|program| Target::Command(program.command)),
    ];
    prop_oneof![
        (target, long(), long(), 1_u32..=1000).prop_map(|(target, interval, timeout, threshold)| {
            HealthPolicy::Ask(AskPolicy { target, interval, timeout, threshold })
        }),
        long().prop_map(HealthPolicy::Silence),
        long().prop_map(HealthPolicy::Notify),
    ]
}

fn signal() -> impl Strategy<Value = Signal> {
    prop::sample::select(Signal::ALL)
}

fn name() -> impl Strategy<Value = String> {
    text().prop_map(|text| text.replace(['/', '\\'], "_").chars().take(40).collect())
}

fn program() -> impl Strategy<Value = Program> {
    let program = prop_oneof!["[a-z]{1,8}", path().prop_map(|path| path.to_str().unwrap().to_owned())];
    let variables = prop::collection::btree_map(text().prop_map(|name| name.replace('=', "_")), text(), 0..6);
    let words = prop::collection::vec(prop_oneof![Just(String::new()), text()], 0..4);
    // None that is a variable too.
    let secrets = prop::collection::btree_map("SECRET [a-z]{0,3}", path().prop_map(SecretSource::File), 0..3);
    (program, words, path(), variables, prop::collection::vec(path(), 0..3), secrets).prop_map(
        |(program, words, directory, environment, environment_files, secrets)| Program {
            command: std::iter::once(program).chain(words).collect(),
            directory,
            environment,
            environment_files,
            secrets,
        },
    )
}

fn restart() -> impl Strategy<Value = RestartPolicy> {
    let when = prop::sample::select(&[RestartWhen::OnFailure, RestartWhen::Always, RestartWhen::Never][..]);
    let action = prop::sample::select(&[ExitAction::Stop, ExitAction::Restart, ExitAction::Fail][..]);
    let codes = prop::collection::btree_map(any::<i32>(), action, 0..3);
    let numbers = (prop_oneof![Just(2.0), 1.0..1000.0], prop_oneof![Just(0.0), 0.0..1.0]);
    (when, time(), numbers, time(), time(), time(), codes).prop_map(
        |(when, delay, (factor, jitter), max_delay, budget, reset_after, exit_codes)| RestartPolicy {
            when,
            delay,
            factor,
            max_delay,
            jitter,
            budget,
            reset_after,
            exit_codes,
        },
    )
}

fn stop() -> impl Strategy<Value = StopPolicy> {
    let action = prop_oneof![
        Just(StopAction::CtrlC),
        Just(StopAction::CtrlBreak),
        Just(StopAction::WmClose),
        Just(StopAction::StdinClose),
        signal().prop_map(StopAction::Signal),
        Just(StopAction::Terminate),
        program().prop_map(|program| StopAction::Command(program.command)),
        Just(StopAction::Http(HttpRequest::new("PUT http://x:1/stop").unwrap())),
    ];
    let millisecond = Duration::from_millis(1);
    let rung = (action, time()).prop_map(move |(action, wait)| Rung { action, wait: wait.max(millisecond) });
    prop_oneof![
        Just(StopPolicy::default()),
        prop::collection::vec(rung, 0..7).prop_map(|ladder| StopPolicy { ladder })
    ]
}

fn tree() -> impl Strategy<Value = TreePolicy> {
    let names = prop::collection::vec("[a-z]{1,4}[*?]?", 0..3).prop_map(TreePolicy::Leave);
    prop_oneof![Just(TreePolicy::Kill), Just(TreePolicy::Follow), names]
}

fn control() -> impl Strategy<Value = ControlAction> {
    let command = (program(), prop_oneof![Just(Errand::TIMEOUT), time()])
        .prop_map(|(program, timeout)| ControlAction::Command(Errand { command: program.command, timeout }));
    let http = time().prop_map(|timeout| {
        ControlAction::Http(HttpCall { request: HttpRequest::new("http://x/reload").unwrap(), timeout })
    });
    prop_oneof![signal().prop_map(ControlAction::Signal), command, http]
}

fn hooks() -> impl Strategy<Value = BTreeMap<Moment, Hooks>> {
    let moment = prop::sample::select(Moment::NAMED).prop_map(|(_, moment)| moment);
    let hook = (program(), prop_oneof![Just(Errand::TIMEOUT), time()], any::<bool>());
    let all = prop::collection::btree_map(moment, prop::collection::vec(hook, 1..3), 0..4);
    all.prop_map(|all| {
        let hook = |moment: Moment, (program, timeout, fails): (Program, Duration, bool)| {
            let on_failure = if fails && moment.may_fail() { OnFailure::Fail } else { OnFailure::GoOn };
            Hook { errand: Errand { command: program.command, timeout }, on_failure }
        };
        let of_it = |(moment, hooks): (Moment, Vec<_>)| {
            let hooks = hooks.into_iter().map(|parts| hook(moment, parts)).collect();
            (moment, Hooks::new(hooks).unwrap())
        };
        all.into_iter().map(of_it).collect()
    })
}

fn limits() -> impl Strategy<Value = Limits> {
    let priority = prop::sample::select(Priority::NAMED).prop_map(|(_, priority)| priority);
    let affinity = prop::collection::btree_set(0..=Limits::LAST_PROCESSOR, 0..3);
    let files = prop::option::of(1_u64..=1 << 30);
    let core = prop::option::of(prop_oneof![Just(0), Just(Limits::UNLIMITED), any::<u64>()]);
    let memory = prop::option::of(Limits::LEAST_MEMORY..);
    let cpu = prop::option::of(1..=Limits::MOST_CPU);
    let processes = prop::option::of(1..=Limits::MOST_PROCESSES);
    (prop::option::of(priority), affinity, files, core, memory, cpu, processes).prop_map(
        |(priority, affinity, open_files, core_size, memory, cpu, processes)| Limits {
            priority,
            affinity: affinity.into_iter().collect(),
            open_files,
            core_size,
            memory,
            cpu,
            processes,
        },
    )
}

fn log() -> impl Strategy<Value = LogSettings> {
    let files = prop_oneof![
        (prop::option::of(path()), prop::option::of(path())),
        path().prop_map(|both| (Some(both.clone()), Some(both)))
    ];
    let rotate = (prop::option::of(any::<u64>()), prop::option::of(rotate_time()), any::<bool>());
    let keep = (prop::option::of(0_u32..=100_000), prop::option::of(time()), prop::option::of(any::<u64>()));
    let format = prop_oneof![Just(LogFormat::Raw), Just(LogFormat::Json)];
    let compress = (prop::option::of(Just(Compression::Gzip)), format, any::<bool>());
    (files, rotate, keep, compress, prop_oneof![Just(1 << 20), any::<u64>()]).prop_map(
        |((stdout, stderr), rotate, keep, (compress, format, timestamps), buffer)| LogSettings {
            stdout,
            stderr,
            rotate_size: rotate.0,
            rotate_time: rotate.1,
            rotate_at_start: rotate.2,
            keep_count: keep.0,
            keep_age: keep.1,
            keep_total: keep.2,
            compress,
            format,
            timestamps,
            buffer,
        },
    )
}

fn rotate_time() -> impl Strategy<Value = RotateTime> {
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    prop_oneof![
        (0_u64..1440).prop_map(move |at| RotateTime::Monthly { at: minutes(at) }),
        (1_u64..527_040).prop_flat_map(move |interval| {
            let at = 0..interval.min(if interval == 10_080 { interval } else { 1440 });
            at.prop_map(move |at| RotateTime::Every { interval: minutes(interval), at: minutes(at) })
        }),
        (0_u64..10_080).prop_map(move |at| RotateTime::Every { interval: minutes(10_080), at: minutes(at) }),
    ]
}

fn schedule() -> impl Strategy<Value = Timetable> {
    let days = (prop::collection::btree_set(0_u32..7, 1..=7), 0_u64..1440)
        .prop_map(|(days, at)| Occasion::Days { days: Days::new(days), at: Duration::from_secs(at * 60) });
    let occasion = || prop_oneof![days.clone(), rotate_time().prop_map(Occasion::Regular)].boxed();
    let all = || prop::collection::vec(occasion(), 0..3);
    (all(), all(), all()).prop_map(|(start, stop, restart)| Timetable { start, stop, restart })
}

fn recovery() -> impl Strategy<Value = FailureActions> {
    let kinds = [ActionType::NONE, ActionType::RESTART, ActionType::REBOOT, ActionType::RUN_COMMAND];
    let action = (prop::sample::select(kinds.to_vec()), time())
        .prop_map(|(kind, delay)| FailureAction { kind, delay });
    let period = prop_oneof![Just(ResetPeriod::Never), (0..u32::MAX).prop_map(ResetPeriod::Seconds)];
    (period, prop_oneof![Just(String::new()), text()], text(), prop::collection::vec(action, 0..6)).prop_map(
        |(period, reboot_message, command, actions)| FailureActions {
            reset_period: if actions.is_empty() { ResetPeriod::default() } else { period },
            reboot_message,
            command,
            actions,
        },
    )
}

fn password() -> impl Strategy<Value = PasswordSource> {
    prop_oneof![
        path().prop_map(PasswordSource::File),
        name().prop_map(|name| PasswordSource::Environment(name.replace('=', "_"))),
        text().prop_map(PasswordSource::Credential),
    ]
}

prop_compose! {
    fn naming()(
        name in name(), display in prop::option::of(name()), description in prop::option::of(text()),
        dependencies in prop::collection::vec(prop_oneof![name(), name().prop_map(|group| format!("+{group}"))], 0..3),
        account in prop::option::of(text()), password in prop::option::of(password()),
        start in prop::option::of(prop::sample::select(StartMode::NAMED).prop_map(|(_, mode)| mode)),
    ) -> ServiceDefinition {
        let runs = Runs::BinaryPath(ImagePath::new("shop").unwrap());
        ServiceDefinition {
            display_name: DisplayName::new(display.as_ref().unwrap_or(&name)).unwrap(),
            dependencies: dependencies
                .iter()
                .map(|text| Dependency::new(text).unwrap())
                .filter(|other| !matches!(other, Dependency::Service(other) if other.folded() == svckit_core::name::fold(&name)))
                .collect(),
            description,
            password: password.filter(|_| account.is_some()),
            account,
            start,
            ..ServiceDefinition::new(ServiceName::new(name).unwrap(), runs)
        }
    }
}

prop_compose! {
    // Boxed: all of them at once are more than the stack of a test holds.
    fn hosted()(
        program in program().boxed(), restart in restart().boxed(), stop in stop().boxed(), tree in tree(), limits in limits().boxed(), log in log().boxed(),
        ready in prop::option::of(ready()).boxed(), health in prop::option::of(health()).boxed(), controls in prop::collection::btree_map(128_u32..=255, control().boxed(), 0..3),
        pause in prop::option::of(signal()), hooks in hooks().boxed(), schedule in schedule().boxed(),
    ) -> Hosted {
        let pausing = pause.into_iter().flat_map(|signal| [2, 3].map(|key| (key, ControlAction::Signal(signal))));
        Hosted {
            program,
            restart,
            stop,
            tree,
            limits,
            ready,
            health,
            log,
            system_events: SystemEvent::NAMED.iter().map(|(_, event)| *event).zip(controls.values().cloned()).collect(),
            controls: controls.into_iter().chain(pausing).collect(),
            hooks,
            schedule,
        }
    }
}

fn runs() -> impl Strategy<Value = Runs> {
    let binary_path = text().prop_filter_map("there is something to start", |text| ImagePath::new(text).ok());
    prop_oneof![3 => hosted().prop_map(Runs::from), 1 => binary_path.prop_map(Runs::BinaryPath)]
}

prop_compose! {
    fn service()(
        naming in naming().boxed(), runs in runs().boxed(), recovery in recovery().boxed(), share in any::<bool>(), group in prop::option::of(name()), tag in any::<bool>(),
        sid in prop::sample::select(&[SidType::NONE, SidType::UNRESTRICTED, SidType::RESTRICTED][..]),
        error_control in 0_u32..4, privileges in prop::collection::vec(text(), 0..3),
        security in prop::option::of(prop::sample::select(&["D:(A;;GA;;;BA)", "O:BAD:PS:(ML;;NW;;;HI)", "D:(0x16;;#01020304)"][..])),
        preshutdown in prop_oneof![Just(ServiceDefinition::DEFAULT_PRESHUTDOWN), time()], recovery_on_error in any::<bool>(),
        ports in prop::collection::vec(1_u16.., 0..3), preferred_node in any::<Option<u16>>(), protection in 0_u32..4,
    ) -> ServiceDefinition {
        ServiceDefinition {
            process: if share { Process::Share } else { Process::Own },
            error_control: ErrorControl(error_control),
            tag: tag && group.is_some(),
            group: group.map(|group| GroupName::new(group).unwrap()),
            sid,
            privileges,
            triggers: ports.iter().map(|port| Trigger::tcp(&port.to_string())).collect(),
            security: security.map(|text| text.parse().unwrap()),
            preferred_node,
            launch_protection: LaunchProtection(protection),
            preshutdown,
            recovery,
            recovery_on_error,
            runs,
            ..naming
        }
    }
}

proptest! {
    #[test]
    fn any_service_comes_back(service in service()) {
        let text = write(std::slice::from_ref(&service), Platform::Unix).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let back = read(&text);
        prop_assert_eq!(&back, std::slice::from_ref(&service), "{}", text);
        prop_assert_eq!(back[0].name.as_str(), service.name.as_str());
        prop_assert_eq!(back[0].display_name.as_str(), service.display_name.as_str());
        prop_assert_eq!(SCHEMA.check(&text), [""; 0], "{}", text);
        prop_assert_eq!(write(&back, Platform::Unix).unwrap(), text);
    }
}

fn plain(name: &str) -> ServiceDefinition {
    let program = Program {
        command: vec!["shop".to_owned()],
        directory: root("shop"),
        environment: Default::default(),
        environment_files: Vec::new(),
        secrets: Default::default(),
    };
    ServiceDefinition::new(ServiceName::new(name).unwrap(), Hosted::new(program, Platform::Unix))
}

#[cfg(unix)]
#[test]
fn what_is_default_is_left_out() {
    let text = write(&[plain("shop")], Platform::Unix).unwrap();
    assert_eq!(text, "[service.shop]\nrun = [\"shop\"]\ndirectory = \"/srv/shop\"\n");
}

#[cfg(windows)]
#[test]
fn paths_of_windows_are_written_as_they_are() {
    let text = write(&[plain("shop")], Platform::Unix).unwrap();
    assert_eq!(text, "[service.shop]\nrun = [\"shop\"]\ndirectory = 'C:\\srv\\shop'\n");
}

#[cfg(unix)]
#[test]
fn everything_has_its_place() {
    let all = "[service.\"the shop\"]\n\
               run = [\"/usr/bin/shop\", \"--port\", \"80\"]\n\
               directory = \"/srv/shop\"\n\
               display-name = \"Shop\"\n\
               start = \"auto\"\n\
               depends-on = [\"db\", \"+Network\"]\n\
               environment-file = \"/srv/shop/.env\"\n\
               environment = { PORT = \"80\" }\n\
               \n\
               [service.\"the shop\".restart]\n\
               delay = \"1s\"\n\
               factor = 1.5\n\
               exit-codes = { 0 = \"stop\", 75 = \"restart\" }\n\
               \n\
               [service.\"the shop\".stop]\n\
               ladder = [{ ctrl-c = \"5s\" }, { \"signal:TERM\" = \"500ms\" }]\n\
               \n\
               [service.\"the shop\".ready]\n\
               tcp = \"127.0.0.1:80\"\n\
               \n\
               [service.\"the shop\".log]\n\
               file = \"/srv/shop/shop.log\"\n\
               rotate = { size = \"10MB\" }\n\
               keep = { count = 5 }\n\
               \n\
               [service.\"the shop\".controls]\n\
               reload = \"signal:HUP\"\n\
               \n\
               [service.\"the shop\".hooks]\n\
               pre-start = [\"python3\", \"migrate.py\"]\n\
               on-crash = { run = [\"/srv/shop/tell\"], timeout = \"5s\", on-failure = \"fail\" }\n\
               \n\
               [service.\"the shop\".recovery]\n\
               actions = [{ restart = \"5s\" }]\n\
               reset-period = \"1d\"\n\
               \n\
               [service.\"the shop\".windows]\n\
               group = \"Web\"\n";
    assert_eq!(write(&read(all), Platform::Unix).unwrap(), all);
}

#[test]
fn what_documents_show_comes_back() {
    let text = include_str!("../../../../docs/reference/definition.md");
    let example = text.split("```toml\n").last().unwrap().split("```").next().unwrap();
    let services = read(example);
    assert_eq!(read(&write(&services, Platform::Unix).unwrap()), services);
}

#[test]
fn paths_are_written_in_their_plain_form() {
    let mut service = plain("shop");
    service.hosted_mut().unwrap().program.directory = root(".//./shop/");
    let text = write(&[service], Platform::Unix).unwrap();
    assert_eq!(read(&text)[0].hosted().unwrap().program.directory, root("shop"));
}

#[track_caller]
fn refuses(change: impl FnOnce(&mut ServiceDefinition), reason: &str) {
    let mut service = plain("shop");
    change(&mut service);
    let error = write(&[service], Platform::Unix).unwrap_err();
    assert_eq!(error.to_string(), format!("service \"shop\" can't be written as a definition: {reason}"));
}

#[test]
fn what_the_file_has_no_words_for_is_refused() {
    refuses(|s| s.error_control = ErrorControl(9), "there is no word for its value of \"error-control\"");
    refuses(
        |s| s.hosted_mut().unwrap().restart.delay = Duration::from_micros(1500),
        "1.5ms is no whole number of milliseconds",
    );
    refuses(
        |s| s.hosted_mut().unwrap().restart.factor = f64::INFINITY,
        "\"factor\" must be a number from 1 to 1000",
    );
    refuses(|s| s.hosted_mut().unwrap().program.directory = "srv".into(), "\"srv\" is not an absolute path");
    refuses(|s| s.hosted_mut().unwrap().program.command.clear(), "there is nothing to run");
    refuses(
        |s| s.hosted_mut().unwrap().program.command.push("a\0".into()),
        "\"run\" can't contain a NUL character",
    );
    refuses(
        |s| s.hosted_mut().unwrap().program.command[0] = "./shop".into(),
        "what is run would not be the same when it is read",
    );
    refuses(|s| s.account = Some(String::new()), "an account can't be empty");
    refuses(|s| s.tag = true, "a tag is a place in a group");
    refuses(
        |s| s.recovery.reset_period = ResetPeriod::Seconds(5),
        "the recovery would not be the same when it is read",
    );
    refuses(
        |s| s.hosted_mut().unwrap().controls = BTreeMap::from([(1, ControlAction::Signal(Signal::Hup))]),
        "unknown key \"1\" in [service.shop.controls]",
    );
}

#[test]
fn services_that_contradict_each_other_are_refused_together() {
    let error = write(&[plain("shop"), plain("SHOP")], Platform::Unix).unwrap_err();
    assert_eq!(error, Unwritable::Together("service \"SHOP\" is already there as \"shop\"".to_owned()));
    let mut other = plain("db");
    other.account = Some(LOCAL_SYSTEM.to_owned());
    assert_eq!(
        read(&write(&[plain("shop"), other.clone()], Platform::Unix).unwrap()),
        [plain("shop"), other]
    );
}
