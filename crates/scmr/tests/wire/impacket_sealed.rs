//! impacket, an independent implementation of NTLM and of sealed connections, as client of our server and as judge of our client: see `impacket_sealed.py`.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use svckit_scmr::auth::{Protect, ntlm};
use svckit_scmr::mapper::{Mapper, Tower};
use svckit_scmr::ops::Call;
use svckit_scmr::server::Incoming;
use svckit_testkit::need;

use crate::{scm, sealed};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/impacket_sealed.py");

fn script(arguments: &[&str]) -> Option<Child> {
    let mut python = Command::new(need::python()?);
    python.arg(SCRIPT).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    Some(python.spawn().unwrap())
}

fn printed(script: Child) -> String {
    let output = script.wait_with_output().unwrap();
    assert!(output.status.success(), "the script failed: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Serves one sealed connection until either side ends it; what came before the first call, and the arguments of the last start.
fn serve(mut stream: TcpStream) -> (Vec<Incoming>, Vec<String>) {
    let mut server = sealed::server(2000);
    let (mut told, mut started) = (Vec::new(), Vec::new());
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).unwrap_or_default();
        let received = server.receive(&buffer[..count]);
        let is_over = count == 0 || received.is_err();
        for incoming in received.unwrap_or_default() {
            let Incoming::Call { call_id, call } = incoming else {
                told.push(incoming);
                continue;
            };
            if let Call::StartService { arguments, .. } = &call {
                started.clone_from(arguments);
            }
            server.answer(call_id, &scm::answer(&call));
        }
        // The client may have gone.
        drop(stream.write_all(&server.take_output()));
        if is_over {
            return (told, started);
        }
    }
}

fn called(user: &str, password: &str) -> Option<(String, Vec<Incoming>, Vec<String>)> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let script = script(&["call", &port, user, password])?;
    let (told, started) = serve(listener.accept().unwrap().0);
    Some((printed(script), told, started))
}

#[test]
fn impacket_comes_in_and_calls() {
    let Some((printed, told, started)) = called("ann", "pw") else { return };
    assert_eq!(printed, "4\n4\n4\ndone\n");
    assert!(matches!(&told[..], [Incoming::LoggedOn(account)] if account.user == "ann"), "{told:?}");
    assert_eq!(started, ["one".to_owned(), "x".repeat(3000)]);
}

#[test]
fn impacket_does_not_come_in_with_a_wrong_name_or_password_or_with_none() {
    for (user, password) in [("ann", "wrong"), ("bob", "pw"), ("", "")] {
        let Some((printed, told, _)) = called(user, password) else { return };
        assert!(printed.contains("access_denied") || printed.contains("rpc_s_access_denied"), "{printed}");
        assert!(matches!(&told[..], [Incoming::LogonFailed { .. }]), "{told:?}");
    }
}

#[test]
fn impacket_finds_the_port() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let Some(script) = script(&["map", &listener.local_addr().unwrap().port().to_string()]) else { return };
    for _ in 0..2 {
        let mut stream = listener.accept().unwrap().0;
        let mut mapper = Mapper::new(Tower::of_scm(49_152, Ipv4Addr::LOCALHOST));
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            stream.write_all(&mapper.receive(&buffer[..count]).unwrap()).unwrap();
        }
    }
    let printed = printed(script);
    assert!(printed.starts_with("ncacn_ip_tcp:127.0.0.1[49152]\n"), "{printed}");
    assert!(printed.contains("ept_s_not_registered"), "{printed}");
}

#[test]
fn impacket_believes_our_client() {
    let Some(mut script) = script(&["check", "pw"]) else { return };
    let mut client = ntlm::Initiator::new(sealed::credentials("pw"));
    let acceptor = ntlm::Acceptor::new(ntlm::Identity::default(), *b"8 random", 1);
    let (challenge, _) = acceptor.challenge(&client.negotiate()).unwrap();
    let (message, mut protection) = client.authenticate(&challenge).unwrap();
    let mut text = b"sealed here".to_vec();
    let whole = 0..text.len();
    let signature = protection.seal(&mut text, whole);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n";
    let lines = [challenge, message, text, signature].map(|bytes| hex(&bytes)).concat();
    script.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    assert_eq!(printed(script), "ann SHOP True\nsealed here True\n");
}
