//! The end: everything is stopped in order, each before what it depends on; then by force.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use svckit_core::control::{Control, ControlsAccepted};
use svckit_core::lifecycle::Lifecycle;
use svckit_core::native::Reply as NativeReply;
use svckit_core::status::ServiceState;
use svckit_core::time::Tick;
use svckit_core::win32::Win32Error;

use super::native::NativeAnswer;
use super::timers::{Timer, TimerId};
use super::{Effect, Scm};
use crate::error::Failure;

/// How long a process may take to end when its services have stopped.
const LINGER: Duration = Duration::from_secs(5);

/// How far the service control manager is in its own life.
pub(super) enum Stage {
    /// It serves.
    Serving,
    /// It stops everything.
    Stopping(Stopping),
    /// Everything has stopped.
    Over,
}

#[derive(Default)]
pub(super) struct Stopping {
    /// Services that were told to stop.
    told: BTreeMap<String, Told>,
    /// Services that were starting and have a time limit.
    starting: BTreeSet<String>,
    /// Services whose process was ended by force.
    forced: BTreeSet<String>,
    /// Only processes without services are left.
    lingering: bool,
    /// Who waits for the end.
    answers: Vec<NativeAnswer>,
}

struct Told {
    /// Until when it has time whatever it reports.
    until: Tick,
    /// For when it is ended by force.
    timer: Option<TimerId>,
}

impl Scm {
    /// Stops all services in order, then this service control manager. If that is under way already: by force, unless somebody only asks for it.
    pub(crate) fn stop_everything(&mut self, answer: Option<NativeAnswer>) {
        match &mut self.stage {
            Stage::Over => {
                if let Some(answer) = answer {
                    answer.give(self, NativeReply::Done);
                }
                return;
            }
            Stage::Stopping(stopping) => {
                let by_force = answer.is_none();
                stopping.answers.extend(answer);
                if by_force {
                    self.force_everything();
                }
                return;
            }
            Stage::Serving => {}
        }
        tracing::info!("stopping all services");
        self.stage =
            Stage::Stopping(Stopping { answers: answer.into_iter().collect(), ..Stopping::default() });
        self.end_automatic();
        for key in self.services.keys().cloned().collect::<Vec<_>>() {
            let Some(service) = self.services.get_mut(&key) else { continue };
            self.timers.cancel(service.due_timer.take());
            // Nobody who takes over is to take an action that was given up.
            let had_action = service.due.take().is_some();
            let waits = matches!(service.life, Lifecycle::Waiting { .. });
            if had_action {
                self.mark_dirty(&key);
            }
            if waits {
                self.fail_start(&key, Win32Error::SHUTDOWN_IN_PROGRESS.into());
            }
            self.update_door(&key);
        }
        self.stop_next();
    }

    pub(super) fn refuse_while_stopping(&self) -> Result<(), Failure> {
        match self.stage {
            Stage::Serving => Ok(()),
            _ => Err(Win32Error::SHUTDOWN_IN_PROGRESS.into()),
        }
    }

    /// A service's state changed: others may be told to stop now.
    pub(super) fn advance_shutdown(&mut self) {
        if matches!(self.stage, Stage::Stopping(_)) {
            self.stop_next();
        }
    }

    /// Tells every service to stop that nothing depends on any more.
    fn stop_next(&mut self) {
        let active: Vec<String> = self
            .services
            .iter()
            .filter(|(_, service)| service.state() != ServiceState::STOPPED)
            .map(|(key, _)| key.clone())
            .collect();
        if active.is_empty() {
            return self.await_processes();
        }
        for key in active {
            let Stage::Stopping(stopping) = &self.stage else { return };
            let Some(service) = self.services.get(&key) else { continue };
            let needed = self.order.direct_dependents(service.name()).iter().any(|name| {
                self.services.get(&name.folded()).is_some_and(|s| s.state() != ServiceState::STOPPED)
            });
            if !needed && !stopping.told.contains_key(&key) {
                self.tell_to_stop(&key);
            }
        }
    }

    /// A service that wants to know early is told so, with the time it asked for; the others are told to shut down or to stop.
    fn tell_to_stop(&mut self, key: &str) {
        let Some(service) = self.services.get(key) else { return };
        let Lifecycle::Active(active) = service.life else { return };
        let Some(instance) = service.instance.clone() else { return };
        let accepted = active.accepted;
        let (control, time) = if active.state == ServiceState::STOP_PENDING {
            (None, self.settings.shutdown_timeout)
        } else if accepted.contains(ControlsAccepted::PRESHUTDOWN) {
            (Some(Control::PRESHUTDOWN), service.record.extra.preshutdown_timeout)
        } else if accepted.contains(ControlsAccepted::SHUTDOWN) {
            (Some(Control::SHUTDOWN), self.settings.shutdown_timeout)
        } else if accepted.contains(ControlsAccepted::STOP) {
            (Some(Control::STOP), self.settings.shutdown_timeout)
        } else if active.state == ServiceState::START_PENDING {
            return self.await_start(key);
        } else {
            return self.force(key);
        };
        let until = self.now.tick + time.max(active.wait_hint);
        if let Stage::Stopping(stopping) = &mut self.stage {
            stopping.told.insert(key.to_owned(), Told { until, timer: None });
        }
        self.watch_stop(key);
        if let Some(control) = control {
            self.send_control(key.to_owned(), instance, control, None);
        }
    }

    /// A starting service may come to accept something; if it doesn't in time, it is ended.
    fn await_start(&mut self, key: &str) {
        let until = self.now.tick + self.settings.shutdown_timeout;
        let Stage::Stopping(stopping) = &mut self.stage else { return };
        if stopping.starting.insert(key.to_owned()) {
            self.timers.set(until, Timer::Shutdown(key.to_owned()));
        }
    }

    /// Watches how long a service has that was told to stop: what it was given, and while it makes progress what it asks for.
    pub(super) fn watch_stop(&mut self, key: &str) {
        let Some(service) = self.services.get(key) else { return };
        let progress = service.life.hangs_at(self.settings.shutdown_timeout);
        let progress = progress.filter(|_| service.state() == ServiceState::STOP_PENDING);
        let Stage::Stopping(stopping) = &mut self.stage else { return };
        let Some(told) = stopping.told.get_mut(key) else { return };
        // Set anew each time: a report may ask for less than the one before.
        self.timers.cancel(told.timer.take());
        if service.state() != ServiceState::STOPPED && !stopping.forced.contains(key) {
            let at = progress.map_or(told.until, |progress| told.until.max(progress));
            told.timer = Some(self.timers.set(at.max(self.now.tick), Timer::Shutdown(key.to_owned())));
        }
    }

    /// Ends a service by force that had its time.
    pub(super) fn shutdown_timed_out(&mut self, key: &str) {
        let Stage::Stopping(stopping) = &self.stage else { return };
        let Some(service) = self.services.get(key) else { return };
        // The time of one that was starting may be over while it stops as it was told.
        let is_given_more =
            stopping.told.get(key).and_then(|told| told.timer).is_some_and(|id| id.is_after(self.now.tick));
        if service.state() != ServiceState::STOPPED && !is_given_more {
            self.force(key);
        }
    }

    fn force_everything(&mut self) {
        tracing::warn!("ending all services by force");
        for key in self.services.keys().cloned().collect::<Vec<_>>() {
            if self.services.get(&key).is_some_and(|service| service.state() != ServiceState::STOPPED) {
                self.force(&key);
            }
        }
    }

    fn force(&mut self, key: &str) {
        let Stage::Stopping(stopping) = &mut self.stage else { return };
        let told = stopping.told.insert(key.to_owned(), Told { until: self.now.tick, timer: None });
        self.timers.cancel(told.and_then(|told| told.timer));
        if !stopping.forced.insert(key.to_owned()) {
            return;
        }
        let Some(service) = self.services.get(key) else { return };
        tracing::warn!("service {:?} did not stop in time and is ended by force", service.name().as_str());
        if let Some(instance) = service.instance.clone() {
            self.kill(&instance);
        }
    }

    /// All services have stopped; their processes end by themselves.
    fn await_processes(&mut self) {
        if self.instances.is_empty() {
            return self.stopped_everything();
        }
        let Stage::Stopping(stopping) = &mut self.stage else { return };
        if !std::mem::replace(&mut stopping.lingering, true) {
            self.timers.set(self.now.tick + LINGER, Timer::Linger);
        }
    }

    /// A process is gone: it may have been the last.
    pub(super) fn process_forgotten(&mut self) {
        if matches!(&self.stage, Stage::Stopping(stopping) if stopping.lingering) {
            self.await_processes();
        }
    }

    /// Processes without a service that don't end are ended.
    pub(super) fn end_lingering(&mut self) {
        for instance in self.instances.keys().cloned().collect::<Vec<_>>() {
            tracing::warn!("process {instance} has no service any more and is ended by force");
            self.kill(&instance);
        }
    }

    fn stopped_everything(&mut self) {
        let Stage::Stopping(stopping) = std::mem::replace(&mut self.stage, Stage::Over) else { return };
        tracing::info!("all services have stopped");
        self.session.clean_stop = true;
        self.dirty.session = true;
        self.effect(Effect::Finished(stopping.answers));
    }
}
