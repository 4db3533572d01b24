//! Calls with bytes in place of wide characters, and calls that do what others do.

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::kind::ServiceType;
use svckit_core::name::{Dependency, DisplayName, GroupName};
use svckit_core::status::{ServiceStatus, StateFilter};
use svckit_core::win32::Win32Error;
use svckit_scmr::ndr::Text;
use svckit_scmr::ops::{Answer, Call, ConfigInfo, CreateService, Handle, buffers};

use super::bed::{Bed, LARGE, list};

const SUCCESS: Win32Error = Win32Error::SUCCESS;

#[test]
fn what_is_said_in_one_form_is_told_in_the_other() {
    let mut bed = Bed::new();
    let manager = bed.manager;
    bed.text = Text::Ansi;
    let base = bed.new_service(&[]);
    bed.create(&base);
    let mut new = bed.new_service(&[]);
    new.config.display_name = DisplayName::new("Größe 𝄞").unwrap();
    new.config.dependencies = vec![Dependency::Service(base.name.clone())];
    let service = bed.create(&new);
    let info = ConfigInfo::Description(Some(Some("Wählt".to_owned())));
    assert_eq!(bed.code(&Call::ChangeServiceConfig2 { service, info }), SUCCESS);
    let mut told = Vec::new();
    for text in [Text::Ansi, Text::Wide] {
        bed.text = text;
        let Answer::QueryServiceConfig { config, code: SUCCESS, .. } =
            bed.ask(&Call::QueryServiceConfig { service, size: LARGE })
        else {
            panic!("{text:?}");
        };
        assert_eq!(config.dependencies, Some(format!("{}/", base.name)), "{text:?}");
        let name = new.name.to_string();
        let Answer::GetServiceDisplayName { name, code: SUCCESS, .. } =
            bed.ask(&Call::GetServiceDisplayName { manager, name, size: 64 })
        else {
            panic!("{text:?}");
        };
        told.push((config.display_name, Some(name)));
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0].1.as_deref(), Some("Größe 𝄞"));
    let level = svckit_core::config::Config2Level::DESCRIPTION;
    bed.text = Text::Ansi;
    let Answer::QueryServiceConfig2 { buffer, needed, code: SUCCESS, .. } =
        bed.ask(&Call::QueryServiceConfig2 { service, level, size: LARGE })
    else {
        panic!("no description");
    };
    assert_eq!(buffer[..needed as usize], *b"\x04\0\0\0W\xc3\xa4hlt\0", "an offset, and bytes");
    let Answer::EnumServicesStatus { buffer, returned: 2, code: SUCCESS, .. } =
        bed.ask(&list(manager, LARGE, None))
    else {
        panic!("no list");
    };
    let offset = u32::from_le_bytes(buffer[4..8].try_into().unwrap()) as usize;
    let text = buffer[offset..].split(|byte| *byte == 0).next().unwrap();
    assert_eq!(text, base.config.display_name.as_str().as_bytes());
}

#[test]
fn members_of_a_group_are_listed() {
    let mut bed = Bed::new();
    let manager = bed.manager;
    let mut new = bed.new_service(&[]);
    new.config.load_order_group = Some(GroupName::new("shops").unwrap());
    bed.create(&new);
    bed.service(&[]);
    let mut names = |group: Option<&str>| {
        let group = group.map(str::to_owned);
        let (types, states) = (ServiceType::WIN32, StateFilter::ALL);
        let resume = Some(0);
        match bed.ask(&Call::EnumServiceGroup { manager, types, states, size: LARGE, resume, group }) {
            Answer::EnumServiceGroup { buffer, returned, code: SUCCESS, .. } => {
                buffers::read_enum_status(&buffer, returned)
                    .unwrap()
                    .into_iter()
                    .map(|one| one.name)
                    .collect()
            }
            other => vec![other.code().to_string()],
        }
    };
    let all: Vec<String> = names(None);
    assert_eq!(all.len(), 2);
    assert_eq!(names(Some("Shops")), [new.name.to_string()]);
    assert_eq!(names(Some("none")), [Win32Error::SERVICE_DOES_NOT_EXIST.to_string()]);
}

#[test]
fn services_of_other_architectures_are_created_as_others_are() {
    let mut bed = Bed::new();
    for text in [Text::Wide, Text::Ansi] {
        bed.text = text;
        let new = bed.new_service(&[]);
        let create = || Box::new(CreateService::new(bed.manager, &new, ServiceAccess::ALL_ACCESS));
        let (first, again) = (Call::CreateServiceWow64(create()), Call::CreateWowService(create(), 0x14c));
        let Answer::CreateServiceWow64 { service, code: SUCCESS, .. } = bed.ask(&first) else { panic!() };
        assert_eq!(bed.code(&Call::QueryServiceStatus { service }), SUCCESS);
        assert_eq!(bed.code(&first), Win32Error::SERVICE_EXISTS);
        assert_eq!(bed.code(&again), Win32Error::SERVICE_EXISTS);
    }
}

#[test]
fn the_newer_way_to_open_the_manager_is_the_same() {
    let mut bed = Bed::new();
    let mut open = |database: Option<&str>| {
        let (database, access) = (database.map(str::to_owned), ManagerAccess::ALL_ACCESS);
        match bed.ask(&Call::OpenScManager2 { database, access }) {
            Answer::OpenScManager2 { manager, code } => (manager != Handle::NULL, code),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(open(None), (true, SUCCESS));
    assert_eq!(open(Some("servicesactive")), (true, SUCCESS));
    assert_eq!(open(Some("ServicesFailed")), (false, Win32Error::DATABASE_DOES_NOT_EXIST));
    assert_eq!(open(Some("Others")), (false, Win32Error::INVALID_NAME));
}

#[test]
fn nobody_reports_a_status_through_a_handle() {
    let mut bed = Bed::new();
    let service = bed.service(&[]);
    let status = ServiceStatus::stopped(ServiceType::WIN32_OWN_PROCESS, SUCCESS);
    let manager = bed.manager;
    assert_eq!(bed.code(&Call::SetServiceStatus { service, status }), Win32Error::ACCESS_DENIED);
    for handle in [manager, Handle::NULL] {
        let code = bed.code(&Call::SetServiceStatus { service: handle, status });
        assert_eq!(code, Win32Error::INVALID_HANDLE);
    }
}
