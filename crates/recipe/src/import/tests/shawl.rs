//! Command lines of shawl.

use std::time::Duration;

use svckit_core::definition::{ExitAction, RestartWhen};
use svckit_core::limits::Priority;
use svckit_core::log::rotation::RotateTime;

use super::told;
use crate::definition::{ServiceDefinition, StartMode};
use crate::import::{Import, Kind, read};
use crate::platform::Platform;

fn import(text: &str) -> Import {
    let import = read(r"C:\x\services.bat", text.as_bytes(), None, Platform::Windows);
    let import = import.unwrap_or_else(|wrong| panic!("{wrong}\n{text}"));
    assert_eq!(import.kind, Kind::Shawl);
    import
}

/// The service of a line with more options, about which nothing is told.
fn service(options: &str) -> ServiceDefinition {
    let mut import =
        import(&format!("shawl add --name shop --cwd C:\\shop {options} -- shop.exe --port 80\n"));
    assert_eq!(told(&import), [""; 0], "{options}");
    import.services.remove(0)
}

#[test]
fn each_option_is_mapped() {
    let shop = service("");
    let hosted = shop.hosted().unwrap();
    assert_eq!((shop.name.as_str(), shop.start), ("shop", Some(StartMode::Manual)));
    assert_eq!(hosted.program.command, ["shop.exe", "--port", "80"]);
    assert_eq!(hosted.program.directory.to_str(), Some(r"C:\shop"));
    assert_eq!((hosted.restart.when, hosted.restart.delay.as_secs()), (RestartWhen::OnFailure, 1));
    assert_eq!(hosted.stop.ladder[0].wait.as_secs(), 3);
    assert_eq!((hosted.log.rotate_size, hosted.log.keep_count), (Some(2 << 20), Some(2)));
    assert_eq!(service("--restart").hosted().unwrap().restart.when, RestartWhen::Always);
    assert_eq!(
        service("--no-restart --pass 0,3").hosted().unwrap().restart.exit_codes,
        [(0, ExitAction::Stop), (3, ExitAction::Stop)].into()
    );
    let only = service("--restart-if 1,-2").hosted().unwrap().restart.clone();
    assert_eq!(
        (only.when, only.exit_codes[&1], only.exit_codes[&-2]),
        (RestartWhen::Never, ExitAction::Restart, ExitAction::Restart)
    );
    let never = service("--restart-if-not=0,4").hosted().unwrap().restart.clone();
    assert_eq!(never.when, RestartWhen::Always);
    assert_eq!(never.exit_codes, [(0, ExitAction::Stop), (4, ExitAction::Fail)].into());
    assert_eq!(service("--restart-delay 250").hosted().unwrap().restart.delay.as_millis(), 250);
    assert_eq!(
        service("--stop-timeout=9000 --kill-process-tree --pass-start-args").hosted().unwrap().stop.ladder[0]
            .wait
            .as_secs(),
        9
    );
    assert_eq!(
        service("--env A=1 --env \"B=x y\" --priority normal").hosted().unwrap().program.environment["B"],
        "x y"
    );
    let log = service("--log-dir D:\\l --log-cmd-as out --log-rotate bytes=5 --log-retain 9")
        .hosted()
        .unwrap()
        .log
        .clone();
    assert_eq!(log.stdout.as_deref().and_then(|file| file.to_str()), Some(r"D:\l\out.log"));
    assert_eq!((log.rotate_size, log.keep_count), (Some(5), Some(9)));
    let log = service("--log-rotate daily").hosted().unwrap().log.clone();
    let daily = RotateTime::Every { interval: Duration::from_secs(86_400), at: Duration::ZERO };
    assert_eq!((log.rotate_size, log.rotate_time, log.keep_count), (None, Some(daily), Some(2)));
    assert_eq!(
        service("--priority above-normal").hosted().unwrap().limits.priority,
        Some(Priority::AboveNormal)
    );
    assert_eq!(service("--dependencies db,cache").dependencies.len(), 2);
}

#[test]
fn what_has_no_place_is_told_where_it_is() {
    for (option, remark) in [
        ("--no-log", "1:1: --no-log is not mapped"),
        ("--path C:\\x", "1:1: --path is not mapped"),
        ("--interactive", "1:1: --interactive is not mapped"),
        ("--colour red", "1:1: --colour is not known, and not mapped"),
        ("--log-rotate monthly", "1:1: --log-rotate monthly is not mapped"),
    ] {
        assert_eq!(told(&import(&format!("shawl run --cwd C:\\ {option} -- x.exe\n"))), [remark]);
    }
    let two = import(
        "rem two\n\"C:\\Program Files\\shawl.exe\" run --name a -- C:\\a\\a.exe\n  shawl run --cwd C:\\ -- b\nsc start a\n",
    );
    assert_eq!(two.services[0].hosted().unwrap().program.directory.to_str(), Some(r"C:\a"));
    assert_eq!(two.services[1].name.as_str(), "Shawl");
    assert_eq!(
        told(&two),
        ["2:1: a has no --cwd: it runs in the folder of its program", "4:1: the line is not mapped"]
    );
}

#[test]
fn mistakes_are_told_where_they_are() {
    for (line, mistake) in [
        ("shawl add --cwd C:\\ -- x", ":1:1: shawl add needs a name"),
        ("shawl run x", ":1:1: \"x\" is no option of shawl"),
        ("shawl run --name x", ":1:1: the command is missing"),
        ("shawl run --cwd C:\\ --", ":1:1: there is nothing to run"),
        ("shawl run --cwd C:\\ --pass x -- x", ":1:1: pass can't be \"x\""),
        ("shawl run --cwd /usr -- x", ":1:1: \"/usr\" is not a path of Windows"),
    ] {
        let wrong = read("C:\\x.bat", line.as_bytes(), None, Platform::Windows).unwrap_err().to_string();
        assert!(wrong.contains(mistake), "{wrong}");
    }
}
