//! From a definition to the plan of an installation, and what carrying it out came to.

use std::path::{Path, PathBuf};

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::config::{Config2, ServiceConfig};
use svckit_core::definition::HostDefinition;
use svckit_core::image_path::{HostImage, ImagePath};
use svckit_core::name::ServiceName;
use svckit_core::native::{Reply, Request};
use svckit_core::secret::Secret;
use svckit_core::win32::Win32Error;
use svckit_manager::install::{self, InstallPlan};
use svckit_manager::update::Former;
use svckit_manager::{plan, update};
use svckit_recipe::ServiceDefinition;

use crate::accounts;
use crate::app::{App, Home};
use crate::failure::Failure;
use crate::table::printable;

/// A service as it shall be.
pub(crate) struct Wanted {
    pub(crate) service: ServiceDefinition,
    /// What its host is given, if it has one.
    pub(crate) host: Option<HostDefinition>,
    pub(crate) image_path: ImagePath,
    /// The file that defines it; absent: it belongs to none.
    pub(crate) file: Option<PathBuf>,
    /// Goes with the account; never printed.
    pub(crate) password: Option<Secret>,
}

impl Wanted {
    /// The file that it belongs to, by the name under which that is known.
    pub(crate) fn source(&self) -> Option<&Path> {
        let stored = self.host.as_ref().and_then(|host| host.source.as_deref());
        stored.or(self.file.as_deref())
    }

    /// Makes it that of a text that is in no file.
    pub(crate) fn belong_to_no_file(&mut self) {
        self.file = None;
        if let Some(host) = &mut self.host {
            host.source = None;
        }
    }
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
    let stored = kept_definition(app, name)?;
    let home = app.home()?;
    own(name, (&present, stored.as_deref()), wanted.service.binary_path())?;
    can_leave_host(&home, wanted, &present)?;
    accounts::prepare(app, wanted, Some(&present))?;
    let to = install_plan(wanted, Some(&present));
    let after = (&to.service.config, wanted.host.as_ref());
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
        definition: wanted.host.clone().map(Box::new),
    }
}

/// Refuses a service that svckit did not make, and that doesn't run the program of the binary path either which is `wanted`.
pub(crate) fn refuse_stranger(
    app: &mut App,
    name: &ServiceName,
    wanted: Option<&ImagePath>,
) -> Result<(), Failure> {
    let present = app.open(name, ServiceAccess::QUERY_CONFIG)?.config()?;
    if HostImage::of(&present.image_path).is_some() {
        return Ok(());
    }
    let stored = kept_definition(app, name)?;
    own(name, (&present, stored.as_deref()), wanted)
}

/// Refuses a service that is none of ours: neither its image path nor a stored definition is. Of one without a host nothing but its program tells whose it is.
pub(crate) fn own(
    name: &ServiceName,
    (present, stored): (&ServiceConfig, Option<&HostDefinition>),
    wanted: Option<&ImagePath>,
) -> Result<(), Failure> {
    if HostImage::of(&present.image_path).is_some() || stored.is_some() {
        return Ok(());
    }
    let is_process = present.service_type.is_win32();
    if wanted.is_some_and(|wanted| is_process && wanted.is_same_program(&present.image_path)) {
        return Ok(());
    }
    Err(Failure::Stranger {
        service: name.to_string(),
        image: printable(present.image_path.as_str()),
        program: wanted.map(|wanted| printable(wanted.as_str())),
    })
}

/// Refuses to take a service from its host where the host's definition would stay behind.
pub(crate) fn can_leave_host(home: &Home, wanted: &Wanted, present: &ServiceConfig) -> Result<(), Failure> {
    if home.program.is_some() || wanted.host.is_some() || HostImage::of(&present.image_path).is_none() {
        return Ok(());
    }
    let name = &wanted.service.name;
    let message = format!(
        "svckit hosts service {:?} on that machine, and what its host was given can't be taken away from afar",
        name.as_str()
    );
    Err(Failure::usage(message).hint(format!("run svc there, or remove it first: svc remove {name}")))
}

fn warn(app: &mut App, wanted: &Wanted, warnings: &[svckit_core::Error]) -> Result<(), Failure> {
    for warning in warnings {
        app.ui.warn(format!("{}: {warning}", wanted.service.name))?;
    }
    Ok(())
}

/// The definition that is stored with a service; none where the service control manager keeps no definitions.
pub(crate) fn kept_definition(
    app: &mut App,
    name: &ServiceName,
) -> Result<Option<Box<HostDefinition>>, Failure> {
    match stored_definition(app, name) {
        Err(failure) if failure.code() == Some(Win32Error::NOT_SUPPORTED) => Ok(None),
        other => other,
    }
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
