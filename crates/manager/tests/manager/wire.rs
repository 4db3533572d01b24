//! The backend over the wire.

use std::io::{Read, Write};
use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Backend, Manager, Service};
use svckit_core::config::{Config2Level, ServiceConfig};
use svckit_core::control::Control;
use svckit_core::image_path::ImagePath;
use svckit_core::kind::{ErrorControl, ServiceType, StartType};
use svckit_core::name::DisplayName;
use svckit_core::native::{Reply, Request};
use svckit_core::status::{NotifyMask, ServiceState, StateFilter};
use svckit_core::wait::Limits;
use svckit_manager::wait::wait_for_state;
use svckit_manager::wire::Wire;
use svckit_os::socket;
use svckit_scmr::pdu::{BindAck, ContextResult, NDR32, PacketType};

use crate::scm::Fixture;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(20);

pub(crate) fn config(display_name: &str) -> ServiceConfig {
    ServiceConfig {
        service_type: ServiceType::WIN32_OWN_PROCESS,
        start_type: StartType::DEMAND_START,
        error_control: ErrorControl::NORMAL,
        image_path: ImagePath::new("/bin/true").unwrap(),
        load_order_group: None,
        tag: 0,
        dependencies: Vec::new(),
        account: None,
        display_name: DisplayName::new(display_name).unwrap(),
    }
}

fn open(fixture: &Fixture, name: &str, access: ServiceAccess) -> (Box<dyn Manager>, Box<dyn Service>) {
    let manager = fixture.connect().open_manager(ManagerAccess::CONNECT).unwrap();
    let service = manager.open_service(name, access).unwrap();
    (manager, service)
}

#[test]
fn a_long_list_comes_in_several_calls() {
    let fixture = Fixture::new();
    for index in 0..3000 {
        fixture.scm.add(&format!("service-{index:04}"), config(&format!("Sérvice {index}")));
    }
    let manager = fixture.connect().open_manager(ManagerAccess::ENUMERATE_SERVICE).unwrap();
    let services = manager.enumerate(ServiceType::WIN32, StateFilter::ALL, None).unwrap();
    assert_eq!(services.len(), 3000);
    assert_eq!(
        (services[2999].name.as_str(), services[2999].display_name.as_str()),
        ("service-2999", "Sérvice 2999")
    );
    assert!(services.is_sorted_by_key(|service| service.name.clone()));
    // The same from a server that knows only the older call.
    fixture.scm.state().is_old = true;
    assert_eq!(manager.enumerate(ServiceType::WIN32, StateFilter::ALL, None).unwrap(), services);
    let of_group = manager.enumerate(ServiceType::WIN32, StateFilter::ALL, Some("web")).unwrap_err();
    assert_eq!(of_group.code, Win32Error::RPC_S_PROCNUM_OUT_OF_RANGE);
}

#[test]
fn errors_tell_what_was_done_to_which_service_and_where() {
    let fixture = Fixture::new();
    let manager = fixture.connect().open_manager(ManagerAccess::CONNECT).unwrap();
    let error = manager.open_service("nothing", ServiceAccess::START).err().unwrap();
    assert_eq!(error.code, Win32Error::SERVICE_DOES_NOT_EXIST);
    assert_eq!(error.service.as_deref(), Some("nothing"));
    assert_eq!(error.target, Some(format!("embedded:{}", fixture.path().display())));
    let text =
        "cannot open service \"nothing\": the service does not exist (1060 ERROR_SERVICE_DOES_NOT_EXIST)";
    assert_eq!(error.to_string(), text);

    fixture.scm.add("web", config("web"));
    let service = manager.open_service("web", ServiceAccess::STOP).unwrap();
    let error = service.control(Control::STOP).unwrap_err();
    assert_eq!(error.code, Win32Error::RPC_S_PROCNUM_OUT_OF_RANGE);
    assert!(error.to_string().contains("nca_op_rng_error"), "{error}");
    // A fault is no reason to give the connection up.
    assert_eq!(service.status().unwrap().state, ServiceState::STOPPED);
    let error = service.config2(Config2Level(77)).unwrap_err();
    assert_eq!((error.operation, error.code), ("query configuration of service", Win32Error::INVALID_LEVEL));
}

#[test]
fn arguments_of_a_start_come_through() {
    let fixture = Fixture::new();
    fixture.scm.add("web", config("web"));
    let (_manager, service) = open(&fixture, "web", ServiceAccess::START);
    service.start(&["-v".to_owned(), "zwei Wörter".to_owned()]).unwrap();
    service.start(&[]).unwrap();
    assert_eq!(fixture.scm.state().starts, [vec!["-v", "zwei Wörter"], vec![]]);
}

#[test]
fn a_lost_connection_fails_the_call_and_the_next_opening_makes_a_new_one() {
    let fixture = Fixture::new();
    fixture.scm.add("fatal", config("fatal"));
    let wire = fixture.connect();
    let manager = wire.open_manager(ManagerAccess::CONNECT).unwrap();
    let service = manager.open_service("fatal", ServiceAccess::DELETE).unwrap();
    let error = service.delete().unwrap_err();
    assert_eq!(error.code, Win32Error::RPC_S_CALL_FAILED);
    assert!(error.to_string().contains("connection to the service control manager was lost"), "{error}");
    let error = service.status().unwrap_err();
    assert_eq!(error.code, Win32Error::RPC_S_CALL_FAILED);
    let manager = wire.open_manager(ManagerAccess::CONNECT).unwrap();
    assert!(manager.open_service("fatal", ServiceAccess::DELETE).is_ok());
    assert_eq!(fixture.scm.state().connections, 2);
}

#[test]
fn a_wait_is_told_once_and_misses_nothing() {
    let fixture = Fixture::new();
    fixture.scm.add("web", config("web"));
    let (_manager, service) = open(&fixture, "web", ServiceAccess::QUERY_STATUS);
    let wait = |timeout| {
        let told = service.wait(NotifyMask::SERVICE, timeout).unwrap();
        told.map(|told| (told.triggered, told.status.state))
    };
    assert_eq!(wait(LONG), Some((NotifyMask::STOPPED, ServiceState::STOPPED)), "at once at first");
    assert_eq!(wait(MOMENT), None, "not a second time");
    assert_eq!(wait(MOMENT), None);
    fixture.scm.set_state("web", ServiceState::START_PENDING);
    assert_eq!(
        wait(LONG),
        Some((NotifyMask::START_PENDING, ServiceState::START_PENDING)),
        "between two waits"
    );
    let scm = std::sync::Arc::clone(&fixture.scm);
    let later = std::thread::spawn(move || scm.set_state("web", ServiceState::RUNNING));
    assert_eq!(wait(LONG), Some((NotifyMask::RUNNING, ServiceState::RUNNING)), "during a wait");
    later.join().unwrap();
    assert_eq!(service.wait(NotifyMask::PAUSED, MOMENT).unwrap(), None);
    fixture.scm.set_state("web", ServiceState::STOPPED);
    assert_eq!(wait(LONG), Some((NotifyMask::STOPPED, ServiceState::STOPPED)), "another question");
}

#[test]
fn a_wait_needs_the_right_of_its_handle() {
    let fixture = Fixture::new();
    fixture.scm.add("web", config("web"));
    let (_manager, service) = open(&fixture, "web", ServiceAccess::START);
    let error = service.wait(NotifyMask::SERVICE, LONG).unwrap_err();
    assert_eq!((error.operation, error.code), ("wait for service", Win32Error::ACCESS_DENIED));
}

#[test]
fn waiting_for_a_state_follows_the_service() {
    let fixture = Fixture::new();
    fixture.scm.add("web", config("web"));
    fixture.scm.set_state("web", ServiceState::START_PENDING);
    let (_manager, service) = open(&fixture, "web", ServiceAccess::QUERY_STATUS);
    let mut seen = Vec::new();
    let status = wait_for_state(&*service, NotifyMask::RUNNING, Limits::default(), &mut |status| {
        seen.push(status.state);
        if status.state == ServiceState::START_PENDING {
            fixture.scm.set_state("web", ServiceState::RUNNING);
        }
    });
    assert_eq!(status.unwrap().state, ServiceState::RUNNING);
    assert_eq!(seen, [ServiceState::START_PENDING, ServiceState::RUNNING]);

    fixture.scm.set_state("web", ServiceState::STOPPED);
    let error = wait_for_state(&*service, NotifyMask::RUNNING, Limits::default(), &mut |_| {}).unwrap_err();
    assert_eq!(error.code, Win32Error::SERVICE_NEVER_STARTED);
    fixture.scm.set_state("web", ServiceState::STOP_PENDING);
    let short = Limits { total: Some(MOMENT), ..Limits::default() };
    let error = wait_for_state(&*service, NotifyMask::STOPPED, short, &mut |_| {}).unwrap_err();
    assert_eq!(error.code, Win32Error::WAIT_TIMEOUT);
    assert!(error.to_string().contains("STOP_PENDING"), "{error}");
}

#[test]
fn native_requests_are_answered() {
    let fixture = Fixture::new();
    let reply = fixture.connect().native(Request::ScmStatus).unwrap();
    assert!(matches!(reply, Reply::Error { code: Win32Error::NOT_SUPPORTED, .. }));
}

/// A service control manager as Windows has it: without the native interface.
#[test]
fn without_the_native_interface_a_request_is_not_supported() {
    let (ours, mut theirs) = socket::pair().unwrap();
    let server = std::thread::spawn(move || {
        let mut bytes = [0; 1000];
        assert!(theirs.read(&mut bytes).unwrap() > 16);
        let result = |result| ContextResult { result, reason: 0, transfer: NDR32 };
        let ack = BindAck {
            max_transmit: 4280,
            max_receive: 4280,
            association: 1,
            address: Vec::new(),
            results: vec![result(0), result(2)],
        };
        let mut output = Vec::new();
        ack.write(&mut output, PacketType::BIND_ACK, 0);
        theirs.write_all(&output).unwrap();
        assert_eq!(theirs.read(&mut bytes).unwrap(), 0, "nothing more is asked");
    });
    let ours = std::cell::Cell::new(Some(ours));
    let wire = Wire::connect(r"\\host".to_owned(), move || Ok(ours.take().unwrap())).unwrap();
    let error = wire.native(Request::ScmStatus).unwrap_err();
    assert_eq!(error.code, Win32Error::NOT_SUPPORTED);
    drop(wire);
    server.join().unwrap();
}

/// Something that is no service control manager is an error, not a hang.
#[test]
fn a_server_that_talks_nonsense_is_an_error() {
    let (ours, mut theirs) = socket::pair().unwrap();
    theirs.write_all(b"220 mail.example ESMTP\r\n").unwrap();
    let ours = std::cell::Cell::new(Some(ours));
    let error = Wire::connect("x".to_owned(), move || Ok(ours.take().unwrap())).err().unwrap();
    assert_eq!(error.code, Win32Error::RPC_S_PROTOCOL_ERROR);
}
