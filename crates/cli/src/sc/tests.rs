//! Command lines of sc, read without a service control manager.

use std::ffi::OsStr;
use std::time::Duration;

use svckit_core::config::{Config2Change, Config2Level};
use svckit_core::control::Control;
use svckit_core::failure::{ActionType, FailureActionsChange, ResetPeriod};
use svckit_core::image_path::ImagePath;
use svckit_core::kind::{ErrorControl, ServiceType, SidType, StartType};
use svckit_core::status::StateFilter;
use svckit_core::trigger::{Guid, TriggerAction, TriggerDataType, TriggerType};
use svckit_core::win32::Win32Error;
use svckit_recipe::Platform;

use super::command::{Command, Settings, Start, Whom};
use super::forms;
use super::wrong::Wrong;

fn read(words: &[&str]) -> Result<Command, Wrong> {
    let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
    forms::read(&words)
}

/// The command line that cannot be right, and why.
#[track_caller]
fn misuse(words: &[&str]) -> String {
    let wrong = read(words).unwrap_err();
    assert_eq!(wrong.code(), Win32Error::INVALID_COMMAND_LINE, "{words:?}: {wrong:?}");
    wrong.reason()
}

#[track_caller]
fn settings(words: &[&str]) -> Settings {
    match read(&[&["config", "web"], words].concat()).unwrap() {
        Command::Config { settings, .. } => *settings,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn change(words: &[&str]) -> Config2Change {
    match read(words).unwrap() {
        Command::Set { name, change } if name == "web" => change,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_and_its_value_are_two_words_or_one_in_any_case() {
    for words in [
        &["binpath=", "/bin/web -v", "start=", "auto"][..],
        &["binPath=/bin/web -v", "START=AUTO"],
        &["BINPATH=", "/bin/web -v", "start=auto"],
    ] {
        let settings = settings(words);
        assert_eq!(settings.image_path, Some(ImagePath::new("/bin/web -v").unwrap()), "{words:?}");
        assert_eq!(settings.start, Some(Start { start_type: StartType::AUTO_START, delayed: false }));
    }
    // A value may look like a key, and may hold the sign itself.
    let settings = settings(&["displayname=", "start=", "binpath=", "x a=b"]);
    assert_eq!(settings.display_name.unwrap().unwrap().as_str(), "start=");
    assert_eq!(settings.image_path.unwrap().as_str(), "x a=b");
}

#[test]
fn what_is_no_pair_is_told() {
    assert_eq!(misuse(&["config", "web"]), "there is nothing to set");
    assert_eq!(misuse(&["config", "web", "start="]), "start= has no value");
    assert_eq!(misuse(&["config", "web", "start", "= auto"]), "there is no blank before the = of start=");
    assert_eq!(misuse(&["config", "web", "start=", "auto", "START=auto"]), "start= is there twice");
    let unknown = misuse(&["config", "web", "strat=", "auto"]);
    assert!(unknown.starts_with("\"strat=\" is not one of type= start= "), "{unknown}");
    let value = misuse(&["config", "web", "start=", "automatic"]);
    assert_eq!(
        value,
        "start= is one of boot, system, auto, demand, disabled, delayed-auto, not \"automatic\""
    );
    assert_eq!(misuse(&["create", "web", "start=", "auto"]), "binpath= is missing");
    assert_eq!(misuse(&["delete"]), "the name of the service is missing");
    assert_eq!(misuse(&["delete", "web", "now"]), "\"now\" is one word too many");
    assert_eq!(misuse(&["explode", "web"]), "\"explode\" is no command of sc");
    assert_eq!(misuse(&[]), "a command is missing");
}

#[test]
fn settings_are_those_of_the_service_api() {
    let all = settings(&[
        "type=",
        "interact",
        "type=",
        "own",
        "start=",
        "delayed-auto",
        "error=",
        "severe",
        "group=",
        "Net",
        "tag=",
        "yes",
        "depend=",
        "a/+b",
        "obj=",
        "ann",
        "displayname=",
        "The web",
        "password=",
        "secret",
    ]);
    assert_eq!(all.service_type, Some(ServiceType(0x110)));
    assert_eq!(all.start, Some(Start { start_type: StartType::AUTO_START, delayed: true }));
    assert_eq!(all.error_control, Some(ErrorControl::SEVERE));
    assert_eq!(all.group.unwrap().unwrap().as_str(), "Net");
    assert!(all.want_tag);
    let dependencies: Vec<_> = all.dependencies.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(dependencies, ["a", "+b"]);
    assert_eq!((all.account.as_deref(), all.password), (Some("ann"), Some("secret".into())));
    let none = settings(&["group=", "", "depend=", "", "displayname=", ""]);
    assert_eq!(
        (none.group, none.dependencies, none.display_name),
        (Some(None), Some(Vec::new()), Some(None))
    );
    assert_eq!(
        misuse(&["config", "web", "type=", "interact"]),
        "type= interact goes with type= own or type= share"
    );
}

#[test]
fn names_that_no_service_can_have_are_refused_with_their_code() {
    for words in [&["config", "web", "depend=", "a//b"][..], &["config", "web", "group=", "a/b"]] {
        assert_eq!(read(words).unwrap_err().code(), Win32Error::INVALID_NAME, "{words:?}");
    }
}

#[test]
fn the_reset_period_and_the_actions_go_together() {
    for words in [&["failure", "web", "reset=", "60"][..], &["failure", "web", "actions=", "restart/1"]] {
        assert_eq!(read(words).unwrap_err().code(), Win32Error::INVALID_PARAMETER, "{words:?}");
    }
    let Config2Change::FailureActions(change) = change(&[
        "failure",
        "web",
        "reset=",
        "INFINITE",
        "reboot=",
        "",
        "command=",
        "page me",
        "actions=",
        "restart/5000/run/1000/reboot/60000//",
    ]) else {
        panic!("another level");
    };
    let FailureActionsChange { reboot_message, command, actions } = change;
    assert_eq!((reboot_message.as_deref(), command.as_deref()), (Some(""), Some("page me")));
    let (period, actions) = actions.unwrap();
    assert_eq!(period, ResetPeriod::Never);
    let actions: Vec<_> = actions.iter().map(|action| (action.kind, action.delay.as_millis())).collect();
    assert_eq!(
        actions,
        [
            (ActionType::RESTART, 5000),
            (ActionType::RUN_COMMAND, 1000),
            (ActionType::REBOOT, 60_000),
            (ActionType::NONE, 0)
        ]
    );
}

#[test]
fn actions_may_end_with_the_separator_and_an_empty_list_clears_them() {
    let actions = |text: &str| match change(&["failure", "web", "reset=", "1", "actions=", text]) {
        Config2Change::FailureActions(FailureActionsChange { actions: Some((_, actions)), .. }) => {
            actions.len()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(actions("restart/1/"), 1);
    assert_eq!(actions(""), 0);
    assert_eq!(actions("//"), 1);
    let wrong = |text| misuse(&["failure", "web", "reset=", "1", "actions=", text]);
    assert_eq!(wrong("restart"), "actions= has no delay after restart");
    assert_eq!(wrong("restart/"), "actions= has no delay after restart");
    assert_eq!(wrong("restart/soon"), "a delay in milliseconds is a number of at most 32 bits, not \"soon\"");
    assert_eq!(wrong("explode/1"), "an action is one of restart, run, reboot, not \"explode\"");
}

#[test]
fn levels_are_set() {
    assert_eq!(change(&["description", "web", ""]), Config2Change::Description(Some(String::new())));
    assert_eq!(change(&["FailureFlag", "web", "1"]), Config2Change::FailureActionsFlag(true));
    assert_eq!(change(&["sidtype", "web", "Restricted"]), Config2Change::Sid(SidType::RESTRICTED));
    let privileges = vec!["SeBackupPrivilege".to_owned(), "SeRestorePrivilege".to_owned()];
    assert_eq!(
        change(&["privs", "web", "SeBackupPrivilege/SeRestorePrivilege"]),
        Config2Change::RequiredPrivileges(privileges)
    );
    assert_eq!(change(&["privs", "web", ""]), Config2Change::RequiredPrivileges(Vec::new()));
    assert_eq!(
        change(&["preshutdown", "web", "5000"]),
        Config2Change::PreshutdownTimeout(Duration::from_secs(5))
    );
    assert_eq!(change(&["preferrednode", "web", "3"]), Config2Change::PreferredNode(Some(3)));
    assert_eq!(change(&["preferrednode", "web", "delete"]), Config2Change::PreferredNode(None));
    for words in [
        &["failureflag", "web", "2"][..],
        &["sidtype", "web", "some"],
        &["privs", "web", "Backup"],
        &["privs", "web", "SeBackupPrivilege//SeRestorePrivilege"],
        &["preshutdown", "web", "-1"],
        &["preshutdown", "web", "+1"],
        &["preshutdown", "web", "4294967296"],
        &["preferrednode", "web", "65536"],
        &["description", "web", "two", "words"],
    ] {
        misuse(words);
    }
}

#[test]
fn a_buffer_size_is_taken_and_has_no_effect() {
    for words in [&["qfailure", "web"][..], &["QFAILURE", "web", "5000"], &["qfailure", "web", "0x400"]] {
        assert!(
            matches!(read(words), Ok(Command::Ask { level: Config2Level::FAILURE_ACTIONS, .. })),
            "{words:?}"
        );
    }
    misuse(&["qfailure", "web", "large"]);
    misuse(&["qc", "web", "1", "2"]);
}

#[test]
fn a_query_is_about_one_or_about_those_that_are_so() {
    let those = |words: &[&str]| match read(words).unwrap() {
        Command::Query { whom: Whom::Those { types, states, group, skip }, .. } => {
            (types.0, states, group, skip)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(those(&["query"]), (0x30, StateFilter::ACTIVE, None, 0));
    assert_eq!(
        those(&["query", "type=", "driver", "state=", "all", "ri=", "7", "bufsize=", "1", "group=", ""]),
        (0xB, StateFilter::ALL, Some(String::new()), 7)
    );
    assert_eq!(those(&["query", "type=", "service", "type=interact"]).0, 0x130);
    let one = read(&["QueryEx", "web"]).unwrap();
    assert!(matches!(one, Command::Query { whom: Whom::One(name), extended: true } if name == "web"));
    misuse(&["query", "web", "type=", "all"]);
    misuse(&["query", "state=", "some"]);
}

#[test]
fn controls_have_names_or_are_the_services_own() {
    let control = |text| match read(&["control", "web", text]).unwrap() {
        Command::Control { control, .. } => control,
        other => panic!("{other:?}"),
    };
    assert_eq!(control("NetBindAdd"), Control::NETBINDADD);
    assert_eq!(control("200"), Control(200));
    for text in ["127", "256", "5", "shutdown", "-1"] {
        misuse(&["control", "web", text]);
    }
}

#[test]
fn arguments_of_a_start_are_taken_as_they_are() {
    let words = ["start", "web", "--json", "a=", "", "/?"];
    match read(&words).unwrap() {
        Command::Start { name, arguments } => assert_eq!(
            (name.as_str(), &arguments[..]),
            ("web", &["--json", "a=", "", "/?"].map(str::to_owned)[..])
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_there_says_so() {
    for command in ["ManagedAccount", "qmanagedaccount", "quserservice"] {
        let wrong = read(&[command, "web"]).unwrap_err();
        assert_eq!(wrong.code(), Win32Error::NOT_SUPPORTED, "{command}");
    }
}

#[test]
fn a_stop_may_have_a_reason_and_a_comment() {
    let stop = |words: &[&str]| match read(&[&["stop", "web"], words].concat()).unwrap() {
        Command::Stop { name, reason } => (name, reason.code, reason.comment),
        other => panic!("{other:?}"),
    };
    assert_eq!(stop(&["4:5:15"]), ("web".to_owned(), 0x4005_000F, None));
    assert_eq!(stop(&["2:64:256", "because"]), ("web".to_owned(), 0x2040_0100, Some("because".to_owned())));
    for text in ["4", "4:5", "4:5:15:1", "x:5:15", "16:5:15", "4:7:15", "2:5:15", "0:5:15", "4:5:99999"] {
        misuse(&["stop", "web", text]);
    }
    misuse(&["stop", "web", "4:5:15", &"x".repeat(128)]);
    misuse(&["stop", "web", "4:5:15", "because", "of"]);
}

#[test]
fn triggers_are_read() {
    let triggers = |words: &[&str]| match change(&[&["triggerinfo", "web"], words].concat()) {
        Config2Change::Triggers(all) => all,
        other => panic!("{other:?}"),
    };
    const CLASS: &str = "53f56307-b6bf-11d0-94f2-00a0c91efb8b";
    let device = format!("start/device/{CLASS}/USBSTOR\\GenDisk/other");
    let level = format!("stop/lvlcustom/{CLASS}/ff");
    let keywords = format!("start/kwallcustom/{CLASS}/0x8000000000000201");
    let binary = format!("start/custom/{CLASS}/00fF");
    let all = triggers(&[
        "start/networkon",
        "STOP/DomainLeave",
        "start/portopen/80;TCP;C:/x/web.exe;web",
        &device,
        &level,
        &keywords,
        &binary,
        "start/namedpipe/spool",
    ]);
    let starts = |trigger: &svckit_core::trigger::Trigger| trigger.action == TriggerAction::SERVICE_START;
    assert_eq!(
        all.iter().map(starts).collect::<Vec<_>>(),
        [true, false, true, true, false, true, true, true]
    );
    assert_eq!(
        (all[0].kind, all[0].subtype),
        (TriggerType::IP_ADDRESS_AVAILABILITY, Guid::FIRST_IP_ADDRESS_ARRIVAL)
    );
    assert_eq!(all[1].subtype, Guid::DOMAIN_LEAVE);
    assert_eq!(all[2].data[0].to_strings().unwrap(), ["80", "TCP", "C:/x/web.exe", "web"]);
    assert_eq!(all[3].subtype.to_string(), CLASS);
    assert_eq!(all[3].data.len(), 2);
    assert_eq!((all[4].data[0].kind, &all[4].data[0].data[..]), (TriggerDataType::LEVEL, &[255][..]));
    assert_eq!(all[5].data[0].data, [1, 2, 0, 0, 0, 0, 0, 0x80]);
    assert_eq!(all[6].data[0].data, [0, 255]);
    assert_eq!(all[7].subtype, Guid::NAMED_PIPE_EVENT);
    assert_eq!(triggers(&["delete"]), []);
    for wrong in [
        "networkon",
        "stop/networkon",
        "start/networkon/now",
        "start/portopen/http;TCP",
        "start/device/disk",
        "start/namedpipe/",
        "start/custom/x",
        "start/moon",
        "pause/networkon",
    ] {
        misuse(&["triggerinfo", "web", wrong]);
    }
    let binary = format!("start/custom/{CLASS}/0g");
    misuse(&["triggerinfo", "web", &binary]);
    misuse(&["triggerinfo", "web", "delete", "start/networkon"]);
    misuse(&[&["triggerinfo", "web"][..], &["start/networkon"; 65]].concat());
}

#[test]
fn a_path_with_blanks_and_no_quotes_is_noticed() {
    let found = |text: &str| ImagePath::new(text).unwrap().unquoted_program().map(str::to_owned);
    assert_eq!(found(r"C:\Program Files\web\web.EXE -v"), Some(r"C:\Program Files\web\web.EXE".to_owned()));
    assert_eq!(found(r#""C:\Program Files\web\web.exe" -v"#), None);
    assert_eq!(found(r"C:\web\web.exe -k run that.exe"), None);
    assert_eq!(found("/usr/bin/web --port 80"), None);
}

#[test]
fn the_program_is_sc_by_its_file_name() {
    for name in ["sc", "/usr/bin/sc", r"C:\bin\SC.EXE", "sc.exe"] {
        assert!(super::is_meant(OsStr::new(name)), "{name}");
    }
    for name in ["svc", "scm", "/sc/svc", "sc.com", "", "my-sc"] {
        assert!(!super::is_meant(OsStr::new(name)), "{name}");
    }
}

#[test]
fn a_failure_stays_one_where_statuses_have_eight_bits() {
    let status = |platform, code| super::exit_status(platform, Win32Error(code));
    assert_eq!(status(Platform::Windows, 1060), 1060);
    assert_eq!(status(Platform::Unix, 1060), 36);
    assert_eq!(status(Platform::Unix, 1280), 255);
    assert_eq!(status(Platform::Unix, 0), 0);
}

#[test]
fn json_may_be_asked_for_at_the_end() {
    let rest = |words: &[&str]| {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        super::without_json(&words).map(<[String]>::len)
    };
    assert_eq!(rest(&["query", "--json"]), Some(1));
    assert_eq!(rest(&["description", "web", "--json"]), Some(2));
    assert_eq!(rest(&["config", "web", "displayname=", "--json"]), None);
    assert_eq!(rest(&["start", "web", "--json"]), None);
    assert_eq!(rest(&[r"\\.", "start", "web", "--json"]), None);
    assert_eq!(rest(&["query"]), None);
}
