//! `svc.exe` and the service control manager of Windows, which may be that of Wine, from end to end with real programs.

#![forbid(unsafe_code)]
#![cfg(windows)]
#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::windows::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;

use serde_json::Value;
use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Backend, Service};
use svckit_core::name::ServiceName;
use svckit_core::native::{LogFrom, Overview, Reply, Request, ServiceView};
use svckit_core::status::{NotifyMask, ServiceState, ServiceStatus};
use svckit_core::win32::Win32Error;
use svckit_manager::Target;
use svckit_manager::local::Interrupt;
use svckit_manager::windows::WindowsBackend;
use svckit_recipe::winservice;
use svckit_testkit::following::Following;
use svckit_testkit::gate::{self, Gate};
use svckit_testkit::svc::{Output, Svc, finish, making_anew, starting};
use svckit_testkit::{PATIENCE, binary, role};

/// The event of a program that runs again.
const RECOVERED: u32 = 4;

/// The event of a program that ended unexpectedly.
const DIED: u32 = 3;

/// `ERROR_OPERATION_ABORTED`
const ABORTED: Win32Error = Win32Error(995);

/// No waiting between restarts.
const QUICK: &str = "restart = { delay = \"10ms\" }\n";

const DETACHED_PROCESS: u32 = 8;

/// Programs of services begin here, since they are this program too.
#[test]
fn role() {
    let Some((role, with)) = role::asked() else { return };
    match role.as_str() {
        "gate" => gate::pass(&with),
        // A child that has left the console, and one of its own that has too.
        "tree" | "branch" => {
            let next = if role == "tree" { "branch" } else { "gate" };
            let mut child = role::command(next, &with).creation_flags(DETACHED_PROCESS).spawn().unwrap();
            gate::pass(&with);
            let _ = child.try_wait();
        }
        "echo" => {
            for number in 0.. {
                gate::pass(&with);
                println!("passed {number}");
            }
        }
        "listen" => {
            let listener = TcpListener::bind(&with).unwrap();
            loop {
                drop(listener.accept());
            }
        }
        "where" => {
            println!("in {}", std::env::current_dir().unwrap().display());
            println!("words {:?}", std::env::args().skip(4).collect::<Vec<_>>());
        }
        "flood" => {
            let mut out = std::io::stdout().lock();
            for number in 0..with.parse().unwrap() {
                writeln!(out, "line {number:9} {}", "x".repeat(80)).unwrap();
            }
        }
        other => panic!("no role {other}"),
    }
}

/// A definition of a service whose program follows steps.
fn define(svc: &Svc, service: &str, steps: &str, more: &str) -> PathBuf {
    let program = binary::scripted();
    let run = format!("run = [{program:?}, {:?}]\n", format!("program={steps}"));
    write(svc, service, &format!("{run}{more}"))
}

/// A definition of a service whose program plays a role of this file.
fn play(svc: &Svc, service: &str, role: &str, with: &str, more: &str) -> PathBuf {
    write(svc, service, &format!("{}{more}", role::lines(role, with)))
}

fn write(svc: &Svc, service: &str, lines: &str) -> PathBuf {
    let log = svc.folder().join(format!("{service}.log"));
    let name = svc.name(service);
    let log = if lines.contains("log =") { String::new() } else { format!("log = {{ file = {log:?} }}\n") };
    svc.write(&format!("{service}.toml"), &format!("[service.{name}]\n{log}{lines}"))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn open(name: &str) -> Box<dyn Service> {
    let manager = WindowsBackend::local().open_manager(ManagerAccess::CONNECT).unwrap();
    manager.open_service(name, ServiceAccess::ALL_ACCESS).unwrap()
}

#[track_caller]
fn reaches(name: &str, state: ServiceState) -> ServiceStatus {
    match open(name).wait(NotifyMask::of(state), PATIENCE).unwrap() {
        Some(notification) => notification.status,
        None => panic!("{name} does not become {state}"),
    }
}

/// Starts a service, whatever comes of it.
fn start(svc: &Svc, name: &str) -> Output {
    starting(|| svc.run(&["start", name]))
}

/// What is said of a service that can't be started.
#[track_caller]
fn fails_to_start(svc: &Svc, name: &str) -> String {
    let output = start(svc, name);
    assert_eq!(output.code(), Some(7), "{}{}", output.stdout, output.stderr);
    output.stderr
}

/// Installs and starts the services of a file.
#[track_caller]
fn up(svc: &Svc, file: &Path) {
    let output = starting(|| svc.run(&["up", text(file)]));
    assert!(output.status.success(), "{}{}", output.stdout, output.stderr);
}

/// A program of Windows' own.
#[track_caller]
fn system(words: &[&str]) -> Output {
    let run = || {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        finish(command)
    };
    let output = starting(run);
    assert!(output.status.success(), "{words:?}: {}: {}{}", output.status, output.stdout, output.stderr);
    output
}

/// What a command that has to be refused says.
#[track_caller]
fn refused(svc: &Svc, arguments: &[&str], code: i32) -> String {
    let output = svc.run(arguments);
    assert_eq!(output.code(), Some(code), "svc {arguments:?}: {}{}", output.stdout, output.stderr);
    output.stderr
}

#[test]
fn a_program_is_installed_started_stopped_and_removed() {
    let (svc, gate) = (Svc::new(), Gate::new());
    let (file, name) = (play(&svc, "web", "gate", &gate.address().to_string(), ""), svc.name("web"));
    svc.ok(&["install", text(&file)]);
    assert_eq!(svc.status(&name)["state"], "STOPPED");
    assert!(start(&svc, &name).status.success());
    let held = gate.arrival();
    let status = svc.status(&name);
    assert_eq!((&status["state"], &status["host"]["phase"]), (&"RUNNING".into(), &"running".into()));
    assert!(status["host"]["child_pid"].is_u64(), "{status}");
    svc.ok(&["stop", &name]);
    held.gone();
    let status = svc.status(&name);
    assert_eq!((&status["state"], &status["win32_exit_code"]), (&"STOPPED".into(), &0.into()));
    let metrics = svc.ok(&["metrics"]);
    let state = format!("svckit_service_state{{service=\"{name}\",state=\"STOPPED\"}} 1\n");
    assert!(metrics.contains(&state), "{metrics}");
    let log = svc.ok(&["logs", &name]);
    assert!(log.contains("running 1 test"), "{log}");
    let events = svc.ok(&["events", &name]);
    assert!(events.contains("runs as process") && events.contains("was stopped"), "{events}");
    let source = r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\svckit";
    let texts = system(&["reg", "query", source, "/v", "EventMessageFile"]).stdout;
    assert!(texts.contains("svc.exe"), "{texts}");
    svc.ok(&["remove", &name]);
    assert!(refused(&svc, &["status", &name], 3).contains("1060"));
}

#[test]
fn a_program_that_crashes_is_run_again_and_counted() {
    let (svc, gate) = (Svc::new(), Gate::new());
    let (file, name) =
        (define(&svc, "web", &format!("gate:{},exit:3", gate.address()), QUICK), svc.name("web"));
    up(&svc, &file);
    let events = Following::events(&svc, &name);
    for _ in 0..3 {
        gate.arrival().release();
        events.event(RECOVERED);
    }
    let _held = gate.arrival();
    let status = svc.status(&name);
    assert_eq!(status["state"], "RUNNING");
    assert_eq!(status["host"]["restarts"], 3);
    assert_eq!(status["host"]["last_exit"]["code"], 3);
}

#[test]
fn the_code_of_a_program_that_is_not_run_again_is_the_services_own() {
    let svc = Svc::new();
    let (file, name) = (define(&svc, "once", "exit:7", "restart = { when = \"never\" }\n"), svc.name("once"));
    svc.ok(&["install", text(&file)]);
    let told = start(&svc, &name);
    assert!(matches!(told.code(), Some(0 | 7)), "{}{}", told.stdout, told.stderr);
    let status = reaches(&name, ServiceState::STOPPED);
    assert_eq!((status.win32_exit_code.0, status.service_exit_code), (1066, 7));
    assert_eq!(svc.status(&name)["host"]["last_exit"]["code"], 7);
}

#[test]
fn a_whole_tree_is_stopped_detached_grandchildren_too() {
    let (svc, gate) = (Svc::new(), Gate::new());
    let (file, name) = (play(&svc, "tree", "tree", &gate.address().to_string(), ""), svc.name("tree"));
    up(&svc, &file);
    let all = [gate.arrival(), gate.arrival(), gate.arrival()];
    svc.ok(&["stop", &name]);
    all.into_iter().for_each(gate::Held::gone);
    let events = svc.ok(&["events", &name]);
    assert!(events.contains("left 2 processes behind, which were ended"), "{events}");
}

#[test]
fn a_log_is_rotated_and_no_line_is_lost() {
    const LINES: usize = 20_000;
    let svc = Svc::new();
    let log = svc.folder().join("logs").join("flood.log");
    let more = format!(
        "restart = {{ when = \"never\" }}\nlog = {{ file = {log:?}, rotate = {{ size = \"200KB\" }} }}\n"
    );
    let (file, name) = (play(&svc, "flood", "flood", &LINES.to_string(), &more), svc.name("flood"));
    svc.ok(&["install", text(&file)]);
    start(&svc, &name);
    reaches(&name, ServiceState::STOPPED);
    let files: Vec<PathBuf> =
        fs::read_dir(log.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 5, "{files:?}");
    let mut numbers = Vec::new();
    for line in files.iter().flat_map(|path| lines(path)).filter(|line| line.starts_with("line ")) {
        let (number, rest) = line["line ".len()..].trim_start().split_once(' ').unwrap();
        assert_eq!(rest, "x".repeat(80), "no line is cut");
        numbers.push(number.parse::<usize>().unwrap());
    }
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..LINES), "every line is there once");
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn what_svc_makes_the_systems_tools_start_stop_and_delete() {
    let (svc, gate) = (Svc::new(), Gate::new());
    let (file, name) = (play(&svc, "ours", "gate", &gate.address().to_string(), ""), svc.name("ours"));
    svc.ok(&["install", text(&file)]);
    system(&["sc", "start", &name]);
    let held = gate.arrival();
    system(&["sc", "stop", &name]);
    held.gone();
    reaches(&name, ServiceState::STOPPED);
    system(&["net", "start", &name]);
    let held = gate.arrival();
    system(&["net", "stop", &name]);
    held.gone();
    reaches(&name, ServiceState::STOPPED);
    system(&["sc", "delete", &name]);
    svc.ok(&["wait", &name, "--state", "gone"]);
    refused(&svc, &["status", &name], 3);
}

#[test]
fn several_are_started_stopped_and_removed_at_the_same_time() {
    let svc = Svc::new();
    let names: Vec<String> = (1..5).map(|number| svc.name(&format!("many-{number}"))).collect();
    for number in 1..5 {
        svc.ok(&["install", text(&define(&svc, &format!("many-{number}"), "hang", ""))]);
    }
    let all = svc.name("many-*");
    for _ in 0..3 {
        // What was started before Wine refused the next isn't started again.
        let started = starting(|| svc.run(&["start", &all]));
        assert!(matches!(started.code(), Some(0 | 6)), "{}{}", started.stdout, started.stderr);
        let pids: BTreeSet<u32> = names.iter().map(|name| reaches(name, ServiceState::RUNNING).pid).collect();
        assert_eq!(pids.len(), names.len());
        let stopped = svc.ok(&["stop", &all]);
        assert_eq!(stopped.lines().count(), names.len(), "{stopped}");
    }
    let removed = svc.ok(&["remove", &all]);
    assert_eq!(removed.lines().count(), names.len(), "{removed}");
    refused(&svc, &["status", &names[0]], 3);
}

#[test]
fn what_the_systems_tools_make_svc_starts_stops_and_deletes() {
    let svc = Svc::new();
    let name = svc.name("theirs");
    let image = format!("\"{}\"", text(&binary::scripted()));
    system(&["sc", "create", &name, "binPath=", &image, "start=", "demand"]);
    assert_eq!(svc.status(&name)["state"], "STOPPED");
    assert!(start(&svc, &name).status.success());
    assert_eq!(svc.status(&name)["state"], "RUNNING");
    svc.ok(&["stop", &name]);
    // A service that svckit didn't make is left alone unless it is named: a definition of the same name doesn't name it.
    let file = define(&svc, "theirs", "hang", "");
    let told = refused(&svc, &["up", text(&file)], 2);
    assert!(told.contains("svckit did not make"), "{told}");
    svc.ok(&["remove", &name]);
    refused(&svc, &["status", &name], 3);
}

#[test]
fn svc_sc_and_the_systems_own_are_one_for_a_service() {
    let svc = Svc::new();
    let name = svc.name("words");
    let image = format!("\"{}\"", text(&binary::scripted()));
    let made = svc.ok(&[
        "sc",
        "create",
        &name,
        "binPath=",
        &image,
        "DisplayName=",
        &format!("{name} shown"),
        "error=",
        "ignore",
    ]);
    assert_eq!(made, "[SC] CreateService SUCCESS\n");
    svc.ok(&["sc", "description", &name, "Gr\u{fc}\u{df}e"]);
    assert_eq!(svc.json(&["sc", "qdescription", &name])["description"], "Gr\u{fc}\u{df}e");
    let config = svc.json(&["sc", "qc", &name]);
    assert_eq!(
        (&config["error_control"], &config["account"]),
        (&"ERROR_IGNORE".into(), &"LocalSystem".into())
    );
    assert_eq!(svc.json(&["sc", "GetKeyName", &format!("{name} shown")])["name"], name);
    // The exit status is the whole code.
    refused(&svc, &["sc", "stop", &name], 1062);
    system(&["sc", "start", &name]);
    let status = reaches(&name, ServiceState::RUNNING);
    let told = svc.ok(&["sc", "queryex", &name]);
    assert!(told.contains("\tSTATE              : 4  RUNNING\n"), "{told}");
    assert!(told.contains(&format!("\tPID                : {}\n", status.pid)), "{told}");
    svc.ok(&["sc", "stop", &name]);
    reaches(&name, ServiceState::STOPPED);
    svc.ok(&["sc", "config", &name, "start=", "disabled"]);
    refused(&svc, &["sc", "start", &name], 1058);
    svc.ok(&["sc", "delete", &name]);
    svc.ok(&["wait", &name, "--state", "gone"]);
    refused(&svc, &["sc", "query", &name], 1060);
}

#[test]
fn a_name_that_a_service_has_is_refused_whatever_its_case() {
    let svc = Svc::new();
    let file = define(&svc, "twice", "hang", "");
    svc.ok(&["install", text(&file)]);
    assert!(refused(&svc, &["install", text(&file)], 6).contains("1073"));
    let other = svc.write("other.toml", &fs::read_to_string(&file).unwrap().replace("-twice]", "-TWICE]"));
    assert!(refused(&svc, &["install", text(&other)], 6).contains("1073"));
    assert_eq!(svc.status(&svc.name("TWICE"))["state"], "STOPPED");
}

#[test]
fn a_program_that_is_not_there_is_refused_or_told_of() {
    let svc = Svc::new();
    let missing = write(&svc, "missing", "run = ['C:\\no\\such\\program.exe']\n");
    let told = refused(&svc, &["install", text(&missing)], 2);
    assert!(told.contains(r"there is no program C:\no\such\program.exe"), "{told}");
    // One that vanished after the installation.
    let program = svc.folder().join("here.exe");
    fs::copy(binary::scripted(), &program).unwrap();
    let file = write(&svc, "vanished", &format!("run = [{program:?}, \"program=hang\"]\n"));
    svc.ok(&["install", text(&file)]);
    fs::remove_file(&program).unwrap();
    let told = fails_to_start(&svc, &svc.name("vanished"));
    assert!(told.contains("here.exe") && told.contains("could not be started"), "{told}");
    // One that is no program.
    fs::write(&program, "this is no program").unwrap();
    let told = fails_to_start(&svc, &svc.name("vanished"));
    assert!(told.contains("it is no program for this kind of Windows"), "{told}");
}

#[test]
fn an_account_that_is_not_there_is_refused_before_anything_is_made() {
    let svc = Svc::new();
    let file = define(&svc, "account", "hang", "account = \"no such account\"\n");
    let mut command = svc.command(&["install", text(&file), "--password-stdin"]);
    let secret = svc.write("secret", "x\n");
    command.stdin(fs::File::open(secret).unwrap());
    let output = finish(command);
    assert!(!output.status.success(), "{}", output.stdout);
    assert!(output.stderr.contains("no such account"), "{}", output.stderr);
    refused(&svc, &["status", &svc.name("account")], 3);
}

#[test]
fn a_service_is_removed_while_it_runs_and_while_somebody_has_it_open() {
    let (svc, gate) = (Svc::new(), Gate::new());
    let (file, name) = (play(&svc, "gone", "gate", &gate.address().to_string(), ""), svc.name("gone"));
    up(&svc, &file);
    let held = gate.arrival();
    let told = refused(&svc, &["remove", &name], 10);
    assert!(told.contains("--stop"), "{told}");
    svc.ok(&["remove", "--stop", &name]);
    held.gone();
    refused(&svc, &["status", &name], 3);
    let install_again = || {
        let output = making_anew(|| svc.run(&["install", text(&file)]));
        assert!(output.status.success(), "{}{}", output.stdout, output.stderr);
    };
    install_again();
    let open = open(&name);
    refused(&svc, &["remove", "--wait", "1", &name], 9);
    drop(open);
    // With the last handle it goes, and can be made again.
    install_again();
}

#[test]
fn a_program_in_the_console_has_the_policy_of_the_service() {
    let svc = Svc::new();
    let file = define(&svc, "show", "exit:5", "restart = { when = \"never\" }\n");
    let output = svc.run(&["debug", text(&file)]);
    assert_eq!(output.code(), Some(5), "{}{}", output.stdout, output.stderr);
    assert!(output.stderr.contains("exit code 5"), "{}", output.stderr);
}

#[test]
fn services_of_one_file_share_a_process_if_they_say_so() {
    let (svc, gate) = (Svc::new(), Gate::new());
    let address = gate.address().to_string();
    for service in ["one", "other"] {
        svc.ok(&["install", text(&play(&svc, service, "gate", &address, "process = \"share\"\n"))]);
    }
    let names = [svc.name("one"), svc.name("other")];
    assert!(names.iter().all(|name| start(&svc, name).status.success()));
    let both = [gate.arrival(), gate.arrival()];
    let pid = |name: &String| svc.json(&["show", name])["pid"].clone();
    assert!(pid(&names[0]).is_u64(), "{}", svc.json(&["show", &names[0]]));
    // Wine makes a process for each all the same.
    if std::env::var_os("SVCKIT_WINE").is_none() {
        assert_eq!(pid(&names[0]), pid(&names[1]));
    }
    let (alone, file) = (svc.name("alone"), play(&svc, "alone", "gate", &address, ""));
    up(&svc, &file);
    let held = gate.arrival();
    svc.ok(&["stop", &alone]);
    held.gone();
    svc.ok(&["stop", &names[0]]);
    assert_eq!(svc.status(&names[1])["state"], Value::from("RUNNING"));
    svc.ok(&["stop", &names[1]]);
    both.into_iter().for_each(gate::Held::gone);
}

#[test]
fn relative_paths_are_those_of_the_definition_and_all_of_unicode_goes() {
    let svc = Svc::new();
    let folder = svc.folder().join("Gr\u{fc}\u{df}e \u{4f60}\u{597d} \u{1F600}");
    fs::create_dir_all(folder.join("work")).unwrap();
    let program = folder.join("work").join("pr\u{f6}gram.exe");
    let own = std::env::current_exe().unwrap();
    fs::copy(&own, &program).unwrap();
    // What Wine lacks lies beside the programs of these tests.
    let library = own.with_file_name("bcryptprimitives.dll");
    if library.is_file() {
        fs::copy(&library, program.with_file_name("bcryptprimitives.dll")).unwrap();
    }
    let name = svc.name("w\u{f6}rter");
    let words = ["a b", "", "say \"hi\"", "\u{20ac}\\", "%PATH%"];
    let quoted = words.map(|word| serde_json::to_string(word).unwrap()).join(", ");
    let lines = [
        format!("[service.'{name}']"),
        format!("run = ['.\\pr\u{f6}gram.exe', '--exact', 'role', '--nocapture', {quoted}]"),
        format!("directory = 'work'\nenvironment = {{ {} = 'where' }}", role::ROLE),
        "restart = { when = 'never' }\nlog = { file = 'l\u{f6}g.txt' }".to_owned(),
    ];
    let file = folder.join("service.toml");
    fs::write(&file, lines.join("\n")).unwrap();
    svc.ok(&["install", text(&file)]);
    start(&svc, &name);
    let status = reaches(&name, ServiceState::STOPPED);
    let output = svc.ok(&["logs", &name]);
    assert_eq!(status.win32_exit_code.0, 0, "{output}");
    assert!(output.contains(&format!("in {}", folder.join("work").display())), "{output}");
    assert!(output.contains(&format!("words {words:?}")), "{output}");
    let log = svc.status(&name)["host"]["log_files"][0].clone();
    assert!(log.as_str().unwrap().contains("Gr\u{fc}\u{df}e"), "{log}");
}

#[test]
fn a_service_is_up_when_its_program_accepts_connections() {
    let svc = Svc::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let ready = format!("ready = {{ tcp = {free:?}, timeout = \"30s\" }}\n");
    let file = play(&svc, "ready", "listen", &free, &ready);
    up(&svc, &file);
    TcpStream::connect(&free).unwrap();
    assert_eq!(svc.status(&svc.name("ready"))["host"]["ready"], true);
}

#[test]
fn a_service_is_waited_for_until_its_program_is_ready_or_can_not_be() {
    let svc = Svc::new();
    let place = TcpListener::bind("127.83.7.1:0").unwrap().local_addr().unwrap();
    let ready = format!("ready = {{ tcp = \"{place}\", timeout = \"1h\" }}\n");
    let (file, name) = (define(&svc, "ready", "hang", &ready), svc.name("ready"));
    svc.ok(&["install", text(&file)]);
    let mut waits = svc.command(&["wait", &name, "--state", "ready", "--verbose", "--timeout", "1000"]);
    let mut waits = waits.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(waits.stderr.take().unwrap()).lines();
    assert!(starting(|| svc.run(&["start", &name, "--wait", "0"])).status.success());
    // A checkpoint may follow.
    let pending = format!("waiting for {name}: START_PENDING");
    assert!(told.any(|line| line.unwrap().starts_with(&pending)));
    std::thread::spawn(move || told.for_each(drop));
    refused(&svc, &["wait", &name, "--state", "ready", "--timeout", "0.2"], 5);
    let listener = TcpListener::bind(place).unwrap();
    assert!(waits.wait().unwrap().success());
    assert_eq!(svc.status(&name)["host"]["ready"], true);
    drop(listener);
    svc.ok(&["stop", &name]);
    assert!(refused(&svc, &["wait", &name, "--state", "ready"], 7).contains("it stopped without an error"));
}

/// Waits until a change is as wanted; those before it are gone.
#[track_caller]
fn changes(backend: &WindowsBackend, revision: &mut u64, wanted: impl Fn(&Overview) -> bool) {
    loop {
        match backend.changes(*revision, None, PATIENCE).unwrap() {
            Some(Reply::Overview(overview)) => {
                assert!(!overview.complete && overview.revision > *revision, "{overview:?}");
                *revision = overview.revision;
                if wanted(&overview) {
                    return;
                }
            }
            other => panic!("no change is told: {other:?}"),
        }
    }
}

/// What `svc top` follows: everything, from which it goes on.
fn follow(backend: &WindowsBackend) -> Overview {
    match backend.changes(0, None, PATIENCE).unwrap() {
        Some(Reply::Overview(all)) if all.complete => all,
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_goes_on_looking_is_told_of_services_that_come_and_change() {
    let svc = Svc::new();
    let (file, name) = (define(&svc, "seen", "hang", ""), svc.name("seen"));
    let backend = WindowsBackend::local();
    let all = follow(&backend);
    assert!(all.services.iter().all(|view| view.service.as_str() != name));
    let mut revision = all.revision;
    let is_it = |view: &&ServiceView| view.service.as_str() == name;
    svc.ok(&["install", text(&file)]);
    changes(&backend, &mut revision, |news| news.services.iter().any(|view| is_it(&view)));
    assert!(start(&svc, &name).status.success());
    changes(&backend, &mut revision, |news| {
        let host = news.services.iter().find(is_it).filter(|view| view.status.state == ServiceState::RUNNING);
        host.and_then(|view| view.host.as_ref()).is_some_and(|host| host.state.ready)
    });
    svc.ok(&["stop", &name]);
    changes(&backend, &mut revision, |news| {
        news.services.iter().find(is_it).is_some_and(|view| view.status.state == ServiceState::STOPPED)
    });
}

#[test]
fn who_goes_on_looking_lets_a_service_go_that_is_removed() {
    let svc = Svc::new();
    let (file, name) = (define(&svc, "removed", "hang", ""), svc.name("removed"));
    svc.ok(&["install", text(&file)]);
    let backend = WindowsBackend::local();
    let mut revision = follow(&backend).revision;
    let mut removes = svc.command(&["remove", &name]);
    let mut removes = removes.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    changes(&backend, &mut revision, |news| news.gone.iter().any(|gone| gone.as_str() == name));
    assert!(removes.wait().unwrap().success());
}

#[test]
fn a_service_that_is_held_is_removed_when_nobody_holds_it_any_more() {
    let svc = Svc::new();
    let (file, name) = (define(&svc, "held", "hang", ""), svc.name("held"));
    svc.ok(&["install", text(&file)]);
    let backend = WindowsBackend::local();
    follow(&backend);
    let held = svc.run(&["remove", &name, "--wait", "0"]);
    assert_eq!(held.code(), Some(9), "{}{}", held.stdout, held.stderr);
    let mut waits = svc.command(&["remove", &name, "--verbose"]);
    let mut waits = waits.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(waits.stderr.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().starts_with(&format!("removing {name}: it goes when "))));
    std::thread::spawn(move || told.for_each(drop));
    drop(backend);
    assert!(waits.wait().unwrap().success());
}

#[test]
fn who_follows_is_ended_from_outside() {
    let svc = Svc::new();
    for (service, runs) in [("running", true), ("stopped", false)] {
        let (file, name) = (define(&svc, service, "hang", ""), svc.name(service));
        svc.ok(&["install", text(&file)]);
        assert!(start(&svc, &name).status.success());
        if !runs {
            svc.ok(&["stop", &name]);
        }
        let service = ServiceName::new(name).unwrap();
        let log = |from, wait| Request::Log { service: service.clone(), from, wait };
        let end = WindowsBackend::local().native(log(LogFrom::Tail { lines: 0 }, false)).unwrap();
        let Reply::Log { cursor, .. } = end else { panic!("{end:?}") };
        let events = Request::Events {
            service: Some(service.clone()),
            after: Some(u64::MAX),
            limit: None,
            wait: true,
        };
        for request in [log(LogFrom::Cursor(cursor), true), events] {
            let interrupt = Interrupt::new().unwrap();
            let (caller, (begun, begins), (over, ends)) = (interrupt.clone(), channel(), channel());
            std::thread::spawn(move || {
                let backend = svckit_manager::connect_until(&Target::Windows, &interrupt).unwrap();
                begun.send(()).unwrap();
                over.send(backend.native(request).map(drop).unwrap_err().code).unwrap();
            });
            begins.recv().unwrap();
            caller.interrupt();
            assert_eq!(ends.recv_timeout(PATIENCE).unwrap(), ABORTED);
        }
    }
}

#[test]
fn a_killed_host_takes_its_program_along() {
    let (svc, gate) = (Svc::new(), Gate::new());
    let (file, name) = (play(&svc, "killed", "tree", &gate.address().to_string(), ""), svc.name("killed"));
    up(&svc, &file);
    let all = [gate.arrival(), gate.arrival(), gate.arrival()];
    let pid = svc.json(&["show", &name])["pid"].to_string();
    system(&["taskkill", "/F", "/PID", &pid]);
    all.into_iter().for_each(gate::Held::gone);
}

#[test]
fn a_log_that_nobody_named_is_in_the_folder_of_the_service() {
    let svc = Svc::new();
    let name = svc.name("plain");
    let run = format!("run = [{:?}, 'program=hang']\naccount = 'LocalService'\n", binary::scripted());
    let file = svc.write("plain.toml", &format!("[service.{name}]\n{run}"));
    up(&svc, &file);
    let log = svc.status(&name)["host"]["log_files"][0].as_str().unwrap().to_owned();
    assert!(log.contains(&format!(r"\svckit\services\{}\", name.to_lowercase())), "{log}");
    assert!(Path::new(&log).is_file(), "{log}");
}

#[test]
fn the_values_of_variables_are_where_only_those_who_may_read_them() {
    let svc = Svc::new();
    let name = svc.name("secret");
    let file = define(&svc, "secret", "hang", "environment = { TOKEN = \"tell-nobody\" }\n");
    svc.ok(&["install", text(&file)]);
    let shown = svc.ok(&["show", &name]);
    assert!(shown.contains("TOKEN") && !shown.contains("tell-nobody"), "{shown}");
    let key = format!(r"HKLM\SYSTEM\CurrentControlSet\Services\{name}\Parameters");
    // What everybody may read has none of it; the key below is for administrators and the account.
    let open = system(&["reg", "query", &key, "/v", "Records"]).stdout;
    assert!(open.contains("Records") && !open.contains("tell-nobody"), "{open}");
    let closed = system(&["reg", "query", &format!(r"{key}\Definition"), "/v", "Definition"]).stdout;
    assert!(closed.contains("tell-nobody"), "{closed}");
}

#[test]
fn a_log_is_followed_line_by_line_and_over_a_restart() {
    let (svc, gate) = (Svc::new(), Gate::new());
    let (file, name) = (play(&svc, "said", "echo", &gate.address().to_string(), ""), svc.name("said"));
    up(&svc, &file);
    let lines = Following::new(&svc, &["logs", &name, "-f", "-n", "1000"]);
    for number in 0..4 {
        gate.arrival().release();
        lines.until(|line| line.trim_end() == format!("passed {number}"));
    }
    let held = gate.arrival();
    svc.ok(&["stop", &name]);
    held.gone();
    assert!(start(&svc, &name).status.success());
    gate.arrival().release();
    lines.until(|line| line.trim_end().ends_with("passed 0"));
}

/// A configuration with a part that is the service `shop`.
fn part(svc: &Svc, runscript: &Path, parameters: &str) -> String {
    let lines = format!(
        "[buildout]\nparts = winservice\n\n[winservice]\nrecipe = p01.recipe.setup:winservice\nserviceName = {}\n\
         name = The shop of {}\nrunscript = {}\nparameters = {parameters}\n",
        svc.name("shop"),
        svc.name(""),
        text(runscript)
    );
    svc.write("buildout.cfg", &lines);
    text(&svc.folder().join("buildout.cfg#winservice")).to_owned()
}

/// What `svc show` says, without what is different each time.
fn shown(svc: &Svc, name: &str) -> Value {
    let mut shown = svc.json(&["show", name]);
    for key in ["state", "pid", "host", "win32_exit_code", "controls_accepted"] {
        shown[key] = Value::Null;
    }
    shown["definition"]["source"] = Value::Null;
    shown
}

#[test]
fn a_part_of_a_buildout_and_its_script_are_services_without_python() {
    let (svc, gate) = (Svc::new(), Gate::new());
    let name = svc.name("shop");
    let part = part(&svc, &binary::scripted(), &format!("program=gate:{},exit:3", gate.address()));
    svc.ok(&["buildout"]);
    let script = text(&svc.folder().join("bin").join("winservice.py")).to_owned();
    for definition in [part, script] {
        up(&svc, Path::new(&definition));
        let events = Following::events(&svc, &name);
        gate.arrival().release();
        let died = events.event(DIED)["message"].as_str().unwrap().to_owned();
        let called = format!("{name:?} (The shop of {}) ended", svc.name(""));
        assert!(died.starts_with(&called), "{died}");
        assert!(died.contains("exit code 3") && died.contains("it is started again in 5 s"), "{died}");
        assert_eq!(svc.status(&name)["host"]["phase"], "backoff");
        // A stop during the back-off is obeyed.
        svc.ok(&["stop", &name]);
        let before = shown(&svc, &name);
        let program = &before["definition"]["program"];
        assert_eq!(program["directory"], text(svc.folder()));
        assert_eq!(program["environment"][0], "ZMANAGED");
        let exported = svc.write("exported.toml", &svc.ok(&["export", &definition]));
        svc.ok(&["remove", &definition]);
        svc.ok(&["install", text(&exported)]);
        assert_eq!(shown(&svc, &name), before);
        svc.ok(&["remove", &definition]);
    }
}

#[test]
fn the_program_of_a_part_runs_in_the_folder_and_knows_what_manages_it() {
    let svc = Svc::new();
    let batch = svc.write("say.cmd", "@echo managed %ZMANAGED% in %CD% words %*\r\n@exit /b 0\r\n");
    let (definition, name) = (part(&svc, &batch, "--port 80"), svc.name("shop"));
    svc.ok(&["install", &definition]);
    assert!(start(&svc, &name).status.success());
    let status = reaches(&name, ServiceState::STOPPED);
    assert_eq!((status.win32_exit_code.0, status.service_exit_code), (0, 0));
    let log = svc.ok(&["logs", &definition]);
    let expected = format!("managed 1 in {} words --port 80", text(svc.folder()));
    assert!(log.to_lowercase().contains(&expected.to_lowercase()), "{log}");
}

#[test]
fn a_buildout_is_carried_out() {
    let svc = Svc::new();
    svc.write("setup.py", "from setuptools import setup\nsetup(name='demo')\n");
    let program = binary::scripted();
    let part = format!("[web]\nrecipe = p01.recipe.setup:winservice\nrunscript = {}\n", program.display());
    let buildout = "[buildout]\ndevelop = .\nparts = web\nexecutable = C:\\nowhere\\python.exe\n";
    svc.write("buildout.cfg", &format!("{buildout}{part}"));
    let lines = |output: &str| -> Vec<String> { output.lines().map(str::to_owned).collect() };
    let first = svc.run(&["buildout"]);
    let said = lines(&first.stdout);
    let folder = svc.folder().file_name().unwrap().to_str().unwrap();
    assert!(said[0].starts_with("Develop: '") && said[0].ends_with(&format!("\\{folder}'")), "{said:?}");
    assert_eq!((first.code(), &said[1..]), (Some(0), &["Installing web.".to_owned()][..]));
    let missing = r"warning: C:\nowhere\Lib\site-packages\win32\pythonservice.exe is missing: ";
    assert!(first.stderr.starts_with(missing) && first.stderr.contains("needs pywin32"), "{}", first.stderr);
    let script = svc.folder().join("bin").join("winservice.py");
    let variables = winservice::read(&script, &fs::read(&script).unwrap()).unwrap().variables;
    assert_eq!((variables.python.as_str(), Path::new(&variables.script)), ("", &*program));
    assert!(svc.folder().join("develop-eggs").join("demo.egg-link").is_file());
    assert_eq!(lines(&svc.ok(&["buildout"]))[1..], ["Updating web."]);
    assert_eq!(
        lines(&svc.ok(&["buildout", "web:name=Other"]))[1..],
        ["Uninstalling web.", "Installing web."]
    );
    assert_eq!(lines(&svc.ok(&["buildout", "buildout:parts=", "buildout:develop="])), ["Uninstalling web."]);
    assert!(!script.exists() && !svc.folder().join(".installed.cfg").exists());
}
