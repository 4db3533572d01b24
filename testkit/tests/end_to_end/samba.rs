//! Over SMB: Samba's service control manager, which is at the end of a pipe and knows five services of its own.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use svckit_core::access::ManagerAccess;
use svckit_core::kind::ServiceType;
use svckit_core::secret::Secret;
use svckit_core::status::StateFilter;
use svckit_core::{Error, Win32Error};
use svckit_manager::{Logon, Remote, Target, connect};
use svckit_testkit::PATIENCE;
use svckit_testkit::samba::{ADMINISTRATOR, PASSWORD, Samba, USER};
use svckit_testkit::svc::{Output, Svc};

/// Services that Samba always has.
pub(crate) const SERVICES: [&str; 4] = ["NETLOGON", "RemoteRegistry", "Spooler", "WINS"];

/// What `--scm` names, with who logs on there.
fn remote(text: &str, user: &str, password: &str) -> Remote {
    let Target::Remote(remote) = Target::parse(text, Path::new("/")).unwrap() else { panic!("{text}") };
    // The first one waits until Samba has started what serves its pipes.
    remote.log_on(Logon::new(user, Secret::from(password))).within(PATIENCE)
}

fn over_smb(samba: &Samba, user: &str, password: &str) -> Target {
    Target::Remote(remote(&format!("smb://127.0.0.1:{}", samba.port()), user, password))
}

/// The names of all services.
fn list(target: &Target) -> Result<Vec<String>, Box<Error>> {
    let manager = connect(target)?.open_manager(ManagerAccess::CONNECT | ManagerAccess::ENUMERATE_SERVICE)?;
    let mut services = manager.enumerate(ServiceType::WIN32, StateFilter::ALL, None)?;
    services.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(services.into_iter().map(|service| service.name).collect())
}

fn failed(target: &Target) -> (Win32Error, String) {
    let error = list(target).unwrap_err();
    (error.code, error.cause.unwrap_or_default())
}

fn svc(samba: &Samba, words: &[&str]) -> Output {
    let svc = Svc::new();
    let file = svc.write("password", PASSWORD);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let scm = format!("smb://127.0.0.1:{}", samba.port());
    let from =
        ["--scm", &scm, "--user", ADMINISTRATOR, "--password-file", "password", "--connect-timeout", "1m"];
    svc.run(&[&from, words].concat())
}

#[test]
fn verbs_go_over_smb() {
    let Some(samba) = Samba::start("server signing = mandatory\nserver smb encrypt = required\n") else {
        return;
    };
    let ok = |words: &[&str]| {
        let output = svc(&samba, words);
        assert!(output.status.success(), "{words:?}: {}{}\n{}", output.stdout, output.stderr, samba.log());
        output.stdout
    };
    let listed = ok(&["list"]);
    assert!(SERVICES.iter().all(|name| listed.contains(name)), "{listed}");
    assert!(ok(&["status", "RemoteRegistry"]).contains("RUNNING"));
    assert!(ok(&["show", "Spooler"]).contains("Print Spooler"));
    assert!(ok(&["sc", "qc", "Spooler"]).contains("LocalSystem"));
    assert!(ok(&["sc", "getdisplayname", "WINS"]).contains("Windows Internet Name Service"));
    assert!(ok(&["sc", "getkeyname", "Net Logon"]).contains("NETLOGON"));
    assert!(ok(&["sc", "sdshow", "Spooler"]).contains("D:(A;"));
    // Its own services take no orders.
    let output = svc(&samba, &["start", "WINS"]);
    assert_eq!(output.code(), Some(4), "{}{}", output.stdout, output.stderr);
    assert!(output.stderr.contains("5 ERROR_ACCESS_DENIED"), "{}", output.stderr);
    let output = svc(&samba, &["status", "nowhere"]);
    assert!(output.stderr.contains("1060"), "{}", output.stderr);
    // It doesn't tell of changes.
    assert_eq!(ok(&["wait", "nowhere", "--state", "gone"]), "nowhere: gone\n");
    let output = svc(&samba, &["wait", "WINS", "--state", "gone"]);
    assert_eq!(output.code(), Some(1), "{}{}", output.stdout, output.stderr);
    let said = "this service control manager doesn't tell when services are deleted (1745 ";
    assert!(output.stderr.contains(said), "{}", output.stderr);
}

#[test]
fn a_list_that_takes_more_than_one_fragment_comes_whole() {
    // Few, since Samba takes its time for each.
    let more: Vec<String> = (0..4).map(|number| format!("{number}{}", "x".repeat(240))).collect();
    let Some(samba) = Samba::start(&format!("svcctl list = {}\n", more.join(" "))) else { return };
    let listed = list(&over_smb(&samba, ADMINISTRATOR, PASSWORD));
    let listed = listed.unwrap_or_else(|error| panic!("{error:?}\n{}", samba.log()));
    assert!(
        more.iter().chain(SERVICES.map(str::to_owned).iter()).all(|name| listed.contains(name)),
        "{listed:?}"
    );
    assert_eq!(listed.len(), more.len() + SERVICES.len());
}

/// Samba's service control manager creates nothing: what it would make of the password, its LSA shows (`scmr/tests/wire/passwords.rs`).
#[test]
fn a_password_goes_only_through_an_encrypted_pipe() {
    for (settings, is_sent) in
        [("server smb encrypt = required\n", true), ("server smb encrypt = off\n", false)]
    {
        let Some(samba) = Samba::start(&format!("server signing = mandatory\n{settings}")) else { return };
        let create = |more: &[&str]| {
            let words = ["sc", "create", "web", "binpath=", "web.exe", "obj=", r".\ann"];
            svc(&samba, &[&words, more].concat())
        };
        let refused = create(&[]);
        assert_ne!(refused.code(), Some(50), "{}", refused.stdout);
        let output = create(&["password=", "correct horse"]);
        let said = format!("{}{}", output.stdout, output.stderr);
        match is_sent {
            true => assert_eq!(output.code(), refused.code(), "{said}"),
            false => {
                assert_eq!(output.code(), Some(50), "{said}");
                assert!(said.contains("only over a connection that is encrypted"), "{said}");
            }
        }
        assert!(!said.contains("correct horse"), "{said}");
    }
}

#[test]
fn who_is_not_let_in_hears_why() {
    let Some(samba) = Samba::start("") else { return };
    assert_eq!(list(&over_smb(&samba, ADMINISTRATOR, PASSWORD)).unwrap(), SERVICES);
    assert_eq!(list(&over_smb(&samba, USER, PASSWORD)).unwrap(), SERVICES);
    let wrong = (Win32Error::LOGON_FAILURE, "the user name or password is wrong".to_owned());
    assert_eq!(failed(&over_smb(&samba, ADMINISTRATOR, "wrong")), wrong);
    assert_eq!(failed(&over_smb(&samba, "nobody-of-that-name", PASSWORD)), wrong);
    assert_eq!(failed(&over_smb(&samba, "", "")).0, Win32Error::RPC_S_SEC_PKG_ERROR);
}

#[test]
fn guests_are_not_wanted() {
    let Some(samba) = Samba::start("map to guest = bad user\nserver signing = auto\n") else { return };
    let (code, cause) = failed(&over_smb(&samba, "nobody-of-that-name", PASSWORD));
    assert_eq!(code, Win32Error::LOGON_FAILURE, "{cause}");
    assert!(cause.starts_with("the user name is wrong: "), "{cause}");
    assert_eq!(list(&over_smb(&samba, ADMINISTRATOR, PASSWORD)).unwrap(), SERVICES);
}

#[test]
fn a_machine_without_the_pipe_is_told() {
    let Some(samba) = Samba::start("rpc start on demand helpers = no\n") else { return };
    let (code, cause) = failed(&over_smb(&samba, ADMINISTRATOR, PASSWORD));
    assert_eq!(code, Win32Error::RPC_S_SERVER_UNAVAILABLE, "{cause}");
    assert!(cause.contains(r"\pipe\svcctl"), "{cause}");
}

/// Settings of servers that demand one cipher, signature or dialect each: a client that does something else isn't let in.
pub(crate) fn demands() -> Vec<String> {
    let encrypted = ["AES-128-CCM", "AES-128-GCM", "AES-256-CCM", "AES-256-GCM"].map(|cipher| {
        format!("server smb encrypt = required\nserver smb3 encryption algorithms = {cipher}\n")
    });
    let signed = ["AES-128-GMAC", "AES-128-CMAC"]
        .map(|signature| format!("server smb encrypt = off\nserver smb3 signing algorithms = {signature}\n"));
    let old = ["SMB3_00", "SMB3_02"]
        .map(|dialect| format!("server smb encrypt = desired\nserver max protocol = {dialect}\n"));
    let all = encrypted.into_iter().chain(signed).chain(old);
    all.map(|settings| format!("server signing = mandatory\n{settings}")).collect()
}

#[test]
fn every_dialect_cipher_and_signature_is_spoken() {
    for settings in demands() {
        let Some(samba) = Samba::start(&settings) else { return };
        let listed = list(&over_smb(&samba, ADMINISTRATOR, PASSWORD));
        assert_eq!(listed.unwrap_or_else(|error| panic!("{settings}: {error}\n{}", samba.log())), SERVICES);
    }
    let Some(samba) = Samba::start("server max protocol = SMB2_10\n") else { return };
    let (code, cause) = failed(&over_smb(&samba, ADMINISTRATOR, PASSWORD));
    assert_eq!(code, Win32Error::RPC_S_PROTOCOL_ERROR);
    assert!(cause.ends_with("is too old: it speaks no SMB from version 3.0 on"), "{cause}");
}

#[test]
fn smb_takes_over_where_tcp_leads_nowhere() {
    let Some(samba) = Samba::start("") else { return };
    // A port at which nobody listens for as long as this lives.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let by = |text| remote(text, ADMINISTRATOR, PASSWORD).with_mapper(closed).with_smb(samba.port());
    let backend = connect(&Target::Remote(by("127.0.0.1"))).unwrap();
    assert_eq!(backend.target(), r"\\127.0.0.1");
    drop(backend);
    assert_eq!(list(&Target::Remote(by("127.0.0.1"))).unwrap(), SERVICES);
    let (code, cause) = failed(&Target::Remote(by("tcp://127.0.0.1")));
    assert_eq!(
        (code, cause),
        (Win32Error::RPC_S_SERVER_UNAVAILABLE, format!("nothing listens at 127.0.0.1:{closed}"))
    );
}
