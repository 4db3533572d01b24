use svckit_core::Win32Error;
use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::config::Config2Level;
use svckit_core::control::Control;
use svckit_core::kind::ServiceType;
use svckit_core::security::SecurityInformation;
use svckit_core::status::{ServiceStatus, StateFilter};

use super::status::{read_status, write_status};
use super::{
    Answer, ChangeServiceConfig, ConfigInfo, ControlParams, CreateService, Handle, MAX_4K, MAX_8K, MAX_256K,
    MAX_ARGUMENTS, MAX_TEXT, NotifyParams, Opnum, read_number, read_text, write_number, write_text,
};
use crate::ndr::{DecodeError, Reader, Result, Text, Writer};

/// The largest `lpcchBuffer` ([MS-SCMR] 3.1.4.20: 4 K characters).
pub(crate) const MAX_NAME_BUFFER: u32 = 4 * 1024;

/// A call with its arguments ([MS-SCMR] 3.1.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// `RCloseServiceHandle` (3.1.4.1).
    CloseServiceHandle {
        /// `hSCObject`.
        handle: Handle,
    },
    /// `RControlService` (3.1.4.2).
    ControlService {
        /// `hService`.
        service: Handle,
        /// `dwControl`.
        control: Control,
    },
    /// `RDeleteService` (3.1.4.3).
    DeleteService {
        /// `hService`.
        service: Handle,
    },
    /// `RLockServiceDatabase` (3.1.4.4).
    LockServiceDatabase {
        /// `hSCManager`.
        manager: Handle,
    },
    /// `RQueryServiceObjectSecurity` (3.1.4.5).
    QueryServiceObjectSecurity {
        /// `hService`: of a service or of the service control manager.
        object: Handle,
        /// `dwSecurityInformation`.
        parts: SecurityInformation,
        /// `cbBufSize`.
        size: u32,
    },
    /// `RSetServiceObjectSecurity` (3.1.4.6).
    SetServiceObjectSecurity {
        /// `hService`: of a service or of the service control manager.
        object: Handle,
        /// `dwSecurityInformation`.
        parts: SecurityInformation,
        /// `lpSecurityDescriptor`, in the self-relative form.
        descriptor: Vec<u8>,
    },
    /// `RQueryServiceStatus` (3.1.4.7).
    QueryServiceStatus {
        /// `hService`.
        service: Handle,
    },
    /// `RSetServiceStatus` (3.1.4.8), for a service itself; the process isn't sent.
    SetServiceStatus {
        /// `hServiceStatus`.
        service: Handle,
        /// `lpServiceStatus`.
        status: ServiceStatus,
    },
    /// `RUnlockServiceDatabase` (3.1.4.9).
    UnlockServiceDatabase {
        /// `Lock`.
        lock: Handle,
    },
    /// `RNotifyBootConfigStatus` (3.1.4.10).
    NotifyBootConfigStatus {
        /// `lpMachineName`.
        machine: Option<String>,
        /// `BootAcceptable`: anything but zero is yes.
        acceptable: u32,
    },
    /// `RChangeServiceConfigW` (3.1.4.11).
    ChangeServiceConfig(Box<ChangeServiceConfig>),
    /// `RCreateServiceW` (3.1.4.12).
    CreateService(Box<CreateService>),
    /// `REnumDependentServicesW` (3.1.4.13).
    EnumDependentServices {
        /// `hService`.
        service: Handle,
        /// `dwServiceState`.
        states: StateFilter,
        /// `cbBufSize`.
        size: u32,
    },
    /// `REnumServicesStatusW` (3.1.4.14).
    EnumServicesStatus {
        /// `hSCManager`.
        manager: Handle,
        /// `dwServiceType`.
        types: ServiceType,
        /// `dwServiceState`.
        states: StateFilter,
        /// `cbBufSize`.
        size: u32,
        /// `lpResumeIndex`.
        resume: Option<u32>,
    },
    /// `ROpenSCManagerW` (3.1.4.15).
    OpenScManager {
        /// `lpMachineName`.
        machine: Option<String>,
        /// `lpDatabaseName`.
        database: Option<String>,
        /// `dwDesiredAccess`.
        access: ManagerAccess,
    },
    /// `ROpenServiceW` (3.1.4.16).
    OpenService {
        /// `hSCManager`.
        manager: Handle,
        /// `lpServiceName`.
        name: String,
        /// `dwDesiredAccess`.
        access: ServiceAccess,
    },
    /// `RQueryServiceConfigW` (3.1.4.17).
    QueryServiceConfig {
        /// `hService`.
        service: Handle,
        /// `cbBufSize`.
        size: u32,
    },
    /// `RQueryServiceLockStatusW` (3.1.4.18).
    QueryServiceLockStatus {
        /// `hSCManager`.
        manager: Handle,
        /// `cbBufSize`.
        size: u32,
    },
    /// `RStartServiceW` (3.1.4.19).
    StartService {
        /// `hService`.
        service: Handle,
        /// `argv`; a null pointer in it is an empty string.
        arguments: Vec<String>,
    },
    /// `RGetServiceDisplayNameW` (3.1.4.20).
    GetServiceDisplayName {
        /// `hSCManager`.
        manager: Handle,
        /// `lpServiceName`.
        name: String,
        /// `lpcchBuffer`: characters without the terminator.
        size: u32,
    },
    /// `RGetServiceKeyNameW` (3.1.4.21).
    GetServiceKeyName {
        /// `hSCManager`.
        manager: Handle,
        /// `lpDisplayName`.
        display_name: String,
        /// `lpcchBuffer`: characters without the terminator.
        size: u32,
    },
    /// `REnumServiceGroupW` (3.1.4.33).
    EnumServiceGroup {
        /// `hSCManager`.
        manager: Handle,
        /// `dwServiceType`.
        types: ServiceType,
        /// `dwServiceState`.
        states: StateFilter,
        /// `cbBufSize`.
        size: u32,
        /// `lpResumeIndex`.
        resume: Option<u32>,
        /// `pszGroupName`: absent for all services, empty for those in no group.
        group: Option<String>,
    },
    /// `RChangeServiceConfig2W` (3.1.4.35).
    ChangeServiceConfig2 {
        /// `hService`.
        service: Handle,
        /// `Info`.
        info: ConfigInfo,
    },
    /// `RQueryServiceConfig2W` (3.1.4.37).
    QueryServiceConfig2 {
        /// `hService`.
        service: Handle,
        /// `dwInfoLevel`.
        level: Config2Level,
        /// `cbBufSize`.
        size: u32,
    },
    /// `RQueryServiceStatusEx` (3.1.4.38).
    QueryServiceStatusEx {
        /// `hService`.
        service: Handle,
        /// `InfoLevel`; there is only `SC_STATUS_PROCESS_INFO`, zero.
        level: u32,
        /// `cbBufSize`.
        size: u32,
    },
    /// `REnumServicesStatusExW` (3.1.4.40).
    EnumServicesStatusEx {
        /// `hSCManager`.
        manager: Handle,
        /// `InfoLevel`; there is only `SC_ENUM_PROCESS_INFO`, zero.
        level: u32,
        /// `dwServiceType`.
        types: ServiceType,
        /// `dwServiceState`.
        states: StateFilter,
        /// `cbBufSize`.
        size: u32,
        /// `lpResumeIndex`.
        resume: Option<u32>,
        /// `pszGroupName`: absent for all services, empty for those in no group.
        group: Option<String>,
    },
    /// `RNotifyServiceStatusChange` (3.1.4.43). The GUID of the client's process is not used, and sent as zeros.
    NotifyServiceStatusChange {
        /// `hService`: a service's handle, or the manager's for creation and deletion.
        service: Handle,
        /// `NotifyParams`.
        params: NotifyParams,
    },
    /// `RGetNotifyResults` (3.1.4.44): answered when something happened.
    GetNotifyResults {
        /// `hNotify`.
        notify: Handle,
    },
    /// `RCloseNotifyHandle` (3.1.4.45).
    CloseNotifyHandle {
        /// `phNotify`.
        notify: Handle,
    },
    /// `RControlServiceExW` (3.1.4.47).
    ControlServiceEx {
        /// `hService`.
        service: Handle,
        /// `dwControl`.
        control: Control,
        /// `dwInfoLevel` and `pControlInParams`.
        params: ControlParams,
    },
    /// `RQueryServiceConfigEx` (3.1.4.48).
    QueryServiceConfigEx {
        /// `hService`.
        service: Handle,
        /// `dwInfoLevel`; there is only `SERVICE_CONFIG_TRIGGER_INFO`.
        level: Config2Level,
    },
    /// `RCreateServiceWOW64W` (3.1.4.42): for a program of 32 bits.
    CreateServiceWow64(Box<CreateService>),
    /// `RCreateWowService` (3.1.4.49), with `dwServiceWowType`: for a program of this architecture.
    CreateWowService(Box<CreateService>, u16),
    /// `ROpenSCManager2` (3.1.4.50).
    OpenScManager2 {
        /// `lpDatabaseName`.
        database: Option<String>,
        /// `dwDesiredAccess`.
        access: ManagerAccess,
    },
    /// One of those that have a twin with bytes in place of wide characters, as that twin.
    Ansi(Box<Call>),
}

impl Call {
    /// The operation.
    pub fn opnum(&self) -> Opnum {
        match self {
            Self::CloseServiceHandle { .. } => Opnum::CLOSE_SERVICE_HANDLE,
            Self::ControlService { .. } => Opnum::CONTROL_SERVICE,
            Self::DeleteService { .. } => Opnum::DELETE_SERVICE,
            Self::LockServiceDatabase { .. } => Opnum::LOCK_SERVICE_DATABASE,
            Self::QueryServiceObjectSecurity { .. } => Opnum::QUERY_SERVICE_OBJECT_SECURITY,
            Self::SetServiceObjectSecurity { .. } => Opnum::SET_SERVICE_OBJECT_SECURITY,
            Self::QueryServiceStatus { .. } => Opnum::QUERY_SERVICE_STATUS,
            Self::UnlockServiceDatabase { .. } => Opnum::UNLOCK_SERVICE_DATABASE,
            Self::NotifyBootConfigStatus { .. } => Opnum::NOTIFY_BOOT_CONFIG_STATUS,
            Self::ChangeServiceConfig(_) => Opnum::CHANGE_SERVICE_CONFIG,
            Self::CreateService(_) => Opnum::CREATE_SERVICE,
            Self::EnumDependentServices { .. } => Opnum::ENUM_DEPENDENT_SERVICES,
            Self::EnumServicesStatus { .. } => Opnum::ENUM_SERVICES_STATUS,
            Self::OpenScManager { .. } => Opnum::OPEN_SC_MANAGER,
            Self::OpenService { .. } => Opnum::OPEN_SERVICE,
            Self::QueryServiceConfig { .. } => Opnum::QUERY_SERVICE_CONFIG,
            Self::QueryServiceLockStatus { .. } => Opnum::QUERY_SERVICE_LOCK_STATUS,
            Self::StartService { .. } => Opnum::START_SERVICE,
            Self::GetServiceDisplayName { .. } => Opnum::GET_SERVICE_DISPLAY_NAME,
            Self::GetServiceKeyName { .. } => Opnum::GET_SERVICE_KEY_NAME,
            Self::ChangeServiceConfig2 { .. } => Opnum::CHANGE_SERVICE_CONFIG2,
            Self::QueryServiceConfig2 { .. } => Opnum::QUERY_SERVICE_CONFIG2,
            Self::QueryServiceStatusEx { .. } => Opnum::QUERY_SERVICE_STATUS_EX,
            Self::EnumServicesStatusEx { .. } => Opnum::ENUM_SERVICES_STATUS_EX,
            Self::NotifyServiceStatusChange { .. } => Opnum::NOTIFY_SERVICE_STATUS_CHANGE,
            Self::GetNotifyResults { .. } => Opnum::GET_NOTIFY_RESULTS,
            Self::CloseNotifyHandle { .. } => Opnum::CLOSE_NOTIFY_HANDLE,
            Self::ControlServiceEx { .. } => Opnum::CONTROL_SERVICE_EX,
            Self::QueryServiceConfigEx { .. } => Opnum::QUERY_SERVICE_CONFIG_EX,
            Self::SetServiceStatus { .. } => Opnum::SET_SERVICE_STATUS,
            Self::EnumServiceGroup { .. } => Opnum::ENUM_SERVICE_GROUP,
            Self::CreateServiceWow64(_) => Opnum::CREATE_SERVICE_WOW64,
            Self::CreateWowService(..) => Opnum::CREATE_WOW_SERVICE,
            Self::OpenScManager2 { .. } => Opnum::OPEN_SC_MANAGER2,
            Self::Ansi(call) => call.opnum().ansi().unwrap_or(call.opnum()),
        }
    }

    /// The answer that refuses this call with `code`: in the form that its operation wants, and empty.
    pub fn refuse(&self, code: Win32Error) -> Answer {
        Answer::refusal(self, code)
    }

    /// The stub ([MS-SCMR] 3.1.4, the `[in]` parameters in order).
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = match self {
            Self::Ansi(_) => Writer::new().with_text(Text::Ansi),
            _ => Writer::new(),
        };
        self.write(&mut writer);
        writer.into_bytes()
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Self::Ansi(call) => call.write(w),
            Self::SetServiceStatus { service, status } => {
                service.write(w);
                write_status(w, status);
            }
            Self::EnumServiceGroup { manager, types, states, size, resume, group } => {
                numbers(w, manager, &[types.0, states.0, *size]);
                write_number(w, *resume);
                write_text(w, group.as_deref());
            }
            Self::CreateServiceWow64(create) => create.write(w),
            Self::CreateWowService(create, architecture) => {
                create.write(w);
                w.u16(*architecture); // dwServiceWowType
            }
            Self::OpenScManager2 { database, access } => {
                write_text(w, database.as_deref());
                w.u32(access.0);
            }
            Self::CloseServiceHandle { handle }
            | Self::LockServiceDatabase { manager: handle }
            | Self::UnlockServiceDatabase { lock: handle } => handle.write(w),
            Self::NotifyBootConfigStatus { machine, acceptable } => {
                write_text(w, machine.as_deref());
                w.u32(*acceptable);
            }
            Self::DeleteService { service } | Self::QueryServiceStatus { service } => service.write(w),
            Self::GetNotifyResults { notify } | Self::CloseNotifyHandle { notify } => notify.write(w),
            Self::QueryServiceObjectSecurity { object, parts, size } => numbers(w, object, &[parts.0, *size]),
            Self::SetServiceObjectSecurity { object, parts, descriptor } => {
                numbers(w, object, &[parts.0]);
                w.conformant_bytes(descriptor);
                w.count(descriptor.len()); // cbBufSize
            }
            Self::ControlService { service, control } => numbers(w, service, &[control.0]),
            Self::ChangeServiceConfig(change) => change.write(w),
            Self::CreateService(create) => create.write(w),
            Self::EnumDependentServices { service, states, size } => numbers(w, service, &[states.0, *size]),
            Self::EnumServicesStatus { manager, types, states, size, resume } => {
                numbers(w, manager, &[types.0, states.0, *size]);
                write_number(w, *resume);
            }
            Self::OpenScManager { machine, database, access } => {
                write_text(w, machine.as_deref());
                write_text(w, database.as_deref());
                w.u32(access.0);
            }
            Self::OpenService { manager, name, access } => named(w, manager, name, access.0),
            Self::QueryServiceConfig { service: handle, size }
            | Self::QueryServiceLockStatus { manager: handle, size } => numbers(w, handle, &[*size]),
            Self::StartService { service, arguments } => write_start(w, service, arguments),
            Self::GetServiceDisplayName { manager, name, size } => named(w, manager, name, *size),
            Self::GetServiceKeyName { manager, display_name, size } => named(w, manager, display_name, *size),
            Self::ChangeServiceConfig2 { service, info } => {
                service.write(w);
                info.write(w);
            }
            Self::QueryServiceConfig2 { service, level, size } => numbers(w, service, &[level.0, *size]),
            Self::QueryServiceConfigEx { service, level } => numbers(w, service, &[level.0]),
            Self::ControlServiceEx { service, control, params } => {
                numbers(w, service, &[control.0]);
                params.write(w);
            }
            Self::QueryServiceStatusEx { service, level, size } => numbers(w, service, &[*level, *size]),
            Self::EnumServicesStatusEx { manager, level, types, states, size, resume, group } => {
                numbers(w, manager, &[*level, types.0, states.0, *size]);
                write_number(w, *resume);
                write_text(w, group.as_deref());
            }
            Self::NotifyServiceStatusChange { service, params } => {
                service.write(w);
                params.write_head(w);
                params.write_body(w);
                w.align(4);
                w.raw(&[0; 16]); // pClientProcessGuid
            }
        }
    }

    /// Reads a stub; `None` if the operation is not known here ([MS-SCMR] 3.1.4, the `[in]` parameters in order).
    pub fn decode(opnum: Opnum, stub: &[u8]) -> Result<Option<Self>> {
        let mut reader = Reader::new(stub);
        let wide = opnum.wide();
        if wide.is_some() {
            reader = reader.with_text(Text::Ansi);
        }
        let Some(call) = Self::read(wide.unwrap_or(opnum), &mut reader)? else { return Ok(None) };
        reader.finish()?;
        Ok(Some(if wide.is_some() { Self::Ansi(Box::new(call)) } else { call }))
    }

    fn read(opnum: Opnum, r: &mut Reader<'_>) -> Result<Option<Self>> {
        let handle = match opnum {
            Opnum::OPEN_SC_MANAGER => return read_open_manager(r).map(Some),
            Opnum::NOTIFY_BOOT_CONFIG_STATUS => {
                let machine = read_text(r, "lpMachineName")?;
                return Ok(Some(Self::NotifyBootConfigStatus { machine, acceptable: r.u32()? }));
            }
            Opnum::CREATE_SERVICE => {
                return Ok(Some(Self::CreateService(Box::new(CreateService::read(r)?))));
            }
            Opnum::CHANGE_SERVICE_CONFIG => {
                return Ok(Some(Self::ChangeServiceConfig(Box::new(ChangeServiceConfig::read(r)?))));
            }
            Opnum::CREATE_SERVICE_WOW64 => {
                return Ok(Some(Self::CreateServiceWow64(Box::new(CreateService::read(r)?))));
            }
            Opnum::CREATE_WOW_SERVICE => {
                return Ok(Some(Self::CreateWowService(Box::new(CreateService::read(r)?), r.u16()?)));
            }
            Opnum::OPEN_SC_MANAGER2 => {
                let database = read_text(r, "lpDatabaseName")?;
                return Ok(Some(Self::OpenScManager2 { database, access: r.u32()?.into() }));
            }
            opnum if opnum.name().is_none() => return Ok(None),
            _ => Handle::read(r)?,
        };
        Ok(Some(match opnum {
            Opnum::CLOSE_SERVICE_HANDLE => Self::CloseServiceHandle { handle },
            Opnum::CONTROL_SERVICE => Self::ControlService { service: handle, control: r.u32()?.into() },
            Opnum::DELETE_SERVICE => Self::DeleteService { service: handle },
            Opnum::LOCK_SERVICE_DATABASE => Self::LockServiceDatabase { manager: handle },
            Opnum::UNLOCK_SERVICE_DATABASE => Self::UnlockServiceDatabase { lock: handle },
            Opnum::QUERY_SERVICE_STATUS => Self::QueryServiceStatus { service: handle },
            Opnum::SET_SERVICE_STATUS => Self::SetServiceStatus { service: handle, status: read_status(r)? },
            Opnum::SET_SERVICE_OBJECT_SECURITY => read_security(r, handle)?,
            Opnum::START_SERVICE => Self::StartService { service: handle, arguments: read_arguments(r)? },
            Opnum::CHANGE_SERVICE_CONFIG2 => {
                Self::ChangeServiceConfig2 { service: handle, info: read_info(r)? }
            }
            Opnum::NOTIFY_SERVICE_STATUS_CHANGE => {
                Self::NotifyServiceStatusChange { service: handle, params: read_notify(r)? }
            }
            Opnum::GET_NOTIFY_RESULTS => Self::GetNotifyResults { notify: handle },
            Opnum::CLOSE_NOTIFY_HANDLE => Self::CloseNotifyHandle { notify: handle },
            Opnum::CONTROL_SERVICE_EX => Self::ControlServiceEx {
                service: handle,
                control: r.u32()?.into(),
                params: ControlParams::read(r)?,
            },
            Opnum::QUERY_SERVICE_CONFIG_EX => {
                Self::QueryServiceConfigEx { service: handle, level: Config2Level(r.u32()?) }
            }
            Opnum::OPEN_SERVICE => {
                let name = r.string("lpServiceName", MAX_TEXT)?;
                Self::OpenService { manager: handle, name, access: r.u32()?.into() }
            }
            Opnum::GET_SERVICE_DISPLAY_NAME => {
                let name = r.string("lpServiceName", MAX_TEXT)?;
                Self::GetServiceDisplayName { manager: handle, name, size: name_buffer(r)? }
            }
            Opnum::GET_SERVICE_KEY_NAME => {
                let display_name = r.string("lpDisplayName", MAX_TEXT)?;
                Self::GetServiceKeyName { manager: handle, display_name, size: name_buffer(r)? }
            }
            opnum => return Self::read_query(opnum, handle, r),
        }))
    }

    /// The calls with an output buffer.
    fn read_query(opnum: Opnum, handle: Handle, r: &mut Reader<'_>) -> Result<Option<Self>> {
        Ok(Some(match opnum {
            Opnum::ENUM_DEPENDENT_SERVICES => Self::EnumDependentServices {
                service: handle,
                states: r.u32()?.into(),
                size: size(r, MAX_256K)?,
            },
            Opnum::ENUM_SERVICES_STATUS => Self::EnumServicesStatus {
                manager: handle,
                types: r.u32()?.into(),
                states: r.u32()?.into(),
                size: size(r, MAX_256K)?,
                resume: read_number(r)?,
            },
            Opnum::ENUM_SERVICE_GROUP => Self::EnumServiceGroup {
                manager: handle,
                types: r.u32()?.into(),
                states: r.u32()?.into(),
                size: size(r, MAX_256K)?,
                resume: read_number(r)?,
                group: read_text(r, "pszGroupName")?,
            },
            Opnum::QUERY_SERVICE_OBJECT_SECURITY => Self::QueryServiceObjectSecurity {
                object: handle,
                parts: r.u32()?.into(),
                size: size(r, MAX_256K)?,
            },
            Opnum::QUERY_SERVICE_LOCK_STATUS => {
                Self::QueryServiceLockStatus { manager: handle, size: size(r, MAX_4K)? }
            }
            Opnum::QUERY_SERVICE_CONFIG => {
                Self::QueryServiceConfig { service: handle, size: size(r, MAX_8K)? }
            }
            Opnum::QUERY_SERVICE_CONFIG2 => Self::QueryServiceConfig2 {
                service: handle,
                level: Config2Level(r.u32()?),
                size: size(r, MAX_8K)?,
            },
            Opnum::QUERY_SERVICE_STATUS_EX => {
                Self::QueryServiceStatusEx { service: handle, level: r.u32()?, size: size(r, MAX_8K)? }
            }
            Opnum::ENUM_SERVICES_STATUS_EX => Self::EnumServicesStatusEx {
                manager: handle,
                level: r.u32()?,
                types: r.u32()?.into(),
                states: r.u32()?.into(),
                size: size(r, MAX_256K)?,
                resume: read_number(r)?,
                group: read_text(r, "pszGroupName")?,
            },
            _ => return Ok(None),
        }))
    }
}

/// A handle and numbers after it.
fn numbers(w: &mut Writer, handle: &Handle, numbers: &[u32]) {
    handle.write(w);
    for number in numbers {
        w.u32(*number);
    }
}

/// A handle, a name and a number.
fn named(w: &mut Writer, handle: &Handle, name: &str, number: u32) {
    handle.write(w);
    w.string(name);
    w.u32(number);
}

/// `cbBufSize`.
fn size(r: &mut Reader<'_>, limit: u32) -> Result<u32> {
    r.bounded("cbBufSize", limit)
}

/// `lpcchBuffer`; more than can be used is as good as the most that can.
fn name_buffer(r: &mut Reader<'_>) -> Result<u32> {
    Ok(r.u32()?.min(MAX_NAME_BUFFER))
}

/// `ROpenSCManagerW` ([MS-SCMR] 3.1.4.15).
fn read_open_manager(r: &mut Reader<'_>) -> Result<Call> {
    Ok(Call::OpenScManager {
        machine: read_text(r, "lpMachineName")?,
        database: read_text(r, "lpDatabaseName")?,
        access: r.u32()?.into(),
    })
}

/// `RSetServiceObjectSecurity` ([MS-SCMR] 3.1.4.6). A descriptor has no limit of its own there; here it is that of the answer to the query.
fn read_security(r: &mut Reader<'_>, object: Handle) -> Result<Call> {
    let parts = r.u32()?.into(); // dwSecurityInformation
    let descriptor = r.conformant_bytes("lpSecurityDescriptor", MAX_256K)?.to_vec();
    match r.u32()? as usize == descriptor.len() {
        true => Ok(Call::SetServiceObjectSecurity { object, parts, descriptor }),
        false => Err(DecodeError::Invalid { what: "cbBufSize" }),
    }
}

/// `RStartServiceW` ([MS-SCMR] 3.1.4.19), with `STRING_PTRSW` (2.2.51).
fn write_start(w: &mut Writer, service: &Handle, arguments: &[String]) {
    service.write(w); // hService
    w.count(arguments.len()); // argc
    if arguments.is_empty() {
        w.pointer(false); // argv
        return;
    }
    w.pointer(true); // argv
    w.count(arguments.len());
    for _ in arguments {
        w.pointer(true); // StringPtr
    }
    for argument in arguments {
        w.string(argument);
    }
}

/// `argc` and `argv` of `RStartServiceW` ([MS-SCMR] 3.1.4.19).
fn read_arguments(r: &mut Reader<'_>) -> Result<Vec<String>> {
    let count = r.bounded("argc", MAX_ARGUMENTS)?; // argc
    if !r.pointer()? {
        return if count == 0 { Ok(Vec::new()) } else { Err(DecodeError::Invalid { what: "argv" }) };
    }
    if r.u32()? != count {
        return Err(DecodeError::Invalid { what: "argc" });
    }
    let present = (0..count).map(|_| r.pointer()).collect::<Result<Vec<_>>>()?; // StringPtr
    present
        .into_iter()
        .map(|present| if present { r.string("StringPtr", MAX_TEXT) } else { Ok(String::new()) })
        .collect()
}

/// `Info` of `RChangeServiceConfig2W` ([MS-SCMR] 3.1.4.35), the last parameter: a level that isn't known is refused by its number, not as bad data.
fn read_info(r: &mut Reader<'_>) -> Result<ConfigInfo> {
    let info = ConfigInfo::read(r)?;
    if matches!(info, ConfigInfo::Other(_)) {
        r.take(r.remaining())?;
    }
    Ok(info)
}

/// `NotifyParams` and `pClientProcessGuid` of `RNotifyServiceStatusChange` ([MS-SCMR] 3.1.4.43).
fn read_notify(r: &mut Reader<'_>) -> Result<NotifyParams> {
    let head = NotifyParams::read_head(r)?;
    let params = NotifyParams::read_body(r, head)?;
    if params.is_known() {
        r.align(4);
        r.take(16)?; // pClientProcessGuid
    } else {
        r.take(r.remaining())?;
    }
    Ok(params)
}
