//! Commands that ask: statuses, configurations, names, dependents, identifiers.

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Enumerated;
use svckit_core::config::{Config2, Config2Level};
use svckit_core::name::ServiceName;
use svckit_core::status::{ServiceStatus, StateFilter};
use svckit_core::win32::Win32Error;

use super::Session;
use super::answer::Answer;
use super::command::Whom;
use super::wrong::Wrong;

impl Session<'_> {
    pub(super) fn query(&mut self, whom: Whom, extended: bool) -> Result<Answer, Wrong> {
        match whom {
            Whom::One(name) => {
                let status = self.open(&name, ServiceAccess::QUERY_STATUS)?.status();
                let status =
                    status.map_err(|error| Wrong::call("QueryServiceStatusEx", error).service(&name))?;
                let service = self.with_display_name(name, status)?;
                if self.app.ui.json {
                    // An array however it was asked.
                    return Ok(Answer::Services { call: None, all: vec![service], extended });
                }
                Ok(Answer::Status { service, extended })
            }
            Whom::Those { types, states, group, skip } => {
                let manager = self.manager(ManagerAccess::ENUMERATE_SERVICE)?;
                let all = manager.enumerate(types, states, group.as_deref());
                let mut all = all.map_err(|error| {
                    let is_group = error.code == Win32Error::SERVICE_DOES_NOT_EXIST;
                    let wrong = Wrong::call("EnumServicesStatusEx", error);
                    if is_group { wrong.hint("no service is in that load order group") } else { wrong }
                })?;
                all.drain(..skip.min(all.len()));
                Ok(Answer::Services { call: None, all, extended })
            }
        }
    }

    /// The status of a service together with the name that people see.
    pub(super) fn with_display_name(
        &mut self,
        name: String,
        status: ServiceStatus,
    ) -> Result<Enumerated, Wrong> {
        let manager = self.manager(ManagerAccess::CONNECT)?;
        let display_name = manager
            .display_name(&name)
            .map_err(|error| Wrong::call("GetServiceDisplayName", error).service(&name))?;
        Ok(Enumerated { name, display_name, status })
    }

    pub(super) fn ask(&mut self, name: String, level: Config2Level) -> Result<Answer, Wrong> {
        let service = self.open(&name, ServiceAccess::QUERY_CONFIG)?;
        let value = service.config2(level);
        let value = value.map_err(|error| Wrong::call("QueryServiceConfig2", error).service(&name))?;
        Ok(Answer::Optional { name, value })
    }

    pub(super) fn ask_config(&mut self, name: String) -> Result<Answer, Wrong> {
        let service = self.open(&name, ServiceAccess::QUERY_CONFIG)?;
        let config =
            service.config().map_err(|error| Wrong::call("QueryServiceConfig", error).service(&name))?;
        // Where this can't be asked, nothing is delayed.
        let delayed =
            matches!(service.config2(Config2Level::DELAYED_AUTO_START), Ok(Config2::DelayedAutoStart(true)));
        Ok(Answer::Config { name, config: Box::new(config), delayed })
    }

    pub(super) fn display_name(&mut self, name: &str) -> Result<Answer, Wrong> {
        const CALL: &str = "GetServiceDisplayName";
        let manager = self.manager(ManagerAccess::CONNECT)?;
        let value = manager.display_name(name);
        let value = value.map_err(|error| Wrong::call(CALL, error).service(name))?;
        Ok(Answer::Name { call: CALL, key: "display_name", value })
    }

    pub(super) fn key_name(&mut self, display_name: &str) -> Result<Answer, Wrong> {
        const CALL: &str = "GetServiceKeyName";
        let manager = self.manager(ManagerAccess::CONNECT)?;
        let value = manager.key_name(display_name).map_err(|error| Wrong::call(CALL, error))?;
        Ok(Answer::Name { call: CALL, key: "name", value })
    }

    pub(super) fn dependents(&mut self, name: &str) -> Result<Answer, Wrong> {
        const CALL: &str = "EnumDependentServices";
        let service = self.open(name, ServiceAccess::ENUMERATE_DEPENDENTS)?;
        let all = service.dependents(StateFilter::ALL);
        let all = all.map_err(|error| Wrong::call(CALL, error).service(name))?;
        Ok(Answer::Services { call: Some(CALL), all, extended: false })
    }
}

/// The service SID, which is made of the name, whether or not there is such a service.
pub(super) fn sid(name: String) -> Result<Answer, Wrong> {
    match ServiceName::new(name.as_str()) {
        Ok(service) => Ok(Answer::Sid { name, sid: svckit_core::sid::service_sid(&service).to_string() }),
        Err(error) => Err(Wrong::refused("RtlCreateServiceSid", Win32Error::INVALID_NAME, error.to_string())),
    }
}
