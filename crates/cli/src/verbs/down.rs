//! `svc down`: stop and remove.

use svckit_core::access::ManagerAccess;
use svckit_core::name::ServiceName;

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
    let names = definition.services.into_iter().rev().map(|service| service.name);
    let mut there = Vec::new();
    let looked_at = each(app, names, is_one, |app, name| {
        if is_to_go(app, name)? {
            there.push(name.clone());
        }
        Ok(())
    })?;
    let action = (Action::Remove { stop: true }, arguments.jobs);
    take_away(app, &there, action, "stopped and removed", (is_one, looked_at.end))
}

/// Whether there is something to take down.
fn is_to_go(app: &mut App, name: &ServiceName) -> Result<bool, Failure> {
    let manager = app.manager(ManagerAccess::CONNECT)?;
    if !exists(&*manager, name)? {
        app.ui.say(format!("{name} is not installed; nothing to do"))?;
        return Ok(false);
    }
    apply::refuse_stranger(app, name)?;
    Ok(true)
}
