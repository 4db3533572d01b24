use std::collections::HashSet;

use svckit_core::config::ServiceConfig;
use svckit_core::image_path::ImagePath;
use svckit_core::kind::{ErrorControl, ServiceType, StartType};
use svckit_core::name::{Dependency, DisplayName, ServiceName};
use svckit_core::native::Phase;
use svckit_core::status::{ServiceState, ServiceStatus};
use svckit_core::win32::Win32Error;

use super::*;
use crate::platform::Platform;

/// A service of which nothing is to be said.
fn healthy() -> Facts {
    let config = ServiceConfig {
        service_type: ServiceType::WIN32_OWN_PROCESS,
        start_type: StartType::AUTO_START,
        error_control: ErrorControl::NORMAL,
        image_path: ImagePath::new("/usr/bin/svc host run").unwrap(),
        load_order_group: None,
        tag: 0,
        dependencies: Vec::new(),
        account: None,
        display_name: DisplayName::new("web").unwrap(),
    };
    let mut status = ServiceStatus::stopped(config.service_type, Win32Error::SUCCESS);
    status.state = ServiceState::RUNNING;
    Facts {
        name: ServiceName::new("web").unwrap(),
        platform: Platform::Unix,
        status,
        config,
        marked_for_deletion: false,
        host: Some(HostFacts { phase: Phase::Running, ..HostFacts::default() }),
        last_output: vec!["boom".to_owned()],
        needs: Vec::new(),
        circle: None,
        image: Image::Runnable,
        drift: Drift::None,
    }
}

/// `error gave-up: …` of each finding.
fn told(change: impl FnOnce(&mut Facts)) -> Vec<String> {
    let mut facts = healthy();
    change(&mut facts);
    let line = |one: Finding| {
        assert!(why(one.rule).is_some(), "{} has no reason", one.rule);
        assert!(one.help.is_some(), "{} has no help", one.rule);
        assert_eq!(one.service, Some(facts.name.clone()));
        let place = one.place.map_or_else(String::new, |place| format!(" at {place}"));
        let notes = if one.notes.is_empty() { String::new() } else { format!(" | {}", one.notes.join("; ")) };
        format!("{} {}: {}{place}{notes}", one.severity.word(), one.rule, one.message)
    };
    diagnose(&facts).into_iter().map(line).collect()
}

fn stopped(facts: &mut Facts, code: Win32Error) {
    facts.status = ServiceStatus::stopped(facts.config.service_type, code);
}

fn host(facts: &mut Facts) -> &mut HostFacts {
    facts.host.as_mut().unwrap()
}

fn exited(code: i32) -> Option<Ended> {
    let words = format!("the program exited with {code}");
    Some(Ended { words, at: "noon".to_owned(), code: Some(code), signal: None })
}

#[test]
fn nothing_is_said_of_a_service_that_is_well() {
    assert_eq!(told(|_| {}), Vec::<String>::new());
    assert_eq!(told(|facts| facts.host = None), Vec::<String>::new());
}

#[test]
fn how_it_stopped() {
    let with = |code, host: fn(&mut HostFacts)| {
        told(|facts| {
            stopped(facts, code);
            host(self::host(facts));
        })
    };
    assert_eq!(
        with(Win32Error::SERVICE_REQUEST_TIMEOUT, |_| {}),
        [
            "error stopped-with-error: it stopped with an error: the service did not answer in time (1053 ERROR_SERVICE_REQUEST_TIMEOUT) | boom"
        ]
    );
    assert_eq!(
        with(Win32Error(4711), |host| host.last_end = exited(3)),
        [
            "error stopped-with-error: it stopped with error 4711 (0x1267); the program exited with 3 at noon | boom"
        ]
    );
    assert_eq!(
        with(Win32Error::SERVICE_SPECIFIC_ERROR, |_| {}),
        ["error stopped-with-error: it stopped with an error of its own, 0 | boom"]
    );
    assert_eq!(
        with(Win32Error::FILE_NOT_FOUND, |host| host.start_error = Some("no /x".to_owned())),
        ["error start-failed: it could not be started: no /x | boom"]
    );
    let gave_up = |host: &mut HostFacts| {
        (host.phase, host.last_end) = (Phase::GaveUp, exited(3));
    };
    assert_eq!(
        with(Win32Error::SERVICE_SPECIFIC_ERROR, gave_up),
        [
            "error gave-up: the program exited with 3 at noon, once too often: the restart budget is spent | boom"
        ]
    );
    assert_eq!(
        with(Win32Error::SUCCESS, |_| {}),
        ["hint automatic-stopped: it starts by itself, but was stopped"]
    );
    assert_eq!(
        with(Win32Error::SERVICE_NEVER_STARTED, |_| {}),
        ["hint automatic-stopped: it starts by itself, but was not started yet"]
    );
    let manual = told(|facts| {
        stopped(facts, Win32Error::SUCCESS);
        facts.config.start_type = StartType::DEMAND_START;
    });
    assert_eq!(manual, Vec::<String>::new());
}

#[test]
fn a_program_that_windows_ended_is_explained_by_that_code() {
    let mut facts = healthy();
    facts.platform = Platform::Windows;
    stopped(&mut facts, Win32Error::PROCESS_ABORTED);
    let signal = Some(0xC000_0135_u32.cast_signed());
    let last = Ended { words: "it ended".to_owned(), at: "noon".to_owned(), code: None, signal };
    host(&mut facts).last_end = Some(last);
    assert_eq!(diagnose(&facts)[0].about, Some(Code::End(0xC000_0135)));
    facts.platform = Platform::Unix;
    assert_eq!(diagnose(&facts)[0].about, Some(Code::Win32(Win32Error::PROCESS_ABORTED)));
}

#[test]
fn ends_that_have_usual_causes() {
    let causes = |code, signal| {
        let mut facts = healthy();
        let last = Ended { words: "it ended".to_owned(), at: "noon".to_owned(), code, signal };
        (host(&mut facts).phase, host(&mut facts).last_end) = (Phase::Backoff, Some(last));
        diagnose(&facts)[0].causes.len()
    };
    assert!(causes(Some(127), None) > 0 && causes(None, Some(9)) > 0 && causes(None, Some(11)) > 0);
    assert_eq!((causes(Some(3), None), causes(None, Some(15))), (0, 0));
}

#[test]
fn restarts_are_a_warning_until_they_are_a_loop() {
    let with = |phase, restarts| {
        told(|facts| {
            let host = host(facts);
            (host.phase, host.restarts, host.last_end) = (phase, restarts, exited(3));
            host.next_retry = (phase == Phase::Backoff).then(|| "one".to_owned());
        })
    };
    assert_eq!(
        with(Phase::Backoff, 0),
        ["warning restarting: the program exited with 3 at noon; it runs again at one | boom"]
    );
    assert_eq!(
        with(Phase::Backoff, 1),
        [
            "warning restarting: the program exited with 3 at noon, and was run again once before; it runs again at one | boom"
        ]
    );
    assert_eq!(
        with(Phase::Backoff, 3),
        [
            "error crash-loop: the program exited with 3 at noon, and was run again 3 times before; it runs again at one | boom"
        ]
    );
    assert_eq!(with(Phase::Running, 2), Vec::<String>::new());
    assert_eq!(
        with(Phase::Running, 3),
        ["warning crash-loop: the program exited with 3 at noon, and was run again 3 times before | boom"]
    );
}

#[test]
fn pending_disabled_marked_lost() {
    assert_eq!(
        told(|facts| {
            (facts.status.state, facts.status.checkpoint) = (ServiceState::START_PENDING, 2);
            host(facts).ready_when = Some("accepts connections at 127.0.0.1:80".to_owned());
        }),
        [
            "warning pending: it is START_PENDING, at checkpoint 2; it is ready when its program accepts connections at 127.0.0.1:80 | boom"
        ]
    );
    assert_eq!(
        told(|facts| facts.status.state = ServiceState::STOP_PENDING),
        ["warning pending: it is STOP_PENDING | boom"]
    );
    assert_eq!(
        told(|facts| facts.config.start_type = StartType::DISABLED),
        ["warning disabled: it is disabled and can't be started"]
    );
    assert_eq!(
        told(|facts| facts.marked_for_deletion = true),
        ["error marked-for-deletion: it is marked for deletion and can't be started"]
    );
    assert_eq!(
        told(|facts| host(facts).bytes_lost = 7),
        ["warning output-lost: 7 bytes of output could not be kept since the service started"]
    );
}

#[test]
fn dependencies() {
    let with = |name: &str, need: Need| {
        let dependency = Dependency::new(name).unwrap();
        told(|facts| facts.needs.push((dependency, need)))
    };
    use Standing::{Disabled, Down, Failed, Up};
    let cases: &[(&str, Need, &str)] = &[
        ("db", Need::Missing, "error dependency-missing: it depends on db, which is not installed"),
        ("db", Need::Service(Disabled), "error dependency-disabled: it depends on db, which is disabled"),
        (
            "db",
            Need::Service(Failed),
            "error dependency-failed: it depends on db, which stopped with an error",
        ),
        ("+G", Need::Group(vec![]), "error dependency-missing: it depends on a group without members: +G"),
        (
            "+G",
            Need::Group(vec![Disabled]),
            "error dependency-disabled: every member of +G, which it depends on, is disabled",
        ),
        (
            "+G",
            Need::Group(vec![Failed, Failed]),
            "error dependency-failed: every member of +G, which it depends on, stopped with an error",
        ),
    ];
    for (name, need, expected) in cases {
        assert_eq!(with(name, need.clone()), [*expected]);
    }
    for fine in [
        Need::Service(Up),
        Need::Service(Down),
        Need::Group(vec![Disabled, Up]),
        Need::Group(vec![Failed, Down]),
    ] {
        assert_eq!(with("x", fine), Vec::<String>::new());
    }
    assert_eq!(
        told(|facts| facts.circle = Some("a needs b needs a".to_owned())),
        ["error dependency-circle: it depends on itself: a needs b needs a"]
    );
}

#[test]
fn image_paths() {
    let path = |facts: &mut Facts, text: &str| facts.config.image_path = ImagePath::new(text).unwrap();
    assert_eq!(
        told(|facts| facts.image = Image::Broken { reason: "there is no program /x".to_owned(), meant: None }),
        ["error image: there is no program /x at /usr/bin/svc host run"]
    );
    assert_eq!(
        told(|facts| facts.image = Image::OtherBuild("/opt/svc".into())),
        ["hint other-build: it is hosted by another build of svc than this one at /opt/svc"]
    );
    let unquoted = r"C:\Program Files\Shop\shop.exe -x";
    let on_windows = |text: &'static str| {
        told(|facts| {
            facts.platform = Platform::Windows;
            path(facts, text);
        })
    };
    assert_eq!(
        on_windows(unquoted),
        [
            r"warning image-unquoted: its image path has blanks and is not quoted, so C:\Program.exe would be run if it were there at C:\Program Files\Shop\shop.exe -x"
        ]
    );
    for fine in
        [r#""C:\Program Files\Shop\shop.exe" -x"#, r"C:\Shop\shop.exe -x a.exe", r"\SystemRoot\x y.sys"]
    {
        assert_eq!(on_windows(fine), Vec::<String>::new(), "{fine}");
    }
    assert_eq!(told(|facts| path(facts, unquoted)), Vec::<String>::new());
}

#[test]
fn what_the_file_says_now() {
    let with = |drift| told(|facts| facts.drift = drift);
    assert_eq!(
        with(Drift::Gone("/s.toml".into())),
        ["hint definition-gone: the file that it was installed from isn't there any more at /s.toml"]
    );
    assert_eq!(
        with(Drift::Undefined("/s.toml".into())),
        ["warning drift: the file that it was installed from doesn't define it any more at /s.toml"]
    );
    assert_eq!(
        with(Drift::Wrong("/s.toml".into(), "no run".to_owned())),
        ["warning drift: the file that it was installed from has mistakes: no run at /s.toml"]
    );
    assert_eq!(
        with(Drift::Fields("/s.toml".into(), vec!["a: 1 -> 2".to_owned()])),
        [
            "warning drift: the file that it was installed from says otherwise now, in 1 field at /s.toml | a: 1 -> 2"
        ]
    );
}

#[test]
fn the_heaviest_comes_first() {
    let all = told(|facts| {
        facts.config.start_type = StartType::DISABLED;
        facts.image = Image::OtherBuild("/opt/svc".into());
        facts.marked_for_deletion = true;
    });
    let weights: Vec<_> = all.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(weights, ["error", "warning", "hint"]);
}

#[test]
fn each_rule_has_one_reason_and_a_line_in_the_reference() {
    let reference = include_str!("../../../../docs/reference/doctor.md");
    let lint = include_str!("../../../../docs/reference/lint.md");
    let mut seen = HashSet::new();
    for (rule, why) in RULES {
        assert!(seen.insert(rule), "{rule} twice");
        assert!(!why.is_empty() && !why.ends_with('.'), "{rule}");
        let line = format!("| `{rule}` |");
        assert!(reference.contains(&line) || lint.contains(&line), "{rule} is not documented");
    }
    let documented = lint.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    for rule in documented {
        assert!(why(rule).is_some(), "{rule} of lint has no reason");
    }
}
