//! Services as things, where the service control manager is strange, or refuses.

use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::access::ServiceAccess;
use svckit_core::config::{Config2, Config2Change, Config2Level, ServiceConfig};
use svckit_core::image_path::ImagePath;
use svckit_core::kind::{ServiceType, SidType, StartType};
use svckit_core::name::{Dependency, DisplayName};
use svckit_manager::entity::{Deleted, NewService, Service, ServiceManager, Setting};

use crate::scm::Fixture;
use crate::wire::config;

fn manager(fixture: &Fixture) -> ServiceManager {
    ServiceManager::over(Box::new(fixture.connect()))
}

/// A model with one service, `web`.
fn web() -> (Fixture, Service) {
    let fixture = Fixture::new();
    fixture.scm.add("web", config("The web"));
    let service = manager(&fixture).service("web").unwrap();
    (fixture, service)
}

fn new_service(name: &str) -> NewService {
    NewService::new(name, ImagePath::new("/bin/true").unwrap()).unwrap()
}

fn description(text: &str) -> Config2Change {
    Config2Change::Description(Some(text.to_owned()))
}

#[test]
fn whether_a_service_exists_needs_no_right_on_it_and_has_an_answer() {
    let (fixture, _) = web();
    fixture.scm.state().denied = ServiceAccess::ALL_ACCESS;
    let manager = manager(&fixture);
    assert!(manager.exists("web").unwrap());
    assert!(!manager.exists("other").unwrap());
    assert!(manager.service("web").unwrap().exists().unwrap());
    let error = manager.service("other").unwrap_err();
    assert_eq!((error.code, error.service.as_deref()), (Win32Error::SERVICE_DOES_NOT_EXIST, Some("other")));
    assert!(fixture.scm.state().opened.is_empty());
}

#[test]
fn a_name_that_can_be_none_is_refused() {
    let fixture = Fixture::new();
    let manager = manager(&fixture);
    let codes = [
        manager.service("").map(drop).unwrap_err(),
        manager.exists("").map(drop).unwrap_err(),
        manager.status("").map(drop).unwrap_err(),
    ]
    .map(|error| (error.code, error.cause));
    let expected = (Win32Error::INVALID_NAME, Some("a service name can't be empty".to_owned()));
    assert_eq!(codes, [expected.clone(), expected.clone(), expected]);
    assert!(NewService::new("", ImagePath::new("/bin/true").unwrap()).is_err());
    assert!(NewService::new("a/b", ImagePath::new("/bin/true").unwrap()).is_err());
}

#[test]
fn what_is_denied_is_named() {
    let (fixture, mut service) = web();
    fixture.scm.state().denied = ServiceAccess::START | ServiceAccess::CHANGE_CONFIG;
    let error = service.start(&[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot start service \"web\": access is denied, it needs SERVICE_START (5 ERROR_ACCESS_DENIED)"
    );
    assert_eq!(error.target.unwrap(), manager(&fixture).target());
    service.set(StartType::AUTO_START);
    let error = service.save(None).unwrap_err();
    assert_eq!(error.operation, "update service");
    assert_eq!(error.cause.unwrap(), "access is denied, it needs SERVICE_CHANGE_CONFIG");
}

#[test]
fn only_the_rights_that_a_call_needs_are_asked_for() {
    let (fixture, mut service) = web();
    let query = ServiceAccess::QUERY_STATUS;
    let change = ServiceAccess::QUERY_CONFIG | ServiceAccess::CHANGE_CONFIG;
    let asked = |calls: &mut dyn FnMut()| {
        fixture.scm.state().opened.clear();
        calls();
        std::mem::take(&mut fixture.scm.state().opened)
    };
    assert_eq!(asked(&mut || service.status().map(drop).unwrap()), [query]);
    assert_eq!(asked(&mut || drop(service.configuration().unwrap())), [ServiceAccess::QUERY_CONFIG]);
    assert_eq!(asked(&mut || service.stop().map(drop).unwrap()), [query | ServiceAccess::STOP]);
    assert_eq!(asked(&mut || drop(service.interrogate().unwrap_err())), [query | ServiceAccess::INTERROGATE]);
    assert_eq!(asked(&mut || drop(service.pause().unwrap_err())), [query | ServiceAccess::PAUSE_CONTINUE]);
    service.set(description("Sells things"));
    assert_eq!(asked(&mut || drop(service.save(None).unwrap())), [change]);
    service.set(Config2Change::FailureActions(Default::default()));
    assert_eq!(asked(&mut || drop(service.save(None).unwrap())), [change | ServiceAccess::START]);
    assert_eq!(asked(&mut || service.delete().map(drop).unwrap()), [query | ServiceAccess::DELETE]);
}

#[test]
fn a_type_that_nobody_knows_spoils_no_list() {
    let (fixture, _) = web();
    let strange = ServiceConfig { service_type: ServiceType(0xE0), ..config("Strange") };
    fixture.scm.add("strange", strange);
    let stranger = ServiceConfig { service_type: ServiceType(0x8000_0010), ..config("Stranger") };
    fixture.scm.add("stranger", stranger);
    let found = manager(&fixture).statuses(ServiceType::WIN32).unwrap();
    let found: Vec<_> =
        found.iter().map(|one| (one.name.as_str(), one.status.service_type.to_string())).collect();
    assert_eq!(
        found,
        [
            ("strange", "WIN32_SHARE_PROCESS|USER_SERVICE|USERSERVICE_INSTANCE".to_owned()),
            ("stranger", "WIN32_OWN_PROCESS|0x80000000".to_owned()),
            ("web", "WIN32_OWN_PROCESS".to_owned()),
        ]
    );
    assert!(manager(&fixture).service("strange").unwrap().configuration().unwrap().basic.is_ok());
}

#[test]
fn a_setting_that_can_not_be_read_is_an_error_of_its_own() {
    let (fixture, mut service) = web();
    let level = Config2Level::DESCRIPTION;
    fixture.scm.state().unreadable.insert(level, Win32Error::GEN_FAILURE);
    let configuration = service.configuration().unwrap();
    let error = configuration.description.unwrap_err();
    assert_eq!((error.code, error.service.as_deref()), (Win32Error::GEN_FAILURE, Some("web")));
    assert_eq!(configuration.basic.unwrap().display_name.as_str(), "The web");
    assert_eq!(configuration.delayed_auto_start, Ok(false));
    // The model doesn't know service SIDs.
    assert_eq!(configuration.sid_type.unwrap_err().code, Win32Error::INVALID_LEVEL);

    fixture.scm.state().unreadable = [(Config2Level(0), Win32Error::INVALID_DATA)].into();
    let configuration = service.configuration().unwrap();
    assert_eq!(configuration.basic.unwrap_err().code, Win32Error::INVALID_DATA);
    assert_eq!(configuration.description, Ok(None));
    // It can be given what can be read.
    service.set(description("Sells things"));
    assert_eq!(service.save(None).unwrap().changed, ["the description"]);
}

#[test]
fn what_is_set_is_in_memory_until_it_is_saved() {
    let (fixture, mut service) = web();
    service.set(StartType::AUTO_START);
    service.set(description("Sells things"));
    service.set(Setting::Dependencies(vec![Dependency::new("db").unwrap()]));
    assert!(service.is_edited());
    let edited = service.configuration().unwrap();
    assert_eq!(edited.basic.as_ref().unwrap().start_type, StartType::AUTO_START);
    assert_eq!(edited.description, Ok(Some("Sells things".to_owned())));
    assert_eq!(fixture.scm.state().writes, 0);

    assert_eq!(
        service.save(None).unwrap().changed,
        ["the start type", "the dependencies", "the description"]
    );
    assert!(!service.is_edited());
    assert_eq!(service.configuration().unwrap(), edited);
    assert_eq!(fixture.scm.state().writes, 2);
    // Once more, as it is: nothing is written.
    service.set(StartType::AUTO_START);
    assert!(service.save(None).unwrap().changed.is_empty());
    assert_eq!(fixture.scm.state().writes, 2);

    service.set(StartType::DISABLED);
    service.revert();
    assert!(service.save(None).unwrap().changed.is_empty());
}

#[test]
fn no_dependencies_clear_them_and_what_is_not_set_stays() {
    let (fixture, mut service) = web();
    let db = vec![Dependency::new("db").unwrap()];
    service.set(db.clone());
    service.save(None).unwrap();
    service.set(DisplayName::new("Shop").unwrap());
    service.save(None).unwrap();
    assert_eq!(fixture.scm.state().services["web"].config.dependencies, db);
    service.set(Vec::<Dependency>::new());
    assert_eq!(service.save(None).unwrap().changed, ["the dependencies"]);
    assert!(fixture.scm.state().services["web"].config.dependencies.is_empty());
}

#[test]
fn what_somebody_else_changed_meanwhile_stays() {
    let (fixture, mut service) = web();
    let mut other = manager(&fixture).service("web").unwrap();
    service.set(StartType::AUTO_START);
    other.set(DisplayName::new("Renamed").unwrap());
    other.save(None).unwrap();
    service.save(None).unwrap();
    let basic = service.configuration().unwrap().basic.unwrap();
    assert_eq!((basic.start_type, basic.display_name.as_str()), (StartType::AUTO_START, "Renamed"));
}

#[test]
fn a_new_service_that_can_not_be_completed_is_not_left_behind() {
    let fixture = Fixture::new();
    let mut service = manager(&fixture).create(new_service("web").with(description("Sells things")));
    assert!(!service.exists().unwrap());
    fixture.scm.state().refused.insert(Config2Level::DESCRIPTION, Win32Error::ACCESS_DENIED);
    let error = service.save(None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot install service \"web\": the description can't be set: access is denied; the service was removed again \
         (5 ERROR_ACCESS_DENIED)"
    );
    assert!(fixture.scm.state().services.is_empty());

    // The first error is the one that counts, also when the removal fails.
    fixture.scm.state().room = Some(3);
    let error = service.save(None).unwrap_err();
    assert_eq!(error.code, Win32Error::ACCESS_DENIED);
    assert!(
        error.to_string().contains("access is denied; removing the service again failed as well: "),
        "{error}"
    );

    fixture.scm.state().room = None;
    fixture.scm.state().refused.clear();
    assert!(service.save(None).unwrap().created);
    assert!(service.exists().unwrap() && !service.is_edited());
    service.set(StartType::DISABLED);
    assert_eq!(service.save(None).unwrap().changed, ["the start type"]);
    assert_eq!(service.delete(), Ok(Deleted::Gone));
    assert_eq!(service.status().unwrap_err().code, Win32Error::SERVICE_DOES_NOT_EXIST);
}

#[test]
fn what_can_not_be_taken_back_is_told_field_by_field() {
    let (fixture, mut service) = web();
    service.set(StartType::AUTO_START);
    service.set(ImagePath::new("/bin/false").unwrap());
    service.set(description("Sells things"));
    service.set(Config2Change::DelayedAutoStart(true));
    fixture.scm.state().room = Some(2);
    let error = service.save(None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot update service \"web\": the delayed start can't be set: the disk is full; of the changes before it these \
         could not be taken back: the description (the disk is full), the start type and the image path (the disk is \
         full) (112 ERROR_DISK_FULL)"
    );
    assert!(service.is_edited(), "it can be tried again");

    fixture.scm.state().room = None;
    fixture.scm.state().refused.insert(Config2Level::DELAYED_AUTO_START, Win32Error::DISK_FULL);
    service.set(description("Buys things"));
    let error = service.save(None).unwrap_err();
    assert!(error.to_string().contains("the changes before it were taken back"), "{error}");
    let before = &fixture.scm.state().services["web"].config2[&Config2Level::DESCRIPTION];
    assert_eq!(*before, Config2::Description(Some("Sells things".to_owned())));
}

#[test]
fn a_time_that_does_not_fit_is_refused_before_anything_is_written() {
    let (fixture, mut service) = web();
    service.set(StartType::AUTO_START);
    service.set(Config2Change::PreshutdownTimeout(Duration::MAX));
    let error = service.save(None).unwrap_err();
    assert_eq!((error.code, error.service.as_deref()), (Win32Error::INVALID_PARAMETER, Some("web")));
    assert!(error.cause.unwrap().starts_with("the preshutdown time-out is whole milliseconds"));
    assert_eq!(fixture.scm.state().writes, 0);
}

#[test]
fn a_driver_has_no_account_unless_one_is_given() {
    let fixture = Fixture::new();
    let manager = manager(&fixture);
    let mut driver = manager.create(new_service("disk").with(ServiceType::KERNEL_DRIVER));
    assert_eq!(driver.configuration().unwrap().sid_type, Ok(SidType::NONE));
    driver.save(None).unwrap();
    assert_eq!(fixture.scm.state().services["disk"].config.account, None);
    driver.set(StartType::DISABLED);
    assert_eq!(driver.save(None).unwrap().changed, ["the start type"]);
    assert_eq!(fixture.scm.state().services["disk"].config.account, None);
}

#[test]
fn a_password_is_written_and_kept_nowhere() {
    let (_fixture, mut service) = web();
    service.set(Setting::Account("ann".to_owned()));
    assert_eq!(service.save(Some("secret")).unwrap().changed, ["the account"]);
    // The same account with another password.
    assert_eq!(service.save(Some("secret2")).unwrap().changed, ["the account"]);
    assert!(!format!("{service:?}").contains("secret"));
    assert!(!service.is_edited());
}

#[test]
fn entities_are_equal_if_they_stand_for_the_same_service() {
    let (fixture, service) = web();
    fixture.scm.add("other", config("Other"));
    assert_eq!(service, manager(&fixture).service("web").unwrap());
    assert_eq!(service, manager(&fixture).create(new_service("WEB")));
    assert_ne!(service, manager(&fixture).service("other").unwrap());
    let (_elsewhere, same_name) = web();
    assert_ne!(service, same_name);
    assert_eq!(service.sid(), manager(&fixture).create(new_service("Web")).sid());
}
