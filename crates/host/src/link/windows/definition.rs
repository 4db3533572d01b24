//! The definitions of services, and which services this process is.

use std::io;
use std::path::PathBuf;

use svckit_core::definition::HostDefinition;
use svckit_core::name::{DisplayName, ServiceName};
use svckit_core::record::{DEFINITION_KEY, DEFINITION_VALUE, FOLDER_VALUE, PARAMETERS_KEY, SERVICES_KEY};
use svckit_os::registry::Key;
use svckit_os::{errno, process};

/// The stored definition of a service, `None` if it has none. Only administrators can write where it is, and only they and the service's account can read it.
pub(super) fn read(service: &ServiceName) -> Result<Option<HostDefinition>, String> {
    match value(service, DEFINITION_KEY, DEFINITION_VALUE).map_err(|error| errno::describe(&error))? {
        Some(text) => serde_json::from_str(&text).map(Some).map_err(|error| error.to_string()),
        None => Ok(None),
    }
}

/// The name of a service that people see, if it is another than its own.
pub(super) fn display_name(service: &ServiceName) -> Option<DisplayName> {
    let key = Key::open(&format!(r"{SERVICES_KEY}\{}", service.as_str())).ok().flatten()?;
    let shown = key.string("DisplayName").ok().flatten().filter(|shown| shown != service.as_str())?;
    DisplayName::new(shown).ok()
}

/// Where a service's states and events go, if there is a place.
pub(super) fn folder(service: &ServiceName) -> Option<PathBuf> {
    value(service, PARAMETERS_KEY, FOLDER_VALUE).ok().flatten().map(PathBuf::from)
}

fn value(service: &ServiceName, key: &str, name: &str) -> io::Result<Option<String>> {
    let key = Key::open(&format!(r"{SERVICES_KEY}\{}\{key}", service.as_str()))?;
    key.map_or(Ok(None), |key| key.string(name))
}

/// The names of the services that this process can be: those with the command line that it was started with.
pub(super) fn services_of_this_process() -> Vec<String> {
    let own = process::own_command_line();
    let Ok(Some(services)) = Key::open(SERVICES_KEY) else { return Vec::new() };
    let is_ours = |name: &String| {
        let Ok(Some(key)) = Key::open(&format!(r"{SERVICES_KEY}\{name}")) else { return false };
        key.string("ImagePath").ok().flatten().is_some_and(|path| path.trim() == own.trim())
    };
    services.subkeys().unwrap_or_default().into_iter().filter(is_ours).collect()
}
