//! Answers that refuse.

use svckit_core::Win32Error;
use svckit_core::kind::ServiceType;
use svckit_core::status::ServiceStatus;

use super::Answer;
use crate::ops::{Call, ConfigInfo, Handle, LockRecord};

impl Answer {
    /// The answer that refuses `call` with `code`: handles, statuses and buffers are empty.
    pub(in crate::ops) fn refusal(call: &Call, code: Win32Error) -> Self {
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
}
