//! Samba's `smbd` with its own service control manager, in a folder of its own, at a port of the loopback interface.

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use svckit_os::pidfd::PidFd;
use tempfile::TempDir;

use crate::kdc::{Kdc, REALM};
use crate::{PATIENCE, need, processes};

/// An account of Unix that is everywhere, and that Samba's service control manager takes for an administrator.
pub const ADMINISTRATOR: &str = "root";

/// One that is everywhere, too, and is nobody in particular.
pub const USER: &str = "daemon";

/// The password of both.
pub const PASSWORD: &str = "a password, of 33 bytes: äöü!";

/// What it says when it listens, at level 2.
const LISTENS: &str = "waiting for connections";

/// How often a port is looked for that nobody else takes in between.
const ATTEMPTS: usize = 5;

/// A server; it ends, with all that it started, when this is dropped.
#[derive(Debug)]
pub struct Samba {
    folder: TempDir,
    server: Child,
    port: u16,
    said: Arc<Mutex<String>>,
}

impl Samba {
    /// Starts one with further settings, or the test is skipped.
    pub fn start(settings: &str) -> Option<Self> {
        Self::start_with(settings, &[])
    }

    /// Starts one that takes tickets of a realm with the keys in a file, too. Users are those of Unix with the same names.
    pub fn start_in(kdc: &Kdc, keytab: &Path, settings: &str) -> Option<Self> {
        let keys = format!(
            "realm = {REALM}\nkerberos method = dedicated keytab\ndedicated keytab file = FILE:{}\n{settings}",
            keytab.display()
        );
        Self::start_with(&keys, &kdc.environment("nobody"))
    }

    fn start_with(settings: &str, environment: &[(&str, String)]) -> Option<Self> {
        let (smbd, smbpasswd) = programs()?;
        let folder = tempfile::Builder::new().prefix("svckit-samba-").tempdir().expect("a folder of its own");
        for _ in 0..ATTEMPTS {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port of its own");
            let port = free.local_addr().expect("it has an address").port();
            drop(free);
            configure(folder.path(), port, settings);
            for user in [ADMINISTRATOR, USER] {
                add(&smbpasswd, folder.path(), user);
            }
            if let Some((server, said)) = serve(&smbd, folder.path(), environment) {
                return Some(Self { folder, server, port, said });
            }
        }
        panic!("smbd does not start")
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its database of secrets, as it is in the file.
    pub fn secrets(&self) -> Vec<u8> {
        fs::read(self.folder.path().join("secrets.tdb")).expect("it has secrets of its own")
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Samba {
    fn drop(&mut self) {
        // With it ends what serves its pipes; that is nobody's child, and its folder is in use until then.
        let pipes = fs::read_to_string(self.folder.path().join("samba-dcerpcd.pid"));
        let pipes = pipes.ok().and_then(|pid| pid.trim().parse().ok());
        let process = pipes.and_then(|pid| PidFd::open(pid).ok());
        end(self.server.id());
        let _ = self.server.wait();
        if let (Some(pid), Some(process)) = (pipes, process) {
            end(pid);
            let _ = process.wait(PATIENCE);
        }
        // What these two have started ends a little later, and writes until then.
        let groups: Vec<u32> = pipes.into_iter().chain([self.server.id()]).collect();
        processes::end(|| processes::that(|pid| is_member(pid, &groups) == Some(true)));
    }
}

/// Whether a process is in one of these groups, and runs.
fn is_member(pid: u32, groups: &[u32]) -> Option<bool> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // After the name, which may have blanks in it: the state, the parent, the group.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let (state, group) = (fields.next()?, fields.nth(1)?.parse().ok()?);
    Some(state != "Z" && groups.contains(&group))
}

/// The server, and what gives accounts their passwords.
fn programs() -> Option<(PathBuf, PathBuf)> {
    let found = need::find("smbd").zip(need::find("smbpasswd"));
    if found.is_none() {
        need::skip("there is no smbd; it is in Debian's package samba");
    } else if !rustix::process::geteuid().is_root() {
        need::skip("smbd becomes whoever logs on, which only root can");
        return None;
    }
    found
}

fn configure(folder: &Path, port: u16, settings: &str) {
    let at = folder.display();
    let text = format!(
        "[global]\nserver role = standalone server\nworkgroup = SHOP\nnetbios name = SMBTEST\ninterfaces = 127.0.0.1/8\n\
         bind interfaces only = yes\ndisable netbios = yes\nload printers = no\npassdb backend = tdbsam\n\
         smb ports = {port}\nlog file = {at}/log.%m\nlog level = 2\n"
    );
    fs::write(folder.join("smb.conf"), text + &places(folder) + settings).expect("the folder can be written");
}

/// The settings by which a program of Samba keeps everything in a folder.
pub fn places(folder: &Path) -> String {
    const PLACES: [&str; 6] = [
        "private dir",
        "lock directory",
        "state directory",
        "cache directory",
        "pid directory",
        "ncalrpc dir",
    ];
    PLACES.map(|place| format!("{place} = {}\n", folder.display())).concat()
}

/// Gives an account of Unix a password for SMB.
fn add(smbpasswd: &Path, folder: &Path, user: &str) {
    let mut add = Command::new(smbpasswd);
    add.arg("-c").arg(folder.join("smb.conf")).args(["-s", "-a", user]);
    let mut child = add
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("smbpasswd can be run");
    let mut input = child.stdin.take().expect("it is piped");
    write!(input, "{PASSWORD}\n{PASSWORD}\n").expect("smbpasswd reads");
    drop(input);
    let output = child.wait_with_output().expect("a child can be waited for");
    assert!(output.status.success(), "{add:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Starts the server and waits until it listens; `None` if it ends before, as it does when somebody else has its port.
fn serve(smbd: &Path, folder: &Path, environment: &[(&str, String)]) -> Option<(Child, Arc<Mutex<String>>)> {
    let mut serve = Command::new(smbd);
    serve
        .args(["--foreground", "--no-process-group", "--debug-stdout", "--configfile"])
        .arg(folder.join("smb.conf"))
        .envs(environment.iter().map(|(name, value)| (name, value)))
        // When it ends it ends its whole group.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut server = serve.spawn().expect("smbd can be run");
    let output = BufReader::new(server.stdout.take().expect("it is piped"));
    let said = Arc::new(Mutex::new(String::new()));
    let (listens, word) = channel();
    let log = Arc::clone(&said);
    thread::spawn(move || {
        let mut listens = Some(listens);
        for line in output.split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            if line.contains(LISTENS)
                && let Some(listens) = listens.take()
            {
                // The test may have given up.
                let _ = listens.send(());
            }
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_str(&line);
            log.push('\n');
        }
    });
    match word.recv_timeout(PATIENCE) {
        Ok(()) => Some((server, said)),
        Err(RecvTimeoutError::Disconnected) => {
            server.wait().expect("a child can be waited for");
            None
        }
        Err(RecvTimeoutError::Timeout) => {
            end(server.id());
            panic!("smbd does not listen: {}", said.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }
}

/// Asks a process to end. It may have done so by itself.
fn end(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    let _ = pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM));
}
