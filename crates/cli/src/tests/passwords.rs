//! Passwords of accounts that the definition tells the place of.

use std::os::unix::fs::PermissionsExt;

use svckit_core::secret::Secret;
use svckit_recipe::Platform;

use super::{WEB, World};
use crate::failure::Status;

const SECRET: &str = "correct-horse-battery";

/// A service under an account, whose definition says where the password is.
fn with_password(account: &str, source: &str) -> World {
    let world = World { platform: Platform::Windows, ..World::new() };
    world.scm.contents().directory = Some(world.folder.path().join("state"));
    define(&world, account, source);
    world
}

fn define(world: &World, account: &str, source: &str) {
    world.file("service.toml", &format!("{WEB}account = '{account}'\npassword = {source}\n"));
}

fn secret(world: &World, name: &str, mode: u32) {
    let path = world.file(name, &format!("{SECRET}\n"));
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The passwords that came with calls since it was last asked.
fn passwords(world: &World) -> Vec<Option<Secret>> {
    std::mem::take(&mut world.scm.contents().passwords)
}

#[test]
fn a_password_is_looked_up_when_something_tells_that_it_may_be_another() {
    let world = with_password("ann", "{ file = 'pw' }");
    secret(&world, "pw", 0o600);
    let set = [Some(Secret::from(SECRET))];
    assert_eq!(world.svc("plan FILE").status, Status::Different as u8);
    assert_eq!(world.svc("apply FILE").status, 0);
    assert_eq!(passwords(&world), set);
    // Nothing is to be done, so nobody looks: it may be away.
    std::fs::remove_file(world.folder.path().join("pw")).unwrap();
    for verb in ["plan", "diff", "apply", "update"] {
        assert_eq!(world.svc(&format!("{verb} FILE")).status, 0, "{verb}");
    }
    assert_eq!(passwords(&world), []);
    // Another place, another account, or asked for.
    secret(&world, "new", 0o600);
    define(&world, "ann", "{ file = 'new' }");
    assert!(world.svc("plan FILE").out.contains("\n    definition.account_password.file: "));
    assert_eq!(world.svc("apply FILE").status, 0);
    assert_eq!(passwords(&world), set);
    define(&world, "bob", "{ file = 'new' }");
    assert_eq!(world.svc("update FILE").status, 0);
    assert_eq!(passwords(&world), set);
    assert_eq!(world.svc("update FILE --renew-password").out, "updated web: the account\n");
    assert_eq!(passwords(&world), set);
    assert!(world.svc("apply FILE").out.ends_with("nothing to do\n"));
}

#[test]
fn apply_renews_passwords_when_asked_to_and_lets_what_runs_run() {
    let world = with_password("ann", "{ file = 'pw' }");
    let both = format!("{WEB}account = 'ann'\npassword = {{ file = 'pw' }}\n[service.other]\nrun = 'sh'\n");
    world.file("service.toml", &both);
    secret(&world, "pw", 0o600);
    assert_eq!(world.svc("apply FILE --renew-password").status, 0, "also one that is new");
    assert_eq!(passwords(&world), [Some(Secret::from(SECRET)), None]);
    assert_eq!(world.svc("start web").status, 0);
    world.journal();
    let ran = world.svc("apply FILE --renew-password");
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (0, "updated web: the account\n", ""));
    assert_eq!(passwords(&world), [Some(Secret::from(SECRET))]);
    assert_eq!(world.journal(), [r"grant .\ann", "config web"]);
    std::fs::remove_file(world.folder.path().join("pw")).unwrap();
    assert_eq!(world.svc("apply FILE --renew-password").status, Status::Usage as u8);
    assert_eq!(world.journal(), [""; 0]);
}

#[test]
fn a_password_is_told_by_nothing() {
    let world = with_password("ann", "{ file = 'pw' }");
    secret(&world, "pw", 0o600);
    let mut told = String::new();
    for line in [
        "plan FILE -v",
        "diff FILE --json",
        "install FILE",
        "show web",
        "show web --json",
        "export web",
        "lint FILE",
        "plan FILE --json -v",
        "status web --json",
        "update FILE --renew-password -v",
        "events web",
    ] {
        let ran = world.svc(line);
        told.push_str(&ran.out);
        told.push_str(&ran.err);
    }
    assert!(!told.contains(SECRET), "{told}");
    let place = world.folder.path().join("pw");
    let export = world.svc("export web");
    assert!(export.out.contains(&format!("password = {{ file = {place:?} }}")), "{}", export.out);
    assert_eq!(export.err, "", "no password will be asked for");
    assert!(world.svc("show web").out.contains(&format!("in {}", place.display())));
}

#[test]
fn a_password_that_can_not_be_had_changes_nothing() {
    for (source, mode, status, told) in [
        ("{ file = 'pw' }", 0o604, Status::Usage, "everybody may read or change it"),
        ("{ file = 'none' }", 0o600, Status::Usage, "none can't be used: no such file or directory (2 "),
        (
            "{ environment = 'SVCKIT_NONE' }",
            0o600,
            Status::Usage,
            "the variable SVCKIT_NONE is not set (203 ",
        ),
        ("{ credential = 'x' }", 0o600, Status::Usage, "the credential \"x\" can't be used: "),
    ] {
        let world = with_password("ann", source);
        secret(&world, "pw", mode);
        for verb in ["apply", "install", "up"] {
            let ran = world.svc(&format!("{verb} FILE"));
            assert_eq!(ran.status, status as u8, "{verb} {source}: {}", ran.err);
            assert!(ran.err.contains(told) && !ran.err.contains(SECRET), "{}", ran.err);
        }
        assert_eq!(world.journal(), [""; 0], "{source}");
    }
    for account in ["LocalSystem", "LocalService", r"NT SERVICE\web", r"DOM\web$"] {
        let ran = with_password(account, "{ environment = 'PATH' }").svc("apply FILE");
        assert_eq!(ran.status, Status::Usage as u8, "{account}");
        assert!(ran.err.contains("has no password that anybody knows"), "{}", ran.err);
    }
}

#[test]
fn a_password_in_a_variable() {
    let world = with_password("ann", "{ environment = 'PATH' }");
    assert_eq!(world.svc("install FILE").status, 0);
    assert_eq!(passwords(&world), [std::env::var("PATH").ok().map(Secret::from)]);
}
