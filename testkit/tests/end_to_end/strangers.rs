//! Clients that don't behave.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Backend;
use svckit_core::win32::Win32Error;
use svckit_testkit::PATIENCE;
use svckit_testkit::svc::Svc;

use crate::define;

/// The first bytes of a bind of connection-oriented RPC, version 5.0, with the length of the whole that is claimed.
fn header(length: u16) -> Vec<u8> {
    let mut bytes = vec![5, 0, 11, 3, 0x10, 0, 0, 0];
    bytes.extend(length.to_le_bytes());
    bytes.extend([0; 6]);
    bytes
}

fn connect(svc: &Svc) -> UnixStream {
    let stream = svckit_os::socket::connect(&svc.state().join("scm.sock")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Whether the service control manager ends the connection, however.
fn is_hung_up(mut stream: UnixStream) -> bool {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn garbage_is_hung_up_on() {
    let svc = Svc::new();
    svc.ok(&["list"]);
    let first = svc.scm();
    let noise: Vec<u8> = (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for garbage in [noise, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), header(3), vec![0; 4096]] {
        let mut stream = connect(&svc);
        // It may hang up in the middle of it.
        let _ = stream.write_all(&garbage);
        assert!(is_hung_up(stream));
    }
    assert_eq!(svc.scm(), first);
}

#[test]
fn half_a_message_holds_up_nobody_else() {
    let svc = Svc::new();
    svc.ok(&["list"]);
    let waiting: Vec<UnixStream> = (0..50)
        .map(|count| {
            let mut stream = connect(&svc);
            stream.write_all(&header(5000)[..1 + count % 15]).unwrap();
            stream
        })
        .collect();
    let file = define(&svc, "web", "hang", "");
    svc.ok(&["up", file.to_str().unwrap()]);
    drop(waiting);
    svc.ok(&["down", file.to_str().unwrap()]);
}

#[test]
fn a_client_that_opens_a_million_handles_is_stopped_and_hurts_nobody() {
    let svc = Svc::new();
    let file = define(&svc, "web", "hang", "");
    svc.ok(&["install", file.to_str().unwrap()]);
    let client = crate::connect(&svc);
    let manager = client.open_manager(ManagerAccess::CONNECT).unwrap();
    let mut handles = Vec::new();
    let refused = loop {
        match manager.open_service("web", ServiceAccess::QUERY_STATUS) {
            Ok(handle) => handles.push(handle),
            Err(error) => break error,
        }
        assert!(handles.len() < 1_000_000, "nobody stopped it");
    };
    assert_eq!(refused.code, Win32Error::NO_SYSTEM_RESOURCES, "{refused}");
    svc.ok(&["status", "web"]);
    // What it has works, and what it gives back it can have again.
    handles.pop().unwrap().status().unwrap();
    manager.open_service("web", ServiceAccess::QUERY_STATUS).unwrap();
    drop(handles);
    svc.ok(&["remove", "web"]);
    assert_eq!(svc.run(&["status", "web"]).code(), Some(3), "no handle keeps it");
}
