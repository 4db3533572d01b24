//! Definitions for another machine, of which nothing is known here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::World;
use crate::failure::Status;

/// A program and a folder that aren't here.
const SHOP: &str = "[service.shop]\nrun = ['/opt/shop/no-such-program']\ndirectory = '/opt/no-such-folder'\n";

fn world(is_elsewhere: bool) -> World {
    let world = World { is_elsewhere, ..World::new() };
    world.file("service.toml", SHOP);
    world
}

#[test]
fn what_is_not_here_may_be_there_and_its_program_hosts_the_service() {
    assert_eq!(world(false).svc("install FILE").status, Status::Usage as u8);
    let world = world(true);
    let ran = world.svc("install FILE");
    assert_eq!(ran.status, 0, "{}", ran.err);
    let contents = world.scm.contents();
    let shop = &contents.services["shop"];
    assert_eq!(shop.config.image_path.as_str(), "/usr/local/bin/svc host run");
    assert_eq!(shop.definition.as_ref().unwrap().program.command, ["/opt/shop/no-such-program"]);
    drop(contents);
    assert_eq!(world.svc("plan FILE").status, 0);
}

#[test]
fn another_windows_hosts_nothing_and_that_is_told_before_anything_is_done() {
    let world = world(true);
    let path = world.file("service.toml", &format!("{SHOP}[service.db]\nbinary-path = 'C:\\db.exe'\n"));
    world.scm.contents().has_no_native = true;
    for line in ["install FILE", "up FILE", "update FILE", "plan FILE", "apply FILE", "diff FILE"] {
        let ran = world.svc(line);
        assert_eq!((ran.status, ran.out.as_str()), (Status::Usage as u8, ""), "{line}");
        let shown = ran.err.replace(path.to_str().unwrap(), "FILE");
        assert_eq!(
            shown,
            "error: \"shop\" can't be hosted on fake: what svckit is to run there can't be stored from afar, for Windows has no call for it\n --> FILE:2:7\n\
             2 | run = ['/opt/shop/no-such-program']\n  |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n\
             hint: write binary-path in place of run, if the program is a service itself; for any other run svc on that machine\n",
            "{line}"
        );
    }
    assert_eq!(world.journal(), Vec::<String>::new());
}

#[test]
fn who_is_not_let_in_tries_once_since_an_account_may_be_locked_after_a_few() {
    for line in [
        "list",
        "status",
        "status a",
        "show a",
        "logs a",
        "events",
        "env a",
        "start a b c",
        "stop a",
        "restart a",
        "remove a",
        "wait a",
        "export",
        "doctor",
        "up FILE",
        "install FILE",
        "plan FILE",
        "apply FILE",
        "down FILE",
    ] {
        let tries = Arc::new(AtomicU32::new(0));
        let world = World { refused: Some(Arc::clone(&tries)), ..world(true) };
        let ran = world.svc(line);
        // What doctor finds is that nobody can be asked.
        let status = if line == "doctor" { Status::Unwell } else { Status::AccessDenied };
        assert_eq!((ran.status, tries.load(Ordering::Relaxed)), (status as u8, 1), "{line}: {}", ran.err);
    }
}
