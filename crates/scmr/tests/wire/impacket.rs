//! The same bytes as impacket, an independent implementation of MS-SCMR: see `impacket_vectors.py`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::LockStatus;
use svckit_core::config::{Config2Level, ServiceConfig};
use svckit_core::control::{Control, ControlsAccepted};
use svckit_core::failure::{ActionType, FailureAction};
use svckit_core::image_path::ImagePath;
use svckit_core::kind::{ErrorControl, ServiceType, SidType, StartType};
use svckit_core::name::{Dependency, DisplayName};
use svckit_core::security::SecurityInformation;
use svckit_core::status::{ServiceState, ServiceStatus, StateFilter};
use svckit_core::trigger::{Guid, Trigger, TriggerAction, TriggerData, TriggerDataType, TriggerType};
use svckit_scmr::ndr::Text;
use svckit_scmr::ops::{
    Answer, Call, ChangeServiceConfig, ConfigInfo, CreateService, FailureActionsInfo, Handle, NO_CHANGE,
    Password, PreferredNodeInfo, buffers, multi,
};
use svckit_testkit::need;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/impacket_vectors.py");

/// Runs the script, with lines for it to read. Without impacket a test is skipped.
pub(crate) fn impacket(arguments: &[&str], input: &str) -> Option<String> {
    let mut python = Command::new(need::python()?)
        .arg(SCRIPT)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "the script failed: {}", output.status);
    Some(String::from_utf8(output.stdout).unwrap())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn checked_in() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/calls.txt")).unwrap()
}

/// The checked-in vectors by name, for whoever wants some real stubs.
pub(crate) fn vectors() -> BTreeMap<String, Vec<u8>> {
    checked_in()
        .lines()
        .map(|line| line.split_once(' ').map(|(name, hex)| (name.to_owned(), bytes(hex))).unwrap())
        .collect()
}

/// The calls of the script.
pub(crate) fn calls() -> BTreeMap<&'static str, Call> {
    let mut calls = plain_calls();
    calls.extend(config_calls());
    calls.extend(config2_calls());
    calls.insert("list-group", group());
    calls
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn group() -> Call {
    let (types, states) = (ServiceType::WIN32, StateFilter::ALL);
    let manager = Handle::from_number(1);
    Call::EnumServiceGroup { manager, types, states, size: 4096, resume: Some(0), group: some("net") }
}

fn plain_calls() -> BTreeMap<&'static str, Call> {
    let (manager, service, notify) = (Handle::from_number(1), Handle::from_number(2), Handle::from_number(3));
    let (types, states) = (ServiceType::WIN32, StateFilter::ALL);
    let arguments = ["-v", "/etc/web.toml", ""].map(str::to_owned).to_vec();
    let list = |resume| Call::EnumServicesStatus { manager, types, states, size: 4096, resume };
    let list_ex = |resume, group| Call::EnumServicesStatusEx {
        manager,
        level: 0,
        types,
        states,
        size: 4096,
        resume,
        group,
    };
    BTreeMap::from([
        ("close", Call::CloseServiceHandle { handle: manager }),
        ("stop", Call::ControlService { service, control: Control::STOP }),
        ("delete", Call::DeleteService { service }),
        ("status", Call::QueryServiceStatus { service }),
        ("lock", Call::LockServiceDatabase { manager }),
        ("unlock", Call::UnlockServiceDatabase { lock: notify }),
        ("boot", Call::NotifyBootConfigStatus { machine: some("host"), acceptable: 1 }),
        ("boot-null", Call::NotifyBootConfigStatus { machine: None, acceptable: 0 }),
        ("lock-status", Call::QueryServiceLockStatus { manager, size: 4096 }),
        (
            "security",
            Call::QueryServiceObjectSecurity { object: service, parts: SecurityInformation(0xC), size: 512 },
        ),
        (
            "set-security",
            Call::SetServiceObjectSecurity {
                object: manager,
                parts: SecurityInformation::DACL,
                descriptor: vec![1, 2, 3, 4, 5],
            },
        ),
        ("dependents", Call::EnumDependentServices { service, states: StateFilter::ACTIVE, size: 512 }),
        ("list", list(Some(5))),
        ("list-start", list(None)),
        ("list-ex", list_ex(Some(0), some("net"))),
        ("list-ex-all", list_ex(None, None)),
        (
            "open-manager",
            Call::OpenScManager {
                machine: some("host"),
                database: some("ServicesActive"),
                access: ManagerAccess::ALL_ACCESS,
            },
        ),
        (
            "open-manager-null",
            Call::OpenScManager { machine: None, database: None, access: ManagerAccess::CONNECT },
        ),
        (
            "open-service",
            Call::OpenService {
                manager,
                name: "spooler".to_owned(),
                access: ServiceAccess::START | ServiceAccess::QUERY_STATUS,
            },
        ),
        ("config", Call::QueryServiceConfig { service, size: 8192 }),
        ("start", Call::StartService { service, arguments }),
        ("start-bare", Call::StartService { service, arguments: Vec::new() }),
        ("display-name", Call::GetServiceDisplayName { manager, name: "web".to_owned(), size: 256 }),
        ("key-name", Call::GetServiceKeyName { manager, display_name: "The web".to_owned(), size: 300 }),
        ("config2", Call::QueryServiceConfig2 { service, level: Config2Level::FAILURE_ACTIONS, size: 8192 }),
        ("status-ex", Call::QueryServiceStatusEx { service, level: 0, size: 36 }),
        ("config-ex", Call::QueryServiceConfigEx { service, level: Config2Level::TRIGGER_INFO }),
        ("notify-results", Call::GetNotifyResults { notify }),
        ("notify-close", Call::CloseNotifyHandle { notify }),
    ])
}

fn config_calls() -> BTreeMap<&'static str, Call> {
    let (manager, service) = (Handle::from_number(1), Handle::from_number(2));
    let create = CreateService {
        manager,
        name: "web".to_owned(),
        display_name: some("The web"),
        access: ServiceAccess::ALL_ACCESS,
        service_type: 0x10,
        start_type: 2,
        error_control: 1,
        image_path: "/usr/bin/web --port 80".to_owned(),
        load_order_group: some("net"),
        tag: Some(0),
        dependencies: Some(multi::encode(["db", "+net"])),
        account: some("ann"),
        password: Some(Password::new("pw")),
    };
    let bare = CreateService {
        manager,
        name: "a".to_owned(),
        display_name: None,
        access: ServiceAccess::QUERY_CONFIG,
        service_type: 0x20,
        start_type: 3,
        error_control: 0,
        image_path: "x".to_owned(),
        load_order_group: None,
        tag: None,
        dependencies: None,
        account: None,
        password: None,
    };
    let nothing = ChangeServiceConfig {
        service,
        service_type: NO_CHANGE,
        start_type: NO_CHANGE,
        error_control: NO_CHANGE,
        image_path: None,
        load_order_group: None,
        tag: None,
        dependencies: None,
        account: None,
        password: None,
        display_name: None,
    };
    let change = ChangeServiceConfig {
        start_type: 4,
        image_path: some("/bin/x"),
        load_order_group: some(""),
        tag: Some(7),
        dependencies: Some(multi::encode::<&str>([])),
        account: some("LocalSystem"),
        password: Some(Password::new("")),
        display_name: some("X Y"),
        ..nothing.clone()
    };
    BTreeMap::from([
        ("create-wow64", Call::CreateServiceWow64(Box::new(create.clone()))),
        ("create", Call::CreateService(Box::new(create))),
        ("create-bare", Call::CreateService(Box::new(bare))),
        ("change", Call::ChangeServiceConfig(Box::new(change))),
        ("change-nothing", Call::ChangeServiceConfig(Box::new(nothing))),
    ])
}

fn config2_calls() -> BTreeMap<&'static str, Call> {
    let action = |kind, delay| FailureAction { kind, delay: Duration::from_millis(delay) };
    let failure = FailureActionsInfo {
        reset_period: 3600,
        reboot_message: some("down"),
        command: some("/bin/mail"),
        actions: Some(vec![action(ActionType::RESTART, 5000), action(ActionType::RUN_COMMAND, 0)]),
    };
    let command =
        FailureActionsInfo { reset_period: 0, reboot_message: None, command: some(""), actions: None };
    let privileges = multi::encode(["SeBackupPrivilege"]);
    [
        ("description", ConfigInfo::Description(Some(some("Sells things")))),
        ("description-null", ConfigInfo::Description(Some(None))),
        ("failure-actions", ConfigInfo::FailureActions(Some(failure))),
        ("failure-command", ConfigInfo::FailureActions(Some(command))),
        ("delayed", ConfigInfo::DelayedAutoStart(Some(true))),
        ("failure-flag", ConfigInfo::FailureActionsFlag(Some(false))),
        ("sid", ConfigInfo::Sid(Some(SidType::RESTRICTED))),
        ("privileges", ConfigInfo::RequiredPrivileges(Some(Some(privileges)))),
        ("preshutdown", ConfigInfo::Preshutdown(Some(120_000))),
        ("triggers", ConfigInfo::Triggers(Some(triggers()))),
        ("triggers-none", ConfigInfo::Triggers(Some(Vec::new()))),
        ("preferred-node", ConfigInfo::PreferredNode(Some(PreferredNodeInfo { node: 2, delete: false }))),
        ("preferred-node-none", ConfigInfo::PreferredNode(Some(PreferredNodeInfo { node: 0, delete: true }))),
    ]
    .into_iter()
    .map(|(name, info)| (name, Call::ChangeServiceConfig2 { service: Handle::from_number(2), info }))
    .collect()
}

fn triggers() -> Vec<Trigger> {
    let binary = |data: &[u8]| TriggerData { kind: TriggerDataType::BINARY, data: data.to_vec() };
    vec![
        Trigger {
            kind: TriggerType::CUSTOM,
            action: TriggerAction::SERVICE_START,
            subtype: Guid(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10),
            data: vec![TriggerData::strings(&["web"]), binary(&[1, 2, 3, 4, 5])],
        },
        Trigger {
            kind: TriggerType::DOMAIN_JOIN,
            action: TriggerAction::SERVICE_STOP,
            subtype: Guid(1),
            data: Vec::new(),
        },
    ]
}

#[test]
fn calls_are_written_as_impacket_writes_them() {
    let (vectors, calls) = (vectors(), calls());
    assert!(vectors.keys().eq(calls.keys()), "the script and this test have the same calls");
    for (name, call) in calls {
        assert_eq!(hex(&call.encode()), hex(&vectors[name]), "{name}");
        assert_eq!(Call::decode(call.opnum(), &vectors[name]), Ok(Some(call)), "{name}");
    }
}

#[test]
fn the_vectors_are_those_of_the_impacket_that_is_installed() {
    if let Some(written) = impacket(&["calls"], "") {
        assert_eq!(written, checked_in());
    }
}

pub(crate) fn status() -> ServiceStatus {
    ServiceStatus {
        service_type: ServiceType::WIN32_OWN_PROCESS,
        state: ServiceState::RUNNING,
        controls_accepted: ControlsAccepted::STOP | ControlsAccepted::PAUSE_CONTINUE,
        win32_exit_code: Win32Error::SUCCESS,
        service_exit_code: 4,
        checkpoint: 5,
        wait_hint: Duration::from_millis(6000),
        pid: 77,
        flags: 1,
    }
}

pub(crate) fn config() -> ServiceConfig {
    ServiceConfig {
        service_type: ServiceType::WIN32_OWN_PROCESS,
        start_type: StartType::AUTO_START,
        error_control: ErrorControl::NORMAL,
        image_path: ImagePath::new("/usr/bin/web --port 80").unwrap(),
        load_order_group: None,
        tag: 9,
        dependencies: vec![Dependency::new("db").unwrap(), Dependency::new("+net").unwrap()],
        account: Some("ann".to_owned()),
        display_name: DisplayName::new("The wéb").unwrap(),
    }
}

/// Answers of ours with what impacket has to find in them.
fn answers() -> Vec<(&'static str, Answer, &'static str)> {
    let handle = Handle::from_number(4711);
    let code = Win32Error::SUCCESS;
    let entry = |name, display_name| buffers::Entry { name, display_name, status: status() };
    let entries = [entry("web", "The wéb"), entry("db", "Data 𝄞"), entry("last", "Last")];
    let listed = buffers::enum_services_status_ex(&entries, 0, 160, Text::Wide);
    let list = Answer::EnumServicesStatusEx {
        buffer: listed.buffer,
        needed: listed.needed,
        returned: listed.returned,
        resume: Some(listed.resume),
        code: listed.code,
    };
    vec![
        ("open-manager", Answer::OpenScManager { manager: handle, code }, "4711 0"),
        (
            "open-service",
            Answer::OpenService { service: Handle::NULL, code: Win32Error::SERVICE_DOES_NOT_EXIST },
            "0 1060",
        ),
        ("status", Answer::QueryServiceStatus { status: status(), code }, "16 4 3 0 4 5 6000 0"),
        ("lock", Answer::LockServiceDatabase { lock: handle, code }, "4711 0"),
        ("unlock", Answer::UnlockServiceDatabase { lock: Handle::NULL, code }, "0 0"),
        ("boot", Answer::NotifyBootConfigStatus { code: Win32Error::BOOT_ALREADY_ACCEPTED }, "1076"),
        ("lock-status", buffers::query_service_lock_status(&locked(), 4096, Text::Wide), "1 'Änne' 90 34 0"),
        ("lock-status", buffers::query_service_lock_status(&locked(), 33, Text::Wide), "0 - 0 34 122"),
        ("security", security(48), "D:(A;;1;S-1-5-18) 48 0"),
        ("security", security(8), "0000000000000000 48 122"),
        (
            "config",
            buffers::query_service_config(&config(), 8192, Text::Wide),
            "16 2 1 9 '/usr/bin/web --port 80' '' 'db/+net/' 'ann' 'The wéb' 154 0",
        ),
        ("config", buffers::query_service_config(&config(), 100, Text::Wide), "0 0 0 0 - - - - - 154 122"),
        (
            "list-ex",
            list,
            "web|The wéb|[16, 4, 3, 0, 4, 5, 6000, 77, 1] db|Data 𝄞|[16, 4, 3, 0, 4, 5, 6000, 77, 1] 64 2 234",
        ),
        (
            "display-name",
            Answer::GetServiceDisplayName { name: "The web".to_owned(), size: 7, code },
            "'The web' 7 0",
        ),
        (
            "config-ex",
            Answer::QueryServiceConfigEx { info: ConfigInfo::Triggers(Some(triggers())), code },
            "8 20 1 0102030405060708090a0b0c0d0e0f10 2:7700650062000000 1:0102030405 \
             3 2 00000000000000000000000000000001 0",
        ),
    ]
}

pub(crate) fn locked() -> LockStatus {
    LockStatus { locked: true, owner: "Änne".to_owned(), held_for: Duration::from_secs(90) }
}

fn security(size: u32) -> Answer {
    let descriptor = "D:(A;;CC;;;SY)".parse().unwrap();
    let filled = buffers::query_service_object_security(&descriptor, size);
    Answer::QueryServiceObjectSecurity { buffer: filled.buffer, needed: filled.needed, code: filled.code }
}

#[test]
fn impacket_reads_our_answers() {
    let answers = answers();
    let lines: String =
        answers.iter().map(|(name, answer, _)| format!("{name} {}\n", hex(&answer.encode()))).collect();
    let Some(read) = impacket(&["answers"], &lines) else { return };
    let expected: String = answers.iter().map(|(name, _, read)| format!("{name} {read}\n")).collect();
    assert_eq!(read, expected);
}

/// impacket's own client against the server machine, over a socket.
#[cfg(unix)]
#[test]
fn impacket_drives_our_server() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let scm = std::thread::spawn(move || crate::scm::serve(listener.accept().unwrap().0));
    let Some(said) = impacket(&["drive", path.to_str().unwrap()], "") else {
        // Nobody came: let the thread end.
        drop(std::os::unix::net::UnixStream::connect(&path).unwrap());
        scm.join().unwrap();
        return;
    };
    assert_eq!(scm.join().unwrap(), ["one", "zwei"]);
    let expected = "\
manager 1
listed 'web' 'The wéb' 16 4 3 0 4 5 6000
listed 'db' 'The wéb' 16 4 3 0 4 5 6000
missing SCMR SessionError: code: 0x424
service 2
status 16 4 3 0 4 5 6000
config 16 2 1 9 '/usr/bin/web --port 80' '' 'db/+net/' 'ann' 'The wéb'
start 0
stopped 16 3 3 0 4 5 6000
unknown nca_s_op_rng_error
closed 0
";
    assert_eq!(said, expected);
}
