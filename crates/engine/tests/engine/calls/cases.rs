//! One case for each code of each call, but for handles and rights.

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::config::{Config2Level, ConfigChange};
use svckit_core::control::Control;
use svckit_core::image_path::ImagePath;
use svckit_core::kind::{ServiceType, SidType, StartType};
use svckit_core::name::{Dependency, DisplayName};
use svckit_core::status::{NotifyMask, StateFilter};
use svckit_core::win32::Win32Error;
use svckit_scmr::ops::{
    Answer, Call, ChangeServiceConfig, ConfigInfo, CreateService, FailureActionsInfo, Handle, NotifyParams,
    Opnum,
};

use super::Case;
use super::bed::{Bed, LARGE, dependents, list, list_ex, start};

macro_rules! cases {
    ($($opnum:ident $code:ident: $run:expr;)*) => {
        vec![$(Case { opnum: Opnum::$opnum, code: Win32Error::$code, run: $run }),*]
    };
}

/// The cases of a service control manager that serves.
pub(super) fn all() -> Vec<Case> {
    let mut all = names_and_buffers();
    all.extend(configuration());
    all.extend(life());
    all.extend(waits());
    all.extend(database());
    all.extend(super::stopping::cases());
    all
}

/// The lock and the boot.
fn database() -> Vec<Case> {
    cases! {
        QUERY_SERVICE_LOCK_STATUS INSUFFICIENT_BUFFER: |bed| {
            let manager = bed.manager;
            bed.code(&Call::QueryServiceLockStatus { manager, size: 24 })
        };
        UNLOCK_SERVICE_DATABASE INVALID_SERVICE_LOCK: |bed| {
            let lock = bed.manager;
            bed.code(&Call::UnlockServiceDatabase { lock })
        };
        NOTIFY_BOOT_CONFIG_STATUS NOT_SUPPORTED: |bed| boot(bed, 0);
        NOTIFY_BOOT_CONFIG_STATUS BOOT_ALREADY_ACCEPTED: |bed| {
            assert_eq!(boot(bed, 7), Win32Error::SUCCESS);
            assert_eq!(boot(bed, 0), Win32Error::BOOT_ALREADY_ACCEPTED);
            boot(bed, 1)
        };
    }
}

fn boot(bed: &mut Bed, acceptable: u32) -> Win32Error {
    bed.code(&Call::NotifyBootConfigStatus { machine: None, acceptable })
}

fn names_and_buffers() -> Vec<Case> {
    cases! {
        OPEN_SC_MANAGER INVALID_NAME: |bed| open_database(bed, "ServicesOfMine");
        OPEN_SC_MANAGER DATABASE_DOES_NOT_EXIST: |bed| open_database(bed, "ServicesFailed");
        OPEN_SERVICE INVALID_NAME: |bed| open(bed, "a/b");
        OPEN_SERVICE SERVICE_DOES_NOT_EXIST: |bed| open(bed, "nobody");
        GET_SERVICE_DISPLAY_NAME INSUFFICIENT_BUFFER: |bed| {
            let name = existing(bed);
            display_name(bed, &name, 0)
        };
        GET_SERVICE_DISPLAY_NAME INVALID_NAME: |bed| display_name(bed, "a\\b", 100);
        GET_SERVICE_DISPLAY_NAME SERVICE_DOES_NOT_EXIST: |bed| display_name(bed, "nobody", 100);
        GET_SERVICE_KEY_NAME INSUFFICIENT_BUFFER: |bed| {
            let name = existing(bed);
            key_name(bed, &name, 0)
        };
        GET_SERVICE_KEY_NAME INVALID_NAME: |bed| key_name(bed, "", 100);
        GET_SERVICE_KEY_NAME SERVICE_DOES_NOT_EXIST: |bed| key_name(bed, "nobody", 100);
        QUERY_SERVICE_CONFIG INSUFFICIENT_BUFFER: |bed| {
            let service = bed.service(&[]);
            bed.code(&Call::QueryServiceConfig { service, size: 0 })
        };
        QUERY_SERVICE_CONFIG2 INSUFFICIENT_BUFFER: |bed| config2(bed, Config2Level::FAILURE_ACTIONS, 0);
        QUERY_SERVICE_CONFIG2 INVALID_LEVEL: |bed| config2(bed, Config2Level(99), LARGE);
        QUERY_SERVICE_CONFIG2 CANNOT_DETECT_DRIVER_FAILURE: |bed| {
            let service = bed.driver();
            bed.code(&Call::QueryServiceConfig2 { service, level: Config2Level::FAILURE_ACTIONS, size: LARGE })
        };
        QUERY_SERVICE_CONFIG_EX INVALID_LEVEL: |bed| {
            let service = bed.service(&[]);
            bed.code(&Call::QueryServiceConfigEx { service, level: Config2Level::DESCRIPTION })
        };
        QUERY_SERVICE_STATUS_EX INSUFFICIENT_BUFFER: |bed| status_ex(bed, 0, 0);
        QUERY_SERVICE_STATUS_EX INVALID_LEVEL: |bed| status_ex(bed, 1, LARGE);
        ENUM_DEPENDENT_SERVICES INVALID_PARAMETER: |bed| {
            let service = bed.service(&[]);
            bed.code(&Call::EnumDependentServices { service, states: StateFilter(4), size: LARGE })
        };
        ENUM_DEPENDENT_SERVICES MORE_DATA: |bed| {
            let (base, _) = pair(bed, &[]);
            bed.code(&dependents(base, 0))
        };
        ENUM_SERVICES_STATUS INVALID_PARAMETER: |bed| {
            let (manager, states) = (bed.manager, StateFilter(0));
            let types = ServiceType::WIN32;
            bed.code(&Call::EnumServicesStatus { manager, types, states, size: LARGE, resume: None })
        };
        ENUM_SERVICES_STATUS MORE_DATA: |bed| {
            bed.service(&[]);
            let manager = bed.manager;
            bed.code(&list(manager, 0, None))
        };
        ENUM_SERVICES_STATUS_EX INVALID_PARAMETER: |bed| list_types(bed, 0, ServiceType(0x400), None);
        ENUM_SERVICES_STATUS_EX INVALID_LEVEL: |bed| list_types(bed, 1, ServiceType::WIN32, None);
        ENUM_SERVICES_STATUS_EX SERVICE_DOES_NOT_EXIST: |bed| {
            list_types(bed, 0, ServiceType::WIN32, Some("nobody's"))
        };
        ENUM_SERVICES_STATUS_EX MORE_DATA: |bed| {
            bed.service(&[]);
            let manager = bed.manager;
            bed.code(&list_ex(manager, 0, None))
        };
    }
}

fn configuration() -> Vec<Case> {
    cases! {
        CREATE_SERVICE INVALID_PARAMETER: |bed| create(bed, |create| create.service_type = 0x30);
        CREATE_SERVICE INVALID_NAME: |bed| create(bed, |create| create.name = "a/b".to_owned());
        CREATE_SERVICE INVALID_SERVICE_ACCOUNT: |bed| {
            create(bed, |create| create.account = Some("svckit-no-such-user".to_owned()))
        };
        CREATE_SERVICE CIRCULAR_DEPENDENCY: |bed| {
            let mut new = bed.new_service(&[]);
            new.config.dependencies = vec![Dependency::Service(new.name.clone())];
            create_new(bed, &new)
        };
        CREATE_SERVICE SERVICE_MARKED_FOR_DELETE: |bed| {
            let new = bed.new_service(&[]);
            let service = bed.create(&new);
            bed.code(&Call::DeleteService { service });
            create_new(bed, &new)
        };
        CREATE_SERVICE SERVICE_EXISTS: |bed| {
            let new = bed.new_service(&[]);
            bed.create(&new);
            create_new(bed, &new)
        };
        CREATE_SERVICE DUPLICATE_SERVICE_NAME: |bed| {
            let name = existing(bed);
            create(bed, |create| create.display_name = Some(name.clone()))
        };
        CHANGE_SERVICE_CONFIG INVALID_PARAMETER: |bed| {
            change(bed, ConfigChange { start_type: Some(StartType(9)), ..ConfigChange::default() })
        };
        CHANGE_SERVICE_CONFIG INVALID_SERVICE_ACCOUNT: |bed| {
            let account = Some("svckit-no-such-user".to_owned());
            change(bed, ConfigChange { account, ..ConfigChange::default() })
        };
        CHANGE_SERVICE_CONFIG CIRCULAR_DEPENDENCY: |bed| {
            let base = bed.new_service(&[]);
            let service = bed.create(&base);
            let mut top = bed.new_service(&[]);
            top.config.dependencies = vec![Dependency::Service(base.name)];
            bed.create(&top);
            let dependencies = Some(vec![Dependency::Service(top.name)]);
            change_it(bed, service, ConfigChange { dependencies, ..ConfigChange::default() })
        };
        CHANGE_SERVICE_CONFIG SERVICE_MARKED_FOR_DELETE: |bed| {
            let service = bed.marked();
            change_it(bed, service, ConfigChange::default())
        };
        CHANGE_SERVICE_CONFIG DUPLICATE_SERVICE_NAME: |bed| {
            let display_name = Some(DisplayName::new(existing(bed)).unwrap());
            change(bed, ConfigChange { display_name, ..ConfigChange::default() })
        };
        CHANGE_SERVICE_CONFIG2 INVALID_PARAMETER: |bed| change2(bed, ConfigInfo::Sid(Some(SidType(2))));
        CHANGE_SERVICE_CONFIG2 INVALID_LEVEL: |bed| change2(bed, ConfigInfo::Other(Config2Level(99)));
        CHANGE_SERVICE_CONFIG2 SERVICE_MARKED_FOR_DELETE: |bed| {
            let service = bed.marked();
            bed.code(&Call::ChangeServiceConfig2 { service, info: ConfigInfo::DelayedAutoStart(Some(true)) })
        };
        CHANGE_SERVICE_CONFIG2 CANNOT_DETECT_DRIVER_FAILURE: |bed| {
            let service = bed.driver();
            let info = FailureActionsInfo { reset_period: 0, reboot_message: None, command: None, actions: None };
            bed.code(&Call::ChangeServiceConfig2 { service, info: ConfigInfo::FailureActions(Some(info)) })
        };
        DELETE_SERVICE SERVICE_MARKED_FOR_DELETE: |bed| {
            let service = bed.marked();
            bed.code(&Call::DeleteService { service })
        };
    }
}

fn life() -> Vec<Case> {
    cases! {
        START_SERVICE FILE_NOT_FOUND: |bed| start_program(bed, "/svckit/is/not/here");
        START_SERVICE BAD_EXE_FORMAT: |bed| {
            let driver = bed.driver();
            bed.code(&start(driver))
        };
        START_SERVICE SERVICE_REQUEST_TIMEOUT: |bed| {
            let service = bed.service(&["connect=never"]);
            bed.code(&start(service))
        };
        START_SERVICE SERVICE_ALREADY_RUNNING: |bed| {
            let service = bed.started(&[]);
            bed.code(&start(service))
        };
        START_SERVICE SERVICE_DISABLED: |bed| {
            let mut new = bed.new_service(&[]);
            new.config.start_type = StartType::DISABLED;
            let service = bed.create(&new);
            bed.code(&start(service))
        };
        START_SERVICE SERVICE_DEPENDENCY_FAIL: |bed| {
            let (_, top) = pair(bed, &["connect=exit:0"]);
            bed.code(&start(top))
        };
        START_SERVICE SERVICE_MARKED_FOR_DELETE: |bed| {
            let service = bed.marked();
            bed.code(&start(service))
        };
        START_SERVICE SERVICE_DEPENDENCY_DELETED: |bed| {
            let mut new = bed.new_service(&[]);
            new.config.dependencies = vec![Dependency::new("nobody").unwrap()];
            let service = bed.create(&new);
            bed.code(&start(service))
        };
        CONTROL_SERVICE INVALID_PARAMETER: |bed| {
            let service = bed.started(&[]);
            control(bed, service, Control::SHUTDOWN)
        };
        CONTROL_SERVICE DEPENDENT_SERVICES_RUNNING: |bed| {
            let (base, top) = pair(bed, &[]);
            bed.code(&start(top));
            control(bed, base, Control::STOP)
        };
        CONTROL_SERVICE INVALID_SERVICE_CONTROL: |bed| {
            let service = bed.started(&["accept=STOP"]);
            bed.runs(service);
            control(bed, service, Control::PAUSE)
        };
        CONTROL_SERVICE SERVICE_REQUEST_TIMEOUT: |bed| {
            let service = bed.started(&["on-4=hang"]);
            bed.runs(service);
            control(bed, service, Control::INTERROGATE)
        };
        CONTROL_SERVICE SERVICE_CANNOT_ACCEPT_CTRL: |bed| {
            let service = bed.started(&["start=hang"]);
            control(bed, service, Control::INTERROGATE)
        };
        CONTROL_SERVICE SERVICE_NOT_ACTIVE: |bed| {
            let service = bed.service(&[]);
            control(bed, service, Control::STOP)
        };
    }
}

fn waits() -> Vec<Case> {
    cases! {
        NOTIFY_SERVICE_STATUS_CHANGE INVALID_PARAMETER: |bed| {
            let service = bed.service(&[]);
            bed.code(&wait(service, NotifyMask::RUNNING | NotifyMask::CREATED))
        };
        NOTIFY_SERVICE_STATUS_CHANGE NOT_SUPPORTED: |bed| wait_of_level(bed, 3);
        NOTIFY_SERVICE_STATUS_CHANGE INVALID_LEVEL: |bed| wait_of_level(bed, 0);
        NOTIFY_SERVICE_STATUS_CHANGE SERVICE_NOTIFY_CLIENT_LAGGING: |bed| {
            let late = bed.open_manager(ManagerAccess::ALL_ACCESS);
            let Answer::NotifyServiceStatusChange { notify, .. } = bed.ask(&wait(late, NotifyMask::SET)) else {
                panic!()
            };
            bed.code(&Call::CloseNotifyHandle { notify });
            for _ in 0..150 {
                let handle = bed.marked();
                bed.code(&Call::CloseServiceHandle { handle });
            }
            bed.code(&wait(late, NotifyMask::SET))
        };
        NOTIFY_SERVICE_STATUS_CHANGE SERVICE_MARKED_FOR_DELETE: |bed| {
            let service = bed.marked();
            bed.code(&wait(service, NotifyMask::RUNNING))
        };
        NOTIFY_SERVICE_STATUS_CHANGE ALREADY_REGISTERED: |bed| {
            let service = bed.service(&[]);
            assert_eq!(bed.code(&wait(service, NotifyMask::RUNNING)), Win32Error::SUCCESS);
            bed.code(&wait(service, NotifyMask::RUNNING))
        };
        GET_NOTIFY_RESULTS REQUEST_ABORTED: |bed| {
            let service = bed.service(&[]);
            let Answer::NotifyServiceStatusChange { notify, .. } = bed.ask(&wait(service, NotifyMask::RUNNING))
            else {
                panic!()
            };
            let results = bed.begin(&Call::GetNotifyResults { notify });
            bed.code(&Call::CloseServiceHandle { handle: service });
            bed.answer_to(results).code()
        };
    }
}

fn wait_of_level(bed: &mut Bed, level: u32) -> Win32Error {
    let service = bed.service(&[]);
    let params = NotifyParams { level, ..NotifyParams::request(NotifyMask::RUNNING) };
    bed.code(&Call::NotifyServiceStatusChange { service, params })
}

fn open_database(bed: &mut Bed, name: &str) -> Win32Error {
    let (database, access) = (Some(name.to_owned()), ManagerAccess::CONNECT);
    bed.code(&Call::OpenScManager { machine: None, database, access })
}

fn open(bed: &mut Bed, name: &str) -> Win32Error {
    let (manager, name) = (bed.manager, name.to_owned());
    bed.code(&Call::OpenService { manager, name, access: ServiceAccess::QUERY_STATUS })
}

/// The name of a service that is there.
fn existing(bed: &mut Bed) -> String {
    let new = bed.new_service(&[]);
    bed.create(&new);
    new.name.to_string()
}

fn display_name(bed: &mut Bed, name: &str, size: u32) -> Win32Error {
    let (manager, name) = (bed.manager, name.to_owned());
    bed.code(&Call::GetServiceDisplayName { manager, name, size })
}

fn key_name(bed: &mut Bed, name: &str, size: u32) -> Win32Error {
    let (manager, display_name) = (bed.manager, name.to_owned());
    bed.code(&Call::GetServiceKeyName { manager, display_name, size })
}

fn config2(bed: &mut Bed, level: Config2Level, size: u32) -> Win32Error {
    let service = bed.service(&[]);
    bed.code(&Call::QueryServiceConfig2 { service, level, size })
}

fn status_ex(bed: &mut Bed, level: u32, size: u32) -> Win32Error {
    let service = bed.service(&[]);
    bed.code(&Call::QueryServiceStatusEx { service, level, size })
}

fn list_types(bed: &mut Bed, level: u32, types: ServiceType, group: Option<&str>) -> Win32Error {
    let (manager, states, group) = (bed.manager, StateFilter::ALL, group.map(str::to_owned));
    bed.code(&Call::EnumServicesStatusEx { manager, level, types, states, size: LARGE, resume: None, group })
}

/// A service that does what a script says, and one that needs it.
fn pair(bed: &mut Bed, script: &[&str]) -> (Handle, Handle) {
    let base = bed.new_service(script);
    let mut top = bed.new_service(&[]);
    top.config.dependencies = vec![Dependency::Service(base.name.clone())];
    (bed.create(&base), bed.create(&top))
}

/// Creates a service that would be well but for what is put into the call.
fn create(bed: &mut Bed, spoil: impl FnOnce(&mut CreateService)) -> Win32Error {
    let new = bed.new_service(&[]);
    let mut create = CreateService::new(bed.manager, &new, ServiceAccess::ALL_ACCESS);
    spoil(&mut create);
    bed.code(&Call::CreateService(Box::new(create)))
}

pub(super) fn create_new(bed: &mut Bed, new: &svckit_core::config::NewService) -> Win32Error {
    let create = CreateService::new(bed.manager, new, ServiceAccess::ALL_ACCESS);
    bed.code(&Call::CreateService(Box::new(create)))
}

fn change(bed: &mut Bed, change: ConfigChange) -> Win32Error {
    let service = bed.service(&[]);
    change_it(bed, service, change)
}

#[expect(clippy::needless_pass_by_value, reason = "it is made for this call")]
pub(super) fn change_it(bed: &mut Bed, service: Handle, change: ConfigChange) -> Win32Error {
    bed.code(&Call::ChangeServiceConfig(Box::new(ChangeServiceConfig::new(service, &change))))
}

fn change2(bed: &mut Bed, info: ConfigInfo) -> Win32Error {
    let service = bed.service(&[]);
    bed.code(&Call::ChangeServiceConfig2 { service, info })
}

fn start_program(bed: &mut Bed, program: &str) -> Win32Error {
    let mut new = bed.new_service(&[]);
    new.config.image_path = ImagePath::new(program).unwrap();
    let service = bed.create(&new);
    bed.code(&start(service))
}

pub(super) fn control(bed: &mut Bed, service: Handle, control: Control) -> Win32Error {
    bed.code(&Call::ControlService { service, control })
}

fn wait(service: Handle, mask: NotifyMask) -> Call {
    Call::NotifyServiceStatusChange { service, params: NotifyParams::request(mask) }
}
