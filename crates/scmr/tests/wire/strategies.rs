//! Arbitrary calls and answers.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use svckit_core::Win32Error;
use svckit_core::config::Config2Level;
use svckit_core::failure::{ActionType, FailureAction};
use svckit_core::kind::{LaunchProtection, SidType};
use svckit_core::reason::StopReason;
use svckit_core::status::{NotifyMask, ServiceStatus};
use svckit_core::trigger::{Guid, Trigger, TriggerData};
use svckit_scmr::ops::{
    Answer, Call, ChangeServiceConfig, ConfigInfo, ConfigRecord, ControlParams, CreateService,
    FailureActionsInfo, Handle, LockRecord, NotifyParams, Password, PreferredNodeInfo, multi,
};

pub(crate) fn text() -> BoxedStrategy<String> {
    prop_oneof![4 => "[a-zA-Z0-9 ._/+é]{0,12}", 1 => "\\PC{0,40}", 1 => any::<String>()].boxed()
}

pub(crate) fn handle() -> BoxedStrategy<Handle> {
    prop_oneof![any::<[u8; 20]>().prop_map(Handle), any::<u64>().prop_map(Handle::from_number)].boxed()
}

fn bytes(limit: usize) -> BoxedStrategy<Vec<u8>> {
    vec(any::<u8>(), 0..limit).boxed()
}

pub(crate) fn status_process() -> BoxedStrategy<ServiceStatus> {
    (any::<[u32; 6]>(), any::<u32>(), any::<[u32; 2]>())
        .prop_map(|(numbers, hint, [pid, flags])| {
            let [kind, state, accepted, win32, specific, checkpoint] = numbers;
            ServiceStatus {
                service_type: kind.into(),
                state: state.into(),
                controls_accepted: accepted.into(),
                win32_exit_code: win32.into(),
                service_exit_code: specific,
                checkpoint,
                wait_hint: Duration::from_millis(hint.into()),
                pid,
                flags,
            }
        })
        .boxed()
}

fn status() -> BoxedStrategy<ServiceStatus> {
    status_process().prop_map(|status| ServiceStatus { pid: 0, flags: 0, ..status }).boxed()
}

pub(crate) fn actions() -> BoxedStrategy<Vec<FailureAction>> {
    let action = (any::<u32>(), any::<u32>()).prop_map(|(kind, delay)| FailureAction {
        kind: ActionType(kind),
        delay: Duration::from_millis(delay.into()),
    });
    vec(action, 0..5).boxed()
}

pub(crate) fn triggers() -> BoxedStrategy<Vec<Trigger>> {
    let item = (any::<u32>(), bytes(9)).prop_map(|(kind, data)| TriggerData { kind: kind.into(), data });
    let trigger =
        (any::<[u32; 2]>(), any::<u128>(), vec(item, 0..4)).prop_map(|([kind, action], subtype, data)| {
            Trigger { kind: kind.into(), action: action.into(), subtype: Guid(subtype), data }
        });
    vec(trigger, 0..4).boxed()
}

fn config_info() -> BoxedStrategy<ConfigInfo> {
    let failure = (any::<u32>(), of(text()), of(text()), of(actions())).prop_map(
        |(reset_period, reboot_message, command, actions)| FailureActionsInfo {
            reset_period,
            reboot_message,
            command,
            actions,
        },
    );
    prop_oneof![
        of(of(text())).prop_map(ConfigInfo::Description),
        of(failure).prop_map(ConfigInfo::FailureActions),
        of(any::<bool>()).prop_map(ConfigInfo::DelayedAutoStart),
        of(any::<bool>()).prop_map(ConfigInfo::FailureActionsFlag),
        of(any::<u32>()).prop_map(|kind| ConfigInfo::Sid(kind.map(SidType))),
        of(of(bytes(80))).prop_map(ConfigInfo::RequiredPrivileges),
        of(any::<u32>()).prop_map(ConfigInfo::Preshutdown),
        of(triggers()).prop_map(ConfigInfo::Triggers),
        of((any::<u16>(), any::<bool>()).prop_map(|(node, delete)| PreferredNodeInfo { node, delete }))
            .prop_map(ConfigInfo::PreferredNode),
        of(any::<u32>()).prop_map(|kind| ConfigInfo::LaunchProtected(kind.map(LaunchProtection))),
        prop_oneof![10_u32..12, 13_u32..].prop_map(|level| ConfigInfo::Other(Config2Level(level))),
    ]
    .boxed()
}

fn control_params() -> BoxedStrategy<ControlParams> {
    let reason = (any::<u32>(), of(text())).prop_map(|(code, comment)| StopReason { code, comment });
    prop_oneof![3 => of(reason).prop_map(ControlParams::Reason), 1 => (2_u32..).prop_map(ControlParams::Other)].boxed()
}

fn notify_params() -> BoxedStrategy<NotifyParams> {
    (1_u32..=2, any::<[u32; 3]>(), status_process(), of(text()))
        .prop_map(|(level, [mask, code, triggered], status, names)| NotifyParams {
            level,
            mask: mask.into(),
            status,
            notification_status: code.into(),
            triggered: if level == 2 { triggered.into() } else { NotifyMask::empty() },
            names: names.filter(|_| level == 2),
        })
        .boxed()
}

fn create() -> BoxedStrategy<CreateService> {
    let texts = (text(), of(text()), text(), of(text()), of(text()));
    (handle(), texts, any::<[u32; 4]>(), of(any::<u32>()), of(bytes(60)), of(bytes(60)))
        .prop_map(|(manager, texts, numbers, tag, dependencies, password)| {
            let (name, display_name, image_path, load_order_group, account) = texts;
            CreateService {
                manager,
                name,
                display_name,
                access: numbers[0].into(),
                service_type: numbers[1],
                start_type: numbers[2],
                error_control: numbers[3],
                image_path,
                load_order_group,
                tag,
                dependencies,
                account,
                password: password.map(Password::from),
            }
        })
        .boxed()
}

fn change() -> BoxedStrategy<ChangeServiceConfig> {
    (create(), of(text()))
        .prop_map(|(create, image_path)| ChangeServiceConfig {
            service: create.manager,
            service_type: create.service_type,
            start_type: create.start_type,
            error_control: create.error_control,
            image_path,
            load_order_group: create.load_order_group,
            tag: create.tag,
            dependencies: create.dependencies,
            account: create.account,
            password: create.password,
            display_name: create.display_name,
        })
        .boxed()
}

pub(crate) fn call() -> BoxedStrategy<Call> {
    prop_oneof![5 => wide_call(), 3 => ansi_call()].boxed()
}

fn wide_call() -> BoxedStrategy<Call> {
    prop_oneof![simple_call(), named_call(), query_call()].boxed()
}

/// The calls that have a twin with bytes in place of wide characters. Lists and passwords are such as text can be made of.
fn ansi_call() -> BoxedStrategy<Call> {
    let lists = prop_oneof![Just(Vec::new()), vec("[+]?[a-zé]{1,5}", 0..4)];
    let twins = wide_call().prop_filter("no twin", |call| call.opnum().ansi().is_some());
    (twins, of(lists), of(text()))
        .prop_map(|(mut call, list, password)| {
            let list = list.map(multi::encode);
            let password = password.filter(|text| !text.contains('\0')).map(|text| Password::new(&text));
            match &mut call {
                Call::CreateService(create) | Call::CreateServiceWow64(create) => {
                    (create.dependencies, create.password) = (list, password);
                }
                Call::ChangeServiceConfig(change) => {
                    (change.dependencies, change.password) = (list, password);
                }
                _ => {}
            }
            Call::Ansi(Box::new(call))
        })
        .boxed()
}

fn simple_call() -> BoxedStrategy<Call> {
    prop_oneof![
        handle().prop_map(|handle| Call::CloseServiceHandle { handle }),
        (handle(), any::<u32>())
            .prop_map(|(service, control)| Call::ControlService { service, control: control.into() }),
        handle().prop_map(|service| Call::DeleteService { service }),
        handle().prop_map(|manager| Call::LockServiceDatabase { manager }),
        handle().prop_map(|lock| Call::UnlockServiceDatabase { lock }),
        (handle(), 0_u32..=4096).prop_map(|(manager, size)| Call::QueryServiceLockStatus { manager, size }),
        (of(text()), any::<u32>())
            .prop_map(|(machine, acceptable)| Call::NotifyBootConfigStatus { machine, acceptable }),
        handle().prop_map(|service| Call::QueryServiceStatus { service }),
        (handle(), status()).prop_map(|(service, status)| Call::SetServiceStatus { service, status }),
        handle().prop_map(|notify| Call::GetNotifyResults { notify }),
        handle().prop_map(|notify| Call::CloseNotifyHandle { notify }),
        (handle(), notify_params())
            .prop_map(|(service, params)| Call::NotifyServiceStatusChange { service, params }),
        (handle(), config_info()).prop_map(|(service, info)| Call::ChangeServiceConfig2 { service, info }),
        (handle(), any::<u32>(), control_params()).prop_map(|(service, control, params)| {
            Call::ControlServiceEx { service, control: control.into(), params }
        }),
        (handle(), prop_oneof![Just(8), any::<u32>()])
            .prop_map(|(service, level)| Call::QueryServiceConfigEx { service, level: Config2Level(level) }),
    ]
    .boxed()
}

fn named_call() -> BoxedStrategy<Call> {
    prop_oneof![
        create().prop_map(|create| Call::CreateService(Box::new(create))),
        create().prop_map(|create| Call::CreateServiceWow64(Box::new(create))),
        (create(), any::<u16>()).prop_map(|(create, kind)| Call::CreateWowService(Box::new(create), kind)),
        (of(text()), any::<u32>())
            .prop_map(|(database, access)| Call::OpenScManager2 { database, access: access.into() }),
        change().prop_map(|change| Call::ChangeServiceConfig(Box::new(change))),
        (of(text()), of(text()), any::<u32>()).prop_map(|(machine, database, access)| Call::OpenScManager {
            machine,
            database,
            access: access.into()
        }),
        (handle(), text(), any::<u32>()).prop_map(|(manager, name, access)| Call::OpenService {
            manager,
            name,
            access: access.into()
        }),
        (handle(), vec(text(), 0..6))
            .prop_map(|(service, arguments)| Call::StartService { service, arguments }),
        (handle(), text(), 0_u32..4097).prop_map(|(manager, name, size)| Call::GetServiceDisplayName {
            manager,
            name,
            size
        }),
        (handle(), text(), 0_u32..4097).prop_map(|(manager, display_name, size)| Call::GetServiceKeyName {
            manager,
            display_name,
            size
        }),
    ]
    .boxed()
}

fn query_call() -> BoxedStrategy<Call> {
    let small = 0_u32..=8192;
    let large = 0_u32..=262_144;
    prop_oneof![
        (handle(), any::<u32>(), large.clone()).prop_map(|(service, states, size)| {
            Call::EnumDependentServices { service, states: states.into(), size }
        }),
        (handle(), any::<[u32; 2]>(), large.clone(), of(any::<u32>())).prop_map(
            |(manager, [types, states], size, resume)| Call::EnumServicesStatus {
                manager,
                types: types.into(),
                states: states.into(),
                size,
                resume
            }
        ),
        (handle(), any::<u32>(), large.clone()).prop_map(|(object, parts, size)| {
            Call::QueryServiceObjectSecurity { object, parts: parts.into(), size }
        }),
        (handle(), any::<u32>(), bytes(300)).prop_map(|(object, parts, descriptor)| {
            Call::SetServiceObjectSecurity { object, parts: parts.into(), descriptor }
        }),
        (handle(), small.clone()).prop_map(|(service, size)| Call::QueryServiceConfig { service, size }),
        (handle(), any::<u32>(), small.clone()).prop_map(|(service, level, size)| {
            Call::QueryServiceConfig2 { service, level: Config2Level(level), size }
        }),
        (handle(), any::<u32>(), small).prop_map(|(service, level, size)| Call::QueryServiceStatusEx {
            service,
            level,
            size
        }),
        (handle(), any::<[u32; 2]>(), large.clone(), of(any::<u32>()), of(text())).prop_map(
            |(manager, [types, states], size, resume, group)| Call::EnumServiceGroup {
                manager,
                types: types.into(),
                states: states.into(),
                size,
                resume,
                group
            }
        ),
        (handle(), any::<[u32; 3]>(), large, of(any::<u32>()), of(text())).prop_map(
            |(manager, [level, types, states], size, resume, group)| Call::EnumServicesStatusEx {
                manager,
                level,
                types: types.into(),
                states: states.into(),
                size,
                resume,
                group
            }
        ),
    ]
    .boxed()
}

fn code() -> BoxedStrategy<Win32Error> {
    prop_oneof![Just(Win32Error::SUCCESS), any::<u32>().prop_map(Win32Error)].boxed()
}

pub(crate) fn answer() -> BoxedStrategy<Answer> {
    prop_oneof![5 => wide_answer(), 3 => ansi_answer()].boxed()
}

fn wide_answer() -> BoxedStrategy<Answer> {
    prop_oneof![simple_answer(), buffer_answer()].boxed()
}

fn ansi_answer() -> BoxedStrategy<Answer> {
    let twins = wide_answer().prop_filter("no twin", |answer| answer.opnum().ansi().is_some());
    twins
        .prop_map(|mut answer| {
            if let Answer::GetServiceDisplayName { name, size, .. }
            | Answer::GetServiceKeyName { name, size, .. } = &mut answer
            {
                *size = (*size).max(name.len() as u32);
            }
            Answer::Ansi(Box::new(answer))
        })
        .boxed()
}

fn simple_answer() -> BoxedStrategy<Answer> {
    prop_oneof![
        (handle(), code()).prop_map(|(handle, code)| Answer::CloseServiceHandle { handle, code }),
        (status(), code()).prop_map(|(status, code)| Answer::ControlService { status, code }),
        code().prop_map(|code| Answer::DeleteService { code }),
        (handle(), code()).prop_map(|(lock, code)| Answer::LockServiceDatabase { lock, code }),
        (handle(), code()).prop_map(|(lock, code)| Answer::UnlockServiceDatabase { lock, code }),
        code().prop_map(|code| Answer::NotifyBootConfigStatus { code }),
        (any::<[u32; 3]>(), of(text()), code()).prop_map(|([locked, duration, needed], owner, code)| {
            Answer::QueryServiceLockStatus { status: LockRecord { locked, owner, duration }, needed, code }
        }),
        code().prop_map(|code| Answer::SetServiceObjectSecurity { code }),
        (status(), code()).prop_map(|(status, code)| Answer::QueryServiceStatus { status, code }),
        (of(any::<u32>()), code()).prop_map(|(tag, code)| Answer::ChangeServiceConfig { tag, code }),
        (of(any::<u32>()), handle(), code()).prop_map(|(tag, service, code)| Answer::CreateService {
            tag,
            service,
            code
        }),
        (handle(), code()).prop_map(|(manager, code)| Answer::OpenScManager { manager, code }),
        (handle(), code()).prop_map(|(manager, code)| Answer::OpenScManager2 { manager, code }),
        code().prop_map(|code| Answer::SetServiceStatus { code }),
        (of(any::<u32>()), handle(), code(), any::<bool>()).prop_map(|(tag, service, code, wow)| match wow {
            true => Answer::CreateServiceWow64 { tag, service, code },
            false => Answer::CreateWowService { tag, service, code },
        }),
        (handle(), code()).prop_map(|(service, code)| Answer::OpenService { service, code }),
        code().prop_map(|code| Answer::StartService { code }),
        (text(), any::<u16>(), code()).prop_map(|(name, size, code)| name_answer(name, size, code)),
        code().prop_map(|code| Answer::ChangeServiceConfig2 { code }),
        (0_u32..3, of(status_process()), code()).prop_map(|(level, status, code)| {
            Answer::ControlServiceEx { level, status: status.filter(|_| level == 1), code }
        }),
        (config_info(), code()).prop_map(|(info, code)| Answer::QueryServiceConfigEx { info, code }),
        (handle(), code()).prop_map(|(notify, code)| Answer::NotifyServiceStatusChange { notify, code }),
        (of(vec(notify_params(), 0..4)), code())
            .prop_map(|(results, code)| Answer::GetNotifyResults { results, code }),
        (handle(), any::<bool>(), code()).prop_map(|(notify, fired, code)| Answer::CloseNotifyHandle {
            notify,
            fired,
            code
        }),
    ]
    .boxed()
}

/// The name has room in the buffer, as on every real wire.
fn name_answer(name: String, size: u16, code: Win32Error) -> Answer {
    let size = u32::from(size).max(name.encode_utf16().count() as u32);
    if size % 2 == 0 {
        Answer::GetServiceDisplayName { name, size, code }
    } else {
        Answer::GetServiceKeyName { name, size, code }
    }
}

fn buffer_answer() -> BoxedStrategy<Answer> {
    let texts = (of(text()), of(text()), of(text()), of(text()), of(text()));
    let record = (any::<[u32; 4]>(), texts).prop_map(|(numbers, texts)| ConfigRecord {
        service_type: numbers[0],
        start_type: numbers[1],
        error_control: numbers[2],
        tag: numbers[3],
        image_path: texts.0,
        load_order_group: texts.1,
        dependencies: texts.2,
        account: texts.3,
        display_name: texts.4,
    });
    let numbers = any::<[u32; 2]>();
    prop_oneof![
        (record, any::<u32>(), code()).prop_map(|(config, needed, code)| Answer::QueryServiceConfig {
            config: Box::new(config),
            needed,
            code
        }),
        (bytes(300), numbers, code()).prop_map(|(buffer, [needed, returned], code)| {
            Answer::EnumDependentServices { buffer, needed, returned, code }
        }),
        (bytes(300), numbers, of(any::<u32>()), code(), 0..3).prop_map(
            |(buffer, [needed, returned], resume, code, which)| match which {
                0 => Answer::EnumServicesStatusEx { buffer, needed, returned, resume, code },
                1 => Answer::EnumServiceGroup { buffer, needed, returned, resume, code },
                _ => Answer::EnumServicesStatus { buffer, needed, returned, resume, code },
            }
        ),
        (bytes(300), any::<u32>(), code()).prop_map(|(buffer, needed, code)| {
            Answer::QueryServiceObjectSecurity { buffer, needed, code }
        }),
        (bytes(300), any::<u32>(), code()).prop_map(|(buffer, needed, code)| Answer::QueryServiceConfig2 {
            buffer,
            needed,
            code
        }),
        (bytes(300), any::<u32>(), code()).prop_map(|(buffer, needed, code)| Answer::QueryServiceStatusEx {
            buffer,
            needed,
            code
        }),
    ]
    .boxed()
}
