//! What services as things ([`svckit_manager::entity`]) do with every service control manager: cases of `engine/tests/engine` and of `testkit/tests/windows_entity.rs`, with
//! real processes.

use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::control::{Control, ControlsAccepted};
use svckit_core::image_path::ImagePath;
use svckit_core::kind::ServiceType;
use svckit_core::status::{NotifyMask, ServiceState};
use svckit_core::wait::Limits;
use svckit_manager::entity::{Deleted, NewService, Service, ServiceManager};
use svckit_testkit::binary;
use svckit_testkit::gate::Gate;

/// A test for each case, which is given to `$run`.
macro_rules! entity_cases {
    ($run:ident, $cases:ident) => {
        entity_cases! { $run, $cases:
            a_service_is_sent_where_it_shall_be_and_is_there_afterwards
            what_a_control_needs_and_is_missing_is_told
            a_service_that_ends_instead_of_running_says_why
            a_wait_that_is_over_says_what_it_waited_for
            a_running_service_is_deleted_only_with_a_stop
            every_service_is_listed_with_its_status
        }
    };
    ($run:ident, $cases:ident: $($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                $run($cases::$name);
            }
        )*
    };
}
pub(crate) use entity_cases;

/// A service control manager, and what the names of a test's services begin with.
pub(crate) struct Bed<'a> {
    pub(crate) manager: &'a ServiceManager,
    pub(crate) prefix: &'a str,
}

impl Bed<'_> {
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// What an error says, with names as the case has them.
    pub(crate) fn told(&self, error: &svckit_core::Error) -> String {
        error.to_string().replace(self.prefix, "")
    }

    /// A service that follows a script, saved.
    pub(crate) fn create(&self, name: &str, script: &[&str]) -> Service {
        let mut service = self.manager.create(scripted(&self.name(name), script));
        assert!(service.save(None).unwrap().created);
        service
    }
}

pub(crate) fn scripted(name: &str, script: &[&str]) -> NewService {
    let program = binary::scripted();
    let words: Vec<&str> = [program.to_str().unwrap()].into_iter().chain(script.iter().copied()).collect();
    NewService::new(name, ImagePath::from_arguments(&words).unwrap()).unwrap()
}

pub(crate) fn a_service_is_sent_where_it_shall_be_and_is_there_afterwards(bed: &Bed<'_>) {
    // It has no failure actions, which is no reason not to control it.
    let service = bed.create("web", &["accept=STOP,PAUSE_CONTINUE"]);
    let state = |status: svckit_core::Result<_>| {
        let status: svckit_core::status::ServiceStatus = status.unwrap();
        assert_eq!(bed.manager.status(&bed.name("web")).unwrap(), status);
        (status.state, status.pid)
    };
    assert_eq!(state(service.stop()).0, ServiceState::STOPPED);
    let (running, pid) = state(service.start(&[]));
    assert_eq!(running, ServiceState::RUNNING);
    assert_eq!(state(service.start(&[])), (running, pid));
    assert_eq!(state(service.resume()), (running, pid));
    assert_eq!(state(service.interrogate()), (running, pid));
    assert_eq!(state(service.pause()), (ServiceState::PAUSED, pid));
    assert_eq!(state(service.pause()), (ServiceState::PAUSED, pid));
    assert_eq!(state(service.resume()), (running, pid));
    let (again, other) = state(service.restart(&[]));
    assert_eq!(again, ServiceState::RUNNING);
    assert_ne!(other, pid);
    assert_eq!(state(service.stop()), (ServiceState::STOPPED, 0));
    assert_eq!(state(service.restart(&[])).0, ServiceState::RUNNING);
    let accepted = service.status().unwrap().controls_accepted;
    assert!(accepted.contains(ControlsAccepted::STOP | ControlsAccepted::PAUSE_CONTINUE));
    assert_eq!(accepted.names(), ["STOP", "PAUSE_CONTINUE"]);
}

pub(crate) fn what_a_control_needs_and_is_missing_is_told(bed: &Bed<'_>) {
    let service = bed.create("web", &["accept=", "on-201=stop:0"]);
    let (name, target) = (bed.name("web"), bed.manager.target());
    let told = |error: Box<svckit_core::Error>| {
        assert_eq!((error.service.as_deref(), error.target.as_deref()), (Some(&*name), Some(&*target)));
        bed.told(&error)
    };
    assert_eq!(
        told(service.interrogate().unwrap_err()),
        "cannot interrogate service \"web\": it is STOPPED (1062 ERROR_SERVICE_NOT_ACTIVE)"
    );
    assert_eq!(
        told(service.pause().unwrap_err()),
        "cannot pause service \"web\": it is STOPPED (1062 ERROR_SERVICE_NOT_ACTIVE)"
    );
    service.start(&[]).unwrap();
    assert_eq!(
        told(service.pause().unwrap_err()),
        "cannot pause service \"web\": it does not accept PAUSE_CONTINUE (1052 ERROR_INVALID_SERVICE_CONTROL)"
    );
    assert_eq!(
        told(service.stop().unwrap_err()),
        "cannot stop service \"web\": it does not accept STOP (1052 ERROR_INVALID_SERVICE_CONTROL)"
    );
    assert_eq!(
        told(service.control(Control::SHUTDOWN).unwrap_err()),
        "cannot control service \"web\": only the system sends SHUTDOWN (87 ERROR_INVALID_PARAMETER)"
    );
    assert_eq!(service.control(Control(200)).unwrap().state, ServiceState::RUNNING);
    service.control(Control(201)).unwrap();
    service.wait_for(NotifyMask::STOPPED).unwrap();
}

pub(crate) fn a_service_that_ends_instead_of_running_says_why(bed: &Bed<'_>) {
    let service = bed.create("web", &["start=specific:42"]);
    assert_eq!(
        bed.told(&service.start(&[]).unwrap_err()),
        "cannot start service \"web\": it stopped with the error 42 of its own (1066 ERROR_SERVICE_SPECIFIC_ERROR)"
    );
    let done = bed.create("done", &["start=stop:0"]);
    assert_eq!(done.start(&[]).unwrap().state, ServiceState::STOPPED);
    let words = ["start=stop:5".to_owned()];
    assert_eq!(done.start(&words).unwrap_err().code, Win32Error::ACCESS_DENIED);
}

pub(crate) fn a_wait_that_is_over_says_what_it_waited_for(bed: &Bed<'_>) {
    let gate = Gate::new();
    let mut service = bed.create("slow", &[&format!("start=gate:{}", gate.address())]);
    service.set_limits(Limits { total: Some(Duration::from_millis(50)), ..Limits::default() });
    assert_eq!(
        bed.told(&service.start(&[]).unwrap_err()),
        "cannot start service \"slow\": it is still START_PENDING after 50ms (258 WAIT_TIMEOUT)"
    );
    let error = service.wait_for(NotifyMask::RUNNING).unwrap_err();
    assert_eq!((error.operation, error.code), ("wait for service", Win32Error::WAIT_TIMEOUT));
    // One that is on its way is waited for.
    service.set_limits(Limits::default());
    gate.arrival().release();
    assert_eq!(service.start(&[]).unwrap().state, ServiceState::RUNNING);
}

pub(crate) fn a_running_service_is_deleted_only_with_a_stop(bed: &Bed<'_>) {
    let service = bed.create("web", &[]);
    service.start(&[]).unwrap();
    assert_eq!(
        bed.told(&service.delete().unwrap_err()),
        "cannot delete service \"web\": it is RUNNING, and has to be stopped first (1061 \
         ERROR_SERVICE_CANNOT_ACCEPT_CTRL)"
    );
    // Wine holds a service for a moment after its process has ended; that the built-in one doesn't is a test of the engine.
    if service.stop_and_delete().unwrap() == Deleted::Marked {
        service.wait_until_gone().unwrap();
    }
    assert!(!service.exists().unwrap());
    assert_eq!(service.delete().unwrap_err().code, Win32Error::SERVICE_DOES_NOT_EXIST);
}

pub(crate) fn every_service_is_listed_with_its_status(bed: &Bed<'_>) {
    bed.create("one", &[]);
    bed.create("two", &[]).start(&[]).unwrap();
    let found = bed.manager.statuses(ServiceType::WIN32).unwrap();
    let own = |name: &str| name.strip_prefix(bed.prefix).map(str::to_owned);
    let found: Vec<_> = found.iter().filter_map(|one| Some((own(&one.name)?, one.status.state))).collect();
    let expected = [("one", ServiceState::STOPPED), ("two", ServiceState::RUNNING)];
    assert_eq!(found, expected.map(|(name, state)| (name.to_owned(), state)));
    assert!(bed.manager.statuses(ServiceType::DRIVER).unwrap().iter().all(|one| own(&one.name).is_none()));
}
