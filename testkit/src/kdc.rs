//! A realm of Kerberos for a test: MIT's KDC at a port and in a folder of its own, which nothing else of the machine knows.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::need;

/// The realm.
pub const REALM: &str = "SHOP.EXAMPLE";

/// How often a KDC is started, if another process takes its port before it does.
const ATTEMPTS: usize = 5;

/// A realm with no users yet; it ends when it is dropped.
#[derive(Debug)]
pub struct Kdc {
    folder: TempDir,
    server: Child,
    kadmin: PathBuf,
}

impl Kdc {
    /// Starts one, or the test is skipped.
    ///
    /// # Panics
    /// If it can't be set up although its programs are there.
    pub fn start() -> Option<Self> {
        let [database, server] = ["kdb5_util", "krb5kdc"].map(need::kerberos);
        let (database, server) = (database?, server?);
        need::kerberos("kinit")?;
        let kadmin = need::kerberos("kadmin.local")?;
        let folder = tempfile::Builder::new().prefix("svckit-kdc-").tempdir().expect("a folder of its own");
        for _ in 0..ATTEMPTS {
            configure(folder.path(), free_port());
            if !folder.path().join("principal").exists() {
                let mut create = in_realm(&database, folder.path());
                run(create.args(["create", "-s", "-P", "the master's password", "-r", REALM]), "");
            }
            if let Some(server) = serve(&server, folder.path()) {
                return Some(Self { folder, server, kadmin });
            }
        }
        panic!("no KDC gets a port");
    }

    /// What a program has to have in its environment to be in the realm, with a cache of tickets of this name.
    pub fn environment(&self, cache: &str) -> [(&'static str, String); 2] {
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        [("KRB5_CONFIG", at("krb5.conf")), ("KRB5CCNAME", at(cache))]
    }

    /// Adds a user with a password.
    pub fn add_user(&self, name: &str, password: &str) {
        self.kadmin(&format!("addprinc -pw \"{password}\" {name}"));
    }

    /// Adds a server; its key is only in this keytab, if one is named.
    pub fn add_server(&self, name: &str, keytab: Option<&str>) -> PathBuf {
        self.kadmin(&format!("addprinc -randkey {name}"));
        let file = self.folder.path().join(keytab.unwrap_or("nobody.keytab"));
        self.kadmin(&format!("ktadd -k {} {name}", file.display()));
        file
    }

    /// Tickets for a server have nothing that Windows' domains put into them: a server outside of a domain doesn't take those.
    pub fn without_groups(&self, server: &str) {
        self.kadmin(&format!("modprinc +no_auth_data_required {server}"));
    }

    /// Puts a ticket of a user into a cache.
    pub fn kinit(&self, user: &str, password: &str, cache: &str) {
        let mut kinit = Command::new("kinit");
        run(kinit.arg(user).envs(self.environment(cache)), &format!("{password}\n"));
    }

    /// Puts a ticket for a server into a cache that has one of a user: for clients that can't ask a KDC at such a port.
    pub fn ticket_for(&self, server: &str, cache: &str) {
        run(Command::new("kvno").arg(server).envs(self.environment(cache)), "");
    }

    fn kadmin(&self, query: &str) {
        let mut kadmin = in_realm(&self.kadmin, self.folder.path());
        run(kadmin.args(["-r", REALM, "-q", query]), "");
    }
}

impl Drop for Kdc {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// What gives a program another clock than the machine's, such as one that is 20 minutes ahead (`+20m`), with faketime's library. The program that comes with it waits for everything that is started.
pub fn another_clock(offset: &str) -> [(&'static str, &str); 3] {
    [
        ("LD_PRELOAD", "/usr/$LIB/faketime/libfaketime.so.1"),
        ("FAKETIME", offset),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ]
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("it has an address").port()
}

fn configure(folder: &Path, port: u16) {
    let at = |name: &str| folder.join(name).display().to_string();
    let client = format!(
        "[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\ndns_lookup_realm = false\n\
         dns_canonicalize_hostname = false\nudp_preference_limit = 1\n\
         [realms]\n{REALM} = {{\nkdc = 127.0.0.1:{port}\n}}\n\
         [logging]\nkdc = STDERR\ndefault = STDERR\n"
    );
    let server = format!(
        "[kdcdefaults]\nkdc_listen = 127.0.0.1:{port}\nkdc_tcp_listen = 127.0.0.1:{port}\n\
         [realms]\n{REALM} = {{\ndatabase_name = {}\nkey_stash_file = {}\n\
         supported_enctypes = aes256-cts:normal aes128-cts:normal\n}}\n",
        at("principal"),
        at("stash")
    );
    fs::write(folder.join("krb5.conf"), client).expect("the folder can be written");
    fs::write(folder.join("kdc.conf"), server).expect("the folder can be written");
}

fn in_realm(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("KRB5_CONFIG", folder.join("krb5.conf")).env("KRB5_KDC_PROFILE", folder.join("kdc.conf"));
    command
}

/// Starts the KDC; `None` if it ends before it serves.
fn serve(program: &Path, folder: &Path) -> Option<Child> {
    let mut command = in_realm(program, folder);
    let command = command.arg("-n").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the KDC can be run");
    let mut said = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut line = String::new();
    while said.read_line(&mut line).expect("a pipe can be read") > 0 {
        if line.contains("commencing operation") {
            // What it says from now on is taken, so that it never waits for somebody to read.
            std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
            return Some(child);
        }
        line.clear();
    }
    child.wait().expect("a child can be waited for");
    None
}

/// Runs a program that has to succeed.
fn run(command: &mut Command, input: &str) {
    let shown = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{shown}: {error}"));
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("a child can be waited for");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shown}: {}\n{said}", output.status);
}
