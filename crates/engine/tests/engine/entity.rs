//! Services as things ([`svckit_manager::entity`]), with real processes.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Backend;
use svckit_core::config::{Config2Change, LOCAL_SYSTEM};
use svckit_core::control::{Control, ControlsAccepted};
use svckit_core::failure::FailureActions;
use svckit_core::image_path::ImagePath;
use svckit_core::kind::{ErrorControl, ServiceType, SidType, StartType};
use svckit_core::name::Dependency;
use svckit_core::security::{SecurityDescriptor, SecurityInformation};
use svckit_core::status::{NotifyMask, ServiceState};
use svckit_core::wait::Limits;
use svckit_manager::entity::{Deleted, NewService, Progress, Service, ServiceManager};
use svckit_testkit::binary;
use svckit_testkit::gate::Gate;

use crate::support::{Scm, state};

/// What is done with every service control manager.
type Expectation = fn(&ServiceManager);

/// Runs an expectation on the service control manager directly and through the wire.
fn both_ways(expectation: Expectation) {
    for wire in [false, true] {
        let state = state();
        let scm = Scm::serve(state.path());
        let backend: Box<dyn Backend> =
            if wire { Box::new(scm.embedded().connect().unwrap()) } else { Box::new(scm.direct.clone()) };
        expectation(&ServiceManager::over(backend));
    }
}

fn scripted(name: &str, script: &[&str]) -> NewService {
    let program = binary::scripted();
    let words: Vec<&str> = [program.to_str().unwrap()].into_iter().chain(script.iter().copied()).collect();
    NewService::new(name, ImagePath::from_arguments(&words).unwrap()).unwrap()
}

fn create(manager: &ServiceManager, new: NewService) -> Service {
    let mut service = manager.create(new);
    let saved = service.save(None).unwrap();
    assert!(saved.created && saved.warnings.is_empty(), "{saved:?}");
    service
}

#[test]
fn a_new_service_has_the_defaults_that_are_promised() {
    both_ways(|manager| {
        let service = create(manager, scripted("web", &[]));
        let found = manager.service("WEB").unwrap();
        assert_eq!(found, service);
        let all = found.configuration().unwrap();
        let basic = all.basic.unwrap();
        assert_eq!(basic.service_type, ServiceType::WIN32_OWN_PROCESS);
        assert_eq!(basic.start_type, StartType::DEMAND_START);
        assert_eq!(basic.error_control, ErrorControl::NORMAL);
        assert_eq!((basic.load_order_group, basic.tag, basic.dependencies), (None, 0, Vec::new()));
        assert_eq!(basic.account.as_deref(), Some(LOCAL_SYSTEM));
        assert_eq!(basic.display_name.as_str(), "web");
        assert_eq!(all.description, Ok(None));
        assert_eq!(all.failure_actions, Ok(FailureActions::default()));
        assert_eq!((all.failure_actions_flag, all.delayed_auto_start), (Ok(false), Ok(false)));
        assert_eq!(all.sid_type, Ok(SidType::UNRESTRICTED));
        assert_eq!(all.preshutdown_timeout, Ok(Duration::from_secs(180)));
    });
}

#[test]
fn a_draft_tells_what_will_be_saved() {
    both_ways(|manager| {
        let text = Config2Change::Description(Some("Sells things".to_owned()));
        let mut service = manager.create(scripted("web", &[]).with(text));
        service.set(StartType::AUTO_START);
        let draft = service.configuration().unwrap();
        service.save(None).unwrap();
        let saved = service.configuration().unwrap();
        assert_eq!((draft.basic, draft.description), (saved.basic, saved.description));
        assert_eq!((draft.sid_type, draft.failure_actions), (saved.sid_type, saved.failure_actions));
        let error = manager.create(scripted("web", &[])).save(None).unwrap_err();
        assert_eq!((error.operation, error.code), ("create service", Win32Error::SERVICE_EXISTS));
    });
}

#[test]
fn who_may_do_what_is_asked_for_and_set() {
    const DACL: SecurityInformation = SecurityInformation::DACL;
    both_ways(|manager| {
        let parse = |text: &str| text.parse::<SecurityDescriptor>().unwrap();
        let all = "(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;SY)";
        let text = |service: &Service, parts| service.security(parts).unwrap().to_string();
        let new = scripted("web", &[]).with(parse("D:(A;;GA;;;BA)(A;;GA;;;SY)"));
        let mut service = manager.create(new);
        assert_eq!(text(&service, DACL | SecurityInformation::OWNER), format!("O:SYD:{all}"));
        service.save(None).unwrap();
        let found = || manager.service("web").unwrap();
        assert_eq!(text(&found(), DACL | SecurityInformation::OWNER), format!("O:SYD:{all}"));

        // In memory until it is saved, together with the rest.
        service.set(parse(&format!("D:(D;;WP;;;WD){all}")));
        service.set(parse("O:BAG:BA"));
        service.set(StartType::AUTO_START);
        assert_eq!(text(&service, DACL), format!("D:(D;;WP;;;WD){all}"));
        assert_eq!(text(&found(), DACL), format!("D:{all}"));
        assert_eq!(service.save(None).unwrap().changed, ["the start type", "the security descriptor"]);
        let owned = DACL | SecurityInformation::OWNER | SecurityInformation::GROUP;
        assert_eq!(text(&found(), owned), format!("O:BAG:BAD:(D;;WP;;;WD){all}"));
        assert_eq!(found().stop().unwrap_err().code, Win32Error::ACCESS_DENIED);
        service.set(parse("S:(AU;FA;GA;;;WD)"));
        service.save(None).unwrap();
        assert_eq!(text(&found(), SecurityInformation::SACL), "S:(AU;FA;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;WD)");
        service.set(parse("O:BA"));
        assert_eq!(service.save(None).unwrap().changed, [""; 0], "it is so already");
        let nothing = service.security(SecurityInformation::empty()).unwrap_err();
        assert_eq!(
            (nothing.operation, nothing.code),
            ("query security of service", Win32Error::INVALID_PARAMETER)
        );
    });
}

#[test]
fn a_descriptor_that_can_not_be_set_takes_everything_back() {
    // As many entries as an audit list can have: there is no room for a label.
    const MOST: usize = (64 * 1024 - 8) / 20;
    both_ways(|manager| {
        let mut service = create(manager, scripted("web", &[]));
        let full = format!("S:{}", "(AU;FA;RC;;;WD)".repeat(MOST));
        service.set(full.parse::<SecurityDescriptor>().unwrap());
        service.save(None).unwrap();
        service.set(StartType::AUTO_START);
        service.set("S:(ML;;NW;;;HI)".parse::<SecurityDescriptor>().unwrap());
        let error = service.save(None).unwrap_err();
        assert_eq!((error.operation, error.code), ("update service", Win32Error::INVALID_PARAMETER));
        let cause = error.cause.unwrap();
        assert!(cause.starts_with("the security descriptor can't be set: "), "{cause}");
        assert!(cause.ends_with("; the changes before it were taken back"), "{cause}");
        let found = manager.service("web").unwrap();
        assert_eq!(found.configuration().unwrap().basic.unwrap().start_type, StartType::DEMAND_START);
        assert_eq!(found.security(SecurityInformation::SACL).unwrap().to_string(), full);
        let label = service.security(SecurityInformation::LABEL).unwrap().to_string();
        assert_eq!(label, "S:(ML;;NW;;;HI)", "it is still in memory");
        let both = service.security(SecurityInformation::SACL | SecurityInformation::LABEL).unwrap_err();
        assert_eq!(both.code, Win32Error::INVALID_PARAMETER);
    });
}

#[test]
fn a_service_is_sent_where_it_shall_be_and_is_there_afterwards() {
    both_ways(|manager| {
        // It has no failure actions, which is no reason not to control it.
        let service = create(manager, scripted("web", &["accept=STOP,PAUSE_CONTINUE"]));
        let state = |status: svckit_core::Result<_>| {
            let status: svckit_core::status::ServiceStatus = status.unwrap();
            assert_eq!(manager.status("web").unwrap(), status);
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
    });
}

#[test]
fn what_a_control_needs_and_is_missing_is_told() {
    both_ways(|manager| {
        let service = create(manager, scripted("web", &["accept="]));
        let target = manager.target();
        let told = |error: Box<svckit_core::Error>| {
            assert_eq!((error.service.as_deref(), error.target.as_deref()), (Some("web"), Some(&*target)));
            error.to_string()
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
    });
}

#[test]
fn a_service_that_ends_instead_of_running_says_why() {
    both_ways(|manager| {
        let service = create(manager, scripted("web", &["start=specific:42"]));
        assert_eq!(
            service.start(&[]).unwrap_err().to_string(),
            "cannot start service \"web\": it stopped with the error 42 of its own (1066 ERROR_SERVICE_SPECIFIC_ERROR)"
        );
        let done = create(manager, scripted("done", &["start=stop:0"]));
        assert_eq!(done.start(&[]).unwrap().state, ServiceState::STOPPED);
        let words = ["start=stop:5".to_owned()];
        assert_eq!(done.start(&words).unwrap_err().code, Win32Error::ACCESS_DENIED);
    });
}

#[test]
fn a_wait_that_is_over_says_what_it_waited_for() {
    both_ways(|manager| {
        let gate = Gate::new();
        let mut service = create(manager, scripted("slow", &[&format!("start=gate:{}", gate.address())]));
        service.set_limits(Limits { total: Some(Duration::from_millis(50)), ..Limits::default() });
        assert_eq!(
            service.start(&[]).unwrap_err().to_string(),
            "cannot start service \"slow\": it is still START_PENDING after 50ms (258 WAIT_TIMEOUT)"
        );
        let error = service.wait_for(NotifyMask::RUNNING).unwrap_err();
        assert_eq!((error.operation, error.code), ("wait for service", Win32Error::WAIT_TIMEOUT));
        // One that is on its way is waited for.
        service.set_limits(Limits::default());
        gate.arrival().release();
        assert_eq!(service.start(&[]).unwrap().state, ServiceState::RUNNING);
    });
}

#[test]
fn dependents_that_prevent_a_stop_are_named() {
    both_ways(|manager| {
        let db = create(manager, scripted("db", &[]));
        let on_db = vec![Dependency::new("db").unwrap()];
        let web = create(manager, scripted("web", &[]).with(on_db));
        web.start(&[]).unwrap();
        assert_eq!(
            db.stop().unwrap_err().to_string(),
            "cannot stop service \"db\": these depend on it and run: web (1051 ERROR_DEPENDENT_SERVICES_RUNNING)"
        );
        web.stop().unwrap();
        assert_eq!(db.stop().unwrap().state, ServiceState::STOPPED);
    });
}

#[test]
fn a_running_service_is_deleted_only_with_a_stop() {
    both_ways(|manager| {
        let service = create(manager, scripted("web", &[]));
        service.start(&[]).unwrap();
        assert_eq!(
            service.delete().unwrap_err().to_string(),
            "cannot delete service \"web\": it is RUNNING, and has to be stopped first (1061 \
             ERROR_SERVICE_CANNOT_ACCEPT_CTRL)"
        );
        assert_eq!(service.stop_and_delete(), Ok(Deleted::Gone));
        assert!(!service.exists().unwrap());
        assert_eq!(service.delete().unwrap_err().code, Win32Error::SERVICE_DOES_NOT_EXIST);
    });
}

#[test]
fn a_deleted_service_that_somebody_holds_is_only_marked() {
    both_ways(|manager| {
        let service = create(manager, scripted("web", &[]));
        let holder = manager.backend().open_manager(ManagerAccess::CONNECT).unwrap();
        let held = holder.open_service("web", ServiceAccess::QUERY_STATUS).unwrap();
        assert_eq!(service.delete(), Ok(Deleted::Marked));
        assert_eq!(service.delete(), Ok(Deleted::Marked), "it is marked already");
        assert!(service.exists().unwrap());
        drop(held);
        assert!(!service.exists().unwrap());
    });
}

#[test]
fn every_service_is_listed_with_its_status() {
    both_ways(|manager| {
        create(manager, scripted("one", &[]));
        create(manager, scripted("two", &[])).start(&[]).unwrap();
        let found = manager.statuses(ServiceType::WIN32).unwrap();
        let found: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.status.state)).collect();
        assert_eq!(found, [("one", ServiceState::STOPPED), ("two", ServiceState::RUNNING)]);
        assert!(manager.statuses(ServiceType::DRIVER).unwrap().is_empty());
    });
}

/// Through the wire, since a connection in this process is nobody's.
#[test]
fn who_keeps_a_deleted_service_is_told_and_its_end_is_waited_for() {
    let state = state();
    let scm = Scm::serve(state.path());
    let manager = ServiceManager::over(Box::new(scm.embedded().connect().unwrap()));
    let mut service = create(&manager, scripted("web", &[]));
    let running = service.start(&[]).unwrap();
    let other = scm.embedded().connect().unwrap().open_manager(ManagerAccess::CONNECT).unwrap();
    let handles = [(), ()].map(|()| other.open_service("web", ServiceAccess::ALL_ACCESS).unwrap());
    handles[0].delete().unwrap();
    let mut expected = |limit: Duration, after: &str| {
        let (own, process) = (std::process::id(), running.pid);
        service.set_limits(Limits { total: Some(limit), ..Limits::default() });
        assert_eq!(
            service.wait_until_gone().unwrap_err().to_string(),
            format!(
                "cannot delete service \"web\": it is marked for deletion{after}: it is RUNNING as process {process}, and process {own} has it open \
                 2 times (1072 ERROR_SERVICE_MARKED_FOR_DELETE)"
            )
        );
    };
    expected(Duration::ZERO, "");
    expected(Duration::from_millis(20), " and still there after 20ms");
    service.set_limits(Limits::default());
    assert_eq!(service.stop_and_delete(), Ok(Deleted::Marked));
    // The handles are closed when somebody waits for it.
    let closed = Rc::new(RefCell::new(Some((handles, other))));
    let told = Rc::new(RefCell::new(Vec::new()));
    let (close, tell) = (Rc::clone(&closed), Rc::clone(&told));
    service.on_progress(move |progress| {
        if let Progress::Held(hold) = progress {
            tell.borrow_mut().push(hold.to_string());
            close.borrow_mut().take();
        }
    });
    service.wait_until_gone().unwrap();
    assert_eq!(*told.borrow(), [format!("process {} has it open 2 times", std::process::id())]);
    assert!(!service.exists().unwrap());
    service.wait_until_gone().unwrap();
}
