//! Clients: what their end closes, and what they can't do.

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Backend;
use svckit_core::win32::Win32Error;
use svckit_engine::ServeError;
use svckit_testkit::svc::Svc;

use crate::support::{Scm, create, scripted, settings, state};

#[test]
fn handles_have_a_limit_for_each_connection() {
    let state = state();
    let scm = Scm::serve(state.path());
    create(&scm.direct, &[scripted("web", &[])]);
    let manager = scm.direct.open_manager(ManagerAccess::CONNECT).unwrap();
    let mut open = Vec::new();
    let error = loop {
        match manager.open_service("web", ServiceAccess::QUERY_STATUS) {
            Ok(service) => open.push(service),
            Err(error) => break error,
        }
    };
    assert_eq!((error.code, open.len()), (Win32Error::NO_SYSTEM_RESOURCES, 4095));
    let other = scm.direct.open_manager(ManagerAccess::CONNECT).unwrap();
    other.open_service("web", ServiceAccess::QUERY_STATUS).unwrap();
    open.pop();
    manager.open_service("web", ServiceAccess::QUERY_STATUS).unwrap();
}

#[test]
fn a_second_service_control_manager_is_refused_and_told_of_the_first() {
    let state = state();
    let _scm = Scm::serve(state.path());
    let error = Scm::try_serve(state.path()).err().unwrap();
    let own = std::process::id();
    assert!(matches!(error, ServeError::InUse { holder: Some(pid), .. } if pid == own), "{error}");
}

#[test]
fn settings_that_are_wrong_are_refused() {
    let state = state();
    settings(state.path(), "start-timeout = \"soon\"\n");
    let error = Scm::try_serve(state.path()).err().unwrap();
    assert!(matches!(error, ServeError::Settings { .. }), "{error}");
    assert!(error.to_string().contains("scm.toml"), "{error}");
}

#[test]
fn databases_that_cannot_be_used_are_refused_and_left_alone() {
    for file in ["svc.db", "run.db"] {
        let state = state();
        Scm::serve(state.path()).stop();
        let path = state.path().join(file);
        let mut content = std::fs::read(&path).unwrap();
        // The user version in the header: four bytes at offset 60, the most significant first.
        content[60..64].copy_from_slice(&77_u32.to_be_bytes());
        std::fs::write(&path, &content).unwrap();
        let error = Scm::try_serve(state.path()).err().unwrap();
        assert!(matches!(error, ServeError::Newer { found: 77, .. }), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), content);
        std::fs::write(&path, "garbage that was somebody's database").unwrap();
        let error = Scm::try_serve(state.path()).err().unwrap();
        assert!(matches!(error, ServeError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains(file), "{error}");
    }
}

#[test]
fn a_spawner_that_is_killed_is_replaced() {
    let svc = Svc::new();
    svc.ok(&["list"]);
    let scm = svc.scm();
    // Who started the service control manager may not be quite gone.
    let is_spawner = |pid: &u32| {
        std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|words| words.ends_with(b"spawner\0"))
    };
    let spawner = svc.processes().into_iter().find(is_spawner).expect("the spawner runs");
    svckit_os::process::kill(spawner).unwrap();
    let backend = svckit_manager::Embedded::new(svc.state()).connect().unwrap();
    create(&backend, &[scripted("web", &[])]);
    crate::support::start(&*crate::support::open(&backend, "web"));
    assert_eq!(svc.scm(), scm);
}
