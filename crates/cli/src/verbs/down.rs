//! `svc down`: stop and remove.

use svckit_core::access::ManagerAccess;
use svckit_core::name::ServiceName;

use crate::app::App;
use crate::apply;
use crate::args::Definition;
use crate::definitions;
use crate::failure::Failure;
use crate::several::each;
use crate::verbs::install::{exists, remove_one, removed_json};

/// Stops and removes the services of a file, dependents first.
pub(crate) fn run(app: &mut App, arguments: &Definition) -> Result<(), Failure> {
    let definition = definitions::read(&arguments.definition)?;
    let is_one = definition.services.len() == 1;
    let names = definition.services.into_iter().rev().map(|service| service.name);
    let mut gone = Vec::new();
    let outcome = each(app, names, is_one, |app, name| {
        if take_down(app, name)? {
            gone.push(name.clone());
        }
        Ok(())
    })?;
    if outcome.end.is_ok() || !gone.is_empty() {
        removed_json(app, &gone)?;
    }
    outcome.end
}

/// Whether there was something to take down.
fn take_down(app: &mut App, name: &ServiceName) -> Result<bool, Failure> {
    let manager = app.manager(ManagerAccess::CONNECT)?;
    if !exists(&*manager, name)? {
        app.ui.say(format!("{name} is not installed; nothing to do"))?;
        return Ok(false);
    }
    drop(manager);
    apply::refuse_stranger(app, name)?;
    remove_one(app, name)?;
    app.ui.say(format!("stopped and removed {name}"))?;
    Ok(true)
}
