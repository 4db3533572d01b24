//! Another machine, which is a service control manager of this one that listens on the network: every verb goes there by name, password and sealed packets.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use svckit_core::native::{Reply, Request};
use svckit_manager::{Logon, Target};
use svckit_testkit::svc::{Output, Svc};

use crate::up;

/// A service control manager that listens, with the administrator ann and the user bob.
pub(super) struct Machine {
    pub(super) svc: Svc,
    pub(super) address: String,
}

impl Machine {
    pub(super) fn new() -> Self {
        let svc = Svc::new();
        svc.ok(&["list"]);
        svc.ok(&["scm", "stop"]);
        std::fs::write(svc.state().join("scm.toml"), "[network]\nlisten = [\"127.0.0.1:0\"]\n").unwrap();
        add_user(&svc, "ann", &["--administrator"]);
        add_user(&svc, "bob", &[]);
        let status = svc.json(&["list"]);
        assert_eq!(status, serde_json::json!([]));
        let address = svc.json(&["scm", "status"])["listening"][0].as_str().unwrap().to_owned();
        Self { svc, address }
    }

    /// A command from afar.
    fn run(&self, user: &str, arguments: &[&str]) -> Output {
        let file = self.svc.folder().join(format!("{user}.password"));
        let from = ["--scm", &self.address, "--user", user, "--password-file", file.to_str().unwrap()];
        self.svc.run(&[&from, arguments].concat())
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run("ann", arguments);
        assert!(output.status.success(), "{arguments:?}: {}\n{}", output.status, output.stderr);
        output.stdout
    }
}

/// Lets somebody in, with a password in a file.
fn add_user(svc: &Svc, name: &str, more: &[&str]) {
    let file = svc.write(&format!("{name}.password"), &format!("pw of {name}\n"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = svc.command(&[&["scm", "user", "add", "--password-stdin", name], more].concat());
    let input = command.stdin(Stdio::from(std::fs::File::open(&file).unwrap())).output().unwrap();
    assert!(input.status.success(), "{}", String::from_utf8_lossy(&input.stderr));
}

/// How a program ends that may leave a core file behind and is told to, once it has connected to the listener.
fn aborted(program: &Path, arguments: &[&str], folder: &Path, listener: &TcpListener) -> ExitStatus {
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -c unlimited; exec \"$0\" \"$@\""])
        .arg(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stream = listener.accept().unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::ABORT).unwrap();
    let status = child.wait().unwrap();
    drop(stream);
    assert_eq!(status.signal(), Some(6), "{status}");
    status
}

#[test]
fn a_core_file_never_has_a_password() {
    let svc = Svc::new();
    let file = svc.write("password", "swordfish\n");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let folder = svc.folder();
    let arguments = ["--scm", &address, "--user", "ann", "--password-file", file.to_str().unwrap(), "list"];
    let status = aborted(svc.program(), &arguments, folder, &listener);
    assert!(!status.core_dumped(), "{status}");
    let has_core = || {
        std::fs::read_dir(folder)
            .unwrap()
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("core"))
    };
    assert!(!has_core());
    // Where core files are made in the folder, another program shows that one would have been made.
    if std::fs::read_to_string("/proc/sys/kernel/core_pattern").is_ok_and(|pattern| pattern == "core\n") {
        let connect =
            format!("exec 3<>/dev/tcp/127.0.0.1/{}; read line <&3", listener.local_addr().unwrap().port());
        let status = aborted(Path::new("bash"), &["-c", &connect], folder, &listener);
        assert!(status.core_dumped() && has_core(), "{status}");
    }
}

#[test]
fn who_serves_says_where_and_the_endpoint_mapper_tells_the_port_at_the_address_it_was_reached_by() {
    let svc = Svc::new();
    add_user(&svc, "ann", &["--administrator"]);
    let mut command = svc.command(&["scm", "serve"]);
    command.args(["--listen", "127.0.0.1:0", "--listen", "127.0.0.2:0", "--endpoint-mapper", "127.0.0.2:0"]);
    let mut serving = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(serving.stderr.take().unwrap()).lines().map(Result::unwrap);
    let line = said.find(|line| line.contains(" serving ")).unwrap();
    let status = svc.json(&["scm", "status"]);
    let at = |key: &str, index: usize| status[key][index].as_str().unwrap().to_owned();
    let mapper = at("endpoint_mapper", 0);
    let end = format!(
        ", listening at {} and {}, endpoint mapper at {mapper}",
        at("listening", 0),
        at("listening", 1)
    );
    assert!(line.ends_with(&end), "{line}");
    // The port of the first is another's at this address.
    let target = Target::parse("127.0.0.2", Path::new("")).unwrap();
    let Target::Remote(remote) = target else { unreachable!() };
    let mapper: SocketAddr = mapper.parse().unwrap();
    let remote = remote.with_mapper(mapper.port()).log_on(Logon::new("ann", "pw of ann".into()));
    let backend = svckit_manager::connect(&Target::Remote(remote)).unwrap();
    assert!(matches!(backend.native(Request::ScmStatus), Ok(Reply::ScmStatus(_))));
    drop(backend);
    svc.ok(&["scm", "stop"]);
    assert!(serving.wait().unwrap().success());
}

#[test]
fn every_verb_goes_to_another_machine() {
    let machine = Machine::new();
    let text = "[service.web]\nrun = ['sh', '-c', 'echo hello; exec sleep 1000']\nready.log = 'hello'\n";
    let file = machine.svc.write("web.toml", text);
    machine.ok(&["up", file.to_str().unwrap()]);
    assert_eq!(machine.svc.status("web")["state"], "RUNNING", "it is the same service that its owner sees");
    assert!(machine.ok(&["list"]).contains("web"));
    let status: serde_json::Value = serde_json::from_str(&machine.ok(&["status", "web", "--json"])).unwrap();
    assert_eq!((&status[0]["state"], &status[0]["host"]["phase"]), (&"RUNNING".into(), &"running".into()));
    assert!(machine.ok(&["logs", "web"]).contains("hello"));
    assert!(machine.ok(&["show", "web"]).contains("web"));
    machine.ok(&["restart", "web"]);
    machine.ok(&["stop", "web"]);
    assert_eq!(machine.svc.status("web")["state"], "STOPPED");
    machine.ok(&["start", "web"]);
    machine.ok(&["wait", "web", "--state", "running"]);
    assert!(machine.ok(&["events", "web"]).contains("web"));
    machine.ok(&["plan", file.to_str().unwrap()]);
    let server = format!(r"\\{}", machine.address);
    let words = ["--user", "ann", "--password-file", "ann.password", "sc", &server, "query", "web"];
    let output = machine.svc.run(&words);
    assert!(output.stdout.contains("RUNNING"), "{}{}", output.stdout, output.stderr);
    let both = format!("{},embedded:{}", machine.address, machine.svc.state().display());
    let output =
        machine.svc.run(&["--scm", &both, "--user", "ann", "--password-file", "ann.password", "list"]);
    assert!(output.status.success() && output.stdout.matches("RUNNING").count() == 2, "{}", output.stdout);
    machine.ok(&["down", file.to_str().unwrap()]);
    assert_eq!(machine.svc.json(&["list"]), serde_json::json!([]));
}

/// Paths of another machine mean nothing here; that they are these paths here, too, is only so in this test.
#[test]
fn the_doctor_does_not_look_for_files_of_another_machine_here() {
    let machine = Machine::new();
    machine.svc.ok(&["sc", "create", "web", "binPath=", "/no/such/program"]);
    let file = machine.svc.write("job.toml", "[service.job]\nrun = ['sh', '-c', 'true']\n");
    machine.ok(&["install", file.to_str().unwrap()]);
    std::fs::remove_file(file).unwrap();
    let there = machine.svc.run(&["doctor", "--json"]).stdout;
    assert!(there.contains("\"image\"") && there.contains("\"definition-gone\""), "{there}");
    let from_afar = machine.run("ann", &["doctor", "--json"]).stdout;
    assert!(!from_afar.contains("\"image\"") && !from_afar.contains("definition-gone"), "{from_afar}");
    assert_eq!(machine.run("ann", &["doctor", "--resolve"]).code(), Some(2));
}

#[test]
fn who_may_not_come_in_or_not_do_it_hears_so() {
    let machine = Machine::new();
    up(&machine.svc, "web", "hang", "");
    let output = machine.run("bob", &["stop", "web"]);
    assert_eq!(output.code(), Some(4));
    assert!(output.stderr.contains("5 ERROR_ACCESS_DENIED"), "{}", output.stderr);
    assert!(output.stderr.contains("administrators of that machine"), "{}", output.stderr);
    assert_eq!(machine.svc.status("web")["state"], "RUNNING");
    assert_eq!(machine.run("bob", &["list"]).code(), Some(4), "nothing lets him look");

    // Who may look by the access lists is told what Windows would tell; what hosts, logs and definitions are isn't for him.
    for (object, rights) in [("scmanager", "CCLCRPRC"), ("web", "CCLCSWLORC")] {
        let list = machine.svc.ok(&["sc", "sdshow", object]);
        let list = list.trim().replacen("D:", &format!("D:(A;;{rights};;;AU)"), 1);
        machine.svc.ok(&["sc", "sdset", object, &list]);
    }
    for words in [&["list"][..], &["status", "web"], &["show", "web"], &["sc", "query", "web"]] {
        let output = machine.run("bob", words);
        assert!(output.status.success(), "{words:?}: {}{}", output.stdout, output.stderr);
        assert!(output.stdout.contains("RUNNING"), "{words:?}: {}", output.stdout);
    }
    let output = machine.run("bob", &["logs", "web"]);
    assert_eq!(output.code(), Some(4), "{}{}", output.stdout, output.stderr);
    assert_eq!(machine.run("bob", &["stop", "web"]).code(), Some(4));

    std::fs::rename(machine.svc.folder().join("bob.password"), machine.svc.folder().join("eve.password"))
        .unwrap();
    let output = machine.run("eve", &["list"]);
    assert_eq!(output.code(), Some(4));
    assert!(output.stderr.contains("1326 ERROR_LOGON_FAILURE"), "{}", output.stderr);
    std::fs::rename(machine.svc.folder().join("eve.password"), machine.svc.folder().join("ann.password"))
        .unwrap();
    let output = machine.run("ann", &["list"]);
    assert!(output.code() == Some(4) && output.stderr.contains("1326"), "{}", output.stderr);
}

#[test]
fn a_password_that_one_machine_refuses_is_not_tried_on_the_others() {
    let machines: Vec<_> = (0..4).map(|_| Machine::new()).collect();
    let list: Vec<_> = machines.iter().map(|machine| machine.address.clone()).collect();
    let [first, second, ..] = &machines[..] else { unreachable!() };
    let run = |password: &str, list: &str, words: &[&str]| {
        let from = ["--scm", list, "--user", "ann", "--password-file", password];
        first.svc.run(&[&from, words].concat())
    };
    let refusals = |machine: &Machine| {
        let events = machine.svc.json(&["events"]);
        events.as_array().unwrap().iter().filter(|event| event["id"] == 32).count()
    };
    // Of eve's password for ann, one machine hears; which, the network decides.
    let wrong = first.svc.write("wrong.password", "not the one of ann\n");
    std::fs::set_permissions(&wrong, std::fs::Permissions::from_mode(0o600)).unwrap();
    let output = run("wrong.password", &list.join(","), &["list"]);
    assert_eq!(output.code(), Some(4), "{}", output.stderr);
    assert_eq!(machines.iter().map(refusals).sum::<usize>(), 1);
    assert_eq!(output.stderr.matches("not tried, since").count(), 3, "{}", output.stderr);
    assert!(output.stderr.contains("4 machines: 0 done, 1 failed: "), "{}", output.stderr);
    assert!(output.stderr.contains(", 3 not tried: "), "{}", output.stderr);

    // One where ann has another password stops those after it, and undoes nothing.
    let file = second.svc.write("new.password", "another one\n");
    let mut command = second.svc.command(&["scm", "user", "passwd", "ann", "--password-stdin"]);
    let changed = command.stdin(Stdio::from(std::fs::File::open(&file).unwrap())).output().unwrap();
    assert!(changed.status.success(), "{}", String::from_utf8_lossy(&changed.stderr));
    let before: Vec<_> = machines.iter().map(refusals).collect();
    let output = run("ann.password", &list.join(","), &["--fanout", "1", "--json", "list"]);
    assert_eq!(output.code(), Some(13), "{}", output.stdout);
    let summary: serde_json::Value =
        serde_json::from_str(output.stdout.lines().next_back().unwrap()).unwrap();
    let target = |machine: &Machine| format!(r"\\{}", machine.address);
    assert_eq!(summary["summary"]["done"], 1);
    assert_eq!(summary["summary"]["failed"], serde_json::json!([target(second)]));
    let rest: Vec<_> = machines[2..].iter().map(target).collect();
    assert_eq!(summary["summary"]["not_tried"], serde_json::json!(rest));
    let after: Vec<_> = machines.iter().map(refusals).collect();
    assert_eq!(after, [before[0], before[1] + 1, before[2], before[3]]);
}

#[test]
fn a_file_of_credentials_says_who_comes_in() {
    let machine = Machine::new();
    let write = |text: &str, mode| {
        let file = machine.svc.write("credentials", text);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let run = |more: &[&str]| {
        let words = ["--scm", &machine.address, "--credentials-file", "credentials"];
        machine.svc.run(&[&words, more].concat())
    };
    write("# the shop\nusername = ann\npassword = pw of ann\n", 0o600);
    let output = run(&["list"]);
    assert!(output.status.success(), "{}", output.stderr);
    assert_eq!(run(&["--user", "bob", "list"]).code(), Some(2), "who it is would be said twice");
    let told = |code: i32, what: &str| {
        let output = run(&["list"]);
        assert_eq!(output.code(), Some(code), "{}", output.stderr);
        assert!(output.stderr.contains(what) && !output.stderr.contains("pw of"), "{}", output.stderr);
    };
    write("username = ann\npasword = pw of ann\n", 0o600);
    told(1, "credentials: line 2: \"pasword\" is none of username, password and domain");
    write("username = ann\npassword = pw of ann\n", 0o644);
    told(4, "its mode is 0644, so others can reach it: chmod 0600");
    std::fs::remove_file(machine.svc.folder().join("credentials")).unwrap();
    told(4, "the credentials can't be read from credentials");
}
