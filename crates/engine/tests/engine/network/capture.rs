//! Records what clients by others say to a service control manager, for the tests of the wire to replay. `UPDATE_CAPTURES=1 cargo test -p svckit-engine capture` writes it down anew; without that it is made sure that
//! these clients still make the calls that were recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use svckit_core::secret::Secret;
use svckit_os::socket;
use svckit_scmr::auth::{Account, Accounts, NtHash, ntlm};
use svckit_scmr::client::{Binding, Client, Outcome, Progress};
use svckit_scmr::ops::Opnum;
use svckit_scmr::server::{Incoming, Server};
use svckit_testkit::binary;
use svckit_testkit::capture::{self, COMPUTER, Entry, FRAGMENT, PASSWORD, TIME};

use super::{Bed, impacket, samba};

/// Ann alone.
struct Ann;

impl Accounts for Ann {
    fn verifier(&self, account: &Account) -> Option<NtHash> {
        (account.user == "ann").then(|| NtHash::of(&Secret::from(PASSWORD)))
    }
}

/// Stands before a service control manager: lets clients in with challenges that are written down, and hands their calls on.
struct Recorder {
    address: SocketAddr,
    /// Of each client, by its number.
    sessions: Arc<Mutex<BTreeMap<u8, Vec<Entry>>>>,
    running: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Recorder {
    fn new(state: &Path) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let recorder = Self { address, sessions: Arc::default(), running: Arc::default() };
        let (sessions, running) = (Arc::clone(&recorder.sessions), Arc::clone(&recorder.running));
        let endpoint = state.join("scm.sock");
        thread::spawn(move || {
            for (client, number) in listener.incoming().zip(0..) {
                let (client, sessions, endpoint) = (client.unwrap(), Arc::clone(&sessions), endpoint.clone());
                // Before it begins, so that who waits for all of them finds it.
                let mut running = running.lock().unwrap();
                running.push(thread::spawn(move || {
                    let session = record(client, &endpoint, number);
                    sessions.lock().unwrap().insert(number, session);
                }));
            }
        });
        recorder
    }

    /// What was recorded, when all clients have gone.
    fn finish(self) -> Vec<Entry> {
        for session in std::mem::take(&mut *self.running.lock().unwrap()) {
            session.join().unwrap();
        }
        std::mem::take(&mut *self.sessions.lock().unwrap()).into_values().flatten().collect()
    }
}

/// Who has said something.
enum Said {
    Client(Vec<u8>),
    Scm(Vec<u8>),
}

/// Hands on what comes from a stream, at last nothing.
fn listen(mut stream: impl Read + Send + 'static, sender: Sender<Said>, said: fn(Vec<u8>) -> Said) {
    thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        loop {
            let length = stream.read(&mut buffer).unwrap_or(0);
            if sender.send(said(buffer[..length].to_vec())).is_err() || length == 0 {
                return;
            }
        }
    });
}

/// A connection to the service control manager as its owner.
fn owner(scm: &mut (impl Read + Write)) -> Client {
    let (mut binding, hello) = Binding::start();
    scm.write_all(&hello).unwrap();
    let mut buffer = [0; 4096];
    loop {
        let length = scm.read(&mut buffer).unwrap();
        match binding.receive(&buffer[..length]).unwrap() {
            Progress::Binding(more) => binding = more,
            Progress::Ready(client) => return client,
        }
    }
}

/// Serves a client to its end.
fn record(mut client: TcpStream, endpoint: &Path, number: u8) -> Vec<Entry> {
    let challenge = [number, 1, 2, 3, 4, 5, 6, 7];
    let identity = ntlm::Identity { computer: COMPUTER.to_owned(), domain: COMPUTER.to_owned() };
    let acceptor = ntlm::Acceptor::new(identity, challenge, TIME);
    let mut server = Server::sealed(FRAGMENT, acceptor, Box::new(Ann));
    let mut scm = socket::connect(endpoint).unwrap();
    let mut own = owner(&mut scm);
    let (sender, said) = channel();
    listen(client.try_clone().unwrap(), sender.clone(), Said::Client);
    listen(scm.try_clone().unwrap(), sender, Said::Scm);
    let mut entries = vec![Entry::Connection(challenge)];
    // The client's numbers of calls, by those here.
    let mut numbers = BTreeMap::new();
    loop {
        match said.recv().unwrap() {
            Said::Client(bytes) | Said::Scm(bytes) if bytes.is_empty() => break,
            Said::Client(bytes) => {
                entries.push(Entry::ToServer(bytes.clone()));
                for incoming in server.receive(&bytes).unwrap() {
                    if let Incoming::Call { call_id, call } = incoming {
                        let (own_id, bytes) = own.call(&call);
                        numbers.insert(own_id, (call_id, call.opnum()));
                        scm.write_all(&bytes).unwrap();
                    }
                }
            }
            Said::Scm(bytes) => {
                for returned in own.receive(&bytes).unwrap() {
                    let (call_id, Opnum(opnum)) = numbers.remove(&returned.call_id).unwrap();
                    let Outcome::Answer(answer) = returned.outcome else { panic!("{returned:?}") };
                    entries.push(Entry::Answer { call_id, opnum, stub: answer.encode() });
                    server.answer(call_id, &answer);
                }
            }
        }
        let output = server.take_output();
        if !output.is_empty() {
            client.write_all(&output).unwrap();
            entries.push(Entry::ToClient(output));
        }
    }
    // Either may have gone already.
    let _ = (client.shutdown(Shutdown::Both), scm.shutdown(Shutdown::Both));
    entries
}

/// The calls of a capture.
fn calls(entries: &[Entry]) -> BTreeSet<u16> {
    let opnum = |entry: &Entry| if let Entry::Answer { opnum, .. } = entry { Some(*opnum) } else { None };
    entries.iter().filter_map(opnum).collect()
}

/// Whether what is recorded is to be written down.
fn is_update() -> bool {
    std::env::var_os("UPDATE_CAPTURES").is_some()
}

/// Writes down what was recorded, or makes sure that it is the same as what was written down: the same calls, in bytes that depend on who makes them and when.
fn keep(client: &str, entries: &[Entry]) {
    let path = capture::path(client);
    if is_update() {
        let mut text =
            format!("# What {client} said to a service control manager, and what it was answered.\n");
        for entry in entries {
            writeln!(text, "{entry}").unwrap();
        }
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(calls(&capture::read(&kept)), calls(entries), "UPDATE_CAPTURES=1 records it anew");
}

/// The program of services, by a path that is no machine's own where it is written down.
struct Program {
    path: PathBuf,
    /// Removed when this is dropped.
    folder: Option<PathBuf>,
}

impl Program {
    fn new() -> Self {
        let path = binary::scripted();
        if !is_update() {
            return Self { path, folder: None };
        }
        let folder = PathBuf::from("/tmp/svckit-capture");
        std::fs::create_dir(&folder).unwrap();
        let link = folder.join("program");
        std::os::unix::fs::symlink(path, &link).unwrap();
        Self { path: link, folder: Some(folder) }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            // A test that fails says why itself.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// One after the other: they share that path.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[test]
fn impacket_says_what_was_captured() {
    let _alone = ONE_AT_A_TIME.lock();
    let (bed, program) = (Bed::new(""), Program::new());
    let recorder = Recorder::new(bed.state.path());
    if let Some(said) = impacket::run("manage", &bed, recorder.address, &program.path) {
        assert_eq!(said, "managed\n");
        keep("impacket", &recorder.finish());
    }
}

#[test]
fn smbtorture_says_what_was_captured() {
    let _alone = ONE_AT_A_TIME.lock();
    let (bed, program) = (Bed::new(""), Program::new());
    let recorder = Recorder::new(bed.state.path());
    if let Some(said) = samba::run(&bed, recorder.address, &program.path) {
        assert!(said.contains("success:"), "{said}");
        keep("smbtorture", &recorder.finish());
    }
}
