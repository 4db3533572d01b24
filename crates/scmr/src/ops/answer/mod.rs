use svckit_core::Win32Error;
use svckit_core::kind::ServiceType;
use svckit_core::status::ServiceStatus;

use super::call::MAX_NAME_BUFFER;
use super::reason::{read_out, write_out};
use super::status::{read_status, write_status};
use super::{
    Call, ConfigInfo, ConfigRecord, Handle, LockRecord, MAX_8K, MAX_256K, NotifyParams, Opnum, read_number,
    write_number,
};
use crate::ndr::{DecodeError, Reader, Result, Text, Writer};

/// The largest number of notifications in one answer ([MS-SCMR] 2.2.24 `cElements`).
const MAX_NOTIFICATIONS: u32 = 4 * 1024;

/// The answer to a call: its results and its code ([MS-SCMR] 3.1.4).
///
/// A buffer is always as large as the call wanted it (`size_is(cbBufSize)`), filled up with zeros; [`super::buffers`] makes such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To `RCloseServiceHandle` (3.1.4.1).
    CloseServiceHandle {
        /// `hSCObject`: null when it was closed.
        handle: Handle,
        /// The code.
        code: Win32Error,
    },
    /// To `RControlService` (3.1.4.2).
    ControlService {
        /// `lpServiceStatus`; process and flags are not sent.
        status: ServiceStatus,
        /// The code.
        code: Win32Error,
    },
    /// To `RDeleteService` (3.1.4.3).
    DeleteService {
        /// The code.
        code: Win32Error,
    },
    /// To `RLockServiceDatabase` (3.1.4.4).
    LockServiceDatabase {
        /// `lpLock`.
        lock: Handle,
        /// The code.
        code: Win32Error,
    },
    /// To `RQueryServiceObjectSecurity` (3.1.4.5).
    QueryServiceObjectSecurity {
        /// `lpSecurityDescriptor`, in the self-relative form.
        buffer: Vec<u8>,
        /// `pcbBytesNeeded`.
        needed: u32,
        /// The code.
        code: Win32Error,
    },
    /// To `RSetServiceObjectSecurity` (3.1.4.6).
    SetServiceObjectSecurity {
        /// The code.
        code: Win32Error,
    },
    /// To `RQueryServiceStatus` (3.1.4.7).
    QueryServiceStatus {
        /// `lpServiceStatus`; process and flags are not sent.
        status: ServiceStatus,
        /// The code.
        code: Win32Error,
    },
    /// To `RUnlockServiceDatabase` (3.1.4.9).
    UnlockServiceDatabase {
        /// `Lock`: null when it was released.
        lock: Handle,
        /// The code.
        code: Win32Error,
    },
    /// To `RNotifyBootConfigStatus` (3.1.4.10).
    NotifyBootConfigStatus {
        /// The code.
        code: Win32Error,
    },
    /// To `RChangeServiceConfigW` (3.1.4.11).
    ChangeServiceConfig {
        /// `lpdwTagId`: present if it was in the call.
        tag: Option<u32>,
        /// The code.
        code: Win32Error,
    },
    /// To `RCreateServiceW` (3.1.4.12).
    CreateService {
        /// `lpdwTagId`: present if it was in the call.
        tag: Option<u32>,
        /// `lpServiceHandle`.
        service: Handle,
        /// The code.
        code: Win32Error,
    },
    /// To `REnumDependentServicesW` (3.1.4.13).
    EnumDependentServices {
        /// `lpServices`.
        buffer: Vec<u8>,
        /// `pcbBytesNeeded`.
        needed: u32,
        /// `lpServicesReturned`.
        returned: u32,
        /// The code.
        code: Win32Error,
    },
    /// To `REnumServicesStatusW` (3.1.4.14).
    EnumServicesStatus {
        /// `lpBuffer`.
        buffer: Vec<u8>,
        /// `pcbBytesNeeded`.
        needed: u32,
        /// `lpServicesReturned`.
        returned: u32,
        /// `lpResumeIndex`: present if it was in the call.
        resume: Option<u32>,
        /// The code.
        code: Win32Error,
    },
    /// To `ROpenSCManagerW` (3.1.4.15).
    OpenScManager {
        /// `lpScHandle`.
        manager: Handle,
        /// The code.
        code: Win32Error,
    },
    /// To `ROpenServiceW` (3.1.4.16).
    OpenService {
        /// `lpServiceHandle`.
        service: Handle,
        /// The code.
        code: Win32Error,
    },
    /// To `RQueryServiceConfigW` (3.1.4.17).
    QueryServiceConfig {
        /// `lpServiceConfig`.
        config: Box<ConfigRecord>,
        /// `pcbBytesNeeded`.
        needed: u32,
        /// The code.
        code: Win32Error,
    },
    /// To `RQueryServiceLockStatusW` (3.1.4.18).
    QueryServiceLockStatus {
        /// `lpLockStatus`.
        status: LockRecord,
        /// `pcbBytesNeeded`.
        needed: u32,
        /// The code.
        code: Win32Error,
    },
    /// To `RStartServiceW` (3.1.4.19).
    StartService {
        /// The code.
        code: Win32Error,
    },
    /// To `RGetServiceDisplayNameW` (3.1.4.20).
    GetServiceDisplayName {
        /// `lpDisplayName`.
        name: String,
        /// `lpcchBuffer`: the length of the name in characters, without the terminator.
        size: u32,
        /// The code.
        code: Win32Error,
    },
    /// To `RGetServiceKeyNameW` (3.1.4.21).
    GetServiceKeyName {
        /// `lpServiceName`.
        name: String,
        /// `lpcchBuffer`: the length of the name in characters, without the terminator.
        size: u32,
        /// The code.
        code: Win32Error,
    },
    /// To `RChangeServiceConfig2W` (3.1.4.35).
    ChangeServiceConfig2 {
        /// The code.
        code: Win32Error,
    },
    /// To `RQueryServiceConfig2W` (3.1.4.37).
    QueryServiceConfig2 {
        /// `lpBuffer`.
        buffer: Vec<u8>,
        /// `pcbBytesNeeded`.
        needed: u32,
        /// The code.
        code: Win32Error,
    },
    /// To `RQueryServiceStatusEx` (3.1.4.38).
    QueryServiceStatusEx {
        /// `lpBuffer`.
        buffer: Vec<u8>,
        /// `pcbBytesNeeded`.
        needed: u32,
        /// The code.
        code: Win32Error,
    },
    /// To `REnumServicesStatusExW` (3.1.4.40).
    EnumServicesStatusEx {
        /// `lpBuffer`.
        buffer: Vec<u8>,
        /// `pcbBytesNeeded`.
        needed: u32,
        /// `lpServicesReturned`.
        returned: u32,
        /// `lpResumeIndex`: present if it was in the call.
        resume: Option<u32>,
        /// The code.
        code: Win32Error,
    },
    /// To `RNotifyServiceStatusChange` (3.1.4.43). What the specification calls unused is sent as zeros.
    NotifyServiceStatusChange {
        /// `phNotify`.
        notify: Handle,
        /// The code.
        code: Win32Error,
    },
    /// To `RGetNotifyResults` (3.1.4.44).
    GetNotifyResults {
        /// `ppNotifyParams`: absent for a null pointer.
        results: Option<Vec<NotifyParams>>,
        /// The code.
        code: Win32Error,
    },
    /// To `RCloseNotifyHandle` (3.1.4.45).
    CloseNotifyHandle {
        /// `phNotify`: null when it was closed.
        notify: Handle,
        /// `pfApcFired`, not used.
        fired: bool,
        /// The code.
        code: Win32Error,
    },
    /// To `RControlServiceExW` (3.1.4.47).
    ControlServiceEx {
        /// The tag of `pControlOutParams`: `dwInfoLevel`.
        level: u32,
        /// `ServiceStatus`; absent for a null pointer.
        status: Option<ServiceStatus>,
        /// The code.
        code: Win32Error,
    },
    /// To `RQueryServiceConfigEx` (3.1.4.48).
    QueryServiceConfigEx {
        /// `pInfo`.
        info: ConfigInfo,
        /// The code.
        code: Win32Error,
    },
    /// To `RSetServiceStatus` (3.1.4.8).
    SetServiceStatus {
        /// The code.
        code: Win32Error,
    },
    /// To `REnumServiceGroupW` (3.1.4.33).
    EnumServiceGroup {
        /// `lpBuffer`.
        buffer: Vec<u8>,
        /// `pcbBytesNeeded`.
        needed: u32,
        /// `lpServicesReturned`.
        returned: u32,
        /// `lpResumeIndex`: present if it was in the call.
        resume: Option<u32>,
        /// The code.
        code: Win32Error,
    },
    /// To `RCreateServiceWOW64W` (3.1.4.42).
    CreateServiceWow64 {
        /// `lpdwTagId`: present if it was in the call.
        tag: Option<u32>,
        /// `lpServiceHandle`.
        service: Handle,
        /// The code.
        code: Win32Error,
    },
    /// To `RCreateWowService` (3.1.4.49).
    CreateWowService {
        /// `lpdwTagId`: present if it was in the call.
        tag: Option<u32>,
        /// `lpServiceHandle`.
        service: Handle,
        /// The code.
        code: Win32Error,
    },
    /// To `ROpenSCManager2` (3.1.4.50).
    OpenScManager2 {
        /// `lpScHandle`.
        manager: Handle,
        /// The code.
        code: Win32Error,
    },
    /// To one of the calls that have a twin with bytes in place of wide characters, as to that twin. Buffers have their texts in bytes too.
    Ansi(Box<Answer>),
}

impl Answer {
    /// The operation.
    pub fn opnum(&self) -> Opnum {
        self.parts().0
    }

    /// The code that the call returns.
    pub fn code(&self) -> Win32Error {
        self.parts().1
    }

    fn parts(&self) -> (Opnum, Win32Error) {
        match self {
            Self::CloseServiceHandle { code, .. } => (Opnum::CLOSE_SERVICE_HANDLE, *code),
            Self::ControlService { code, .. } => (Opnum::CONTROL_SERVICE, *code),
            Self::DeleteService { code } => (Opnum::DELETE_SERVICE, *code),
            Self::LockServiceDatabase { code, .. } => (Opnum::LOCK_SERVICE_DATABASE, *code),
            Self::QueryServiceObjectSecurity { code, .. } => (Opnum::QUERY_SERVICE_OBJECT_SECURITY, *code),
            Self::SetServiceObjectSecurity { code } => (Opnum::SET_SERVICE_OBJECT_SECURITY, *code),
            Self::QueryServiceStatus { code, .. } => (Opnum::QUERY_SERVICE_STATUS, *code),
            Self::UnlockServiceDatabase { code, .. } => (Opnum::UNLOCK_SERVICE_DATABASE, *code),
            Self::NotifyBootConfigStatus { code } => (Opnum::NOTIFY_BOOT_CONFIG_STATUS, *code),
            Self::ChangeServiceConfig { code, .. } => (Opnum::CHANGE_SERVICE_CONFIG, *code),
            Self::CreateService { code, .. } => (Opnum::CREATE_SERVICE, *code),
            Self::EnumDependentServices { code, .. } => (Opnum::ENUM_DEPENDENT_SERVICES, *code),
            Self::EnumServicesStatus { code, .. } => (Opnum::ENUM_SERVICES_STATUS, *code),
            Self::OpenScManager { code, .. } => (Opnum::OPEN_SC_MANAGER, *code),
            Self::OpenService { code, .. } => (Opnum::OPEN_SERVICE, *code),
            Self::QueryServiceConfig { code, .. } => (Opnum::QUERY_SERVICE_CONFIG, *code),
            Self::QueryServiceLockStatus { code, .. } => (Opnum::QUERY_SERVICE_LOCK_STATUS, *code),
            Self::StartService { code } => (Opnum::START_SERVICE, *code),
            Self::GetServiceDisplayName { code, .. } => (Opnum::GET_SERVICE_DISPLAY_NAME, *code),
            Self::GetServiceKeyName { code, .. } => (Opnum::GET_SERVICE_KEY_NAME, *code),
            Self::ChangeServiceConfig2 { code } => (Opnum::CHANGE_SERVICE_CONFIG2, *code),
            Self::QueryServiceConfig2 { code, .. } => (Opnum::QUERY_SERVICE_CONFIG2, *code),
            Self::QueryServiceStatusEx { code, .. } => (Opnum::QUERY_SERVICE_STATUS_EX, *code),
            Self::EnumServicesStatusEx { code, .. } => (Opnum::ENUM_SERVICES_STATUS_EX, *code),
            Self::NotifyServiceStatusChange { code, .. } => (Opnum::NOTIFY_SERVICE_STATUS_CHANGE, *code),
            Self::GetNotifyResults { code, .. } => (Opnum::GET_NOTIFY_RESULTS, *code),
            Self::CloseNotifyHandle { code, .. } => (Opnum::CLOSE_NOTIFY_HANDLE, *code),
            Self::ControlServiceEx { code, .. } => (Opnum::CONTROL_SERVICE_EX, *code),
            Self::QueryServiceConfigEx { code, .. } => (Opnum::QUERY_SERVICE_CONFIG_EX, *code),
            Self::SetServiceStatus { code } => (Opnum::SET_SERVICE_STATUS, *code),
            Self::EnumServiceGroup { code, .. } => (Opnum::ENUM_SERVICE_GROUP, *code),
            Self::CreateServiceWow64 { code, .. } => (Opnum::CREATE_SERVICE_WOW64, *code),
            Self::CreateWowService { code, .. } => (Opnum::CREATE_WOW_SERVICE, *code),
            Self::OpenScManager2 { code, .. } => (Opnum::OPEN_SC_MANAGER2, *code),
            Self::Ansi(answer) => {
                let (opnum, code) = answer.parts();
                (opnum.ansi().unwrap_or(opnum), code)
            }
        }
    }

    /// The answer that refuses `call` with `code`: handles, statuses and buffers are empty.
    pub(super) fn refusal(call: &Call, code: Win32Error) -> Self {
        let status =
            ServiceStatus { state: 0.into(), ..ServiceStatus::stopped(ServiceType::empty(), Win32Error(0)) };
        let empty = |size: &u32| vec![0; *size as usize];
        let (needed, returned) = (0, 0);
        match call {
            Call::CloseServiceHandle { handle } => Self::CloseServiceHandle { handle: *handle, code },
            Call::ControlService { .. } => Self::ControlService { status, code },
            Call::DeleteService { .. } => Self::DeleteService { code },
            Call::LockServiceDatabase { .. } => Self::LockServiceDatabase { lock: Handle::NULL, code },
            Call::UnlockServiceDatabase { lock } => Self::UnlockServiceDatabase { lock: *lock, code },
            Call::NotifyBootConfigStatus { .. } => Self::NotifyBootConfigStatus { code },
            Call::QueryServiceLockStatus { .. } => {
                Self::QueryServiceLockStatus { status: LockRecord::default(), needed, code }
            }
            Call::QueryServiceObjectSecurity { size, .. } => {
                Self::QueryServiceObjectSecurity { buffer: empty(size), needed, code }
            }
            Call::SetServiceObjectSecurity { .. } => Self::SetServiceObjectSecurity { code },
            Call::QueryServiceStatus { .. } => Self::QueryServiceStatus { status, code },
            Call::ChangeServiceConfig(change) => Self::ChangeServiceConfig { tag: change.tag, code },
            Call::CreateService(create) => {
                Self::CreateService { tag: create.tag, service: Handle::NULL, code }
            }
            Call::EnumDependentServices { size, .. } => {
                Self::EnumDependentServices { buffer: empty(size), needed, returned, code }
            }
            Call::EnumServicesStatus { size, resume, .. } => {
                Self::EnumServicesStatus { buffer: empty(size), needed, returned, resume: *resume, code }
            }
            Call::OpenScManager { .. } => Self::OpenScManager { manager: Handle::NULL, code },
            Call::OpenService { .. } => Self::OpenService { service: Handle::NULL, code },
            Call::QueryServiceConfig { .. } => {
                Self::QueryServiceConfig { config: Box::default(), needed, code }
            }
            Call::StartService { .. } => Self::StartService { code },
            Call::GetServiceDisplayName { size, .. } => {
                Self::GetServiceDisplayName { name: String::new(), size: *size, code }
            }
            Call::GetServiceKeyName { size, .. } => {
                Self::GetServiceKeyName { name: String::new(), size: *size, code }
            }
            Call::ChangeServiceConfig2 { .. } => Self::ChangeServiceConfig2 { code },
            Call::QueryServiceConfig2 { size, .. } => {
                Self::QueryServiceConfig2 { buffer: empty(size), needed, code }
            }
            Call::QueryServiceStatusEx { size, .. } => {
                Self::QueryServiceStatusEx { buffer: empty(size), needed, code }
            }
            Call::EnumServicesStatusEx { size, resume, .. } => {
                Self::EnumServicesStatusEx { buffer: empty(size), needed, returned, resume: *resume, code }
            }
            Call::NotifyServiceStatusChange { .. } => {
                Self::NotifyServiceStatusChange { notify: Handle::NULL, code }
            }
            Call::GetNotifyResults { .. } => Self::GetNotifyResults { results: None, code },
            Call::CloseNotifyHandle { notify } => {
                Self::CloseNotifyHandle { notify: *notify, fired: false, code }
            }
            Call::ControlServiceEx { params, .. } => {
                Self::ControlServiceEx { level: params.level(), status: None, code }
            }
            Call::QueryServiceConfigEx { level, .. } => {
                Self::QueryServiceConfigEx { info: ConfigInfo::absent(*level), code }
            }
            Call::SetServiceStatus { .. } => Self::SetServiceStatus { code },
            Call::EnumServiceGroup { size, resume, .. } => {
                Self::EnumServiceGroup { buffer: empty(size), needed, returned, resume: *resume, code }
            }
            Call::CreateServiceWow64(create) => {
                Self::CreateServiceWow64 { tag: create.tag, service: Handle::NULL, code }
            }
            Call::CreateWowService(create, _) => {
                Self::CreateWowService { tag: create.tag, service: Handle::NULL, code }
            }
            Call::OpenScManager2 { .. } => Self::OpenScManager2 { manager: Handle::NULL, code },
            Call::Ansi(call) => Self::Ansi(Box::new(Self::refusal(call, code))),
        }
    }

    /// The buffer of bytes, if the answer has one.
    pub fn buffer(&self) -> Option<&[u8]> {
        match self {
            Self::EnumDependentServices { buffer, .. }
            | Self::EnumServicesStatus { buffer, .. }
            | Self::EnumServicesStatusEx { buffer, .. }
            | Self::EnumServiceGroup { buffer, .. }
            | Self::QueryServiceConfig2 { buffer, .. }
            | Self::QueryServiceObjectSecurity { buffer, .. }
            | Self::QueryServiceStatusEx { buffer, .. } => Some(buffer),
            Self::Ansi(answer) => answer.buffer(),
            _ => None,
        }
    }

    /// The stub ([MS-SCMR] 3.1.4, the `[out]` parameters in order, then the code).
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(256 + self.buffer().map_or(0, <[u8]>::len));
        if matches!(self, Self::Ansi(_)) {
            writer = writer.with_text(Text::Ansi);
        }
        self.write(&mut writer);
        writer.into_bytes()
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Self::Ansi(answer) => return answer.write(w),
            Self::CloseServiceHandle { handle, .. }
            | Self::LockServiceDatabase { lock: handle, .. }
            | Self::UnlockServiceDatabase { lock: handle, .. }
            | Self::OpenScManager { manager: handle, .. }
            | Self::OpenScManager2 { manager: handle, .. }
            | Self::OpenService { service: handle, .. } => handle.write(w),
            Self::ControlService { status, .. } | Self::QueryServiceStatus { status, .. } => {
                write_status(w, status);
            }
            Self::SetServiceObjectSecurity { .. }
            | Self::SetServiceStatus { .. }
            | Self::NotifyBootConfigStatus { .. }
            | Self::DeleteService { .. }
            | Self::StartService { .. }
            | Self::ChangeServiceConfig2 { .. } => {}
            Self::ChangeServiceConfig { tag, .. } => write_number(w, *tag),
            Self::CreateService { tag, service, .. }
            | Self::CreateServiceWow64 { tag, service, .. }
            | Self::CreateWowService { tag, service, .. } => {
                write_number(w, *tag);
                service.write(w);
            }
            Self::EnumDependentServices { buffer, needed, returned, .. } => {
                w.conformant_bytes(buffer);
                w.u32(*needed);
                w.u32(*returned);
            }
            Self::EnumServicesStatus { buffer, needed, returned, resume, .. }
            | Self::EnumServicesStatusEx { buffer, needed, returned, resume, .. }
            | Self::EnumServiceGroup { buffer, needed, returned, resume, .. } => {
                w.conformant_bytes(buffer);
                w.u32(*needed);
                w.u32(*returned);
                write_number(w, *resume);
            }
            Self::QueryServiceConfig { config, needed, .. } => {
                config.write(w);
                w.u32(*needed);
            }
            Self::QueryServiceLockStatus { status, needed, .. } => {
                status.write(w);
                w.u32(*needed);
            }
            Self::GetServiceDisplayName { name, size, .. } | Self::GetServiceKeyName { name, size, .. } => {
                w.string_in(name, *size as usize + 1);
                w.u32(*size);
            }
            Self::QueryServiceConfig2 { buffer, needed, .. }
            | Self::QueryServiceObjectSecurity { buffer, needed, .. }
            | Self::QueryServiceStatusEx { buffer, needed, .. } => {
                w.conformant_bytes(buffer);
                w.u32(*needed);
            }
            Self::NotifyServiceStatusChange { notify, .. } => {
                w.raw(&[0; 16]); // pSCMProcessGuid
                w.u32(0); // pfCreateRemoteQueue
                notify.write(w);
            }
            Self::GetNotifyResults { results, .. } => write_notifications(w, results.as_deref()),
            Self::CloseNotifyHandle { notify, fired, .. } => {
                notify.write(w);
                w.u32((*fired).into());
            }
            Self::QueryServiceConfigEx { info, .. } => info.write(w),
            Self::ControlServiceEx { level, status, .. } => write_out(w, *level, status.as_ref()),
        }
        w.u32(self.code().0);
    }

    /// Reads a stub; `None` if the operation is not known here ([MS-SCMR] 3.1.4, the `[out]` parameters in order, then the code).
    pub fn decode(opnum: Opnum, stub: &[u8]) -> Result<Option<Self>> {
        let mut reader = Reader::lossy(stub);
        let wide = opnum.wide();
        if wide.is_some() {
            reader = reader.with_text(Text::Ansi);
        }
        let Some(answer) = Self::read(wide.unwrap_or(opnum), &mut reader)? else { return Ok(None) };
        reader.finish()?;
        Ok(Some(if wide.is_some() { Self::Ansi(Box::new(answer)) } else { answer }))
    }

    fn read(opnum: Opnum, r: &mut Reader<'_>) -> Result<Option<Self>> {
        Ok(Some(match opnum {
            Opnum::CLOSE_SERVICE_HANDLE => {
                Self::CloseServiceHandle { handle: Handle::read(r)?, code: code(r)? }
            }
            Opnum::CONTROL_SERVICE => Self::ControlService { status: read_status(r)?, code: code(r)? },
            Opnum::DELETE_SERVICE => Self::DeleteService { code: code(r)? },
            Opnum::LOCK_SERVICE_DATABASE => {
                Self::LockServiceDatabase { lock: Handle::read(r)?, code: code(r)? }
            }
            Opnum::UNLOCK_SERVICE_DATABASE => {
                Self::UnlockServiceDatabase { lock: Handle::read(r)?, code: code(r)? }
            }
            Opnum::NOTIFY_BOOT_CONFIG_STATUS => Self::NotifyBootConfigStatus { code: code(r)? },
            Opnum::QUERY_SERVICE_STATUS => {
                Self::QueryServiceStatus { status: read_status(r)?, code: code(r)? }
            }
            Opnum::CHANGE_SERVICE_CONFIG => {
                Self::ChangeServiceConfig { tag: read_number(r)?, code: code(r)? }
            }
            Opnum::CREATE_SERVICE => {
                Self::CreateService { tag: read_number(r)?, service: Handle::read(r)?, code: code(r)? }
            }
            Opnum::OPEN_SC_MANAGER => Self::OpenScManager { manager: Handle::read(r)?, code: code(r)? },
            Opnum::OPEN_SERVICE => Self::OpenService { service: Handle::read(r)?, code: code(r)? },
            Opnum::SET_SERVICE_STATUS => Self::SetServiceStatus { code: code(r)? },
            Opnum::CREATE_SERVICE_WOW64 => {
                Self::CreateServiceWow64 { tag: read_number(r)?, service: Handle::read(r)?, code: code(r)? }
            }
            Opnum::CREATE_WOW_SERVICE => {
                Self::CreateWowService { tag: read_number(r)?, service: Handle::read(r)?, code: code(r)? }
            }
            Opnum::OPEN_SC_MANAGER2 => Self::OpenScManager2 { manager: Handle::read(r)?, code: code(r)? },
            Opnum::SET_SERVICE_OBJECT_SECURITY => Self::SetServiceObjectSecurity { code: code(r)? },
            Opnum::START_SERVICE => Self::StartService { code: code(r)? },
            Opnum::GET_SERVICE_DISPLAY_NAME => {
                let (name, size) = read_name(r)?;
                Self::GetServiceDisplayName { name, size, code: code(r)? }
            }
            Opnum::GET_SERVICE_KEY_NAME => {
                let (name, size) = read_name(r)?;
                Self::GetServiceKeyName { name, size, code: code(r)? }
            }
            Opnum::CHANGE_SERVICE_CONFIG2 => Self::ChangeServiceConfig2 { code: code(r)? },
            Opnum::NOTIFY_SERVICE_STATUS_CHANGE => {
                r.take(16)?; // pSCMProcessGuid
                r.u32()?; // pfCreateRemoteQueue
                Self::NotifyServiceStatusChange { notify: Handle::read(r)?, code: code(r)? }
            }
            Opnum::GET_NOTIFY_RESULTS => {
                Self::GetNotifyResults { results: read_notifications(r)?, code: code(r)? }
            }
            Opnum::CLOSE_NOTIFY_HANDLE => {
                Self::CloseNotifyHandle { notify: Handle::read(r)?, fired: r.u32()? != 0, code: code(r)? }
            }
            Opnum::CONTROL_SERVICE_EX => {
                let (level, status) = read_out(r)?;
                Self::ControlServiceEx { level, status, code: code(r)? }
            }
            Opnum::QUERY_SERVICE_CONFIG_EX => {
                Self::QueryServiceConfigEx { info: ConfigInfo::read(r)?, code: code(r)? }
            }
            opnum => return Self::read_query(opnum, r),
        }))
    }

    /// The answers with an output buffer.
    fn read_query(opnum: Opnum, r: &mut Reader<'_>) -> Result<Option<Self>> {
        Ok(Some(match opnum {
            Opnum::ENUM_DEPENDENT_SERVICES => Self::EnumDependentServices {
                buffer: r.conformant_bytes("lpServices", MAX_256K)?.to_vec(),
                needed: r.u32()?,
                returned: r.u32()?,
                code: code(r)?,
            },
            Opnum::ENUM_SERVICES_STATUS => Self::EnumServicesStatus {
                buffer: r.conformant_bytes("lpBuffer", MAX_256K)?.to_vec(),
                needed: r.u32()?,
                returned: r.u32()?,
                resume: read_number(r)?,
                code: code(r)?,
            },
            Opnum::ENUM_SERVICE_GROUP => Self::EnumServiceGroup {
                buffer: r.conformant_bytes("lpBuffer", MAX_256K)?.to_vec(),
                needed: r.u32()?,
                returned: r.u32()?,
                resume: read_number(r)?,
                code: code(r)?,
            },
            Opnum::ENUM_SERVICES_STATUS_EX => Self::EnumServicesStatusEx {
                buffer: r.conformant_bytes("lpBuffer", MAX_256K)?.to_vec(),
                needed: r.u32()?,
                returned: r.u32()?,
                resume: read_number(r)?,
                code: code(r)?,
            },
            Opnum::QUERY_SERVICE_LOCK_STATUS => Self::QueryServiceLockStatus {
                status: LockRecord::read(r)?,
                needed: r.u32()?,
                code: code(r)?,
            },
            Opnum::QUERY_SERVICE_CONFIG => Self::QueryServiceConfig {
                config: Box::new(ConfigRecord::read(r)?),
                needed: r.u32()?,
                code: code(r)?,
            },
            Opnum::QUERY_SERVICE_OBJECT_SECURITY => Self::QueryServiceObjectSecurity {
                buffer: r.conformant_bytes("lpSecurityDescriptor", MAX_256K)?.to_vec(),
                needed: r.u32()?,
                code: code(r)?,
            },
            Opnum::QUERY_SERVICE_CONFIG2 => Self::QueryServiceConfig2 {
                buffer: r.conformant_bytes("lpBuffer", MAX_8K)?.to_vec(),
                needed: r.u32()?,
                code: code(r)?,
            },
            Opnum::QUERY_SERVICE_STATUS_EX => Self::QueryServiceStatusEx {
                buffer: r.conformant_bytes("lpBuffer", MAX_8K)?.to_vec(),
                needed: r.u32()?,
                code: code(r)?,
            },
            _ => return Ok(None),
        }))
    }
}

/// The code that every call returns at last.
fn code(r: &mut Reader<'_>) -> Result<Win32Error> {
    r.u32().map(Win32Error)
}

/// The name and `lpcchBuffer` ([MS-SCMR] 3.1.4.20, 3.1.4.21).
fn read_name(r: &mut Reader<'_>) -> Result<(String, u32)> {
    Ok((r.string("lpDisplayName", MAX_NAME_BUFFER + 1)?, r.u32()?))
}

/// `SC_RPC_NOTIFY_PARAMS_LIST` ([MS-SCMR] 2.2.24): a conformant structure, so its conformance comes first.
fn write_notifications(w: &mut Writer, results: Option<&[NotifyParams]>) {
    w.pointer(results.is_some());
    let Some(results) = results else { return };
    w.count(results.len());
    w.count(results.len()); // cElements
    results.iter().for_each(|result| result.write_head(w)); // NotifyParamsArray
    results.iter().for_each(|result| result.write_body(w));
}

/// `SC_RPC_NOTIFY_PARAMS_LIST` ([MS-SCMR] 2.2.24).
fn read_notifications(r: &mut Reader<'_>) -> Result<Option<Vec<NotifyParams>>> {
    if !r.pointer()? {
        return Ok(None);
    }
    let count = r.bounded("cElements", MAX_NOTIFICATIONS)?;
    if r.u32()? != count {
        return Err(DecodeError::Invalid { what: "cElements" });
    }
    let heads = (0..count).map(|_| NotifyParams::read_head(r)).collect::<Result<Vec<_>>>()?;
    heads.into_iter().map(|head| NotifyParams::read_body(r, head)).collect::<Result<_>>().map(Some)
}
