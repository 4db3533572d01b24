//! Samba's tests of service control managers, over TCP, sealed, with NTLM.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use svckit_core::image_path::ImagePath;
use svckit_core::status::ServiceState;
use svckit_testkit::{binary, need, samba};

use super::{Bed, PASSWORD};
use crate::support::{create, open, reaches, scripted};

/// The services that these tests look for.
const SERVICES: [&str; 2] = ["NETLOGON", "Spooler"];

/// How many tests there are in Samba 4.17; later versions may have more.
const TESTS: usize = 12;

#[test]
fn smbtorture_finds_nothing_wrong() {
    let bed = Bed::new("");
    let Some(said) = run(&bed, bed.address, &binary::scripted()) else { return };
    let count = |word: &str| said.lines().filter(|line| line.starts_with(word)).count();
    assert_eq!((count("failure:"), count("error:"), count("skip:")), (0, 0, 0), "{said}");
    assert!(count("success:") >= TESTS, "{said}");
}

/// Runs all of these tests, with services of this program; what they print.
pub(super) fn run(bed: &Bed, at: SocketAddr, program: &Path) -> Option<String> {
    let smbtorture = need::smbtorture()?;
    for name in SERVICES {
        let mut new = scripted(name, &[]);
        let words = [program.to_str().unwrap(), &format!("{name}=run")];
        new.config.image_path = ImagePath::from_arguments(&words).unwrap();
        create(&bed.scm.direct, &[new]);
        let service = open(&bed.scm.direct, name);
        service.start(&[]).unwrap();
        reaches(&*service, ServiceState::RUNNING);
    }
    let folder = tempfile::tempdir().unwrap();
    let settings = samba::places(folder.path());
    let file = folder.path().join("smb.conf");
    std::fs::write(&file, format!("[global]\nnetbios name = CLIENT\n{settings}")).unwrap();
    let output = Command::new(smbtorture)
        .arg(format!("ncacn_ip_tcp:127.0.0.1[{},seal,ntlm]", at.port()))
        .arg("-s")
        .arg(&file)
        .args(["-U", &format!("ann%{PASSWORD}"), "rpc.svcctl"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    Some(said)
}
