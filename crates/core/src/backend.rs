//! What every service control manager can do, in plain data: the trait behind which Windows, a remote machine and the built-in one stand.
//!
//! The shape is that of the service API: a handle carries the rights it was opened with, and is closed when it is dropped. One suite
//! of tests (`svckit-testkit`) runs on every implementation.

use std::time::Duration;

use crate::access::{ManagerAccess, ServiceAccess};
use crate::config::{Config2, Config2Change, Config2Level, ConfigChange, NewService, ServiceConfig};
use crate::control::Control;
use crate::error::Result;
use crate::kind::ServiceType;
use crate::name::ServiceName;
use crate::native;
use crate::reason::StopReason;
use crate::security::{SecurityDescriptor, SecurityInformation};
use crate::status::{NotifyMask, ServiceStatus, StateFilter};

/// A way to a service control manager.
pub trait Backend {
    /// The service control manager in the form of `--scm`, for errors.
    fn target(&self) -> String;

    /// Opens the service control manager (`OpenSCManager`).
    fn open_manager(&self, access: ManagerAccess) -> Result<Box<dyn Manager>>;

    /// `NotifyBootConfigStatus`: tells whether the system started well. If not, it is restarted with the configuration that did last, and this doesn't return.
    fn report_boot(&self, acceptable: bool) -> Result<()>;

    /// Asks what the service API has no call for. Fails with `ERROR_NOT_SUPPORTED` where there is nobody to answer.
    fn native(&self, request: native::Request) -> Result<native::Reply>;

    /// The same for what changes after a revision ([`Overview`](native::Request::Overview)), which may be answered much later; `None` when the time is over, and then nobody
    /// waits for the answer any more.
    fn changes(
        &self,
        after: u64,
        services: Option<Vec<ServiceName>>,
        limit: Duration,
    ) -> Result<Option<native::Reply>>;
}

/// A service that an enumeration found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enumerated {
    /// Key name as the service control manager told it, whatever it holds.
    pub name: String,
    /// Display name.
    pub display_name: String,
    /// Status.
    pub status: ServiceStatus,
}

/// What a wait for a change of a service brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Which of the events asked for happened.
    pub triggered: NotifyMask,
    /// The status at that moment.
    pub status: ServiceStatus,
}

/// Which services were created and deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetChange {
    /// Key names of services that were created, as the service control manager told them.
    pub created: Vec<String>,
    /// Key names of services that were deleted and are gone.
    pub deleted: Vec<String>,
}

impl SetChange {
    /// Reads the names as a notification has them: those of created services with a slash before them (`pszServiceNames` of
    /// `SERVICE_NOTIFY_2`, [MS-SCMR] 2.2.44).
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut change = Self::default();
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            match name.strip_prefix('/') {
                Some(name) => change.created.push(name.to_owned()),
                None => change.deleted.push(name.to_owned()),
            }
        }
        change
    }
}

/// A wait for services that are created or deleted, which was registered when it was made.
pub trait Watch {
    /// Waits; `None` when the time is over. What happens after an answer is waited for again when this returns; what happened just before may not be told, so
    /// look after asking.
    fn wait(&mut self, timeout: Duration) -> Result<Option<SetChange>>;
}

/// Who locks the service database (`QUERY_SERVICE_LOCK_STATUS`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LockStatus {
    /// Whether it is locked.
    pub locked: bool,
    /// Who locked it; empty if nobody did.
    pub owner: String,
    /// For how long, in whole seconds.
    pub held_for: Duration,
}

/// A lock of the service database, released when it is dropped. Since Windows Vista a lock holds nothing back.
pub trait Lock {
    /// `UnlockServiceDatabase`.
    fn unlock(self: Box<Self>) -> Result<()>;
}

/// An open service control manager.
pub trait Manager {
    /// `CreateService`. The handle has `access`. The tag is that of the new service, zero without one.
    fn create_service(&self, new: &NewService, access: ServiceAccess) -> Result<(Box<dyn Service>, u32)>;

    /// `OpenService`.
    fn open_service(&self, name: &str, access: ServiceAccess) -> Result<Box<dyn Service>>;

    /// `EnumServicesStatusEx`; `group` as the API has it: `None` for all, an empty name for services in no group.
    fn enumerate(
        &self,
        types: ServiceType,
        states: StateFilter,
        group: Option<&str>,
    ) -> Result<Vec<Enumerated>>;

    /// `GetServiceDisplayName`.
    fn display_name(&self, name: &str) -> Result<String>;

    /// `GetServiceKeyName`.
    fn key_name(&self, display_name: &str) -> Result<String>;

    /// `QueryServiceObjectSecurity`: some parts of the security descriptor.
    fn security(&self, parts: SecurityInformation) -> Result<SecurityDescriptor>;

    /// `SetServiceObjectSecurity`: makes some parts those of another descriptor.
    fn set_security(&self, parts: SecurityInformation, new: &SecurityDescriptor) -> Result<()>;

    /// `LockServiceDatabase`.
    fn lock(&self) -> Result<Box<dyn Lock>>;

    /// `QueryServiceLockStatus`.
    fn lock_status(&self) -> Result<LockStatus>;

    /// `NotifyServiceStatusChange` for services that are created and deleted ([MS-SCMR] 3.1.4.43); needs the right to enumerate services.
    fn watch(&self) -> Result<Box<dyn Watch>>;
}

/// An open service.
pub trait Service {
    /// `DeleteService`: marks it; the record goes when it has stopped and the last handle is closed.
    fn delete(&self) -> Result<()>;

    /// `StartService`; the arguments are those after the service's name.
    fn start(&self, arguments: &[String]) -> Result<()>;

    /// `ControlService`.
    fn control(&self, control: Control) -> Result<ServiceStatus>;

    /// `ControlServiceEx`: a stop with its reason, for the record.
    fn stop(&self, reason: &StopReason) -> Result<ServiceStatus>;

    /// `QueryServiceStatusEx`.
    fn status(&self) -> Result<ServiceStatus>;

    /// `QueryServiceConfig`.
    fn config(&self) -> Result<ServiceConfig>;

    /// `ChangeServiceConfig`. The tag is the new one if one was wanted, else zero.
    fn change_config(&self, change: &ConfigChange) -> Result<u32>;

    /// `QueryServiceConfig2`.
    fn config2(&self, level: Config2Level) -> Result<Config2>;

    /// `ChangeServiceConfig2`.
    fn change_config2(&self, change: &Config2Change) -> Result<()>;

    /// `QueryServiceObjectSecurity`: some parts of the security descriptor.
    fn security(&self, parts: SecurityInformation) -> Result<SecurityDescriptor>;

    /// `SetServiceObjectSecurity`: makes some parts those of another descriptor.
    fn set_security(&self, parts: SecurityInformation, new: &SecurityDescriptor) -> Result<()>;

    /// `EnumDependentServices`: those that depend on it, directly or not, in the order in which they have to be stopped.
    fn dependents(&self, states: StateFilter) -> Result<Vec<Enumerated>>;

    /// `NotifyServiceStatusChange`: waits until the service is in one of the states, at once if it is in one that this handle was not
    /// told of before; `None` when the time is over.
    fn wait(&self, mask: NotifyMask, timeout: Duration) -> Result<Option<Notification>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn created_services_have_a_slash_before_their_names() {
        let change = SetChange::from_names(["/new", "old", "", "/a/b"]);
        let expected =
            SetChange { created: vec!["new".to_owned(), "a/b".to_owned()], deleted: vec!["old".to_owned()] };
        assert_eq!(change, expected);
    }
}
