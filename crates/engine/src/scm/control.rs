//! Controls: checked, sent to the process, and answered when its handler has.

use svckit_core::access::ServiceAccess;
use svckit_core::control::Control;
use svckit_core::dispatch::ToProcess;
use svckit_core::kind::ServiceType;
use svckit_core::lifecycle::Lifecycle;
use svckit_core::native::{EventId, Level};
use svckit_core::reason::StopReason;
use svckit_core::rights;
use svckit_core::status::{ServiceState, ServiceStatus};
use svckit_core::win32::Win32Error;

use super::timers::{Timer, TimerId};
use super::{ConnectionId, Effect, HandleId, Reply, Scm};
use crate::error::Failure;

/// A control that its process has not answered.
pub(super) struct PendingControl {
    key: String,
    instance: String,
    control: Control,
    timer: TimerId,
    /// Absent for what the service control manager sent by itself.
    reply: Option<Reply<ServiceStatus>>,
}

impl Scm {
    /// Sends a control; answered with the status after the handler returned ([MS-SCMR] 3.1.4.2).
    pub(crate) fn control(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        control: Control,
        reply: Reply<ServiceStatus>,
    ) {
        match self.check_control(connection, id, control) {
            Ok((key, instance)) => self.send_control(key, instance, control, Some(reply)),
            Err(failure) => self.answer(reply, Err(failure)),
        }
    }

    /// Stops a service for a reason ([MS-SCMR] 3.1.4.47).
    pub(crate) fn stop(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        reason: &StopReason,
        reply: Reply<ServiceStatus>,
    ) {
        match self.check_stop(connection, id, reason) {
            Ok((key, instance)) => {
                if let Some(name) = self.services.get(&key).map(|service| service.name().clone()) {
                    let text = format!("service {:?} is stopped for the reason: {reason}", name.as_str());
                    self.record_event(Some(&name), EventId::STOP_REASON, Level::Information, text);
                }
                self.send_control(key, instance, Control::STOP, Some(reply));
            }
            Err(failure) => self.answer(reply, Err(failure)),
        }
    }

    fn check_stop(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        reason: &StopReason,
    ) -> Result<(String, String), Failure> {
        self.check_service(connection, id, ServiceAccess::STOP)?;
        reason.check().map_err(|wrong| Failure::new(Win32Error::INVALID_PARAMETER, wrong))?;
        self.check_control(connection, id, Control::STOP)
    }

    fn check_control(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        control: Control,
    ) -> Result<(String, String), Failure> {
        // The handle first: with a bad one nothing else matters.
        self.opened(connection, id)?;
        let key = self.check_service(connection, id, rights::for_control(control)?)?;
        self.refuse_while_stopping()?;
        self.controllable(&key, control)
    }

    /// Whether a service can take a control now, and where it is to be sent.
    pub(super) fn controllable(&self, key: &str, control: Control) -> Result<(String, String), Failure> {
        let service = self.service(key)?;
        let status = service.status();
        control.check(status.state, status.controls_accepted)?;
        if control == Control::STOP {
            let active = |name: &svckit_core::name::ServiceName| {
                self.services.get(&name.folded()).is_some_and(|s| s.state() != ServiceState::STOPPED)
            };
            if let Some(blocker) = self.order.blocker(service.name(), active) {
                let cause = format!("service {:?}, which depends on it, is running", blocker.as_str());
                return Err(Failure::new(Win32Error::DEPENDENT_SERVICES_RUNNING, cause));
            }
        }
        match (&service.life, &service.instance) {
            (Lifecycle::Active(_), Some(instance)) => Ok((key.to_owned(), instance.clone())),
            _ => Err(Win32Error::SERVICE_CANNOT_ACCEPT_CTRL.into()),
        }
    }

    /// Sends a control that may be sent.
    pub(super) fn send_control(
        &mut self,
        key: String,
        instance: String,
        control: Control,
        reply: Option<Reply<ServiceStatus>>,
    ) {
        let Some(name) = self.services.get(&key).map(|service| service.name().clone()) else { return };
        let id = self.next_control;
        self.next_control = id.wrapping_add(1);
        if control != Control::INTERROGATE {
            let text = format!("service {:?} was sent the control {control}", name.as_str());
            self.record_event(Some(&name), EventId::CONTROL_SENT, Level::Information, text);
        }
        let timer = self.timers.set(self.now.tick + self.settings.control_timeout, Timer::Control(id));
        let message = ToProcess::Control { service: name, control, id };
        self.effect(Effect::Tell { instance: instance.clone(), message });
        self.controls.insert(id, PendingControl { key, instance, control, timer, reply });
    }

    /// A process has answered a control of its own; what it says of others doesn't count.
    pub(super) fn control_done(&mut self, instance: &str, id: u64, code: Win32Error) {
        if self.controls.get(&id).is_none_or(|pending| pending.instance != instance) {
            return;
        }
        let Some(pending) = self.controls.remove(&id) else { return };
        self.timers.cancel(Some(pending.timer));
        let Some(reply) = pending.reply else { return };
        let result = match code.check() {
            Ok(()) => Ok(self.status_after(&pending.key)),
            Err(code) => Err(code.into()),
        };
        self.answer(reply, result);
    }

    pub(super) fn control_timed_out(&mut self, id: u64) {
        let Some(pending) = self.controls.remove(&id) else { return };
        let limit = self.settings.control_timeout.as_millis();
        let cause = format!("it did not answer the control {} within {limit} ms", pending.control);
        if let Some(name) = self.services.get(&pending.key).map(|service| service.name().clone()) {
            let text = format!("service {:?}: {cause}", name.as_str());
            self.record_event(Some(&name), EventId::CONTROL_TIMEOUT, Level::Error, text);
        }
        if let Some(reply) = pending.reply {
            self.answer(reply, Err(Failure::new(Win32Error::SERVICE_REQUEST_TIMEOUT, cause)));
        }
    }

    /// The status of a service that was told something: one that was marked for deletion is gone when it has stopped.
    fn status_after(&self, key: &str) -> ServiceStatus {
        let gone = || ServiceStatus::stopped(ServiceType::WIN32_OWN_PROCESS, Win32Error::SUCCESS);
        self.services.get(key).map_or_else(gone, super::Service::status)
    }

    /// Answers the controls that a process which is gone has left open: a stop has come true, anything else has not.
    pub(super) fn drop_controls(&mut self, instance: &str) {
        let open: Vec<u64> = self
            .controls
            .iter()
            .filter(|(_, pending)| pending.instance == instance)
            .map(|(id, _)| *id)
            .collect();
        for id in open {
            let Some(pending) = self.controls.remove(&id) else { continue };
            self.timers.cancel(Some(pending.timer));
            let Some(reply) = pending.reply else { continue };
            let status = self.status_after(&pending.key);
            let result = if status.state == ServiceState::STOPPED && pending.control == Control::STOP {
                Ok(status)
            } else {
                Err(Failure::new(Win32Error::PROCESS_ABORTED, "its process ended before it answered"))
            };
            self.answer(reply, result);
        }
    }
}
