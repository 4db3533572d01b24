//! The verbs as a user types them, on the real program with a service control manager of its own.
//! (On Windows that is done in `testkit/tests/windows_end_to_end.rs`: the programs here are shell scripts.)

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use svckit_testkit::following::Following;
use svckit_testkit::svc::Svc;

/// Says hello and stays.
const HELLO: &str = "[service.web]\nrun = ['sh', '-c', 'echo hello; exec sleep 1000000']\n";

const TWO: &str = "[service.shop]\nrun = ['sh', '-c', 'exec sleep 1000000']\ndepends-on = ['store']\n\
                   [service.store]\nrun = ['sh', '-c', 'exec sleep 1000000']\n";

/// Waits for an event of a service; where there is one already, at once.
#[track_caller]
fn wait_for_event(svc: &Svc, service: &str, id: u64) -> Value {
    let events = Following::new(svc, &["events", service, "-f", "-n", "1000", "--json"]);
    let is_it = |line: &str| serde_json::from_str::<Value>(line).is_ok_and(|event| event["id"] == id);
    serde_json::from_str(&events.until(is_it)).unwrap()
}

fn program(status: &Value) -> u64 {
    status["host"]["child_pid"].as_u64().unwrap_or_else(|| panic!("no program in {status}"))
}

fn is_there(pid: u64) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn up_shows_state_address_and_first_lines_and_twice_does_nothing() {
    let svc = Svc::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    svc.write("service.toml", &format!("{HELLO}[service.web.ready]\ntcp = '{address}'\n"));
    let out = svc.ok(&["up", "service.toml"]);
    assert!(out.starts_with("installed web\nNAME  STATE    PID"), "{out}");
    assert!(out.contains("\nweb   RUNNING  "), "{out}");
    assert!(out.contains(&format!("\nweb accepts connections at {address}\n")), "{out}");
    assert!(out.contains("\nweb | hello\n"), "{out}");
    let before = svc.status("web");
    assert_eq!(before["host"]["ready"], true);
    let again = svc.ok(&["up", "service.toml"]);
    assert!(again.starts_with("everything is as the file says and runs; nothing to do\n"), "{again}");
    assert_eq!(program(&svc.status("web")), program(&before));
}

#[test]
fn a_service_lives_and_goes() {
    let svc = Svc::new();
    svc.write("service.toml", HELLO);
    assert_eq!(svc.ok(&["install", "service.toml"]), "installed web\n");
    assert_eq!(svc.run(&["install", "service.toml"]).code(), Some(6));
    assert_eq!(svc.status("web")["win32_exit_code"], 1077);
    svc.ok(&["start", "web"]);
    assert_eq!(svc.run(&["start", "web"]).code(), Some(6));
    let first = svc.status("web");
    assert_eq!((&first["state"], &first["host"]["phase"]), (&"RUNNING".into(), &"running".into()));
    assert!(is_there(program(&first)));
    svc.ok(&["restart", "web"]);
    let second = svc.status("web");
    assert_ne!(program(&first), program(&second));
    assert!(!is_there(program(&first)));
    assert_eq!(svc.run(&["remove", "web"]).code(), Some(10));
    svc.ok(&["stop", "web"]);
    assert!(!is_there(program(&second)));
    let stopped = svc.status("web");
    assert_eq!((&stopped["state"], &stopped["win32_exit_code"]), (&"STOPPED".into(), &0.into()));
    assert_eq!(svc.run(&["stop", "web"]).code(), Some(6));
    assert_eq!(svc.ok(&["remove", "web"]), "removed web\n");
    assert_eq!(svc.run(&["status", "web"]).code(), Some(3));
    assert_eq!(svc.ok(&["list"]), "no services\n");
}

#[test]
fn down_takes_everything_away() {
    let svc = Svc::new();
    svc.write("service.toml", TWO);
    svc.ok(&["up", "service.toml"]);
    let programs = [program(&svc.status("shop")), program(&svc.status("store"))];
    assert_eq!(svc.ok(&["down", "service.toml"]), "stopped and removed shop\nstopped and removed store\n");
    assert!(programs.iter().all(|pid| !is_there(*pid)));
    assert_eq!(svc.json(&["list"]), Value::Array(Vec::new()));
    assert!(svc.ok(&["down", "service.toml"]).contains("shop is not installed; nothing to do"));
}

#[test]
fn names_are_known_without_case() {
    let svc = Svc::new();
    svc.write("service.toml", HELLO);
    svc.ok(&["up", "service.toml"]);
    assert_eq!(svc.status("WEB")["name"], "web");
    svc.ok(&["stop", "Web"]);
    assert!(svc.ok(&["logs", "wEB"]).contains("hello"));
}

#[test]
fn an_update_changes_what_differs() {
    let svc = Svc::new();
    let definition = |value: &str, text: &str| {
        format!(
            "[service.web]\nrun = ['sh', '-c', 'echo it is $VALUE; exec sleep 1000000']\n\
             description = '{text}'\nenvironment = {{ VALUE = '{value}' }}\n"
        )
    };
    svc.write("service.toml", &definition("one", "first"));
    assert!(svc.ok(&["up", "service.toml"]).contains("web | it is one\n"));
    let before = program(&svc.status("web"));
    svc.write("service.toml", &definition("one", "second"));
    assert!(svc.ok(&["up", "service.toml"]).starts_with("updated web: the description\n"));
    assert_eq!(program(&svc.status("web")), before);
    svc.write("service.toml", &definition("two", "second"));
    let updated = svc.ok(&["update", "service.toml"]);
    assert!(updated.contains("web runs as before until it is restarted: svc restart web"), "{updated}");
    assert_eq!(program(&svc.status("web")), before);
    let logs = Following::new(&svc, &["logs", "web", "-f"]);
    svc.ok(&["restart", "web"]);
    logs.until(|line| line == "it is two");
    svc.write("service.toml", &definition("three", "second"));
    let up = svc.ok(&["up", "service.toml"]);
    assert!(up.contains("restarting web\n"), "{up}");
    logs.until(|line| line == "it is three");
    assert_eq!(svc.ok(&["logs", "web"]), "it is one\nit is two\nit is three\n");
    assert_eq!(svc.json(&["show", "web"])["description"], "second");
}

#[test]
fn logs_are_the_bytes_that_were_written() {
    let svc = Svc::new();
    svc.write(
        "service.toml",
        "[service.web]\nrun = ['sh', '-c', 'printf \"a\\377\\000b\\n\\n\"; echo oops >&2; exec sleep 1000000']\n",
    );
    svc.ok(&["up", "service.toml"]);
    Following::new(&svc, &["logs", "web", "-f"]).until(|line| line == "oops");
    svc.ok(&["stop", "web"]);
    let output = svc.command(&["logs", "web"]).output().unwrap();
    assert_eq!(output.stdout, b"a\xff\0b\n\noops\n");
    assert_eq!(svc.ok(&["logs", "web", "-n", "1"]), "oops\n");
}

#[test]
fn logs_are_followed_over_a_restart() {
    let svc = Svc::new();
    svc.write("service.toml", HELLO);
    svc.ok(&["up", "service.toml"]);
    let logs = Following::new(&svc, &["logs", "web", "-f"]);
    logs.until(|line| line == "hello");
    svc.ok(&["restart", "web"]);
    logs.until(|line| line == "hello");
}

#[test]
fn a_crash_is_told_with_what_follows() {
    let svc = Svc::new();
    svc.write(
        "service.toml",
        "[service.crashing]\nrun = ['sh', '-c', 'echo dying; exit 3']\n\
         [service.crashing.restart]\ndelay = '1h'\nmax-delay = '1h'\nbudget = '2h'\n",
    );
    svc.ok(&["up", "service.toml"]);
    let event = wait_for_event(&svc, "crashing", 3);
    assert_eq!((&event["level"], &event["service"]), (&"warning".into(), &"crashing".into()));
    let status = svc.status("crashing");
    let host = &status["host"];
    assert_eq!((&status["state"], &host["phase"]), (&"RUNNING".into(), &"backoff".into()));
    assert_eq!((&host["last_exit"]["code"], &host["child_pid"]), (&3.into(), &Value::Null));
    assert!(host["next_retry_at"].as_str().unwrap().ends_with('Z'));
    let shown = svc.ok(&["status", "crashing"]);
    assert!(shown.contains("the program exited with 3, runs again at 2"), "{shown}");
    svc.ok(&["stop", "crashing"]);
    assert_eq!(svc.status("crashing")["state"], "STOPPED");
}

#[test]
fn a_program_that_fails_for_good_leaves_its_code() {
    let svc = Svc::new();
    svc.write(
        "service.toml",
        "[service.crashing]\nrun = ['sh', '-c', 'echo dying; exit 3']\n\
         [service.crashing.restart]\nexit-codes = { 3 = 'fail' }\n",
    );
    svc.ok(&["install", "service.toml"]);
    // Whether it is seen RUNNING before it ends is a matter of luck; where it ends is not.
    let started = svc.run(&["start", "crashing"]);
    assert!(matches!(started.code(), Some(0 | 7)), "{started:?}");
    wait_for_event(&svc, "crashing", 7024);
    let status = svc.status("crashing");
    assert_eq!((&status["win32_exit_code"], &status["service_exit_code"]), (&1066.into(), &3.into()));
    assert!(svc.ok(&["status"]).contains("ended with code 3"));
}

#[test]
fn a_program_that_went_missing_is_named() {
    let svc = Svc::new();
    let script = svc.write("program", "#!/bin/sh\nexec sleep 1000000\n");
    assert!(std::process::Command::new("chmod").arg("+x").arg(&script).status().unwrap().success());
    svc.write("service.toml", "[service.web]\nrun = './program'\n");
    svc.ok(&["install", "service.toml"]);
    std::fs::remove_file(&script).unwrap();
    let failed = svc.run(&["start", "web"]);
    assert_eq!(failed.code(), Some(7), "{failed:?}");
    assert!(failed.stderr.contains("cannot start service \"web\": "), "{failed:?}");
    assert!(failed.stderr.contains("/program"), "{failed:?}");
    assert!(failed.stderr.contains("2 ERROR_FILE_NOT_FOUND"), "{failed:?}");
    assert_eq!(svc.status("web")["win32_exit_code"], 2);
}

#[test]
fn a_wait_ends_at_its_limit_and_the_service_goes_on() {
    let svc = Svc::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    svc.write("service.toml", &format!("{HELLO}[service.web.ready]\ntcp = '{address}'\ntimeout = '1h'\n"));
    let late = svc.run(&["up", "service.toml", "--wait", "0.3"]);
    assert_eq!(late.code(), Some(5), "{late:?}");
    assert!(late.stderr.contains("it is still START_PENDING after 300ms"), "{late:?}");
    assert_eq!(svc.status("web")["state"], "START_PENDING");
    let _listener = TcpListener::bind(address).unwrap();
    svc.ok(&["up", "service.toml"]);
    assert_eq!(svc.status("web")["state"], "RUNNING");
}

#[test]
fn a_service_that_does_not_get_ready_can_be_stopped() {
    let svc = Svc::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    svc.write("service.toml", &format!("{HELLO}[service.web.ready]\ntcp = '{address}'\ntimeout = '1h'\n"));
    svc.ok(&["install", "service.toml"]);
    svc.ok(&["start", "web", "--wait", "0"]);
    wait_for_event(&svc, "web", 1);
    let program = program(&svc.status("web"));
    svc.ok(&["stop", "web"]);
    assert!(!is_there(program));
    assert_eq!(svc.status("web")["state"], "STOPPED");
}

#[test]
fn dependencies_are_started_first_and_dependents_stopped_first() {
    let svc = Svc::new();
    svc.write("service.toml", TWO);
    svc.ok(&["install", "service.toml"]);
    svc.ok(&["start", "shop"]);
    assert_eq!(svc.status("store")["state"], "RUNNING");
    let refused = svc.run(&["stop", "store"]);
    assert_eq!(refused.code(), Some(10));
    assert!(refused.stderr.contains("1051 ERROR_DEPENDENT_SERVICES_RUNNING"), "{refused:?}");
    assert!(refused.stderr.contains("these depend on it and run: shop"), "{refused:?}");
    let before = [program(&svc.status("shop")), program(&svc.status("store"))];
    svc.ok(&["restart", "store", "--with-dependents"]);
    let after = [program(&svc.status("shop")), program(&svc.status("store"))];
    assert!(before[0] != after[0] && before[1] != after[1]);
    svc.ok(&["stop", "store", "--with-dependents"]);
    assert!(svc.json(&["status"]).as_array().unwrap().iter().all(|service| service["state"] == "STOPPED"));
}

#[test]
fn pause_and_continue_do_what_the_definition_says() {
    let svc = Svc::new();
    svc.write("service.toml", HELLO);
    svc.ok(&["up", "service.toml"]);
    assert_eq!(svc.run(&["pause", "web"]).code(), Some(10));
    svc.write(
        "service.toml",
        &format!("{HELLO}[service.web.controls]\npause = 'signal:STOP'\ncontinue = 'signal:CONT'\n"),
    );
    svc.ok(&["up", "service.toml"]);
    svc.ok(&["pause", "web"]);
    let paused = svc.status("web");
    assert_eq!(paused["state"], "PAUSED");
    assert_eq!(svc.run(&["pause", "web"]).code(), Some(6));
    svc.ok(&["continue", "web"]);
    let running = svc.status("web");
    assert_eq!((&running["state"], program(&running)), (&"RUNNING".into(), program(&paused)));
}

#[test]
fn start_arguments_reach_the_program() {
    let svc = Svc::new();
    svc.write(
        "service.toml",
        "[service.web]\nrun = ['sh', '-c', 'echo \"got $*\"; exec sleep 1000000', 'sh', 'own']\n",
    );
    svc.ok(&["install", "service.toml"]);
    svc.ok(&["start", "web", "--", "a b", "c"]);
    let logs = Following::new(&svc, &["logs", "web", "-f"]);
    assert_eq!(logs.until(|_| true), "got own a b c");
}

#[test]
fn events_tell_the_story() {
    let svc = Svc::new();
    svc.write("service.toml", HELLO);
    svc.ok(&["up", "service.toml"]);
    svc.ok(&["stop", "web"]);
    for id in [7045, 1, 7036, 2] {
        wait_for_event(&svc, "web", id);
    }
    let lines = svc.ok(&["events", "-n", "2"]);
    assert_eq!(lines.lines().count(), 2, "{lines}");
    let events = svc.json(&["events", "web", "-n", "1"]);
    assert_eq!(events.as_array().unwrap().len(), 1);
}

#[test]
fn debug_runs_in_the_console_without_a_service_control_manager() {
    let svc = Svc::new();
    svc.write(
        "service.toml",
        "[service.one]\nrun = ['sh', '-c', 'echo out; echo err >&2; exit 3']\n\
         [service.one.restart]\nwhen = 'never'\n",
    );
    let ran = svc.run(&["debug", "service.toml"]);
    assert_eq!(ran.code(), Some(3), "{ran:?}");
    assert_eq!(ran.stdout, "out\n");
    assert!(ran.stderr.contains("err\n") && ran.stderr.contains("svc: \"one\" runs as process "), "{ran:?}");
    assert!(!svc.state().exists());
}

#[test]
fn the_service_control_manager_is_shown_and_stopped() {
    let svc = Svc::new();
    assert_eq!(svc.run(&["scm", "status"]).code(), Some(8));
    assert_eq!(svc.run(&["scm", "stop"]).code(), Some(6));
    svc.write("service.toml", HELLO);
    svc.ok(&["up", "service.toml"]);
    let status = svc.json(&["scm", "status"]);
    assert_eq!((&status["services"], &status["active"]), (&1.into(), &1.into()));
    let program = program(&svc.status("web"));
    svc.ok(&["scm", "stop"]);
    assert!(!is_there(program));
    assert_eq!(svc.run(&["scm", "status"]).code(), Some(8));
    assert_eq!(svc.status("web")["state"], "STOPPED");
}

#[test]
fn mistakes_are_told_and_change_nothing() {
    let svc = Svc::new();
    let mistake = |keys: &str, expected: &str| {
        svc.write("service.toml", keys);
        let ran = svc.run(&["up", "service.toml"]);
        assert_eq!(ran.code(), Some(2), "{ran:?}");
        assert!(ran.stderr.contains(expected), "{expected:?} is not in {}", ran.stderr);
    };
    let place = "service.toml:3:1\n3 | strat = 'auto'\n  | ^^^^^\nhint: did you mean \"start\"?";
    mistake("[service.web]\nrun = 'sh'\nstrat = 'auto'\n", place);
    mistake("[service.'a/b']\nrun = 'sh'\n", "a service name can't contain '/'");
    mistake("[service.web]\nrun = 'sh'\ndepends-on = 'x'\n", "must be a list of strings, not a string");
    mistake("[service.web]\nrun = 'sh'\ndepends-on = ['x']\n", "neither in this file nor installed");
    mistake("[service.web]\nrun = 'sh'\ndepends-on = ['web']\n", "in a circle: web -> web");
    mistake("[service.web]\nrun = './missing'\n", "there is no program ");
    mistake("[service.web]\nrun = './service.toml'\n", "is not executable");
    mistake("[service.web]\nrun = 'sh'\ndirectory = 'missing'\n", "cannot use the directory ");
    mistake("[service.web\n", "this is not TOML");
    assert_eq!(svc.ok(&["list"]), "no services\n");
}

#[test]
fn exit_statuses_tell_the_kind_of_failure() {
    let svc = Svc::new();
    let code = |arguments: &[&str]| svc.run(arguments).code().unwrap();
    assert_eq!(code(&["frobnicate"]), 2);
    assert_eq!(code(&["up", "missing.toml"]), 2);
    assert_eq!(code(&["status", "a/b"]), 2);
    assert_eq!(code(&["status", "ghost"]), 3);
    let object = |arguments: &[&str]| -> Value { serde_json::from_str(&svc.run(arguments).stderr).unwrap() };
    assert_eq!(object(&["start", "--json"])["error"]["exit_status"], 2);
    let missing = object(&["start", "ghost", "--json"]);
    assert_eq!((&missing["error"]["code"], &missing["error"]["service"]), (&1060.into(), &"ghost".into()));
    assert!(missing["error"]["target"].as_str().unwrap().starts_with("embedded:/"));
}

#[test]
fn another_machine_takes_a_name_and_a_password_that_nobody_else_can_read() {
    let svc = Svc::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap().to_string();
    drop(listener);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "pw\n").unwrap();
    let file = file.to_str().unwrap();
    let told = |arguments: &[&str]| {
        let ended = svc.run(&[&["--scm", &closed], arguments].concat());
        (ended.code().unwrap(), ended.stderr)
    };
    let (code, said) = told(&["list"]);
    assert!(code == 4 && said.contains("--user, or the variable SVC_USER"), "{said}");
    let mode = |mode| std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
    let with_file = ["--user", r"SHOP\ann", "--password-file", file, "list"];
    mode(0o644);
    let (code, said) = told(&with_file);
    assert!(code == 4 && said.contains("its mode is 0644"), "{said}");
    mode(0o600);
    let (code, said) = told(&with_file);
    assert!(code == 8 && said.contains(&format!("nothing listens at {closed}")), "{said}");
    assert!(said.contains("remote-machines.md"), "{said}");
    let words =
        [&["--user", "ann", "--password-file", file, "sc"][..], &[r"\\127.0.0.1:1", "query"]].concat();
    // 1722 by 256.
    assert_eq!(svc.run(&words).code(), Some(186));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let svc = Svc::new();
    let mut command = svc.command(&["completions", "bash"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stderr, b"");
}

#[test]
fn completions_and_manual_pages_know_every_verb() {
    let svc = Svc::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(svc.ok(&["completions", shell]).contains("restart"), "{shell}");
    }
    svc.ok(&["man", "pages"]);
    let page = std::fs::read_to_string(svc.folder().join("pages/svc-up.1")).unwrap();
    assert!(page.contains("Install or update the services of DEF"), "{page}");
    assert!(svc.ok(&["man"]).contains(".TH svc 1"));
}

#[test]
fn values_of_variables_stay_hidden() {
    let svc = Svc::new();
    svc.write("service.toml", &format!("{HELLO}environment = {{ TOKEN = 'hunter2' }}\n"));
    svc.ok(&["up", "service.toml"]);
    for arguments in
        [&["show", "web"][..], &["show", "web", "--json"], &["events", "web"], &["status", "--json"]]
    {
        let out = svc.ok(arguments);
        assert!(!out.contains("hunter2"), "{out}");
    }
    assert!(svc.ok(&["show", "web"]).contains("TOKEN"));
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let all = entries.flat_map(|entry| match entry.file_type().unwrap() {
        kind if kind.is_dir() => files(&entry.path()),
        kind if kind.is_file() => vec![entry.path()],
        _ => Vec::new(),
    });
    all.collect()
}

#[test]
fn a_secret_is_in_its_file_and_in_the_program_and_nowhere_else() {
    const SECRET: &[u8] = b"correct-horse-battery";
    let has_secret = |bytes: &[u8]| bytes.windows(SECRET.len()).any(|window| window == SECRET);
    let svc = Svc::new();
    let secret = svc.folder().join("secret");
    std::fs::write(&secret, SECRET).unwrap();
    svc.write(
        "service.toml",
        "[service.web]\nrun = ['sh', '-c', 'echo ${#TOKEN}; exec sleep 1000000']\nenvironment = { A = '1', TOKEN = { file = 'secret' } }\n",
    );
    let mode = |mode| std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let refused = svc.run(&["install", "service.toml"]);
    assert_eq!(refused.code(), Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("everybody may read or change it"), "{}", refused.stderr);
    mode(0o600);
    assert!(svc.ok(&["up", "service.toml"]).contains("\nweb | 21\n"), "the program has it");
    let export = svc.ok(&["export", "web"]);
    assert!(
        export.contains(&format!("environment = {{ A = \"1\", TOKEN = {{ file = {secret:?} }} }}")),
        "{export}"
    );
    assert!(svc.ok(&["show", "web"]).contains(&format!("TOKEN from {}", secret.display())));
    let shown = svc.json(&["env", "web"]);
    let token = shown.as_array().unwrap().iter().find(|one| one["name"] == "TOKEN").unwrap();
    assert_eq!(
        (&token["value"], &token["from"], &token["file"]),
        (&"***".into(), &"secret".into(), &secret.to_str().into())
    );
    // Nothing is to be done: exit status 0.
    svc.ok(&["plan", "service.toml"]);
    for arguments in [
        &["show", "web", "--json"][..],
        &["plan", "service.toml", "--json", "-v"],
        &["diff", "service.toml"],
        &["lint", "service.toml"],
        &["events", "web"],
        &["status", "web", "--json"],
        &["doctor", "web"],
        &["env", "web", "--json"],
        &["env", "service.toml"],
    ] {
        let output = svc.run(arguments);
        assert!(
            !has_secret(output.stdout.as_bytes()) && !has_secret(output.stderr.as_bytes()),
            "{arguments:?}"
        );
    }
    let told: Vec<_> = files(svc.folder()).into_iter().filter(|file| *file != secret).collect();
    assert!(told.iter().any(|file| file.ends_with("svc.db")), "{told:?}");
    for file in told {
        assert!(!has_secret(&std::fs::read(&file).unwrap()), "{}", file.display());
    }
    let program = program(&svc.status("web"));
    for process in svc.processes() {
        let read = |what: &str| std::fs::read(format!("/proc/{process}/{what}")).unwrap_or_default();
        assert!(!has_secret(&read("cmdline")), "{process}");
        assert_eq!(has_secret(&read("environ")), u64::from(process) == program, "{process}");
    }
    svc.ok(&["stop", "web"]);
    mode(0o604);
    let refused = svc.run(&["start", "web"]);
    assert_eq!(refused.code(), Some(4), "{}", refused.stderr);
    let secret = secret.display();
    assert!(
        refused.stderr.contains(&format!(
            "cannot read the secret TOKEN from \"{secret}\": everybody may read or change it (5 "
        )),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.ends_with(&format!("chmod o= {secret}\n")), "{}", refused.stderr);
    svc.ok(&["down", "service.toml"]);
}

/// A program that is ready, and ends, only when another one with the other letter is about to, too.
const MEETING: &str = "import os, signal, socket, sys\n\
                       me, port = sys.argv[1], int(sys.argv[2])\n\
                       def meet(place):\n    open(place, 'w' if me == 'a' else 'r').close()\n\
                       def stop(*_):\n    meet('stop')\n    os._exit(0)\n\
                       signal.signal(signal.SIGTERM, stop)\n\
                       meet('start')\n\
                       server = socket.create_server(('127.0.0.1', port))\n\
                       while True:\n    signal.pause()\n";

#[test]
fn services_that_wait_for_each_other_are_acted_on_at_the_same_time() {
    let svc = Svc::new();
    let program = svc.write("meet.py", MEETING);
    for place in ["start", "stop"] {
        let made = std::process::Command::new("mkfifo").arg(svc.folder().join(place)).status().unwrap();
        assert!(made.success());
    }
    let ports = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = ports.map(|listener| listener.local_addr().unwrap().port());
    let define = |value: &str| {
        let one = |name: &str, port: u16| {
            format!(
                "[service.{name}]\nrun = ['python3', {program:?}, '{name}', '{port}']\nenvironment = {{ VALUE = '{value}' }}\n\
                 [service.{name}.stop]\nladder = [{{ 'signal:TERM' = '1h' }}]\n\
                 [service.{name}.ready]\ntcp = '127.0.0.1:{port}'\ntimeout = '1h'\n"
            )
        };
        svc.write("service.toml", &(one("a", ports[0]) + &one("b", ports[1])));
    };
    // One after the other, each would wait for ever for the other.
    const LIMIT: [&str; 2] = ["--wait", "120"];
    let ok = |words: &[&str]| svc.ok(&[words, &LIMIT].concat());
    define("1");
    let up = ok(&["up", "service.toml"]);
    assert!(up.contains("\nstarted a\n") && up.contains("\nstarted b\n"), "{up}");
    define("2");
    let up = ok(&["up", "service.toml"]);
    assert!(up.contains("\nrestarting a\n") && up.contains("\nrestarting b\n"), "{up}");
    define("3");
    let mut applied: Vec<_> = ok(&["apply", "service.toml"]).lines().map(str::to_owned).collect();
    assert!(applied[2].starts_with("stopped ") && applied[4].starts_with("started "), "{applied:?}");
    applied.sort();
    assert_eq!(applied[..4], ["started a", "started b", "stopped a", "stopped b"]);
    assert!(ok(&["apply", "service.toml"]).contains("nothing to do"));
    let mut down: Vec<_> = ok(&["down", "service.toml"]).lines().map(str::to_owned).collect();
    down.sort();
    assert_eq!(down, ["stopped and removed a", "stopped and removed b"]);
}
