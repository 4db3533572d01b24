//! Over SMB with a ticket: a KDC of the test's own, and Samba's `smbd`, whose Kerberos is Heimdal's, with a keytab.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use svckit_core::access::ManagerAccess;
use svckit_manager::local::Ticket;
use svckit_manager::{Target, connect};
use svckit_testkit::kdc::{Kdc, another_clock};
use svckit_testkit::samba::{ADMINISTRATOR, Samba, USER};
use svckit_testkit::svc::{Output, Svc, finish};
use svckit_testkit::{PATIENCE, need, role};

use crate::kerberos::refused;
use crate::samba::{SERVICES, demands};

const PASSWORD: &str = "correct horse";

/// Somebody of whom Samba's machine knows nothing.
const STRANGER: &str = "ann";

/// A realm with two users that the machine knows, one that it doesn't, and the keys of its SMB.
struct Shop {
    kdc: Kdc,
    keytab: PathBuf,
    svc: Svc,
}

impl Shop {
    fn new() -> Option<Self> {
        let kdc = Kdc::start()?;
        for user in [ADMINISTRATOR, USER, STRANGER] {
            kdc.add_user(user, PASSWORD);
        }
        let keytab = kdc.add_server("cifs/localhost", Some("smb.keytab"));
        kdc.without_groups("cifs/localhost");
        Some(Self { kdc, keytab, svc: Svc::new() })
    }

    fn serve(&self, settings: &str) -> Option<Samba> {
        Samba::start_in(&self.kdc, &self.keytab, settings)
    }

    /// A ticket of a user, in a cache of the same name.
    fn kinit(&self, user: &str) {
        self.kdc.kinit(user, PASSWORD, user);
    }

    /// `svc` with the tickets of a cache.
    fn command(&self, cache: &str, arguments: &[&str]) -> Command {
        // A machine that is busy may take longer than people wait.
        let patience = PATIENCE.as_secs().to_string();
        let mut command = self.svc.command(&[&["--connect-timeout", &patience], arguments].concat());
        command.envs(self.kdc.environment(cache));
        command
    }

    fn run(&self, samba: &Samba, cache: &str, arguments: &[&str]) -> Output {
        finish(self.command(cache, &[&["--scm", &at("localhost", samba)], arguments].concat()))
    }
}

fn at(host: &str, samba: &Samba) -> String {
    format!("smb://{host}:{}", samba.port())
}

#[track_caller]
fn listed(output: &Output, samba: &Samba) {
    assert!(output.status.success(), "{}{}\n{}", output.stdout, output.stderr, samba.log());
    assert!(SERVICES.iter().all(|name| output.stdout.contains(name)), "{}", output.stdout);
}

#[test]
fn verbs_go_over_smb_with_a_ticket() {
    let Some(shop) = Shop::new() else { return };
    let settings = "server signing = mandatory\nserver smb encrypt = required\nlog level = 3\n";
    let Some(samba) = shop.serve(settings) else { return };
    for user in [ADMINISTRATOR, USER] {
        shop.kinit(user);
        listed(&shop.run(&samba, user, &["list"]), &samba);
        assert!(samba.log().contains(&format!("principal name is [{user}@SHOP.EXAMPLE]")), "{}", samba.log());
    }
    let said = shop.run(&samba, ADMINISTRATOR, &["sc", "qc", "Spooler"]);
    assert!(said.stdout.contains("LocalSystem"), "{}{}", said.stdout, said.stderr);
    let named = ["--auth", "kerberos", "--user", "root@SHOP.EXAMPLE", "status", "RemoteRegistry"];
    let said = shop.run(&samba, ADMINISTRATOR, &named);
    assert!(said.stdout.contains("RUNNING"), "{}{}", said.stdout, said.stderr);
    // For the password the KDC gives a ticket, and the password goes nowhere else.
    let words = ["--scm", &at("localhost", &samba), "--auth", "kerberos", "--user", ADMINISTRATOR, "list"];
    let mut by_password = shop.command("none", &words);
    by_password.env("SVC_PASSWORD", PASSWORD);
    listed(&finish(by_password), &samba);
}

/// Keys of 32 bytes and of 16, of which AES-256 of SMB takes as much as there is.
#[test]
fn keys_of_either_length_fit_every_dialect_cipher_and_signature() {
    let Some(shop) = Shop::new() else { return };
    let short = shop.svc.write(
        "short.conf",
        "[libdefaults]\npermitted_enctypes = aes128-cts-hmac-sha1-96\ndefault_tkt_enctypes = aes128-cts-hmac-sha1-96\n\
         default_tgs_enctypes = aes128-cts-hmac-sha1-96\n",
    );
    shop.kinit(ADMINISTRATOR);
    for settings in demands() {
        let Some(samba) = shop.serve(&settings) else { return };
        listed(&shop.run(&samba, ADMINISTRATOR, &["list"]), &samba);
        let words =
            ["--scm", &at("localhost", &samba), "--auth", "kerberos", "--user", ADMINISTRATOR, "list"];
        let mut command = shop.command("none", &words);
        let [(variable, rest), _] = shop.kdc.environment("none");
        command.env(variable, format!("{}:{rest}", short.display())).env("SVC_PASSWORD", PASSWORD);
        listed(&finish(command), &samba);
    }
}

#[test]
fn who_is_not_let_in_with_a_ticket_hears_why() {
    let Some(shop) = Shop::new() else { return };
    let Some(samba) = shop.serve("") else { return };
    let to = |user: &str, host: &str| {
        finish(shop.command(user, &["--scm", &at(host, &samba), "--auth", "kerberos", "list"]))
    };
    refused(&to("none", "localhost"), 4, &["1326", "there is no ticket; kinit gets one"]);
    shop.kinit(STRANGER);
    let no_account = ["1326", "the ticket is right, but its user has no account there"];
    refused(&to(STRANGER, "localhost"), 4, &no_account);
    shop.kinit(USER);
    let unknown = ["1396", "no ticket for cifs/127.0.0.1", "the realm knows no such server"];
    refused(&to(USER, "127.0.0.1"), 8, &unknown);
    // Now the KDC knows it, and gives a ticket; but the key is not in the keytab.
    shop.kdc.add_server("cifs/127.0.0.1", None);
    let words = ["does not take the ticket", "its key is not the one"];
    refused(&to(USER, "127.0.0.1"), 4, &words);
}

#[test]
fn clocks_that_differ_and_tickets_that_have_expired_are_told_over_smb() {
    let (Some(_), Some(shop)) = (need::faketime(), Shop::new()) else { return };
    let Some(samba) = shop.serve("") else { return };
    shop.kinit(USER);
    shop.kdc.ticket_for("cifs/localhost", USER);
    let with_clock = |offset| {
        let mut command = shop.command(USER, &["--scm", &at("localhost", &samba), "list"]);
        command.envs(another_clock(offset));
        finish(command)
    };
    let skewed = ["1398 ERROR_TIME_SKEW", "the server does not take the ticket: the clocks", "NTP"];
    refused(&with_clock("+20m"), 4, &skewed);
    refused(&with_clock("+3d"), 4, &["1326", "the ticket has expired; kinit gets another"]);
    listed(&with_clock("+0"), &samba);
}

#[test]
fn a_server_without_kerberos_is_told() {
    let Some(shop) = Shop::new() else { return };
    let Some(samba) = Samba::start("") else { return };
    shop.kinit(USER);
    refused(&shop.run(&samba, USER, &["list"]), 8, &["1825", "the server does not take Kerberos"]);
}

/// What a process within the realm does: the ports of the endpoint mapper and of SMB are not the usual ones, which only a program can say.
pub(crate) fn over_both(ports: &str) {
    let (mapper, smb) = ports.split_once(' ').unwrap();
    let Target::Remote(remote) = Target::parse("localhost", Path::new("/")).unwrap() else { panic!() };
    let remote = remote.with_mapper(mapper.parse().unwrap()).with_smb(smb.parse().unwrap());
    let remote = remote.show(Ticket::from_cache(None).unwrap());
    let backend = connect(&Target::Remote(remote)).unwrap();
    backend.open_manager(ManagerAccess::CONNECT).unwrap();
}

#[test]
fn a_ticket_goes_over_smb_where_tcp_leads_nowhere() {
    let Some(shop) = Shop::new() else { return };
    let Some(samba) = shop.serve("log level = 3\n") else { return };
    shop.kinit(USER);
    // A port at which nobody listens any more.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = role::command("a ticket over both", &format!("{closed} {}", samba.port()));
    command.envs(shop.kdc.environment(USER));
    let output = finish(command);
    assert!(output.status.success(), "{}{}\n{}", output.stdout, output.stderr, samba.log());
    assert!(samba.log().contains("principal name is [daemon@SHOP.EXAMPLE]"), "{}", samba.log());
}
