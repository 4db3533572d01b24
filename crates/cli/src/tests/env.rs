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
    assert!(world.svc("env web").err.contains("svckit did not make it"));
}
