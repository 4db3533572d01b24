//! What is said about definitions before anything is done.

use std::net::TcpListener;

use serde_json::Value;
use svckit_core::limits::Limits;

use super::{WEB, World};
use crate::failure::Status;

/// The findings without their places: `warning port-in-use`.
fn rules(world: &World, text: &str) -> Vec<String> {
    world.file("service.toml", text);
    let told: Value = serde_json::from_str(&world.svc("lint FILE --json").out).unwrap();
    let all = told.as_array().unwrap().iter();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    all.map(|finding| format!("{} {}", word(&finding["severity"]), word(&finding["rule"]))).collect()
}

#[test]
fn a_clean_definition_has_nothing_to_say() {
    let world = World::new();
    world.file("service.toml", WEB);
    let ran = world.svc("lint FILE");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(ran.out.ends_with("service.toml: nothing to say\n"), "{}", ran.out);
    assert_eq!(world.svc("lint FILE --json --strict").out, "[]\n");
    assert!(world.journal().is_empty());
}

#[test]
fn a_warning_is_told_and_only_strictly_a_failure() {
    let world = World::new();
    world.file("service.toml", &format!("{WEB}[service.web.log]\nkeep = {{ count = 3 }}\n"));
    let ran = world.svc("lint FILE");
    assert_eq!(ran.status, 0);
    let file = world.folder.path().join("service.toml");
    assert_eq!(
        ran.err,
        format!(
            "warning[keep-without-rotate]: the log is never rotated, so there is nothing for keep to count\n \
             --> {}:4:14\n4 | [service.web.log]\n  |              ^^^\nhint: write rotate = {{ size = \"10MB\" }} as well\n",
            file.display()
        )
    );
    assert!(ran.out.ends_with("service.toml: 1 warning\n"), "{}", ran.out);
    assert_eq!(world.svc("lint FILE --strict").status, Status::Usage as u8);
}

#[test]
fn a_limit_that_this_machine_can_not_keep_is_told_before_the_start() {
    let world = World::new();
    let limits = Limits { processes: Some(9), ..Limits::default() };
    let expected: &[&str] =
        if svckit_host::refuse_limits(&limits).is_some() { &["warning limit-not-here"] } else { &[] };
    assert_eq!(rules(&world, &format!("{WEB}[service.web.limits]\nprocesses = 9\n")), expected);
}

#[test]
fn everything_that_is_wrong_is_told_in_the_order_of_the_file() {
    let world = World::new();
    let text = "[service.web]\nrun = ['./no-such']\ndirectory = '.'\nstart = 'delayed'\nenvironment-file = 'none.env'\n\
                environment = { DB_PASSWORD = 'hunter2' }\nwindows.group = 'Web'\n";
    assert_eq!(
        rules(&world, text),
        ["error program", "error delayed-in-group", "error environment-file", "warning secret-variable"]
    );
    let ran = world.svc("lint FILE");
    assert_eq!(ran.status, Status::Usage as u8);
    assert!(ran.out.ends_with("service.toml: 3 errors, 1 warning\n"), "{}", ran.out);
    let shown = "6 |                 DB_PASSWORD = …\n  |                 ^^^^^^^^^^^\n";
    assert!(ran.err.contains(shown) && !ran.err.contains("hunter2"), "{}", ran.err);
}

#[test]
fn what_is_no_definition_has_its_mistakes() {
    let world = World::new();
    world.file("service.toml", "[service.web]\nrun = 'sh'\nstrat = 'auto'\nlog = 5\n");
    let ran = world.svc("lint FILE --json");
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(told.as_array().unwrap().len(), 2);
    let first = &told[0];
    assert_eq!(
        (&first["rule"], &first["line"], &first["column"]),
        (&"definition".into(), &3.into(), &1.into())
    );
    assert_eq!((&first["service"], &first["help"]), (&Value::Null, &"did you mean \"start\"?".into()));
    assert_eq!((ran.status, ran.err.as_str()), (Status::Usage as u8, ""));
}

#[test]
fn several_definitions_have_their_turn() {
    let world = World::new();
    world.file("service.toml", "[service.web]\nrun = 5\n");
    let good = world.file("good.toml", WEB);
    let ran = world.svc(&format!("lint FILE {}", good.display()));
    assert_eq!(ran.status, Status::Usage as u8);
    let summaries: Vec<_> = ran.out.lines().map(|line| line.rsplit_once(": ").unwrap().1).collect();
    assert_eq!(summaries, ["1 error", "nothing to say"]);
}

#[test]
fn a_port_that_is_taken() {
    let world = World::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let ready = |host: &str| {
        format!("{WEB}[service.web.ready]\ntcp = '{host}:{}'\n", taken.local_addr().unwrap().port())
    };
    assert_eq!(rules(&world, &ready("127.0.0.1")), ["warning port-in-use"]);
    assert_eq!(rules(&world, &ready("localhost")), ["warning port-in-use"]);
    assert_eq!(rules(&world, &ready("db.invalid")), Vec::<String>::new());
    let text = ready("127.0.0.1");
    drop(taken);
    assert_eq!(rules(&world, &text), Vec::<String>::new());
}

#[cfg(unix)]
mod files {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    fn allow(file: &Path, mode: u32) {
        fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn secrets_that_everybody_can_read() {
        let world = World::new();
        let file = world.file("secret.env", "A=1\n");
        let text = format!("{WEB}environment-file = 'secret.env'\n");
        allow(&file, 0o644);
        assert_eq!(rules(&world, &text), ["warning environment-file-readable"]);
        allow(&file, 0o640);
        assert_eq!(rules(&world, &text), Vec::<String>::new());
    }

    #[test]
    fn programs_that_everybody_can_replace() {
        let world = World::new();
        let program = world.file("web", "#!/bin/sh\n");
        let text = "[service.web]\nrun = './web'\n";
        allow(&program, 0o755);
        assert_eq!(rules(&world, text), Vec::<String>::new());
        allow(&program, 0o757);
        assert_eq!(rules(&world, text), ["warning program-writable"]);
        allow(&program, 0o755);
        allow(world.folder.path(), 0o777);
        assert_eq!(rules(&world, text), ["warning program-writable"]);
        // In a folder like /tmp nobody may replace the file of another.
        allow(world.folder.path(), 0o1777);
        assert_eq!(rules(&world, text), Vec::<String>::new());
    }

    /// What is found about a program of these bytes.
    fn of_program(bytes: &[u8]) -> Vec<String> {
        let world = World::new();
        let program = world.folder.path().join("web");
        fs::write(&program, bytes).unwrap();
        allow(&program, 0o755);
        rules(&world, "[service.web]\nrun = './web'\n")
    }

    #[test]
    fn scripts_whose_interpreter_is_not_found() {
        for wrong in [
            "#!/bin/sh\r\necho\r\n",
            "#!/no/such/interpreter\n",
            "#!/usr/bin/env no-such-program-anywhere\n",
            "\u{feff}#!/bin/sh\n",
        ] {
            assert_eq!(of_program(wrong.as_bytes()), ["error script-interpreter"], "{wrong:?}");
        }
        for right in ["#!/bin/sh\n", "#! /usr/bin/env -S sh -e\n"] {
            assert_eq!(of_program(right.as_bytes()), Vec::<String>::new(), "{right:?}");
        }
    }

    #[test]
    fn programs_that_this_machine_does_not_run() {
        assert_eq!(of_program(b""), ["error program-format"]);
        assert_eq!(of_program(b"echo hello\n"), ["warning program-format"]);
        let own = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(of_program(&own), Vec::<String>::new());
        let mut other = own.clone();
        // `e_machine`: SPARC.
        other[18..20].copy_from_slice(&[2, 0]);
        let expected: &[&str] = if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
            &["warning program-machine"]
        } else {
            &[]
        };
        assert_eq!(of_program(&other), expected);
        let loader = own.windows(7).position(|piece| piece == b"/ld-lin").unwrap();
        let mut elsewhere = own;
        elsewhere[loader + 1] = b'X';
        assert_eq!(of_program(&elsewhere), ["error program-loader"]);
    }

    #[test]
    fn paths_with_blanks() {
        let world = World::new();
        let short = world.file("my", "#!/bin/sh\n");
        let long = world.file("my web", "#!/bin/sh\n");
        allow(&long, 0o755);
        let text = "[service.web]\nrun = './my web --port 80'\n";
        world.file("service.toml", text);
        allow(&short, 0o755);
        assert_eq!(rules(&world, text), ["warning ambiguous-program"]);
        fs::remove_file(short).unwrap();
        let ran = world.svc("lint FILE");
        let hint = format!("hint: for {} write it as one string of the list, or quoted\n", long.display());
        assert!(
            ran.err.starts_with("error[program]: there is no program ") && ran.err.ends_with(&hint),
            "{}",
            ran.err
        );
    }

    #[test]
    fn names_that_mean_another_program_elsewhere() {
        let world = World::new();
        let up = "../".repeat(std::env::current_dir().unwrap().components().count());
        let text = |folder: &str| format!("[service.web]\nrun = 'sh'\nenvironment.PATH = '{folder}bin'\n");
        assert_eq!(rules(&world, &text(&up)), ["warning program-by-relative-path"]);
        assert_eq!(rules(&world, &text("/")), Vec::<String>::new());
    }
}

#[test]
fn ports_are_told_with_who_listens() {
    let world = World::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    world.file("service.toml", &format!("{WEB}[service.web.ready]\ntcp = '127.0.0.1:{port}'\n"));
    let told = world.svc("lint FILE").err;
    let who = format!("(process {}) accepts connections at 127.0.0.1:{port} already", std::process::id());
    assert!(told.contains(&who), "{told}");
}

#[test]
fn addresses_that_nobody_can_connect_to() {
    let world = World::new();
    let expected: &[&str] = if cfg!(windows) { &["error ready-address"] } else { &[] };
    assert_eq!(rules(&world, &format!("{WEB}ready.tcp = '0.0.0.0:9'\n")), expected);
    let expected: &[&str] = if cfg!(windows) { &["warning request-address"; 3] } else { &[] };
    let asked = "stop.ladder = [{ http = 'http://0.0.0.0:9/stop', wait = '1s' }, { ctrl-c = '1s' }]\n\
                 controls = { 200 = { http = 'http://0.0.0.0:9/' }, resume = { http = 'http://0.0.0.0:9/' } }\n";
    assert_eq!(rules(&world, &format!("{WEB}{asked}")), expected);
}

#[test]
fn folders_of_files_that_nobody_makes() {
    let world = World::new();
    let text = |file: &str| format!("{WEB}ready.file = '{file}'\n");
    assert_eq!(rules(&world, &text("up")), Vec::<String>::new());
    assert_eq!(rules(&world, &text("run/up")), ["warning ready-folder"]);
}

#[test]
fn commands_beside_the_program_that_are_not_there() {
    let world = World::new();
    for (keys, count) in [
        ("hooks.pre-start = ['./none']", 1),
        ("ready.command = ['no-such-command']", 1),
        ("health.command = './none -q'", 1),
        ("stop.ladder = [{ command = ['./none'], wait = '5s' }, { ctrl-c = '5s' }]", 1),
        ("controls = { 200 = { command = ['./none'] }, 201 = { http = 'http://x/' } }", 1),
        ("hooks = { pre-start = [PROGRAM], post-stop = ['./none'] }", 1),
        ("ready.command = [PROGRAM, './none']", 0),
    ] {
        let keys = keys.replace("PROGRAM", &format!("{:?}", std::env::current_exe().unwrap()));
        let found = rules(&world, &format!("{WEB}{keys}\n"));
        assert_eq!(found, vec!["error command"; count], "{keys}");
    }
    world.file("service.toml", &format!("{WEB}hooks.on-crash = ['no-such-command']\n"));
    let told = world.svc("lint FILE").err;
    assert!(told.starts_with("error[command]: what the hook on-crash runs: "), "{told}");
}

#[test]
fn accounts_that_are_not_there() {
    let mut world = World::new();
    let text = |account: &str| format!("{WEB}account = '{account}'\nstop.ladder = [{{ ctrl-c = '5s' }}]\n");
    assert_eq!(rules(&world, &text("ghost")), ["error account"]);
    assert_eq!(rules(&world, &text("ann")), ["error account-right"]);
    assert_eq!(rules(&world, &text("LocalService")), Vec::<String>::new());
    world.scm.grant("ann").unwrap();
    assert_eq!(rules(&world, &text("ann")), Vec::<String>::new());
    world.platform = svckit_recipe::Platform::Windows;
    // The right is granted when the service is installed.
    assert_eq!(rules(&world, &text("bob")), Vec::<String>::new());
    assert_eq!(rules(&world, &text("ghost")), ["error account"]);
}

#[test]
fn lines_of_environment_files_that_are_none() {
    let world = World::new();
    world.file("web.env", "A=1\nnonsense\n");
    let found = rules(&world, &format!("{WEB}environment-file = 'web.env'\n"));
    assert!(found.contains(&"error environment-file".to_owned()), "{found:?}");
}
