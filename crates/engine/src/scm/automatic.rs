//! The automatic start: phase by phase when a session begins, and the delayed ones some time later.

use std::collections::{BTreeSet, VecDeque};

use svckit_core::lifecycle::Lifecycle;
use svckit_core::name::ServiceName;
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;

use super::timers::Timer;
use super::{Scm, Service};

/// How far the automatic start is.
#[derive(Debug, Default)]
pub(super) struct Automatic {
    /// Phases that have not begun.
    phases: VecDeque<Vec<ServiceName>>,
    /// The folded names of services of the phase under way that have not come to rest.
    open: BTreeSet<String>,
    under_way: bool,
}

impl Scm {
    /// Begins the automatic start, or goes on with one that another service control manager began.
    pub(super) fn start_automatic(&mut self) {
        if self.session.automatic_done {
            return self.plan_delayed();
        }
        self.automatic.phases = self.order.phases(&self.settings.group_order).into();
        self.automatic.under_way = true;
        self.next_phase();
    }

    /// A service's state changed: the phase may be over.
    pub(super) fn advance_automatic(&mut self, key: &str) {
        if !self.automatic.under_way {
            return;
        }
        if self.services.get(key).is_none_or(is_settled) && self.automatic.open.remove(key) {
            self.next_phase();
        }
    }

    /// Begins the next phase if nothing of the present one is open.
    fn next_phase(&mut self) {
        while self.automatic.under_way && self.automatic.open.is_empty() {
            let Some(phase) = self.automatic.phases.pop_front() else {
                self.automatic.under_way = false;
                self.session.automatic_done = true;
                self.dirty.session = true;
                return self.plan_delayed();
            };
            // All of it is open before anything begins, so that a failure at once doesn't end the phase.
            let keys: Vec<String> = phase.iter().map(ServiceName::folded).collect();
            self.automatic.open.extend(keys.iter().cloned());
            for key in &keys {
                self.start_by_itself(key);
            }
            let services = &self.services;
            self.automatic.open.retain(|key| services.get(key).is_some_and(|service| !is_settled(service)));
        }
    }

    fn start_by_itself(&mut self, key: &str) {
        if self.services.get(key).is_none_or(|service| service.attempted) {
            return;
        }
        match self.start_unasked(key) {
            Ok(()) => {}
            Err(failure) if failure.code == Win32Error::SERVICE_ALREADY_RUNNING => {}
            Err(failure) => self.report_failed_start(key, &failure),
        }
    }

    /// Sets the time for the delayed start: it counts from the beginning of the session.
    fn plan_delayed(&mut self) {
        if self.session.delayed_done {
            return;
        }
        if self.order.delayed().is_empty() {
            self.session.delayed_done = true;
            self.dirty.session = true;
            return;
        }
        let since = self.now.wall.0.saturating_sub(self.session.started.0);
        let passed = std::time::Duration::from_millis(since);
        let left = self.settings.delayed_start_delay.saturating_sub(passed);
        self.timers.set(self.now.tick + left, Timer::Delayed);
    }

    pub(super) fn start_delayed(&mut self) {
        if self.refuse_while_stopping().is_err() {
            return;
        }
        for name in self.order.delayed() {
            self.start_by_itself(&name.folded());
        }
        self.session.delayed_done = true;
        self.dirty.session = true;
    }

    /// Nothing more is started by itself.
    pub(super) fn end_automatic(&mut self) {
        self.automatic = Automatic::default();
    }
}

/// Whether a service is not, or no longer, on its way up.
fn is_settled(service: &Service) -> bool {
    let rising = matches!(service.life, Lifecycle::Waiting { .. } | Lifecycle::Launching { .. });
    service.hung || !(rising || service.state() == ServiceState::START_PENDING)
}
