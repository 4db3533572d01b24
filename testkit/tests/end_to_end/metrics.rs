//! `svc metrics`: what Prometheus is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};

use svckit_testkit::svc::Svc;

use crate::up;

/// A server, ended with this.
struct Server(Child);

impl Server {
    /// Begins to serve; what it said where it is.
    fn new(svc: &Svc, address: &str) -> (Self, String) {
        let mut command = svc.command(&["metrics", "--listen", address]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        (Self(child), said.trim().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ask(mut way: impl Read + Write, request: &str) -> String {
    way.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    way.read_to_string(&mut answer).unwrap();
    answer
}

const GET: &str = "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n";

#[test]
fn services_are_told_to_who_scrapes_and_nothing_is_started_for_that() {
    let svc = Svc::new();
    up(&svc, "web", "hang", "");
    let once = svc.ok(&["metrics"]);
    assert!(once.contains("\nsvckit_service_state{service=\"web\",state=\"RUNNING\"} 1\n"), "{once}");
    assert!(once.contains("\nsvckit_program_processes{service=\"web\"} 1\n"), "{once}");
    let (_server, said) = Server::new(&svc, "127.0.0.1:0");
    let place = said.strip_prefix("metrics are at http://").unwrap().strip_suffix("/metrics").unwrap();
    let connect = || TcpStream::connect(place).unwrap();
    // Silent ones hold nobody up, as long as there are fewer than workers.
    let _silent = [connect(), connect()];
    let answer = ask(connect(), GET);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; "), "{answer}");
    assert!(answer.contains("\nsvckit_up 1\n") && answer.contains("service=\"web\""), "{answer}");
    assert!(ask(connect(), "GET /other HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
    assert!(ask(connect(), "DELETE /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
    let head = ask(connect(), "HEAD /metrics HTTP/1.1\r\n\r\n");
    assert!(head.ends_with("\r\n\r\n") && !head.contains("svckit_up"), "{head}");
    svc.ok(&["scm", "stop"]);
    let answer = ask(connect(), GET);
    assert!(answer.contains("\nsvckit_up 0\n") && !answer.contains("service="), "{answer}");
    assert_eq!(svc.run(&["scm", "status"]).code(), Some(8), "it was not started");
}

#[test]
fn at_a_path_only_this_user_is_told() {
    let svc = Svc::new();
    up(&svc, "web", "hang", "");
    let path = svc.folder().join("metrics");
    let text = path.to_str().unwrap();
    for _ in 0..2 {
        // The first one was killed, and its socket is there.
        let (_server, said) = Server::new(&svc, text);
        assert_eq!(said, format!("metrics are at {text}, /metrics"));
        assert!(ask(UnixStream::connect(&path).unwrap(), GET).contains("\nsvckit_up 1\n"));
    }
    let others = svc.run(&["metrics", "--listen", "0.0.0.0:9180"]);
    assert_eq!(others.code(), Some(2));
    assert!(others.stderr.contains("others could connect"), "{}", others.stderr);
    let file = svc.write("file", "kept");
    let refused = svc.run(&["metrics", "--listen", file.to_str().unwrap()]);
    assert!(refused.stderr.contains("something else than a socket"), "{}", refused.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
}
