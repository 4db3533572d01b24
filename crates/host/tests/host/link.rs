//! A service control manager that goes and comes.

use std::time::Duration;

use svckit_core::control::Control;
use svckit_core::definition::RestartWhen;
use svckit_core::dispatch::{FromProcess, PROTOCOL, ServiceReport, ToProcess};
use svckit_core::native::{EventId, Phase};
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;

use crate::support::{Bed, Host, Link, wait_gone};

fn greeted(link: &Link) -> Vec<ServiceReport> {
    match &link.hello {
        FromProcess::Hello { services, .. } => services.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_greeting_tells_who_is_there() {
    let mut bed = Bed::new();
    let host = bed.host();
    match &host.link.hello {
        FromProcess::Hello { protocol, pid, services } => {
            assert_eq!((*protocol, *pid, services.len()), (PROTOCOL, host.pid, 0));
        }
        other => panic!("{other:?}"),
    }
    // The handle that came along is one of the host.
    rustix::process::pidfd_send_signal(&host.link.pidfd, rustix::process::Signal::KILL).unwrap();
    wait_gone(host.pid);
}

#[test]
fn a_service_outlives_its_manager_and_the_next_learns_everything() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("gate");
    let mut definition = bed.script("echo > gate; exec sleep 1000");
    definition.restart.when = RestartWhen::OnFailure;
    definition.restart.delay = Duration::ZERO;
    host.link.start("steady", definition);
    host.link.state("steady", ServiceState::RUNNING);
    gate.wait();
    let first = host.link.program();
    leave(&mut host);
    // While nobody is there the program dies and is run again.
    svckit_os::process::kill(first).unwrap();
    gate.wait();
    host.reconnect();
    let reports = greeted(&host.link);
    let state = reports[0].host.clone().unwrap();
    assert_eq!((reports.len(), reports[0].service.as_str()), (1, "steady"));
    assert_eq!(
        (reports[0].status.state, state.restarts, state.phase),
        (ServiceState::RUNNING, 1, Phase::Running)
    );
    assert_ne!(state.child_pid, Some(first));
    assert!(host.link.event(EventId::PROGRAM_DIED).contains("SIGKILL"));
    host.link.event(EventId::PROGRAM_RECOVERED);
    assert_eq!(host.link.stop("steady").win32_exit_code, Win32Error::SUCCESS);
}

/// Ends the connection, as the death of the manager does.
fn leave(host: &mut Host) {
    let nowhere = std::os::unix::net::UnixStream::pair().unwrap().0;
    host.link.replace(nowhere);
}

#[test]
fn a_service_that_stopped_meanwhile_is_told_until_it_is_released() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut go = bed.gate("go");
    host.link.start("brief", bed.script("read word < go; exit 5"));
    host.link.state("brief", ServiceState::RUNNING);
    let program = host.link.program();
    leave(&mut host);
    go.open();
    wait_gone(program);
    for _ in 0..2 {
        host.reconnect();
        if greeted(&host.link)[0].status.state != ServiceState::STOPPED {
            host.link.state("brief", ServiceState::STOPPED);
        }
        leave(&mut host);
    }
    host.reconnect();
    let status = greeted(&host.link)[0].status;
    assert_eq!((status.win32_exit_code, status.service_exit_code), (Win32Error::SERVICE_SPECIFIC_ERROR, 5));
    host.link.release("brief");
    host.wait_end();
}

#[test]
fn the_newest_connection_wins() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    host.link.start("one", bed.script("exec sleep 1000"));
    host.link.state("one", ServiceState::RUNNING);
    let mut newer = Link::connect(&host.socket);
    assert_eq!(greeted(&newer).len(), 1);
    assert_eq!(newer.control("one", Control::INTERROGATE), Win32Error::SUCCESS);
    assert!(host.link.is_closed());
    newer.stop("one");
}

#[test]
fn nonsense_ends_the_connection_and_nothing_else() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    host.link.start("calm", bed.script("exec sleep 1000"));
    host.link.state("calm", ServiceState::RUNNING);
    for nonsense in [&[255; 16][..], b"\x04\0\0\0nope", b"\x02\0\0\0{}"] {
        host.link.send_bytes(nonsense);
        assert!(host.link.is_closed());
        host.reconnect();
        assert_eq!(greeted(&host.link)[0].status.state, ServiceState::RUNNING);
    }
    // Half a frame waits for the other half.
    host.link.send_bytes(&[2, 0]);
    leave(&mut host);
    host.reconnect();
    host.link.stop("calm");
}

#[test]
fn a_host_that_nobody_needs_ends_when_it_is_told() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    host.link.send(&ToProcess::Close);
    host.wait_end();
}
