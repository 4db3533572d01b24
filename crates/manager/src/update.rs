//! Updating a service to a plan: only what differs is written, and when a step fails what was written is set back.

use svckit_core::access::ServiceAccess;
use svckit_core::backend::{Backend, Service};
use svckit_core::config::{
    Config2, Config2Change, Config2Level, ConfigChange, LOCAL_SYSTEM, NewService, ServiceConfig,
};
use svckit_core::definition::HostDefinition;
use svckit_core::name::ServiceName;
use svckit_core::rights;
use svckit_core::secret::Secret;
use svckit_core::security::{SecurityDescriptor, SecurityInformation};
use svckit_core::{Error, Result, Win32Error};

use crate::access;
use crate::definition;
use crate::install::{
    InstallPlan, SECURITY, at_step, because, is_default, is_unsupported, reason, security_rights,
    set_security, setting, warning,
};

const OPERATION: &str = "update service";

/// A service was brought to a plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Updated {
    /// What was changed, in words: `the image path`.
    pub changed: Vec<&'static str>,
    /// What this service control manager can't store, and was left out.
    pub warnings: Vec<Error>,
    /// How it was before, as far as it was changed.
    pub former: Former,
}

/// How a service was before an update, for [`take_back`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Former {
    rights: ServiceAccess,
    undo: Vec<Undo>,
}

/// What the basic configuration shall be.
enum Wanted<'a> {
    /// As that of this service.
    Whole(&'a NewService),
    /// As it is, but for this.
    Changed(&'a ConfigChange),
}

/// How a step is taken back, and what it changed, in words.
#[derive(Debug, Clone, PartialEq)]
struct Undo {
    changed: Vec<&'static str>,
    step: Step,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Config(Box<ConfigChange>),
    Config2(Config2Change),
    Security(Box<SecurityDescriptor>),
    Definition(Option<Box<HostDefinition>>),
}

/// What else shall be.
#[derive(Clone, Copy)]
struct Rest<'a> {
    security: Option<&'a SecurityDescriptor>,
    hosting: Hosting<'a>,
}

/// What svckit shall run for the service.
#[derive(Clone, Copy)]
enum Hosting<'a> {
    /// What it runs.
    AsItIs,
    /// This program.
    Program(&'a HostDefinition),
    /// Nothing: its image path starts it.
    Nothing,
}

/// One update under way.
struct Update<'a> {
    backend: &'a dyn Backend,
    service: &'a dyn Service,
    name: &'a ServiceName,
    undo: Vec<Undo>,
    result: Updated,
}

/// Brings an existing service to the plan. When a step fails, what was written is set back and the error tells which step it was; a password and a tag can't be
/// set back, because nobody can read the old password or ask for a certain tag.
pub fn update(backend: &dyn Backend, plan: &InstallPlan) -> Result<Updated> {
    let name = &plan.service.name;
    let hosting = plan.definition.as_deref().map_or(Hosting::Nothing, Hosting::Program);
    let rest = Rest { security: plan.security.as_ref(), hosting };
    carry_out(backend, name, Wanted::Whole(&plan.service), &plan.config2, rest)
}

/// Changes an existing service as [`update`] does, but leaves alone what the change doesn't name.
pub fn change(
    backend: &dyn Backend,
    name: &ServiceName,
    change: &ConfigChange,
    config2: &[Config2Change],
    security: Option<&SecurityDescriptor>,
) -> Result<Updated> {
    let rest = Rest { security, hosting: Hosting::AsItIs };
    carry_out(backend, name, Wanted::Changed(change), config2, rest)
}

fn carry_out(
    backend: &dyn Backend,
    name: &ServiceName,
    wanted: Wanted<'_>,
    config2: &[Config2Change],
    rest: Rest<'_>,
) -> Result<Updated> {
    // The old failure actions may be ones that only who may start the service may set back.
    let start = match config2.iter().any(|change| change.level() == Config2Level::FAILURE_ACTIONS) {
        true => ServiceAccess::START,
        false => ServiceAccess::empty(),
    };
    let parts = rest.security.map_or(SecurityInformation::empty(), SecurityDescriptor::parts);
    let look = ServiceAccess(rights::for_security_query(parts).unwrap_or(0));
    let rights = ServiceAccess::QUERY_CONFIG | ServiceAccess::CHANGE_CONFIG | start;
    let rights = rights | look | security_rights(rest.security);
    let service = access::open(backend, OPERATION, name, rights)?;
    let mut update =
        Update { backend, service: &*service, name, undo: Vec::new(), result: Updated::default() };
    match update.run(&wanted, config2, rest) {
        Ok(()) => Ok(Updated { former: Former { rights, undo: update.undo }, ..update.result }),
        Err(error) if update.undo.is_empty() => Err(because(*error, OPERATION, name, "nothing was changed")),
        Err(error) => {
            let outcome = match not_taken_back(&update.roll_back()) {
                None => "the changes before it were taken back".to_owned(),
                Some(failed) => format!("of the changes before it {failed}"),
            };
            Err(because(*error, OPERATION, name, &outcome))
        }
    }
}

/// Takes an update back that was carried out, but for a password and a tag, as [`update`] has it. The error is the first of what can't be taken back, and names all
/// of it; the rest is.
pub fn take_back(backend: &dyn Backend, name: &ServiceName, former: Former) -> Result<()> {
    const OPERATION: &str = "take back update of service";
    let service = access::open(backend, OPERATION, name, former.rights)?;
    let mut update =
        Update { backend, service: &*service, name, undo: former.undo, result: Updated::default() };
    let failed = update.roll_back();
    let Some(outcome) = not_taken_back(&failed) else { return Ok(()) };
    let code = failed.first().map_or(Win32Error::GEN_FAILURE, |(_, error)| error.code);
    let error = Error::new(OPERATION, code).service(name.as_str()).target(backend.target());
    Err(Box::new(error.cause(outcome)))
}

/// What could not be taken back, and why: the end of a sentence.
fn not_taken_back(failed: &[(String, Box<Error>)]) -> Option<String> {
    let each = |(what, error): &(String, Box<Error>)| format!("{what} ({})", reason(error));
    let all: Vec<String> = failed.iter().map(each).collect();
    (!all.is_empty()).then(|| format!("these could not be taken back: {}", all.join(", ")))
}

impl Update<'_> {
    fn run(&mut self, wanted: &Wanted<'_>, config2: &[Config2Change], rest: Rest<'_>) -> Result<()> {
        match wanted {
            // What isn't to be changed needn't be readable either.
            Wanted::Changed(change) if **change == ConfigChange::default() => {}
            wanted => self.config(wanted)?,
        }
        for change in config2 {
            self.config2(change)?;
        }
        rest.security.map_or(Ok(()), |security| self.security(security))?;
        match rest.hosting {
            Hosting::AsItIs => Ok(()),
            Hosting::Program(program) => {
                let current = definition::stored(self.backend, self.name)?;
                self.definition(current, Some(program))
            }
            Hosting::Nothing => {
                let current = definition::kept(self.backend, self.name)?;
                self.definition(current, None)
            }
        }
    }

    fn config(&mut self, wanted: &Wanted<'_>) -> Result<()> {
        let current = self.service.config()?;
        let (change, changed) = match wanted {
            Wanted::Whole(new) => difference(&current, &new.config, new.want_tag, new.password.as_ref()),
            Wanted::Changed(change) => {
                let to = current.changed(change);
                let (mut written, mut changed) =
                    difference(&current, &to, change.want_tag, change.password.as_ref());
                if change.want_tag && !written.want_tag {
                    written.want_tag = true;
                    changed.push("the tag");
                }
                (written, changed)
            }
        };
        if changed.is_empty() {
            return Ok(());
        }
        self.service.change_config(&change)?;
        let step = Step::Config(Box::new(reverse(&change, &current)));
        self.undo.push(Undo { changed: changed.clone(), step });
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
        self.undo.extend(current.map(|current| {
            let step = Step::Config2(current.into_change());
            Undo { changed: vec![setting(level)], step }
        }));
        self.result.changed.push(setting(level));
        Ok(())
    }

    fn security(&mut self, wanted: &SecurityDescriptor) -> Result<()> {
        let current = self.service.security(wanted.parts())?;
        if is_secured(&current, wanted) {
            return Ok(());
        }
        set_security(self.service, wanted)?;
        self.undo.push(Undo { changed: vec![SECURITY], step: Step::Security(Box::new(current)) });
        self.result.changed.push(SECURITY);
        Ok(())
    }

    fn definition(
        &mut self,
        current: Option<Box<HostDefinition>>,
        wanted: Option<&HostDefinition>,
    ) -> Result<()> {
        const CHANGED: &str = "the program and its policy";
        if current.as_deref() == wanted {
            return Ok(());
        }
        definition::store(self.backend, self.name, wanted.map(|wanted| Box::new(wanted.clone())))?;
        self.undo.push(Undo { changed: vec![CHANGED], step: Step::Definition(current) });
        self.result.changed.push(CHANGED);
        Ok(())
    }

    /// Takes back what was done, the last first, and goes on after a failure; what could not be taken back, and why.
    fn roll_back(&mut self) -> Vec<(String, Box<Error>)> {
        let mut failed = Vec::new();
        for undo in std::mem::take(&mut self.undo).into_iter().rev() {
            let undone = match undo.step {
                Step::Config(change) => self.service.change_config(&change).map(drop),
                Step::Config2(change) => self.service.change_config2(&change),
                Step::Security(security) => set_security(self.service, &security),
                Step::Definition(definition) => definition::store(self.backend, self.name, definition),
            };
            if let Err(error) = undone {
                failed.push((undo.changed.join(" and "), error));
            }
        }
        failed
    }
}

/// The change that brings `current` to what is wanted, and what it changes in words.
pub(crate) fn difference(
    current: &ServiceConfig,
    to: &ServiceConfig,
    want_tag: bool,
    password: Option<&Secret>,
) -> (ConfigChange, Vec<&'static str>) {
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
    if note(!to.image_path.is_told_as(&current.image_path), "the image path") {
        change.image_path = Some(to.image_path.clone());
    }
    if note(current.load_order_group != to.load_order_group, "the load order group") {
        change.load_order_group = Some(to.load_order_group.clone());
        change.want_tag = want_tag;
    }
    if note(current.dependencies != to.dependencies, "the dependencies") {
        change.dependencies = Some(to.dependencies.clone());
    }
    let same_account = account(current).eq_ignore_ascii_case(account(to));
    if note(!same_account || password.is_some(), "the account") {
        change.account = Some(account(to).to_owned());
        change.password = password.cloned();
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

/// Whether the parts of a security descriptor that are wanted are there. They are kept with specific rights in place of generic ones.
pub(crate) fn is_secured(current: &SecurityDescriptor, wanted: &SecurityDescriptor) -> bool {
    let parts = wanted.parts();
    current.only(parts).to_string() == wanted.mapped(&rights::SERVICE).only(parts).to_string()
}

/// Whether a change would change nothing.
pub(crate) fn is_already(current: &Config2, change: &Config2Change) -> bool {
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
