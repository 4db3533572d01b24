//! Clients of the network: who is let in, who isn't, and what those may do who are.

mod capture;
mod crowd;
mod impacket;
mod peer;
mod refused;
mod samba;

use std::net::SocketAddr;
use std::path::Path;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Backend;
use svckit_core::native::{Event, EventId, Reply, Request};
use svckit_core::secret::Secret;
use svckit_core::security::SecurityInformation;
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;
use svckit_engine::Accounts;
use svckit_scmr::ops::Call;
use tempfile::TempDir;

use crate::support::{Scm, create, open, reaches, scripted, settings, state};
use peer::{Peer, Way, dial, read};

const PASSWORD: &str = svckit_testkit::capture::PASSWORD;

/// A service control manager that listens, with an administrator `ann` and a user `bob`.
struct Bed {
    scm: Scm,
    address: SocketAddr,
    mapper: SocketAddr,
    state: TempDir,
}

impl Bed {
    fn new(more: &str) -> Self {
        let state = state();
        let listen = "listen = [\"127.0.0.1:0\"]\nendpoint-mapper = [\"127.0.0.1:0\"]";
        settings(state.path(), &format!("[network]\n{listen}\n{more}"));
        add_accounts(state.path());
        let scm = Scm::serve(state.path());
        let Reply::ScmStatus(status) = scm.direct.native(Request::ScmStatus).unwrap() else { panic!() };
        let [address] = *status.listening.as_slice() else { panic!("{status:?}") };
        let [mapper] = *status.endpoint_mapper.as_slice() else { panic!("{status:?}") };
        Self { scm, address, mapper, state }
    }

    fn peer(&self, user: &str) -> Peer {
        Peer::new(self.address, user, PASSWORD)
    }

    fn events(&self, id: EventId) -> Vec<Event> {
        let request = Request::Events { service: None, after: None, limit: None, wait: false };
        let Reply::Events { events } = self.scm.direct.native(request).unwrap() else { panic!() };
        events.into_iter().filter(|event| event.id == id).collect()
    }
}

fn add_accounts(state: &Path) {
    let accounts = Accounts::open(state).unwrap();
    accounts.add("ann", &Secret::from(PASSWORD), true).unwrap();
    accounts.add("bob", &Secret::from(PASSWORD), false).unwrap();
}

#[test]
fn an_administrator_does_everything_from_afar() {
    let bed = Bed::new("");
    for way in [Way::Ntlm, Way::Spnego] {
        let mut ann = Peer::try_new(bed.address, "ANN", PASSWORD, way).unwrap();
        assert!(ann.manager(ManagerAccess::ALL_ACCESS).is_ok(), "{way:?}");
        assert!(matches!(ann.native(&Request::ScmStatus), Reply::ScmStatus(_)), "{way:?}");
    }
    create(&bed.scm.direct, &[scripted("web", &["web=run"])]);
    let mut ann = bed.peer("ann");
    let service = ann.service("web", ServiceAccess::ALL_ACCESS).unwrap();
    let started = ann.answer(&Call::StartService { service, arguments: Vec::new() });
    assert_eq!(started.code(), Win32Error::SUCCESS);
    reaches(&*open(&bed.scm.direct, "web"), ServiceState::RUNNING);
    // More than one fragment.
    let description = "x".repeat(6000);
    let info = svckit_scmr::ops::ConfigInfo::Description(Some(Some(description.clone())));
    assert_eq!(ann.answer(&Call::ChangeServiceConfig2 { service, info }).code(), Win32Error::SUCCESS);
    assert_eq!(bed.events(EventId::LOGON_FAILED), []);
    assert_eq!(bed.events(EventId::LISTENING).len(), 2, "the endpoint mapper too");
}

#[test]
fn a_user_from_afar_only_looks_whatever_access_lists_say() {
    let bed = Bed::new("remote-access-exemptions = [\"Exempt\"]\n");
    create(&bed.scm.direct, &[scripted("web", &["web=run"]), scripted("exempt", &["exempt=run"])]);
    for name in ["web", "exempt"] {
        let everybody = "D:(A;;0xf01ff;;;WD)".parse().unwrap();
        open(&bed.scm.direct, name).set_security(SecurityInformation::DACL, &everybody).unwrap();
    }
    let mut bob = bed.peer("bob");
    let denied = Err(Win32Error::ACCESS_DENIED);
    assert!(bob.manager(ManagerAccess::CONNECT).is_ok());
    assert_eq!(bob.manager(ManagerAccess::CREATE_SERVICE).map(drop), denied);
    assert!(bob.service("web", ServiceAccess::QUERY_STATUS).is_ok());
    for right in
        [ServiceAccess::START, ServiceAccess::STOP, ServiceAccess::CHANGE_CONFIG, ServiceAccess::DELETE]
    {
        assert_eq!(bob.service("web", right).map(drop), denied, "{right}");
        assert!(bob.service("exempt", right).is_ok(), "{right}");
        assert!(bed.peer("ann").service("web", right).is_ok(), "{right}");
    }
    for request in [Request::ScmStatus, Request::Configurations, Request::ScmStop] {
        let reply = bob.native(&request);
        assert!(matches!(reply, Reply::Error { code: Win32Error::ACCESS_DENIED, .. }), "{reply:?}");
    }
}

#[test]
fn a_removed_account_and_an_old_password_are_no_longer_let_in() {
    let bed = Bed::new("");
    let accounts = Accounts::open(bed.state.path()).unwrap();
    assert!(bed.peer("bob").is_in());
    accounts.set_password("bob", &Secret::from("battery staple")).unwrap();
    assert!(!bed.peer("bob").is_in());
    assert!(Peer::new(bed.address, "bob", "battery staple").is_in());
    accounts.remove("bob").unwrap();
    assert!(!Peer::new(bed.address, "bob", "battery staple").is_in());
}

#[test]
fn whoever_is_silent_or_takes_nothing_is_left() {
    let bed = Bed::new("logon-timeout = 0.2\nsend-timeout = 0.2\n");
    let mut silent = dial(bed.address);
    assert!(read(&mut silent).is_empty(), "a silent one");
    let mut talkative = dial(bed.address);
    let (_, bytes) = peer::begin("ann", PASSWORD, Way::Ntlm);
    std::io::Write::write_all(&mut talkative, &bytes).unwrap();
    while !read(&mut talkative).is_empty() {}
    let mut ann = bed.peer("ann");
    assert!(ann.is_in());
    let list = Call::EnumServicesStatus {
        manager: ann.manager(ManagerAccess::ALL_ACCESS).unwrap(),
        types: svckit_core::kind::ServiceType::WIN32,
        states: svckit_core::status::StateFilter::ALL,
        size: 256 * 1024,
        resume: None,
    };
    // It asks, and never reads, until nobody takes its questions.
    let asked = (0..100_000).take_while(|_| {
        let (_, bytes) = ann.client.call(&list);
        std::io::Write::write_all(&mut ann.stream, &bytes).is_ok()
    });
    assert!(asked.count() < 100_000, "it was closed");
    assert!(bed.peer("ann").is_in(), "others are served");
}

#[test]
fn a_stop_ends_connections_in_order() {
    let bed = Bed::new("");
    let mut ann = bed.peer("ann");
    assert!(ann.is_in());
    let mut waiting = dial(bed.address);
    assert_eq!(ann.native(&Request::ScmStop), Reply::Done);
    assert!(read(&mut ann.stream).is_empty() && read(&mut waiting).is_empty());
    assert!(std::net::TcpStream::connect(bed.address).is_err());
}

#[test]
fn too_many_wrong_passwords_close_an_account_and_then_an_address() {
    let bed = Bed::new("");
    for _ in 0..10 {
        assert!(!Peer::new(bed.address, "bob", "wrong horse").is_in());
    }
    assert_eq!(bed.events(EventId::LOCKED_OUT), []);
    assert!(!Peer::new(bed.address, "bob", "wrong horse").is_in());
    let [locked] = bed.events(EventId::LOCKED_OUT).try_into().unwrap();
    assert_eq!(locked.message, "account \"bob\" is locked for 1 second: too many logons failed");
    assert!(bed.peer("ann").is_in(), "another account");
}

#[test]
fn there_is_room_for_so_many_of_an_address() {
    let bed = Bed::new("max-connections-per-address = 3\n");
    let mut peers = [bed.peer("ann"), bed.peer("ann"), bed.peer("ann")];
    assert!(peers.iter_mut().all(Peer::is_in));
    assert!(read(&mut dial(bed.address)).is_empty());
    let [_kept, gone, _] = peers;
    drop(gone);
    // The server hears that it has gone some time.
    while Peer::try_new(bed.address, "ann", PASSWORD, Way::Ntlm).is_none() {}
}
