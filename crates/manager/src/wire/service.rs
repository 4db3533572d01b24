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

use super::manager::larger;
use super::place::{Opened, Place, Way};
use super::waiter::Waiter;
use super::{Connection, Doing, Transport};

/// The size of `SERVICE_STATUS_PROCESS`.
const STATUS_PROCESS: u32 = 36;

/// `SC_STATUS_PROCESS_INFO`.
const PROCESS_INFO: u32 = 0;

/// The first buffer for dependent services at most: rarely there are more than a few.
const FIRST_BUFFER: u32 = 16 * 1024;

pub(super) struct WireService<S: Transport> {
    place: Place<S>,
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
        let place = Place::new(connection, handle, Way::Service(name.clone(), access));
        Self { place, name, access, waiter: RefCell::new(None) }
    }

    fn doing(&self, operation: &'static str) -> Doing {
        Doing::to(operation, &self.name)
    }

    /// Makes a call that changes something, once.
    fn ask(&self, doing: &Doing, call: impl FnOnce(Handle) -> Call) -> Result<Answer> {
        let at = self.place.now();
        at.connection.ask(doing, &call(at.handle))
    }

    fn unexpected(&self, doing: &Doing) -> Box<Error> {
        unexpected(&self.place.now(), doing)
    }

    /// The level that has a call of its own ([MS-SCMR] 3.1.4.48).
    fn triggers(at: &Opened<S>, doing: &Doing) -> Result<Config2> {
        let call = Call::QueryServiceConfigEx { service: at.handle, level: Config2Level::TRIGGER_INFO };
        match at.connection.ask(doing, &call) {
            Ok(Answer::QueryServiceConfigEx { info: ConfigInfo::Triggers(all), .. }) => {
                Ok(Config2::Triggers(all.unwrap_or_default()))
            }
            Ok(_) => Err(unexpected(at, doing)),
            // It is older than triggers.
            Err(error) if error.code == Win32Error::RPC_S_PROCNUM_OUT_OF_RANGE => {
                Err(doing.error(Win32Error::INVALID_LEVEL, &at.connection.shared.target))
            }
            Err(error) => Err(error),
        }
    }

    /// Any other.
    fn level(at: &Opened<S>, doing: &Doing, level: Config2Level) -> Result<Config2> {
        let mut size = S::FIRST_BUFFER.min(MAX_8K);
        let buffer = loop {
            let call = Call::QueryServiceConfig2 { service: at.handle, level, size };
            let answer = at.connection.ask_for(doing, &call)?;
            let Answer::QueryServiceConfig2 { buffer, code, .. } = answer else {
                return Err(unexpected(at, doing));
            };
            if code == Win32Error::INSUFFICIENT_BUFFER && size < MAX_8K {
                size = MAX_8K;
                continue;
            }
            check_size(at, doing, code)?;
            break buffer;
        };
        buffers::read_config2(level, &buffer)
            .map_err(|error| at.connection.nonsense(doing, error.to_string()))?
            .ok_or_else(|| doing.error(Win32Error::INVALID_LEVEL, &at.connection.shared.target))
    }

    /// Those that depend on it.
    fn depending(at: &Opened<S>, doing: &Doing, states: StateFilter) -> Result<Vec<Enumerated>> {
        let mut size = S::FIRST_BUFFER.min(FIRST_BUFFER);
        loop {
            let call = Call::EnumDependentServices { service: at.handle, states, size };
            let answer = at.connection.ask_for(doing, &call)?;
            let Answer::EnumDependentServices { buffer, needed, returned, code } = answer else {
                return Err(unexpected(at, doing));
            };
            if code == Win32Error::MORE_DATA && size < MAX_256K {
                size = larger(size, needed);
                continue;
            }
            code.check().map_err(|code| doing.error(code, &at.connection.shared.target))?;
            return buffers::read_enum_status(&buffer, returned)
                .map_err(|error| at.connection.nonsense(doing, error.to_string()));
        }
    }
}

fn unexpected<S: Transport>(at: &Opened<S>, doing: &Doing) -> Box<Error> {
    at.connection.nonsense(doing, "the answer is one to another call")
}

/// A structure that the protocol limits to 8 KiB.
fn check_size<S: Transport>(at: &Opened<S>, doing: &Doing, code: Win32Error) -> Result<()> {
    let Err(code) = code.check() else { return Ok(()) };
    let mut error = doing.error(code, &at.connection.shared.target);
    if code == Win32Error::INSUFFICIENT_BUFFER {
        error.cause = Some("it is larger than the 8 KiB that the protocol can carry".to_owned());
    }
    Err(error)
}

impl<S: Transport> Drop for WireService<S> {
    fn drop(&mut self) {
        if let Some(waiter) = self.waiter.get_mut().take() {
            waiter.close();
        }
    }
}

impl<S: Transport> Service for WireService<S> {
    fn delete(&self) -> Result<()> {
        self.ask(&self.doing("delete service"), |service| Call::DeleteService { service }).map(drop)
    }

    fn start(&self, arguments: &[String]) -> Result<()> {
        let arguments = arguments.to_vec();
        self.ask(&self.doing("start service"), |service| Call::StartService { service, arguments }).map(drop)
    }

    fn control(&self, control: Control) -> Result<ServiceStatus> {
        let doing = self.doing(match control {
            Control::STOP => "stop service",
            Control::PAUSE => "pause service",
            Control::CONTINUE => "continue service",
            Control::INTERROGATE => "interrogate service",
            _ => "control service",
        });
        match self.ask(&doing, |service| Call::ControlService { service, control })? {
            Answer::ControlService { status, .. } => Ok(status),
            _ => Err(self.unexpected(&doing)),
        }
    }

    fn stop(&self, reason: &StopReason) -> Result<ServiceStatus> {
        let doing = self.doing("stop service");
        let params = ControlParams::Reason(Some(reason.clone()));
        let control = Control::STOP;
        match self.ask(&doing, |service| Call::ControlServiceEx { service, control, params })? {
            Answer::ControlServiceEx { status: Some(status), .. } => Ok(status),
            _ => Err(self.unexpected(&doing)),
        }
    }

    fn status(&self) -> Result<ServiceStatus> {
        let doing = self.doing("query status of service");
        self.place.read(&doing, |at| {
            let (level, size) = (PROCESS_INFO, STATUS_PROCESS);
            let call = Call::QueryServiceStatusEx { service: at.handle, level, size };
            match at.connection.ask(&doing, &call)? {
                Answer::QueryServiceStatusEx { buffer, .. } => buffers::read_status_ex(&buffer)
                    .map_err(|error| at.connection.nonsense(&doing, error.to_string())),
                _ => Err(unexpected(at, &doing)),
            }
        })
    }

    fn config(&self) -> Result<ServiceConfig> {
        let doing = self.doing("query configuration of service");
        self.place.read(&doing, |at| {
            let call = Call::QueryServiceConfig { service: at.handle, size: MAX_8K };
            match at.connection.ask_for(&doing, &call)? {
                Answer::QueryServiceConfig { config, code, .. } => {
                    check_size(at, &doing, code)?;
                    config
                        .to_config(&self.name)
                        .map_err(|code| doing.error(code, &at.connection.shared.target))
                }
                _ => Err(unexpected(at, &doing)),
            }
        })
    }

    fn change_config(&self, change: &ConfigChange) -> Result<u32> {
        let doing = self.doing("change configuration of service");
        let at = self.place.now();
        let password = at.connection.password(&doing, change.password.as_ref())?;
        let change = ChangeServiceConfig { password, ..ChangeServiceConfig::new(at.handle, change) };
        let call = Call::ChangeServiceConfig(Box::new(change));
        match at.connection.ask(&doing, &call)? {
            Answer::ChangeServiceConfig { tag, .. } => Ok(tag.unwrap_or(0)),
            _ => Err(self.unexpected(&doing)),
        }
    }

    fn config2(&self, level: Config2Level) -> Result<Config2> {
        let doing = self.doing("query configuration of service");
        self.place.read(&doing, |at| match level {
            Config2Level::TRIGGER_INFO => Self::triggers(at, &doing),
            level => Self::level(at, &doing, level),
        })
    }

    fn change_config2(&self, change: &Config2Change) -> Result<()> {
        let doing = self.doing("change configuration of service");
        let at = self.place.now();
        let info =
            ConfigInfo::try_from(change).map_err(|code| doing.error(code, &at.connection.shared.target))?;
        at.connection.ask(&doing, &Call::ChangeServiceConfig2 { service: at.handle, info }).map(drop)
    }

    fn security(&self, parts: SecurityInformation) -> Result<SecurityDescriptor> {
        let doing = self.doing("query security of service");
        self.place.read(&doing, |at| at.connection.security(&doing, at.handle, parts))
    }

    fn set_security(&self, parts: SecurityInformation, new: &SecurityDescriptor) -> Result<()> {
        let at = self.place.now();
        at.connection.set_security(&self.doing("change security of service"), at.handle, parts, new)
    }

    fn dependents(&self, states: StateFilter) -> Result<Vec<Enumerated>> {
        let doing = self.doing("list dependents of service");
        self.place.read(&doing, |at| Self::depending(at, &doing, states))
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
                Waiter::open(&self.place.shared(), &doing, &self.name, self.access)?
            }
        };
        match waiter.wait(mask, timeout) {
            Ok(news) => {
                *self.waiter.borrow_mut() = Some(waiter);
                Ok(news.map(|news| Notification { triggered: news.triggered, status: news.status }))
            }
            Err(error) => {
                waiter.close();
                Err(doing.failed_with(error, &self.place.shared().target))
            }
        }
    }
}
