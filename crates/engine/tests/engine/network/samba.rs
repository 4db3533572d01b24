//! Samba's tests of service control managers, over TCP, sealed, with NTLM.

use std::process::Command;

use svckit_core::status::ServiceState;
use svckit_testkit::need;

use super::{Bed, PASSWORD};
use crate::support::{create, open, reaches, scripted};

/// The services that these tests look for.
const SERVICES: [&str; 2] = ["NETLOGON", "Spooler"];

/// How many tests there are in Samba 4.17; later versions may have more.
const TESTS: usize = 12;

#[test]
fn smbtorture_finds_nothing_wrong() {
    let Some(smbtorture) = need::smbtorture() else { return };
    let bed = Bed::new("");
    for name in SERVICES {
        create(&bed.scm.direct, &[scripted(name, &[&format!("{name}=run")])]);
        let service = open(&bed.scm.direct, name);
        service.start(&[]).unwrap();
        reaches(&*service, ServiceState::RUNNING);
    }
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display();
    let places = [
        "private dir",
        "lock directory",
        "state directory",
        "cache directory",
        "pid directory",
        "ncalrpc dir",
    ];
    let settings: String = places.iter().map(|place| format!("{place} = {at}\n")).collect();
    let file = folder.path().join("smb.conf");
    std::fs::write(&file, format!("[global]\n{settings}")).unwrap();
    let output = Command::new(smbtorture)
        .arg(format!("ncacn_ip_tcp:127.0.0.1[{},seal,ntlm]", bed.address.port()))
        .arg("-s")
        .arg(&file)
        .args(["-U", &format!("ann%{PASSWORD}"), "rpc.svcctl"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let count = |word: &str| said.lines().filter(|line| line.starts_with(word)).count();
    assert!(output.status.success(), "{said}");
    assert_eq!((count("failure:"), count("error:"), count("skip:")), (0, 0, 0), "{said}");
    assert!(count("success:") >= TESTS, "{said}");
}
