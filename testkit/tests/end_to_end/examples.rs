//! The examples do what they say.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use svckit_core::status::ServiceState;
use svckit_testkit::binary;
use svckit_testkit::following::Following;
use svckit_testkit::svc::{Svc, finish};

use crate::reaches;

/// A copy of an example in which fixed ports are such that are free.
fn example(svc: &Svc, name: &str) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    let to = svc.folder().join(name);
    fs::create_dir(&to).unwrap();
    let ports: Vec<(String, TcpListener)> = (8080..=8089)
        .map(|port: u16| (port.to_string(), TcpListener::bind("127.0.0.1:0").unwrap()))
        .collect();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let mut text = fs::read_to_string(&path).unwrap();
        for (fixed, free) in &ports {
            text = text.replace(fixed, &free.local_addr().unwrap().port().to_string());
        }
        fs::write(to.join(path.file_name().unwrap()), text).unwrap();
    }
    to.join("service.toml")
}

#[test]
fn every_example_comes_up_and_goes_down() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if !entry.path().join("service.toml").is_file() {
            continue;
        }
        let svc = Svc::new();
        let file = example(&svc, entry.file_name().to_str().unwrap());
        let file = file.to_str().unwrap();
        svc.ok(&["up", file]);
        let all = svc.json(&["list"]);
        let all = all.as_array().unwrap();
        assert!(!all.is_empty() && all.iter().all(|service| service["state"] == "RUNNING"), "{all:?}");
        svc.ok(&["down", file]);
        assert_eq!(svc.json(&["list"]).as_array().unwrap().len(), 0);
        svc.ok(&["scm", "stop"]);
        svc.wait_for_all_but(&[]);
        seen += 1;
    }
    assert!(seen >= 4, "{seen} examples");
}

#[test]
fn the_web_server_answers() {
    use std::io::{Read, Write};
    let svc = Svc::new();
    let file = example(&svc, "web");
    let shown = svc.ok(&["up", file.to_str().unwrap()]);
    let definition = fs::read_to_string(&file).unwrap();
    let address = definition.split("tcp = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(shown.contains("RUNNING"), "{shown}");
    assert!(shown.contains(&format!("http://{address}/")), "the URL is shown: {shown}");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(" 200 "), "{answer}");
}

#[test]
fn the_children_end_with_their_program() {
    let svc = Svc::new();
    let file = example(&svc, "children");
    svc.ok(&["list"]);
    // The service control manager and its spawner.
    let manager = svc.processes();
    svc.ok(&["up", file.to_str().unwrap()]);
    Following::new(&svc, &["logs", "children", "-f"]).until(|line| line.starts_with("grandchild "));
    svc.ok(&["stop", "children"]);
    reaches(&svc, "children", ServiceState::STOPPED);
    svc.wait_for_all_but(&manager);
}

#[test]
fn the_rust_api_administers_a_service() {
    let svc = Svc::new();
    crate::up(&svc, "web", "hang", "");
    let before = svc.status("web");
    let program = binary::example("rust-api");
    let target = format!("embedded:{}", svc.state().display());
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(&program);
        command.args(arguments);
        finish(command)
    };
    let output = run(&[&target, "web"]);
    assert_eq!(
        output.stdout,
        "changed: the start type, the description\nweb is RUNNING again\nits security identifier is \
         S-1-5-80-1383863778-2095761348-1244748870-4240415300-1856875951\nweb: RUNNING\n",
        "{}",
        output.stderr
    );
    let shown = svc.json(&["show", "web"]);
    assert_eq!(shown["description"], "Looked after by a program");
    assert_eq!(shown["start_type"], "AUTO_START");
    assert_ne!(svc.status("web")["pid"], before["pid"]);
    let output = run(&[&target, "other"]);
    assert_eq!(output.code(), Some(1));
    assert!(output.stderr.contains("SERVICE_DOES_NOT_EXIST"), "{}", output.stderr);
}
