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
    let ran = world.svc("start ghost db phantom");
    assert_eq!(ran.status, Status::NoSuchService as u8);
    assert_eq!(ran.out, "db: RUNNING, pid 101\n");
    let errors: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("error: ")).collect();
    assert!(errors.len() == 2 && errors[0].contains("ghost") && errors[1].contains("phantom"), "{}", ran.err);

    world.scm.contents().sabotage = Some(("stop web".to_owned(), Win32Error::ACCESS_DENIED));
    world.svc("start web");
    let ran = world.svc("stop web ghost");
    assert_eq!(ran.status, Status::NoSuchService as u8, "the last comes first: {}", ran.err);
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
    let ran = world.svc("restart FILE");
    assert_eq!(ran.status, Status::AccessDenied as u8);
    assert_eq!(ran.out, "b: RUNNING, pid 101\n");
    assert_eq!(world.journal(), ["stop b", "stop a", "start b"]);
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
    assert_eq!((ran.status, ran.out.as_str()), (Status::MarkedForDeletion as u8, "removed db\n"));
    let expected = "error: cannot delete service \"web\": it is marked for deletion: process 4711 has it open 2 times (1072";
    assert!(ran.err.starts_with(expected), "{}", ran.err);
}

#[test]
fn one_object_for_each_failure() {
    let world = World::new();
    let ran = world.svc("start ghost phantom --json");
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
