//! A web site that a `buildout.cfg` describes: a WSGI application, served by waitress.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;

use svckit_core::status::ServiceState;
use svckit_os::pidfd::PidFd;
use svckit_testkit::following::Following;
use svckit_testkit::gate::Reporter;
use svckit_testkit::svc::{Svc, finish};
use svckit_testkit::{PATIENCE, need};

use crate::reaches;

/// The event of a program that died and is to run again.
const DIED: u32 = 3;

/// The event of a program that runs again.
const RECOVERED: u32 = 4;

/// Serves one page at a port that is free, and tells the test which.
const SCRIPT: &str = r#"import os
import socket
import sys

from waitress.server import create_server


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    words = [str(os.getpid()), os.environ["ZMANAGED"], os.getcwd(), environ["PATH_INFO"]] + sys.argv[2:]
    return [" ".join(words).encode("utf-8")]


server = create_server(application, host="127.0.0.1", port=0)
host, port = sys.argv[1].split(":")
with socket.create_connection((host, int(port))) as reporter:
    reporter.sendall("serves\t{}\t{}\n".format(os.getpid(), server.effective_port).encode())
server.run()
"#;

/// The folder of a buildout with one part, which is the service.
fn site(svc: &Svc, python: &str, reporter: &Reporter) -> PathBuf {
    let folder = svc.folder().join("the s\u{ef}te");
    fs::create_dir_all(folder.join("bin")).unwrap();
    fs::write(folder.join("bin/site-script.py"), SCRIPT).unwrap();
    let lines = [
        "[buildout]".to_owned(),
        "parts = winservice".to_owned(),
        format!("executable = {python}"),
        "[ports]".to_owned(),
        format!("reporter = {}", reporter.address()),
        "[winservice]".to_owned(),
        "recipe = p01.recipe.setup:winservice".to_owned(),
        "name = The site".to_owned(),
        "runzope = site".to_owned(),
        "serviceName = site".to_owned(),
        "parameters = ${ports:reporter} -C \"site.conf\"".to_owned(),
    ];
    fs::write(folder.join("buildout.cfg"), lines.join("\n")).unwrap();
    folder
}

/// The process that serves the site, and its port.
fn serves(reporter: &Reporter) -> (u32, u16) {
    let report = reporter.next();
    (report[1].parse().unwrap(), report[2].parse().unwrap())
}

fn page(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.0 200 "), "{head}");
    page.to_owned()
}

#[test]
fn a_site_is_served_again_after_its_process_was_killed() {
    let Some(python) = need::python() else { return };
    let (svc, reporter) = (Svc::new(), Reporter::new());
    let folder = site(&svc, python.to_str().unwrap(), &reporter);
    let mut buildout = svc.command(&["buildout"]);
    buildout.current_dir(&folder);
    let output = finish(buildout);
    assert_eq!(output.stdout, "Installing winservice.\n", "{}", output.stderr);
    let part = format!("{}#winservice", folder.join("buildout.cfg").display());
    svc.ok(&["up", &part]);

    let (first, port) = serves(&reporter);
    let expected = |pid: u32, path: &str| format!("{pid} 1 {} {path} -C site.conf", folder.display());
    assert_eq!(page(port, "/first"), expected(first, "/first"));
    let events = Following::events(&svc, "site");
    PidFd::open(first).unwrap().kill().unwrap();
    let died = events.event(DIED);
    assert!(died["message"].as_str().unwrap().contains("5 s"), "{died}");
    events.event(RECOVERED);
    let (second, port) = serves(&reporter);
    assert_ne!(first, second);
    assert_eq!(page(port, "/second"), expected(second, "/second"));

    svc.ok(&["stop", "site"]);
    let stopped = reaches(&svc, "site", ServiceState::STOPPED);
    assert_eq!((stopped.win32_exit_code.0, stopped.service_exit_code), (0, 0));
    // The script that was generated is a definition of the same service.
    svc.ok(&["up", folder.join("bin/winservice.py").to_str().unwrap()]);
    let (third, port) = serves(&reporter);
    assert_eq!(page(port, "/third"), expected(third, "/third"));
    svc.ok(&["down", &part]);
    assert_eq!(svc.json(&["list"]).as_array().unwrap().len(), 0);
}
