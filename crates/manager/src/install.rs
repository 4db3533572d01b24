//! Installing a service as a whole: everything is set, or nothing is left behind.

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Backend, Service};
use svckit_core::config::{Config2, Config2Change, Config2Level, DEFAULT_PRESHUTDOWN_TIMEOUT, NewService};
use svckit_core::definition::HostDefinition;
use svckit_core::failure::FailureActions;
use svckit_core::kind::{LaunchProtection, SidType};
use svckit_core::name::ServiceName;
use svckit_core::rights;
use svckit_core::security::{SecurityDescriptor, SecurityInformation};
use svckit_core::{Error, Result, Win32Error};

use crate::access;
use crate::definition;

/// A service as it shall be.
#[derive(Debug, Clone, PartialEq)]
pub struct InstallPlan {
    /// Name and basic configuration.
    pub service: NewService,
    /// The optional configuration.
    pub config2: Vec<Config2Change>,
    /// Who may do what with it: the parts that are there; absent: as it is.
    pub security: Option<SecurityDescriptor>,
    /// The program to run, for services that svckit hosts; absent: the image path is that of the service's own program.
    pub definition: Option<Box<HostDefinition>>,
}

/// A service was installed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Installed {
    /// Its tag in the load order group, zero without one.
    pub tag: u32,
    /// What this service control manager can't store, and was left out.
    pub warnings: Vec<Error>,
}

/// Creates a service with all that belongs to it. When a step fails, the service is removed again and the error tells which step it was.
pub fn install(backend: &dyn Backend, plan: &InstallPlan) -> Result<Installed> {
    // Failure actions that restart the service may only be set by who may start it.
    let granted = ServiceAccess::CHANGE_CONFIG | ServiceAccess::START | ServiceAccess::DELETE;
    let granted = granted | security_rights(plan.security.as_ref());
    let rights = ManagerAccess::CONNECT | ManagerAccess::CREATE_SERVICE;
    let manager = access::open_manager(backend, "install service", rights)?;
    let (service, tag) = manager.create_service(&plan.service, granted)?;
    match complete(backend, &*service, plan) {
        Ok(warnings) => Ok(Installed { tag, warnings }),
        Err(error) => {
            let outcome = match service.delete() {
                Ok(()) => "the service was removed again".to_owned(),
                Err(error) => format!("removing the service again failed as well: {error}"),
            };
            Err(because(*error, "install service", &plan.service.name, &outcome))
        }
    }
}

/// Everything that comes after the creation; what the service control manager can't store.
fn complete(backend: &dyn Backend, service: &dyn Service, plan: &InstallPlan) -> Result<Vec<Error>> {
    let mut warnings = Vec::new();
    for change in plan.config2.iter().filter(|change| !is_missing_anyway(change)) {
        match service.change_config2(change) {
            Ok(()) => {}
            Err(error) if is_unsupported(&error) && is_default(change) => {}
            Err(error) if is_unsupported(&error) => warnings.push(warning(*error, change.level())),
            Err(error) => return Err(at_step(error, change.level())),
        }
    }
    if let Some(security) = &plan.security {
        set_security(service, security)?;
    }
    if let Some(stored) = &plan.definition {
        definition::store(backend, &plan.service.name, Some(stored.clone()))?;
    }
    Ok(warnings)
}

/// The rights that setting a security descriptor needs.
pub(crate) fn security_rights(security: Option<&SecurityDescriptor>) -> ServiceAccess {
    let parts = security.map_or(SecurityInformation::empty(), SecurityDescriptor::parts);
    ServiceAccess(rights::for_security_change(parts).unwrap_or(0))
}

/// Sets the parts that the descriptor has.
pub(crate) fn set_security(service: &dyn Service, security: &SecurityDescriptor) -> Result<()> {
    service.set_security(security.parts(), security).map_err(|error| {
        let reason = reason(&error);
        Box::new(error.cause(format!("{SECURITY} can't be set: {reason}")))
    })
}

/// The security descriptor in words.
pub(crate) const SECURITY: &str = "the security descriptor";

/// Whether the service control manager doesn't know an optional setting: no reason not to install.
pub(crate) fn is_unsupported(error: &Error) -> bool {
    /// `RPC_S_INVALID_TAG`: how a service control manager refuses a level that its interface doesn't have.
    const INVALID_TAG: Win32Error = Win32Error(1733);
    matches!(error.code, Win32Error::INVALID_LEVEL | Win32Error::NOT_SUPPORTED | INVALID_TAG)
}

/// Whether the change is to what every service has from the start: nobody misses it where it can't be stored.
pub(crate) fn is_default(change: &Config2Change) -> bool {
    let initial = match change {
        Config2Change::Description(None) => return true,
        Config2Change::Description(_) => Config2::Description(None),
        Config2Change::FailureActions(_) => Config2::FailureActions(FailureActions::default()),
        Config2Change::DelayedAutoStart(_) => Config2::DelayedAutoStart(false),
        Config2Change::FailureActionsFlag(_) => Config2::FailureActionsFlag(false),
        Config2Change::Sid(_) => Config2::Sid(SidType::NONE),
        Config2Change::RequiredPrivileges(_) => Config2::RequiredPrivileges(Vec::new()),
        Config2Change::PreshutdownTimeout(_) => Config2::PreshutdownTimeout(DEFAULT_PRESHUTDOWN_TIMEOUT),
        Config2Change::Triggers(_) => Config2::Triggers(Vec::new()),
        Config2Change::PreferredNode(_) => Config2::PreferredNode(None),
        Config2Change::LaunchProtected(_) => Config2::LaunchProtected(LaunchProtection::NONE),
    };
    initial.into_change() == *change
}

/// Whether the change takes away what no new service has: Windows refuses to.
fn is_missing_anyway(change: &Config2Change) -> bool {
    let nothing = matches!(change, Config2Change::PreferredNode(None) | Config2Change::LaunchProtected(_));
    nothing && is_default(change)
}

/// The setting in words.
pub(crate) fn setting(level: Config2Level) -> &'static str {
    match level {
        Config2Level::DESCRIPTION => "the description",
        Config2Level::FAILURE_ACTIONS => "the failure actions",
        Config2Level::DELAYED_AUTO_START => "the delayed start",
        Config2Level::FAILURE_ACTIONS_FLAG => "the failure actions after a stop with an error",
        Config2Level::SID_INFO => "the service SID",
        Config2Level::REQUIRED_PRIVILEGES => "the required privileges",
        Config2Level::PRESHUTDOWN => "the preshutdown time-out",
        Config2Level::TRIGGER_INFO => "the triggers",
        Config2Level::PREFERRED_NODE => "the preferred node",
        Config2Level::LAUNCH_PROTECTED => "the launch protection",
        _ => "an optional setting",
    }
}

/// The error about an optional setting that is left out.
pub(crate) fn warning(error: Error, level: Config2Level) -> Error {
    let cause = format!("this service control manager can't store {}", setting(level));
    error.cause(cause)
}

/// The error with the setting that it is about.
pub(crate) fn at_step(error: Box<Error>, level: Config2Level) -> Box<Error> {
    let reason = reason(&error);
    Box::new(error.cause(format!("{} can't be set: {reason}", setting(level))))
}

/// The error of a whole operation: why, and how things were left.
pub(crate) fn because(
    error: Error,
    operation: &'static str,
    name: &ServiceName,
    outcome: &str,
) -> Box<Error> {
    let cause = format!("{}; {outcome}", reason(&error));
    let whole = Error { operation, ..error };
    Box::new(whole.service(name.as_str()).cause(cause))
}

/// Why, without what was being done.
pub(crate) fn reason(error: &Error) -> String {
    match (&error.cause, error.code.description()) {
        (Some(cause), _) => cause.clone(),
        (None, Some(description)) => description.to_owned(),
        (None, None) => error.code.numbered(),
    }
}
