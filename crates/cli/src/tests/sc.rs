//! `svc sc` and `svc explain`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use svckit_core::backend::LockStatus;
use svckit_core::config::{Config2, Config2Level};
use svckit_core::control::ControlsAccepted;
use svckit_core::kind::{LaunchProtection, ServiceType};
use svckit_core::name::DisplayName;
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;
use svckit_recipe::Platform;

use super::{Ran, Sink, World};
use crate::app::{App, Connect, Surroundings};
use crate::failure::Status;
use crate::sc;
use crate::ui::Ui;

impl World {
    /// Runs `svc sc` with these words. The status is the whole Win32 code, as on Windows.
    fn sc(&self, words: &[&str]) -> (u32, String, String) {
        let (out, err) = (Sink::default(), Sink::default());
        let ui = Ui::captured(Box::new(out.clone()), Box::new(err.clone()), false, None);
        let surroundings = Surroundings {
            platform: Platform::Windows,
            is_elsewhere: false,
            directory: None,
            records: None,
            grant_logon: Box::new(|_| Ok(false)),
            logon: Box::new(|_| Err(std::io::ErrorKind::Unsupported.into())),
            inherited: Box::new(|_, _, _| Err(std::io::ErrorKind::Unsupported.into())),
            space: Box::new(|_| Err(std::io::ErrorKind::Unsupported.into())),
            resolve: Box::new(|_| Err(std::io::ErrorKind::Unsupported.into())),
        };
        let scm = self.scm.clone();
        let connect: Connect = Arc::new(move || Ok(Box::new(scm.clone())));
        let mut app = App::new(ui, connect, surroundings, None);
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let status = sc::run(&mut app, &words).unwrap();
        (status, out.text(), err.text())
    }

    /// What a command that has to succeed prints, without warnings.
    #[track_caller]
    fn sc_ok(&self, words: &[&str]) -> String {
        let (status, out, err) = self.sc(words);
        assert_eq!((status, err.as_str()), (0, ""), "{words:?}: {out}");
        out
    }

    #[track_caller]
    fn sc_json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.sc_ok(&[words, &["--json"]].concat())).unwrap()
    }

    fn password(&self) -> Option<String> {
        self.scm.contents().passwords.pop().unwrap().map(|secret| secret.as_str().to_owned())
    }
}

/// A world with a service `web`.
fn world() -> World {
    let world = World::new();
    let created = world.sc_ok(&["create", "web", "binpath=", "/bin/web", "displayname=", "The web"]);
    assert_eq!(created, "[SC] CreateService SUCCESS\n");
    world.journal();
    world
}

#[test]
fn a_status_has_the_form_of_sc() {
    let world = world();
    {
        let mut contents = world.scm.contents();
        let status = &mut contents.services.get_mut("web").unwrap().status;
        status.state = ServiceState::START_PENDING;
        status.controls_accepted = ControlsAccepted::STOP | ControlsAccepted::SHUTDOWN;
        (status.checkpoint, status.wait_hint, status.pid) = (2, Duration::from_secs(3), 4711);
    }
    let head = "\tTYPE               : 10  WIN32_OWN_PROCESS\n\
                \tSTATE              : 2  START_PENDING\n\
                \t\t\t\t(STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN)\n\
                \tWIN32_EXIT_CODE    : 1077  (0x435)\n\
                \tSERVICE_EXIT_CODE  : 0  (0x0)\n\
                \tCHECKPOINT         : 0x2\n\
                \tWAIT_HINT          : 0xbb8\n";
    assert_eq!(world.sc_ok(&["query", "WEB"]), format!("\nSERVICE_NAME: WEB\n{head}"));
    assert_eq!(
        world.sc_ok(&["queryex"]),
        format!(
            "\nSERVICE_NAME: web\n\tDISPLAY_NAME: The web\n{head}\tPID                : 4711\n\tFLAGS              :\n"
        )
    );
    assert_eq!(
        world.sc_json(&["query"]),
        json!([{
            "name": "web", "display_name": "The web", "type": "WIN32_OWN_PROCESS", "state": "START_PENDING",
            "controls_accepted": ["STOP", "SHUTDOWN"], "win32_exit_code": 1077, "service_exit_code": 0,
            "checkpoint": 2, "wait_hint_ms": 3000, "pid": 4711, "flags": 0,
        }])
    );
    assert_eq!(world.sc_json(&["query", "web"]), world.sc_json(&["query"]));
}

#[test]
fn types_and_controls_that_few_services_have_are_told() {
    let world = world();
    for (kind, controls, expected) in [
        (
            0x110,
            0,
            [
                "TYPE               : 110  WIN32_OWN_PROCESS (interactive)",
                "(NOT_STOPPABLE, NOT_PAUSABLE, IGNORES_SHUTDOWN)",
            ],
        ),
        (
            0xE0,
            0x102,
            [
                "TYPE               : e0  USER_SHARE_PROCESS INSTANCE",
                "(NOT_STOPPABLE, PAUSABLE, ACCEPTS_PRESHUTDOWN)",
            ],
        ),
        (
            0x1010,
            5,
            [
                "TYPE               : 1010  WIN32_OWN_PROCESS|0x1000",
                "(STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN)",
            ],
        ),
    ] {
        {
            let mut contents = world.scm.contents();
            let status = &mut contents.services.get_mut("web").unwrap().status;
            (status.service_type, status.controls_accepted) = (ServiceType(kind), ControlsAccepted(controls));
        }
        let told = world.sc_ok(&["query", "web"]);
        assert!(expected.iter().all(|line| told.contains(line)), "{told}");
    }
}

#[test]
fn those_that_are_so_are_told() {
    let world = world();
    world.sc_ok(&["create", "disk", "binpath=", "disk.sys", "type=", "kernel"]);
    world.sc_ok(&["create", "b", "binpath=", "/bin/b"]);
    let names = |words: &[&str]| {
        let out = world.sc_ok(words);
        let names = out.lines().filter_map(|line| line.strip_prefix("SERVICE_NAME: ").map(str::to_owned));
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(&["query"]), Vec::<String>::new());
    assert_eq!(names(&["query", "state=", "all"]), ["b", "web"]);
    assert_eq!(names(&["query", "state=", "all", "ri=", "1"]), ["web"]);
    assert_eq!(names(&["query", "state=", "all", "ri=", "9"]), Vec::<String>::new());
    assert_eq!(names(&["query", "type=driver", "state=inactive"]), ["disk"]);
    assert_eq!(names(&["query", "type=", "all", "state=", "all"]), ["b", "disk", "web"]);
}

#[test]
fn security_descriptors_are_shown_and_set() {
    let world = world();
    let usual = "D:(A;;CCLCSWRPWPDTLOCRRC;;;SY)(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)(A;;CCLCSWLOCRRC;;;IU)(A;;CCLCSWLOCRRC;;;SU)\
                 S:(AU;FA;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;WD)";
    assert_eq!(world.sc_ok(&["sdshow", "web"]), format!("\n{usual}\n"));
    let set = world.sc_ok(&["sdset", "web", "D:(D;;0x20;;;WD)(A;;GA;;;BA)(0x16;;#01020304)"]);
    assert_eq!(set, "[SC] SetServiceObjectSecurity SUCCESS\n");
    let list = "D:(D;;WP;;;WD)(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)(0x16;;#01020304)";
    let audit = "S:(AU;FA;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;WD)";
    for words in [["sdshow", "web", "showrights"], ["sdshow", "ShowRights", "web"]] {
        let shown = world.sc_ok(&words);
        let head = format!(
            "\n{list}{audit}\n\nDENY S-1-1-0\n\tSERVICE_STOP\n\nALLOW S-1-5-32-544\n\tSERVICE_QUERY_CONFIG\n"
        );
        assert!(shown.starts_with(&head) && shown.ends_with("\tWRITE_OWNER\n\n0x16 \n"), "{shown}");
    }
    let shown = world.sc_json(&["sdshow", "web"]);
    assert_eq!((&shown["name"], &shown["security"]), (&json!("web"), &json!(format!("{list}{audit}"))));
    assert_eq!(
        shown["access"][0],
        json!({ "type": "DENY", "sid": "S-1-1-0", "rights": ["SERVICE_STOP"], "sddl": "(D;;WP;;;WD)" })
    );
    assert_eq!(
        shown["access"][2],
        json!({ "type": "0x16", "sid": null, "rights": [], "sddl": "(0x16;;#01020304)" })
    );
    world.sc_ok(&["sdset", "SCManager", "D:(A;;GA;;;BA)"]);
    let shown = world.sc_ok(&["sdshow", "scmanager", "showrights"]);
    assert!(shown.starts_with("\nD:(A;;KA;;;BA)S:(AU;FA;KA;;;WD)(AU;OIIOFA;GA;;;WD)\n"), "{shown}");
    assert!(shown.contains("ALLOW S-1-5-32-544\n\tSC_MANAGER_CONNECT\n"), "{shown}");
    assert_eq!(world.journal(), ["security web", "security"]);
    let (status, out, _) = world.sc(&["sdset", "web", "D:(A;;CCXY;;;SY)"]);
    assert_eq!(status, 87);
    assert!(
        out.starts_with(
            "[SC] ConvertStringSecurityDescriptorToSecurityDescriptor FAILED 87:\n\n\"D:(A;;CCXY;;;SY)\" is no security descriptor: \
             character 7: \"XY\" is no right; there are CC DC"
        ),
        "{out}"
    );
    assert_eq!(world.sc(&["sdshow", "web", "rights"]).0, 1639);
}

#[test]
fn the_boot_is_reported_and_the_database_locked() {
    let world = world();
    assert_eq!(world.sc_ok(&["boot", "OK"]), "[SC] NotifyBootConfigStatus SUCCESS\n");
    let (status, out, err) = world.sc(&["lock"]);
    assert_eq!(
        (status, out.as_str()),
        (0, "[SC] LockServiceDatabase SUCCESS\n[SC] UnlockServiceDatabase SUCCESS\n")
    );
    assert_eq!(err, "warning: a lock holds nothing back since Windows Vista; it is released already\n");
    let (_, out, _) = world.sc(&["lock", "--json"]);
    let done: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        done,
        json!({ "calls": ["LockServiceDatabase", "UnlockServiceDatabase"], "result": "SUCCESS" })
    );
    let shown = world.sc_ok(&["QueryLock"]);
    assert_eq!(
        shown,
        "[SC] QueryServiceLockStatus SUCCESS\n\tIsLocked      : FALSE\n\tLockOwner     :\n\tLockDuration  : 0 (seconds since acquired)\n"
    );
    assert_eq!(world.sc_json(&["querylock"]), json!({ "locked": false, "owner": null, "held_for_ms": 0 }));
    let owner = "a\u{7}b".to_owned();
    world.scm.contents().lock = LockStatus { locked: true, owner, held_for: Duration::from_secs(90) };
    let shown = world.sc_ok(&["querylock"]);
    assert!(shown.contains("\tIsLocked      : TRUE\n\tLockOwner     : a"), "{shown}");
    assert!(
        shown.ends_with("\tLockDuration  : 90 (seconds since acquired)\n") && !shown.contains('\u{7}'),
        "{shown}"
    );
    let told = world.sc_json(&["querylock"]);
    assert_eq!(told, json!({ "locked": true, "owner": "a\u{7}b", "held_for_ms": 90_000 }));
    for words in [&["boot"][..], &["boot", "well"], &["lock", "now"]] {
        assert_eq!(world.sc(words).0, 1639, "{words:?}");
    }
    assert_eq!(world.journal(), ["boot ok", "lock", "unlock", "lock", "unlock"]);
}

#[test]
fn a_failure_is_that_of_the_call_and_its_code_the_exit_status() {
    let world = world();
    let (status, out, err) = world.sc(&["query", "nosuch"]);
    assert_eq!(status, 1060);
    assert_eq!(out, "[SC] OpenService FAILED 1060:\n\nthe service does not exist\n\n");
    assert_eq!(err, "hint: svc list shows the services that there are\n");
    let (status, out, err) = world.sc(&["stop", "web", "--json"]);
    assert_eq!((status, out.as_str()), (1062, ""));
    let error = &serde_json::from_str::<Value>(&err).unwrap()["error"];
    assert_eq!(
        (&error["call"], &error["code"], &error["name"], &error["service"], &error["exit_status"]),
        (
            &"ControlService".into(),
            &1062.into(),
            &"ERROR_SERVICE_NOT_ACTIVE".into(),
            &"web".into(),
            &1062.into()
        )
    );
    for (words, code) in [
        (&["create", "WEB", "binpath=", "x"][..], 1073),
        (&["create", "a/b", "binpath=", "x"], 123),
        (&["create", "b", "binpath=", " "], 87),
        (&["managedaccount", "web", "true"], 50),
        (&["sdset", "web", "D:(A;;XX;;;SY)"], 87),
        (&["sdset", "web", ""], 87),
        (&["sdshow", "nosuch"], 1060),
        (&["GetKeyName", "The moon"], 1060),
        (&["showsid", "a/b"], 123),
    ] {
        let (status, out, _) = world.sc(words);
        assert_eq!(status, code, "{words:?}");
        assert!(out.starts_with("[SC] ") && out.contains(&format!(" FAILED {code}:\n\n")), "{out}");
    }
    assert_eq!(world.journal(), ["stop web", "create WEB"]);
}

#[test]
fn a_command_line_that_cannot_be_right_does_nothing_and_tells_its_form() {
    let world = world();
    let (status, out, err) = world.sc(&["failureflag", "web", "yes"]);
    assert_eq!((status, out.as_str()), (1639, ""));
    assert_eq!(err, "error: the flag is one of 0, 1, not \"yes\"\n");
    let (_, _, err) = world.sc(&["delete"]);
    assert_eq!(err, "error: the name of the service is missing\nhint: sc delete NAME\n");
    assert_eq!(world.journal(), Vec::<String>::new());
}

#[test]
fn services_are_started_and_controlled() {
    let world = world();
    let started = world.sc_ok(&[r"\\.", "start", "web", "a", "--b"]);
    assert!(started.contains("STATE              : 4  RUNNING\n"), "{started}");
    assert!(started.contains("PID                : 100\n"), "{started}");
    let controlled = world.sc_ok(&["control", "web", "200"]);
    assert!(!controlled.contains("PID"), "{controlled}");
    assert_eq!(world.sc(&["pause", "web"]).0, 1052);
    assert_eq!(world.sc_json(&["stop", "web"])["state"], "STOPPED");
    assert_eq!(world.journal(), ["start web", "0xc8 web", "pause web", "stop web"]);
}

#[test]
fn a_configuration_is_made_changed_and_told() {
    let world = world();
    world.sc_ok(&["create", "db", "binpath=", "/bin/db"]);
    let config = [
        "config",
        "web",
        "start=",
        "delayed-auto",
        "error=ignore",
        "depend=",
        "db/+Net",
        "obj=",
        "ann",
        "binpath=",
        "/bin/web -v",
    ];
    assert_eq!(world.sc_ok(&config), "[SC] ChangeServiceConfig SUCCESS\n");
    assert_eq!(
        world.sc_ok(&["qc", "web"]),
        "[SC] QueryServiceConfig SUCCESS\n\nSERVICE_NAME: web\n\
         \tTYPE               : 10  WIN32_OWN_PROCESS\n\
         \tSTART_TYPE         : 2   AUTO_START  (DELAYED)\n\
         \tERROR_CONTROL      : 0   IGNORE\n\
         \tBINARY_PATH_NAME   : /bin/web -v\n\
         \tLOAD_ORDER_GROUP   :\n\
         \tTAG                : 0\n\
         \tDISPLAY_NAME       : The web\n\
         \tDEPENDENCIES       : db\n\
         \t                   : +Net\n\
         \tSERVICE_START_NAME : .\\ann\n"
    );
    let told = world.sc_json(&["qc", "web"]);
    assert_eq!((&told["delayed_auto_start"], &told["dependencies"]), (&true.into(), &json!(["db", "+Net"])));
    world.journal();
    world.sc_ok(&["config", "web", "start=", "auto", "depend=", "", "displayname=", ""]);
    assert_eq!(world.journal(), ["config2-3 web", "config web"]);
    let told = world.sc_json(&["qc", "web"]);
    assert_eq!(
        (&told["delayed_auto_start"], &told["dependencies"], &told["display_name"]),
        (&false.into(), &json!([]), &"web".into())
    );
    world.sc_ok(&["delete", "db"]);
    assert_eq!(world.sc(&["delete", "db"]).0, 1060);
}

#[test]
fn levels_are_set_and_told() {
    let world = world();
    for (words, query, text, json) in [
        (
            &["description", "web", "Sells things"][..],
            "qdescription",
            "\tDESCRIPTION        : Sells things\n",
            json!({ "name": "web", "description": "Sells things" }),
        ),
        (
            &["failureflag", "web", "1"],
            "qfailureflag",
            "\tFAILURE_ACTIONS_ON_NONCRASH_FAILURES : TRUE\n",
            json!({ "name": "web", "failure_flag": true }),
        ),
        (
            &["sidtype", "web", "unrestricted"],
            "qsidtype",
            "\tSERVICE_SID_TYPE   : UNRESTRICTED\n",
            json!({ "name": "web", "sid_type": "SID_TYPE_UNRESTRICTED" }),
        ),
        (
            &["privs", "web", "SeOnePrivilege/SeTwoPrivilege"],
            "qprivs",
            "\tPRIVILEGES         : SeOnePrivilege\n\t                   : SeTwoPrivilege\n",
            json!({ "name": "web", "required_privileges": ["SeOnePrivilege", "SeTwoPrivilege"] }),
        ),
        (
            &["preshutdown", "web", "2500"],
            "qpreshutdown",
            "\tPRESHUTDOWN_TIMEOUT (in milliseconds) : 2500\n",
            json!({ "name": "web", "preshutdown_timeout_ms": 2500 }),
        ),
        (
            &["triggerinfo", "web", "start/domainjoin", "stop/domainleave"],
            "qtriggerinfo",
            "\tTRIGGERS           : start when the machine joins a domain\n\t                   : stop when the machine leaves its domain\n",
            json!(null),
        ),
        (
            &["preferrednode", "web", "1"],
            "qpreferrednode",
            "\tPREFERRED_NODE     : 1\n",
            json!({ "name": "web", "preferred_node": 1 }),
        ),
    ] {
        assert_eq!(world.sc_ok(words), "[SC] ChangeServiceConfig2 SUCCESS\n");
        let told = world.sc_ok(&[query, "web"]);
        assert_eq!(told, format!("[SC] QueryServiceConfig2 SUCCESS\n\nSERVICE_NAME: web\n{text}"));
        if !json.is_null() {
            assert_eq!(world.sc_json(&[query, "web"]), json);
        }
    }
    let protection = Config2::LaunchProtected(LaunchProtection::ANTIMALWARE_LIGHT);
    world
        .scm
        .contents()
        .services
        .get_mut("web")
        .unwrap()
        .optional
        .insert(Config2Level::LAUNCH_PROTECTED, protection);
    assert!(world.sc_ok(&["qprotection", "web"]).ends_with("\tPROTECTION_LEVEL   : ANTIMALWARE LIGHT\n"));
}

#[test]
fn failure_actions_are_set_and_told() {
    let world = world();
    let text = |world: &World| world.sc_ok(&["qfailure", "web"]);
    world.sc_ok(&[
        "failure",
        "web",
        "reset=",
        "86400",
        "command=",
        "page me",
        "actions=",
        "restart/5000/run/1000",
    ]);
    let expected = "[SC] QueryServiceConfig2 SUCCESS\n\nSERVICE_NAME: web\n\
        \tRESET_PERIOD (in seconds) : 86400\n\
        \tREBOOT_MESSAGE            :\n\
        \tCOMMAND_LINE              : page me\n\
        \tFAILURE_ACTIONS           : RESTART -- Delay = 5000 milliseconds.\n\
        \t                          : RUN PROCESS -- Delay = 1000 milliseconds.\n";
    assert_eq!(text(&world), expected);
    assert_eq!(world.sc(&["failure", "web", "reset=", "1"]).0, 87);
    assert_eq!(text(&world), expected);
    world.sc_ok(&["failure", "web", "reset=", "infinite", "actions=", ""]);
    assert!(text(&world).contains("RESET_PERIOD (in seconds) : INFINITE\n"));
    assert!(text(&world).ends_with("FAILURE_ACTIONS           :\n"));
}

#[test]
fn names_are_looked_up_and_dependents_told() {
    let world = world();
    assert_eq!(
        world.sc_ok(&["getdisplayname", "web"]),
        "[SC] GetServiceDisplayName SUCCESS\nName = The web\n"
    );
    assert_eq!(
        world.sc_ok(&["GETKEYNAME", "the WEB", "100"]),
        "[SC] GetServiceKeyName SUCCESS\nName = web\n"
    );
    assert_eq!(world.sc_json(&["GetKeyName", "The web"]), json!({ "name": "web" }));
    assert_eq!(world.sc_ok(&["EnumDepend", "web"]), "[SC] EnumDependentServices: entriesread = 0\n");
    world.sc_ok(&["create", "shop", "binpath=", "/bin/shop", "depend=", "web"]);
    world.sc_ok(&["start", "shop"]);
    let told = world.sc_ok(&["EnumDepend", "web", "4096"]);
    assert!(
        told.starts_with("[SC] EnumDependentServices: entriesread = 1\n\nSERVICE_NAME: shop\n"),
        "{told}"
    );
    assert_eq!(world.sc_json(&["EnumDepend", "web"])[0]["name"], "shop");
}

#[test]
fn the_sid_of_a_service_is_made_of_its_name() {
    let sid = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
    let world = World::new();
    let told = world.sc_ok(&["showsid", "trustedinstaller"]);
    assert_eq!(told, format!("\nNAME: trustedinstaller\nSERVICE SID: {sid}\n"));
    assert_eq!(world.sc_json(&["showsid", "TrustedInstaller"])["sid"], sid);
}

#[test]
fn delayed_start_in_a_group_is_refused_before_anything_is_done() {
    let world = world();
    let create = ["create", "new", "binpath=", "x", "group=", "Net", "start=", "delayed-auto"];
    let (status, out, _) = world.sc(&create);
    assert_eq!(status, 87);
    assert!(out.starts_with("[SC] CreateService FAILED 87:\n\na service in a load order group"), "{out}");
    world.sc_ok(&["config", "web", "group=", "Net"]);
    world.journal();
    assert_eq!(world.sc(&["config", "web", "start=", "delayed-auto"]).0, 87);
    assert_eq!(world.journal(), Vec::<String>::new());
    // Together they can be changed.
    world.sc_ok(&["config", "web", "start=", "delayed-auto", "group=", ""]);
    assert_eq!(world.journal(), ["config web", "config2-3 web"]);
    assert_eq!(world.sc(&["config", "web", "group=", "Net"]).0, 87);
    world.sc_ok(&["config", "web", "group=", "Net", "start=", "auto"]);
    assert_eq!(world.journal(), ["config2-3 web", "config web"]);
}

#[test]
fn a_change_that_fails_leaves_the_delayed_start_as_it_was() {
    let world = world();
    world.sc_ok(&["config", "web", "start=", "delayed-auto"]);
    world.scm.contents().sabotage = Some(("config web".to_owned(), Win32Error::ACCESS_DENIED));
    let (status, out, _) = world.sc(&["config", "web", "start=", "auto"]);
    assert_eq!(status, 5);
    assert_eq!(out, "[SC] ChangeServiceConfig FAILED 5:\n\nsabotaged config web\n\n");
    assert_eq!(world.sc_json(&["qc", "web"])["delayed_auto_start"], true);
}

#[test]
fn half_a_change_is_told() {
    let world = world();
    world.scm.contents().sabotage = Some(("config2-3 web".to_owned(), Win32Error::ACCESS_DENIED));
    let (status, out, _) = world.sc(&["config", "web", "start=", "delayed-auto", "error=", "ignore"]);
    assert_eq!(status, 5);
    assert!(
        out.contains("\nsabotaged config2-3 web; everything else is set, the delayed start is not\n"),
        "{out}"
    );
    assert_eq!(world.sc_json(&["qc", "web"])["error_control"], "ERROR_IGNORE");
}

#[test]
fn a_service_whose_delayed_start_cannot_be_set_is_not_created() {
    let world = World::new();
    world.scm.contents().sabotage = Some(("config2-3 web".to_owned(), Win32Error::ACCESS_DENIED));
    let (status, out, _) = world.sc(&["create", "web", "binpath=", "x", "start=", "delayed-auto"]);
    assert_eq!(status, 5);
    assert!(out.contains("the service was removed again"), "{out}");
    assert!(world.scm.contents().services.is_empty());
}

#[test]
fn an_account_of_the_system_has_an_empty_password_and_not_none() {
    let world = world();
    for (account, stored) in [
        ("LocalService", r"NT AUTHORITY\LocalService"),
        (r"nt authority\NetworkService", r"NT AUTHORITY\NetworkService"),
        ("localsystem", "LocalSystem"),
    ] {
        world.sc_ok(&["config", "web", "obj=", account]);
        assert_eq!(world.password(), Some(String::new()), "{account}");
        assert_eq!(world.sc_json(&["qc", "web"])["account"], stored);
    }
    world.sc_ok(&["create", "db", "binpath=", "x", "obj=", "LocalService"]);
    assert_eq!(world.password(), Some(String::new()));
    // Nobody knows that of a virtual or managed account.
    for account in [r"NT SERVICE\web", r"DOM\web$"] {
        world.sc_ok(&["config", "web", "obj=", account]);
        assert_eq!(world.password(), None, "{account}");
    }
    let (status, _, err) = world.sc(&["config", "web", "obj=", "LocalSystem", "password=", "secret"]);
    assert_eq!((status, world.password()), (0, Some(String::new())));
    assert!(
        err.starts_with("warning: LocalSystem has no password, so password= is left out\n")
            || err.contains("\nwarning: LocalSystem has no password, so password= is left out\n"),
        "{err}"
    );
    assert!(!err.contains("secret"), "{err}");
    world.sc(&["config", "web", "obj=", r"DOM\ann", "password=", "secret"]);
    assert_eq!(world.password(), Some("secret".to_owned()));
}

#[test]
fn leaving_the_local_system_ends_the_interaction_with_the_desktop() {
    let world = world();
    let kind = || world.scm.contents().services["web"].config.service_type;
    world.sc_ok(&["config", "web", "type=", "interact", "type=", "own"]);
    assert_eq!(kind(), ServiceType(0x110));
    world.sc_ok(&["config", "web", "obj=", "LocalSystem"]);
    assert_eq!(kind(), ServiceType(0x110));
    let (status, _, err) = world.sc(&["config", "web", "obj=", "LocalService"]);
    assert_eq!((status, kind()), (0, ServiceType(0x10)));
    assert_eq!(err, "warning: web does not interact with the desktop any more: only LocalSystem may\n");
    // What is said is done.
    world.sc_ok(&["config", "web", "obj=", "LocalSystem", "type=interact", "type=share"]);
    world.sc_ok(&["config", "web", "obj=", "LocalService", "type=", "share"]);
    assert_eq!(kind(), ServiceType(0x20));
}

#[test]
fn a_path_with_blanks_and_no_quotes_is_warned_of() {
    let world = World::new();
    let (status, _, err) = world.sc(&["create", "a", "binpath=", r"C:\Program Files\a\a.exe -v"]);
    assert_eq!(status, 0);
    assert!(err.starts_with("warning: the path of the program has blanks and no quotes"), "{err}");
    world.sc_ok(&["create", "b", "binpath=", r#""C:\Program Files\a\a.exe" -v"#]);
}

#[test]
fn what_others_wrote_cannot_command_the_terminal() {
    let world = world();
    world.scm.contents().services.get_mut("web").unwrap().config.display_name =
        DisplayName::new("\u{1b}[2Jx").unwrap();
    for words in [&["qc", "web"][..], &["query", "state=", "all"], &["GetDisplayName", "web"]] {
        assert!(!world.sc_ok(words).contains('\u{1b}'), "{words:?}");
    }
}

#[test]
fn help_tells_every_command_or_one() {
    let world = World::new();
    let all = world.sc_ok(&["help"]);
    assert!(all.contains("\nsc delete NAME\n") && all.lines().count() > 30, "{all}");
    assert_eq!(world.sc_ok(&["delete", "/?"]), "sc delete NAME\n");
    assert_eq!(world.sc_json(&["delete", "/?"]), json!({ "command": "delete", "usage": "NAME" }));
}

#[test]
fn codes_are_explained() {
    let world = World::new();
    let Ran { out, status, .. } = world.svc("explain 1077");
    assert_eq!(status, 0);
    assert_eq!(
        out,
        "1077 ERROR_SERVICE_NEVER_STARTED (Win32 error): the service was not started since the system was\n\
         causes\n  - that is its exit code until it is started\n"
    );
    let told: Value = serde_json::from_str(&world.svc("explain gave_up --json").out).unwrap();
    assert_eq!((&told[0]["kind"], &told[0]["code"]), (&"event".into(), &5.into()));
    let unknown = world.svc("explain 4711");
    assert_eq!((unknown.status, unknown.out.as_str()), (Status::Usage as u8, ""));
    assert!(unknown.err.starts_with("error: nothing is known of \"4711\"\nhint: "), "{}", unknown.err);
}
