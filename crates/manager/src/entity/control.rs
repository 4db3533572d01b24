//! Starting, stopping and what is between: act, and wait until it is so.

use svckit_core::access::ServiceAccess;
use svckit_core::backend;
use svckit_core::control::Control;
use svckit_core::rights;
use svckit_core::status::{NotifyMask, ServiceState, ServiceStatus, StateFilter};
use svckit_core::{Error, Result, Win32Error};

use super::service::{Progress, Service};
use crate::ready;
use crate::wait::{stopped, wait_for_state};

impl Service {
    /// Its status now.
    pub fn status(&self) -> Result<ServiceStatus> {
        let operation = "query status of service";
        let service = self.open(operation, ServiceAccess::QUERY_STATUS)?;
        service.status().map_err(|error| self.told(operation, error))
    }

    /// Starts it and waits until it runs. One that runs is left alone, one that is on its way is waited for. A service that has done its work
    /// and stopped without an error meanwhile is no error: the status tells.
    pub fn start(&self, arguments: &[String]) -> Result<ServiceStatus> {
        let operation = "start service";
        let service = self.open(operation, ServiceAccess::START | ServiceAccess::QUERY_STATUS)?;
        self.start_opened(&*service, arguments).map_err(|error| self.told(operation, error))
    }

    fn start_opened(&self, service: &dyn backend::Service, arguments: &[String]) -> Result<ServiceStatus> {
        let mut before = service.status()?;
        if before.state == ServiceState::STOP_PENDING {
            before = self.wait(service, NotifyMask::STOPPED)?;
        }
        match before.state {
            ServiceState::RUNNING => {
                self.tell(Progress::AlreadySo);
                return Ok(before);
            }
            ServiceState::START_PENDING => {}
            _ => {
                if let Err(error) = service.start(arguments) {
                    let now = service.status()?;
                    // It may have stopped again before the service control manager saw that it answered: what it says of that tells more.
                    let has_ended = now.state == ServiceState::STOPPED
                        && !now.win32_exit_code.is_success()
                        && now.win32_exit_code != before.win32_exit_code;
                    if error.code == Win32Error::SERVICE_REQUEST_TIMEOUT && has_ended {
                        return Err(stopped(&now));
                    }
                    // Somebody else may have started it meanwhile.
                    let runs = matches!(now.state, ServiceState::START_PENDING | ServiceState::RUNNING);
                    if error.code != Win32Error::SERVICE_ALREADY_RUNNING || !runs {
                        return Err(error);
                    }
                }
            }
        }
        let status = self.wait(service, NotifyMask::RUNNING | NotifyMask::PAUSED | NotifyMask::STOPPED)?;
        match status.state {
            ServiceState::STOPPED if !status.win32_exit_code.is_success() => Err(stopped(&status)),
            _ => Ok(status),
        }
    }

    /// Stops it and waits until it has stopped. One that has is left alone. If services that depend on it run, the error names them.
    pub fn stop(&self) -> Result<ServiceStatus> {
        let operation = "stop service";
        let service = self.open(operation, ServiceAccess::STOP | ServiceAccess::QUERY_STATUS)?;
        self.stop_opened(&*service).map_err(|error| self.told(operation, error))
    }

    pub(super) fn stop_opened(&self, service: &dyn backend::Service) -> Result<ServiceStatus> {
        let status = service.status()?;
        if status.state == ServiceState::STOPPED {
            self.tell(Progress::AlreadySo);
            return Ok(status);
        }
        if status.state != ServiceState::STOP_PENDING
            && let Err(error) = service.control(Control::STOP)
        {
            // It may have begun to stop, or have stopped, meanwhile.
            let now = service.status()?;
            if !matches!(now.state, ServiceState::STOP_PENDING | ServiceState::STOPPED) {
                return Err(self.not_stopped(error, &now));
            }
        }
        self.wait(service, NotifyMask::STOPPED)
    }

    /// Why it can't be stopped.
    fn not_stopped(&self, mut error: Box<Error>, status: &ServiceStatus) -> Box<Error> {
        if error.code == Win32Error::DEPENDENT_SERVICES_RUNNING {
            let service = self.open("list dependents of service", ServiceAccess::ENUMERATE_DEPENDENTS);
            // Without the right to list them, that there are some is all that is known.
            if let Ok(found) = service.and_then(|service| service.dependents(StateFilter::ACTIVE)) {
                let names: Vec<_> = found.into_iter().map(|one| one.name).collect();
                error.cause = Some(format!("these depend on it and run: {}", names.join(", ")));
            }
        } else if let Err(code) = Control::STOP.check(status.state, status.controls_accepted)
            && code == error.code
        {
            error.cause = Some(refused(code, Control::STOP, status));
        }
        error
    }

    /// Stops it, if it runs, and starts it.
    pub fn restart(&self, arguments: &[String]) -> Result<ServiceStatus> {
        let operation = "restart service";
        let access = ServiceAccess::START | ServiceAccess::STOP | ServiceAccess::QUERY_STATUS;
        let service = self.open(operation, access)?;
        let restarted = self.stop_opened(&*service).and_then(|_| self.start_opened(&*service, arguments));
        restarted.map_err(|error| self.told(operation, error))
    }

    /// Pauses it and waits until it is paused. One that is paused is left alone.
    pub fn pause(&self) -> Result<ServiceStatus> {
        self.switch("pause service", Control::PAUSE, ServiceState::PAUSED, ServiceState::PAUSE_PENDING)
    }

    /// Lets it continue after a pause and waits until it runs. One that runs is left alone.
    pub fn resume(&self) -> Result<ServiceStatus> {
        self.switch(
            "continue service",
            Control::CONTINUE,
            ServiceState::RUNNING,
            ServiceState::CONTINUE_PENDING,
        )
    }

    fn switch(
        &self,
        operation: &'static str,
        control: Control,
        to: ServiceState,
        on_the_way: ServiceState,
    ) -> Result<ServiceStatus> {
        let told = |error| self.told(operation, error);
        let service = self.open(operation, ServiceAccess::PAUSE_CONTINUE | ServiceAccess::QUERY_STATUS)?;
        let status = service.status().map_err(told)?;
        if status.state == to {
            self.tell(Progress::AlreadySo);
            return Ok(status);
        }
        if status.state != on_the_way {
            self.check(operation, control, &status)?;
            service.control(control).map_err(told)?;
        }
        self.wait(&*service, NotifyMask::of(to)).map_err(told)
    }

    /// Asks it for its status. One that does not run can't be asked.
    pub fn interrogate(&self) -> Result<ServiceStatus> {
        let operation = "interrogate service";
        let service = self.open(operation, ServiceAccess::INTERROGATE | ServiceAccess::QUERY_STATUS)?;
        let status = service.status().map_err(|error| self.told(operation, error))?;
        self.check(operation, Control::INTERROGATE, &status)?;
        // The answer to a control doesn't tell the process.
        let answered = service.control(Control::INTERROGATE).and_then(|_| service.status());
        answered.map_err(|error| self.told(operation, error))
    }

    /// Sends it a control, such as one of its own (128 to 255), and doesn't wait for what comes of it. The
    /// status that it answers doesn't tell the process.
    pub fn control(&self, control: Control) -> Result<ServiceStatus> {
        let operation = "control service";
        let access = rights::for_control(control).map_err(|code| {
            let error = Error::new(operation, code);
            self.told(operation, Box::new(error.cause(format!("only the system sends {control}"))))
        })?;
        let service = self.open(operation, access)?;
        service.control(control).map_err(|error| self.told(operation, error))
    }

    /// Waits until it is in one of the states.
    pub fn wait_for(&self, states: NotifyMask) -> Result<ServiceStatus> {
        let operation = "wait for service";
        let service = self.open(operation, ServiceAccess::QUERY_STATUS)?;
        self.wait(&*service, states).map_err(|error| self.told(operation, error))
    }

    /// Waits until it is in one of the states, whoever brings it there and whatever happens before; the limit is that of the whole wait.
    pub fn wait_until(&self, states: NotifyMask) -> Result<ServiceStatus> {
        let operation = "wait for service";
        let told = |error| self.told(operation, error);
        let service = self.open(operation, ServiceAccess::QUERY_STATUS)?;
        let now = service.status().map_err(told)?;
        if states.intersects(NotifyMask::of(now.state)) {
            self.tell(Progress::AlreadySo);
            return Ok(now);
        }
        self.tell(Progress::OnItsWay(&now));
        let limits = self.patience();
        let limit = limits.total.unwrap_or(limits.patience);
        let news = if limit.is_zero() { None } else { service.wait(states, limit).map_err(told)? };
        if let Some(news) = news {
            return Ok(news.status);
        }
        let state = service.status().map_err(told)?.state;
        let error = Error::new(operation, Win32Error::WAIT_TIMEOUT);
        Err(told(Box::new(error.cause(format!("it is still {state} after {limit:?}")))))
    }

    /// Waits until it is ready: until it runs and its host, if it has one, says that its program is ready. Who has stopped is waited for no longer, and the error says why
    /// he did. The limit is that of the whole wait.
    pub fn wait_until_ready(&self) -> Result<()> {
        let operation = "wait for service";
        let told = |error| self.told(operation, error);
        // What may not be seen is not in an overview; so this tells why.
        self.open(operation, ServiceAccess::QUERY_STATUS)?;
        let limits = self.patience();
        let limit = limits.total.unwrap_or(limits.patience);
        ready::wait(&*self.backend, &self.name, limit, &mut |progress| self.tell(progress)).map_err(told)
    }

    fn wait(&self, service: &dyn backend::Service, states: NotifyMask) -> Result<ServiceStatus> {
        let Some(limits) = self.limits else { return service.status() };
        wait_for_state(service, states, limits, &mut |status| {
            if !states.intersects(NotifyMask::of(status.state)) {
                self.tell(Progress::OnItsWay(status));
            }
        })
    }

    /// Whether it takes a control now; the error says what is missing.
    fn check(&self, operation: &'static str, control: Control, status: &ServiceStatus) -> Result<()> {
        control.check(status.state, status.controls_accepted).map_err(|code| {
            let error = Error::new(operation, code).cause(refused(code, control, status));
            self.told(operation, Box::new(error))
        })
    }
}

fn refused(code: Win32Error, control: Control, status: &ServiceStatus) -> String {
    match code {
        Win32Error::INVALID_SERVICE_CONTROL => format!("it does not accept {}", control.needs()),
        _ => format!("it is {}", status.state),
    }
}
