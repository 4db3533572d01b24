//! The collection for Ansible, with Ansible itself: playbooks against a service control manager of their own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use svckit_testkit::need;
use svckit_testkit::svc::{Svc, finish};

/// The collection's modules.
const SERVICE: &str = "svckit.svckit.service";
const INFO: &str = "svckit.svckit.service_info";

/// Ansible with a folder for what it writes.
struct Ansible<'a> {
    svc: &'a Svc,
    python: PathBuf,
}

impl<'a> Ansible<'a> {
    /// Ansible that knows the collection; absent, and the test skipped, where there is none.
    fn new(svc: &'a Svc) -> Option<Self> {
        let python = need::ansible()?;
        let collection = Path::new(env!("CARGO_MANIFEST_DIR")).join("../integrations/ansible");
        let namespace = svc.folder().join("collections/ansible_collections/svckit");
        fs::create_dir_all(&namespace).unwrap();
        symlink(fs::canonicalize(collection).unwrap(), namespace.join("svckit")).unwrap();
        Some(Self { svc, python })
    }

    fn command(&self, tool: &str, words: &[&str]) -> Command {
        let mut command = self.svc.command(&[]);
        let variables: Vec<_> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        command = Command::new(self.python.with_file_name(tool));
        command
            .args(words)
            .current_dir(self.svc.folder())
            .envs(variables)
            .env("LC_ALL", "C.UTF-8")
            .env("ANSIBLE_HOME", self.svc.folder().join("ansible"))
            .env("ANSIBLE_COLLECTIONS_PATH", self.svc.folder().join("collections"))
            .env("ANSIBLE_PYTHON_INTERPRETER", &self.python)
            .stdin(std::process::Stdio::null());
        command
    }

    /// What came of each task of a playbook; a task that fails doesn't end it.
    fn play(&self, tasks: &[Value]) -> Vec<Value> {
        let results = self.svc.folder().join("results.json");
        let name = |number: usize| format!("result_{number}");
        let mut all: Vec<Value> = tasks.to_vec();
        for (number, task) in all.iter_mut().enumerate() {
            task["register"] = name(number).into();
            task["ignore_errors"] = true.into();
            task["diff"] = true.into();
        }
        let names: Vec<_> = (0..tasks.len()).map(name).collect();
        let content = format!("{{{{ [{}] | to_json }}}}", names.join(", "));
        all.push(json!({ "ansible.builtin.copy": { "content": content, "dest": results } }));
        let defaults = json!({ "executable": self.svc.program() });
        let play = json!([{
            "hosts": "localhost", "gather_facts": false, "tasks": all,
            "module_defaults": { SERVICE: &defaults, INFO: &defaults },
        }]);
        let file = self.svc.write("play.yml", &play.to_string());
        let file = file.to_str().unwrap();
        let words = ["--inventory", "localhost,", "--connection", "local", file];
        let ended = finish(self.command("ansible-playbook", &words));
        assert!(ended.status.success(), "{}{}", ended.stdout, ended.stderr);
        let text = fs::read_to_string(&results).unwrap_or_else(|error| panic!("{error}: {}", ended.stdout));
        serde_json::from_str(&text).unwrap()
    }
}

fn sleeps(seconds: u32) -> Value {
    json!({ "run": ["sleep", seconds.to_string()] })
}

/// A task for the service web.
fn web(state: &str, definition: Option<Value>) -> Value {
    let mut options = json!({ "name": "web", "state": state });
    if let Some(definition) = definition {
        options["definition"] = definition;
    }
    json!({ SERVICE: options })
}

fn in_check_mode(mut task: Value) -> Value {
    task["check_mode"] = true.into();
    task
}

/// Whether each task changed something, and what.
fn changes(results: &[Value]) -> Vec<Value> {
    results.iter().map(|result| json!([result["changed"], result["changes"]])).collect()
}

#[test]
fn a_service_is_made_changed_restarted_stopped_and_removed_each_once() {
    let svc = Svc::new();
    let Some(ansible) = Ansible::new(&svc) else { return };
    let info = json!({ INFO: { "name": "web" } });
    let results = ansible.play(&[
        in_check_mode(web("started", Some(sleeps(1000)))),
        info.clone(),
        web("started", Some(sleeps(1000))),
        web("started", Some(sleeps(1000))),
        web("started", Some(sleeps(2000))),
        info.clone(),
        web("restarted", None),
        info,
        web("stopped", None),
        in_check_mode(web("absent", None)),
    ]);
    let created = json!([true, ["exists", "state", "definition"]]);
    let told = changes(&results);
    assert_eq!([&told[0], &told[2]], [&created, &created]);
    assert_eq!(results[1]["services"], json!([]), "check mode does nothing");
    assert_eq!(results[0]["service"], results[2]["service"], "it was foreseen");
    assert_eq!(told[3], json!([false, []]));
    assert_eq!(told[4], json!([true, ["definition"]]));
    let diff = &results[4]["diff"];
    let seconds = |side: &str| diff[side]["definition"]["run"][1].clone();
    assert_eq!((seconds("before"), seconds("after")), ("1000".into(), "2000".into()));
    assert_eq!(told[6], json!([true, ["state"]]));
    let program = |result: &Value| result["services"][0]["host"]["child_pid"].as_u64().unwrap();
    assert_ne!(program(&results[5]), program(&results[7]));
    assert_eq!(told[8], json!([true, ["state"]]));
    assert_eq!(told[9], json!([true, ["exists"]]));
    assert_eq!(svc.status("web")["state"], "STOPPED");
}

#[test]
fn errors_are_told_and_what_is_gone_stays_gone() {
    let svc = Svc::new();
    let Some(ansible) = Ansible::new(&svc) else { return };
    let results = ansible.play(&[
        web("started", None),
        web("started", Some(json!({ "rum": "x" }))),
        web("present", Some(sleeps(1000))),
        web("absent", None),
        web("absent", None),
        json!({ SERVICE: { "name": "web", "executable": "/no/such/svc" } }),
    ]);
    assert_eq!(results[0]["error"]["exit_status"], 3);
    assert_eq!(results[0]["msg"], results[0]["error"]["message"]);
    assert_eq!(results[1]["error"]["exit_status"], 2);
    assert!(results[1]["msg"].as_str().unwrap().contains("unknown key \"rum\""), "{}", results[1]["msg"]);
    assert_eq!(results[2]["service"]["state"], "stopped", "nobody asked for a start");
    assert_eq!((&results[3]["changed"], &results[4]["changed"]), (&true.into(), &false.into()));
    assert_eq!((&results[5]["failed"], results[5].get("error")), (&true.into(), None));
    assert_eq!(svc.json(&["list"]), json!([]));
}

#[test]
fn all_services_of_a_file_are_brought_about() {
    let svc = Svc::new();
    let Some(ansible) = Ansible::new(&svc) else { return };
    let text = "[service.web]\nrun = 'sleep 1000'\ndepends-on = ['db']\n[service.db]\nrun = 'sleep 1000'\n";
    let file = svc.write("service.toml", text);
    let task = |state: &str| json!({ SERVICE: { "definition_file": file, "state": state } });
    let results = ansible.play(&[
        in_check_mode(task("started")),
        task("present"),
        task("started"),
        task("started"),
        task("stopped"),
        task("absent"),
        task("absent"),
        json!({ SERVICE: { "definition_file": "service.toml" } }),
    ]);
    let expected = [
        json!([true, ["install db", "install web", "start db", "start web"]]),
        json!([true, ["install db", "install web"]]),
        json!([true, ["start db", "start web"]]),
        json!([false, []]),
        json!([true, ["stop db", "stop web"]]),
        json!([true, ["remove db", "remove web"]]),
        json!([false, []]),
    ];
    assert_eq!(changes(&results[..7]), expected);
    assert_eq!(results[1]["diff"]["after"]["web: dependencies"], json!(["db"]));
    assert_eq!(results[7]["msg"], "definition_file has to be a whole path: service.toml");
}

/// The documentation of each module is one that Ansible can read, and has every option that the module takes.
#[test]
fn the_modules_are_documented() {
    let svc = Svc::new();
    let Some(ansible) = Ansible::new(&svc) else { return };
    let ended: Output = ansible.command("ansible-doc", &["--json", SERVICE, INFO]).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let documented: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let options = |module: &str| {
        let options = documented[module]["doc"]["options"].as_object().unwrap();
        assert!(documented[module]["examples"].is_string() && documented[module]["return"].is_object());
        options.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(
        options(SERVICE),
        ["definition", "definition_file", "executable", "name", "scm", "state", "wait"]
    );
    assert_eq!(options(INFO), ["executable", "name", "scm", "wait"]);
}
