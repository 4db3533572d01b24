//! A failure of one service is no reason to leave the others.

use serde_json::Value;
use svckit_core::win32::Win32Error;

use super::{TWO, World};
use crate::failure::Status;

#[test]
fn the_others_are_done_and_the_first_failure_counts() {
    let world = World::new();
    world.file("service.toml", TWO);
    world.svc("install FILE");
    world.journal();
    let ran = world.svc("start ghost db phantom --jobs 1");
    assert_eq!(ran.status, Status::NoSuchService as u8);
    assert_eq!(ran.out, "db: RUNNING, pid 101\n");
    let errors: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("error: ")).collect();
    assert!(errors.len() == 2 && errors[0].contains("ghost") && errors[1].contains("phantom"), "{}", ran.err);

    world.scm.contents().sabotage = Some(("stop web".to_owned(), Win32Error::ACCESS_DENIED));
    world.svc("start web");
    let ran = world.svc("stop web ghost");
    assert_eq!(ran.status, Status::AccessDenied as u8, "the first that was named counts: {}", ran.err);
    assert!(ran.err.ends_with("0 of 2 stopped, 2 failed\n"), "{}", ran.err);
    assert!(ran.err.contains("ghost") && ran.err.contains("sabotaged stop web"), "{}", ran.err);
    assert_eq!(ran.out, "");
}

#[test]
fn what_could_not_be_stopped_is_not_started_again() {
    let world = World::new();
    world.file("service.toml", "[service.a]\nrun = 'sh'\n[service.b]\nrun = 'sh'\n");
    world.svc("up FILE");
    world.journal();
    world.scm.contents().sabotage = Some(("stop a".to_owned(), Win32Error::ACCESS_DENIED));
    let ran = world.svc("restart FILE --jobs 1");
    assert_eq!(ran.status, Status::AccessDenied as u8);
    assert_eq!(ran.out, "b: RUNNING, pid 101\n");
    assert_eq!(world.journal(), ["stop a", "stop b", "start b"]);
}

#[test]
fn removal_and_down_go_on() {
    let world = World::new();
    world.file("service.toml", "[service.a]\nrun = 'sh'\n[service.b]\nrun = 'sh'\n");
    world.svc("install FILE");
    world.scm.contents().sabotage = Some(("delete b".to_owned(), Win32Error::ACCESS_DENIED));
    let ran = world.svc("remove FILE");
    assert_eq!((ran.status, ran.out.as_str()), (Status::AccessDenied as u8, "removed a\n"));
    world.svc("up FILE");
    let ran = world.svc("down FILE --json");
    assert_eq!(ran.status, Status::AccessDenied as u8);
    assert_eq!(ran.out, "[{\"name\":\"a\",\"removed\":true}]\n");
    assert_eq!(world.scm.contents().services.keys().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn who_keeps_a_service_that_is_to_be_removed_is_told() {
    let world = World::new();
    world.file("service.toml", TWO);
    world.svc("install FILE");
    world.scm.contents().services.get_mut("web").unwrap().held_by = Some(4711);
    let ran = world.svc("remove web db --wait 0");
    assert_eq!((ran.status, ran.out.as_str()), (Status::MarkedForDeletion as u8, ""));
    let left_out =
        "cannot delete service \"db\": it was not tried: \"web\" depends on it and was not removed (1051";
    assert!(ran.err.contains(left_out), "{}", ran.err);
    assert!(ran.err.ends_with("0 of 2 removed, 1 failed, 1 not tried\n"), "{}", ran.err);
    let expected = "error: cannot delete service \"web\": it is marked for deletion: process 4711 has it open 2 times (1072";
    assert!(ran.err.starts_with(expected), "{}", ran.err);
}

#[test]
fn who_is_not_told_of_deletions_is_not_told_of_a_time_out() {
    let world = World::new();
    world.file("service.toml", TWO);
    world.svc("install FILE");
    for (code, expected) in [
        (
            Win32Error::CALL_NOT_IMPLEMENTED,
            "it is installed, and this service control manager doesn't tell when services are deleted (120 ERROR_CALL_NOT_IMPLEMENTED)",
        ),
        (
            Win32Error::RPC_S_PROCNUM_OUT_OF_RANGE,
            "it is installed, and this service control manager doesn't tell when services are deleted (1745 RPC_S_PROCNUM_OUT_OF_RANGE)",
        ),
        (
            Win32Error::ACCESS_DENIED,
            "it is installed, and when it is deleted isn't told: sabotaged watch (5 ERROR_ACCESS_DENIED)",
        ),
    ] {
        world.scm.contents().sabotage = Some(("watch".to_owned(), code));
        let ran = world.svc("wait web --state gone --wait 5");
        let status = if code == Win32Error::ACCESS_DENIED { Status::AccessDenied } else { Status::Failure };
        assert_eq!(ran.status, status as u8, "{}", ran.err);
        let expected = format!("error: cannot wait for service \"web\": {expected}\n");
        assert!(ran.err.starts_with(&expected), "{}", ran.err);
        assert!(!ran.err.contains("longer time"), "{}", ran.err);
        // What needs no waiting is so already.
        assert_eq!(world.svc("wait ghost --state gone").out, "ghost: gone\n");
    }
}

#[test]
fn one_object_for_each_failure() {
    let world = World::new();
    let ran = world.svc("start ghost phantom --json --jobs 1");
    let services: Vec<Value> = ran.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let services: Vec<_> = services.iter().map(|report| &report["error"]["service"]).collect();
    assert_eq!(services, ["ghost", "phantom"]);
    assert_eq!(ran.out, "");
}

#[test]
fn up_starts_what_can_be_started() {
    let world = World::new();
    world.file("service.toml", "[service.a]\nrun = 'sh'\n[service.b]\nrun = 'sh'\n");
    world.svc("install FILE");
    world.scm.contents().services.get_mut("a").unwrap().fails_with =
        Some((Win32Error::SERVICE_SPECIFIC_ERROR, 3));
    let ran = world.svc("up FILE");
    assert_eq!(ran.status, Status::ServiceFailed as u8);
    assert!(ran.err.contains("cannot start service \"a\""), "{}", ran.err);
    assert!(ran.out.contains("b     RUNNING"), "{}", ran.out);
}

/// Base and what depends on it, over two others; and one that has nothing to do with them.
const DIAMOND: &str = "[service.base]\nrun = 'sh'\n[service.left]\nrun = 'sh'\ndepends-on = ['base']\n\
    [service.right]\nrun = 'sh'\ndepends-on = ['base']\n[service.top]\nrun = 'sh'\ndepends-on = ['left', 'right']\n\
    [service.other]\nrun = 'sh'\n";

/// The place of an entry of a journal.
fn place(journal: &[String], entry: &str) -> usize {
    journal.iter().position(|one| one == entry).unwrap_or_else(|| panic!("{entry} in {journal:?}"))
}

#[test]
fn a_diamond_starts_from_below_and_stops_from_above() {
    let world = World::new();
    world.file("service.toml", DIAMOND);
    world.svc("install FILE");
    world.journal();
    let ran = world.svc("start top right left base other");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert_eq!(ran.out.lines().count(), 5);
    let journal = world.journal();
    let at = |service: &str| place(&journal, &format!("start {service}"));
    assert!(
        at("base") < at("left").min(at("right")) && at("left").max(at("right")) < at("top"),
        "{journal:?}"
    );
    let ran = world.svc("stop base other left top right --json");
    let names: Value = serde_json::from_str(&ran.out).unwrap();
    let names: Vec<_> = names.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["base", "other", "left", "top", "right"], "as they were named");
    let journal = world.journal();
    let at = |service: &str| place(&journal, &format!("stop {service}"));
    assert!(
        at("top") < at("left").min(at("right")) && at("left").max(at("right")) < at("base"),
        "{journal:?}"
    );
}

#[test]
fn a_failure_in_the_middle_leaves_out_who_needs_it() {
    let world = World::new();
    world.file("service.toml", DIAMOND);
    world.svc("install FILE");
    world.journal();
    world.scm.contents().services.get_mut("left").unwrap().fails_with =
        Some((Win32Error::SERVICE_SPECIFIC_ERROR, 3));
    let ran = world.svc("start *");
    assert_eq!(ran.status, Status::ServiceFailed as u8);
    let mut running: Vec<_> = ran.out.lines().collect();
    running.sort_unstable();
    assert_eq!(running, ["base: RUNNING, pid 101", "other: RUNNING, pid 101", "right: RUNNING, pid 101"]);
    let left_out = "error: cannot start service \"top\": it was not tried: it needs \"left\", which was not started \
                    (1068 ERROR_SERVICE_DEPENDENCY_FAIL)\nhint: svc status left shows how left is\n";
    assert!(ran.err.contains(left_out), "{}", ran.err);
    assert!(ran.err.ends_with("3 of 5 started, 1 failed, 1 not tried\n"), "{}", ran.err);
    assert!(!world.journal().contains(&"start top".to_owned()));
}

#[test]
fn a_restart_with_dependents_starts_just_those_that_ran() {
    let world = World::new();
    world.file("service.toml", DIAMOND);
    world.svc("install FILE");
    world.svc("start base left other");
    world.journal();
    let refused = world.svc("restart base");
    assert_eq!(refused.status, Status::NotNow as u8);
    assert!(refused.err.contains("these depend on it and run: left"), "{}", refused.err);
    assert!(refused.err.ends_with("hint: --with-dependents acts on them as well\n"), "{}", refused.err);
    world.journal();
    let ran = world.svc("restart base --with-dependents");
    assert_eq!((ran.status, ran.out.as_str()), (0, "base: RUNNING, pid 101\nleft: RUNNING, pid 101\n"));
    assert_eq!(world.journal(), ["stop left", "stop base", "start base", "start left"]);
}

#[test]
fn a_pattern_stands_for_all_names_that_are_like_it() {
    let world = World::new();
    let text = "[service.web-1]\nrun = 'sh'\n[service.Web-2]\nrun = 'sh'\n[service.web-x]\nrun = 'sh'\n[service.db]\nrun = 'sh'\n";
    world.file("service.toml", text);
    world.svc("install FILE");
    let names = |line: &str| {
        let all: Value = serde_json::from_str(&world.svc(line).out).unwrap();
        let all = all.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned());
        let mut all: Vec<_> = all.collect();
        all.sort();
        all
    };
    assert_eq!(names("status WEB-* --json"), ["Web-2", "web-1", "web-x"]);
    assert_eq!(names("list web-[0-9] --json"), ["Web-2", "web-1"]);
    assert_eq!(names("list db web-? --json"), ["Web-2", "db", "web-1", "web-x"]);
    assert_eq!(names("start web-[!x] d? --json"), ["Web-2", "db", "web-1"]);
    assert_eq!(world.svc("logs d*").out, "listening\nsecond line\n");
    let several = world.svc("logs web*");
    assert_eq!(several.status, Status::Usage as u8);
    assert!(
        several.err.starts_with("error: web* stands for several services\nhint: name one of "),
        "{}",
        several.err
    );
    for verb in ["stop", "status", "list", "remove --stop", "start db"] {
        let none = world.svc(&format!("{verb} mail-*"));
        assert_eq!(none.status, Status::NoSuchService as u8, "{verb}");
        assert_eq!(none.err, "error: no service has a name like \"mail-*\"\n");
        assert_eq!(none.out, "");
    }
    assert_eq!(world.svc("remove web* d* --stop").status, 0);
    assert!(world.scm.contents().services.is_empty());
}

#[test]
fn a_pattern_removes_nothing_of_others_and_a_name_that_looks_like_one_is_a_name() {
    let world = World::new();
    world.file("service.toml", "[service.'web[1]']\nrun = 'sh'\n[service.web1]\nrun = 'sh'\n");
    world.svc("install FILE");
    {
        let mut contents = world.scm.contents();
        let record = contents.services.get_mut("web1").unwrap();
        record.definition = None;
        record.config.image_path = svckit_core::image_path::ImagePath::new("/bin/other").unwrap();
    }
    assert_eq!(world.svc("start web[1]").out, "web[1]: RUNNING, pid 101\n");
    let ran = world.svc("remove web* --stop");
    assert_eq!((ran.status, ran.out.as_str()), (Status::Usage as u8, "removed web[1]\n"));
    assert!(ran.err.contains("a service \"web1\" is there that svckit did not make"), "{}", ran.err);
    assert_eq!(world.scm.contents().services.keys().collect::<Vec<_>>(), ["web1"]);
}

#[test]
fn what_is_so_already_is_not_waited_for_and_what_is_not_is_a_time_out() {
    let world = World::new();
    world.file("service.toml", TWO);
    world.svc("install FILE");
    world.svc("start db");
    assert_eq!(world.svc("wait db").out, "db: RUNNING, pid 101\n");
    assert_eq!(world.svc("wait web --state stopped --json").status, 0);
    let late = world.svc("wait FILE --wait 0.5");
    assert_eq!((late.status, late.out.as_str()), (Status::TimeOut as u8, "db: RUNNING, pid 101\n"));
    let expected =
        "error: cannot wait for service \"web\": it is still STOPPED after 500ms (258 WAIT_TIMEOUT)\n";
    assert!(late.err.starts_with(expected), "{}", late.err);
    assert!(late.err.ends_with("1 of 2 running, 1 failed\n"), "{}", late.err);
    assert_eq!(world.svc("wait ghost").status, Status::NoSuchService as u8);
    assert_eq!(world.svc("wait ghost --state gone").out, "ghost: gone\n");
    let late = world.svc("wait web --state gone --wait 0");
    assert_eq!(late.status, Status::TimeOut as u8);
    assert!(
        late.err.starts_with("error: cannot wait for service \"web\": it is installed (258"),
        "{}",
        late.err
    );
    assert!(world.journal().iter().all(|entry| !entry.starts_with("stop")), "nothing is done");
}

#[test]
fn a_service_is_ready_when_its_host_says_so_and_one_that_stopped_is_not_waited_for() {
    let world = World::new();
    world.file("service.toml", TWO);
    world.svc("install FILE");
    let never = world.svc("wait web --state ready --timeout 9");
    let expected =
        "error: cannot wait for service \"web\": it is not ready after 9s: it was not started yet (258";
    assert_eq!(never.status, Status::TimeOut as u8, "{}", never.err);
    assert!(never.err.starts_with(expected), "{}", never.err);
    world.svc("start FILE");
    assert_eq!(world.svc("wait web --state ready").out, "web: RUNNING, pid 101\n");
    world.scm.contents().services.get_mut("web").unwrap().host.ready = false;
    let late = world.svc("wait * --state ready --wait 0 --json");
    assert_eq!(late.status, Status::TimeOut as u8);
    let ready: Value = serde_json::from_str(&late.out).unwrap();
    assert_eq!((ready.as_array().unwrap().len(), &ready[0]["name"]), (1, &"db".into()));
    let told: Value = serde_json::from_str(late.err.lines().next().unwrap()).unwrap();
    let cause = "it is not ready after 0ns: its program runs, but is not ready";
    assert!(told["error"]["message"].as_str().unwrap().contains(cause), "{told}");
    world.svc("stop web");
    let over = world.svc("wait web --state ready");
    assert_eq!(over.status, Status::ServiceFailed as u8);
    let expected = "error: cannot wait for service \"web\": it stopped without an error (1062";
    assert!(over.err.starts_with(expected), "{}", over.err);
    assert_eq!(world.svc("wait ghost --state ready").status, Status::NoSuchService as u8);
}

#[test]
fn a_service_control_manager_that_can_not_tell_all_at_once_is_asked_in_pieces() {
    let world = World::new();
    world.file("service.toml", TWO);
    world.svc("up FILE");
    let told = world.svc("list");
    world.scm.contents().has_no_overview = true;
    assert_eq!(world.svc("list").out, told.out);
}
