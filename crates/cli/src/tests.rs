//! Verbs on the fake service control manager: what they do, print and answer.

mod accounts;
mod binary_paths;
mod definitions;
mod doctor;
mod dsc;
mod elsewhere;
mod env;
mod export;
mod import;
mod lint;
#[cfg(unix)]
mod passwords;
mod plan;
mod sc;
mod several;
mod strangers;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use svckit_core::Error;
use svckit_core::config::{Config2, Config2Level};
use svckit_core::control::ControlsAccepted;
use svckit_core::kind::LaunchProtection;
use svckit_core::name::ServiceName;
use svckit_core::native::{Event, EventId, Level, Phase, ProgramExit};
use svckit_core::status::ServiceState;
use svckit_core::time::WallTime;
use svckit_core::trigger::{Guid, Trigger, TriggerAction, TriggerType};
use svckit_core::win32::Win32Error;
use svckit_manager::local::Inherited;
use svckit_recipe::Platform;

use crate::app::{App, Connect, Surroundings};
use crate::args::{Cli, Verb};
use crate::failure::{Failure, Status};
use crate::fake::Fake;
use crate::resolve::Lookup;
use crate::ui::Ui;
use crate::verbs;

/// What was written to a stream.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// What a run of `svc` came to.
struct Ran {
    out: String,
    err: String,
    status: u8,
}

/// A fake service control manager, and a folder with definitions.
struct World {
    scm: Fake,
    folder: tempfile::TempDir,
    platform: Platform,
    /// What is on standard input, for verbs that read it.
    input: String,
    /// Whether the service control manager is another machine's.
    is_elsewhere: bool,
    /// How often somebody tried to come in, if nobody is let in.
    refused: Option<Arc<AtomicU32>>,
}

impl World {
    fn new() -> Self {
        Self {
            scm: Fake::default(),
            folder: tempfile::tempdir().unwrap(),
            platform: Platform::Unix,
            input: String::new(),
            is_elsewhere: false,
            refused: None,
        }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs `svc` with these words; `FILE` stands for the path of `service.toml`.
    fn svc(&self, line: &str) -> Ran {
        self.svc_on(line, None)
    }

    fn svc_on(&self, line: &str, terminal: Option<usize>) -> Ran {
        use clap::Parser;
        let file = self.folder.path().join("service.toml");
        let words =
            line.split_whitespace().map(|word| if word == "FILE" { file.to_str().unwrap() } else { word });
        let cli = Cli::try_parse_from(std::iter::once("svc").chain(words)).unwrap();
        let (out, err) = (Sink::default(), Sink::default());
        let ui = Ui::captured(Box::new(out.clone()), Box::new(err.clone()), cli.global.json, terminal);
        let scm = self.scm.clone();
        let (rights, asked, disks) = (self.scm.clone(), self.scm.clone(), self.scm.clone());
        let surroundings = Surroundings {
            platform: self.platform,
            is_elsewhere: self.is_elsewhere,
            directory: None,
            records: self.is_elsewhere.then(|| self.folder.path().join("records")),
            grant_logon: Box::new(move |account| rights.grant(account)),
            logon: Box::new(move |account| Ok(asked.logon(account))),
            inherited: Box::new(|_, _, account| Ok(inherited(account))),
            space: Box::new(move |path| Ok(disks.disk(path))),
            resolve: Box::new(|hosts| Ok(hosts.iter().map(|host| looked_up(host)).collect())),
        };
        let refused = self.refused.clone();
        let connect: Connect = Arc::new(move || match &refused {
            None => Ok(Box::new(scm.clone())),
            Some(times) => {
                times.fetch_add(1, Ordering::Relaxed);
                Err(Box::new(Error::new("connect to service control manager", Win32Error::LOGON_FAILURE)))
            }
        });
        let mut app = App::new(ui, connect, surroundings, cli.global.wait);
        let status = match dispatch(&mut app, cli.verb, &self.input) {
            Ok(()) => 0,
            Err(failure) => {
                failure.print(&mut app.ui).unwrap();
                failure.status() as u8
            }
        };
        Ran { out: out.text(), err: err.text(), status }
    }

    fn journal(&self) -> Vec<String> {
        std::mem::take(&mut self.scm.contents().journal)
    }
}

/// What is known of hosts: one that is called ghost isn't there, one that is called late doesn't answer.
fn looked_up(host: &str) -> Lookup {
    match host {
        "ghost" => Lookup::Nothing("name or service not known".to_owned()),
        "late" => Lookup::Late,
        _ => Lookup::Found,
    }
}

/// What every service of the fake begins with.
fn inherited(account: Option<&str>) -> Inherited {
    let pair = |name: &str, value: &str| (name.into(), value.into());
    let account = account.filter(|account| account.ends_with("ann")).map(|_| pair("HOME", "/home/ann"));
    let system = vec![pair("HOME", "/root"), pair("LANG", "C"), pair("SVCKIT_INSTANCE", "x/y")];
    let service = vec![pair("ZONE", "inner")];
    Inherited { system, account: account.into_iter().collect(), service }
}

fn dispatch(app: &mut App, verb: Verb, input: &str) -> Result<(), Failure> {
    match verb {
        Verb::Up(arguments) => verbs::up::run(app, &arguments),
        Verb::Down(arguments) => verbs::down::run(app, &arguments),
        Verb::Install(arguments) => verbs::install::install(app, &arguments),
        Verb::Update(arguments) => verbs::install::update(app, &arguments),
        Verb::Plan(arguments) => verbs::plan::plan(app, &arguments),
        Verb::Apply(arguments) => verbs::plan::apply(app, &arguments),
        Verb::Diff(arguments) => verbs::plan::diff(app, &arguments),
        Verb::Remove(arguments) => verbs::install::remove(app, &arguments),
        Verb::Start(arguments) => verbs::control::start(app, &arguments),
        Verb::Stop(arguments) => verbs::control::stop(app, &arguments),
        Verb::Restart(arguments) => verbs::control::restart(app, &arguments),
        Verb::Pause(arguments) => verbs::control::pause(app, &arguments),
        Verb::Continue(arguments) => verbs::control::proceed(app, &arguments),
        Verb::Wait(arguments) => verbs::control::wait(app, &arguments),
        Verb::List(arguments) => verbs::status::list(app, &arguments),
        Verb::Status(arguments) => verbs::status::status(app, &arguments),
        Verb::Show(arguments) => verbs::show::run(app, &arguments),
        Verb::Logs(arguments) => verbs::logs::run(app, &arguments),
        Verb::Events(arguments) => verbs::events::run(app, &arguments),
        Verb::Raise(arguments) => verbs::raise::run(app, &arguments),
        Verb::Export(arguments) => verbs::export::run(app, &arguments),
        Verb::Import(arguments) => verbs::import::run(app, &arguments),
        Verb::Lint(arguments) => verbs::lint::run(app, &arguments),
        Verb::Env(arguments) => verbs::env::run(app, &arguments),
        Verb::Doctor(arguments) => crate::doctor::run(app, &arguments),
        Verb::Dsc(operation) => crate::dsc::operate(app, &operation, input),
        Verb::Explain { what } => crate::explain::run(app, &what),
        other => panic!("{other:?} needs the real world"),
    }
}

const WEB: &str = "[service.web]\nrun = 'sh -c true'\ndescription = 'The web'\n";
const TWO: &str = "[service.web]\nrun = 'sh'\ndepends-on = ['db']\n[service.db]\nrun = 'sh'\n";

#[test]
fn up_installs_starts_and_shows() {
    let world = World::new();
    world.file("service.toml", WEB);
    let ran = world.svc("up FILE");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert_eq!(
        ran.out,
        "installed web\nNAME  STATE    PID\nweb   RUNNING  101\nweb | listening\nweb | second line\n"
    );
    let contents = world.scm.contents();
    let record = &contents.services["web"];
    assert_eq!(record.optional[&Config2Level::DESCRIPTION], Config2::Description(Some("The web".to_owned())));
    let definition = record.definition.as_ref().unwrap();
    assert!(definition.program.command[0].ends_with("/sh"), "{:?}", definition.program.command);
    assert!(record.config.image_path.as_str().ends_with(" host run"));
}

#[test]
fn up_twice_changes_nothing_and_says_so() {
    let world = World::new();
    world.file("service.toml", WEB);
    world.svc("up FILE");
    world.journal();
    let again = world.svc("up FILE");
    assert_eq!(again.status, 0);
    assert!(
        again.out.starts_with("everything is as the file says and runs; nothing to do\n"),
        "{}",
        again.out
    );
    assert_eq!(world.journal(), Vec::<String>::new());
}

#[test]
fn up_restarts_what_changed_with_its_dependents() {
    let world = World::new();
    world.file("service.toml", TWO);
    world.svc("up FILE");
    world.journal();
    world.file("service.toml", &TWO.replace("[service.db]\nrun = 'sh'", "[service.db]\nrun = 'sh -e'"));
    let ran = world.svc("up FILE");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("updated db: the program and its policy\nrestarting db\n"), "{}", ran.out);
    assert_eq!(world.journal(), ["define db", "stop web", "stop db", "start db", "start web"]);
}

#[test]
fn an_update_of_what_does_not_matter_to_the_program_does_not_restart_it() {
    let world = World::new();
    world.file("service.toml", WEB);
    world.svc("up FILE");
    world.journal();
    world.file("service.toml", &WEB.replace("The web", "A web"));
    let ran = world.svc("up FILE");
    assert!(ran.out.starts_with("updated web: the description\n"), "{}", ran.out);
    assert_eq!(world.journal(), ["config2-1 web"]);
}

#[test]
fn what_the_file_does_not_say_stays_as_the_command_line_said() {
    let world = World::new();
    world.file("service.toml", WEB);
    assert_eq!(world.svc("install FILE --startup delayed --username ann").status, 0);
    world.journal();
    let ran = world.svc("update FILE");
    assert_eq!(ran.out, "web is as the file says; nothing to change\n");
    let contents = world.scm.contents();
    assert_eq!(contents.services["web"].config.account.as_deref(), Some("ann"));
    assert_eq!(
        contents.services["web"].optional[&Config2Level::DELAYED_AUTO_START],
        Config2::DelayedAutoStart(true)
    );
}

#[test]
fn an_installation_that_fails_leaves_nothing() {
    let world = World::new();
    world.file("service.toml", TWO);
    world.scm.contents().sabotage = Some(("define web".to_owned(), Win32Error::DISK_FULL));
    let ran = world.svc("up FILE");
    assert_eq!(ran.status, Status::Failure as u8);
    assert!(ran.err.contains("sabotaged define web"), "{}", ran.err);
    assert!(world.scm.contents().services.is_empty());
}

#[test]
fn down_stops_and_removes_in_order_and_is_content_with_nothing() {
    let world = World::new();
    world.file("service.toml", TWO);
    world.svc("up FILE");
    world.journal();
    let ran = world.svc("down FILE");
    assert_eq!(ran.out, "stopped and removed web\nstopped and removed db\n");
    assert_eq!(world.journal(), ["stop web", "delete web", "stop db", "delete db"]);
    let again = world.svc("down FILE");
    assert_eq!(again.status, 0);
    assert!(again.out.contains("web is not installed; nothing to do"), "{}", again.out);
}

#[test]
fn a_service_that_ends_at_its_start_is_told_with_its_last_words() {
    let world = World::new();
    world.file("service.toml", WEB);
    world.svc("install FILE");
    world.scm.contents().services.get_mut("web").unwrap().fails_with =
        Some((Win32Error::SERVICE_SPECIFIC_ERROR, 3));
    let ran = world.svc("start web");
    assert_eq!(ran.status, Status::ServiceFailed as u8);
    assert_eq!(
        ran.err,
        "error: cannot start service \"web\": it stopped with the error 3 of its own (1066 ERROR_SERVICE_SPECIFIC_ERROR)\n  \
         its last output:\n  Traceback\n  boom\nhint: svc logs web and svc events web tell more\n"
    );
}

#[test]
fn a_wait_ends_at_its_limit() {
    let world = World::new();
    world.file("service.toml", WEB);
    world.svc("install FILE");
    world.scm.contents().services.get_mut("web").unwrap().hangs = true;
    let ran = world.svc("start web --wait 0.01");
    assert_eq!(ran.status, Status::TimeOut as u8);
    assert!(ran.err.contains("it is still START_PENDING after"), "{}", ran.err);
    assert_eq!(world.svc("start web --wait 0").status, 0);
}

#[test]
fn already_so_is_a_status_of_its_own() {
    let world = World::new();
    world.file("service.toml", TWO);
    world.svc("up FILE");
    for line in ["start db", "install FILE", "start FILE"] {
        assert_eq!(world.svc(line).status, Status::AlreadySo as u8, "{line}");
    }
    world.svc("stop FILE");
    for line in ["stop db", "stop FILE"] {
        assert_eq!(world.svc(line).status, Status::AlreadySo as u8, "{line}");
    }
}

#[test]
fn dependents_are_named_and_stopped_only_if_asked_for() {
    let world = World::new();
    world.file("service.toml", TWO);
    world.svc("up FILE");
    let refused = world.svc("stop db");
    assert_eq!(refused.status, Status::NotNow as u8);
    assert!(
        refused
            .err
            .ends_with(": these depend on it and run: web (1051 ERROR_DEPENDENT_SERVICES_RUNNING)\nhint: --with-dependents acts on them as well\n"),
        "{}",
        refused.err
    );
    world.journal();
    assert_eq!(world.svc("restart db --with-dependents").status, 0);
    assert_eq!(world.journal(), ["stop web", "stop db", "start db", "start web"]);
    assert_eq!(world.svc("stop db --with-dependents").out, "web: STOPPED\ndb: STOPPED\n");
}

#[test]
fn pausing_needs_a_service_that_can() {
    let world = World::new();
    world.file("service.toml", WEB);
    world.svc("up FILE");
    let refused = world.svc("pause web");
    assert_eq!(refused.status, Status::NotNow as u8);
    assert!(refused.err.contains("[service.web.controls]"), "{}", refused.err);
    let accepts = ControlsAccepted::STOP | ControlsAccepted::PAUSE_CONTINUE;
    world.scm.contents().services.get_mut("web").unwrap().status.controls_accepted = accepts;
    assert_eq!(world.svc("pause web").out, "web: PAUSED, pid 101\n");
    assert_eq!(world.svc("pause web").status, Status::AlreadySo as u8);
    assert_eq!(world.svc("continue web").out, "web: RUNNING, pid 101\n");
}

#[test]
fn nothing_of_a_service_that_runs_is_removed() {
    let world = World::new();
    world.file("service.toml", WEB);
    world.svc("up FILE");
    let refused = world.svc("remove web");
    assert_eq!(refused.status, Status::NotNow as u8);
    assert!(refused.err.contains("it is RUNNING, and has to be stopped first"), "{}", refused.err);
    assert_eq!(world.svc("remove web --stop").out, "removed web\n");
    assert_eq!(world.svc("remove web").status, Status::NoSuchService as u8);
}

#[test]
fn errors_are_objects_when_json_is_wanted() {
    let world = World::new();
    let ran = world.svc("start ghost --json");
    assert_eq!((ran.status, ran.out.as_str()), (Status::NoSuchService as u8, ""));
    let error: Value = serde_json::from_str(&ran.err).unwrap();
    let error = &error["error"];
    assert_eq!(error["operation"], "start service");
    assert_eq!(error["service"], "ghost");
    assert_eq!(error["target"], "fake");
    assert_eq!(error["code"], 1060);
    assert_eq!(error["name"], "ERROR_SERVICE_DOES_NOT_EXIST");
    assert!(error["message"].as_str().unwrap().starts_with("cannot start service \"ghost\": "));
    assert_eq!(error["hint"], "svc list shows the services that there are");
}

#[test]
fn status_has_the_promised_shape() {
    let world = World::new();
    world.file("service.toml", WEB);
    world.svc("up FILE");
    let all: Value = serde_json::from_str(&world.svc("status --json").out).unwrap();
    let web = &all[0];
    let keys: Vec<_> = web.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "name",
        "display_name",
        "type",
        "state",
        "controls_accepted",
        "win32_exit_code",
        "service_exit_code",
        "checkpoint",
        "wait_hint_ms",
        "pid",
        "host",
    ];
    expected.sort_unstable();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!((&web["state"], &web["type"]), (&"RUNNING".into(), &"WIN32_OWN_PROCESS".into()));
    assert_eq!(web["controls_accepted"], serde_json::json!(["STOP"]));
    for key in ["child_pid", "ready", "phase", "restarts", "last_exit", "next_retry_at", "log_files"] {
        assert!(web["host"].get(key).is_some(), "{key}");
    }
    assert_eq!(web["host"]["phase"], "running");
    let show: Value = serde_json::from_str(&world.svc("show web --json").out).unwrap();
    assert_eq!(show["start_type"], "DEMAND_START");
    assert_eq!(show["description"], "The web");
    assert_eq!(show["definition"]["program"]["directory"], world.folder.path().to_str().unwrap());
}

#[test]
fn triggers_node_and_protection_are_shown_where_they_are_known() {
    let world = World::new();
    world.file("service.toml", WEB);
    world.svc("up FILE");
    world.scm.contents().services.get_mut("web").unwrap().optional.remove(&Config2Level::TRIGGER_INFO);
    let unknown: Value = serde_json::from_str(&world.svc("show web --json").out).unwrap();
    for key in ["triggers", "preferred_node", "launch_protected"] {
        assert_eq!(unknown.get(key), None, "{key}");
    }
    let join = Trigger {
        kind: TriggerType::DOMAIN_JOIN,
        action: TriggerAction::SERVICE_START,
        subtype: Guid::DOMAIN_JOIN,
        data: Vec::new(),
    };
    let leave = Trigger { action: TriggerAction::SERVICE_STOP, subtype: Guid::DOMAIN_LEAVE, ..join.clone() };
    let set = |values: [Config2; 3]| {
        let mut contents = world.scm.contents();
        let record = contents.services.get_mut("web").unwrap();
        record.optional.extend(values.map(|value| (value.level(), value)));
    };
    set([
        Config2::Triggers(vec![join, leave]),
        Config2::PreferredNode(Some(1)),
        Config2::LaunchProtected(LaunchProtection::ANTIMALWARE_LIGHT),
    ]);
    let words = world.svc("show web").out;
    for line in [
        "trigger          start when the machine joins a domain\n",
        "trigger          stop when the machine leaves its domain\n",
        "preferred node   1\n",
        "protection       of services against malware\n",
    ] {
        assert!(words.contains(line), "{words}");
    }
    let known: Value = serde_json::from_str(&world.svc("show web --json").out).unwrap();
    assert_eq!(known["triggers"][1]["subtype"], "ddaf516e-58c2-4866-9574-c3b615d42ea1");
    assert_eq!(known["preferred_node"], 1);
    assert_eq!(known["launch_protected"], "LAUNCH_PROTECTED_ANTIMALWARE_LIGHT");

    set([
        Config2::Triggers(Vec::new()),
        Config2::PreferredNode(None),
        Config2::LaunchProtected(LaunchProtection::NONE),
    ]);
    let words = world.svc("show web").out;
    assert!(!words.contains("trigger") && !words.contains("node") && !words.contains("protect"), "{words}");
    let none: Value = serde_json::from_str(&world.svc("show web --json").out).unwrap();
    assert_eq!((&none["triggers"], &none["preferred_node"]), (&serde_json::json!([]), &Value::Null));
    assert_eq!(none["launch_protected"], "LAUNCH_PROTECTED_NONE");
}

#[test]
fn the_values_of_variables_are_not_shown() {
    let world = World::new();
    world.file("service.toml", &format!("{WEB}environment = {{ TOKEN = 'hunter2' }}\n"));
    world.svc("up FILE");
    for line in ["show web", "show web --json"] {
        let out = world.svc(line).out;
        assert!(out.contains("TOKEN") && !out.contains("hunter2"), "{out}");
    }
}

#[test]
fn status_tells_trouble_in_words() {
    let world = World::new();
    world.file("service.toml", TWO);
    world.svc("up FILE");
    {
        let mut contents = world.scm.contents();
        let web = contents.services.get_mut("web").unwrap();
        web.host.phase = Phase::Backoff;
        web.host.child_pid = None;
        web.host.restarts = 2;
        web.host.last_exit = Some(ProgramExit { code: Some(3), signal: None, at: WallTime(0) });
        web.host.next_retry_at = Some(WallTime(1_700_000_000_000));
        let db = contents.services.get_mut("db").unwrap();
        db.status.state = ServiceState::STOPPED;
        db.status.win32_exit_code = Win32Error::PROCESS_ABORTED;
        db.host.child_pid = None;
    }
    let out = world.svc("status").out;
    assert_eq!(
        out,
        "NAME  STATE    RESTARTS  DETAIL\n\
         db    STOPPED            the process ended unexpectedly\n\
         web   RUNNING  2         the program exited with 3, runs again at 2023-11-14 22:13:20Z\n"
    );
    let narrow = world.svc_on("status", Some(50)).out;
    assert!(narrow.contains("\u{1b}[") && narrow.contains('\u{2026}'), "{narrow}");
    assert_eq!(world.svc("status web ghost").status, Status::NoSuchService as u8);
}

#[test]
fn lists_are_plain_in_a_pipe() {
    let world = World::new();
    assert_eq!(world.svc("list").out, "no services\n");
    assert_eq!(world.svc("list --json").out, "[]\n");
    world.file("service.toml", TWO);
    world.svc("install FILE");
    world.svc("start db");
    assert_eq!(
        world.svc("list").out,
        "NAME  STATE    PID  DISPLAY NAME\ndb    RUNNING  101  db\nweb   STOPPED       web\n"
    );
    assert_eq!(world.svc("list --active").out, "NAME  STATE    PID  DISPLAY NAME\ndb    RUNNING  101  db\n");
}

#[test]
fn logs_are_bytes_and_events_are_lines() {
    let world = World::new();
    world.file("service.toml", WEB);
    world.svc("up FILE");
    assert_eq!(world.svc("logs web").out, "listening\nsecond line\n");
    world.scm.contents().events = (1..=3)
        .map(|sequence| Event {
            sequence,
            time: WallTime(sequence * 1000),
            id: EventId::PROGRAM_STARTED,
            level: Level::Information,
            service: ServiceName::new("web").ok(),
            message: format!("number {sequence}\u{1b}[31m"),
        })
        .collect();
    assert_eq!(
        world.svc("events web -n 2").out,
        "1970-01-01 00:00:02Z  info         1  web  number 2\\u{1b}[31m\n\
         1970-01-01 00:00:03Z  info         1  web  number 3\\u{1b}[31m\n"
    );
    let json: Value = serde_json::from_str(&world.svc("events --json -n 1").out).unwrap();
    assert_eq!(json[0]["time"], "1970-01-01T00:00:03.000Z");
    assert_eq!((&json[0]["id"], &json[0]["level"]), (&1.into(), &"information".into()));
    assert_eq!(json[0]["service"], "web");
}

#[test]
fn what_only_the_machine_knows_is_told_at_its_place() {
    let world = World::new();
    let check = |text: &str, expected: &str| {
        let path = world.file("service.toml", text);
        let ran = world.svc("up FILE");
        assert_eq!(ran.status, Status::Usage as u8, "{text}");
        let shown = ran.err.replace(path.to_str().unwrap(), "FILE");
        let shown = shown.replace(world.folder.path().to_str().unwrap(), "DIR");
        assert_eq!(shown, expected, "{text}");
        assert!(world.scm.contents().services.is_empty());
    };
    check(
        "[service.web]\nrun = ['svckit-no-such-program', 'x']\n",
        "error: the program \"svckit-no-such-program\" is in no folder of PATH\n --> FILE:2:7\n2 | run = ['svckit-no-such-program', 'x']\n  \
         |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\nhint: install it, or give its path\n",
    );
    world.file("plain.txt", "not a program");
    check(
        "[service.web]\nrun = './plain.txt'\n",
        "error: DIR/plain.txt is not executable\n --> FILE:2:7\n2 | run = './plain.txt'\n  |       ^^^^^^^^^^^^^\n\
         hint: chmod +x DIR/plain.txt, or name the program that interprets it first\n",
    );
    check(
        "[service.web]\nrun = 'plain.txt'\n",
        "error: the program \"plain.txt\" is in no folder of PATH\n --> FILE:2:7\n2 | run = 'plain.txt'\n  |       ^^^^^^^^^^^\n\
         hint: for the file in its directory write \"./plain.txt\"\n",
    );
    check(
        "[service.web]\nrun = 'sh'\ndirectory = 'nowhere'\n",
        "error: cannot use the directory DIR/nowhere: no such file or directory\n --> FILE:3:13\n3 | directory = 'nowhere'\n  \
         |             ^^^^^^^^^\nhint: it is relative to the folder of the definition\n",
    );
    check(
        "[service.web]\nrun = 'sh'\ndepends-on = ['db']\n",
        "error: dependency \"db\" is neither in this file nor installed\n --> FILE:3:15\n3 | depends-on = ['db']\n  \
         |               ^^^^\nhint: install it first, or remove it from depends-on\n",
    );
    check(
        "[service.web]\nrun = 'sh'\nenvironment-file = '.env'\n",
        "error: cannot read the environment file DIR/.env: no such file or directory\n --> FILE:3:20\n3 | environment-file = '.env'\n  \
         |                    ^^^^^^\n",
    );
}

#[test]
fn definition_errors_as_json_carry_their_places() {
    let world = World::new();
    world.file("service.toml", "[service.web]\nrun = 'sh'\nstrat = 'auto'\n");
    let ran = world.svc("up FILE --json");
    let error: Value = serde_json::from_str(&ran.err).unwrap();
    let first = &error["error"]["diagnostics"][0];
    assert_eq!((&first["line"], &first["column"]), (&3.into(), &1.into()));
    assert_eq!(first["help"], "did you mean \"start\"?");
    assert_eq!(error["error"]["exit_status"], 2);
}

#[test]
fn a_missing_file_and_a_bad_name_are_usage_errors() {
    let world = World::new();
    for line in ["up FILE", "status no/such", "start nowhere.toml"] {
        assert_eq!(world.svc(line).status, Status::Usage as u8, "{line}");
    }
    world.file("service.toml", TWO);
    let several = world.svc("show FILE");
    assert_eq!(several.status, Status::Usage as u8);
    assert!(several.err.ends_with("hint: name one of db, web\n"), "{}", several.err);
}

#[test]
fn the_account_is_not_shown_with_its_password() {
    let world = World::new();
    world.file("service.toml", WEB);
    let ran = world.svc("install FILE --username ann --password hunter2 --verbose");
    assert!(ran.err.contains("--password-stdin") && !ran.err.contains("hunter2"), "{}", ran.err);
    assert!(!ran.out.contains("hunter2"));
}
