//! Another machine that is come to with a ticket of Kerberos: a KDC of the test's own, and a service control manager with a keytab.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use svckit_testkit::kdc::{Kdc, another_clock};
use svckit_testkit::svc::{Output, Svc, finish};
use svckit_testkit::{need, samba};

const PASSWORD: &str = "correct horse";

/// A realm with the users ann, bob and eve, and a machine in it that knows ann, an administrator, and bob.
struct Shop {
    kdc: Kdc,
    svc: Svc,
    port: String,
}

impl Shop {
    fn new() -> Option<Self> {
        let kdc = Kdc::start()?;
        for user in ["ann", "bob", "eve"] {
            kdc.add_user(user, PASSWORD);
        }
        let keytab = kdc.add_server("host/localhost", Some("svc.keytab"));
        let svc = Svc::new();
        let shop = Self { kdc, svc, port: String::new() };
        shop.svc.ok(&["scm", "user", "add", "ann", "--administrator", "--principal", "ann@SHOP.EXAMPLE"]);
        shop.svc.ok(&["scm", "user", "add", "bob", "--principal", "bob@SHOP.EXAMPLE"]);
        let settings = format!("[network]\nlisten = [\"127.0.0.1:0\"]\nkeytab = {keytab:?}\n");
        fs::write(shop.svc.state().join("scm.toml"), settings).unwrap();
        Some(shop)
    }

    /// Starts the service control manager, which reads its keytab within the realm.
    fn serve(mut self, faketime: Option<&str>) -> Self {
        let listed = finish(self.command("nobody", &["list"], faketime));
        assert!(listed.status.success(), "{}{}", listed.stderr, self.log());
        let address = self.svc.json(&["scm", "status"])["listening"][0].as_str().unwrap().to_owned();
        self.port = address.rsplit(':').next().unwrap().to_owned();
        self
    }

    fn log(&self) -> String {
        fs::read_to_string(self.svc.state().join("scm.log")).unwrap_or_default()
    }

    /// A command within the realm, with a cache of tickets of this name, and perhaps another time.
    fn command(&self, cache: &str, arguments: &[&str], faketime: Option<&str>) -> Command {
        let mut command = self.svc.command(arguments);
        if let Some(offset) = faketime {
            command.envs(another_clock(offset));
        }
        command.envs(self.kdc.environment(cache));
        command
    }

    fn address(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// A command from afar, with the tickets of a cache.
    fn run(&self, cache: &str, arguments: &[&str]) -> Output {
        finish(self.command(cache, &[&["--scm", &self.address()], arguments].concat(), None))
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run("ann", arguments);
        assert!(output.status.success(), "{arguments:?}: {}\n{}{}", output.status, output.stderr, self.log());
        output.stdout
    }

    fn private(&self, name: &str, text: &str) -> PathBuf {
        let file = self.svc.write(name, text);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        file
    }
}

#[track_caller]
pub(crate) fn refused(output: &Output, code: i32, said: &[&str]) {
    assert_eq!(output.code(), Some(code), "{}{}", output.stdout, output.stderr);
    for text in said {
        assert!(output.stderr.contains(text), "{text:?} is not in: {}", output.stderr);
    }
}

#[test]
fn a_ticket_is_all_that_is_needed() {
    let Some(shop) = Shop::new() else { return };
    let shop = shop.serve(None);
    shop.kdc.kinit("ann", PASSWORD, "ann");
    let text = "[service.web]\nrun = ['sh', '-c', 'echo hello; exec sleep 1000']\nready.log = 'hello'\n";
    let file = shop.svc.write("web.toml", text);
    shop.ok(&["up", file.to_str().unwrap()]);
    assert_eq!(shop.svc.status("web")["state"], "RUNNING", "it is the same service that its owner sees");
    assert!(shop.ok(&["list"]).contains("web"));
    // More than one fragment each way.
    let long = "x".repeat(3500);
    let server = format!(r"\\{}", shop.address());
    shop.ok(&["sc", &server, "description", "web", &long]);
    assert!(shop.ok(&["sc", "qdescription", "web", "8000"]).contains(&long));
    shop.ok(&["stop", "web"]);
    shop.ok(&["start", "web"]);
    shop.ok(&["restart", "web"]);
    shop.ok(&["wait", "web", "--state", "running"]);
    assert!(shop.ok(&["logs", "web"]).contains("hello"));
    shop.ok(&["--auth", "kerberos", "--user", "ann", "list"]);
    shop.ok(&["--auth", "kerberos", "--user", "ann@SHOP.EXAMPLE", "list"]);
    shop.ok(&["down", file.to_str().unwrap()]);
    let users = shop.svc.json(&["scm", "user", "list"]);
    assert_eq!(users[0]["principal"], "ann@SHOP.EXAMPLE");
}

#[test]
fn a_password_gets_a_ticket_from_a_file_or_the_environment() {
    let Some(shop) = Shop::new() else { return };
    let shop = shop.serve(None);
    let file = shop.private("password", &format!("{PASSWORD}\n"));
    let by_file = ["--auth", "kerberos", "--user", "ann", "--password-file", file.to_str().unwrap(), "list"];
    assert_eq!(shop.run("none", &by_file).code(), Some(0));
    let text = format!("username = ann\ndomain = shop.example\npassword = {PASSWORD}\n");
    let file = shop.private("credentials", &text);
    let by_credentials = ["--auth", "kerberos", "--credentials-file", file.to_str().unwrap(), "list"];
    assert_eq!(shop.run("none", &by_credentials).code(), Some(0));
    let by_variable = ["--scm", &shop.address(), "--auth", "kerberos", "--user", r"SHOP.EXAMPLE\ann", "list"];
    let mut command = shop.command("none", &by_variable, None);
    command.env("SVC_PASSWORD", PASSWORD);
    assert_eq!(finish(command).code(), Some(0));
    let file = shop.private("password", "wrong horse\n");
    let wrong = ["--auth", "kerberos", "--user", "ann", "--password-file", file.to_str().unwrap(), "list"];
    refused(&shop.run("none", &wrong), 4, &["1326", "no ticket to ann", "the password is wrong"]);
    let unknown = ["--auth", "kerberos", "--user", "joe", "--password-file", file.to_str().unwrap(), "list"];
    refused(&shop.run("none", &unknown), 4, &["1326", "the realm knows no such user"]);
}

#[test]
fn who_has_no_ticket_or_no_account_hears_so() {
    let Some(shop) = Shop::new() else { return };
    let shop = shop.serve(None);
    let both = ["1326", "--user", "SVC_USER", "Kerberos ticket", "there is no ticket; kinit gets one"];
    refused(&shop.run("none", &["list"]), 4, &both);
    refused(&shop.run("none", &["--auth", "kerberos", "list"]), 4, &["1326", "there is no ticket"]);
    refused(&shop.run("none", &["--auth", "ntlm", "list"]), 4, &["1326", "--user"]);
    shop.kdc.kinit("bob", PASSWORD, "bob");
    refused(&shop.run("bob", &["scm", "stop"]), 4, &["only for administrators"]);
    let output = shop.run("bob", &["sc", "create", "web", "binPath=", "/bin/true"]);
    assert_eq!(output.code(), Some(5), "{}{}", output.stdout, output.stderr);
    shop.kdc.kinit("eve", PASSWORD, "eve");
    refused(&shop.run("eve", &["list"]), 4, &["1326", "no account there"]);
    let events = shop.svc.ok(&["events"]);
    assert!(
        events.contains("eve@SHOP.EXAMPLE") && events.contains("no account has that principal"),
        "{events}"
    );
    // It has no password that anybody could know.
    let file = shop.private("password", &format!("{PASSWORD}\n"));
    let by_ntlm = ["--user", "ann", "--password-file", file.to_str().unwrap(), "list"];
    refused(&shop.run("none", &by_ntlm), 4, &["1326"]);
}

#[test]
fn a_server_that_the_realm_does_not_know_or_that_has_another_key_is_told() {
    let Some(shop) = Shop::new() else { return };
    let shop = shop.serve(None);
    shop.kdc.kinit("ann", PASSWORD, "ann");
    let to =
        |host: &str| finish(shop.command("ann", &["--scm", &format!("{host}:{}", shop.port), "list"], None));
    refused(&to("127.0.0.1"), 8, &["1396", "host/127.0.0.1", "the realm knows no such server"]);
    // The KDC knows it, and gives a ticket; but the key is not in the keytab.
    shop.kdc.add_server("host/127.0.0.1", None);
    refused(&to("127.0.0.1"), 8, &["1396", "the server does not take the ticket", "keytab"]);
    assert!(shop.log().contains("a ticket is not taken"), "{}", shop.log());
}

#[test]
fn clocks_that_differ_and_tickets_that_have_expired_are_told() {
    let (Some(_), Some(shop)) = (need::faketime(), Shop::new()) else { return };
    let shop = shop.serve(Some("+20m"));
    shop.kdc.kinit("ann", PASSWORD, "ann");
    let skewed = shop.run("ann", &["list"]);
    refused(&skewed, 4, &["1398 ERROR_TIME_SKEW", "the clocks of the two machines differ", "NTP"]);
    let later = shop.command("ann", &["--scm", &shop.address(), "list"], Some("+3d"));
    refused(&finish(later), 4, &["1326", "the ticket has expired; kinit gets another"]);
}

#[test]
fn a_keytab_that_can_not_be_used_is_told_at_the_start() {
    let Some(shop) = Shop::new() else { return };
    let keytab = Path::new(&shop.kdc.environment("none")[0].1).with_file_name("svc.keytab");
    fs::set_permissions(&keytab, fs::Permissions::from_mode(0o644)).unwrap();
    let output = finish(shop.command("none", &["scm", "serve", "--listen", "127.0.0.1:0"], None));
    assert_eq!(output.code(), Some(1));
    assert!(output.stderr.contains("cannot take Kerberos: the keytab"), "{}", output.stderr);
    assert!(output.stderr.contains("others can reach it"), "{}", output.stderr);
}

/// impacket with a ticket; what it says. `None`: it isn't there.
fn impacket(shop: &Shop, user: &str) -> Option<String> {
    const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/end_to_end/kerberos.py");
    let mut command = Command::new(need::python()?);
    command.args([SCRIPT, &shop.port, user]).envs(shop.kdc.environment(user));
    let output = finish(command);
    assert!(output.status.success(), "{}", output.stderr);
    Some(output.stdout)
}

#[test]
fn impacket_comes_with_a_ticket() {
    let Some(shop) = Shop::new() else { return };
    let shop = shop.serve(None);
    for (user, said) in [("ann", "managed /bin/true"), ("eve", "refused")] {
        shop.kdc.kinit(user, PASSWORD, user);
        shop.kdc.ticket_for("host/localhost", user);
        let Some(found) = impacket(&shop, user) else { return };
        assert!(found.starts_with(said), "{user}: {found}{}", shop.log());
    }
    assert_eq!(shop.svc.json(&["list"]), serde_json::json!([]));
}

/// Samba's tests with a ticket, in the way that the binding says. Its Kerberos is Heimdal's, and it signs headers.
fn smbtorture(shop: &Shop, program: &Path, way: &str) -> Output {
    let folder = shop.svc.folder();
    let settings = samba::places(folder);
    let file = shop.svc.write("smb.conf", &format!("[global]\nrealm = SHOP.EXAMPLE\n{settings}"));
    let mut command = Command::new(program);
    command
        .arg(format!("ncacn_ip_tcp:127.0.0.1[{},seal,{way},target_hostname=db1.shop.example]", shop.port))
        .arg("-s")
        .arg(&file)
        .args(["-U", &format!("ann@SHOP.EXAMPLE%{PASSWORD}"), "--use-kerberos=required"])
        .args(["rpc.svcctl.svcctl.EnumServicesStatus", "rpc.svcctl.svcctl.SCManager"])
        .envs(shop.kdc.environment("ann"))
        .current_dir(folder);
    finish(command)
}

#[test]
fn samba_comes_with_a_ticket_by_kerberos_alone_and_by_spnego() {
    let (Some(program), Some(shop)) = (need::smbtorture(), Shop::new()) else { return };
    // It won't have Kerberos with localhost.
    shop.kdc.add_server("host/db1.shop.example", Some("svc.keytab"));
    let shop = shop.serve(None);
    for way in ["krb5", "spnego"] {
        let output = smbtorture(&shop, &program, way);
        let (said, log) = (&output.stdout, shop.log());
        assert!(output.status.success(), "{way}: {said}{}{log}", output.stderr);
        let count = |word: &str| said.lines().filter(|line| line.starts_with(word)).count();
        assert_eq!(
            (count("failure:"), count("error:"), count("skip:"), count("success:")),
            (0, 0, 0, 2),
            "{said}"
        );
        assert!(log.contains("\"ann@SHOP.EXAMPLE\" logs on"), "{log}");
    }
}

/// Somebody on the way who changes a byte of each request; the port at which clients are waited for, for as long as the test runs.
fn altered_on_the_way(port: &str, place: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (own, server) = (listener.local_addr().unwrap().port(), format!("127.0.0.1:{port}"));
    thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let server = TcpStream::connect(&server).unwrap();
            let (mut back, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || {
                // Either side may go at any time.
                let _ = std::io::copy(&mut back, &mut to_client);
                let _ = to_client.shutdown(Shutdown::Both);
            });
            thread::spawn(move || pass(client, server, place));
        }
    });
    own
}

/// Passes the packets of a client on, its requests with another byte.
fn pass(mut client: TcpStream, mut server: TcpStream, place: usize) {
    const HEADER: usize = 16;
    const REQUEST: u8 = 0;
    let mut packet = vec![0; HEADER];
    while client.read_exact(&mut packet[..HEADER]).is_ok() {
        packet.resize(u16::from_le_bytes([packet[8], packet[9]]).into(), 0);
        client.read_exact(&mut packet[HEADER..]).unwrap();
        if packet[2] == REQUEST {
            packet[place] ^= 1;
        }
        if server.write_all(&packet).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
}

#[test]
fn a_packet_that_was_altered_on_its_way_is_not_taken() {
    let Some(shop) = Shop::new() else { return };
    let shop = shop.serve(None);
    shop.kdc.kinit("ann", PASSWORD, "ann");
    // The number of the operation, which is in clear; the arguments; the signature.
    let told = || shop.log().matches("altered, repeated or left out").count();
    for place in [22, 30, 100] {
        let before = told();
        let way = altered_on_the_way(&shop.port, place);
        let words = ["--scm", &format!("localhost:{way}"), "list"];
        refused(&finish(shop.command("ann", &words, None)), 8, &["1726", "the connection", "was lost"]);
        assert!(told() > before, "{}", shop.log());
    }
    shop.ok(&["list"]);
}
