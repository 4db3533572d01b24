//! From core's types to the wire and back.

use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::access::ServiceAccess;
use svckit_core::config::{Config2, Config2Change, Config2Level, ConfigChange, NewService, ServiceConfig};
use svckit_core::failure::{ActionType, FailureAction, FailureActionsChange, ResetPeriod};
use svckit_core::image_path::ImagePath;
use svckit_core::kind::{ErrorControl, LaunchProtection, ServiceType, SidType, StartType};
use svckit_core::name::{Dependency, DisplayName, GroupName, ServiceName};
use svckit_core::trigger::{
    Guid, MAX_DATA, MAX_DATA_ITEMS, MAX_TRIGGERS, Trigger, TriggerAction, TriggerData, TriggerDataType,
    TriggerType,
};
use svckit_scmr::ndr::DecodeError;
use svckit_scmr::ndr::Text;
use svckit_scmr::ops::{
    Call, ChangeServiceConfig, ConfigInfo, ConfigRecord, CreateService, Handle, Password, buffers,
};

fn config() -> ServiceConfig {
    ServiceConfig {
        service_type: ServiceType::WIN32_OWN_PROCESS,
        start_type: StartType::AUTO_START,
        error_control: ErrorControl::NORMAL,
        image_path: ImagePath::new("/usr/bin/web --port 80").unwrap(),
        load_order_group: Some(GroupName::new("net").unwrap()),
        tag: 0,
        dependencies: vec![Dependency::new("db").unwrap(), Dependency::new("+net").unwrap()],
        account: Some("ann".to_owned()),
        display_name: DisplayName::new("The web").unwrap(),
    }
}

fn new_service() -> NewService {
    NewService {
        name: ServiceName::new("web").unwrap(),
        config: config(),
        want_tag: true,
        password: Some("geheim ü".into()),
    }
}

#[test]
fn a_new_service_comes_through() {
    let call = CreateService::new(Handle::NULL, &new_service(), ServiceAccess::ALL_ACCESS);
    assert_eq!(call.to_new_service(), Ok(new_service()));
}

#[test]
fn bad_arguments_have_the_codes_of_windows() {
    let call = CreateService::new(Handle::NULL, &new_service(), ServiceAccess::ALL_ACCESS);
    let with = |change: &dyn Fn(&mut CreateService)| {
        let mut call = call.clone();
        change(&mut call);
        call.to_new_service().map(|new| new.config.display_name.to_string())
    };
    let name = Err(Win32Error::INVALID_NAME);
    let parameter = Err(Win32Error::INVALID_PARAMETER);
    assert_eq!(with(&|call| call.name = "a/b".to_owned()), name);
    assert_eq!(with(&|call| call.name = String::new()), name);
    assert_eq!(with(&|call| call.name = "x".repeat(257)), name);
    assert_eq!(with(&|call| call.display_name = Some("x".repeat(257))), name);
    assert_eq!(with(&|call| call.display_name = None), Ok("web".to_owned()));
    assert_eq!(with(&|call| call.display_name = Some(String::new())), Ok("web".to_owned()));
    assert_eq!(with(&|call| call.image_path = " ".to_owned()), parameter);
    assert_eq!(with(&|call| call.dependencies = Some(vec![b'a', 0, 0])), parameter);
    assert_eq!(with(&|call| call.dependencies = Some(b"/\0\0\0".to_vec())), parameter);
    assert_eq!(with(&|call| call.password = Some(Password::from(vec![1]))), parameter);
    assert_eq!(with(&|call| call.password = Some(Password::from(Vec::new()))), Ok("The web".to_owned()));
}

#[test]
fn a_change_comes_through() {
    let all = ConfigChange {
        service_type: Some(ServiceType::WIN32_SHARE_PROCESS),
        start_type: Some(StartType::DISABLED),
        error_control: Some(ErrorControl::IGNORE),
        image_path: Some(ImagePath::new("x").unwrap()),
        load_order_group: Some(None),
        want_tag: true,
        dependencies: Some(Vec::new()),
        account: Some("LocalSystem".to_owned()),
        password: Some("".into()),
        display_name: Some(DisplayName::new("X").unwrap()),
    };
    for change in [ConfigChange::default(), all] {
        assert_eq!(ChangeServiceConfig::new(Handle::NULL, &change).to_change(), Ok(change));
    }
}

#[test]
fn changes_of_optional_configuration_come_through() {
    let action = FailureAction { kind: ActionType::RESTART, delay: Duration::from_secs(5) };
    let failure = FailureActionsChange {
        reboot_message: None,
        command: Some("run".to_owned()),
        actions: Some((ResetPeriod::Never, vec![action])),
    };
    for change in [
        Config2Change::Description(Some("text".to_owned())),
        Config2Change::Description(None),
        Config2Change::FailureActions(failure),
        Config2Change::FailureActions(FailureActionsChange::default()),
        Config2Change::DelayedAutoStart(true),
        Config2Change::FailureActionsFlag(false),
        Config2Change::Sid(SidType::RESTRICTED),
        Config2Change::RequiredPrivileges(vec!["SeBackupPrivilege".to_owned(), "b".to_owned()]),
        Config2Change::RequiredPrivileges(Vec::new()),
        Config2Change::PreshutdownTimeout(Duration::from_millis(1234)),
        Config2Change::Triggers(vec![trigger(vec![TriggerData::strings(&["a", "b"])]), trigger(Vec::new())]),
        Config2Change::Triggers(Vec::new()),
        Config2Change::PreferredNode(Some(7)),
        Config2Change::PreferredNode(None),
        Config2Change::LaunchProtected(LaunchProtection::WINDOWS),
    ] {
        assert_eq!(ConfigInfo::try_from(&change).unwrap().to_change(), Ok(change));
    }
    assert_eq!(ConfigInfo::Other(Config2Level(99)).to_change(), Err(Win32Error::INVALID_LEVEL));
    assert_eq!(ConfigInfo::Sid(None).to_change(), Err(Win32Error::INVALID_PARAMETER));
}

#[test]
fn triggers_have_a_question_of_their_own() {
    let none = Config2::Triggers(Vec::new());
    assert_eq!(buffers::query_service_config2(&none, 8192, Text::Wide), Err(Win32Error::INVALID_LEVEL));
    assert_eq!(buffers::read_config2(Config2Level::TRIGGER_INFO, &[0; 64]), Ok(None));
}

/// What can't be sent is refused, and not sent as something else.
#[test]
fn more_than_the_wire_takes_is_refused() {
    let trigger = trigger(Vec::new());
    let item = |length| TriggerData { kind: TriggerDataType::BINARY, data: vec![1; length] };
    let with = |data| vec![Trigger { data, ..trigger.clone() }];
    for triggers in [
        vec![trigger.clone(); MAX_TRIGGERS + 1],
        with(vec![item(1); MAX_DATA_ITEMS + 1]),
        with(vec![item(MAX_DATA + 1)]),
    ] {
        let sent = ConfigInfo::try_from(&Config2Change::Triggers(triggers));
        assert_eq!(sent, Err(Win32Error::INVALID_PARAMETER));
    }
    let most = vec![Trigger { data: vec![item(MAX_DATA); MAX_DATA_ITEMS], ..trigger.clone() }; MAX_TRIGGERS];
    let call = Call::ChangeServiceConfig2 { service: Handle::NULL, info: ConfigInfo::Triggers(Some(most)) };
    assert_eq!(Call::decode(call.opnum(), &call.encode()), Ok(Some(call)));
}

fn trigger(data: Vec<TriggerData>) -> Trigger {
    Trigger { kind: TriggerType::CUSTOM, action: TriggerAction::SERVICE_START, subtype: Guid(7), data }
}

/// A stub with `cTriggers`, `cDataItems` and `cbData` that are not those of the arrays, or beyond their bounds.
#[test]
fn counts_of_triggers_have_to_agree() {
    let data = vec![TriggerData { kind: TriggerDataType::BINARY, data: vec![1, 2, 3, 4] }];
    let info = ConfigInfo::Triggers(Some(vec![trigger(data)]));
    let call = Call::ChangeServiceConfig2 { service: Handle::NULL, info };
    let stub = call.encode();
    let decode = |at: usize, number: u32| {
        let mut stub = stub.clone();
        assert!(stub[at..at + 4] != number.to_le_bytes(), "{at} has it already");
        stub[at..at + 4].copy_from_slice(&number.to_le_bytes());
        Call::decode(call.opnum(), &stub)
    };
    // After the handle, level, tag and pointer: cTriggers, pTriggers, pReserved, the array's size, and the first trigger.
    let (count, reserved, size, items, length) = (32, 40, 44, 60, 92);
    assert!(matches!(decode(60, 2), Err(DecodeError::Invalid { what: "cDataItems" })));
    for (at, number) in
        [(count, 0), (count, 2), (count, 65), (reserved, 1), (size, 2), (items, 0), (items, 65)]
    {
        assert!(decode(at, number).is_err(), "{number} at {at}");
    }
    for number in [0, 3, 5, 1025] {
        assert!(decode(length, number).is_err(), "{number} at {length}");
    }
    // Without its pointer a trigger has the subtype of zeros; the GUID is then not there.
    assert!(decode(56, 0).is_err());
}

#[test]
fn a_configuration_comes_through_and_dependencies_may_be_written_either_way() {
    let record = ConfigRecord::from(&config());
    assert_eq!(record.to_config("web"), Ok(config()));
    assert_eq!(record.dependencies.as_deref(), Some("db/+net/"));
    let listed = ConfigRecord { dependencies: Some("db\0+net\0".to_owned()), ..record.clone() };
    assert_eq!(listed.to_config("web"), Ok(config()));
    let bare = ConfigRecord { image_path: record.image_path.clone(), ..ConfigRecord::default() };
    let bare = bare.to_config("web").unwrap();
    assert_eq!((bare.display_name.as_str(), bare.account, bare.load_order_group), ("web", None, None));
    assert_eq!(ConfigRecord::default().to_config("web"), Err(Win32Error::INVALID_DATA));
}

#[test]
fn passwords_are_never_shown() {
    let call = CreateService::new(Handle::NULL, &new_service(), ServiceAccess::ALL_ACCESS);
    let shown = format!("{call:?}");
    assert!(shown.contains("***") && !shown.contains("103"), "{shown}");
}
