//! `svc`, its service control manager, hosts and programs, from end to end: what survives what, and what bad luck does.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

mod accounts;
mod activation;
mod another_windows;
mod ansible;
mod bulk;
mod crashes;
mod definitions;
mod dsc;
mod examples;
mod exported;
mod fleet;
mod hardship;
mod kerberos;
mod logging;
mod metrics;
mod plan;
mod ready;
mod recipe;
mod remote;
mod rollback;
mod samba;
mod sc;
mod schedule;
mod site;
mod smb_tickets;
mod strangers;
mod survival;
mod terminal;
mod top;

use std::path::PathBuf;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Backend, Service};
use svckit_core::status::{NotifyMask, ServiceState, ServiceStatus};
use svckit_manager::Embedded;
use svckit_testkit::svc::Svc;
use svckit_testkit::{PATIENCE, binary, role};

/// What a process of this program does that is started for a test.
#[test]
fn role() {
    match role::asked() {
        Some((role, with)) if role == "a ticket over both" => smb_tickets::over_both(&with),
        Some((role, _)) => panic!("no role: {role}"),
        None => {}
    }
}

/// Writes a definition of one service whose program follows steps, with more lines for it.
fn define(svc: &Svc, service: &str, steps: &str, more: &str) -> PathBuf {
    let program = binary::scripted();
    let text = format!("[service.{service}]\nrun = [{program:?}, {:?}]\n{more}", format!("program={steps}"));
    svc.write(&format!("{service}.toml"), &text)
}

/// Installs and starts such a service.
fn up(svc: &Svc, service: &str, steps: &str, more: &str) {
    let file = define(svc, service, steps, more);
    svc.ok(&["up", file.to_str().unwrap()]);
}

/// A connection to the service control manager, which `svc` starts if it doesn't run.
fn connect(svc: &Svc) -> impl Backend {
    svc.ok(&["list"]);
    Embedded::new(svc.state()).connect().unwrap()
}

fn open(svc: &Svc, service: &str) -> Box<dyn Service> {
    let manager = connect(svc).open_manager(ManagerAccess::CONNECT).unwrap();
    manager.open_service(service, ServiceAccess::ALL_ACCESS).unwrap()
}

/// Waits until a service is in a state.
#[track_caller]
fn reaches(svc: &Svc, service: &str, state: ServiceState) -> ServiceStatus {
    match open(svc, service).wait(NotifyMask::of(state), PATIENCE).unwrap() {
        Some(notification) => notification.status,
        None => panic!("{service} is not {state}: {}\n{}", svc.status(service), svc.scm_log()),
    }
}
