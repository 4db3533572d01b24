use svckit_core::backend::Backend;
use svckit_core::definition::HostDefinition;
use svckit_core::name::ServiceName;
use svckit_core::native::{Reply, Request};
use svckit_core::{Error, Result, Win32Error};

/// The stored definition of a service.
pub(crate) fn stored(backend: &dyn Backend, service: &ServiceName) -> Result<Option<Box<HostDefinition>>> {
    let operation = "read definition of service";
    let request = Request::Definition { service: service.clone() };
    match ask(backend, operation, service, request)? {
        Reply::Definition { definition } => Ok(definition),
        _ => Err(nonsense(backend, operation, service)),
    }
}

/// The same; none where the service control manager keeps no definitions.
pub(crate) fn kept(backend: &dyn Backend, service: &ServiceName) -> Result<Option<Box<HostDefinition>>> {
    match stored(backend, service) {
        Err(error) if error.code == Win32Error::NOT_SUPPORTED => Ok(None),
        other => other,
    }
}

/// Stores the definition of a service, or removes it.
pub(crate) fn store(
    backend: &dyn Backend,
    service: &ServiceName,
    definition: Option<Box<HostDefinition>>,
) -> Result<()> {
    let operation = "store definition of service";
    let request = Request::SetDefinition { service: service.clone(), definition };
    match ask(backend, operation, service, request)? {
        Reply::Done => Ok(()),
        _ => Err(nonsense(backend, operation, service)),
    }
}

fn ask(
    backend: &dyn Backend,
    operation: &'static str,
    service: &ServiceName,
    request: Request,
) -> Result<Reply> {
    match backend.native(request)? {
        Reply::Error { code, message } => {
            let error = Error::new(operation, code).service(service.as_str()).target(backend.target());
            Err(Box::new(error.cause(message)))
        }
        reply => Ok(reply),
    }
}

fn nonsense(backend: &dyn Backend, operation: &'static str, service: &ServiceName) -> Box<Error> {
    let error = Error::new(operation, Win32Error::RPC_S_PROTOCOL_ERROR).service(service.as_str());
    Box::new(error.target(backend.target()).cause("the reply is one to another request"))
}
