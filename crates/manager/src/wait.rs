//! Waiting for a service to get where it was sent.

use svckit_core::backend::Service;
use svckit_core::status::{NotifyMask, ServiceState, ServiceStatus};
use svckit_core::wait::{Limits, Verdict, Watch};
use svckit_core::{Error, Result, Win32Error};
use svckit_os::clock;

/// Waits until the service is in one of the states; `on_progress` is told of every status that is seen on the way.
///
/// A change of state is told by the service control manager. Of checkpoints it doesn't tell: they are looked at when the wait hint suggests it
/// ([`Watch`]). A service that has stopped, or that shows no progress for too long, is an error.
pub fn wait_for_state(
    service: &dyn Service,
    states: NotifyMask,
    limits: Limits,
    on_progress: &mut dyn FnMut(&ServiceStatus),
) -> Result<ServiceStatus> {
    let began = clock::now().tick;
    let mut watch = Watch::new(states, limits, began);
    let mut status = service.status()?;
    loop {
        on_progress(&status);
        let rest = match watch.look(&status, clock::now().tick) {
            Verdict::Arrived => return Ok(status),
            Verdict::Wait(rest) => rest,
            Verdict::Stopped => return Err(stopped(&status)),
            Verdict::Late => {
                let waited = clock::now().tick.since(began);
                let cause = match limits.total.filter(|total| waited >= *total) {
                    Some(total) => format!("it is still {} after {total:?}", status.state),
                    None => format!("it is still {} and shows no progress", status.state),
                };
                return Err(Box::new(Error::new("wait for service", Win32Error::WAIT_TIMEOUT).cause(cause)));
            }
        };
        status = match service.wait(states | NotifyMask::STOPPED, rest)? {
            Some(notification) => notification.status,
            None => service.status()?,
        };
    }
}

/// The error of a service that stopped although something else was waited for.
pub(crate) fn stopped(status: &ServiceStatus) -> Box<Error> {
    let code = match status.win32_exit_code {
        Win32Error::SUCCESS => Win32Error::SERVICE_NOT_ACTIVE,
        code => code,
    };
    debug_assert_eq!(status.state, ServiceState::STOPPED);
    let cause = match code {
        Win32Error::SERVICE_SPECIFIC_ERROR => {
            format!("it stopped with the error {} of its own", status.service_exit_code)
        }
        Win32Error::SERVICE_NOT_ACTIVE => "it stopped without an error".to_owned(),
        code => match code.description() {
            Some(description) => format!("it stopped: {description}"),
            None => "it stopped".to_owned(),
        },
    };
    Box::new(Error::new("wait for service", code).cause(cause))
}
