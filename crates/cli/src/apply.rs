//! From a definition to the plan of an installation, and what carrying it out came to.

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::config::{Config2, ServiceConfig};
use svckit_core::definition::HostDefinition;
use svckit_core::image_path::{HostImage, ImagePath};
use svckit_core::name::ServiceName;
use svckit_core::native::{Reply, Request};
use svckit_core::secret::Secret;
use svckit_manager::install::{self, InstallPlan};
use svckit_manager::update::Former;
use svckit_manager::{plan, update};
use svckit_recipe::ServiceDefinition;

use crate::accounts;
use crate::app::App;
use crate::failure::Failure;
use crate::table::printable;

/// A service as it shall be.
pub(crate) struct Wanted {
    pub(crate) service: ServiceDefinition,
    pub(crate) host: HostDefinition,
    pub(crate) image_path: ImagePath,
    /// Goes with the account; never printed.
    pub(crate) password: Option<Secret>,
}

/// What bringing a service in line came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Changes {
    /// What was changed, in words; empty: it was in line.
    pub(crate) fields: Vec<&'static str>,
    /// Whether a running service has to be restarted for it.
    pub(crate) needs_restart: bool,
    /// How it was before.
    pub(crate) former: Former,
}

/// Creates the service, whole or not at all.
pub(crate) fn install(app: &mut App, wanted: &Wanted) -> Result<(), Failure> {
    accounts::prepare(app, wanted, None)?;
    let installed = install::install(app.backend()?, &install_plan(wanted, None))?;
    warn(app, wanted, &installed.warnings)
}

/// Changes what differs, all of it or nothing.
pub(crate) fn update(app: &mut App, wanted: &Wanted) -> Result<Changes, Failure> {
    let name = &wanted.service.name;
    let manager = app.manager(ManagerAccess::CONNECT)?;
    let present = manager.open_service(name.as_str(), ServiceAccess::QUERY_CONFIG)?.config()?;
    let stored = stored_definition(app, name)?;
    own(name, &present, stored.as_deref())?;
    accounts::prepare(app, wanted, Some(&present))?;
    let to = install_plan(wanted, Some(&present));
    let after = (&to.service.config, Some(&wanted.host));
    let needs_restart =
        plan::runs_differently((&present, stored.as_deref()), after) || wanted.password.is_some();
    let updated = update::update(app.backend()?, &to)?;
    warn(app, wanted, &updated.warnings)?;
    let needs_restart = needs_restart && !updated.changed.is_empty();
    Ok(Changes { needs_restart, fields: updated.changed, former: updated.former })
}

/// What the file doesn't say stays as it is `present`: when the service is started, and under which account.
pub(crate) fn install_plan(wanted: &Wanted, present: Option<&ServiceConfig>) -> InstallPlan {
    let definition = &wanted.service;
    let mut service = definition.new_service(wanted.image_path.clone(), wanted.password.clone());
    let mut optional = definition.config2();
    if let Some(present) = present {
        if definition.start.is_none() {
            service.config.start_type = present.start_type;
            optional.retain(|value| !matches!(value, Config2::DelayedAutoStart(_)));
        }
        if definition.account.is_none() {
            service.config.account.clone_from(&present.account);
        }
    }
    InstallPlan {
        service,
        config2: optional.into_iter().map(Config2::into_change).collect(),
        security: definition.security.clone(),
        definition: Some(Box::new(wanted.host.clone())),
    }
}

/// Refuses a service that svckit did not make: neither its image path nor a stored definition is ours.
pub(crate) fn refuse_stranger(app: &mut App, name: &ServiceName) -> Result<(), Failure> {
    let present = app.open(name, ServiceAccess::QUERY_CONFIG)?.config()?;
    if HostImage::of(&present.image_path).is_some() {
        return Ok(());
    }
    let stored = stored_definition(app, name)?;
    own(name, &present, stored.as_deref())
}

/// Refuses a service that is none of ours.
pub(crate) fn own(
    name: &ServiceName,
    present: &ServiceConfig,
    stored: Option<&HostDefinition>,
) -> Result<(), Failure> {
    if HostImage::of(&present.image_path).is_some() || stored.is_some() {
        return Ok(());
    }
    Err(Failure::Stranger { service: name.to_string(), image: printable(present.image_path.as_str()) })
}

fn warn(app: &mut App, wanted: &Wanted, warnings: &[svckit_core::Error]) -> Result<(), Failure> {
    for warning in warnings {
        app.ui.warn(format!("{}: {warning}", wanted.service.name))?;
    }
    Ok(())
}

/// The definition that is stored with a service.
pub(crate) fn stored_definition(
    app: &mut App,
    name: &ServiceName,
) -> Result<Option<Box<HostDefinition>>, Failure> {
    match app.native("query definition of service", Some(name), Request::Definition { service: name.clone() })
    {
        Ok(Reply::Definition { definition }) => Ok(definition),
        Ok(_) => Err(app.unexpected("query definition of service").into()),
        Err(error) => Err(error.into()),
    }
}
