//! What programs inherit.

use std::ffi::OsString;

use svckit_core::name::ServiceName;
use svckit_os::{errno, process};

use crate::environment;

/// The variables of the system, of the account and of the service, as they are now. This process has what they were when the service control manager read
/// them: those of the system when the machine started.
pub(super) fn inherited(service: &ServiceName) -> Result<Vec<(OsString, OsString)>, String> {
    let mut all = process::account_environment().map_err(|error| {
        format!("the system does not tell its variables now ({})", errno::describe(&error))
    })?;
    // The service control manager sets these over the others when it makes a process; services that share one have the first's.
    let own = process::service_environment(service).map_err(|error| {
        format!("the value \"Environment\" of the service's key cannot be read: {}", errno::describe(&error))
    })?;
    all.extend(own);
    all.retain(|(name, _)| environment::is_inherited(name));
    Ok(all)
}
