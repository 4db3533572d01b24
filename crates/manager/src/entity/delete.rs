use std::time::Duration;

use svckit_core::access::ServiceAccess;
use svckit_core::status::ServiceState;
use svckit_core::wait::Limits;
use svckit_core::{Error, Result, Win32Error};

use super::service::{Progress, Service};
use crate::gone::{wait_until_absent, wait_until_gone};

/// What came of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone.
    Gone,
    /// It is marked for deletion, and goes when the last handle to it is closed.
    Marked,
}

const OPERATION: &str = "delete service";

impl Service {
    /// Deletes it. One that has not stopped is an error.
    pub fn delete(&self) -> Result<Deleted> {
        let service = self.open(OPERATION, ServiceAccess::DELETE | ServiceAccess::QUERY_STATUS)?;
        let status = service.status().map_err(|error| self.told(OPERATION, error))?;
        if status.state != ServiceState::STOPPED {
            let error = Error::new(OPERATION, Win32Error::SERVICE_CANNOT_ACCEPT_CTRL);
            let cause = format!("it is {}, and has to be stopped first", status.state);
            return Err(self.told(OPERATION, Box::new(error.cause(cause))));
        }
        self.delete_opened(service)
    }

    /// Stops it if it runs, waits until it has, and deletes it.
    pub fn stop_and_delete(&self) -> Result<Deleted> {
        let status = self.open(OPERATION, ServiceAccess::QUERY_STATUS)?.status();
        let is_stopped = status.map_err(|error| self.told(OPERATION, error))?.state == ServiceState::STOPPED;
        let stop = if is_stopped { ServiceAccess::empty() } else { ServiceAccess::STOP };
        let access = ServiceAccess::DELETE | ServiceAccess::QUERY_STATUS | stop;
        let service = self.open(OPERATION, access)?;
        if !is_stopped {
            self.stop_opened(&*service).map_err(|error| self.told(OPERATION, error))?;
        }
        self.delete_opened(service)
    }

    /// Waits until it is gone, as one that is marked for deletion will be. The error tells what holds it.
    pub fn wait_until_gone(&self) -> Result<()> {
        wait_until_gone(&*self.backend, &self.name, self.patience(), &mut |hold| {
            self.tell(Progress::Held(hold));
        })
    }

    /// Waits until there is no such service, whoever deletes it and whenever; the limit is that of the whole wait.
    pub fn wait_until_absent(&self) -> Result<()> {
        wait_until_absent(&*self.backend, &self.name, self.patience())
    }

    /// How long to wait where the time is all that limits it.
    pub(super) fn patience(&self) -> Limits {
        self.limits.unwrap_or(Limits { total: Some(Duration::ZERO), ..Limits::default() })
    }

    fn delete_opened(&self, service: Box<dyn svckit_core::backend::Service>) -> Result<Deleted> {
        match service.delete() {
            Err(error) if error.code != Win32Error::SERVICE_MARKED_FOR_DELETE => {
                return Err(self.told(OPERATION, error));
            }
            _ => {}
        }
        // It holds the service.
        drop(service);
        Ok(if self.exists()? { Deleted::Marked } else { Deleted::Gone })
    }
}
