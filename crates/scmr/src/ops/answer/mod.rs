mod read;
mod refusal;
mod write;

use svckit_core::Win32Error;
use svckit_core::status::ServiceStatus;

use super::{ConfigInfo, ConfigRecord, Handle, LockRecord, NotifyParams, Opnum};

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
}
