//! The automatic start at the beginning of a session: first services in a group, in the order of the groups, then the others, then after two minutes those with delayed start.

use std::collections::BTreeSet;

use super::{GROUP_ORDER, Model, folded};

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
    /// When that was planned, among other things.
    delayed_order: usize,
}

impl Automatic {
    pub(super) fn delayed_order(&self) -> usize {
        self.delayed_order
    }

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
        // The groups that are listed, one after the other; all others; and who is in none.
        let mut phases = vec![Vec::new(); GROUP_ORDER.len() + 2];
        for (key, service) in &self.services {
            let settings = &service.settings;
            if settings.start != 2 || settings.delayed {
                continue;
            }
            let group = settings.group.as_ref().map(|group| folded(group));
            let place = match group {
                None => GROUP_ORDER.len() + 1,
                Some(group) => {
                    GROUP_ORDER.iter().position(|listed| *listed == group).unwrap_or(GROUP_ORDER.len())
                }
            };
            phases[place].push(key.clone());
        }
        self.automatic.phases = Some(phases);
    }

    /// Nothing more is started by itself; what was not done yet is left to a successor.
    pub(super) fn end_automatic(&mut self) {
        self.automatic.phases = None;
        self.automatic.open.clear();
        self.automatic.delayed_at = None;
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
            self.automatic.delayed_order = self.plan();
        }
    }

    pub(super) fn start_delayed(&mut self) {
        self.automatic.delayed_at = None;
        self.automatic.delayed_done = true;
        self.start_phase(&self.delayed());
    }
}
