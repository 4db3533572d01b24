//! `svc dsc`: what Microsoft DSC gives it, and reads from it.

use serde_json::{Value, json};
use svckit_core::status::ServiceState;
use svckit_testkit::schema::Schema;

use super::{Ran, World};
use crate::failure::Status;

fn world() -> World {
    let world = World::new();
    world.scm.contents().directory = Some(world.folder.path().join("state"));
    world
}

fn dsc(world: &mut World, operation: &str, instance: &Value) -> Ran {
    world.input = instance.to_string();
    world.svc(&format!("dsc {operation}"))
}

/// The lines of an answer, the first of which is as the schema has an instance.
#[track_caller]
fn answer(world: &mut World, operation: &str, instance: &Value) -> Vec<Value> {
    let ran = dsc(world, operation, instance);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for state in lines.iter().filter(|line| line.is_object()) {
        valid(world, state);
    }
    lines
}

#[track_caller]
fn valid(world: &World, instance: &Value) {
    let schema = Schema::new(&world.svc("dsc schema").out);
    assert_eq!(schema.check_json(instance), Vec::<String>::new(), "{instance}");
}

/// The errors of a run, as DSC reads them.
#[track_caller]
fn error(ran: &Ran) -> String {
    assert_eq!(ran.out, "");
    let line: Value = serde_json::from_str(&ran.err).unwrap();
    line["error"].as_str().unwrap().to_owned()
}

fn web(more: &Value) -> Value {
    let mut instance =
        json!({ "name": "web", "definition": { "run": ["sh", "-c", "true"], "directory": "/" } });
    instance.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    instance
}

#[test]
fn a_service_is_brought_about_once_and_told() {
    let mut world = world();
    let instance = web(&json!({ "state": "running" }));
    valid(&world, &instance);
    let [state, differing] = &answer(&mut world, "test", &instance)[..] else { panic!("two lines") };
    assert_eq!(*state, json!({ "name": "web", "_exist": false, "_inDesiredState": false }));
    assert_eq!(*differing, json!(["_exist", "state", "definition"]));
    let foreseen = answer(&mut world, "what-if", &instance);
    assert_eq!(world.journal(), [""; 0], "nothing is done");
    let done = answer(&mut world, "set", &instance);
    assert_eq!(done, foreseen);
    let journal = world.journal();
    assert_eq!(
        (journal.first().unwrap().as_str(), journal.last().unwrap().as_str()),
        ("create web", "start web")
    );
    assert_eq!((&done[0]["_exist"], &done[0]["state"]), (&true.into(), &"running".into()));
    assert_eq!(done[0]["definition"]["run"].as_array().unwrap()[1..], [json!("-c"), json!("true")]);

    let [state, differing] = &answer(&mut world, "test", &instance)[..] else { panic!("two lines") };
    assert_eq!((&state["_inDesiredState"], differing), (&true.into(), &json!([])));
    assert_eq!(answer(&mut world, "set", &instance)[1], json!([]));
    assert_eq!(answer(&mut world, "what-if", &instance)[1], json!([]));
    assert_eq!(world.journal(), [""; 0]);
    assert_eq!(answer(&mut world, "get", &json!({ "name": "WEB" }))[0]["definition"], done[0]["definition"]);
    let definition = world.scm.contents().services["web"].definition.clone().unwrap();
    assert_eq!(definition.source, None, "it belongs to no file");
}

#[test]
fn what_it_says_comes_back_as_what_it_is() {
    let mut world = world();
    answer(&mut world, "set", &web(&json!({})));
    let before = answer(&mut world, "get", &json!({ "name": "web" })).remove(0);
    assert_eq!(before["state"], "stopped");
    assert_eq!(answer(&mut world, "test", &before)[1], json!([]));
}

#[test]
fn a_change_restarts_what_runs_and_a_stop_comes_first() {
    let mut world = world();
    answer(&mut world, "set", &web(&json!({ "state": "running" })));
    world.journal();
    let other = json!({ "definition": { "run": ["sh", "-c", "false"], "directory": "/" } });
    assert_eq!(answer(&mut world, "set", &web(&other))[1], json!(["definition"]));
    assert_eq!(world.journal(), ["define web", "stop web", "start web"]);
    let stopped = web(&json!({ "state": "stopped" }));
    assert_eq!(answer(&mut world, "set", &stopped)[1], json!(["state", "definition"]));
    assert_eq!(world.journal(), ["stop web", "define web"]);
    assert_eq!(world.scm.contents().services["web"].status.state, ServiceState::STOPPED);
    // Without a definition it is only about what the service does.
    assert_eq!(answer(&mut world, "set", &json!({ "name": "web", "state": "running" }))[1], json!(["state"]));
    assert_eq!(world.journal(), ["start web"]);
}

#[test]
fn what_shall_not_be_goes() {
    let mut world = world();
    answer(&mut world, "set", &web(&json!({ "state": "running" })));
    world.journal();
    let gone = json!({ "name": "web", "_exist": false });
    assert_eq!(answer(&mut world, "test", &gone)[1], json!(["_exist"]));
    let foreseen = answer(&mut world, "what-if", &gone);
    assert_eq!(world.journal(), [""; 0]);
    assert_eq!(answer(&mut world, "set", &gone), foreseen);
    assert_eq!(world.journal(), ["stop web", "delete web"]);
    assert_eq!(answer(&mut world, "set", &gone), [gone.clone(), json!([])]);
    answer(&mut world, "set", &web(&json!({})));
    assert_eq!(answer(&mut world, "delete", &json!({ "name": "web" })), [Value::Null; 0]);
    assert_eq!(answer(&mut world, "delete", &json!({ "name": "web" })), [Value::Null; 0]);
    assert_eq!(answer(&mut world, "get", &json!({ "name": "web" })), [gone]);
}

#[test]
fn no_answer_has_a_secret_and_its_mask_is_none() {
    let mut world = world();
    let with = |value: &str| json!({ "definition": { "run": ["sh", "--token", "hunter2"], "directory": "/", "environment": { "DB_PASSWORD": value } } });
    let (first, second) = (web(&with("hunter2")), web(&with("hunter3")));
    for operation in ["what-if", "set", "get", "test"] {
        let ran = dsc(&mut world, operation, &first);
        assert!(ran.status == 0 && !(ran.out + &ran.err).contains("hunter"), "{operation}");
    }
    let program = world.scm.contents().services["web"].definition.clone().unwrap().program;
    assert_eq!((&program.environment["DB_PASSWORD"][..], &program.command[2][..]), ("hunter2", "hunter2"));
    assert_eq!(answer(&mut world, "set", &second)[1], json!(["definition"]), "another secret is a change");
    let read = answer(&mut world, "get", &json!({ "name": "web" })).remove(0);
    let ran = dsc(&mut world, "set", &read);
    let expected = "the definition of service \"web\" is wrong: environment.DB_PASSWORD: *** stands for a secret that was not shown; \
                    { \"file\": \"/path\" } has it read from a file";
    assert_eq!((ran.status, error(&ran).as_str()), (Status::Usage as u8, expected));
    let ran = dsc(&mut world, "export", &json!({}));
    assert_eq!(ran.status, Status::Usage as u8);
    assert!(
        error(&ran).starts_with("cannot export service \"web\": variables seem to hold secrets: DB_PASSWORD")
    );
}

#[test]
fn an_export_has_every_service_or_those_of_a_name() {
    let mut world = world();
    for name in ["web", "worker", "db"] {
        answer(&mut world, "set", &web(&json!({ "name": name })));
    }
    world.input.clear();
    let names = |lines: &[Value]| lines.iter().map(|line| line["name"].clone()).collect::<Vec<_>>();
    let all = world.svc("dsc export");
    let all: Vec<Value> = all.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(names(&all), ["db", "web", "worker"]);
    assert_eq!(names(&answer(&mut world, "export", &json!({ "name": "w*" }))), ["web", "worker"]);
    assert_eq!(names(&answer(&mut world, "export", &json!({ "name": "DB" }))), ["db"]);
    assert_eq!(names(&answer(&mut world, "export", &json!({ "name": "none" }))), [""; 0]);
}

#[test]
fn what_is_wrong_is_told_and_nothing_done() {
    let mut world = world();
    let wrong = |definition: Value| json!({ "name": "web", "definition": definition });
    let cases = [
        (json!({ "name": "web", "stat": "running" }), "unknown field `stat`"),
        (json!({ "state": "running" }), "the instance on standard input has no \"name\""),
        (json!({ "name": "a/b" }), "\"a/b\" names no service"),
        (json!({ "name": "web", "state": "paused" }), "can't be kept on the way or paused"),
        (wrong(json!({ "run": "sh", "descriptio": "x" })), "unknown key \"descriptio\""),
        (wrong(json!({ "run": "sh", "restart": { "delay": null } })), "restart.delay: null says nothing"),
        (wrong(json!({ "run": "sh", "directory": "here" })), "directory: here is relative, to nothing"),
        (wrong(json!({ "run": "no-such-program" })), "no-such-program"),
        (wrong(json!({ "run": "sh", "depends-on": ["ghost"] })), "dependency \"ghost\""),
    ];
    for (instance, expected) in cases {
        let ran = dsc(&mut world, "set", &instance);
        assert_eq!(ran.status, Status::Usage as u8, "{instance}: {}", ran.err);
        let message = error(&ran);
        assert!(message.contains(expected) && !message.contains("/definition:"), "{instance}: {message}");
    }
    let ran = dsc(&mut world, "set", &json!({ "name": "web", "state": "running" }));
    assert_eq!(ran.status, Status::NoSuchService as u8);
    assert_eq!(error(&ran), "there is no service \"web\", and the instance has no \"definition\"");
    world.input = "no JSON".to_owned();
    assert_eq!(world.svc("dsc get").status, Status::Usage as u8);
    world.input = web(&json!({})).to_string();
    assert_eq!(world.svc("dsc set --wait 0").status, Status::Usage as u8);
    assert_eq!(world.journal(), [""; 0]);
    let ran = world.svc("dsc get --json");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
}
