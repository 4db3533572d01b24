//! Waiting until a service is ready, which only its host knows.

use std::time::Duration;

use svckit_core::backend::Backend;
use svckit_core::name::ServiceName;
use svckit_core::native::{Overview, Phase, Reply, Request, ServiceView};
use svckit_core::ready::Readiness;
use svckit_core::{Error, Result, Win32Error};
use svckit_os::clock;

use crate::entity::Progress;
use crate::wait::stopped;

/// Waits until a service is ready; what has changed, the service control manager tells.
pub(crate) fn wait(
    backend: &dyn Backend,
    name: &ServiceName,
    limit: Duration,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<()> {
    let deadline = clock::now().tick + limit;
    let all = Request::Overview { after: None, services: Some(vec![name.clone()]) };
    let mut overview = read(backend.native(all)?)?;
    let mut is_first = true;
    let mut missing = "it is not ready";
    loop {
        match overview.services.iter().find(|view| view.service == *name) {
            Some(view) => match Readiness::of(view) {
                Readiness::Ready => {
                    if is_first {
                        tell(Progress::AlreadySo);
                    }
                    return Ok(());
                }
                Readiness::Over => return Err(over(view)),
                Readiness::NotYet(what) => {
                    tell(Progress::OnItsWay(&view.status));
                    missing = what;
                }
            },
            None if overview.complete || overview.gone.contains(name) => {
                let cause = "it is not there, or no more".to_owned();
                return Err(failed(Win32Error::SERVICE_DOES_NOT_EXIST, cause));
            }
            None => {}
        }
        is_first = false;
        let left = deadline.since(clock::now().tick);
        let next = match left.is_zero() {
            true => None,
            false => backend.changes(overview.revision, Some(vec![name.clone()]), left)?,
        };
        overview = match next {
            Some(reply) => read(reply)?,
            None => {
                let cause = format!("it is not ready after {limit:?}: {missing}");
                return Err(failed(Win32Error::WAIT_TIMEOUT, cause));
            }
        };
    }
}

fn read(reply: Reply) -> Result<Overview> {
    match reply {
        Reply::Overview(overview) => Ok(overview),
        Reply::Error { code, message } => Err(failed(code, message)),
        _ => Err(failed(Win32Error::RPC_S_PROTOCOL_ERROR, "the reply is not one to the request".to_owned())),
    }
}

/// The error of a service that nothing makes ready any more.
fn over(view: &ServiceView) -> Box<Error> {
    let mut error = stopped(&view.status);
    let gave_up = view.host.as_ref().is_some_and(|host| host.state.phase == Phase::GaveUp);
    if let (true, Some(cause)) = (gave_up, error.cause.as_mut()) {
        cause.push_str(", and is not started again: it gave up");
    }
    if let Some(why) = view.host.as_ref().and_then(|host| host.start_error.clone()) {
        error.cause = Some(why);
    }
    error
}

fn failed(code: Win32Error, cause: String) -> Box<Error> {
    Box::new(Error::new("wait for service", code).cause(cause))
}
