//! The processes of services: what they say, and that they are gone.

use std::collections::BTreeSet;
use std::time::Duration;

use svckit_core::control::Control;
use svckit_core::dispatch::{FromProcess, ServiceReport, ToProcess};
use svckit_core::lifecycle::{Event, Lifecycle};
use svckit_core::name::ServiceName;
use svckit_core::native::{EventId, HostState, Level, Phase as HostPhase};
use svckit_core::status::{ServiceState, ServiceStatus};
use svckit_core::win32::Win32Error;

use super::timers::{Timer, TimerId};
use super::{Effect, Scm};
use crate::error::Failure;
use crate::store::InstanceRow;

/// How long the spawner may take to tell why a connection that ended at once did so.
const EXPLANATION: Duration = Duration::from_secs(5);

/// What happened to a process.
#[derive(Debug)]
pub(crate) enum ProcessEvent {
    /// The spawner made it.
    Launched { pid: u32 },
    /// It was not made.
    Failed { code: Win32Error, message: String },
    /// It said something.
    Said(FromProcess),
    /// The connection to it ended, or could not be made.
    Gone,
}

/// How far a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It was ordered, by us or by an earlier service control manager, and has not said anything.
    Ordered,
    /// It is connected.
    Connected,
    /// It is gone, and what it left is being ended.
    Ending,
}

/// A process of services.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) phase: Phase,
    pub(super) pid: u32,
    /// What services that share it have in common.
    pub(super) shared: Option<String>,
    /// The folded names of the services that it has or is to have.
    pub(super) services: BTreeSet<String>,
    /// It gets no more services: its last one was released, or it came too late.
    pub(super) closing: bool,
    /// Somebody else ordered it.
    taken_over: bool,
    /// The connection ended before it said anything.
    lost: bool,
    /// Whoever could tell more about it is gone.
    unexplained: bool,
    pub(super) connect_timer: Option<TimerId>,
}

impl Instance {
    pub(super) fn ordered(shared: Option<String>) -> Self {
        Self {
            phase: Phase::Ordered,
            pid: 0,
            shared,
            services: BTreeSet::new(),
            closing: false,
            taken_over: false,
            lost: false,
            unexplained: false,
            connect_timer: None,
        }
    }

    pub(super) fn taken_over(row: InstanceRow) -> Self {
        Self { pid: row.pid, taken_over: true, ..Self::ordered(row.shared) }
    }

    pub(super) fn row(&self) -> InstanceRow {
        InstanceRow { pid: self.pid, shared: self.shared.clone() }
    }

    /// Whether it is the predecessor's, and has not said anything yet.
    pub(super) fn is_unheard(&self) -> bool {
        self.taken_over && self.phase == Phase::Ordered
    }
}

impl Scm {
    /// Takes what happened to a process.
    pub(crate) fn process_event(&mut self, id: &str, event: ProcessEvent) {
        if !self.instances.contains_key(id) {
            return;
        }
        match event {
            ProcessEvent::Launched { pid } => self.launched(id, pid),
            ProcessEvent::Failed { code, message } => self.launch_failed(id, code, message),
            ProcessEvent::Said(FromProcess::Hello { protocol: _, pid, services }) => {
                self.hello(id, pid, services)
            }
            ProcessEvent::Said(message) => self.said(id, message),
            ProcessEvent::Gone => self.gone(id),
        }
    }

    fn launched(&mut self, id: &str, pid: u32) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        instance.pid = pid;
        let (closing, lost) = (instance.closing, instance.lost);
        let services: Vec<String> = instance.services.iter().cloned().collect();
        self.dirty.instances.insert(id.to_owned());
        for key in services {
            if matches!(self.services.get(&key).map(|s| &s.life), Some(Lifecycle::Launching { .. })) {
                self.apply(&key, Event::Launched { pid });
            }
        }
        if closing {
            self.effect(Effect::Kill { instance: id.to_owned() });
        }
        if lost {
            self.never_connected(id);
        }
    }

    /// No process was made: the starts that wait for it fail.
    pub(super) fn launch_failed(&mut self, id: &str, code: Win32Error, message: String) {
        for key in self.services_of(id) {
            self.fail_start(&key, Failure::new(code, message.clone()));
        }
        self.forget(id);
    }

    pub(super) fn connect_timed_out(&mut self, id: &str) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        instance.connect_timer = None;
        if instance.phase != Phase::Ordered {
            return;
        }
        if instance.lost {
            return self.never_connected(id);
        }
        let limit = self.settings.start_timeout.as_millis();
        for key in self.services_of(id) {
            let Some(service) = self.services.get(&key) else { continue };
            if !matches!(service.life, Lifecycle::Launching { .. }) {
                continue;
            }
            let name = service.name().clone();
            let cause = format!("its process did not connect within {limit} ms");
            let text = format!("service {:?}: {cause}", name.as_str());
            self.record_event(Some(&name), EventId::CONNECT_TIMEOUT, Level::Error, text);
            self.fail_start(&key, Failure::new(Win32Error::SERVICE_REQUEST_TIMEOUT, cause));
        }
        // One that was taken over and runs services goes on with them.
        if let Some(instance) = self.instances.get_mut(id).filter(|instance| instance.services.is_empty()) {
            instance.closing = true;
            self.kill(id);
        }
    }

    fn hello(&mut self, id: &str, pid: u32, reports: Vec<ServiceReport>) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        instance.phase = Phase::Connected;
        instance.pid = pid;
        let timer = instance.connect_timer.take();
        let closing = instance.closing;
        self.timers.cancel(timer);
        self.dirty.instances.insert(id.to_owned());
        if closing && reports.is_empty() {
            return self.effect(Effect::Kill { instance: id.to_owned() });
        }
        let mut silent = self.instances.get(id).map(|instance| instance.services.clone()).unwrap_or_default();
        for report in reports {
            silent.remove(&report.service.folded());
            self.reported_at_hello(id, pid, report);
        }
        for key in silent {
            self.not_reported_at_hello(id, pid, &key);
        }
    }

    fn reported_at_hello(&mut self, id: &str, pid: u32, report: ServiceReport) {
        let key = report.service.folded();
        if self.is_attached(id, &key) {
            if matches!(self.services.get(&key).map(|s| &s.life), Some(Lifecycle::Launching { .. })) {
                self.apply(&key, Event::Connected { pid });
            }
            if let Some(state) = report.host {
                self.set_host(&key, state);
            }
        }
        self.status_reported(id, &report.service, report.status);
    }

    /// A service that its process doesn't know: the order to run it was lost, or it is over.
    fn not_reported_at_hello(&mut self, id: &str, pid: u32, key: &str) {
        match self.services.get(key).map(|service| (&service.life, service.state())) {
            Some((Lifecycle::Launching { .. }, _)) => self.hand_over(key, id, pid),
            Some((_, ServiceState::START_PENDING)) => self.tell_start(key, id),
            Some(_) => {
                self.detach(key);
                self.apply(key, Event::Gone);
            }
            None => {}
        }
    }

    /// Tells a process to run a service.
    pub(super) fn tell_start(&mut self, key: &str, id: &str) {
        let Some(service) = self.services.get(key) else { return };
        let display_name = Some(service.record.config.display_name.clone());
        let message = ToProcess::Start {
            service: service.name().clone(),
            display_name: display_name.filter(|shown| shown.as_str() != service.name().as_str()),
            arguments: service.arguments.clone(),
            definition: service.record.definition.clone(),
            sockets: Vec::new(),
        };
        self.update_door(key);
        self.effect(Effect::Tell { instance: id.to_owned(), message });
    }

    fn said(&mut self, id: &str, message: FromProcess) {
        match message {
            FromProcess::Status { service, status } => self.status_reported(id, &service, status),
            FromProcess::Host { service, state } if self.is_attached(id, &service.folded()) => {
                self.set_host(&service.folded(), state);
            }
            FromProcess::Event { service, time, id: kind, level, message } => {
                let key = service.folded();
                if let Some(known) = self.services.get_mut(&key) {
                    if kind == EventId::PROGRAM_NOT_STARTED {
                        known.start_error = Some(message.clone());
                        self.mark_dirty(&key);
                    }
                    self.record_event_at(Some(&service), kind, level, message, time);
                }
            }
            FromProcess::ControlDone { id: control, code } => self.control_done(id, control, code),
            FromProcess::Hello { .. } | FromProcess::Host { .. } => {}
        }
    }

    fn status_reported(&mut self, id: &str, name: &ServiceName, status: ServiceStatus) {
        let key = name.folded();
        let active =
            matches!(self.services.get(&key).map(|service| &service.life), Some(Lifecycle::Active(_)));
        if self.is_attached(id, &key) && active {
            return self.apply(&key, Event::Reported(status));
        }
        // Not a service of this process any more: what it wants is to be let go, or to be ended.
        let instance = id.to_owned();
        let message = if status.state == ServiceState::STOPPED {
            ToProcess::Release { service: name.clone() }
        } else {
            tracing::error!(
                "process {instance} has service {:?}, which is not its own; it is told to stop it",
                name.as_str()
            );
            ToProcess::Control { service: name.clone(), control: Control::STOP, id: 0 }
        };
        self.effect(Effect::Tell { instance, message });
    }

    fn set_host(&mut self, key: &str, state: HostState) {
        let Some(service) = self.services.get_mut(key) else { return };
        let program = service.host.as_ref().and_then(|host| host.child_pid);
        let moved = program != state.child_pid;
        service.host = Some(Box::new(state));
        self.mark_changed(key);
        if moved {
            self.mark_dirty(key);
        }
    }

    fn gone(&mut self, id: &str) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        if instance.phase == Phase::Ending {
            return;
        }
        if instance.phase == Phase::Ordered
            && !instance.taken_over
            && !instance.unexplained
            && instance.pid == 0
        {
            // The spawner knows why, and will say so.
            instance.lost = true;
            let timer = instance.connect_timer.take();
            self.timers.cancel(timer);
            let limit = self.timers.set(self.now.tick + EXPLANATION, Timer::Connect(id.to_owned()));
            if let Some(instance) = self.instances.get_mut(id) {
                instance.connect_timer = Some(limit);
            }
            return;
        }
        if instance.phase == Phase::Ordered {
            return self.never_connected(id);
        }
        self.end_remains(id);
    }

    /// The spawner ended: what it has not told, nobody will.
    pub(crate) fn spawner_lost(&mut self) {
        let mut lost = Vec::new();
        for (id, instance) in &mut self.instances {
            instance.unexplained = true;
            if instance.lost && instance.phase == Phase::Ordered {
                lost.push(id.clone());
            }
        }
        for id in lost {
            self.never_connected(&id);
        }
    }

    /// A process that is gone without having been connected to us.
    fn never_connected(&mut self, id: &str) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        // What starts again doesn't come here.
        instance.closing = true;
        let taken_over = instance.taken_over;
        let mut active = false;
        for key in self.services_of(id) {
            match self.services.get(&key).map(|service| &service.life) {
                Some(Lifecycle::Launching { .. }) if self.refuse_while_stopping().is_err() => {
                    self.fail_start(&key, Win32Error::SHUTDOWN_IN_PROGRESS.into());
                }
                // Nobody has acknowledged this start, and nobody has carried it out: it begins again.
                Some(Lifecycle::Launching { .. }) if taken_over => {
                    self.detach(&key);
                    self.apply(&key, Event::Launched { pid: 0 });
                    self.launch(&key);
                }
                Some(Lifecycle::Launching { .. }) => {
                    let cause = "its process ended before it connected";
                    self.fail_start(&key, Failure::new(Win32Error::SERVICE_REQUEST_TIMEOUT, cause));
                }
                Some(Lifecycle::Active(_)) => active = true,
                _ => self.detach(&key),
            }
        }
        if active { self.end_remains(id) } else { self.forget(id) }
    }

    /// Ends what is left of a process that is gone; its services are over after that.
    fn end_remains(&mut self, id: &str) {
        self.drop_controls(id);
        let services = self.services_of(id);
        let Some(instance) = self.instances.get_mut(id) else { return };
        if services.is_empty() && instance.phase == Phase::Connected {
            return self.forget(id);
        }
        instance.phase = Phase::Ending;
        instance.closing = true;
        let timer = instance.connect_timer.take();
        self.timers.cancel(timer);
        let hosts = services.iter().filter_map(|key| self.services.get(key)?.host.as_ref()?.child_pid);
        let programs = hosts.collect();
        self.effect(Effect::Kill { instance: id.to_owned() });
        self.effect(Effect::EndRemains { instance: id.to_owned(), programs });
    }

    /// Ends a process by force. One that was taken over and has said nothing is known by its mark only.
    pub(super) fn kill(&mut self, id: &str) {
        let Some(instance) = self.instances.get(id) else { return };
        if instance.is_unheard() {
            self.end_remains(id);
        } else {
            self.effect(Effect::Kill { instance: id.to_owned() });
        }
    }

    /// Nothing is left of a process that was gone.
    pub(crate) fn remains_ended(&mut self, id: &str, ended: usize) {
        for key in self.services_of(id) {
            self.detach(&key);
            let Some(service) = self.services.get_mut(&key) else { continue };
            if let Some(host) = &mut service.host {
                host.child_pid = None;
                host.ready = false;
                host.next_retry_at = None;
                host.scheduled = None;
                (host.limits, host.is_full) = (None, false);
                host.phase = HostPhase::Stopped;
            }
            let name = service.name().clone();
            if ended > 0 {
                let text = format!(
                    "service {:?}: {ended} processes that outlived its host were ended",
                    name.as_str()
                );
                self.record_event(Some(&name), EventId::LEFTOVERS_ENDED, Level::Warning, text);
            }
            self.apply(&key, Event::Gone);
        }
        self.forget(id);
    }

    /// Takes a service out of its process.
    pub(super) fn detach(&mut self, key: &str) {
        let Some(id) = self.services.get_mut(key).and_then(|service| service.instance.take()) else { return };
        self.mark_dirty(key);
        if let Some(instance) = self.instances.get_mut(&id) {
            instance.services.remove(key);
            // The host ends when it has nothing left; whoever starts next gets a new one.
            instance.closing |= instance.services.is_empty();
        }
    }

    fn forget(&mut self, id: &str) {
        self.drop_controls(id);
        if let Some(instance) = self.instances.remove(id) {
            self.timers.cancel(instance.connect_timer);
            self.dirty.instances.insert(id.to_owned());
            self.effect(Effect::Forget { instance: id.to_owned() });
            self.process_forgotten();
        }
    }

    /// Whether there is such an instance.
    pub(crate) fn has_instance(&self, id: &str) -> bool {
        self.instances.contains_key(id)
    }

    pub(super) fn services_of(&self, id: &str) -> Vec<String> {
        self.instances.get(id).map(|instance| instance.services.iter().cloned().collect()).unwrap_or_default()
    }

    fn is_attached(&self, id: &str, key: &str) -> bool {
        self.instances.get(id).is_some_and(|instance| instance.services.contains(key))
    }
}
