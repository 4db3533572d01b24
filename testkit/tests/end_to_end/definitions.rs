//! Definitions that can't be carried out are refused, with the place and what would be right, before anything is changed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use svckit_core::status::ServiceState;
use svckit_testkit::svc::Svc;

use crate::reaches;

/// A definition that is refused, and what the message has to hold.
struct Refused {
    text: &'static str,
    said: &'static [&'static str],
}

const REFUSED: &[Refused] = &[
    Refused {
        text: "[service.web]\nrun = \"sleep 1\"\nstrat = \"auto\"\n",
        said: &["bad.toml:3:1", "strat", "start"],
    },
    Refused {
        text: "[service.web]\nrun = \"sleep 1\"\n[service.web.restart]\ndealy = \"1s\"\n",
        said: &[":4:1", "delay"],
    },
    Refused { text: "[service.web]\nrun = 5\n", said: &["bad.toml:2:7", "run"] },
    Refused {
        text: "[service.web]\nrun = \"sleep 1\"\nstart = \"sometimes\"\n",
        said: &["bad.toml:3:9", "manual"],
    },
    Refused { text: "[service.web]\nrun = [\"sleep\"\nstart = 1\n", said: &["bad.toml:"] },
    Refused { text: "[service.\"a/b\"]\nrun = \"sleep 1\"\n", said: &["bad.toml:1:", "'/'"] },
    Refused {
        text: "[service.a]\nrun = \"sleep 1\"\ndepends-on = [\"b\"]\n[service.b]\nrun = \"sleep 1\"\ndepends-on = [\"a\"]\n",
        said: &["bad.toml:", "circle"],
    },
    Refused {
        text: "[service.web]\nrun = \"sleep 1\"\ndepends-on = [\"nowhere\"]\n",
        said: &["bad.toml:3:", "nowhere"],
    },
    Refused {
        text: "[service.web]\nrun = [\"/no/such/program\"]\n",
        said: &["bad.toml:2:", "/no/such/program"],
    },
    Refused {
        text: "[service.web]\nrun = \"sleep 1\"\ndirectory = \"no-such-folder\"\n",
        said: &["bad.toml:3:", "no-such-folder"],
    },
    Refused { text: "[service.web]\nrun = [\"./notes.txt\"]\n", said: &["bad.toml:2:", "notes.txt"] },
];

#[test]
fn a_bad_definition_is_refused_before_anything_is_changed() {
    let svc = Svc::new();
    fs::write(svc.folder().join("notes.txt"), "no program").unwrap();
    for Refused { text, said } in REFUSED {
        let file = svc.write("bad.toml", text);
        for verb in ["up", "install"] {
            let output = svc.run(&[verb, file.to_str().unwrap()]);
            assert!(!output.status.success(), "svc {verb} took it:\n{text}");
            for part in *said {
                assert!(
                    output.stderr.contains(part),
                    "{part:?} is not said of\n{text}\nbut\n{}",
                    output.stderr
                );
            }
        }
    }
    assert_eq!(svc.json(&["list"]).as_array().unwrap().len(), 0);
}

#[test]
fn a_program_that_vanished_after_it_was_installed_is_named_when_it_is_started() {
    let svc = Svc::new();
    let program = svc.folder().join("vanishing");
    fs::copy("/bin/sleep", &program).unwrap();
    let file = svc.write("web.toml", &format!("[service.web]\nrun = [{program:?}, \"1000\"]\n"));
    svc.ok(&["install", file.to_str().unwrap()]);
    fs::remove_file(&program).unwrap();
    let output = svc.run(&["start", "web"]);
    assert!(!output.status.success());
    assert!(output.stderr.contains(program.to_str().unwrap()), "{}", output.stderr);
    let status = svc.status("web");
    assert_eq!((&status["state"], &status["win32_exit_code"]), (&"STOPPED".into(), &2.into()));
}

#[test]
fn relative_paths_are_those_of_the_definition_and_blanks_quotes_and_all_of_unicode_go() {
    let svc = Svc::new();
    let folder = svc.folder().join("Gr\u{fc}\u{df}e \u{4f60}\u{597d} \u{1F600}");
    fs::create_dir_all(folder.join("wo'rk")).unwrap();
    let script = "#!/bin/sh\npwd\nprintf '<%s>' \"$@\"\n";
    let program = folder.join("wo'rk/pr\u{f6} \"gram");
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let words = ["a b", "", "say \"hi\"", "\u{20ac}\\", "$HOME", "*"];
    let quoted = words.map(|word| serde_json::to_string(word).unwrap()).join(", ");
    let lines = [
        "[service.'w\u{f6}rter']".to_owned(),
        format!("run = [\"./pr\u{f6} \\\"gram\", {quoted}]\ndirectory = \"wo'rk\""),
        "restart = { when = 'never' }\nlog = { file = 'l\u{f6} g.txt' }".to_owned(),
    ];
    let file = folder.join("service.toml");
    fs::write(&file, lines.join("\n")).unwrap();
    svc.ok(&["install", file.to_str().unwrap()]);
    svc.run(&["start", "w\u{f6}rter"]);
    reaches(&svc, "w\u{f6}rter", ServiceState::STOPPED);
    let expected: String = words.iter().map(|word| format!("<{word}>")).collect();
    let output = fs::read_to_string(folder.join("l\u{f6} g.txt")).unwrap();
    assert_eq!(output, format!("{}\n{expected}", folder.join("wo'rk").display()));
    assert_eq!(svc.ok(&["logs", "w\u{f6}rter"]), output);
}
