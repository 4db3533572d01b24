//! Opening with the rights that are needed, and telling which of them are missing.

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Backend, Manager, Service};
use svckit_core::name::ServiceName;
use svckit_core::{Error, Result, Win32Error};

/// Opens a service for an operation.
pub(crate) fn open(
    backend: &dyn Backend,
    operation: &'static str,
    name: &ServiceName,
    access: ServiceAccess,
) -> Result<Box<dyn Service>> {
    let manager = open_manager(backend, operation, ManagerAccess::CONNECT)?;
    open_with(&*manager, operation, name, access)
}

/// The same with the service control manager open.
pub(crate) fn open_with(
    manager: &dyn Manager,
    operation: &'static str,
    name: &ServiceName,
    access: ServiceAccess,
) -> Result<Box<dyn Service>> {
    manager.open_service(name.as_str(), access).map_err(|error| {
        let denied = error.code == Win32Error::ACCESS_DENIED;
        let missing = if denied { missing(manager, name, access) } else { ServiceAccess::empty() };
        let mut error = Error { operation, ..*error };
        if missing != ServiceAccess::empty() {
            error.cause = Some(format!("access is denied, it needs {}", missing.names().join(" and ")));
        }
        Box::new(error)
    })
}

/// Opens the service control manager for an operation.
pub(crate) fn open_manager(
    backend: &dyn Backend,
    operation: &'static str,
    access: ManagerAccess,
) -> Result<Box<dyn Manager>> {
    backend.open_manager(access).map_err(|error| {
        let mut error = Error { operation, ..*error };
        if error.code == Win32Error::ACCESS_DENIED {
            error.cause = Some(format!("access is denied, it needs {}", access.names().join(" and ")));
        }
        Box::new(error)
    })
}

/// Whether there is a service. Its display name may be asked for by whoever may connect.
pub(crate) fn exists(backend: &dyn Backend, operation: &'static str, name: &ServiceName) -> Result<bool> {
    let manager = open_manager(backend, operation, ManagerAccess::CONNECT)?;
    match manager.display_name(name.as_str()) {
        Ok(_) => Ok(true),
        Err(error) if error.code == Win32Error::SERVICE_MARKED_FOR_DELETE => Ok(true),
        Err(error) if error.code == Win32Error::SERVICE_DOES_NOT_EXIST => Ok(false),
        Err(error) => Err(Box::new(Error { operation, ..*error })),
    }
}

/// Those of the rights that are denied also when they alone are asked for.
fn missing(manager: &dyn Manager, name: &ServiceName, access: ServiceAccess) -> ServiceAccess {
    let is_denied = |right| {
        let opened = manager.open_service(name.as_str(), right);
        opened.is_err_and(|error| error.code == Win32Error::ACCESS_DENIED)
    };
    let rights = ServiceAccess::NAMED.iter().map(|(right, _)| *right);
    rights
        .filter(|right| access.contains(*right) && is_denied(*right))
        .fold(ServiceAccess::empty(), ServiceAccess::union)
}
