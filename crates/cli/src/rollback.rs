//! A service that doesn't run as its file says now is made what it was before.

use svckit_core::name::ServiceName;
use svckit_manager::update::{self, Former};

use crate::app::App;
use crate::bulk::End;
use crate::failure::Failure;
use crate::verbs::control;

/// A service that was changed.
pub(crate) struct Before {
    pub(crate) name: ServiceName,
    pub(crate) former: Former,
    /// Whether it ran.
    pub(crate) ran: bool,
}

/// Sets back those that were changed and could not be started; which services are to be tried again: those that ran before, and those that were left out because of
/// them. Each is set back once, so that this comes to an end.
pub(crate) fn set_back(
    app: &mut App,
    tried: &[ServiceName],
    ends: &[End],
    before: &mut Vec<Before>,
) -> Result<Vec<ServiceName>, Failure> {
    let mut again = Vec::new();
    let mut any = false;
    for (name, end) in tried.iter().zip(ends) {
        let place = before.iter().position(|one| one.name == *name);
        match (end, place) {
            (End::LeftOut(_), _) => again.push(name.clone()),
            (End::Failed(_), Some(place)) => {
                let one = before.swap_remove(place);
                if take_back(app, name, one.former)? {
                    any = true;
                    again.extend(one.ran.then(|| name.clone()));
                }
            }
            _ => {}
        }
    }
    Ok(if any { again } else { Vec::new() })
}

/// Whether a service is as it was.
fn take_back(app: &mut App, name: &ServiceName, former: Former) -> Result<bool, Failure> {
    // It may still be starting, with what is to go.
    let stopped = control::stop_one(app, name);
    let done = update::take_back(app.backend()?, name, former);
    if let Err(failure) = stopped {
        app.ui.warn(format!("{name} doesn't run as the file says, and can't be stopped:"))?;
        failure.print(&mut app.ui)?;
    }
    match done {
        Ok(()) => app.ui.warn(format!("{name} doesn't run as the file says; it is as before again"))?,
        Err(error) => {
            app.ui
                .warn(format!("{name} doesn't run as the file says, and isn't quite as before: {error}"))?;
            return Ok(false);
        }
    }
    Ok(true)
}
