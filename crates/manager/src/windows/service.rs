use std::time::Duration;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Enumerated, Notification, Service};
use svckit_core::config::{Config2, Config2Change, Config2Level, ConfigChange, ServiceConfig};
use svckit_core::control::Control;
use svckit_core::name::ServiceName;
use svckit_core::reason::StopReason;
use svckit_core::security::{SecurityDescriptor, SecurityInformation};
use svckit_core::status::{NotifyMask, ServiceState, ServiceStatus, StateFilter};
use svckit_core::{Error, Result, Win32Error};
use svckit_os::scm;
use svckit_scmr::ops::ConfigRecord;

use super::machine::Machine;
use super::{enumerated, native, read_security};

/// `RPC_X_BAD_STUB_DATA`: how a service control manager that doesn't know a level may answer, since it can't read the structure.
const BAD_STUB_DATA: Win32Error = Win32Error(1783);

/// `RPC_X_INVALID_TAG`: the same.
const INVALID_TAG: Win32Error = Win32Error(1733);

pub(super) struct WindowsService {
    machine: Machine,
    service: scm::Service,
    name: String,
    access: ServiceAccess,
}

impl WindowsService {
    pub(super) fn new(machine: &Machine, service: scm::Service, name: &str, access: ServiceAccess) -> Self {
        Self { machine: machine.clone(), service, name: name.to_owned(), access }
    }

    fn done<T>(&self, operation: &'static str, outcome: Result<T, Win32Error>) -> Result<T> {
        outcome.map_err(|code| self.machine.failed(operation, Some(&self.name), code))
    }

    /// What a request to stop comes to. A process that has reported STOPPED may be gone before the system has read its answer, which it says by a broken pipe.
    fn stopped(&self, told: Result<ServiceStatus, Win32Error>) -> Result<ServiceStatus, Win32Error> {
        settled(told, || {
            // Who may stop a service need not be allowed to ask, or has not asked for that.
            let manager = self.machine.open(ManagerAccess::CONNECT)?;
            manager.open_service(&self.name, ServiceAccess::QUERY_STATUS)?.status()
        })
    }

    /// A level that the system doesn't know is named, whatever its way of saying so is.
    fn level_done<T>(
        &self,
        operation: &'static str,
        level: Config2Level,
        outcome: Result<T, Win32Error>,
    ) -> Result<T> {
        outcome.map_err(|code| {
            if !matches!(code, Win32Error::INVALID_LEVEL | BAD_STUB_DATA | INVALID_TAG) {
                return self.machine.failed(operation, Some(&self.name), code);
            }
            let error: Error = *self.machine.failed(operation, Some(&self.name), Win32Error::INVALID_LEVEL);
            Box::new(error.cause(format!("this Windows does not know {}", level_name(level))))
        })
    }
}

impl WindowsService {
    /// Whether a change deletes what isn't there, which Windows refuses. Without the right to look it is not known, and the refusal stands.
    fn is_deleted_already(&self, change: &Config2Change) -> bool {
        let deletes = match change {
            Config2Change::Triggers(all) => all.is_empty(),
            Config2Change::PreferredNode(node) => node.is_none(),
            _ => false,
        };
        deletes && self.config2(change.level()).is_ok_and(|current| current.into_change() == *change)
    }
}

/// The same of any service whose status is asked for.
fn settled(
    told: Result<ServiceStatus, Win32Error>,
    status: impl FnOnce() -> Result<ServiceStatus, Win32Error>,
) -> Result<ServiceStatus, Win32Error> {
    match told {
        Err(Win32Error::BROKEN_PIPE) => {
            let now = status().ok().filter(|status| status.state == ServiceState::STOPPED);
            now.ok_or(Win32Error::BROKEN_PIPE)
        }
        told => told,
    }
}

fn level_name(level: Config2Level) -> String {
    let name = match level {
        Config2Level::DESCRIPTION => "descriptions",
        Config2Level::FAILURE_ACTIONS => "failure actions",
        Config2Level::DELAYED_AUTO_START => "delayed automatic start",
        Config2Level::FAILURE_ACTIONS_FLAG => "failure actions after a stop with an error",
        Config2Level::SID_INFO => "service security identifiers",
        Config2Level::REQUIRED_PRIVILEGES => "required privileges",
        Config2Level::PRESHUTDOWN => "preshutdown time-outs",
        Config2Level::TRIGGER_INFO => "triggers",
        Config2Level::PREFERRED_NODE => "preferred nodes",
        Config2Level::LAUNCH_PROTECTED => "launch protection",
        Config2Level(other) => return format!("the configuration of level {other}"),
    };
    name.to_owned()
}

impl Service for WindowsService {
    fn delete(&self) -> Result<()> {
        self.done("delete service", self.service.delete())
    }

    fn start(&self, arguments: &[String]) -> Result<()> {
        self.done("start service", self.service.start(arguments))
    }

    fn control(&self, control: Control) -> Result<ServiceStatus> {
        let operation = match control {
            Control::STOP => "stop service",
            Control::PAUSE => "pause service",
            Control::CONTINUE => "continue service",
            Control::INTERROGATE => "interrogate service",
            _ => "control service",
        };
        let told = self.service.control(control);
        self.done(operation, if control == Control::STOP { self.stopped(told) } else { told })
    }

    fn stop(&self, reason: &StopReason) -> Result<ServiceStatus> {
        self.done("stop service", self.stopped(self.service.stop(reason)))
    }

    fn status(&self) -> Result<ServiceStatus> {
        self.done("query status of service", self.service.status())
    }

    fn config(&self) -> Result<ServiceConfig> {
        const OPERATION: &str = "query configuration of service";
        let raw = self.done(OPERATION, self.service.config())?;
        let record = ConfigRecord {
            service_type: raw.service_type,
            start_type: raw.start_type,
            error_control: raw.error_control,
            image_path: raw.image_path,
            load_order_group: raw.load_order_group,
            tag: raw.tag,
            dependencies: Some(raw.dependencies.join("/")),
            account: raw.account,
            display_name: raw.display_name,
        };
        self.done(OPERATION, record.to_config(&self.name))
    }

    fn change_config(&self, change: &ConfigChange) -> Result<u32> {
        const OPERATION: &str = "change configuration of service";
        let tag = self.done(OPERATION, self.service.change_config(change))?;
        if let (Some(account), Ok(name)) = (&change.account, ServiceName::new(self.name.as_str()))
            && self.machine.is_this_one()
        {
            native::account_changed(OPERATION, &name, account)?;
        }
        Ok(tag)
    }

    fn config2(&self, level: Config2Level) -> Result<Config2> {
        let outcome = match self.service.config2(level) {
            // How Windows tells that no node is set, or that the machine has none: there is nothing else in the question that could be wrong.
            Err(Win32Error::INVALID_PARAMETER) if level == Config2Level::PREFERRED_NODE => {
                Ok(Config2::PreferredNode(None))
            }
            outcome => outcome,
        };
        self.level_done("query configuration of service", level, outcome)
    }

    fn change_config2(&self, change: &Config2Change) -> Result<()> {
        const OPERATION: &str = "change configuration of service";
        let outcome = match self.service.change_config2(change) {
            Err(Win32Error::INVALID_PARAMETER) if self.is_deleted_already(change) => Ok(()),
            outcome => outcome,
        };
        self.level_done(OPERATION, change.level(), outcome)?;
        if let (Config2Change::Sid(_), Ok(name)) = (change, ServiceName::new(self.name.as_str()))
            && self.machine.is_this_one()
        {
            native::sid_type_changed(OPERATION, &name)?;
        }
        Ok(())
    }

    fn security(&self, parts: SecurityInformation) -> Result<SecurityDescriptor> {
        read_security(
            &self.machine,
            "query security of service",
            Some(&self.name),
            self.service.security(parts),
        )
    }

    fn set_security(&self, parts: SecurityInformation, new: &SecurityDescriptor) -> Result<()> {
        self.done("change security of service", self.service.set_security(parts, &new.to_bytes()))
    }

    fn dependents(&self, states: StateFilter) -> Result<Vec<Enumerated>> {
        let found = self.done("list dependents of service", self.service.dependents(states))?;
        Ok(found.into_iter().map(enumerated).collect())
    }

    fn wait(&self, mask: NotifyMask, timeout: Duration) -> Result<Option<Notification>> {
        let again = || self.machine.open(ManagerAccess::CONNECT)?.open_service(&self.name, self.access);
        self.done("wait for service", self.service.wait(mask, timeout, again))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svckit_core::kind::ServiceType;

    #[test]
    fn a_process_that_stops_and_is_gone_before_it_answers_has_done_what_it_was_told() {
        let stopped = ServiceStatus::stopped(ServiceType::WIN32_OWN_PROCESS, Win32Error::SUCCESS);
        let running = ServiceStatus { state: ServiceState::RUNNING, ..stopped };
        let (broken, refused) = (Err(Win32Error::BROKEN_PIPE), Err(Win32Error::ACCESS_DENIED));
        assert_eq!(settled(broken, || Ok(stopped)), Ok(stopped));
        assert_eq!(settled(broken, || Ok(running)), broken);
        assert_eq!(settled(broken, || refused), broken);
        assert_eq!(settled(refused, || Ok(stopped)), refused);
        assert_eq!(settled(Ok(running), || Ok(stopped)), Ok(running));
    }
}
