//! `svc down`: stop and remove.

use svckit_core::access::ManagerAccess;

use crate::app::{self, App};
use crate::args::Definition;
use crate::failure::Failure;
use crate::verbs::install::{exists, remove_one, removed_json};

/// Stops and removes the services of a file, dependents first.
pub(crate) fn run(app: &mut App, arguments: &Definition) -> Result<(), Failure> {
    let definition = app::definition(&arguments.definition)?;
    let mut gone = Vec::new();
    for service in definition.services.iter().rev() {
        let manager = app.manager(ManagerAccess::CONNECT)?;
        if !exists(&*manager, &service.name)? {
            app.ui.say(format!("{} is not installed; nothing to do", service.name))?;
            continue;
        }
        drop(manager);
        remove_one(app, &service.name, true)?;
        app.ui.say(format!("stopped and removed {}", service.name))?;
        gone.push(service.name.clone());
    }
    removed_json(app, &gone)
}
