//! Waiting for a service to get where it was sent, with a line of progress.

use svckit_core::backend::Service;
use svckit_core::name::ServiceName;
use svckit_core::status::{NotifyMask, ServiceStatus};
use svckit_core::win32::Win32Error;
use svckit_manager::wait::wait_for_state;

use crate::app::App;
use crate::failure::Failure;
use crate::table::printable;

/// What is being waited for, in words.
#[derive(Clone, Copy)]
pub(crate) struct Errand<'a> {
    pub(crate) service: &'a ServiceName,
    /// For errors: `start service`.
    pub(crate) operation: &'static str,
    /// For people: `starting`.
    pub(crate) doing: &'static str,
}

/// Waits until the service is in one of the states.
///
/// Without a limit from the command line it waits as long as there is progress.
pub(crate) fn until(
    app: &mut App,
    service: &dyn Service,
    errand: Errand<'_>,
    states: NotifyMask,
) -> Result<ServiceStatus, Failure> {
    let limits = app.limits();
    let mut broken = Ok(());
    let ui = &mut app.ui;
    let waited = wait_for_state(service, states, limits, &mut |status| {
        if states.intersects(NotifyMask::of(status.state)) {
            return;
        }
        let checkpoint =
            if status.checkpoint > 0 { format!(", checkpoint {}", status.checkpoint) } else { String::new() };
        let name = printable(errand.service.as_str());
        broken = ui.progress(format!("{} {name}: {}{checkpoint}", errand.doing, status.state));
    });
    ui.clear_progress()?;
    broken?;
    waited.map_err(|mut error| {
        error.operation = errand.operation;
        error.service = Some(errand.service.to_string());
        if let (true, Ok(backend)) = (error.target.is_none(), app.backend()) {
            error.target = Some(backend.target());
        }
        if let (Win32Error::WAIT_TIMEOUT, Some(limit)) = (error.code, app.wait) {
            let state =
                service.status().map_or_else(|_| "on its way".to_owned(), |now| now.state.to_string());
            error.cause = Some(format!("it is still {state} after {}", crate::times::span(limit)));
        }
        error.into()
    })
}
