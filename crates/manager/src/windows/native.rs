//! What the service control manager of Windows has no call for. Definitions are kept in the registry, beside what Windows keeps of the service, and go with it.

use std::io;

use svckit_core::definition::HostDefinition;
use svckit_core::name::ServiceName;
use svckit_core::native::{Reply, Request};
use svckit_core::{Error, Result, Win32Error};
use svckit_os::errno;
use svckit_os::registry::Key;

use super::failed;

/// Where Windows keeps services.
const SERVICES: &str = r"SYSTEM\CurrentControlSet\Services";

/// The value, in the key `Parameters` of the service, that holds the definition as JSON.
const VALUE: &str = "Definition";

pub(super) fn answer(request: Request) -> Result<Reply> {
    match request {
        Request::Definition { service } => definition(&service),
        Request::SetDefinition { service, definition } => set_definition(&service, definition.as_deref()),
        Request::HostStates { .. }
        | Request::Events { .. }
        | Request::Log { .. }
        | Request::ScmStatus
        | Request::ScmStop => Err(failed("ask service control manager", None, Win32Error::NOT_SUPPORTED)),
    }
}

fn definition(service: &ServiceName) -> Result<Reply> {
    const OPERATION: &str = "read definition of service";
    find(OPERATION, service)?;
    let key = Key::open(&parameters(service)).map_err(|error| broken(OPERATION, service, &error))?;
    let text = key.map(|key| key.string(VALUE)).transpose();
    let text = text.map_err(|error| broken(OPERATION, service, &error))?.flatten();
    let definition: Option<Box<HostDefinition>> = match text {
        None => None,
        Some(text) => Some(serde_json::from_str(&text).map_err(|error| {
            let failed = Error::clone(&failed(OPERATION, Some(service.as_str()), Win32Error::INVALID_DATA));
            Box::new(
                failed.cause(format!("the value {VALUE} of {} is damaged: {error}", parameters(service))),
            )
        })?),
    };
    Ok(Reply::Definition { definition })
}

fn set_definition(service: &ServiceName, definition: Option<&HostDefinition>) -> Result<Reply> {
    const OPERATION: &str = "store definition of service";
    find(OPERATION, service)?;
    let failed_with = |error: &io::Error| broken(OPERATION, service, error);
    match definition {
        Some(definition) => {
            let text = serde_json::to_string(definition).map_err(|error| failed_with(&error.into()))?;
            let key = Key::create(&parameters(service)).map_err(|error| failed_with(&error))?;
            key.set_string(VALUE, &text).map_err(|error| failed_with(&error))?;
        }
        None => {
            let key = Key::create(&parameters(service)).map_err(|error| failed_with(&error))?;
            key.remove(VALUE).map_err(|error| failed_with(&error))?;
        }
    }
    Ok(Reply::Done)
}

/// Nothing is stored for a service that isn't there.
fn find(operation: &'static str, service: &ServiceName) -> Result<()> {
    let key = Key::open(&format!(r"{SERVICES}\{}", service.as_str()));
    match key.map_err(|error| broken(operation, service, &error))? {
        Some(_) => Ok(()),
        None => Err(failed(operation, Some(service.as_str()), Win32Error::SERVICE_DOES_NOT_EXIST)),
    }
}

fn parameters(service: &ServiceName) -> String {
    format!(r"{SERVICES}\{}\Parameters", service.as_str())
}

fn broken(operation: &'static str, service: &ServiceName, error: &io::Error) -> Box<Error> {
    let failed = Error::clone(&failed(operation, Some(service.as_str()), errno::win32(error)));
    Box::new(failed.cause(errno::describe(error)))
}
