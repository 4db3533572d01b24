//! All that is stored of many services, in as few calls as the service control manager has for it.

use std::collections::HashSet;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Backend, Enumerated, Manager, Service};
use svckit_core::config::{Config2, Config2Level};
use svckit_core::kind::ServiceType;
use svckit_core::name::ServiceName;
use svckit_core::native::{Configured, Reply, Request};
use svckit_core::security::{SecurityDescriptor, SecurityInformation};
use svckit_core::status::StateFilter;
use svckit_core::{Error, Result, Win32Error};

use crate::access;
use crate::definition;
use crate::install::is_unsupported;

const OPERATION: &str = "query configurations";

/// The same of one service.
const OF_ONE: &str = "query configuration of service";

/// Every service that is no driver. Where the service control manager can't tell all at once, the optional configuration and the definition are asked for only of
/// services that svckit hosts and of those that are `named`: of the others they are left out. So is a service that may not be read; if it is named, that is
/// an error, since it would be taken for one that isn't there.
pub fn configurations(backend: &dyn Backend, named: &[ServiceName]) -> Result<Vec<Configured>> {
    match backend.native(Request::Configurations) {
        Ok(Reply::Configurations { services }) => {
            check_named(backend, named, &services)?;
            Ok(services)
        }
        Ok(Reply::Error { code: Win32Error::NOT_SUPPORTED, .. }) => one_by_one(backend, named),
        Err(error) if error.code == Win32Error::NOT_SUPPORTED => one_by_one(backend, named),
        Ok(Reply::Error { code, message }) => Err(failed(backend, code, &message)),
        Ok(_) => {
            let cause = "the reply is one to another request";
            Err(failed(backend, Win32Error::RPC_S_PROTOCOL_ERROR, cause))
        }
        Err(error) => Err(error),
    }
}

/// Refuses a service that is named and was not told because it may not be read.
fn check_named(backend: &dyn Backend, named: &[ServiceName], told: &[Configured]) -> Result<()> {
    let told: HashSet<String> = told.iter().map(|one| one.service.folded()).collect();
    let untold: Vec<_> = named.iter().filter(|name| !told.contains(&name.folded())).collect();
    if untold.is_empty() {
        return Ok(());
    }
    let manager = access::open_manager(backend, OPERATION, ManagerAccess::CONNECT)?;
    for name in untold {
        match access::open_with(&*manager, OF_ONE, name, ServiceAccess::QUERY_CONFIG) {
            Err(error) if error.code == Win32Error::ACCESS_DENIED => return Err(error),
            // It isn't there, or came just now.
            _ => {}
        }
    }
    Ok(())
}

fn one_by_one(backend: &dyn Backend, named: &[ServiceName]) -> Result<Vec<Configured>> {
    let named: HashSet<String> = named.iter().map(ServiceName::folded).collect();
    let hosted = hosted(backend)?;
    let manager = backend.open_manager(ManagerAccess::CONNECT | ManagerAccess::ENUMERATE_SERVICE)?;
    let mut all = Vec::new();
    for found in manager.enumerate(ServiceType::WIN32, StateFilter::ALL, None)? {
        // A name that is none can't be that of a service that a definition is about.
        let Ok(service) = ServiceName::new(found.name.as_str()) else { continue };
        let key = service.folded();
        let whole = named.contains(&key) || hosted.contains(&key);
        match one(backend, &*manager, service, &found, whole) {
            Ok(configured) => all.push(configured),
            Err(error) if error.code == Win32Error::SERVICE_DOES_NOT_EXIST => {}
            Err(error) if error.code == Win32Error::ACCESS_DENIED && !named.contains(&key) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

fn one(
    backend: &dyn Backend,
    manager: &dyn Manager,
    service: ServiceName,
    found: &Enumerated,
    whole: bool,
) -> Result<Configured> {
    let open = access::open_with(manager, OF_ONE, &service, ServiceAccess::QUERY_CONFIG)?;
    let config = open.config()?;
    let optional = if whole { optional(&*open)? } else { Vec::new() };
    let definition = if whole { definition::kept(backend, &service)? } else { None };
    let security = if whole { security(manager, &service) } else { None };
    Ok(Configured { service, state: found.status.state, config, optional, security, definition })
}

/// The security descriptor without what is recorded, for who may read it.
fn security(manager: &dyn Manager, service: &ServiceName) -> Option<SecurityDescriptor> {
    let parts = SecurityInformation::OWNER
        | SecurityInformation::GROUP
        | SecurityInformation::DACL
        | SecurityInformation::LABEL;
    let open = manager.open_service(service.as_str(), ServiceAccess::READ_CONTROL);
    open.and_then(|service| service.security(parts)).ok()
}

/// The levels that the service control manager knows.
fn optional(service: &dyn Service) -> Result<Vec<Config2>> {
    let mut known = Vec::new();
    for level in Config2Level::ALL {
        match service.config2(level) {
            Ok(value) => known.push(value),
            Err(error) if is_unsupported(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(known)
}

/// The keys of the services that svckit hosts.
fn hosted(backend: &dyn Backend) -> Result<HashSet<String>> {
    match backend.native(Request::HostStates { services: None }) {
        Ok(Reply::HostStates { states }) => Ok(states.iter().map(|state| state.service.folded()).collect()),
        Ok(Reply::Error { code: Win32Error::NOT_SUPPORTED, .. }) => Ok(HashSet::new()),
        Err(error) if error.code == Win32Error::NOT_SUPPORTED => Ok(HashSet::new()),
        Ok(Reply::Error { code, message }) => Err(failed(backend, code, &message)),
        Ok(_) => {
            Err(failed(backend, Win32Error::RPC_S_PROTOCOL_ERROR, "the reply is one to another request"))
        }
        Err(error) => Err(error),
    }
}

fn failed(backend: &dyn Backend, code: Win32Error, cause: &str) -> Box<Error> {
    Box::new(Error::new(OPERATION, code).target(backend.target()).cause(cause))
}
