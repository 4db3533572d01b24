//! Questions: answered from memory.

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Enumerated;
use svckit_core::config::{Config2, Config2Level, ServiceConfig};
use svckit_core::kind::ServiceType;
use svckit_core::name::{DisplayName, GroupName};
use svckit_core::status::{ServiceStatus, StateFilter};
use svckit_core::win32::Win32Error;

use super::{ConnectionId, HandleId, Scm, Service};
use crate::error::Failure;

/// `SERVICE_TYPE_ALL`, the types that an enumeration may be asked for.
const TYPES: u32 = 0x3FF;

impl Scm {
    pub(crate) fn status(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
    ) -> Result<ServiceStatus, Failure> {
        Ok(self.behind(connection, id, ServiceAccess::QUERY_STATUS)?.status())
    }

    /// The status behind a handle without asking for a right: to go with a refused control.
    pub(crate) fn status_anyhow(&mut self, connection: ConnectionId, id: HandleId) -> Option<ServiceStatus> {
        self.behind(connection, id, ServiceAccess::empty()).ok().map(Service::status)
    }

    pub(crate) fn config(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
    ) -> Result<ServiceConfig, Failure> {
        Ok(self.behind(connection, id, ServiceAccess::QUERY_CONFIG)?.record.config.clone())
    }

    pub(crate) fn config2(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        level: Config2Level,
    ) -> Result<Config2, Failure> {
        let service = self.behind(connection, id, ServiceAccess::QUERY_CONFIG)?;
        if level == Config2Level::FAILURE_ACTIONS && service.service_type().intersects(ServiceType::DRIVER) {
            return Err(Win32Error::CANNOT_DETECT_DRIVER_FAILURE.into());
        }
        service.record.extra.level(level).ok_or_else(|| Win32Error::INVALID_LEVEL.into())
    }

    pub(crate) fn enumerate(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        types: ServiceType,
        states: StateFilter,
        group: Option<&str>,
    ) -> Result<Vec<Enumerated>, Failure> {
        let token = self.check_manager(connection, id, ManagerAccess::ENUMERATE_SERVICE)?;
        check_states(states)?;
        if types.0 == 0 || types.0 & !TYPES != 0 {
            return Err(Win32Error::INVALID_PARAMETER.into());
        }
        let group = match group {
            None | Some("") => group.map(|_| None),
            Some(name) => Some(Some(GroupName::new(name).map_err(|_| Win32Error::INVALID_PARAMETER)?)),
        };
        if let Some(Some(name)) = &group
            && self.order.group(name).is_empty()
        {
            return Err(Win32Error::SERVICE_DOES_NOT_EXIST.into());
        }
        let found = self.services.values().filter(|service| {
            let config = &service.record.config;
            config.service_type.intersects(types)
                && states.admits(service.state())
                && group.as_ref().is_none_or(|group| *group == config.load_order_group)
                // Who may not ask for its status isn't told of it ([MS-SCMR] 3.1.4.40).
                && service.permits(&token, ServiceAccess::QUERY_STATUS)
        });
        Ok(found.map(enumerated).collect())
    }

    pub(crate) fn display_name(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        name: &str,
    ) -> Result<String, Failure> {
        self.check_manager(connection, id, ManagerAccess::CONNECT)?;
        let key = self.find(name)?;
        Ok(self.service(&key)?.record.config.display_name.as_str().to_owned())
    }

    pub(crate) fn key_name(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        display_name: &str,
    ) -> Result<String, Failure> {
        self.check_manager(connection, id, ManagerAccess::CONNECT)?;
        let name =
            DisplayName::new(display_name).map_err(|error| Failure::new(error.code(), error.to_string()))?;
        let key = self.display_names.get(&name.folded()).ok_or(Win32Error::SERVICE_DOES_NOT_EXIST)?;
        Ok(self.service(key)?.name().as_str().to_owned())
    }

    pub(crate) fn dependents(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        states: StateFilter,
    ) -> Result<Vec<Enumerated>, Failure> {
        let key = self.check_service(connection, id, ServiceAccess::ENUMERATE_DEPENDENTS)?;
        check_states(states)?;
        let name = self.service(&key)?.name().clone();
        let dependents = self.order.dependents(&name);
        let services = dependents.iter().filter_map(|name| self.services.get(&name.folded()));
        Ok(services.filter(|service| states.admits(service.state())).map(enumerated).collect())
    }
}

fn check_states(states: StateFilter) -> Result<(), Failure> {
    if (1..=3).contains(&states.0) { Ok(()) } else { Err(Win32Error::INVALID_PARAMETER.into()) }
}

fn enumerated(service: &Service) -> Enumerated {
    Enumerated {
        name: service.name().as_str().to_owned(),
        display_name: service.record.config.display_name.as_str().to_owned(),
        status: service.status(),
    }
}
