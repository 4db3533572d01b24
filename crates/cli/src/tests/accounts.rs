//! Accounts, and rights that are missing, as they are with Windows.

use svckit_core::win32::Win32Error;
use svckit_recipe::Platform;

use super::{WEB, World};
use crate::failure::Status;

fn windows() -> World {
    let world = World { platform: Platform::Windows, ..World::new() };
    world.file("service.toml", WEB);
    world.scm.contents().target = Some("windows");
    world
}

fn account(world: &World) -> String {
    world.scm.contents().services["web"].config.account.clone().unwrap()
}

#[test]
fn a_user_gets_the_right_to_log_on_and_that_is_said() {
    let world = windows();
    let ran = world.svc("install FILE --username ann --password secret");
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert_eq!(ran.out, "granted .\\ann the right to log on as a service\ninstalled web\n");
    assert_eq!(world.journal()[0], r"grant .\ann");
    assert_eq!(account(&world), r".\ann");
    // It has it; nothing is said, and nothing is asked for when nothing changes.
    let again = world.svc("update FILE --username ANN --password other");
    assert_eq!(again.out, "updated web: the account\n");
    world.journal();
    assert_eq!(world.svc("update FILE").out, "web is as the file says; nothing to change\n");
    assert_eq!(world.journal(), Vec::<String>::new());
}

#[test]
fn accounts_without_a_password() {
    for (written, stored, granted) in [
        ("LocalService", r"NT AUTHORITY\LocalService", false),
        ("localsystem", "LocalSystem", false),
        (r"NT SERVICE\web", r"NT SERVICE\web", false),
        (r"DOM\web$", r"DOM\web$", true),
    ] {
        let world = windows();
        world.file("service.toml", &format!("{WEB}account = '{written}'\n"));
        let ran = world.svc("install FILE");
        assert_eq!(ran.status, 0, "{written}: {}", ran.err);
        assert_eq!(account(&world), stored);
        assert_eq!(world.journal()[0].starts_with("grant"), granted, "{written}");
        let ran = world.svc("update FILE --password secret");
        assert_eq!(ran.status, Status::Usage as u8, "{written}");
        assert!(ran.err.contains("has no password that anybody knows"), "{}", ran.err);
    }
}

#[test]
fn a_user_needs_a_password_exactly_when_the_account_changes() {
    let world = windows();
    let ran = world.svc("install FILE --username ann");
    assert_eq!(ran.status, Status::Usage as u8);
    assert!(
        ran.err.ends_with(
            "hint: svc up, install and update read it from standard input with --password-stdin; or the definition says where it is: password = { file = \"…\" }\n"
        ),
        "{}",
        ran.err
    );
    assert_eq!(world.journal(), Vec::<String>::new());
    assert_eq!(world.svc("install FILE --username ann --password secret").status, 0);
    assert_eq!(world.svc("update FILE --username ann --startup auto").status, 0);
    assert_eq!(world.svc(r"update FILE --username DOM\bob").status, Status::Usage as u8);
    assert_eq!(world.svc("update FILE --username LocalSystem").status, 0);
}

#[test]
fn without_the_right_to_grant_nothing_is_installed() {
    let world = windows();
    for (code, status) in [
        (Win32Error::ACCESS_DENIED, Status::AccessDenied),
        (Win32Error::INVALID_SERVICE_ACCOUNT, Status::AccessDenied),
    ] {
        world.scm.contents().sabotage = Some((r"grant .\ann".to_owned(), code));
        let ran = world.svc("install FILE --username ann --password secret");
        assert_eq!(ran.status, status as u8);
        assert!(ran.err.contains("\nhint: ") && !ran.err.contains("secret\n"), "{}", ran.err);
        assert!(world.scm.contents().services.is_empty());
    }
    world.scm.contents().sabotage = Some((r"grant .\ann".to_owned(), Win32Error::NOT_SUPPORTED));
    let ran = world.svc("install FILE --username ann --password secret");
    assert_eq!(ran.status, 0);
    assert!(ran.err.contains("it may have to be granted by other means"), "{}", ran.err);
}

#[test]
fn who_is_no_administrator_is_told_what_to_do() {
    let world = windows();
    world.scm.contents().sabotage = Some(("create web".to_owned(), Win32Error::ACCESS_DENIED));
    let ran = world.svc("install FILE");
    assert_eq!(ran.status, Status::AccessDenied as u8);
    assert!(ran.err.contains("(5 ERROR_ACCESS_DENIED)"), "{}", ran.err);
    assert!(
        ran.err
            .ends_with("hint: this takes an administrator: open the console by \"Run as administrator\"\n"),
        "{}",
        ran.err
    );
}
