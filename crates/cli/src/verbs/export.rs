//! `svc export`: the definition that says what is installed.

use std::path::PathBuf;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::config::ServiceConfig;
use svckit_core::error::Error;
use svckit_core::image_path::HostImage;
use svckit_core::name::{ServiceName, fold};
use svckit_core::rights;
use svckit_core::security::{SecurityDescriptor, SecurityInformation};
use svckit_core::sort;
use svckit_core::status::StateFilter;
use svckit_core::win32::Win32Error;
use svckit_recipe::{ServiceDefinition, Stored, secret, toml};

use crate::accounts;
use crate::app::{App, all_named, default_log};
use crate::apply::kept_definition;
use crate::args::Export;
use crate::failure::{Failure, Status};
use crate::report;
use crate::several::each;
use crate::table::printable;
use crate::verbs::show;

/// So many names of services that are left out are told.
const NAMES_TOLD: usize = 10;

/// Prints one definition file with all services that can be said; the others are told, each with the reason.
pub(crate) fn run(app: &mut App, arguments: &Export) -> Result<(), Failure> {
    let names = match &arguments.services[..] {
        [] => hosted(app, |_| true)?,
        named => all_named(app, named)?,
    };
    let is_one = names.len() == 1;
    let mut services = Vec::new();
    let outcome = each(app, names, is_one, |app, name| {
        services.push(definition(app, name, arguments.with_secrets)?);
        Ok(())
    })?;
    if !outcome.is_worth_showing() {
        return outcome.end;
    }
    let text = written(app, &services)?;
    if app.ui.json {
        let one = |service: &ServiceDefinition| {
            let text = written(app, std::slice::from_ref(service))?;
            Ok(serde_json::json!({ "name": service.name.as_str(), "toml": text }))
        };
        let all: Vec<_> = services.iter().map(one).collect::<Result<_, Failure>>()?;
        app.ui.print_json(&all)?;
    } else {
        app.ui.out().write_all(text.as_bytes())?;
    }
    outcome.end
}

/// The services that svckit hosts and whose names are wanted, by name; who else of such a name there is, is told.
pub(crate) fn hosted(app: &mut App, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<ServiceName>, Failure> {
    let wanted = report::all(app, StateFilter::ALL)?.into_iter().filter(|report| is_wanted(&report.name));
    let (mut ours, others): (Vec<_>, Vec<_>) = wanted.partition(|report| report.host.is_some());
    if !others.is_empty() {
        let mut names: Vec<_> =
            others.iter().take(NAMES_TOLD).map(|report| printable(&report.name)).collect();
        if others.len() > NAMES_TOLD {
            names.push(format!("{} more", others.len() - NAMES_TOLD));
        }
        let names = names.join(", ");
        app.ui.warn(format!("what svckit does not host is left out unless it is named: {names}"))?;
    }
    sort::by_key(&mut ours, |report| fold(&report.name));
    Ok(ours.into_iter().filter_map(|report| ServiceName::new(report.name).ok()).collect())
}

/// What is installed under a name, as a definition; one that can be written.
fn definition(app: &mut App, name: &ServiceName, with_secrets: bool) -> Result<ServiceDefinition, Failure> {
    let Installed { definition, config } = installed(app, name)?;
    if !with_secrets {
        refuse_secrets(&definition)?;
    }
    written(app, std::slice::from_ref(&definition))?;
    let platform = app.platform_of_services()?;
    if definition.password.is_none()
        && let Some(account) = accounts::with_password(platform, &config)
    {
        app.ui.warn(format!(
            "{name}: the password of {account} is not part of the definition; --password-stdin takes it"
        ))?;
    }
    Ok(definition)
}

/// A service as it is.
pub(crate) struct Installed {
    /// With its secrets.
    pub(crate) definition: ServiceDefinition,
    config: ServiceConfig,
}

/// What is installed under a name, as a definition.
pub(crate) fn installed(app: &mut App, name: &ServiceName) -> Result<Installed, Failure> {
    let service =
        app.manager(ManagerAccess::CONNECT)?.open_service(name.as_str(), ServiceAccess::QUERY_CONFIG)?;
    let config = service.config()?;
    let optional = show::optional(&*service)?;
    let platform = app.surroundings.platform;
    let stored = kept_definition(app, name)?;
    let (name, default_log) = match &stored {
        Some(_) => {
            let state = app.state_directory()?;
            // The name as it was given when the service was made.
            let host = app.host_states(Some(vec![name.clone()]))?.pop();
            let name = host.map_or_else(|| name.clone(), |host| host.service);
            let default_log = default_log(platform, &state, &name);
            (name, default_log)
        }
        None if HostImage::of(&config.image_path).is_some() => {
            let cause = "what its host runs isn't known here";
            let hint = "svckit hosts it: run svc export on that machine";
            return Err(inexpressible(app, name, cause)?.hint(hint));
        }
        None => (told_name(app, name, &config), PathBuf::new()),
    };
    let host = stored.as_deref();
    let stored =
        Stored { name: &name, config: &config, optional: &optional, host, default_log: &default_log };
    let mut definition = match ServiceDefinition::from_stored(&stored, platform) {
        Ok(definition) => definition,
        Err(error) if host.is_none() => return Err(inexpressible(app, &name, &error.to_string())?),
        Err(error) => {
            let message = format!("cannot export service {:?}: {error}", name.as_str());
            return Err(Failure::Other { message, status: Status::Failure });
        }
    };
    let name = &name;
    definition.security = show::security(app, name).and_then(|security| unusual(&security));
    Ok(Installed { definition, config })
}

/// The parts of a security descriptor that are not as every service has them.
fn unusual(security: &SecurityDescriptor) -> Option<SecurityDescriptor> {
    let differs = |part: &SecurityInformation| security.only(*part) != rights::SERVICE_SECURITY.only(*part);
    let parts = [
        SecurityInformation::OWNER,
        SecurityInformation::GROUP,
        SecurityInformation::DACL,
        SecurityInformation::LABEL,
    ];
    let parts = parts.into_iter().filter(differs).fold(SecurityInformation::empty(), |all, part| all | part);
    Some(security.only(parts)).filter(|unusual| unusual.parts() != SecurityInformation::empty())
}

/// The name as it was given when the service was made, which is no other for services.
fn told_name(app: &mut App, name: &ServiceName, config: &ServiceConfig) -> ServiceName {
    let manager = app.manager(ManagerAccess::CONNECT);
    let told = manager.and_then(|manager| manager.key_name(config.display_name.as_str()));
    let told = told.ok().and_then(|told| ServiceName::new(told).ok()).filter(|told| told == name);
    told.unwrap_or_else(|| name.clone())
}

/// The error about a service that svckit doesn't host, and of which a definition can't say all.
fn inexpressible(app: &mut App, name: &ServiceName, cause: &str) -> Result<Failure, Failure> {
    let mut error = Error::new("export service", Win32Error::NOT_SUPPORTED).service(name.as_str());
    error.target = Some(app.backend()?.target());
    let failure = Failure::from(Box::new(error.cause(cause)));
    Ok(failure.hint(format!("svc show {name} shows its configuration")))
}

/// A secret goes nowhere without being asked for.
pub(crate) fn refuse_secrets(definition: &ServiceDefinition) -> Result<(), Failure> {
    let variables = definition.hosted().into_iter().flat_map(|hosted| &hosted.program.environment);
    let secrets: Vec<_> = variables
        .filter(|(name, value)| secret::seems_secret(name, value))
        .map(|(name, _)| name.as_str())
        .collect();
    if secrets.is_empty() {
        return Ok(());
    }
    let message = format!(
        "cannot export service {:?}: variables seem to hold secrets: {}",
        definition.name.as_str(),
        secrets.join(", ")
    );
    let hint =
        "--with-secrets writes them as they are; as NAME = { file = \"…\" } they would be in no definition";
    Err(Failure::usage(message).hint(hint))
}

pub(crate) fn written(app: &App, services: &[ServiceDefinition]) -> Result<String, Failure> {
    toml::write(services, app.surroundings.platform)
        .map_err(|error| Failure::Other { message: error.to_string(), status: Status::Failure })
}
