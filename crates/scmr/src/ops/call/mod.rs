mod read;
mod write;

use svckit_core::Win32Error;
use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::config::Config2Level;
use svckit_core::control::Control;
use svckit_core::kind::ServiceType;
use svckit_core::security::SecurityInformation;
use svckit_core::status::{ServiceStatus, StateFilter};

use super::{
    Answer, ChangeServiceConfig, ConfigInfo, ControlParams, CreateService, Handle, NotifyParams, Opnum,
};

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
}
