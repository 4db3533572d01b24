//! Services as things ([`svckit_manager::entity`]), with real processes.

#[path = "../../../../testkit/cases/entity.rs"]
mod cases;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Backend;
use svckit_core::config::{Config2Change, LOCAL_SYSTEM};
use svckit_core::failure::FailureActions;
use svckit_core::kind::{ErrorControl, ServiceType, SidType, StartType};
use svckit_core::name::Dependency;
use svckit_core::security::{SecurityDescriptor, SecurityInformation};
use svckit_core::status::ServiceState;
use svckit_core::wait::Limits;
use svckit_manager::entity::{Deleted, NewService, Progress, Service, ServiceManager};

use crate::support::{Scm, state};
use cases::{Bed, entity_cases, scripted};

/// Runs an expectation on the service control manager directly and through the wire.
fn both_ways(expectation: impl Fn(&ServiceManager)) {
    for wire in [false, true] {
        let state = state();
        let scm = Scm::serve(state.path());
        let backend: Box<dyn Backend> =
            if wire { Box::new(scm.embedded().connect().unwrap()) } else { Box::new(scm.direct.clone()) };
        expectation(&ServiceManager::over(backend));
    }
}

/// A case that other service control managers have too; here it needs no names of its own.
fn shared(case: fn(&Bed<'_>)) {
    both_ways(|manager| case(&Bed { manager, prefix: "" }));
}

entity_cases!(shared, cases);

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
        // Its own process is none that holds it.
        let service = create(manager, scripted("web", &[]));
        service.start(&[]).unwrap();
        assert_eq!(service.stop_and_delete(), Ok(Deleted::Gone));
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
