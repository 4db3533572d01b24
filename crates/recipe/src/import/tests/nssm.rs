//! NSSM: the registry and the commands of a dump.

use std::time::Duration;

use svckit_core::definition::{ControlAction, ExitAction, RestartWhen, Rung, StopAction};
use svckit_core::hook::OnFailure;
use svckit_core::limits::{Limits, Priority};
use svckit_core::tree::TreePolicy;

use super::told;
use crate::Diagnostics;
use crate::definition::{ServiceDefinition, StartMode};
use crate::import::{Import, Kind, read};
use crate::platform::Platform;

const KEY: &str = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\shop";

fn try_import(text: &str) -> Result<Import, Diagnostics> {
    read(r"C:\shop.reg", text.as_bytes(), None, Platform::Windows)
}

fn import(text: &str) -> Import {
    let import = try_import(text).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"));
    assert_eq!(import.kind, Kind::Nssm);
    import
}

/// An export with more values of the service and of NSSM.
fn export(native: &str, parameters: &str) -> String {
    let header = "Windows Registry Editor Version 5.00";
    format!(
        "{header}\r\n\r\n[{KEY}]\r\n{native}\n[{KEY}\\Parameters]\n\"Application\"=\"C:\\\\shop\\\\shop.exe\"\n{parameters}"
    )
}

/// The service of an export about which nothing is told.
fn service(native: &str, parameters: &str) -> ServiceDefinition {
    let mut import = import(&export(native, parameters));
    assert_eq!(told(&import), [""; 0], "{native}{parameters}");
    import.services.remove(0)
}

fn rung(action: StopAction, millis: u64) -> Rung {
    Rung { action, wait: Duration::from_millis(millis) }
}

#[test]
fn a_service_that_says_nothing_has_nssms_defaults() {
    let shop = service("", "");
    let hosted = shop.hosted().unwrap();
    assert_eq!((shop.name.as_str(), shop.start), ("shop", Some(StartMode::Auto)));
    assert_eq!(hosted.program.command, [r"C:\shop\shop.exe"]);
    assert_eq!(hosted.program.directory.to_str(), Some(r"C:\shop"));
    assert_eq!((hosted.restart.when, hosted.restart.delay.as_secs()), (RestartWhen::Always, 2));
    assert_eq!((hosted.restart.max_delay.as_secs(), hosted.restart.reset_after.as_millis()), (128, 1500));
    assert_eq!(hosted.stop.ladder, [rung(StopAction::CtrlC, 1500), rung(StopAction::WmClose, 1500)]);
}

#[test]
fn each_value_is_mapped() {
    let native = |line: &str| service(line, "");
    assert_eq!(native("\"DisplayName\"=\"The Shop\"\n").display_name.as_str(), "The Shop");
    assert_eq!(native("\"Description\"=\"Sells\"\n").description.as_deref(), Some("Sells"));
    assert_eq!(native("\"Start\"=dword:00000003\n").start, Some(StartMode::Manual));
    assert_eq!(native("\"Start\"=dword:2\n\"DelayedAutostart\"=dword:1\n").start, Some(StartMode::Delayed));
    assert_eq!(native("\"ObjectName\"=\"LocalSystem\"\n").account, None);
    assert_eq!(
        native("\"ObjectName\"=\"NT SERVICE\\\\shop\"\n").account.as_deref(),
        Some(r"NT SERVICE\shop")
    );
    let needs = native(
        "\"DependOnService\"=hex(7):64,00,62,00,00,00,00,00\n\"DependOnGroup\"=hex(7):47,00,00,00,00,00\n",
    );
    assert_eq!(needs.dependencies.iter().map(ToString::to_string).collect::<Vec<_>>(), ["db", "+G"]);
    assert_eq!(
        native("\"Type\"=dword:10\n\"ErrorControl\"=dword:1\n\"ImagePath\"=\"C:\\\\nssm.exe\"\n")
            .name
            .as_str(),
        "shop"
    );
    assert_eq!(native("\"PreshutdownTimeout\"=dword:3e8\n").preshutdown, Duration::from_secs(1));

    let own = |line: &str| service("", line);
    assert_eq!(
        own("\"AppParameters\"=\"-a \\\"b c\\\"\"\n").hosted().unwrap().program.command[1..],
        ["-a", "b c"]
    );
    assert_eq!(
        own("\"AppDirectory\"=\"D:\\\\data\"\n").hosted().unwrap().program.directory.to_str(),
        Some(r"D:\data")
    );
    let variables = own("\"AppEnvironmentExtra\"=hex(7):41,00,3d,00,31,00,00,00,42,00,3d,00,00,00,00,00\n")
        .hosted()
        .unwrap()
        .program
        .environment
        .clone();
    assert_eq!(variables, [("A".to_owned(), "1".to_owned()), ("B".to_owned(), String::new())].into());
    assert_eq!(
        own("\"AppRestartDelay\"=dword:2710\n").hosted().unwrap().restart.delay,
        Duration::from_secs(10)
    );
    assert_eq!(
        own("\"AppThrottle\"=dword:1388\n").hosted().unwrap().restart.reset_after,
        Duration::from_secs(5)
    );
    assert_eq!(
        own("\"AppStopMethodSkip\"=dword:5\n\"AppStopMethodWindow\"=dword:3e8\n")
            .hosted()
            .unwrap()
            .stop
            .ladder,
        [rung(StopAction::WmClose, 1000)]
    );
    let exits = own(&format!(
        "[{KEY}\\Parameters\\AppExit]\n@=\"Exit\"\n\"0\"=\"Exit\"\n\"3\"=\"Restart\"\n\"4\"=\"Exit\"\n"
    ));
    assert_eq!(exits.hosted().unwrap().restart.when, RestartWhen::Never);
    assert_eq!(
        exits.hosted().unwrap().restart.exit_codes,
        [(0, ExitAction::Stop), (3, ExitAction::Restart), (4, ExitAction::Fail)].into()
    );
    let log = own("\"AppStdout\"=\"C:\\\\l\\\\o.log\"\n\"AppStderr\"=\"e.log\"\n\"AppRotateFiles\"=dword:1\n\"AppRotateOnline\"=dword:1\n\"AppRotateBytes\"=dword:400\n").hosted().unwrap().log.clone();
    assert_eq!(log.stdout.as_deref().and_then(|file| file.to_str()), Some(r"C:\l\o.log"));
    assert_eq!(log.stderr.as_deref().and_then(|file| file.to_str()), Some(r"C:\shop\e.log"));
    assert_eq!((log.rotate_size, log.rotate_at_start), (Some(1024), false));
    let log = own("\"AppRotateFiles\"=dword:1\n\"AppTimestampLog\"=dword:1\n").hosted().unwrap().log.clone();
    assert_eq!((log.rotate_size, log.rotate_at_start, log.timestamps), (None, true, true));
    let limits = |line: &str| own(line).hosted().unwrap().limits.clone();
    assert_eq!(limits("\"AppPriority\"=dword:20\n\"AppAffinity\"=\"All\"\n"), Limits::default());
    let limits = limits("\"AppPriority\"=dword:4000\n\"AppAffinity\"=\"0-1,3\"\n");
    assert_eq!((limits.priority, limits.affinity), (Some(Priority::BelowNormal), vec![0, 1, 3]));
    assert_eq!(own("\"AppKillProcessTree\"=dword:1\n").hosted().unwrap().tree, TreePolicy::Kill);
    assert_eq!(
        own("\"AppKillProcessTree\"=dword:0\n").hosted().unwrap().tree,
        TreePolicy::Leave(vec!["*".to_owned()])
    );
}

#[test]
fn what_has_no_place_is_told_where_it_is() {
    for (line, remark) in [
        ("\"AppStopMethodThreads\"=dword:1", "7:1: AppStopMethodThreads is not mapped"),
        ("\"AppStdin\"=\"x\"", "7:1: AppStdin is not mapped"),
        ("\"Colour\"=\"red\"", "7:1: Colour is not known, and not mapped"),
        (
            "\"AppStopMethodSkip\"=dword:8",
            "7:21: AppStopMethodSkip can't have 8: what doesn't stop is ended by force",
        ),
        ("\"AppRotateSeconds\"=dword:e10", "7:1: AppRotateSeconds is not mapped"),
        (
            "\"AppEnvironment\"=hex(7):41,00,3d,00,31,00,00,00,00,00",
            "7:1: AppEnvironment is added to the variables of the service, not put in their place",
        ),
        (
            "\"AppEnvironmentExtra\"=hex(7):41,00,3d,00,25,00,50,00,25,00,00,00,00,00",
            "7:23: A is not mapped: it has %P% in it, which svckit does not replace",
        ),
        (
            "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\shop\\Parameters\\AppEvents\\Start]\n\"Pre\"=\"x\"",
            "8:1: the exit code 99 of Start/Pre does not keep the program from being run",
        ),
        ("[HKEY_CURRENT_USER\\x]", "7:1: the key is none of a service, and not mapped"),
        (
            "[HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001\\Services\\other]",
            "7:1: other is not one of NSSM's services, and not mapped",
        ),
        (
            "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\shop\\Parameters\\AppExit]\n\"1\"=\"Ignore\"",
            "8:5: AppExit can't be Ignore: a service runs as long as its program",
        ),
    ] {
        assert_eq!(told(&import(&export("", &format!("{line}\n")))), [remark], "{line}");
    }
    for (line, remark) in [
        ("\"FailureActions\"=hex:00", "4:1: FailureActions is not mapped"),
        ("\"Type\"=dword:110", "4:8: Type=272 is not mapped"),
        ("\"ObjectName\"=\".\\\\ann\"", "4:14: the password of .\\ann is not part of the definition"),
    ] {
        assert_eq!(told(&import(&export(line, ""))), [remark], "{line}");
    }
}

#[test]
fn mistakes_are_told_where_they_are() {
    let wrong = |text: &str| try_import(text).unwrap_err().to_string();
    for (line, mistake) in [
        (
            "\"AppDirectory\"=\"%X%\\\\y\"",
            "7:16: AppDirectory has the variable %X%, which svckit does not replace",
        ),
        ("\"AppDirectory\"=\"/usr\"", "7:16: \"/usr\" is not a path of Windows"),
        ("\"AppThrottle\"=\"soon\"", "7:15: AppThrottle can't be \"soon\""),
        ("\"AppParameters\"=\"\\\"a\"", "7:17: this command can't be split"),
        ("stray", "7:1: the line is no value of the registry"),
        ("\"AppEnvironmentExtra\"=hex(7):41,00,00,00,00,00", "7:23: \"A\" is no variable with its value"),
    ] {
        let told = wrong(&export("", &format!("{line}\n")));
        assert!(told.contains(&format!(":{mistake}")) && told.lines().count() == 1, "{told}");
    }
    assert!(wrong(&export("\"Start\"=dword:0", "")).contains(":4:9: Start can't be \"0\""));
    let bare = export("", "").replace(r"C:\\shop\\", "");
    assert!(
        wrong(&bare).contains(":6:15: \"shop.exe\" is in no folder, and AppDirectory is not said"),
        "{}",
        wrong(&bare)
    );
    assert!(wrong("REGEDIT4\n\n\"A\"=\"b\"\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\x]\n\"ImagePath\"=\"nssm.exe\"\n").contains("belongs to no key"));
}

#[test]
fn the_commands_of_a_dump_make_the_same() {
    let dump = r#"@echo off
C:\tools\nssm.exe install shop C:\shop\shop.exe
C:\tools\nssm.exe set shop AppParameters ^"-a ^\^"b c^\^" ^& d^"
C:\tools\nssm.exe set shop AppDirectory D:\data
C:\tools\nssm.exe set shop AppExit Default Exit
C:\tools\nssm.exe set shop AppExit 3 Restart
C:\tools\nssm.exe set shop AppEnvironmentExtra :A=1
C:\tools\nssm.exe set shop AppEnvironmentExtra "+B=x y"
C:\tools\nssm.exe set shop DependOnService :db
C:\tools\nssm.exe set shop DisplayName "The Shop"
C:\tools\nssm.exe set shop ObjectName .\ann ****
C:\tools\nssm.exe set shop Start SERVICE_DELAYED_AUTO_START
C:\tools\nssm.exe set shop Type SERVICE_WIN32_OWN_PROCESS
C:\tools\nssm.exe set shop AppEvents Start/Pre C:\x.bat
C:\tools\nssm.exe start shop
"#;
    let import = import(dump);
    let shop = &import.services[0];
    let hosted = shop.hosted().unwrap();
    assert_eq!(hosted.program.command, [r"C:\shop\shop.exe", "-a", "b c", "&", "d"]);
    assert_eq!(hosted.program.directory.to_str(), Some(r"D:\data"));
    assert_eq!((&*hosted.program.environment["A"], &*hosted.program.environment["B"]), ("1", "x y"));
    assert_eq!((hosted.restart.when, hosted.restart.exit_codes.len()), (RestartWhen::Never, 1));
    assert_eq!((shop.display_name.as_str(), shop.start), ("The Shop", Some(StartMode::Delayed)));
    assert_eq!((shop.account.as_deref(), shop.dependencies.len()), (Some(r".\ann"), 1));
    assert_eq!(
        told(&import),
        [
            r"11:1: the password of .\ann is not part of the definition",
            "14:1: the exit code 99 of Start/Pre does not keep the program from being run",
            "15:1: the line is not mapped",
        ]
    );
}

#[test]
fn commands_for_events_are_hooks() {
    let key = r"[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\shop\Parameters\AppEvents\";
    let power = format!("{key}Power]\n\"Change\"=\"p.exe\"\n\"Resume\"=\"C:\\\\r.exe -r\"\n");
    let text = format!(
        "{power}{key}Start]\n\"Pre\"=\"C:\\\\a.exe -x\"\n\"Post\"=\"b %X%\"\n{key}Exit]\n\"Post\"=\"c.bat\"\n{key}Rotate]\n\"Pre\"=\"d\"\n\"Post\"=\"e.exe\"\n"
    );
    let import = import(&export("", &text));
    let hooks: Vec<_> = import.services[0]
        .hosted()
        .unwrap()
        .hooks
        .iter()
        .map(|(moment, hooks)| (*moment, &hooks.as_slice()[0]))
        .collect();
    let found: Vec<_> =
        hooks.iter().map(|(moment, hook)| (moment.word(), hook.errand.command.join(" "))).collect();
    let expected = [
        ("pre-start", r"C:\a.exe -x"),
        ("post-stop", "c.bat"),
        ("on-crash", "c.bat"),
        ("on-rotate", "e.exe"),
    ];
    assert_eq!(found, expected.map(|(moment, command)| (moment, command.to_owned())));
    assert!(hooks.iter().all(|(_, hook)| hook.on_failure == OnFailure::GoOn));
    let events =
        import.services[0].hosted().unwrap().system_events.iter().map(|(event, action)| match action {
            ControlAction::Command(errand) => (event.word(), errand.command.join(" ")),
            other => panic!("{other:?}"),
        });
    let expected = [("resume", r"C:\r.exe -r"), ("power-status", "p.exe")];
    assert_eq!(events.collect::<Vec<_>>(), expected.map(|(event, command)| (event, command.to_owned())));
    let told = told(&import).join("\n");
    for remark in [
        "the exit code 99 of Start/Pre",
        "the hook Start/Post is not mapped: it has %X% in it",
        "Exit/Post is on-crash and post-stop",
        "the hook Rotate/Pre is not mapped",
    ] {
        assert!(told.contains(remark), "{told}");
    }
}

#[test]
fn an_export_in_utf_16_is_read() {
    let text = export("", "\"AppParameters\"=\"\u{fc}\"\n");
    let bytes: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let import = read(r"C:\shop.reg", &bytes, None, Platform::Windows).unwrap();
    assert_eq!(import.services[0].hosted().unwrap().program.command[1], "\u{fc}");
}
