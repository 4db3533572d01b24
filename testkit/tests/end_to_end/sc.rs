//! `svc sc` with the built-in service control manager, as scripts for sc use it.

use std::process::Command;

use serde_json::Value;
use svckit_core::status::ServiceState;
use svckit_testkit::binary;
use svckit_testkit::svc::{Svc, finish};

use crate::reaches;

/// An exit status of eight bits.
fn low(code: i32) -> Option<i32> {
    Some(code & 0xFF)
}

#[test]
fn a_service_lives_and_goes_by_the_words_of_sc() {
    let svc = Svc::new();
    let image = format!("{:?} program=", binary::scripted());
    let service = format!("{:?}", binary::scripted());
    svc.ok(&["sc", "create", "db", "binPath=", &service, "DisplayName=", "The database"]);
    svc.ok(&[
        "sc",
        "create",
        "web",
        "binpath=",
        &image,
        "depend=",
        "db",
        "start=",
        "delayed-auto",
        "error=",
        "ignore",
    ]);
    let config = svc.ok(&["sc", "qc", "web"]);
    for line in [
        "\tSTART_TYPE         : 2   AUTO_START  (DELAYED)\n",
        "\tERROR_CONTROL      : 0   IGNORE\n",
        "\tDEPENDENCIES       : db\n",
        "\tSERVICE_START_NAME : LocalSystem\n",
    ] {
        assert!(config.contains(line), "{line} is not in {config}");
    }
    assert_eq!(svc.ok(&["sc", "GetKeyName", "the database"]), "[SC] GetServiceKeyName SUCCESS\nName = db\n");
    let dependents = svc.ok(&["sc", "EnumDepend", "db"]);
    assert!(dependents.starts_with("[SC] EnumDependentServices: entriesread = 1\n\nSERVICE_NAME: web\n"));

    let started = svc.ok(&["sc", "start", "db"]);
    assert!(started.contains("SERVICE_NAME: db\n") && started.contains("\tPID  "), "{started}");
    let status = reaches(&svc, "db", ServiceState::RUNNING);
    let told = svc.ok(&["sc", "queryex", "DB"]);
    assert!(told.contains(&format!("\tPID                : {}\n", status.pid)), "{told}");
    let again = svc.run(&["sc", "start", "db"]);
    assert_eq!(again.code(), low(1056));
    assert!(again.stdout.starts_with("[SC] StartService FAILED 1056:\n\n"), "{}", again.stdout);

    let active: Value = svc.json(&["sc", "query"]);
    let names: Vec<_> = active.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["db"]);
    svc.ok(&["sc", "stop", "db"]);
    reaches(&svc, "db", ServiceState::STOPPED);
    assert_eq!(svc.run(&["sc", "pause", "db"]).code(), low(1062));
    svc.ok(&["sc", "start", "db"]);
    reaches(&svc, "db", ServiceState::RUNNING);
    svc.ok(&["sc", "stop", "db", "4:5:4", "new version"]);
    reaches(&svc, "db", ServiceState::STOPPED);
    let events = svc.ok(&["events", "db"]);
    assert!(
        events.contains("for the reason: planned, application, upgrade (0x40050004): new version"),
        "{events}"
    );
    for name in ["web", "db"] {
        assert_eq!(svc.ok(&["sc", "delete", name]), "[SC] DeleteService SUCCESS\n");
    }
    let gone = svc.run(&["sc", "query", "db"]);
    assert_eq!(gone.code(), low(1060));
    assert!(gone.stdout.starts_with("[SC] OpenService FAILED 1060:\n\n"), "{}", gone.stdout);
}

#[test]
fn every_level_comes_back_as_it_was_set() {
    let svc = Svc::new();
    svc.ok(&["sc", "create", "web", "binpath=", "/bin/true"]);
    let actions = ["reset=", "60", "command=", "true", "actions=", "restart/1/run/2//3"];
    for words in [
        &["description", "web", "Sells things"][..],
        &[&["failure", "web"][..], &actions].concat(),
        &["failureflag", "web", "1"],
        &["sidtype", "web", "restricted"],
        &["privs", "web", "SeChangeNotifyPrivilege/SeBackupPrivilege"],
        &["preshutdown", "web", "2500"],
        &["triggerinfo", "web", "start/domainjoin", "stop/lvlcustom/53f56307-b6bf-11d0-94f2-00a0c91efb8b/4"],
        &["preferrednode", "web", "1"],
    ] {
        svc.ok(&[&["sc"], words].concat());
    }
    for (query, key, expected) in [
        ("qdescription", "description", r#""Sells things""#),
        (
            "qfailure",
            "failure_actions",
            r#"{"actions":[{"delay_ms":1,"type":"RESTART"},{"delay_ms":2,"type":"RUN_COMMAND"},{"delay_ms":3,"type":"NONE"}],"command":"true","reboot_message":"","reset_period_s":60}"#,
        ),
        ("qfailureflag", "failure_flag", "true"),
        ("qsidtype", "sid_type", r#""SID_TYPE_RESTRICTED""#),
        ("qprivs", "required_privileges", r#"["SeChangeNotifyPrivilege","SeBackupPrivilege"]"#),
        ("qpreshutdown", "preshutdown_timeout_ms", "2500"),
        (
            "qtriggerinfo",
            "triggers",
            r#"[{"action":"TRIGGER_ACTION_SERVICE_START","data":[],"subtype":"1ce20aba-9851-4421-9430-1ddeb766e809",
                 "type":"TRIGGER_TYPE_DOMAIN_JOIN"},
                {"action":"TRIGGER_ACTION_SERVICE_STOP","subtype":"53f56307-b6bf-11d0-94f2-00a0c91efb8b",
                 "data":[{"hex":"04","strings":null,"type":"TRIGGER_DATA_TYPE_LEVEL"}],"type":"TRIGGER_TYPE_CUSTOM"}]"#,
        ),
        ("qpreferrednode", "preferred_node", "1"),
        ("qprotection", "launch_protected", r#""LAUNCH_PROTECTED_NONE""#),
    ] {
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(svc.json(&["sc", query, "web"])[key], expected, "{query}");
    }
}

#[test]
fn traps_are_refused_and_nothing_is_left() {
    let svc = Svc::new();
    let create = ["sc", "create", "web", "binpath=", "/bin/true", "group=", "Net", "start=", "delayed-auto"];
    assert_eq!(svc.run(&create).code(), low(87));
    assert_eq!(svc.run(&["sc", "query", "web"]).code(), low(1060));
    svc.ok(&["sc", "create", "web", "binpath=", "/bin/true", "type=", "interact", "type=", "own"]);
    // Only the local system may interact with the desktop, so what leaves it stops that.
    let left = svc.run(&["sc", "config", "web", "obj=", r"NT AUTHORITY\LocalService"]);
    assert_eq!((left.code(), left.stderr.lines().count()), (Some(0), 1), "{}", left.stderr);
    assert_eq!(svc.json(&["sc", "qc", "web"])["type"], "WIN32_OWN_PROCESS");
    assert_eq!(svc.run(&["sc", "failure", "web", "reset=", "1"]).code(), low(87));
    assert_eq!(svc.run(&["sc", "config", "web", "start", "auto"]).code(), low(1639));
    assert_eq!(
        svc.run(&["sc", "config", "web", "group=", "Net", "type=", "interact", "type=own"]).code(),
        low(87)
    );
    assert_eq!(svc.json(&["sc", "qc", "web"])["load_order_group"], Value::Null);
    let bad = svc.run(&["sc", "boot", "bad"]);
    assert_eq!(bad.code(), low(50));
    assert_eq!(
        bad.stderr,
        "hint: the built-in service control manager has no earlier configuration to restart with\n"
    );
    let nobody = svc.run(&["sc", "query", "group=", "Net"]);
    assert_eq!(nobody.code(), low(1060));
    assert_eq!(nobody.stderr, "hint: no service is in that load order group\n");
}

#[test]
fn a_program_that_is_called_sc_is_sc() {
    let svc = Svc::new();
    let sc = svc.folder().join("SC.exe");
    // A copy has to start the service control manager as well. What this process itself wrote, it can't run while another thread starts a process.
    let mut copy = Command::new("cp");
    copy.args([svc.program(), &sc]);
    assert!(finish(copy).status.success());
    let run = |words: &[&str]| {
        let mut command = Command::new(&sc);
        let like = svc.command(&[]);
        command.envs(like.get_envs().filter_map(|(key, value)| Some((key, value?))));
        finish({
            command.args(words).current_dir(svc.folder());
            command
        })
    };
    let made = run(&["create", "web", "binpath=", "/bin/true --json", "displayname=", "--scm"]);
    assert_eq!((made.code(), made.stderr.as_str()), (Some(0), ""));
    let told: Value = serde_json::from_str(&run(&["--json", "qc", "web"]).stdout).unwrap();
    assert_eq!((&told["image_path"], &told["display_name"]), (&"/bin/true --json".into(), &"--scm".into()));
    assert_eq!(run(&["query", "nosuch"]).code(), low(1060));
    assert_eq!(run(&[]).code(), low(1639));
}
