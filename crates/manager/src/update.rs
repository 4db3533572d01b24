//! Updating a service to a plan: only what differs is written, and when a step fails what was written is set back.

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Backend, Service};
use svckit_core::config::{Config2, Config2Change, ConfigChange, LOCAL_SYSTEM, NewService, ServiceConfig};
use svckit_core::definition::HostDefinition;
use svckit_core::{Error, Result};

use crate::definition;
use crate::install::{InstallPlan, at_step, because, is_default, is_unsupported, setting, warning};

/// A service was brought to a plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Updated {
    /// What was changed, in words: `the image path`.
    pub changed: Vec<&'static str>,
    /// What this service control manager can't store, and was left out.
    pub warnings: Vec<Error>,
}

/// How a step is taken back.
enum Undo {
    Config(Box<ConfigChange>),
    Config2(Config2Change),
    Definition(Option<Box<HostDefinition>>),
}

/// One update under way.
struct Update<'a> {
    backend: &'a dyn Backend,
    service: &'a dyn Service,
    plan: &'a InstallPlan,
    undo: Vec<Undo>,
    result: Updated,
}

/// Brings an existing service to the plan. When a step fails, what was written is set back and the error tells which step it was; a password can't be
/// set back, because nobody can read the old one.
pub fn update(backend: &dyn Backend, plan: &InstallPlan) -> Result<Updated> {
    let manager = backend.open_manager(ManagerAccess::CONNECT)?;
    let access = ServiceAccess::QUERY_CONFIG | ServiceAccess::CHANGE_CONFIG | ServiceAccess::START;
    let service = manager.open_service(plan.service.name.as_str(), access)?;
    let mut update =
        Update { backend, service: &*service, plan, undo: Vec::new(), result: Updated::default() };
    match update.run() {
        Ok(()) => Ok(update.result),
        Err(error) if update.undo.is_empty() => {
            Err(because(*error, "update service", plan, "nothing was changed"))
        }
        Err(error) => {
            let outcome = match update.roll_back() {
                Ok(()) => "the changes before it were taken back".to_owned(),
                Err(failed) => format!("taking back the changes before it failed as well: {failed}"),
            };
            Err(because(*error, "update service", plan, &outcome))
        }
    }
}

impl Update<'_> {
    fn run(&mut self) -> Result<()> {
        self.config()?;
        for change in &self.plan.config2 {
            self.config2(change)?;
        }
        self.definition()
    }

    fn config(&mut self) -> Result<()> {
        let current = self.service.config()?;
        let (change, changed) = difference(&current, &self.plan.service);
        if changed.is_empty() {
            return Ok(());
        }
        self.service.change_config(&change)?;
        self.undo.push(Undo::Config(Box::new(reverse(&change, &current))));
        self.result.changed.extend(changed);
        Ok(())
    }

    fn config2(&mut self, change: &Config2Change) -> Result<()> {
        let level = change.level();
        let current = match self.service.config2(level) {
            Ok(current) => Some(current),
            Err(error) if is_unsupported(&error) && is_default(change) => return Ok(()),
            Err(error) if is_unsupported(&error) => None,
            Err(error) => return Err(error),
        };
        if current.as_ref().is_some_and(|current| is_already(current, change)) {
            return Ok(());
        }
        match self.service.change_config2(change) {
            Ok(()) => {}
            Err(error) if is_unsupported(&error) => {
                self.result.warnings.push(warning(*error, level));
                return Ok(());
            }
            Err(error) => return Err(at_step(error, level)),
        }
        self.undo.extend(current.map(|current| Undo::Config2(current.into_change())));
        self.result.changed.push(setting(level));
        Ok(())
    }

    fn definition(&mut self) -> Result<()> {
        let Some(wanted) = &self.plan.definition else { return Ok(()) };
        let name = &self.plan.service.name;
        let current = definition::stored(self.backend, name)?;
        if current.as_ref() == Some(wanted) {
            return Ok(());
        }
        definition::store(self.backend, name, Some(wanted.clone()))?;
        self.undo.push(Undo::Definition(current));
        self.result.changed.push("the program and its policy");
        Ok(())
    }

    /// Takes back what was done, the last first; goes on after a failure and returns the first.
    fn roll_back(&mut self) -> Result<()> {
        let mut failed = Ok(());
        for undo in std::mem::take(&mut self.undo).into_iter().rev() {
            let undone = match undo {
                Undo::Config(change) => self.service.change_config(&change).map(drop),
                Undo::Config2(change) => self.service.change_config2(&change),
                Undo::Definition(definition) => {
                    definition::store(self.backend, &self.plan.service.name, definition)
                }
            };
            failed = failed.and(undone);
        }
        failed
    }
}

/// The change that brings `current` to what is wanted, and what it changes in words.
fn difference(current: &ServiceConfig, wanted: &NewService) -> (ConfigChange, Vec<&'static str>) {
    let to = &wanted.config;
    let mut change = ConfigChange::default();
    let mut changed = Vec::new();
    let mut note = |differs: bool, what| {
        if differs {
            changed.push(what);
        }
        differs
    };
    if note(current.service_type != to.service_type, "the service type") {
        change.service_type = Some(to.service_type);
    }
    if note(current.start_type != to.start_type, "the start type") {
        change.start_type = Some(to.start_type);
    }
    if note(current.error_control != to.error_control, "the error control") {
        change.error_control = Some(to.error_control);
    }
    if note(current.image_path != to.image_path, "the image path") {
        change.image_path = Some(to.image_path.clone());
    }
    if note(current.load_order_group != to.load_order_group, "the load order group") {
        change.load_order_group = Some(to.load_order_group.clone());
        change.want_tag = wanted.want_tag;
    }
    if note(current.dependencies != to.dependencies, "the dependencies") {
        change.dependencies = Some(to.dependencies.clone());
    }
    let same_account = account(current).eq_ignore_ascii_case(account(to));
    if note(!same_account || wanted.password.is_some(), "the account") {
        change.account = Some(account(to).to_owned());
        change.password.clone_from(&wanted.password);
    }
    if note(current.display_name.as_str() != to.display_name.as_str(), "the display name") {
        change.display_name = Some(to.display_name.clone());
    }
    (change, changed)
}

/// The account; none is that of the system.
fn account(config: &ServiceConfig) -> &str {
    config.account.as_deref().unwrap_or(LOCAL_SYSTEM)
}

/// The change that brings back what `change` changed.
fn reverse(change: &ConfigChange, old: &ServiceConfig) -> ConfigChange {
    ConfigChange {
        service_type: change.service_type.map(|_| old.service_type),
        start_type: change.start_type.map(|_| old.start_type),
        error_control: change.error_control.map(|_| old.error_control),
        image_path: change.image_path.as_ref().map(|_| old.image_path.clone()),
        load_order_group: change.load_order_group.as_ref().map(|_| old.load_order_group.clone()),
        want_tag: false,
        dependencies: change.dependencies.as_ref().map(|_| old.dependencies.clone()),
        account: change.account.as_ref().map(|_| account(old).to_owned()),
        password: None,
        display_name: change.display_name.as_ref().map(|_| old.display_name.clone()),
    }
}

/// Whether a change would change nothing.
fn is_already(current: &Config2, change: &Config2Change) -> bool {
    match (current, change) {
        (Config2::Description(text), Config2Change::Description(wanted)) => {
            wanted.is_none() || wanted.as_deref() == Some(text.as_deref().unwrap_or_default())
        }
        (Config2::FailureActions(actions), Config2Change::FailureActions(change)) => {
            let mut after = actions.clone();
            after.apply(change.clone());
            after == *actions
        }
        (current, change) => current.clone().into_change() == *change,
    }
}
