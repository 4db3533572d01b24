//! `svc.exe` and the service control manager of a machine that is named, through the functions of Windows. The machine is this one, which Windows and Wine know by its name too; what svckit knows of its own machine it
//! then doesn't know.

#![forbid(unsafe_code)]
#![cfg(windows)]
#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

use std::path::Path;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Backend;
use svckit_core::control::Control;
use svckit_core::native::{Overview, Reply, Request};
use svckit_core::status::{NotifyMask, ServiceState};
use svckit_core::win32::Win32Error;
use svckit_manager::windows::WindowsBackend;
use svckit_manager::{Target, connect};
use svckit_testkit::svc::{Output, Svc, finish, making_anew, starting};
use svckit_testkit::{PATIENCE, binary};

/// This machine as another.
fn machine() -> String {
    format!(r"\\{}", std::env::var("COMPUTERNAME").unwrap())
}

/// A service with a definition, which the machine itself installed.
fn install(svc: &Svc, name: &str) -> String {
    let service = svc.name(name);
    let log = svc.folder().join("log.txt");
    let text = format!(
        "[service.{service}]\nrun = [{:?}, \"program=hang\"]\nlog.file = {log:?}\n",
        binary::scripted()
    );
    svc.ok(&["install", svc.write(&format!("{name}.toml"), &text).to_str().unwrap()]);
    service
}

/// A command that goes to the machine by its name.
fn there(svc: &Svc, words: &[&str]) -> Output {
    svc.run(&[&["--scm", &machine()], words].concat())
}

#[track_caller]
fn ok(svc: &Svc, words: &[&str]) -> String {
    let output = starting(|| there(svc, words));
    assert!(output.status.success(), "{words:?}: {}{}", output.stdout, output.stderr);
    output.stdout
}

#[test]
fn services_of_a_named_machine_are_listed_started_watched_and_stopped() {
    let svc = Svc::new();
    let name = install(&svc, "web");
    assert!(ok(&svc, &["list"]).contains(&name));
    ok(&svc, &["start", &name]);
    ok(&svc, &["wait", &name, "--state", "running"]);
    let status: serde_json::Value = serde_json::from_str(&ok(&svc, &["status", &name, "--json"])).unwrap();
    assert_eq!(status[0]["state"], "RUNNING", "{status}");
    assert_eq!(status[0]["host"], serde_json::Value::Null, "hosts tell it to their own machine: {status}");
    assert_eq!(svc.status(&name)["host"]["phase"], "running");
    let show: serde_json::Value = serde_json::from_str(&ok(&svc, &["show", &name, "--json"])).unwrap();
    assert_eq!(show["name"], name.as_str());
    ok(&svc, &["restart", &name]);
    ok(&svc, &["stop", &name]);
    assert_eq!(svc.status(&name)["state"], "STOPPED");
    let queried = svc.ok(&["sc", &machine(), "query", &name]);
    assert!(queried.contains("STOPPED"), "{queried}");
    ok(&svc, &["remove", &name]);
    let gone = there(&svc, &["status", &name]);
    assert_eq!(gone.code(), Some(3), "{}{}", gone.stdout, gone.stderr);
    assert!(gone.stderr.contains("1060"), "{}", gone.stderr);
}

#[test]
fn what_windows_does_not_tell_of_another_machine_is_refused_by_its_name() {
    let svc = Svc::new();
    let name = install(&svc, "web");
    for words in [&["logs", &name][..], &["events", &name]] {
        let output = there(&svc, words);
        assert_eq!(output.code(), Some(1), "{words:?}: {}{}", output.stdout, output.stderr);
        let said = "of another machine Windows tells nothing of hosts, definitions, events and logs (50 ";
        assert!(output.stderr.contains(said), "{}", output.stderr);
    }
    // Nor is what this machine has shown as if it were there.
    let file = svc.folder().join("web.toml");
    for word in [name.as_str(), file.to_str().unwrap()] {
        let output = there(&svc, &["env", word]);
        assert_eq!((output.code(), output.stdout.as_str()), (Some(1), ""), "{word}: {}", output.stderr);
        assert!(output.stderr.contains("of which nothing is known here (50 "), "{}", output.stderr);
    }
    for verb in ["up", "install", "update", "apply"] {
        let output = there(&svc, &[verb, file.to_str().unwrap()]);
        assert_eq!(output.code(), Some(2), "{verb}: {}{}", output.stdout, output.stderr);
        assert!(output.stderr.contains(&format!("can't be hosted on {}: ", machine())), "{}", output.stderr);
    }
    // What is here says nothing of what is there.
    let lacking = svc.name("lacking");
    svc.ok(&["sc", "create", &lacking, "binPath=", r"C:\no\such\program.exe"]);
    let (here, there_too) = (svc.run(&["doctor", &lacking]), there(&svc, &["doctor", &lacking]));
    assert!(here.stdout.contains("error[image]"), "{}{}", here.stdout, here.stderr);
    assert_eq!(there_too.code(), Some(0), "{}{}", there_too.stdout, there_too.stderr);
    // Who comes is who is signed in; a port is found by Windows itself.
    let output = there(&svc, &["--user", "ann", "list"]);
    assert_eq!(output.code(), Some(1), "{}{}", output.stdout, output.stderr);
    assert!(output.stderr.contains("runas /netonly"), "{}", output.stderr);
    for variable in ["SVC_USER", "SVC_PASSWORD", "SVC_AUTH"] {
        let mut list = svc.command(&["--scm", &machine(), "list"]);
        list.env(variable, "ann");
        let output = finish(list);
        assert_eq!(output.code(), Some(1), "{variable}: {}{}", output.stdout, output.stderr);
        assert!(output.stderr.contains("runas /netonly"), "{variable}: {}", output.stderr);
        // Of this machine they say nothing.
        let mut list = svc.command(&["list"]);
        list.env(variable, "ann");
        assert!(finish(list).status.success(), "{variable}");
    }
    let output = svc.run(&["--scm", &format!("{}:4135", machine()), "list"]);
    assert!(output.stderr.contains("find the port themselves"), "{}", output.stderr);
    assert_eq!(
        svc.json(&["list"]).as_array().unwrap().iter().filter(|one| one["name"] == name.as_str()).count(),
        1
    );
}

#[test]
fn a_program_that_is_a_service_itself_is_brought_in_line_there() {
    let svc = Svc::new();
    let name = svc.name("own");
    let define = |words: &str| {
        let program = binary::scripted();
        let text = format!("[service.{name}]\nbinary-path = '\"{}\" {words}'\n", program.display());
        svc.write("own.toml", &text).to_str().unwrap().to_owned()
    };
    let file = define("accept=STOP");
    assert_eq!(there(&svc, &["plan", &file]).code(), Some(11));
    assert!(ok(&svc, &["apply", &file]).contains(&format!("installed {name}")));
    assert_eq!(there(&svc, &["plan", &file]).code(), Some(0));
    assert!(ok(&svc, &["apply", &file]).contains("nothing to do"));
    assert!(ok(&svc, &["up", &file]).contains("RUNNING"));
    define("accept=STOP,PAUSE_CONTINUE");
    let applied = ok(&svc, &["apply", &file]);
    assert!(applied.contains(&format!("started {name}")), "{applied}");
    ok(&svc, &["pause", &name]);
    let again = svc.write("again.toml", &ok(&svc, &["export", &name]));
    assert_eq!(there(&svc, &["plan", again.to_str().unwrap()]).code(), Some(0));
    // Its process may have it open for a moment longer, and under Wine nobody tells when it is gone.
    let down = making_anew(|| there(&svc, &["down", &file]));
    assert!(down.status.success(), "{}{}", down.stdout, down.stderr);
    assert_eq!(there(&svc, &["status", &name]).code(), Some(3));
}

#[test]
fn the_end_of_a_service_is_waited_for_where_the_machine_tells_of_it() {
    let svc = Svc::new();
    let name = install(&svc, "web");
    let gone = ["wait", &name, "--state", "gone"];
    if std::env::var("SVCKIT_WINE").is_ok_and(|wine| wine != "all") {
        println!(
            "not under Wine: Windows tells of another machine when services are deleted; Wine's functions don't"
        );
        let output = there(&svc, &gone);
        assert_eq!(output.code(), Some(1), "{}{}", output.stdout, output.stderr);
        let said =
            "it is installed, and this service control manager doesn't tell when services are deleted (120 ";
        assert!(output.stderr.contains(said) && !output.stderr.contains("hint"), "{}", output.stderr);
        svc.ok(&["remove", &name]);
        ok(&svc, &gone);
        return;
    }
    // Whichever comes first.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| ok(&svc, &gone));
        svc.ok(&["remove", &name]);
        assert_eq!(waiting.join().unwrap(), format!("{name}: gone\n"));
    });
}

/// A native connection to this machine by its name.
fn backend() -> Box<dyn Backend> {
    connect(&Target::parse(&machine(), Path::new("")).unwrap()).unwrap()
}

#[test]
fn who_goes_on_looking_is_told_of_a_named_machine_too() {
    let svc = Svc::new();
    let name = install(&svc, "web");
    let service = svckit_core::name::ServiceName::new(name.as_str()).unwrap();
    let backend = backend();
    let request = Request::Overview { after: None, services: Some(vec![service.clone()]) };
    let Reply::Overview(Overview { revision, services, .. }) = backend.native(request).unwrap() else {
        panic!()
    };
    assert_eq!((services.len(), services[0].host.is_none()), (1, true));
    let changed = |after| match backend.changes(after, Some(vec![service.clone()]), PATIENCE).unwrap() {
        Some(Reply::Overview(overview)) => overview,
        other => panic!("{other:?}"),
    };
    let mut seen = changed(revision);
    assert!(starting(|| svc.run(&["start", &name])).status.success());
    while seen.services.first().is_none_or(|view| view.status.state != ServiceState::RUNNING) {
        seen = changed(seen.revision);
    }
    // A handle of its own, opened anew on the same machine, waits for the end.
    let manager = backend.open_manager(ManagerAccess::CONNECT).unwrap();
    let opened = manager.open_service(&name, ServiceAccess::QUERY_STATUS | ServiceAccess::STOP).unwrap();
    opened.control(Control::STOP).unwrap();
    let stopped = opened.wait(NotifyMask::of(ServiceState::STOPPED), PATIENCE).unwrap().unwrap();
    assert_eq!(stopped.status.state, ServiceState::STOPPED);
    let error = manager.open_service("no such service", ServiceAccess::QUERY_STATUS).err().unwrap();
    assert_eq!((error.code, error.target), (Win32Error::SERVICE_DOES_NOT_EXIST, Some(machine())));
    assert_eq!(WindowsBackend::local().target(), "windows");
}
