//! `svc down`: stop and remove.

use svckit_core::access::ManagerAccess;
use svckit_recipe::ServiceDefinition;

use crate::app::App;
use crate::apply;
use crate::args::Down;
use crate::bulk::Action;
use crate::definitions;
use crate::failure::Failure;
use crate::several::each;
use crate::verbs::install::{exists, take_away};

/// Stops and removes the services of a file, dependents first.
pub(crate) fn run(app: &mut App, arguments: &Down) -> Result<(), Failure> {
    let definition = definitions::read(&arguments.definition.definition)?;
    let is_one = definition.services.len() == 1;
    let mut there = Vec::new();
    let looked_at = each(app, definition.services.iter().rev(), is_one, |app, service| {
        if is_to_go(app, service)? {
            there.push(service.name.clone());
        }
        Ok(())
    })?;
    let action = (Action::Remove { stop: true }, arguments.jobs);
    take_away(app, &there, action, "stopped and removed", (is_one, looked_at.end))
}

/// Whether there is something to take down.
fn is_to_go(app: &mut App, service: &ServiceDefinition) -> Result<bool, Failure> {
    let name = &service.name;
    let manager = app.manager(ManagerAccess::CONNECT)?;
    if !exists(&*manager, name)? {
        app.ui.say(format!("{name} is not installed; nothing to do"))?;
        return Ok(false);
    }
    apply::refuse_stranger(app, name, service.binary_path())?;
    Ok(true)
}
