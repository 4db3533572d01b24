//! Another machine: found by its endpoint mapper or its port, entered with a name and a password, and every way in which that fails.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::config::{ConfigChange, NewService};
use svckit_core::kind::ServiceType;
use svckit_core::name::ServiceName;
use svckit_core::secret::Secret;
use svckit_core::status::{ServiceState, StateFilter};
use svckit_core::{Error, Win32Error};
use svckit_manager::remote::Trial;
use svckit_manager::{Logon, Target, connect};
use svckit_scmr::auth::{Account, Accounts, NtHash, ntlm};
use svckit_scmr::mapper::{Mapper, Tower};
use svckit_scmr::ops::Password;
use svckit_scmr::pdu::{BindNak, Frame, HEADER, MAX_FRAGMENT, PacketType};
use svckit_scmr::server::Server;

use crate::scm::{Duplex, Fixture, Scm};
use crate::wire::config;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// Ann, with the password "pw".
struct Ann;

impl Accounts for Ann {
    fn verifier(&self, account: &Account) -> Option<NtHash> {
        (account.user == "ann" && account.domain == "SHOP").then(|| NtHash::of(&Secret::from("pw")))
    }
}

/// Answers every connection by `serve`, until the process ends.
fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (serve, stream) = (Arc::clone(&serve), stream.unwrap());
            thread::spawn(move || serve(stream));
        }
    });
    address
}

fn listen_scm(scm: &Arc<Scm>) -> SocketAddr {
    let scm = Arc::clone(scm);
    listen(move |stream| {
        let acceptor = ntlm::Acceptor::new(ntlm::Identity::default(), *b"8 random", 133_000_000_000_000_000);
        Arc::clone(&scm).serve(stream, Server::sealed(MAX_FRAGMENT, acceptor, Box::new(Ann)));
    })
}

fn target(address: &str, password: &str, limit: Duration) -> Target {
    let Target::Remote(remote) = Target::parse(address, Path::new("/")).unwrap() else { panic!("{address}") };
    Target::Remote(remote.log_on(Logon::new(r"SHOP\ann", Secret::from(password))).within(limit))
}

/// The error of a connection to whoever listens there.
fn refused(address: SocketAddr, password: &str) -> Error {
    let error = connect(&target(&address.to_string(), password, LONG)).err().unwrap();
    assert_eq!(error.target, Some(format!(r"\\{address}")));
    *error
}

fn cause(error: &Error) -> &str {
    error.cause.as_deref().unwrap_or_default()
}

#[test]
fn another_machine_is_as_this_one() {
    let fixture = Fixture::new();
    fixture.scm.add("web", config("The web"));
    let address = listen_scm(&fixture.scm);
    let backend = connect(&target(&address.to_string(), "pw", LONG)).unwrap();
    assert_eq!(backend.target(), format!(r"\\{address}"));
    let manager = backend.open_manager(ManagerAccess::CONNECT).unwrap();
    assert_eq!(manager.display_name("web").unwrap(), "The web");
    let service = manager.open_service("web", ServiceAccess::START).unwrap();
    service.start(&["-v".to_owned()]).unwrap();
    assert_eq!(fixture.scm.state().starts, [vec!["-v"]]);
    // It refuses what it would refuse anybody; that has nothing to do with who logged on.
    fixture.scm.state().denied = ServiceAccess::DELETE;
    let error = manager.open_service("web", ServiceAccess::DELETE).err().unwrap();
    assert_eq!(error.code, Win32Error::ACCESS_DENIED);
}

/// Makes the connection of the next call, or of these many, get lost.
fn lose(fixture: &Fixture, calls: usize) {
    fixture.scm.state().lost = calls;
}

#[test]
fn what_only_reads_goes_on_when_the_connection_is_lost() {
    let fixture = Fixture::new();
    fixture.scm.add("web", config("The web"));
    let backend = connect(&target(&listen_scm(&fixture.scm).to_string(), "pw", LONG)).unwrap();
    lose(&fixture, 1);
    let manager = backend.open_manager(ManagerAccess::CONNECT | ManagerAccess::ENUMERATE_SERVICE).unwrap();
    let list = || manager.enumerate(ServiceType::WIN32, StateFilter::ALL, None).map(|all| all.len());
    lose(&fixture, 1);
    assert_eq!(list().unwrap(), 1);
    lose(&fixture, 1);
    assert_eq!(manager.display_name("web").unwrap(), "The web");
    lose(&fixture, 1);
    let rights = ServiceAccess::QUERY_STATUS | ServiceAccess::QUERY_CONFIG | ServiceAccess::START;
    let service = manager.open_service("web", rights).unwrap();
    lose(&fixture, 1);
    assert_eq!(service.status().unwrap().state, ServiceState::STOPPED);
    lose(&fixture, 1);
    assert_eq!(service.config().unwrap().display_name.to_string(), "The web");
    // What is lost again is an error, and no reason not to ask again.
    lose(&fixture, 2);
    let error = service.status().unwrap_err();
    assert_eq!(error.code, Win32Error::RPC_S_CALL_FAILED);
    assert_eq!(service.status().unwrap().state, ServiceState::STOPPED);
}

#[test]
fn nothing_that_changes_something_is_done_twice() {
    let fixture = Fixture::new();
    fixture.scm.add("web", config("The web"));
    let backend = connect(&target(&listen_scm(&fixture.scm).to_string(), "pw", LONG)).unwrap();
    let manager = backend.open_manager(ManagerAccess::CONNECT).unwrap();
    let service = manager.open_service("web", ServiceAccess::START | ServiceAccess::QUERY_STATUS).unwrap();
    lose(&fixture, 1);
    let error = service.start(&[]).unwrap_err();
    assert_eq!(error.code, Win32Error::RPC_S_CALL_FAILED);
    assert_eq!(fixture.scm.state().starts.len(), 1, "it was done, and its answer was lost");
    // Who asks how it is hears it, on another connection.
    service.status().unwrap();
    assert_eq!(fixture.scm.state().starts.len(), 1);
}

#[test]
fn a_wrong_password_is_told() {
    let address = listen_scm(&Fixture::new().scm);
    let error = refused(address, "wrong");
    assert_eq!(error.code, Win32Error::LOGON_FAILURE);
    assert!(cause(&error).starts_with("the user name or password is wrong"), "{error}");
    let Target::Remote(nobody) = Target::parse(&address.to_string(), Path::new("/")).unwrap() else {
        panic!()
    };
    let error = connect(&Target::Remote(nobody)).err().unwrap();
    assert_eq!(error.code, Win32Error::LOGON_FAILURE);
    assert_eq!(cause(&error), "nobody was named who shall log on there");
}

/// A server that answers the first bind with a refusal, as one that doesn't know SPNEGO, and the others as it should.
#[test]
fn a_server_without_spnego_is_asked_for_ntlm_alone() {
    for (password, is_in) in [("pw", true), ("wrong", false)] {
        let fixture = Fixture::new();
        fixture.scm.add("web", config("The web"));
        let scm = Arc::clone(&fixture.scm);
        let address = listen(move |mut stream| {
            let mut peeked = [0; 4096];
            let count = stream.peek(&mut peeked).unwrap();
            let (frame, _) = Frame::read(&peeked[..count], MAX_FRAGMENT).unwrap().unwrap();
            if frame.auth.unwrap().kind == 9 {
                let mut nak = Vec::new();
                BindNak { reason: 8 }.write(&mut nak, 0);
                stream.write_all(&nak).unwrap();
                return;
            }
            let acceptor = ntlm::Acceptor::new(ntlm::Identity::default(), *b"8 random", 1);
            Arc::clone(&scm).serve(stream, Server::sealed(MAX_FRAGMENT, acceptor, Box::new(Ann)));
        });
        let backend = connect(&target(&address.to_string(), password, LONG)).unwrap();
        match backend.open_manager(ManagerAccess::CONNECT) {
            Ok(manager) => assert!(is_in && manager.display_name("web").is_ok()),
            // The server can say so only when the first call comes.
            Err(error) => assert_eq!((is_in, error.code), (false, Win32Error::LOGON_FAILURE)),
        }
    }
}

#[test]
fn a_server_that_seals_nothing_is_left() {
    let fixture = Fixture::new();
    let scm = Arc::clone(&fixture.scm);
    let address = listen(move |stream| Arc::clone(&scm).serve(stream, Server::default()));
    let error = refused(address, "pw");
    assert_eq!(error.code, Win32Error::RPC_S_SEC_PKG_ERROR);
    assert!(cause(&error).contains("does not agree to sealed packets"), "{error}");
}

#[test]
fn what_is_no_server_of_rpc_is_told() {
    let greet = |greeting: &'static [u8]| {
        listen(move |mut stream| {
            stream.write_all(greeting).unwrap();
            // Until the client has read it.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.read(&mut [0; 4096]);
        })
    };
    let error = refused(greet(b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n"), "pw");
    assert_eq!(error.code, Win32Error::RPC_S_PROTOCOL_ERROR);
    assert!(cause(&error).starts_with("what listens there does not speak RPC"), "{error}");
    // One that hangs up.
    let error = refused(listen(drop), "pw");
    assert_eq!(error.code, Win32Error::RPC_S_CALL_FAILED);
}

#[test]
fn a_closed_port_and_an_unknown_name_are_told() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = refused(address, "pw");
    assert_eq!(error.code, Win32Error::RPC_S_SERVER_UNAVAILABLE);
    assert_eq!(cause(&error), format!("nothing listens at {address}"));

    let error = connect(&target("nowhere.invalid", "pw", LONG)).err().unwrap();
    assert_eq!(error.code, Win32Error::RPC_S_SERVER_UNAVAILABLE);
    assert!(cause(&error).starts_with("the name \"nowhere.invalid\" leads nowhere: "), "{error}");
}

/// A machine by its name, whose endpoint mapper is at this port.
fn by_name(mapper: SocketAddr, limit: Duration) -> Target {
    let Target::Remote(remote) = target("tcp://127.0.0.1", "pw", limit) else { unreachable!() };
    Target::Remote(remote.with_mapper(mapper.port()))
}

/// The same, if SMB may be there instead, at this port.
fn by_either(mapper: SocketAddr, smb: SocketAddr, limit: Duration) -> Target {
    let Target::Remote(remote) = target("127.0.0.1", "pw", limit) else { unreachable!() };
    Target::Remote(remote.with_mapper(mapper.port()).with_smb(smb.port()))
}

/// An address at which nobody listens.
fn closed() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

fn listen_mapper(tower: Tower) -> SocketAddr {
    listen(move |mut stream| {
        let mut mapper = Mapper::new(tower);
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            let Ok(output) = mapper.receive(&buffer[..count]) else { return };
            // The client may have gone.
            drop(stream.write_all(&output));
        }
    })
}

#[test]
fn the_endpoint_mapper_knows_the_port() {
    let fixture = Fixture::new();
    fixture.scm.add("web", config("The web"));
    let scm = listen_scm(&fixture.scm);
    // What it says of the address is for others: the machine that answered is the one that is meant.
    let mapper = listen_mapper(Tower::of_scm(scm.port(), Ipv4Addr::new(192, 0, 2, 1)));
    let backend = connect(&by_name(mapper, LONG)).unwrap();
    assert_eq!(backend.target(), "tcp://127.0.0.1");
    let manager = backend.open_manager(ManagerAccess::CONNECT).unwrap();
    assert_eq!(manager.display_name("web").unwrap(), "The web");
}

#[test]
fn what_the_endpoint_mapper_does_wrong_is_told() {
    let failed = |mapper, limit| *connect(&by_name(mapper, limit)).err().unwrap();
    let other = Tower { interface: svckit_scmr::pdu::NATIVE, ..Tower::of_scm(1, Ipv4Addr::LOCALHOST) };
    let error = failed(listen_mapper(other), LONG);
    assert_eq!(error.code, Win32Error::RPC_S_SERVER_UNAVAILABLE);
    assert_eq!(cause(&error), "its endpoint mapper knows no service control manager");

    let mapper = listen(|mut stream| stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap());
    let error = failed(mapper, LONG);
    assert_eq!(error.code, Win32Error::RPC_S_PROTOCOL_ERROR);
    let said = format!("what listens at 127.0.0.1:{} is no endpoint mapper", mapper.port());
    assert!(cause(&error).starts_with(&said), "{error}");

    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let error = failed(silent.local_addr().unwrap(), Duration::from_millis(50));
    assert_eq!(error.code, Win32Error::WAIT_TIMEOUT);
    assert!(cause(&error).starts_with("no answer came from 127.0.0.1:"), "{error}");
}

#[test]
fn smb_is_asked_only_where_tcp_leads_nowhere() {
    let fixture = Fixture::new();
    fixture.scm.add("web", config("The web"));
    let mapper = listen_mapper(Tower::of_scm(listen_scm(&fixture.scm).port(), Ipv4Addr::LOCALHOST));
    let backend = connect(&by_either(mapper, closed(), LONG)).unwrap();
    assert_eq!(backend.target(), r"\\127.0.0.1");
    backend.open_manager(ManagerAccess::CONNECT).unwrap();

    let wrong = Tower { interface: svckit_scmr::pdu::NATIVE, ..Tower::of_scm(1, Ipv4Addr::LOCALHOST) };
    let nowhere = closed();
    for (mapper, first) in [
        (listen_mapper(wrong), "its endpoint mapper knows no service control manager".to_owned()),
        (nowhere, format!("nothing listens at {nowhere}")),
    ] {
        let smb = closed();
        let error = connect(&by_either(mapper, smb, LONG)).err().unwrap();
        assert_eq!(error.code, Win32Error::RPC_S_SERVER_UNAVAILABLE);
        assert_eq!(cause(&error), format!("{first}, and nothing listens at {smb}"));
    }
    // Who listens there and speaks something else is told of.
    let smb = listen(|mut stream| stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap());
    let error = connect(&by_either(closed(), smb, LONG)).err().unwrap();
    assert_eq!(error.code, Win32Error::RPC_S_PROTOCOL_ERROR);
    assert!(cause(&error).starts_with(&format!("what listens at {smb} does not speak SMB: ")), "{error}");
    // Who is not let in over TCP isn't let in over SMB either, and is not asked to try.
    let mapper = listen_mapper(Tower::of_scm(listen_scm(&fixture.scm).port(), Ipv4Addr::LOCALHOST));
    let Target::Remote(other) = by_either(mapper, smb, LONG) else { unreachable!() };
    let other = other.log_on(Logon::new("ann", Secret::from("wrong")));
    let error = connect(&Target::Remote(other)).err().unwrap();
    assert_eq!(error.code, Win32Error::LOGON_FAILURE);
}

#[test]
fn what_smb_does_wrong_is_told() {
    let failed = |smb: SocketAddr, limit| {
        let target = target(&format!("smb://{smb}"), "pw", limit);
        *connect(&target).err().unwrap()
    };
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let error = failed(silent.local_addr().unwrap(), Duration::from_millis(50));
    assert_eq!(error.code, Win32Error::WAIT_TIMEOUT);
    let said =
        format!("what listens at {} did not answer as SMB does within 0.05 s", silent.local_addr().unwrap());
    assert_eq!(cause(&error), said);
    assert_eq!(error.target, Some(format!("smb://{}", silent.local_addr().unwrap())));

    let error = failed(listen(drop), LONG);
    assert_eq!(error.code, Win32Error::RPC_S_SERVER_UNAVAILABLE);
    assert!(cause(&error).contains("ended the connection"), "{error}");

    let smb = closed();
    let error = failed(smb, LONG);
    assert_eq!(cause(&error), format!("nothing listens at {smb}"));
}

/// A connection of a server that knows nothing of the native interface: it says so where it accepts the interfaces.
struct Plain<S>(S);

impl<S: Duplex> Read for Plain<S> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<S: Duplex> Write for Plain<S> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut bytes = bytes.to_vec();
        if let Ok(Some((frame, _))) = Frame::read(&bytes.clone(), MAX_FRAGMENT)
            && frame.header.packet == PacketType::BIND_ACK
        {
            // The last of the results: provider_rejection, abstract_syntax_not_supported.
            let at = HEADER + frame.body.len() - 24;
            bytes[at..at + 4].copy_from_slice(&[2, 0, 1, 0]);
        }
        self.0.write(&bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<S: Duplex> Duplex for Plain<S> {
    fn copy(&self) -> Self {
        Self(self.0.copy())
    }

    fn end(&self) {
        self.0.end();
    }
}

/// A connection on which somebody hears what the client says.
struct Heard(TcpStream, Arc<Mutex<Vec<u8>>>);

impl Read for Heard {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.read(buffer)?;
        self.1.lock().unwrap().extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Duplex for Heard {
    fn copy(&self) -> Self {
        Self(self.0.copy(), Arc::clone(&self.1))
    }

    fn end(&self) {
        self.0.end();
    }
}

/// [MS-SCMR] 3.1.4.12: over TCP it is in clear within the call, and all of that is sealed.
#[test]
fn the_password_of_an_account_goes_to_every_machine_within_sealed_calls() {
    for has_svckit in [true, false] {
        let fixture = Fixture::new();
        let scm = Arc::clone(&fixture.scm);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hearing = Arc::clone(&heard);
        let address = listen(move |stream| {
            let acceptor = ntlm::Acceptor::new(ntlm::Identity::default(), *b"8 random", 1);
            let server = Server::sealed(MAX_FRAGMENT, acceptor, Box::new(Ann));
            let stream = Heard(stream, Arc::clone(&hearing));
            match has_svckit {
                true => Arc::clone(&scm).serve(stream, server),
                false => Arc::clone(&scm).serve(Plain(stream), server),
            }
        });
        let backend = connect(&target(&address.to_string(), "pw", LONG)).unwrap();
        let manager = backend.open_manager(ManagerAccess::CREATE_SERVICE).unwrap();
        let create = |name, password: Option<&str>| {
            let new = NewService {
                name: ServiceName::new(name).unwrap(),
                config: config(name),
                password: password.map(Secret::from),
                want_tag: false,
            };
            manager.create_service(&new, ServiceAccess::CHANGE_CONFIG)
        };
        create("web", None).unwrap();
        let longest = "x".repeat(256);
        let (service, _) = create("db", Some("secret")).unwrap();
        for password in [&longest, ""] {
            let change = ConfigChange { password: Some(password.into()), ..ConfigChange::default() };
            service.change_config(&change).unwrap();
        }
        service.change_config(&ConfigChange::default()).unwrap();
        let sent = ["secret", &longest, ""].map(Password::new);
        assert_eq!(fixture.scm.state().passwords, sent);

        let error = create("more", Some(&"x".repeat(257))).err().unwrap();
        assert_eq!(error.code, Win32Error::INVALID_PARAMETER);
        let said = "the password of an account can have up to 256 characters here (code units of UTF-16), and this has 257";
        assert_eq!(cause(&error), said);
        assert!(!fixture.scm.state().services.contains_key("more"));
        let heard = heard.lock().unwrap();
        let secret = &Password::new("secret");
        assert!(!heard.windows(12).any(|window| window == &secret.as_bytes()[..12]), "it was sealed");
        assert!(heard.len() > 1000, "all was heard");
    }
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for_longer_than_was_said() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let error = connect(&target(&address.to_string(), "pw", Duration::from_millis(50))).err().unwrap();
    assert_eq!(error.code, Win32Error::WAIT_TIMEOUT);
    assert_eq!(cause(&error), "the server did not answer in time while the connection was made");
}

/// A machine that counts who comes with which proof; it lets in who has its password.
fn listen_counting(password: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    struct Counted(&'static str, Arc<AtomicUsize>);
    impl Accounts for Counted {
        fn verifier(&self, _: &Account) -> Option<NtHash> {
            self.1.fetch_add(1, Ordering::SeqCst);
            Some(NtHash::of(&Secret::from(self.0)))
        }
    }
    let count = Arc::new(AtomicUsize::new(0));
    let (scm, counted) = (Arc::clone(&Fixture::new().scm), Arc::clone(&count));
    let address = listen(move |stream| {
        let acceptor = ntlm::Acceptor::new(ntlm::Identity::default(), *b"8 random", 133_000_000_000_000_000);
        let accounts = Box::new(Counted(password, Arc::clone(&counted)));
        Arc::clone(&scm).serve(stream, Server::sealed(MAX_FRAGMENT, acceptor, accounts));
    });
    (address, count)
}

/// What each of several machines says to the same logon, all asked at once.
fn all_at_once(machines: &[SocketAddr], trial: &Trial) -> Vec<Option<Error>> {
    let ask = |address: &SocketAddr| {
        let Target::Remote(remote) = target(&address.to_string(), "pw", LONG) else { unreachable!() };
        let backend = connect(&Target::Remote(remote.on_trial(trial))).map_err(|error| *error)?;
        backend.open_manager(ManagerAccess::CONNECT).map(drop).map_err(|error| *error)
    };
    thread::scope(|scope| {
        let asked: Vec<_> = machines.iter().map(|address| scope.spawn(|| ask(address).err())).collect();
        asked.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn a_wrong_password_is_tried_on_one_of_many_machines() {
    let machines: Vec<_> = (0..12).map(|_| listen_counting("another")).collect();
    let addresses: Vec<_> = machines.iter().map(|(address, _)| *address).collect();
    let trial = Trial::default();
    let errors = all_at_once(&addresses, &trial);
    let tried: usize = machines.iter().map(|(_, count)| count.load(Ordering::SeqCst)).sum();
    assert_eq!(tried, 1);
    for (error, (address, count)) in errors.iter().zip(&machines) {
        let error = error.as_ref().unwrap();
        assert_eq!(error.code, Win32Error::LOGON_FAILURE);
        let was_tried = count.load(Ordering::SeqCst) == 1;
        assert_eq!(cause(error).starts_with(r"not tried, since \\127.0.0.1:"), !was_tried, "{error}");
        assert_eq!(trial.is_left_out(&format!(r"\\{address}")), !was_tried);
    }
    // Another logon is another matter.
    let error = all_at_once(&addresses[..1], &Trial::default()).remove(0).unwrap();
    assert!(cause(&error).starts_with("the user name or password is wrong"), "{error}");
}

#[test]
fn a_right_password_goes_to_all_machines_and_those_out_of_reach_hold_up_nobody() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let closed = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.local_addr().unwrap()
    };
    let machines: Vec<_> = (0..12).map(|_| listen_counting("pw")).collect();
    let mut addresses: Vec<_> = machines.iter().map(|(address, _)| *address).collect();
    addresses.insert(0, closed);
    let errors = all_at_once(&addresses, &Trial::default());
    assert_eq!(errors[0].as_ref().unwrap().code, Win32Error::RPC_S_SERVER_UNAVAILABLE);
    assert!(errors[1..].iter().all(Option::is_none), "{errors:?}");
    // One that takes the connection and says nothing is given its time, and then the next one is asked.
    let trial = Trial::default();
    let Target::Remote(remote) =
        target(&silent.local_addr().unwrap().to_string(), "pw", Duration::from_millis(50))
    else {
        unreachable!()
    };
    let error = connect(&Target::Remote(remote.on_trial(&trial))).err().unwrap();
    assert_eq!(error.code, Win32Error::WAIT_TIMEOUT);
    assert!(all_at_once(&addresses[1..], &trial).iter().all(Option::is_none));
}

/// It lets in and says nothing to the first call, which is what would prove it.
#[test]
fn a_machine_that_says_nothing_after_the_logon_is_not_waited_for_for_ever() {
    let address = listen(|mut stream| {
        let acceptor = ntlm::Acceptor::new(ntlm::Identity::default(), *b"8 random", 133_000_000_000_000_000);
        let mut server = Server::sealed(MAX_FRAGMENT, acceptor, Box::new(Ann));
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            server.receive(&buffer[..count]).unwrap();
            stream.write_all(&server.take_output()).unwrap();
        }
    });
    let trial = Trial::default();
    let on_trial = |address: SocketAddr, limit| {
        let Target::Remote(remote) = target(&address.to_string(), "pw", limit) else { unreachable!() };
        connect(&Target::Remote(remote.on_trial(&trial)))
    };
    let _silent = on_trial(address, LONG).unwrap();
    let (other, count) = listen_counting("pw");
    let backend = on_trial(other, Duration::from_millis(200)).unwrap();
    assert!(backend.open_manager(ManagerAccess::CONNECT).is_ok());
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn a_refusal_after_others_let_in_stops_the_rest_but_not_them() {
    let (good, bad, rest) = (listen_counting("pw"), listen_counting("another"), listen_counting("pw"));
    let trial = Trial::default();
    assert_eq!(all_at_once(&[good.0], &trial), [None]);
    assert!(all_at_once(&[bad.0], &trial)[0].is_some());
    let error = all_at_once(&[rest.0], &trial).remove(0).unwrap();
    let begin = format!(r"not tried, since \\{} refused", bad.0);
    assert!(cause(&error).starts_with(&begin), "{error}");
    assert_eq!((bad.1.load(Ordering::SeqCst), rest.1.load(Ordering::SeqCst)), (1, 0));
    assert_eq!(all_at_once(&[good.0], &trial), [None]);
}
