use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use svckit_core::access::ServiceAccess;
use svckit_core::backend::{Enumerated, Notification, Service};
use svckit_core::config::{Config2, Config2Change, Config2Level, ConfigChange, ServiceConfig};
use svckit_core::control::Control;
use svckit_core::reason::StopReason;
use svckit_core::security::{SecurityDescriptor, SecurityInformation};
use svckit_core::status::{NotifyMask, ServiceStatus, StateFilter};
use svckit_core::{Error, Result, Win32Error};
use svckit_scmr::ops::{
    Answer, Call, ChangeServiceConfig, ConfigInfo, ControlParams, Handle, MAX_8K, MAX_256K, buffers,
};

use super::manager::{close, larger};
use super::waiter::Waiter;
use super::{Connection, Doing, Transport};

/// The size of `SERVICE_STATUS_PROCESS`.
const STATUS_PROCESS: u32 = 36;

/// `SC_STATUS_PROCESS_INFO`.
const PROCESS_INFO: u32 = 0;

/// The first buffer for dependent services at most: rarely there are more than a few.
const FIRST_BUFFER: u32 = 16 * 1024;

pub(super) struct WireService<S: Transport> {
    connection: Rc<Connection<S>>,
    handle: Handle,
    name: String,
    access: ServiceAccess,
    waiter: RefCell<Option<Waiter<S>>>,
}

impl<S: Transport> WireService<S> {
    pub(super) fn new(
        connection: Rc<Connection<S>>,
        handle: Handle,
        name: String,
        access: ServiceAccess,
    ) -> Self {
        Self { connection, handle, name, access, waiter: RefCell::new(None) }
    }

    fn doing(&self, operation: &'static str) -> Doing {
        Doing::to(operation, &self.name)
    }

    fn unexpected(&self, doing: &Doing) -> Box<Error> {
        self.connection.nonsense(doing, "the answer is one to another call")
    }

    /// The level that has a call of its own ([MS-SCMR] 3.1.4.48).
    fn triggers(&self) -> Result<Config2> {
        let doing = self.doing("query configuration of service");
        let call = Call::QueryServiceConfigEx { service: self.handle, level: Config2Level::TRIGGER_INFO };
        match self.connection.ask(&doing, &call) {
            Ok(Answer::QueryServiceConfigEx { info: ConfigInfo::Triggers(all), .. }) => {
                Ok(Config2::Triggers(all.unwrap_or_default()))
            }
            Ok(_) => Err(self.unexpected(&doing)),
            // It is older than triggers.
            Err(error) if error.code == Win32Error::RPC_S_PROCNUM_OUT_OF_RANGE => {
                Err(doing.error(Win32Error::INVALID_LEVEL, &self.connection.shared.target))
            }
            Err(error) => Err(error),
        }
    }

    /// A structure that the protocol limits to 8 KiB.
    fn check_size(&self, doing: &Doing, code: Win32Error) -> Result<()> {
        let Err(code) = code.check() else { return Ok(()) };
        let mut error = doing.error(code, &self.connection.shared.target);
        if code == Win32Error::INSUFFICIENT_BUFFER {
            error.cause = Some("it is larger than the 8 KiB that the protocol can carry".to_owned());
        }
        Err(error)
    }
}

impl<S: Transport> Drop for WireService<S> {
    fn drop(&mut self) {
        if let Some(waiter) = self.waiter.get_mut().take() {
            waiter.close();
        }
        close(&self.connection, self.handle);
    }
}

impl<S: Transport> Service for WireService<S> {
    fn delete(&self) -> Result<()> {
        let call = Call::DeleteService { service: self.handle };
        self.connection.ask(&self.doing("delete service"), &call).map(drop)
    }

    fn start(&self, arguments: &[String]) -> Result<()> {
        let call = Call::StartService { service: self.handle, arguments: arguments.to_vec() };
        self.connection.ask(&self.doing("start service"), &call).map(drop)
    }

    fn control(&self, control: Control) -> Result<ServiceStatus> {
        let doing = self.doing(match control {
            Control::STOP => "stop service",
            Control::PAUSE => "pause service",
            Control::CONTINUE => "continue service",
            Control::INTERROGATE => "interrogate service",
            _ => "control service",
        });
        match self.connection.ask(&doing, &Call::ControlService { service: self.handle, control })? {
            Answer::ControlService { status, .. } => Ok(status),
            _ => Err(self.unexpected(&doing)),
        }
    }

    fn stop(&self, reason: &StopReason) -> Result<ServiceStatus> {
        let doing = self.doing("stop service");
        let params = ControlParams::Reason(Some(reason.clone()));
        let call = Call::ControlServiceEx { service: self.handle, control: Control::STOP, params };
        match self.connection.ask(&doing, &call)? {
            Answer::ControlServiceEx { status: Some(status), .. } => Ok(status),
            _ => Err(self.unexpected(&doing)),
        }
    }

    fn status(&self) -> Result<ServiceStatus> {
        let doing = self.doing("query status of service");
        let call =
            Call::QueryServiceStatusEx { service: self.handle, level: PROCESS_INFO, size: STATUS_PROCESS };
        match self.connection.ask(&doing, &call)? {
            Answer::QueryServiceStatusEx { buffer, .. } => buffers::read_status_ex(&buffer)
                .map_err(|error| self.connection.nonsense(&doing, error.to_string())),
            _ => Err(self.unexpected(&doing)),
        }
    }

    fn config(&self) -> Result<ServiceConfig> {
        let doing = self.doing("query configuration of service");
        let call = Call::QueryServiceConfig { service: self.handle, size: MAX_8K };
        match self.connection.ask_for(&doing, &call)? {
            Answer::QueryServiceConfig { config, code, .. } => {
                self.check_size(&doing, code)?;
                config.to_config(&self.name).map_err(|code| doing.error(code, &self.connection.shared.target))
            }
            _ => Err(self.unexpected(&doing)),
        }
    }

    fn change_config(&self, change: &ConfigChange) -> Result<u32> {
        let doing = self.doing("change configuration of service");
        let password = self.connection.password(&doing, change.password.as_ref())?;
        let change = ChangeServiceConfig { password, ..ChangeServiceConfig::new(self.handle, change) };
        let call = Call::ChangeServiceConfig(Box::new(change));
        match self.connection.ask(&doing, &call)? {
            Answer::ChangeServiceConfig { tag, .. } => Ok(tag.unwrap_or(0)),
            _ => Err(self.unexpected(&doing)),
        }
    }

    fn config2(&self, level: Config2Level) -> Result<Config2> {
        if level == Config2Level::TRIGGER_INFO {
            return self.triggers();
        }
        let doing = self.doing("query configuration of service");
        let mut size = S::FIRST_BUFFER.min(MAX_8K);
        let buffer = loop {
            let call = Call::QueryServiceConfig2 { service: self.handle, level, size };
            let answer = self.connection.ask_for(&doing, &call)?;
            let Answer::QueryServiceConfig2 { buffer, code, .. } = answer else {
                return Err(self.unexpected(&doing));
            };
            if code == Win32Error::INSUFFICIENT_BUFFER && size < MAX_8K {
                size = MAX_8K;
                continue;
            }
            self.check_size(&doing, code)?;
            break buffer;
        };
        buffers::read_config2(level, &buffer)
            .map_err(|error| self.connection.nonsense(&doing, error.to_string()))?
            .ok_or_else(|| doing.error(Win32Error::INVALID_LEVEL, &self.connection.shared.target))
    }

    fn change_config2(&self, change: &Config2Change) -> Result<()> {
        let doing = self.doing("change configuration of service");
        let info =
            ConfigInfo::try_from(change).map_err(|code| doing.error(code, &self.connection.shared.target))?;
        let call = Call::ChangeServiceConfig2 { service: self.handle, info };
        self.connection.ask(&doing, &call).map(drop)
    }

    fn security(&self, parts: SecurityInformation) -> Result<SecurityDescriptor> {
        self.connection.security(&self.doing("query security of service"), self.handle, parts)
    }

    fn set_security(&self, parts: SecurityInformation, new: &SecurityDescriptor) -> Result<()> {
        self.connection.set_security(&self.doing("change security of service"), self.handle, parts, new)
    }

    fn dependents(&self, states: StateFilter) -> Result<Vec<Enumerated>> {
        let doing = self.doing("list dependents of service");
        let mut size = S::FIRST_BUFFER.min(FIRST_BUFFER);
        loop {
            let call = Call::EnumDependentServices { service: self.handle, states, size };
            let answer = self.connection.ask_for(&doing, &call)?;
            let Answer::EnumDependentServices { buffer, needed, returned, code } = answer else {
                return Err(self.unexpected(&doing));
            };
            if code == Win32Error::MORE_DATA && size < MAX_256K {
                size = larger(size, needed);
                continue;
            }
            code.check().map_err(|code| doing.error(code, &self.connection.shared.target))?;
            return buffers::read_enum_status(&buffer, returned)
                .map_err(|error| self.connection.nonsense(&doing, error.to_string()));
        }
    }

    fn wait(&self, mask: NotifyMask, timeout: Duration) -> Result<Option<Notification>> {
        let doing = self.doing("wait for service");
        let kept = self.waiter.borrow_mut().take();
        let mut waiter = match kept {
            Some(waiter) if waiter.serves(mask) => waiter,
            other => {
                if let Some(waiter) = other {
                    waiter.close();
                }
                Waiter::open(&self.connection.shared, &doing, &self.name, self.access)?
            }
        };
        match waiter.wait(mask, timeout) {
            Ok(news) => {
                *self.waiter.borrow_mut() = Some(waiter);
                Ok(news.map(|news| Notification { triggered: news.triggered, status: news.status }))
            }
            Err(error) => {
                waiter.close();
                Err(doing.failed_with(error, &self.connection.shared.target))
            }
        }
    }
}
