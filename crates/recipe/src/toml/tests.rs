//! What is read, and what is said about what can't be.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use svckit_core::call::{HttpCall, HttpRequest};
use svckit_core::control::Control;
use svckit_core::definition::{
    Compression, ControlAction, ExitAction, HostDefinition, LogFormat, LogTarget, PasswordSource,
    RestartPolicy, RestartWhen, Rung, SecretSource, StopAction, StopPolicy,
};
use svckit_core::failure::{ActionType, FailureAction, ResetPeriod};
use svckit_core::health::{AskPolicy, HealthPolicy};
use svckit_core::hook::{Errand, Hook, Hooks, Moment, OnFailure};
use svckit_core::kind::{ErrorControl, ServiceType, SidType, StartType};
use svckit_core::limits::{Limits, Priority};
use svckit_core::log::rotation::RotateTime;
use svckit_core::probe::{HttpUrl, LinePattern, ReadyWhen};
use svckit_core::signal::Signal;
use svckit_core::target::Target;
use svckit_core::tree::TreePolicy;

use super::parse;
use crate::definition::{Definition, Process, ServiceDefinition, StartMode};
use crate::platform::Platform;

const FILE: &str = "/srv/shop/service.toml";

fn read(text: &str) -> Definition {
    parse(FILE, text, Platform::Unix).unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn only(text: &str) -> ServiceDefinition {
    let mut services = read(text).services;
    assert_eq!(services.len(), 1);
    services.remove(0)
}

/// The messages without the path, a line each.
fn wrong(text: &str) -> String {
    parse(FILE, text, Platform::Unix)
        .expect_err("it is wrong")
        .to_string()
        .replace("/srv/shop/service.toml:", "")
}

#[track_caller]
fn refuses(text: &str, expected: &str) {
    assert_eq!(wrong(text), expected, "for:\n{text}");
}

/// Keys of a service that is otherwise complete; they begin in line 3.
#[track_caller]
fn refuses_keys(keys: &str, expected: &str) {
    refuses(&format!("[service.web]\nrun = \"web\"\n{keys}"), expected);
}

#[test]
fn a_definition_for_windows() {
    let text = "[service.web]\nrun = '\"C:\\Program Files\\web.exe\" --root C:\\data'";
    let definition = parse(FILE, text, Platform::Windows).unwrap();
    let service = &definition.services[0];
    assert!(
        service.hosted().unwrap().program.command[0].ends_with(r"C:\Program Files\web.exe"),
        "{:?}",
        service.hosted().unwrap().program.command
    );
    assert_eq!(service.hosted().unwrap().program.command[1..], ["--root", r"C:\data"]);
    let rung = |action| Rung { action, wait: Duration::from_secs(5) };
    assert_eq!(service.hosted().unwrap().stop.ladder, [rung(StopAction::CtrlC), rung(StopAction::WmClose)]);
    let told = "[service.web]\nrun = ['web']\nready = { notify = true }\nhealth = { notify = '9s' }\n";
    let service = parse(FILE, told, Platform::Windows).unwrap().services.remove(0);
    assert_eq!(service.hosted().unwrap().ready.clone().unwrap().when, ReadyWhen::Notify);
    assert_eq!(service.hosted().unwrap().health, Some(HealthPolicy::Notify(Duration::from_secs(9))));
    let signals = "[service.web]\nrun = ['web']\n[service.web.controls]\nreload = \"signal:HUP\"\n";
    let wrong = parse(FILE, signals, Platform::Windows).unwrap_err().to_string();
    assert!(wrong.contains("service.toml:4:10: programs on Windows can't be sent signals"), "{wrong}");
    let open = parse(FILE, "[service.web]\nrun = 'a \"b'", Platform::Windows).unwrap_err().to_string();
    assert!(open.contains("the quotation mark \" is never closed"), "{open}");
}

#[cfg(windows)]
mod on_windows {
    use super::*;

    #[test]
    fn paths_are_made_absolute_or_refused() {
        let file = r"C:\shop\service.toml";
        let read = |keys: &str| parse(file, format!("[service.web]\n{keys}"), Platform::Windows);
        let program = |keys: &str| read(keys).unwrap().services[0].hosted().unwrap().program.clone();
        assert_eq!(program("run = ['bin/web.exe']").command, [r"C:\shop\bin\web.exe"]);
        assert_eq!(program(r"run = ['\bin\web.exe']").command, [r"C:\bin\web.exe"]);
        assert_eq!(program(r"run = ['\\host\share\web.exe']").command, [r"\\host\share\web.exe"]);
        assert_eq!(program(r"run = ['D:\web.exe']").command, [r"D:\web.exe"]);
        assert_eq!(program("run = ['web']").command, ["web"]);
        assert_eq!(program("run = ['web']\ndirectory = 'a/./b'").directory, Path::new(r"C:\shop\a\b"));
        for keys in ["run = ['D:web.exe']", "run = ['web']\ndirectory = 'D:'"] {
            let wrong = read(keys).unwrap_err().to_string();
            assert!(wrong.contains("depends on who asks"), "{wrong}");
        }
    }
}

#[test]
fn a_command_is_enough() {
    let service = only("[service.web]\nrun = ['python3', '-m', 'web']");
    let hosted = service.hosted().unwrap();
    assert_eq!(service.name.as_str(), "web");
    assert_eq!(service.display_name.as_str(), "web");
    assert_eq!(hosted.program.command, ["python3", "-m", "web"]);
    assert_eq!(hosted.program.directory, Path::new("/srv/shop"));
    assert_eq!(hosted.restart, RestartPolicy::default());
    assert_eq!(hosted.stop, StopPolicy::default());
    assert_eq!((service.start, service.process), (None, Process::Own));
    let config = service.config(svckit_core::image_path::ImagePath::new("svc host run").unwrap());
    assert_eq!(config.service_type, ServiceType::WIN32_OWN_PROCESS);
    assert_eq!(config.start_type, StartType::DEMAND_START);
    assert_eq!(config.account.as_deref(), Some("LocalSystem"));
    let host = service.host(Path::new("/state/logs/web.log"), Path::new(FILE)).unwrap();
    assert_eq!(host.log.stdout, LogTarget::File("/state/logs/web.log".into()));
    assert_eq!(host.log.stderr, host.log.stdout);
}

const EVERYTHING: &str = r#"
[service.shop]
run = "./bin/shop --greeting 'good day'"
directory = "app/."
display-name = "Shop"
description = "The web shop"
start = "delayed"
depends-on = ["postgresql", "+Network"]
account = "LocalService"
environment = { PORT = "8080", TOKEN = { file = "token" } }
environment-file = [".env", "/etc/shop.env"]
process = "share"
[service.shop.restart]
when = "always"
delay = "500ms"
factor = 1.5
max-delay = "5m"
jitter = 0.1
budget = "10m"
reset-after = "1m"
exit-codes = { 0 = "stop", 75 = "restart", 78 = "fail", -1 = "stop" }
[service.shop.stop]
ladder = [{ ctrl-c = "5s" }, { wm-close = "5s" }, { "signal:sigquit" = "1s" }, { stdin-close = "0s" }, { ctrl-break = "1s" }, { terminate = "0s" }]
tree = "kill"
[service.shop.ready]
tcp = "[::1]:8080"
timeout = "90s"
[service.shop.log]
stdout-file = "logs/shop.out"
rotate = { size = "10MB", time = "weekly", at = "sun 3:00", at-start = true }
keep = { count = 10, age = "30d", total = "1GB" }
compress = "gzip"
format = "json"
timestamps = true
buffer = "64KiB"
[service.shop.controls]
pause = "signal:TSTP"
continue = "signal:CONT"
reload = "signal:HUP"
200 = "signal:USR1"
[service.shop.recovery]
actions = [{ restart = "5s" }, { run-command = "0s" }, { none = "0s" }]
reset-period = "1d"
command = "notify shop"
reboot-message = "going down"
on-stop-with-error = true
[service.shop.windows]
sid-type = "unrestricted"
privileges = ["SeBackupPrivilege"]
preshutdown = "1m"
group = "Web"
tag = true
error-control = "severe"
triggers = ["start/tcp/8080", "start/namedpipe//run/shop.sock"]
security = "D:(A;;GA;;;BA)"
"#;

#[test]
fn every_key_is_read() {
    let service = only(EVERYTHING);
    let hosted = service.hosted().unwrap();
    assert_eq!(Path::new(&hosted.program.command[0]), Path::new("/srv/shop/app/bin/shop"));
    assert_eq!(hosted.program.command[1..], ["--greeting", "good day"]);
    assert_eq!(hosted.program.directory, Path::new("/srv/shop/app"));
    assert_eq!(hosted.program.environment, [("PORT".to_owned(), "8080".to_owned())].into());
    let token = SecretSource::File("/srv/shop/token".into());
    assert_eq!(hosted.program.secrets, [("TOKEN".to_owned(), token)].into());
    assert_eq!(hosted.program.environment_files, [Path::new("/srv/shop/.env"), Path::new("/etc/shop.env")]);
    assert_eq!((service.start, service.process), (Some(StartMode::Delayed), Process::Share));
    assert_eq!(
        service.dependencies.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["postgresql", "+Network"]
    );
    assert_eq!(service.account.as_deref(), Some("LocalService"));
    assert_eq!(service.description.as_deref(), Some("The web shop"));
    assert_eq!((service.error_control, service.sid), (ErrorControl::SEVERE, SidType::UNRESTRICTED));
    assert_eq!((service.group.as_ref().unwrap().as_str(), service.tag), ("Web", true));
    assert_eq!(service.privileges, ["SeBackupPrivilege"]);
    assert_eq!(service.security.as_ref().unwrap().to_string(), "D:(A;;GA;;;BA)");
    assert_eq!(service.preshutdown, Duration::from_secs(60));
    let triggers: Vec<_> = service.triggers.iter().filter_map(|trigger| trigger.to_text()).collect();
    assert_eq!(triggers, ["start/tcp/8080", "start/namedpipe//run/shop.sock"]);
    let ready = hosted.ready.clone().unwrap();
    let tcp = ReadyWhen::Ask(Target::Tcp("[::1]:8080".to_owned()));
    assert_eq!((ready.when, ready.timeout), (tcp, Duration::from_secs(90)));
}

#[test]
fn every_policy_is_read() {
    let service = only(EVERYTHING);
    let hosted = service.hosted().unwrap();
    let restart = &hosted.restart;
    assert_eq!((restart.when, restart.factor, restart.jitter), (RestartWhen::Always, 1.5, 0.1));
    assert_eq!((restart.delay, restart.max_delay), (Duration::from_millis(500), Duration::from_secs(300)));
    assert_eq!((restart.budget, restart.reset_after), (Duration::from_secs(600), Duration::from_secs(60)));
    let codes =
        [(-1, ExitAction::Stop), (0, ExitAction::Stop), (75, ExitAction::Restart), (78, ExitAction::Fail)];
    assert_eq!(restart.exit_codes, codes.into());
    let rung = |action, seconds| Rung { action, wait: Duration::from_secs(seconds) };
    let ladder = [
        rung(StopAction::CtrlC, 5),
        rung(StopAction::WmClose, 5),
        rung(StopAction::Signal(Signal::Quit), 1),
        rung(StopAction::StdinClose, 0),
        rung(StopAction::CtrlBreak, 1),
        rung(StopAction::Terminate, 0),
    ];
    assert_eq!(hosted.stop.ladder, ladder);
    let host = service.host(Path::new("/state/logs/shop.log"), Path::new(FILE)).unwrap();
    assert_eq!(host.log.stdout, LogTarget::File("/srv/shop/logs/shop.out".into()));
    assert_eq!(host.log.stderr, LogTarget::File("/state/logs/shop.log".into()));
    assert_eq!(
        (host.log.rotate_size, host.log.keep_count, host.log.buffer),
        (Some(10_000_000), Some(10), 65_536)
    );
    let week = |days: u64, hours: u64| Duration::from_secs((days * 24 + hours) * 3600);
    let sunday_at_three = RotateTime::Every { interval: week(7, 0), at: week(6, 3) };
    assert_eq!((host.log.rotate_time, host.log.rotate_at_start), (Some(sunday_at_three), true));
    assert_eq!((host.log.compress, host.log.timestamps), (Some(Compression::Gzip), true));
    assert_eq!(host.log.format, LogFormat::Json);
    assert_eq!((host.log.keep_age, host.log.keep_total), (Some(week(30, 0)), Some(1_000_000_000)));
    let signals = [
        (Control::PAUSE.0, Signal::Tstp),
        (Control::CONTINUE.0, Signal::Cont),
        (Control::PARAMCHANGE.0, Signal::Hup),
        (200, Signal::Usr1),
    ];
    assert_eq!(
        host.controls,
        signals.map(|(control, signal)| (control, ControlAction::Signal(signal))).into()
    );
    let action = |kind, seconds| FailureAction { kind, delay: Duration::from_secs(seconds) };
    let recovery = &service.recovery;
    let actions =
        [action(ActionType::RESTART, 5), action(ActionType::RUN_COMMAND, 0), action(ActionType::NONE, 0)];
    assert_eq!(recovery.actions, actions);
    assert_eq!(recovery.reset_period, ResetPeriod::Seconds(86_400));
    assert_eq!((recovery.command.as_str(), recovery.reboot_message.as_str()), ("notify shop", "going down"));
    assert!(service.recovery_on_error);
}

#[test]
fn dependencies_come_first_and_else_the_file_rules() {
    let definition = read(
        "[service.a]\nrun='x'\ndepends-on=['c', 'elsewhere']\n[service.b]\nrun='x'\n[service.C]\nrun='x'\ndepends-on=['+g']\n\
         [service.d]\nrun='x'\n[service.d.windows]\ngroup='G'",
    );
    let names: Vec<_> = definition.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["d", "C", "a", "b"]);
}

#[test]
fn a_long_chain_of_dependencies_is_no_trouble() {
    let services: String =
        (0..5000).map(|n| format!("[service.s{n}]\nrun='x'\ndepends-on=['s{}']\n", n + 1)).collect();
    let definition = read(&services);
    assert_eq!(definition.services[0].name.as_str(), "s4999");
}

#[test]
fn an_unknown_key_suggests_the_right_one() {
    refuses_keys(
        "discription = 'x'",
        r#"3:1: unknown key "discription" in [service.web] (did you mean "description"?)"#,
    );
    refuses_keys(
        "display_name = 'x'",
        r#"3:1: unknown key "display_name" in [service.web] (did you mean "display-name"?)"#,
    );
    refuses_keys(
        "[service.web.restart]\n  dealy = '5s'",
        r#"4:3: unknown key "dealy" in [service.web.restart] (did you mean "delay"?)"#,
    );
    refuses(
        "[services.web]\nrun = 'x'",
        r#"1:2: unknown key "services" at the top (did you mean "service"?)"#,
    );
    refuses_keys(
        "keep = { count = 3 }\n[service.web.log]\nkeep = { number = 3 }",
        "3:1: unknown key \"keep\" in [service.web] (write it in [service.web.log])\n\
         5:10: unknown key \"number\" in [service.web.log.keep] (the keys here are count, age, total)",
    );
}

#[test]
fn a_wrong_type_is_told_with_an_example() {
    refuses_keys(
        "display-name = 7",
        r#"3:16: "display-name" must be a string, not a whole number (write display-name = "Shop")"#,
    );
    refuses_keys(
        "depends-on = 'db'",
        r#"3:14: "depends-on" must be a list of strings, not a string (write depends-on = ["postgresql", "+group"])"#,
    );
    refuses_keys(
        "depends-on = ['db', 3]",
        r#"3:21: "depends-on" must be a list of strings, not a whole number (write depends-on = ["postgresql", "+group"])"#,
    );
    refuses_keys(
        "environment = { PORT = 8080 }",
        r#"3:24: "PORT" must be a string, not a whole number (write PORT = "8080")"#,
    );
    refuses_keys(
        "[service.web.restart]\ndelay = 5",
        r#"4:9: "delay" must be a duration, not a whole number (write delay = "5s")"#,
    );
    refuses_keys(
        "restart = 'always'",
        r#"3:11: "restart" must be a table, not a string (write it as a table [service.web.restart])"#,
    );
    refuses_keys(
        "[service.web.restart]\nfactor = '2'",
        r#"4:10: "factor" must be a number, not a string (write factor = 2)"#,
    );
    refuses_keys(
        "[service.web.log]\nrotate = { size = 10 }",
        r#"4:19: "size" must be a size, not a whole number (write size = "10MB")"#,
    );
    refuses_keys(
        "[service.web.log]\nkeep = { count = '10' }",
        r#"4:18: "count" must be a whole number, not a string (write count = 0)"#,
    );
    refuses_keys(
        "[service.web.recovery]\non-stop-with-error = 'yes'",
        r#"4:22: "on-stop-with-error" must be true or false, not a string (write on-stop-with-error = true)"#,
    );
    refuses(
        "service = 3",
        r#"1:11: "service" must be a table, not a whole number (write it as a table [service])"#,
    );
    refuses(
        "[service]\nweb = 'x'",
        r#"2:7: "web" must be a table, not a string (write [service.NAME] with run = ["program", "argument"])"#,
    );
    refuses(
        "[service.web]\nrun = 3",
        r#"2:7: "run" must be a list of strings or one string, not a whole number (write run = ["python3", "app.py"])"#,
    );
}

#[test]
fn a_wrong_value_is_told_with_what_would_be_right() {
    refuses_keys("start = 'automatic'", r#"3:9: "start" can't be "automatic" (did you mean "auto"?)"#);
    refuses_keys("process = 'both'", r#"3:11: "process" can't be "both" (it is one of "own", "share")"#);
    refuses_keys(
        "[service.web.restart]\ndelay = '5'",
        r#"4:9: "5" is not a duration (a number and one of ms, s, m, h, d, such as "5s", "500ms" or "1m 30s")"#,
    );
    refuses_keys(
        "[service.web.restart]\nfactor = 0.5",
        r#"4:10: "factor" must be a number from 1 to 1000 (write factor = 2)"#,
    );
    refuses_keys(
        "[service.web.restart]\nexit-codes = { x = 'stop' }",
        r#"4:16: "x" is not an exit code (write exit-codes = { 75 = "restart", 78 = "fail" })"#,
    );
    refuses_keys(
        "[service.web.log]\nrotate = { size = '10' }",
        r#"4:19: "10" is not a size (a number and one of B, KB, MB, GB, KiB, MiB, GiB: size = "10MB")"#,
    );
    refuses_keys(
        "[service.web.log]\nfile = 'a'\nstdout-file = 'b'",
        r#"4:8: "file" can't go with "stdout-file" or "stderr-file" ("file" takes both streams; give it alone, or the two others)"#,
    );
    refuses_keys(
        "[service.web.ready]\ntcp = '8080'",
        r#"4:7: "8080" is not HOST:PORT (write tcp = "127.0.0.1:8080" or tcp = "[::1]:8080")"#,
    );
    refuses_keys(
        "[service.web.ready]\ntimeout = '3s'",
        r#"4:1: [service.web.ready] does not say when the program is ready (write tcp = "127.0.0.1:8080")"#,
    );
    refuses_keys(
        "[service.web.ready]\ntcp = '[::1]:80'\nlog = 'up'",
        r#"5:1: "tcp" and "log" can't be together in [service.web.ready] (leave one of them)"#,
    );
    refuses_keys(
        "[service.web.ready]\nhttp = 'https://localhost/'",
        r#"4:8: "https://localhost/" can't be asked: this version speaks no TLS (name an address without TLS, such as one for this machine only, or write tcp = "HOST:PORT")"#,
    );
    refuses_keys(
        "[service.web.ready]\nhttp = 'localhost:80'",
        r#"4:8: "localhost:80" is not http://HOST:PORT/PATH (write http = "http://127.0.0.1:8080/health")"#,
    );
    refuses_keys(
        "[service.web.ready]\nlog = '*'",
        r#"4:7: "*" is no text within a line (write log = "listening on", a part of the line; * in it is any text)"#,
    );
    refuses_keys(
        "[service.web.windows]\ntag = true",
        r#"4:7: a tag is a place in a group (write group = "NAME" as well)"#,
    );
    refuses_keys(
        "password = 'x'",
        "3:1: a password does not belong into a file (write password = { file = \"…\" }, { environment = \"NAME\" } or { credential = \"NAME\" }, or leave it out and give it to: svc install --password-stdin)",
    );
    refuses_keys(
        "environment = { 'A=B' = 'x' }",
        r#"3:17: "A=B" can't name a variable (a name has at least one character and no =)"#,
    );
}

#[test]
fn the_ladder_and_the_controls_know_their_means() {
    let ladder = |rung: &str| format!("[service.web.stop]\nladder = [{rung}]");
    refuses_keys(
        &ladder("{ ctrlc = '5s' }"),
        r#"4:13: "ctrlc" is not a means of stopping (did you mean "ctrl-c"?)"#,
    );
    refuses_keys(
        &ladder("{ TERM = '5s' }"),
        r#"4:13: "TERM" is not a means of stopping (did you mean "signal:TERM"?)"#,
    );
    refuses_keys(
        &ladder("{ 'signal:TREM' = '5s' }"),
        r#"4:13: there is no signal "TREM" (did you mean "signal:TERM"?)"#,
    );
    refuses_keys(
        &ladder("{ ctrl-c = 5 }"),
        r#"4:22: "ctrl-c" must be a duration, not a whole number (write { "ctrl-c" = "5s" })"#,
    );
    refuses_keys(
        &ladder("{}"),
        r#"4:11: each step of "ladder" is one means with its time (write ladder = [{ ctrl-c = "5s" }, { "signal:TERM" = "10s" }])"#,
    );
    refuses_keys(
        &ladder("{ signal:TERM = '5s' }"),
        "4:19: this is not TOML: invalid unquoted key, expected letters, numbers, `-`, `_` (a key with a colon is quoted: { \"signal:TERM\" = \"10s\" })",
    );
    let controls = |line: &str| format!("[service.web.controls]\n{line}");
    refuses_keys(
        &controls("127 = 'signal:HUP'"),
        r#"4:1: unknown key "127" in [service.web.controls] (the keys here are pause, continue, reload, suspend, resume, power-status, session-logon, session-logoff, session-lock, session-unlock, session-connect, session-disconnect and the numbers 128 to 255)"#,
    );
    refuses_keys(
        &controls("relaod = 'signal:HUP'"),
        r#"4:1: unknown key "relaod" in [service.web.controls] (did you mean "reload"?)"#,
    );
    refuses_keys(
        &controls("reload = 'HUP'"),
        r#"4:10: "HUP" is not an action (write reload = "signal:HUP")"#,
    );
    refuses_keys(
        &controls("pause = 'signal:TSTP'"),
        r#"4:1: "pause" needs "continue" as well (for example pause = "signal:TSTP", continue = "signal:CONT")"#,
    );
    refuses_keys(
        &ladder("{ command = 'quit' }"),
        r#"4:11: a command in "ladder" needs time: it is ended with its "wait" (write { command = ["shopctl", "quit"], wait = "10s" })"#,
    );
    refuses_keys(
        &ladder("{ command = 'quit', wait = '5s', ctrl-c = '5s' }"),
        r#"4:44: unknown key "ctrl-c" in [service.web.stop.ladder] (the keys here are command, http, wait)"#,
    );
    refuses_keys(
        &controls("reload = { timeout = '5s' }"),
        r#"4:10: it does not say what to do (write reload = { command = ["shopctl", "reload"] })"#,
    );
    refuses_keys(
        &controls("reload = { command = [] }"),
        r#"4:22: there is nothing to run (write { command = ["shopctl", "reload"] })"#,
    );
    let recovery = |line: &str| format!("[service.web.recovery]\n{line}");
    refuses_keys(
        &recovery("actions = [{ restrat = '5s' }]"),
        r#"4:14: "restrat" is not an action (did you mean "restart"?)"#,
    );
    refuses_keys(
        &recovery("actions = [{ run-command = '5s' }]"),
        r#"4:1: "run-command" needs a "command" (write command = "program argument")"#,
    );
}

#[test]
fn hooks_are_commands_for_moments_that_there_are() {
    let hooks = |line: &str| format!("[service.web.hooks]\n{line}");
    let text = "[service.web]\nrun = 'web'\n[service.web.hooks]\npre-start = 'bin/up --now'\n\
                on-crash = { run = ['tell', 'me'], timeout = '5s', on-failure = 'fail' }\n\
                pre-stop = [['a', 'b'], { run = 'c', timeout = '5s' }]\n";
    let mut service = parse("/srv/service.toml", text, Platform::Unix).unwrap().services.remove(0);
    // Paths are those of the system on which this is tested.
    let all = service.hosted_mut().unwrap().hooks.values_mut().flat_map(Hooks::as_mut_slice);
    for word in all.flat_map(|hook| &mut hook.errand.command) {
        *word = word.replace(std::path::MAIN_SEPARATOR, "/");
    }
    let hook = |command: &[&str], seconds, on_failure| Hook {
        errand: Errand {
            command: command.iter().map(|&word| word.to_owned()).collect(),
            timeout: Duration::from_secs(seconds),
        },
        on_failure,
    };
    let expected = [
        (Moment::PreStart, vec![hook(&["/srv/bin/up", "--now"], 30, OnFailure::Fail)]),
        (Moment::OnCrash, vec![hook(&["tell", "me"], 5, OnFailure::Fail)]),
        (Moment::PreStop, vec![hook(&["a", "b"], 30, OnFailure::GoOn), hook(&["c"], 5, OnFailure::GoOn)]),
    ];
    let expected = expected.map(|(moment, hooks)| (moment, Hooks::new(hooks).unwrap()));
    assert_eq!(service.hosted().unwrap().hooks, expected.into());
    refuses_keys(
        &hooks("prestart = 'x'"),
        r#"4:1: unknown key "prestart" in [service.web.hooks] (did you mean "pre-start"?)"#,
    );
    refuses_keys(
        &hooks("xyz = 'x'"),
        r#"4:1: unknown key "xyz" in [service.web.hooks] (the keys here are pre-start, post-start, pre-stop, post-stop, on-crash, on-give-up, on-rotate)"#,
    );
    refuses_keys(
        "pre-start = 'x'",
        r#"3:1: unknown key "pre-start" in [service.web] (write it in [service.web.hooks])"#,
    );
    refuses_keys(
        &hooks("pre-start = []"),
        r#"4:13: there is nothing to run (write pre-start = ["python3", "migrate.py"])"#,
    );
    refuses_keys(
        &hooks("pre-start = [['x'], 'y']"),
        r#"4:21: one of several hooks of "pre-start" must be a list or a table (write { run = ["python3", "migrate.py"] })"#,
    );
    refuses_keys(
        &hooks("pre-start = [['x'], []]"),
        r#"4:21: there is nothing to run (write pre-start = ["python3", "migrate.py"])"#,
    );
    refuses_keys(
        &hooks("pre-start = { timeout = '5s' }"),
        r#"4:1: the hook "pre-start" does not say what to run (write run = ["python3", "migrate.py"])"#,
    );
    refuses_keys(
        &hooks("pre-start = { run = 'x', timeout = 5 }"),
        r#"4:36: "timeout" must be a duration, not a whole number (write timeout = "30s")"#,
    );
    refuses_keys(
        &hooks("pre-start = { run = 'x', onfailure = 'fail' }"),
        r#"4:26: unknown key "onfailure" in [service.web.hooks.pre-start] (did you mean "on-failure"?)"#,
    );
    refuses_keys(
        &hooks("post-stop = { run = 'x', on-failure = 'fail' }"),
        r#"4:39: the failure of "post-stop" can't fail anything: the service stops anyway (write on-failure = "go-on", or leave it out)"#,
    );
}

#[test]
fn times_of_rotation_that_make_no_sense_are_refused() {
    let rotate = |keys: &str, wrong: &str| {
        refuses_keys(&format!("[service.web.log]\nrotate = {{ {keys} }}"), wrong);
    };
    rotate(
        "time = 'nightly'",
        r#"4:19: "nightly" doesn't say how often (it is "hourly", "daily", "weekly", "monthly", or a duration from 1m to 366d, such as "6h")"#,
    );
    rotate(
        "time = 'hourly', at = '03:00'",
        r#"4:34: "03:00" is no time of "hourly" (a time of day that is within it, such as "03:00"; for a week also with the day, such as "sunday 03:00")"#,
    );
    rotate(
        "at = '03:00'",
        r#"4:17: "at" says at which time of what "time" says (write time = "daily" as well)"#,
    );
    refuses_keys(
        "[service.web.log]\ncompress = 'zip'",
        r#"4:12: "compress" can't be "zip" (did you mean "gzip"?)"#,
    );
    rotate(
        "at-start = 'yes'",
        r#"4:23: "at-start" must be true or false, not a string (write at-start = true)"#,
    );
}

#[test]
fn what_becomes_of_processes_is_said_or_told() {
    let tree = |value: &str| {
        let text = format!("[service.web]\nrun = 'x'\n[service.web.stop]\ntree = {value}\n");
        parse("/srv/service.toml", &text, Platform::Unix)
            .unwrap()
            .services
            .remove(0)
            .hosted()
            .unwrap()
            .tree
            .clone()
    };
    assert_eq!(tree("'kill'"), TreePolicy::Kill);
    assert_eq!(tree("'follow'"), TreePolicy::Follow);
    let names = vec!["updater.exe".to_owned(), "log*".to_owned()];
    assert_eq!(tree("{ leave = ['updater.exe', 'log*'] }"), TreePolicy::Leave(names));
    let refused = |value: &str, expected: &str| {
        refuses_keys(&format!("[service.web.stop]\ntree = {value}"), expected);
    };
    refused("'folow'", r#"4:8: "tree" can't be "folow" (did you mean "follow"?)"#);
    refused("1", r#"4:8: "tree" must be one of "kill", "follow", not a whole number (write tree = "kill")"#);
    refused("{}", r#"4:8: "tree" doesn't say what is left (write tree = { leave = ["updater"] })"#);
    refused(
        "{ leave = 'x' }",
        r#"4:18: "leave" must be a list of strings, not a string (write leave = ["updater"])"#,
    );
    refused(
        "{ leave = ['bin/x'] }",
        r#"4:19: "bin/x" is not the name of a program's file (write tree = { leave = ["updater"] })"#,
    );
    refused(
        "{ leave = ['x'], keep = 1 }",
        r#"4:25: unknown key "keep" in [service.web.stop.tree] (the keys here are leave)"#,
    );
}

#[test]
fn limits_are_read_and_mistakes_are_told() {
    let text = "[service.web]\nrun = 'x'\n[service.web.limits]\npriority = 'below-normal'\naffinity = [3, 0, 3]\n\
                files = 1024\ncore = 'unlimited'\nmemory = '1.5GiB'\ncpu = '150%'\nprocesses = 100\n";
    let limits = parse("/srv/service.toml", text, Platform::Unix)
        .unwrap()
        .services
        .remove(0)
        .hosted()
        .unwrap()
        .limits
        .clone();
    let expected = Limits {
        priority: Some(Priority::BelowNormal),
        affinity: vec![0, 3],
        open_files: Some(1024),
        core_size: Some(Limits::UNLIMITED),
        memory: Some(3 << 29),
        cpu: Some(150),
        processes: Some(100),
    };
    assert_eq!(limits, expected);
    let refused =
        |line: &str, expected: &str| refuses_keys(&format!("[service.web.limits]\n{line}"), expected);
    refused("priority = 'hihg'", r#"4:12: "priority" can't be "hihg" (did you mean "high"?)"#);
    refused(
        "affinity = 1",
        r#"4:12: "affinity" must be a list of numbers, not a whole number (write affinity = [0, 1])"#,
    );
    refused(
        "affinity = []",
        "4:12: a program can't run on no processor (leave it out for all processors, or write affinity = [0, 1])",
    );
    refused("affinity = [0, 2000]", "4:16: a processor is a number from 0 to 1023 (write affinity = [0, 1])");
    refused("files = 0", r#"4:9: "files" must be from 1 to 1073741824"#);
    refused(
        "core = 'big'",
        r#"4:8: "big" is not a size ("none", "unlimited", or a number and one of B, KB, MB, GB, KiB, MiB, GiB: core = "100MB")"#,
    );
    refused(
        "memory = '1'",
        r#"4:10: "1" is not a size (a number and one of B, KB, MB, GB, KiB, MiB, GiB: memory = "512MiB")"#,
    );
    refused("memory = '64KiB'", r#"4:10: no program runs in 64KiB (the least is 1MiB)"#);
    refused("cpu = 150", r#"4:7: "cpu" must be a string, not a whole number (write cpu = "150%")"#);
    for bad in ["150", "1.5%", "0%", "102401%", "-1%", "%"] {
        refused(
            &format!("cpu = '{bad}'"),
            &format!(
                "4:7: {bad:?} is no share of processors (whole percents of one processor, from 1% to 102400%: cpu = \"150%\" is one and a half)"
            ),
        );
    }
    refused("processes = 0", r#"4:13: "processes" must be from 1 to 4194304"#);
}

#[test]
fn a_trigger_that_cannot_be_is_told_at_its_place() {
    refuses(
        "[service.web]\nrun = 'x'\n[service.web.windows]\ntriggers = ['start/domainjoin', 'start/tcp/x']",
        r#"4:33: "start/tcp/x" is no trigger: a TCP endpoint is PORT (of this machine only), ADDRESS:PORT, or [ADDRESS]:PORT, with a port from 1 to 65535"#,
    );
    let many = vec!["'start/domainjoin'"; 65].join(", ");
    refuses(
        &format!("[service.web]\nrun = 'x'\n[service.web.windows]\ntriggers = [{many}]"),
        "4:12: a service has at most 64 triggers",
    );
}

#[test]
fn names_are_what_the_service_api_allows() {
    let help = "a service's name has 1 to 256 characters, without / and \\";
    refuses("[service.'a/b']\nrun = 'x'", &format!("1:10: a service name can't contain '/' ({help})"));
    refuses("[service.'']\nrun = 'x'", &format!("1:10: a service name can't be empty ({help})"));
    refuses(
        "[service.Web]\nrun = 'x'\n[service.web]\nrun = 'x'",
        r#"3:10: service "web" is already there as "Web" (names are compared without regard to case)"#,
    );
    refuses(
        "[service.a]\nrun = 'x'\ndisplay-name = 'B'\n[service.b]\nrun = 'x'",
        r#"1:10: the display name "B" is in use by service "b" (choose another display-name)"#,
    );
    refuses_keys("depends-on = ['a\\b']", "3:15: a service name can't contain '\\\\'");
}

#[test]
fn a_circle_of_dependencies_is_named() {
    refuses(
        "[service.a]\nrun='x'\ndepends-on=['b']\n[service.b]\nrun='x'\ndepends-on=['C']\n[service.c]\nrun='x'\ndepends-on=['A']",
        "9:13: the services depend on each other in a circle: a -> b -> c -> a (remove one of these dependencies)",
    );
    refuses(
        "[service.a]\nrun='x'\ndepends-on=['a']",
        "3:13: the services depend on each other in a circle: a -> a (remove one of these dependencies)",
    );
}

#[test]
fn a_binary_path_is_kept_as_it_is() {
    let path = r#""C:\Program Files\Shop\shop.exe"  --home %ProgramData%\shop "#;
    let text = format!(
        "[service.web]\nbinary-path = '{path}'\ndisplay-name = 'Shop'\naccount = 'LocalService'\nprocess = 'share'\n\
         [service.web.recovery]\nactions = [{{ restart = '5s' }}]\n[service.web.windows]\npreshutdown = '1m'\n"
    );
    let service = only(&text);
    assert_eq!(service.binary_path().unwrap().as_str(), path);
    assert_eq!((service.hosted(), service.host(Path::new("x"), Path::new(FILE))), (None, None));
    assert_eq!(service.process, Process::Share);
    assert_eq!((service.recovery.actions.len(), service.preshutdown.as_secs()), (1, 60));
    let place = read(&text).diagnostic(service.places.run, "here", None).place.unwrap();
    assert_eq!((place.line, place.column), (2, 15));
}

#[test]
fn beside_a_binary_path_nothing_is_for_a_host() {
    let refuses = |keys: &str, expected: &str| {
        refuses(&format!("[service.web]\nbinary-path = 'C:\\web.exe'\n{keys}"), expected);
    };
    let help =
        r#"leave it out; or write "run" in place of "binary-path", for a program that is no service itself"#;
    let starts = r#"with "binary-path" the service control manager starts the program itself"#;
    refuses(
        "directory = '.'\n[service.web.ready]\ntcp = 'x:1'",
        &format!(
            "3:1: there is no host that sets the working directory: {starts} ({help})\n4:14: there is no host that asks whether the program is ready: {starts} ({help})"
        ),
    );
    refuses(
        "[service.web.restart]\nwhen = 'never'",
        &format!(
            r#"3:14: there is no host that runs the program again: {starts} (the service control manager's own restarts are in [service.web.recovery]; or write "run" in place of "binary-path")"#
        ),
    );
    refuses(
        "run = 'web'",
        r#"3:1: a service has either "run" or "binary-path" ("run" is for any program, which svckit hosts; "binary-path" for one that is a service itself)"#,
    );
    refuses("binpath = 'x'", r#"3:1: unknown key "binpath" in [service.web] (did you mean "binary-path"?)"#);
}

#[test]
fn a_binary_path_that_can_not_be_one() {
    refuses(
        "[service.web]\nbinary-path = ' '",
        r"2:15: an image path can't be empty (write binary-path = 'C:\Shop\shop.exe')",
    );
    refuses(
        "[service.web]\nbinary-path = ['web', '-x']",
        r#"2:15: "binary-path" must be a string, not a list (write binary-path = "C:\\Shop\\shop.exe")"#,
    );
    let long = wrong(&format!("[service.web]\nbinary-path = '{}'", "x".repeat(40_000)));
    assert!(long.starts_with("2:15: an image path has at most 32768 characters"), "{long}");
    refuses(
        r#"service.web.binary-path = "C:\Shop""#,
        r#"1:31: this is not TOML: missing escaped value, expected `b`, `e`, `f`, `n`, `r`, `\`, `"`, `x`, `u`, `U` (a text with backslashes is written in single quotes: 'C:\Shop')"#,
    );
}

#[test]
fn a_file_without_services_says_so() {
    let help = r#"write a table [service.NAME] with run = ["program", "argument"]"#;
    refuses("", &format!("1:1: the file defines no service ({help})"));
    refuses("[service]", &format!("1:2: the file defines no service ({help})"));
    refuses(
        "[service.web]",
        "1:10: [service.web] does not say what to run (write run = [\"python3\", \"app.py\"]; or binary-path = '…', if the program is a service itself)",
    );
    refuses(
        "[service.web]\nrun = []",
        "2:7: there is nothing to run (write run = [\"python3\", \"app.py\"])",
    );
    refuses(
        "[service.web]\nrun = \"echo 'x\"",
        "2:7: this command can't be split: the quotation mark ' is never closed (or write it as a list: run = [\"python3\", \"app.py\"])",
    );
}

#[test]
fn everything_wrong_is_told_at_once() {
    let text = "[service.web]\nrun = 3\nstrat = 'auto'\n[service.'x/y']\nstart = 'now'";
    assert_eq!(wrong(text).lines().count(), 5, "{}", wrong(text));
}

#[test]
fn text_that_is_not_toml_is_told_with_its_place() {
    assert!(
        wrong("[service.web\nrun = 'x'").starts_with("1:13: this is not TOML: "),
        "{}",
        wrong("[service.web\nrun = 'x'")
    );
    assert!(
        wrong("a = 1\na = 2").starts_with("2:1: this is not TOML: duplicate key"),
        "{}",
        wrong("a = 1\na = 2")
    );
}

#[test]
fn descriptions_are_those_of_the_service_api() {
    let most = "x".repeat(8191);
    let kept = only(&format!("[service.web]\nrun = 'web'\ndescription = '{most}'"));
    assert_eq!(kept.description, Some(most.clone()));
    refuses_keys(
        &format!("description = 'x{most}'"),
        "3:15: a description has at most 8191 characters, this one has 8192",
    );
}

#[test]
fn files_that_cannot_be_read_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let told = |path: &Path| super::load(path, Platform::Unix).unwrap_err().to_string();
    let file = folder.path().join("service.toml");
    let lead = |path: &Path| format!("{}: cannot read the definition file: ", path.display());
    for path in [&file, folder.path()] {
        let wrong = told(path);
        assert!(wrong.starts_with(&lead(path)) && !wrong.contains("os error"), "{wrong}");
    }
    std::fs::write(&file, b"[service.web]\nrun = 'b\xfcro'\n").unwrap();
    assert_eq!(told(&file), format!("{}:2:9: this is not UTF-8 (save the file as UTF-8)", file.display()));
    std::fs::write(&file, vec![b'#'; (1 << 20) + 1]).unwrap();
    assert_eq!(told(&file), lead(&file) + "it is larger than 1 MiB");
}

#[test]
fn a_program_is_alive_in_one_of_several_ways() {
    let ask = |target, interval, timeout, threshold| {
        let (interval, timeout) = (Duration::from_secs(interval), Duration::from_secs(timeout));
        HealthPolicy::Ask(AskPolicy { target, interval, timeout, threshold })
    };
    let url = Target::Http(HttpUrl::new("http://x:1/y").unwrap());
    for (keys, policy) in [
        ("tcp = 'x:1'", ask(Target::Tcp("x:1".to_owned()), 10, 5, 3)),
        ("http = 'http://x:1/y'\ninterval = '1m'\ntimeout = '2s'\nthreshold = 1", ask(url, 60, 2, 1)),
        ("command = 'bin/is-up -q'", ask(command(), 10, 5, 3)),
        ("silence = '5m'", HealthPolicy::Silence(Duration::from_secs(300))),
        ("notify = '30s'", HealthPolicy::Notify(Duration::from_secs(30))),
    ] {
        let text = format!("[service.web]\nrun = 'x'\n[service.web.health]\n{keys}");
        assert_eq!(only(&text).hosted().unwrap().health, Some(policy));
    }
    refuses_keys(
        "[service.web.health]\ninterval = '5s'",
        r#"4:1: [service.web.health] does not say how it is known that the program is alive (write http = "http://127.0.0.1:8080/health")"#,
    );
    refuses_keys(
        "[service.web.health]\nsilence = '5m'\nthreshold = 2",
        r#"5:1: "threshold" is for tcp, http and command: there is nothing that is asked (remove it)"#,
    );
    refuses_keys(
        "[service.web.health]\nsilence = '0s'",
        r#"4:11: "silence" must be longer than that (write silence = "5m")"#,
    );
    refuses_keys(
        "[service.web.health]\ntcp = 'x'\nnotify = '1s'",
        r#"4:7: "x" is not HOST:PORT (write tcp = "127.0.0.1:8080" or tcp = "[::1]:8080")
5:1: "tcp" and "notify" can't be together in [service.web.health] (leave one of them)"#,
    );
}

#[test]
fn a_program_is_ready_in_one_of_several_ways() {
    for (keys, when) in [
        ("http = 'http://x:1/y'", ReadyWhen::Ask(Target::Http(HttpUrl::new("http://x:1/y").unwrap()))),
        ("log = 'port * open'", ReadyWhen::Log(LinePattern::new("port * open").unwrap())),
        ("notify = true", ReadyWhen::Notify),
        ("command = ['bin/is-up', '-q']", ReadyWhen::Ask(command())),
        ("file = 'run/up'", ReadyWhen::File("/srv/shop/run/up".into())),
    ] {
        let text = format!("[service.web]\nrun = 'x'\n[service.web.ready]\n{keys}");
        let ready = only(&text).hosted().unwrap().ready.clone().unwrap();
        assert_eq!((ready.when, ready.timeout), (when, Duration::from_secs(60)));
    }
    for (keys, seconds) in [
        ("tcp = 'x:1'", None),
        ("tcp = 'x:1'\ninterval = '3s'", Some(3)),
        ("command = 'x'", Some(1)),
        ("command = 'x'\ninterval = '3s'", Some(3)),
    ] {
        let text = format!("[service.web]\nrun = 'x'\n[service.web.ready]\n{keys}");
        assert_eq!(
            only(&text).hosted().unwrap().ready.clone().unwrap().interval,
            seconds.map(Duration::from_secs),
            "{keys}"
        );
    }
    refuses_keys(
        "[service.web.ready]\nlog = 'up'\ninterval = '3s'",
        r#"5:1: "interval" is for tcp, http and command: there is nothing that is asked (remove it)"#,
    );
    refuses_keys(
        "[service.web.ready]\ncommand = []",
        r#"4:11: there is nothing to run (write command = ["shopctl", "is-up"])"#,
    );
}

#[test]
fn requests_stop_a_program_and_pass_controls_on_to_it() {
    let text = "[service.web]\nrun = 'x'\n[service.web.stop]\nladder = [{ http = 'http://x/stop', wait = '9s' }]\n\
        [service.web.controls]\nreload = { http = 'PUT http://x/reload' }\n200 = { http = 'http://x/', timeout = '5s' }";
    let service = only(text);
    let hosted = service.hosted().unwrap();
    let request = |text| HttpRequest::new(text).unwrap();
    assert_eq!(
        hosted.stop.ladder,
        [Rung { action: StopAction::Http(request("POST http://x/stop")), wait: Duration::from_secs(9) }]
    );
    let call = |text, seconds| {
        ControlAction::Http(HttpCall { request: request(text), timeout: Duration::from_secs(seconds) })
    };
    assert_eq!(hosted.controls, [(6, call("PUT http://x/reload", 30)), (200, call("http://x/", 5))].into());
    for (keys, expected) in [
        (
            "stop]\nladder = [{ http = 'x', wait = '5s' }]",
            r#"4:20: "x" is not METHOD http://HOST:PORT/PATH (write http = "POST http://127.0.0.1:8080/stop")"#,
        ),
        (
            "stop]\nladder = [{ http = 'http://x' }]",
            r#"4:11: a request in "ladder" needs time: it is ended with its "wait" (write { http = "POST http://127.0.0.1:8080/stop", wait = "10s" })"#,
        ),
        (
            "controls]\nreload = { command = ['x'], http = 'http://x' }",
            r#"4:29: "command" and "http" can't be together in [service.web.controls.reload] (leave one of them)"#,
        ),
        (
            "controls]\nreload = { http = 'post http://x' }",
            r#"4:19: "post http://x" is not METHOD http://HOST:PORT/PATH (write http = "POST http://127.0.0.1:8080/stop")"#,
        ),
    ] {
        refuses_keys(&format!("[service.web.{keys}"), expected);
    }
}

fn command() -> Target {
    // Paths are those of the system on which this is tested.
    let program = "/srv/shop/bin/is-up".replace('/', std::path::MAIN_SEPARATOR_STR);
    Target::Command(vec![program, "-q".to_owned()])
}

#[test]
fn a_definition_survives_being_stored() {
    let host = only(EVERYTHING).host(Path::new("/state/logs/shop.log"), Path::new(FILE)).unwrap();
    let stored = serde_json::to_string(&host).unwrap();
    assert_eq!(serde_json::from_str::<HostDefinition>(&stored).unwrap(), host);
}

/// Text that looks like a definition, so that it gets past the parser.
fn almost() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("[service.web]".to_owned()),
        Just("[service.'a/b']".to_owned()),
        "\\[service\\.web\\.(restart|stop|log|ready|controls|hooks|recovery|windows|environment)\\]",
        "(run|directory|start|when|delay|factor|ladder|actions|size|count|rotate|keep|tcp|200|x) = ('[ -~]{0,6}'|[0-9.]{1,4}|true|\\[\\]|\\['x', 3\\]|\\{ [a-z]{1,3} = '5s' \\}|\\[\\{ ctrl-c = '5s' \\}\\])"
            .prop_map(|line| line),
        ".{0,12}",
    ];
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}") {
        let _ = parse(FILE, text.as_str(), Platform::Windows);
        let _ = parse(FILE, text, Platform::Unix);
    }

    #[test]
    fn any_almost_definition_is_read_or_refused_at_a_place_that_is_there(text in almost()) {
        if let Err(wrong) = parse(FILE, text.as_str(), Platform::Unix) {
            for diagnostic in wrong.iter() {
                let place = diagnostic.place.as_ref().expect("it is in the text");
                let line = text.split('\n').nth(place.line - 1).expect("the line is there");
                prop_assert!(place.column <= line.chars().count() + 1, "{diagnostic}");
                prop_assert!(!diagnostic.message.is_empty());
            }
        }
    }
}

#[test]
fn every_key_that_belongs_elsewhere_is_known_there() {
    for (section, keys) in super::section::ELSEWHERE {
        for key in *keys {
            let misplaced = wrong(&format!("[service.web]\nrun = 'x'\n{key} = 3"));
            assert!(misplaced.contains(&format!("(write it in [service.web.{section}])")), "{misplaced}");
            let placed = parse(
                FILE,
                format!("[service.web]\nrun = 'x'\n[service.web.{section}]\n{key} = {{}}"),
                Platform::Unix,
            );
            let said = placed.err().map(|wrong| wrong.to_string()).unwrap_or_default();
            assert!(!said.contains("unknown key"), "{said}");
        }
    }
}

#[test]
fn where_a_secret_is_has_to_be_said() {
    for (value, mistake) in [
        ("{}", "3:17: it does not say where the secret is (write { file = \"/run/secrets/database\" })"),
        (
            "{ file = '' }",
            "3:17: it does not say where the secret is (write { file = \"/run/secrets/database\" })",
        ),
        (
            "{ fiel = '/x' }",
            "3:27: unknown key \"fiel\" in [service.shop.environment.TOKEN] (did you mean \"file\"?)",
        ),
    ] {
        refuses(&format!("[service.shop]\nrun = ['shop']\nenvironment = {{ TOKEN = {value} }}\n"), mistake);
    }
    assert!(
        wrong("[service.shop]\nrun = ['shop']\nenvironment = { TOKEN = { file = 1 } }\n")
            .contains(":34: \"file\" must be a string")
    );
}

#[test]
fn where_the_password_of_the_account_is() {
    const PLACES: &str =
        "(write password = { file = \"…\" }, { environment = \"NAME\" } or { credential = \"NAME\" })";
    let with = |value: &str| format!("[service.shop]\nrun = ['shop']\naccount = 'ann'\npassword = {value}\n");
    for (value, source) in [
        ("{ file = 'pw' }", PasswordSource::File(Path::new(FILE).parent().unwrap().join("pw"))),
        ("{ environment = 'PW' }", PasswordSource::Environment("PW".to_owned())),
        ("{ credential = 'shop' }", PasswordSource::Credential("shop".to_owned())),
    ] {
        let read = parse(FILE, with(value), Platform::Unix).unwrap();
        assert_eq!(read.services[0].password, Some(source), "{value}");
    }
    for (value, mistake) in [
        ("{}", "4:1: it does not say where the password is"),
        ("{ file = '' }", "4:1: it does not say where the password is"),
        ("{ environment = 'A=B' }", "4:1: it does not say where the password is"),
        ("{ file = 'x', environment = 'Y' }", "4:1: it says more than one place where the password is"),
    ] {
        refuses(&with(value), &format!("{mistake} {PLACES}"));
    }
    refuses(
        &with("{ fiel = '/x' }"),
        "4:14: unknown key \"fiel\" in [service.shop.password] (did you mean \"file\"?)",
    );
    refuses(
        "[service.shop]\nrun = ['shop']\npassword = { file = 'pw' }\n",
        "3:1: it says where a password is, but not whose (write account = \"…\", or leave it out)",
    );
}

#[test]
fn what_is_done_by_the_clock() {
    let with = |keys: &str| format!("[service.shop]\nrun = ['shop']\n[service.shop.schedule]\n{keys}\n");
    let read = parse(FILE, with("start = 'mon-fri 08:00'\nstop = ['18:00', 'sat']"), Platform::Unix).unwrap();
    let schedule = &read.services[0].hosted().unwrap().schedule;
    assert_eq!((schedule.start.len(), schedule.stop.len(), schedule.restart.len()), (1, 2, 0));
    refuses(
        &with("restart = ['03:00', 'at 3']"),
        r#"4:21: "at 3" is not a time (write a time of day, and on which days: "03:00", "mon-fri 08:00", "sat,sun 10:00", "monthly 03:00", "hourly", "6h")"#,
    );
    refuses(
        &with("restart = 3"),
        r#"4:11: "restart" must be a string or a list of strings, not a whole number (write restart = "daily 03:00")"#,
    );
    assert!(parse(FILE, with("restart = '03:00'"), Platform::Windows).is_ok());
    let wrong = parse(FILE, with("start = '03:00'"), Platform::Windows).unwrap_err().to_string();
    assert!(wrong.contains("Windows starts no service by the clock (leave it out, and have the Task Scheduler run: svc start NAME)"), "{wrong}");
}
