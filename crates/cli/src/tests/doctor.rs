//! What ails services, on the fake service control manager.

use serde_json::Value;
use svckit_core::native::{Phase, ProgramExit};
use svckit_core::status::ServiceState;
use svckit_core::time::WallTime;
use svckit_core::win32::Win32Error;

use super::{TWO, WEB, World};
use crate::failure::Status;

/// The findings in short: `error gave-up web`.
fn found(world: &World, line: &str) -> Vec<String> {
    let told: Value = serde_json::from_str(&world.svc(&format!("doctor {line} --json")).out).unwrap();
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let short =
        |one: &Value| format!("{} {} {}", word(&one["severity"]), word(&one["rule"]), word(&one["service"]));
    told.as_array().unwrap().iter().map(short).collect()
}

/// The folder belongs to this test; of a state directory elsewhere there would be things to say.
fn world(text: &str) -> World {
    let world = World::new();
    world.file("service.toml", text);
    set_mode(world.folder.path(), 0o700);
    world.scm.contents().directory = Some(world.folder.path().to_owned());
    world
}

#[test]
fn a_service_that_is_well_has_nothing_to_say() {
    let world = world(WEB);
    world.svc("up FILE");
    world.journal();
    let ran = world.svc("doctor web");
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (0, "web: RUNNING\nnothing to say\n", ""));
    assert_eq!(world.svc("doctor").out, "nothing to say\n");
    assert_eq!(world.svc("doctor web --json --strict").out, "[]\n");
    assert_eq!(world.journal(), Vec::<String>::new());
}

#[test]
fn a_service_that_gave_up_is_told_with_why_and_what_to_do() {
    let world = world(WEB);
    world.svc("up FILE");
    {
        let mut contents = world.scm.contents();
        let web = contents.services.get_mut("web").unwrap();
        web.status.state = ServiceState::STOPPED;
        (web.status.win32_exit_code, web.status.service_exit_code) = (Win32Error::SERVICE_SPECIFIC_ERROR, 3);
        let exit = ProgramExit { code: Some(3), signal: None, at: WallTime(0) };
        (web.host.phase, web.host.last_exit) = (Phase::GaveUp, Some(exit));
    }
    let ran = world.svc("doctor web");
    assert_eq!(ran.status, Status::Unwell as u8);
    assert_eq!(
        ran.out,
        "web: STOPPED, gave up restarting, ended with code 3\n\
         error[gave-up]: the program exited with 3 at 1970-01-01 00:00:00Z, once too often: the restart budget is spent\n  \
         why: the service doesn't run, and nothing starts it again\n  \
         do: svc start web, when the program is mended\n  | listening\n  | second line\n1 error\n"
    );
    let told: Value = serde_json::from_str(&world.svc("doctor web --json").out).unwrap();
    let one = &told[0];
    assert_eq!((&one["severity"], &one["rule"]), (&"error".into(), &"gave-up".into()));
    assert_eq!(one["notes"], serde_json::json!(["listening", "second line"]));
    for key in ["service", "at", "message", "why", "causes", "help"] {
        assert!(one.get(key).is_some(), "{key}");
    }
}

#[test]
fn codes_come_with_their_usual_causes() {
    let world = world(WEB);
    world.svc("install FILE");
    let code = Win32Error::SERVICE_REQUEST_TIMEOUT;
    world.scm.contents().services.get_mut("web").unwrap().status.win32_exit_code = code;
    let told: Value = serde_json::from_str(&world.svc("doctor web --json").out).unwrap();
    assert!(!told[0]["causes"].as_array().unwrap().is_empty(), "{told}");
}

#[test]
fn warnings_count_only_strictly() {
    let world = world(WEB);
    world.svc("up FILE");
    world.scm.contents().services.get_mut("web").unwrap().host.log_bytes_lost = 1;
    assert_eq!(found(&world, "web"), ["warning output-lost web"]);
    assert_eq!(world.svc("doctor web").status, 0);
    assert_eq!(world.svc("doctor web --strict").status, Status::Unwell as u8);
}

#[test]
fn what_is_installed_is_held_against_its_file() {
    let world = world(WEB);
    world.svc("up FILE");
    world.file("service.toml", &WEB.replace("-c true", "-c false"));
    assert_eq!(found(&world, "web"), ["warning drift web"]);
    let out = world.svc("doctor web").out;
    assert!(out.contains("in 1 field\n") && out.contains("  | definition.program.command: "), "{out}");
    world.file("service.toml", "[service.other]\nrun = 'sh'\n");
    assert_eq!(found(&world, "web"), ["warning drift web"]);
    world.file("service.toml", "[service.web]\nrun = 5\n");
    assert_eq!(found(&world, "web"), ["warning drift web"]);
    std::fs::remove_file(world.folder.path().join("service.toml")).unwrap();
    assert_eq!(found(&world, "web"), ["hint definition-gone web"]);
}

#[test]
fn what_is_installed_has_the_rules_of_definitions() {
    let world = world("[service.web]\nrun = 'sh'\nlog = { keep = { count = 2 } }\n");
    world.svc("install FILE");
    assert_eq!(found(&world, "web"), ["warning keep-without-rotate web"]);
    // Of a definition they are told once, with their place.
    assert_eq!(found(&world, "FILE"), ["warning keep-without-rotate web"]);
    assert!(world.svc("doctor FILE").out.contains("service.toml:3:"), "{}", world.svc("doctor FILE").out);
}

#[test]
fn dependencies_are_looked_at() {
    let world = world(TWO);
    world.svc("install FILE");
    world.scm.contents().services.get_mut("db").unwrap().status.win32_exit_code = Win32Error::PROCESS_ABORTED;
    assert_eq!(found(&world, "web"), ["error dependency-failed web"]);
    assert_eq!(found(&world, ""), ["error stopped-with-error db", "error dependency-failed web"]);
    world.scm.contents().services.remove("db");
    assert_eq!(found(&world, "web"), ["error dependency-missing web"]);
}

#[test]
fn circles_are_told_of_everyone_in_them() {
    use svckit_core::name::Dependency;
    let world = world(TWO);
    world.svc("install FILE");
    let web = Dependency::new("web").unwrap();
    world.scm.contents().services.get_mut("db").unwrap().config.dependencies.push(web);
    let found = found(&world, "web db");
    for name in ["web", "db"] {
        assert!(found.contains(&format!("error dependency-circle {name}")), "{found:?}");
    }
}

#[test]
fn definitions_that_are_wrong_or_not_installed() {
    let world = world(WEB);
    assert_eq!(found(&world, "FILE"), ["hint not-installed web"]);
    world.file("service.toml", "[service.web]\nrun = 'no-such-program-anywhere'\n");
    assert_eq!(found(&world, "FILE"), ["error program web", "hint not-installed web"]);
    world.file("service.toml", "[service.web]\nrun = 5\n");
    assert_eq!(found(&world, "FILE"), ["error definition -"]);
    assert_eq!(world.svc("doctor ghost").status, Status::NoSuchService as u8);
}

#[test]
fn images_that_can_not_be_run() {
    use svckit_core::image_path::ImagePath;
    let world = world(WEB);
    world.svc("up FILE");
    let path = |text: &str| {
        let image = ImagePath::new(text).unwrap();
        world.scm.contents().services.get_mut("web").unwrap().config.image_path = image;
    };
    path("/no/such/svc host run");
    assert!(found(&world, "web").contains(&"error image web".to_owned()));
    let other = world.file("svc", "another build");
    set_mode(&other, 0o755);
    path(&format!("{} host run", other.display()));
    assert_eq!(found(&world, "web"), ["hint other-build web"]);
    let same = world.folder.path().join("same");
    std::fs::copy(std::env::current_exe().unwrap(), &same).unwrap();
    path(&format!("{} host run", same.display()));
    assert_eq!(found(&world, "web"), Vec::<String>::new());
}

#[cfg(unix)]
fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(windows)]
fn set_mode(_: &std::path::Path, _: u32) {}

#[test]
fn on_a_terminal_findings_have_colours_and_names_can_do_nothing_to_it() {
    let world = world(WEB);
    world.svc("up FILE");
    world.scm.contents().services.get_mut("web").unwrap().host.log_bytes_lost = 1;
    let out = world.svc_on("doctor web", Some(80)).out;
    assert!(out.contains("\u{1b}[1m\u{1b}[33mwarning[output-lost]:"), "{out:?}");
}

#[test]
fn explain_tells_the_post_mortem_of_a_service() {
    let world = world(WEB);
    world.svc("install FILE");
    let code = Win32Error::SERVICE_REQUEST_TIMEOUT;
    world.scm.contents().services.get_mut("web").unwrap().status.win32_exit_code = code;
    let ran = world.svc("explain web");
    assert_eq!(ran.status, 0, "{}", ran.err);
    let expected = "web: STOPPED, the service did not answer in time\ncauses\n  - it stopped with an error: ";
    assert!(
        ran.out.starts_with(expected) && ran.out.contains("what to do\n  - svc events web"),
        "{}",
        ran.out
    );
    let told: Value = serde_json::from_str(&world.svc("explain web --json").out).unwrap();
    assert_eq!((&told[0]["kind"], &told[0]["name"]), (&"service".into(), &"web".into()));
    let unknown = world.svc("explain ghost");
    assert_eq!(unknown.status, Status::Usage as u8);
    assert!(unknown.err.starts_with("error: nothing is known of \"ghost\"\n"), "{}", unknown.err);
}

#[test]
fn the_service_control_manager_itself_is_looked_at() {
    use svckit_core::space::Space;
    let world = world("[service.web]\nrun = 'sh'\nlog = { file = '/logs/web/web.log' }\n");
    world.svc("install FILE");
    let set = |folder: &str, free| {
        world.scm.contents().disks.insert(folder.into(), Space { free, total: 1 << 40 });
    };
    set("/logs", 1 << 29);
    assert_eq!(found(&world, "web"), ["warning disk-low -"]);
    set(world.folder.path().to_str().unwrap(), 1000);
    world.scm.contents().version = Some("0.0.9");
    let all = ["error disk-full -", "warning scm-other-version -", "warning disk-low -"];
    assert_eq!(found(&world, ""), all);
    let told = world.svc("doctor");
    assert_eq!(told.status, Status::Unwell as u8);
    let low = "warning[disk-low]: 512 MiB of 1024 GiB are left on the disk with logs\n  at: /logs/web\n";
    assert!(told.out.contains(low), "{}", told.out);
    assert!(
        told.out.contains(&format!("svckit 0.0.9, and this is {}", env!("CARGO_PKG_VERSION"))),
        "{}",
        told.out
    );
    assert!(told.out.contains("do: kill -9 42 ends it alone"), "{}", told.out);
}

#[cfg(unix)]
#[test]
fn a_state_directory_or_a_log_that_others_may_change_is_told_of() {
    let world = world(WEB);
    let state = world.folder.path().join("state");
    std::fs::create_dir(&state).unwrap();
    set_mode(&state, 0o777);
    world.scm.contents().directory = Some(state.clone());
    assert_eq!(found(&world, ""), ["error state-directory -"]);
    let out = world.svc("doctor").out;
    assert!(out.contains("its mode is 0777") && out.contains("do: chmod 0700 "), "{out}");
    set_mode(&state, 0o700);
    let logs = world.folder.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    world.file("service.toml", "[service.web]\nrun = 'sh'\nlog = { file = 'logs/web.log' }\n");
    world.svc("install FILE");
    assert_eq!(found(&world, ""), Vec::<String>::new());
    set_mode(&logs, 0o777);
    assert_eq!(found(&world, "web"), ["warning log-writable web"]);
    // In such a folder nobody replaces what is another's.
    set_mode(&logs, 0o1777);
    assert_eq!(found(&world, "web"), Vec::<String>::new());
    std::fs::write(logs.join("web.log"), "").unwrap();
    set_mode(&logs.join("web.log"), 0o666);
    let told = world.svc("doctor web").out;
    assert!(told.contains("log-writable") && told.contains("web.log, and so change the log"), "{told}");
}

#[test]
fn names_are_looked_up_only_when_asked_for() {
    let service = |name: &str, host: &str| format!("[service.{name}]\nrun = 'sh'\nready.tcp = '{host}:80'\n");
    let all = [service("a", "ghost"), service("b", "late"), service("c", "there"), service("d", "127.0.0.9")];
    let world = world(&all.concat());
    let before =
        ["hint not-installed a", "hint not-installed b", "hint not-installed c", "hint not-installed d"];
    assert_eq!(found(&world, "FILE"), before);
    let names = ["error ready-name a", "error ready-name b"];
    assert_eq!(found(&world, "FILE --resolve"), [&before[..], &names[..]].concat());
    world.svc("install FILE");
    assert_eq!(found(&world, ""), Vec::<String>::new());
    assert_eq!(found(&world, "--resolve"), names);
    let out = world.svc("doctor a b --resolve").out;
    let first = "error[ready-name]: \"ghost\" has no address: name or service not known\n  at: ghost:80\n";
    assert!(out.contains(first), "{out}");
    assert!(out.contains("whether \"late\" has an address is not told within 10s"), "{out}");
}
