//! Verbs on several service control managers at once.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use svckit_testkit::svc::{Output, Svc};

const WEB: &str = "[service.web]\nrun = ['sleep', 'inf']\n";

/// Several service control managers, and a file with all of them.
struct Fleet {
    all: Vec<Svc>,
}

impl Fleet {
    fn new(groups: &[&str]) -> Self {
        let all: Vec<Svc> = groups.iter().map(|_| Svc::new()).collect();
        let lines = all.iter().zip(groups).map(|(svc, group)| format!("[{group}]\n{}\n", target(svc)));
        all[0].write("hosts.txt", &lines.collect::<String>());
        all[0].write("web.toml", WEB);
        Self { all }
    }

    fn run(&self, machines: &str, arguments: &[&str]) -> Output {
        self.all[0].run(&[&["--scm", machines], arguments].concat())
    }

    /// The lines of JSON by the place of the machine, and that of all.
    fn json(&self, machines: &str, arguments: &[&str]) -> (Vec<Value>, Value) {
        let output = self.run(machines, &[arguments, &["--json"]].concat());
        let mut lines: Vec<Value> =
            output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let summary = lines.pop().unwrap()["summary"].clone();
        assert_eq!(summary["exit_status"], json!(output.code()), "{summary}");
        lines.sort_by_key(|line| self.all.iter().position(|svc| target(svc) == line["target"]));
        (lines, summary)
    }
}

fn target(svc: &Svc) -> String {
    format!("embedded:{}", svc.state().display())
}

#[test]
fn services_live_on_several_machines_and_each_tells_its_own() {
    let fleet = Fleet::new(&["front", "front", "back"]);
    let up = fleet.run("@hosts.txt", &["up", "web.toml"]);
    assert_eq!(up.code(), Some(0), "{up:?}");
    for svc in &fleet.all {
        assert_eq!(svc.status("web")["state"], "RUNNING");
        let begin = format!("{}: ", target(svc));
        assert!(
            up.stdout.lines().any(|line| line.starts_with(&begin) && line.contains("installed web")),
            "{up:?}"
        );
    }
    assert_eq!(up.stderr, "3 machines: 3 done\n");

    let stop = fleet.run("@hosts.txt#front", &["stop", "web"]);
    assert_eq!(stop.code(), Some(0), "{stop:?}");
    let states = |fleet: &Fleet| {
        let (lines, _) = fleet.json("@hosts.txt", &["status", "web"]);
        lines
            .iter()
            .map(|line| line["results"][0][0]["state"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(states(&fleet), ["STOPPED", "STOPPED", "RUNNING"]);

    fleet.all[0].write("web.toml", &WEB.replace("sleep", "tail").replace("inf", "-f', '/dev/null"));
    assert_eq!(fleet.run("@hosts.txt#back", &["apply", "web.toml"]).code(), Some(0));
    let (lines, summary) = fleet.json("@hosts.txt", &["plan", "web.toml"]);
    let statuses: Vec<_> = lines.iter().map(|line| line["exit_status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [11, 11, 0]);
    assert_eq!(
        (&summary["done"], &summary["different"], &summary["exit_status"]),
        (&json!(1), &json!(2), &json!(11))
    );

    let down = fleet.run("@hosts.txt", &["down", "web.toml"]);
    assert_eq!(down.code(), Some(0), "{down:?}");
    assert!(fleet.all.iter().all(|svc| svc.json(&["list"]) == json!([])));
}

#[test]
fn one_that_fails_is_told_by_name_and_the_others_go_on() {
    let fleet = Fleet::new(&["a", "a", "a"]);
    // In a folder that others may write, no service control manager begins.
    let broken = fleet.all[1].folder().join("state-of-all");
    fs::create_dir(&broken).unwrap();
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(&broken, permissions).unwrap();
    let broken = format!("embedded:{}", broken.display());
    let machines = format!("{},{broken},{}", target(&fleet.all[0]), target(&fleet.all[2]));
    let up = fleet.run(&machines, &["up", "web.toml"]);
    assert_eq!(up.code(), Some(13), "{up:?}");
    assert!(up.stderr.contains(&format!("{broken}: error: ")), "{up:?}");
    assert!(up.stderr.contains("3 machines: 2 done, 1 failed: "), "{up:?}");
    for svc in [&fleet.all[0], &fleet.all[2]] {
        assert_eq!(svc.status("web")["state"], "RUNNING");
    }
    let (_, summary) = fleet.json(&machines, &["list"]);
    assert_eq!(summary["failed"], json!([broken]));
}

#[test]
fn what_is_for_one_machine_or_for_none_is_told() {
    let fleet = Fleet::new(&["a", "a"]);
    for verb in [&["logs", "-f", "web"][..], &["events", "-f"], &["metrics"], &["scm", "serve"], &["top"]] {
        let refused = fleet.run("@hosts.txt", verb);
        assert_eq!(refused.code(), Some(2), "{verb:?}: {refused:?}");
        assert!(refused.stderr.starts_with("error: this is for one machine: "), "{refused:?}");
    }
    // Nobody is asked: the same as without machines.
    assert_eq!(fleet.run("@hosts.txt", &["lint", "web.toml"]).code(), Some(0));
    assert!(fleet.all.iter().all(|svc| !svc.state().exists()));
    // The low byte of the code of Windows, as of svc sc itself.
    let query = fleet.run("@hosts.txt", &["sc", "query", "web"]);
    assert_eq!(query.code(), Some(1060 & 0xff), "{query:?}");
    assert!(
        query.stderr.contains("2 machines: 0 done, 2 failed: ") && query.stderr.contains("(36)"),
        "{query:?}"
    );
}

#[test]
fn a_password_is_read_once_for_all() {
    let fleet = Fleet::new(&["a", "a"]);
    let user = Command::new("id").arg("-un").output().unwrap().stdout;
    let user = String::from_utf8(user).unwrap().trim().to_owned();
    let secret = fleet.all[0].write("secret", "hunter2\n");
    let mut command = fleet.all[0].command(&[
        "--scm",
        "@hosts.txt",
        "install",
        "web.toml",
        "--username",
        &user,
        "--password-stdin",
    ]);
    let installed = svckit_testkit::svc::finish({
        command.stdin(fs::File::open(secret).unwrap());
        command
    });
    assert_eq!(installed.code(), Some(0), "{installed:?}");
    for svc in &fleet.all {
        assert_eq!(svc.json(&["show", "web"])["account"], user);
    }
    assert!(!format!("{installed:?}").contains("hunter2"));
}
