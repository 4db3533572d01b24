//! impacket as the client of the network: an implementation of MS-SCMR, NTLM and packet privacy by others. What it does is in `remote.py`.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use svckit_testkit::{binary, need};

use super::{Bed, PASSWORD};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engine/network/remote.py");

/// Runs a part of the script; what it printed. Without impacket a test is skipped.
fn impacket(part: &str, bed: &Bed) -> Option<String> {
    run(part, bed, bed.address, &binary::scripted())
}

/// The same with somebody between it and the service control manager, and services of this program.
pub(super) fn run(part: &str, bed: &Bed, at: SocketAddr, program: &Path) -> Option<String> {
    let output = Command::new(need::python()?)
        .args([SCRIPT, part, &at.port().to_string(), PASSWORD])
        .arg(program)
        .arg(bed.mapper.port().to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{part}: {}\n{said}", output.status);
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn impacket_manages_services_from_afar() {
    let bed = Bed::new("");
    if let Some(said) = impacket("manage", &bed) {
        assert_eq!(said, "managed\n");
    }
}

#[test]
fn impacket_sets_passwords_that_nobody_keeps() {
    let bed = Bed::new("");
    let Some(said) = impacket("passwords", &bed) else { return };
    assert_eq!(said, "set\n");
    let text = "a password of an account";
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut files = 0;
    for file in std::fs::read_dir(bed.state.path()).unwrap() {
        // Sockets can't be read.
        let Ok(bytes) = std::fs::read(file.unwrap().path()) else { continue };
        files += 1;
        let has = |secret: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
        assert!(!has(text.as_bytes()) && !has(&wide));
    }
    assert!(files > 1, "the databases are there");
}

#[test]
fn impacket_finds_the_port_by_the_endpoint_mapper() {
    let bed = Bed::new("");
    if let Some(said) = impacket("map", &bed) {
        assert_eq!(said, format!("ncacn_ip_tcp:127.0.0.1[{}]\n", bed.address.port()));
    }
}

#[test]
fn impacket_is_refused_with_anything_less_than_the_right_password_and_packet_privacy() {
    let bed = Bed::new("");
    if let Some(said) = impacket("refused", &bed) {
        assert_eq!(said, "refused\n");
    }
}
