//! Definitions for machines that know nothing of svckit but the service API, as Windows does: service control managers of this one behind somebody who refuses
//! the native interface in their place. The calls, and the services that they start, are real.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use serde_json::{Value, json};
use svckit_core::status::ServiceState;
use svckit_testkit::binary;
use svckit_testkit::svc::Output;

use crate::reaches;
use crate::remote::Machine;

/// A machine of which only the service API is to be had.
struct Windows {
    machine: Machine,
    address: SocketAddr,
}

impl Windows {
    fn new() -> Self {
        let machine = Machine::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let there = machine.address.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A connection that is lost is lost on the other side as well.
                let Ok(server) = TcpStream::connect(&there) else { continue };
                let (to_server, from_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || pass_on(from_client, to_server, |_| {}));
                thread::spawn(move || pass_on(server, client, refuse_native));
            }
        });
        Self { machine, address }
    }
}

/// Passes fragments on until one side is gone.
fn pass_on(mut from: TcpStream, mut to: TcpStream, change: fn(&mut [u8])) {
    while let Ok(mut fragment) = read_fragment(&mut from) {
        change(&mut fragment);
        if to.write_all(&fragment).is_err() {
            break;
        }
    }
    // It may be gone already.
    let _ = to.shutdown(Shutdown::Both);
}

/// One fragment (C706 12.6.3.1): its length is at 8.
fn read_fragment(from: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut fragment = vec![0; 16];
    from.read_exact(&mut fragment)?;
    let length = usize::from(u16::from_le_bytes([fragment[8], fragment[9]]));
    fragment.resize(length.max(16), 0);
    from.read_exact(&mut fragment[16..])?;
    Ok(fragment)
}

/// Makes the last result of a `bind_ack` (C706 12.6.4.4), which is that of the native interface, a refusal: provider_rejection, abstract_syntax_not_supported.
fn refuse_native(fragment: &mut [u8]) {
    const BIND_ACK: u8 = 12;
    const RESULT: usize = 24;
    const TRAILER: usize = 8;
    if fragment[2] != BIND_ACK {
        return;
    }
    let mut end = fragment.len();
    let token = usize::from(u16::from_le_bytes([fragment[10], fragment[11]]));
    if token > 0 {
        let trailer = end - token - TRAILER;
        end = trailer - usize::from(fragment[trailer + 2]);
    }
    fragment[end - RESULT..end - RESULT + 4].copy_from_slice(&[2, 0, 1, 0]);
}

/// Machines of a list, and what is done with them together.
struct Fleet(Vec<Windows>);

impl Fleet {
    fn new(count: usize) -> Self {
        let all: Vec<_> = (0..count).map(|_| Windows::new()).collect();
        let lines = all.iter().map(|one| format!("{}\n", one.address)).collect::<String>();
        all[0].machine.svc.write("hosts.txt", &lines);
        Self(all)
    }

    /// Writes the definition of a service whose program is started with these words.
    fn define(&self, words: &str) {
        let program = binary::scripted();
        let text = format!("[service.shop]\nbinary-path = '{} {words}'\n", program.display());
        self.0[0].machine.svc.write("shop.toml", &text);
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let from = ["--scm", "@hosts.txt", "--user", "ann", "--password-file", "ann.password"];
        self.0[0].machine.svc.run(&[&from, arguments].concat())
    }

    /// What came of it with JSON: the exit status of all, and the result of each.
    fn json(&self, arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
        let output = self.run(&[arguments, &["--json"]].concat());
        let mut lines: Vec<Value> =
            output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(lines.pop().unwrap().get("summary").is_some(), "{output:?}");
        (output.code(), lines.into_iter().map(|mut line| line["results"][0].take()).collect())
    }
}

#[test]
fn a_program_that_is_a_service_itself_is_brought_in_line_on_all_of_them_and_once() {
    let fleet = Fleet::new(2);
    fleet.define("accept=STOP");
    let (code, plans) = fleet.json(&["plan", "shop.toml"]);
    assert_eq!(code, Some(11));
    for plan in plans {
        assert_eq!(plan["steps"], json!([{ "step": "install", "service": "shop" }]));
    }
    let apply = fleet.run(&["apply", "shop.toml"]);
    assert_eq!((apply.code(), apply.stdout.matches("installed shop").count()), (Some(0), 2), "{apply:?}");
    for verb in ["plan", "diff"] {
        let (code, _) = fleet.json(&[verb, "shop.toml"]);
        assert_eq!(code, Some(0), "{verb}");
    }
    let again = fleet.run(&["apply", "shop.toml"]);
    assert_eq!((again.code(), again.stdout.matches("nothing to do").count()), (Some(0), 2), "{again:?}");

    let up = fleet.run(&["up", "shop.toml"]);
    assert_eq!((up.code(), up.stdout.matches("RUNNING").count()), (Some(0), 2), "{up:?}");
    for Windows { machine, .. } in &fleet.0 {
        let shown = machine.svc.json(&["show", "shop"]);
        assert_eq!((&shown["state"], &shown["definition"]), (&json!("RUNNING"), &Value::Null));
        assert!(shown["image_path"].as_str().unwrap().ends_with(" accept=STOP"), "{shown}");
    }

    // Another command line is another process.
    let before: Vec<_> = fleet.0.iter().map(|one| one.machine.svc.status("shop")["pid"].clone()).collect();
    fleet.define("accept=STOP,PAUSE_CONTINUE");
    let apply = fleet.run(&["apply", "shop.toml"]);
    assert_eq!((apply.code(), apply.stdout.matches("started shop").count()), (Some(0), 2), "{apply:?}");
    for (Windows { machine, .. }, before) in fleet.0.iter().zip(before) {
        let status = reaches(&machine.svc, "shop", ServiceState::RUNNING);
        assert_ne!(json!(status.pid), before);
    }
    for verb in ["pause", "continue", "restart", "stop", "start"] {
        let done = fleet.run(&[verb, "shop.toml"]);
        assert_eq!(done.code(), Some(0), "{verb}: {done:?}");
    }
    for words in [&["list"][..], &["status"], &["show", "shop"], &["doctor", "shop"], &["lint", "shop.toml"]]
    {
        let done = fleet.run(words);
        assert_eq!(done.code(), Some(0), "{words:?}: {done:?}");
    }
    let exported = fleet.run(&["export", "shop"]);
    assert_eq!(exported.stdout.matches("binary-path = ").count(), 2, "{exported:?}");
    let down = fleet.run(&["down", "shop.toml"]);
    assert_eq!(
        (down.code(), down.stdout.matches("stopped and removed shop").count()),
        (Some(0), 2),
        "{down:?}"
    );
    for Windows { machine, .. } in &fleet.0 {
        assert_eq!(machine.svc.json(&["list"]), json!([]));
    }
}

#[test]
fn what_needs_a_host_is_refused_before_anything_is_done() {
    let fleet = Fleet::new(1);
    let svc = &fleet.0[0].machine.svc;
    svc.write("web.toml", "[service.db]\nbinary-path = '/bin/db'\n[service.web]\nrun = ['web']\n");
    for verb in ["plan", "diff", "apply", "install", "update", "up"] {
        let refused = fleet.run(&[verb, "web.toml"]);
        assert_eq!(refused.code(), Some(2), "{verb}: {refused:?}");
        assert!(
            refused.stderr.contains("\"web\" can't be hosted on ") && refused.stderr.contains("web.toml:4:7"),
            "{refused:?}"
        );
    }
    assert_eq!(svc.json(&["list"]), json!([]));

    // What svckit hosts there is left to it.
    svc.write("web.toml", "[service.web]\nrun = ['sleep', 'inf']\n");
    svc.ok(&["install", "web.toml"]);
    svc.write("web.toml", "[service.web]\nbinary-path = '/bin/web'\n");
    let refused = fleet.run(&["apply", "web.toml"]);
    assert_eq!(refused.code(), Some(2), "{refused:?}");
    assert!(refused.stderr.contains("svckit hosts service \"web\" on that machine"), "{refused:?}");
    assert!(svc.json(&["show", "web"])["definition"].is_object());
    svc.ok(&["apply", "web.toml"]);
    assert_eq!(svc.json(&["show", "web"])["definition"], Value::Null);
}

#[test]
fn on_the_own_service_control_manager_it_is_as_sc_would_have_made_it() {
    let machine = Machine::new();
    let svc = &machine.svc;
    for (name, path) in [("ends", "/bin/true x"), ("missing", "/no/such/program")] {
        svc.write("one.toml", &format!("[service.{name}]\nbinary-path = '{path}'\n"));
        svc.ok(&["install", "one.toml"]);
        let other = format!("{name}2");
        svc.ok(&["sc", "create", &other, "binPath=", path]);
        let config = |name: &str| svc.ok(&["sc", "qc", name]).replace(&other, "").replace(name, "");
        assert_eq!(config(name), config(&other));
        let start = |name: &str| svc.run(&["sc", "start", name]).code();
        assert_eq!(start(name), start(&other));
    }
    let refused = svc.run(&["start", "ends"]);
    assert!(refused.stderr.contains("1053 ERROR_SERVICE_REQUEST_TIMEOUT"), "{refused:?}");
    let refused = svc.run(&["debug", "one.toml"]);
    assert_eq!(refused.code(), Some(2));
    assert!(refused.stderr.contains("its program is a service itself"), "{refused:?}");
}
