//! The automatic start at the beginning of a session: first services in a group, then the others, then after two minutes those with delayed start.

use std::collections::BTreeSet;

use super::Model;

/// How long after the beginning of a session delayed services are started, in milliseconds.
const DELAY: u64 = 120_000;

/// How far the automatic start is.
#[derive(Debug, Clone, Default)]
pub(super) struct Automatic {
    session: u64,
    done: bool,
    delayed_done: bool,
    /// Those to come, in phases; absent when they are over.
    phases: Option<Vec<Vec<String>>>,
    /// Those of the phase under way that are not up or down yet.
    open: BTreeSet<String>,
    delayed_at: Option<u64>,
}

impl Automatic {
    pub(super) fn delayed_at(&self) -> Option<u64> {
        self.delayed_at
    }
}

impl Model {
    /// A first session begins.
    pub fn begin(&mut self) {
        self.begin_automatic();
        self.settle();
    }

    pub(super) fn begin_automatic(&mut self) {
        self.automatic = Automatic { session: self.now, ..Automatic::default() };
        self.continue_automatic();
    }

    /// Begins with what has not been done in this session.
    pub(super) fn continue_automatic(&mut self) {
        self.automatic.open.clear();
        self.automatic.delayed_at = None;
        if self.automatic.done {
            return self.plan_delayed();
        }
        let phase = |grouped: bool| {
            let services = self.services.iter().filter(|(_, service)| {
                let settings = &service.settings;
                settings.start == 2 && !settings.delayed && settings.group.is_some() == grouped
            });
            services.map(|(key, _)| key.clone()).collect()
        };
        self.automatic.phases = Some(vec![phase(true), phase(false)]);
    }

    pub(super) fn settle_automatic(&mut self) -> bool {
        let rising = |key: &String| self.services.get(key).is_some_and(super::Service::is_rising);
        self.automatic.open.retain(rising);
        if !self.automatic.open.is_empty() {
            return false;
        }
        let Some(phases) = &mut self.automatic.phases else { return false };
        if phases.is_empty() {
            self.automatic.phases = None;
            self.automatic.done = true;
            self.plan_delayed();
            return true;
        }
        let phase = phases.remove(0);
        self.start_phase(&phase);
        self.automatic.open = phase.into_iter().collect();
        true
    }

    fn start_phase(&mut self, phase: &[String]) {
        for key in phase {
            if self.services.get(key).is_some_and(|service| !service.attempted) {
                self.start_unasked(key);
            }
        }
    }

    fn delayed(&self) -> Vec<String> {
        let delayed = self
            .services
            .iter()
            .filter(|(_, service)| service.settings.start == 2 && service.settings.delayed);
        delayed.map(|(key, _)| key.clone()).collect()
    }

    fn plan_delayed(&mut self) {
        if self.automatic.delayed_done || self.delayed().is_empty() {
            self.automatic.delayed_done = true;
        } else {
            self.automatic.delayed_at = Some((self.automatic.session + DELAY).max(self.now));
        }
    }

    pub(super) fn expire_delayed(&mut self) {
        if self.automatic.delayed_at.is_some_and(|at| at <= self.now) {
            self.automatic.delayed_at = None;
            self.automatic.delayed_done = true;
            self.start_phase(&self.delayed());
        }
    }
}
