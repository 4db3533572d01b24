//! What environment a program gets, and where it comes from.

use serde_json::{Value, json};

use super::{WEB, World};
use crate::failure::Status;

const ENV: &str = "[service.web]\nrun = 'sh'\nenvironment-file = 'web.env'\n\
                   environment = { PORT = '80', DB_PASSWORD = 'hunter2' }\n";

#[test]
fn later_sources_win_and_secrets_are_not_shown() {
    let world = World::new();
    world.file("web.env", "PORT=1\nLANG=de\nAPI_TOKEN=abc\n");
    world.file("service.toml", ENV);
    world.svc("install FILE");
    let ran = world.svc("env web");
    let file = world.folder.path().join("web.env");
    let file = file.to_str().unwrap();
    let rows: Vec<Vec<&str>> = ran.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        rows,
        [
            ["NAME", "FROM", "VALUE"],
            ["API_TOKEN", file, "***"],
            ["DB_PASSWORD", "definition", "***"],
            ["HOME", "system", "/root"],
            ["LANG", file, "de"],
            ["PORT", "definition", "80"],
            ["ZONE", "service", "inner"],
        ]
    );
    for line in ["env web --json", "env FILE --json"] {
        let told: Value = serde_json::from_str(&world.svc(line).out).unwrap();
        assert_eq!(
            told[1],
            json!({ "name": "DB_PASSWORD", "value": "***", "secret": true, "from": "definition", "file": null })
        );
        assert_eq!(
            told[3],
            json!({ "name": "LANG", "value": "de", "secret": false, "from": "file", "file": file })
        );
    }
}

#[test]
fn what_belongs_to_the_account_wins_over_what_is_inherited() {
    let world = World::new();
    world.file("service.toml", &format!("{WEB}account = 'ann'\n"));
    let told: Value = serde_json::from_str(&world.svc("env FILE --json").out).unwrap();
    assert_eq!(
        told[0],
        json!({ "name": "HOME", "value": "/home/ann", "secret": false, "from": "account", "file": null })
    );
}

#[test]
fn what_can_not_be_told_is_an_error() {
    let world = World::new();
    let env = world.file("web.env", "nonsense\n");
    world.file("service.toml", ENV);
    world.svc("install FILE");
    let ran = world.svc("env web");
    assert!(ran.status != 0 && ran.err.contains(&format!("{}:1: ", env.display())), "{}", ran.err);
    assert_eq!(world.svc("env ghost").status, Status::NoSuchService as u8);
    world.scm.contents().services.get_mut("web").unwrap().definition = None;
    assert!(world.svc("env web").err.contains("svckit does not host it"));
}

#[test]
fn what_this_machine_has_is_not_told_of_another() {
    let world = World { is_elsewhere: true, ..World::new() };
    world.file("service.toml", WEB);
    world.svc("install FILE");
    for (line, hint) in [
        ("env web", "run svc env on that machine; svc show web has the names that the definition says\n"),
        ("env FILE", "run svc env on that machine\n"),
    ] {
        let ran = world.svc(line);
        assert_eq!((ran.status, ran.out.as_str()), (Status::Failure as u8, ""), "{line}");
        let told = "error: cannot show environment of service \"web\": its variables are those of its own machine, of the account and the files there, of which nothing is known here (50 ERROR_NOT_SUPPORTED)\n";
        assert!(ran.err.starts_with(told) && ran.err.ends_with(hint), "{}", ran.err);
    }
    world.scm.contents().services.get_mut("web").unwrap().definition = None;
    let ran = world.svc("env web");
    assert!(
        ran.err.ends_with("here (50 ERROR_NOT_SUPPORTED)\nhint: run svc env on that machine\n"),
        "{}",
        ran.err
    );
    assert_eq!(world.svc("env ghost").status, Status::NoSuchService as u8);
}
