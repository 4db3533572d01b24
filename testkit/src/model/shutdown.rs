//! The end of the service control manager: each service is told to stop when nothing that depends on it runs any more; who doesn't stop in time is ended.

use std::collections::{BTreeMap, BTreeSet};

use super::life::Life;
use super::{Input, Model, Seen};

/// How long a service without progress has, in milliseconds.
const PATIENCE: u64 = 20_000;

/// How far everything is.
#[derive(Debug, Clone, Default)]
pub(super) struct Stopping {
    /// Until when those that were told to stop have time, whatever they report.
    told: BTreeMap<String, u64>,
    /// The same for those that were starting.
    starting: BTreeMap<String, u64>,
}

impl Model {
    /// Stops everything; if that is under way, by force.
    pub(super) fn shut_down(&mut self) {
        self.inputs.push(Input::Call);
        if self.stopping.is_some() {
            let all = self.services.iter().filter(|(_, service)| service.state() != 1);
            return self.end_by_force(all.map(|(key, _)| key.clone()).collect());
        }
        self.stopping = Some(Stopping::default());
        self.end_automatic();
        for key in self.services.keys().cloned().collect::<Vec<_>>() {
            self.get(&key).due = None;
            if self.services[&key].life == Life::Waiting {
                self.start_failed(&key, 1115);
            }
        }
    }

    /// Tells those to stop that nothing needs any more.
    pub(super) fn settle_shutdown(&mut self) -> bool {
        let Some(stopping) = &self.stopping else { return false };
        let runs = |key: &String| self.services[key].state() != 1;
        let active: Vec<String> = self.services.keys().filter(|key| runs(key)).cloned().collect();
        if active.is_empty() && self.processes.is_empty() {
            self.seen.push(Seen::Finished);
            self.inputs.push(Input::Successor);
            self.begin_session();
            return true;
        }
        let free = |key: &&String| {
            !stopping.told.contains_key(*key) && !self.direct_dependents(key).iter().any(runs)
        };
        let free: Vec<String> = active.iter().filter(free).cloned().collect();
        let mut stubborn = Vec::new();
        let mut moved = false;
        for key in free {
            let Life::Active { process, report, .. } = self.services[&key].life.clone() else { continue };
            let hint = u64::from(report.hint) * 1000;
            let preshutdown = u64::from(self.services[&key].settings.preshutdown) * 1000;
            let (control, time) = match report.accepted {
                _ if report.state == 3 => (None, PATIENCE),
                accepted if accepted & 0x100 != 0 => (Some(15), preshutdown),
                accepted if accepted & 0x4 != 0 => (Some(5), PATIENCE),
                accepted if accepted & 0x1 != 0 => (Some(1), PATIENCE),
                _ if report.state == 2 => {
                    let until = self.now + PATIENCE;
                    self.stopping().starting.entry(key).or_insert(until);
                    continue;
                }
                _ => {
                    stubborn.push(key);
                    continue;
                }
            };
            let until = self.now + time.max(hint);
            self.stopping().told.insert(key.clone(), until);
            if let Some(control) = control {
                self.send_unasked(process, key, control);
            }
            moved = true;
        }
        moved |= !stubborn.is_empty();
        self.end_by_force(stubborn);
        moved
    }

    /// Sends a control for which no client waits.
    fn send_unasked(&mut self, process: String, key: String, control: u32) {
        let service = self.services[&key].settings.name.clone();
        self.seen.push(Seen::Controlled { process: process.clone(), service, control });
        if let Some(process) = self.processes.get_mut(&process) {
            process.unanswered.push((key, None));
        }
    }

    /// Ends these, if everything is to end.
    pub(super) fn end_by_force(&mut self, services: Vec<String>) {
        let mut processes = BTreeSet::new();
        for key in services {
            let now = self.now;
            self.stopping().told.insert(key.clone(), now);
            if let Some(process) = self.services[&key].process().map(str::to_owned) {
                self.seen.push(Seen::Killed { process: process.clone() });
                processes.insert(process);
            }
        }
        // They end one after the other: what the end of one sets free is told to stop, even if its own process is about to end.
        for process in processes {
            self.killed(&process);
            self.settle();
        }
    }

    /// When a service is ended by force.
    fn patience_ends(&self, key: &str) -> Option<u64> {
        let stopping = self.stopping.as_ref()?;
        let service = &self.services[key];
        let told = stopping.told.get(key).copied();
        match &service.life {
            Life::Active { report, progress, .. } if report.state == 3 => told
                .max(Some(progress + PATIENCE.max(u64::from(report.hint) * 1000)))
                .filter(|_| told.is_some()),
            _ => told.or(stopping.starting.get(key).copied()).filter(|_| service.state() != 1),
        }
    }

    pub(super) fn shutdown_deadline(&self) -> Option<u64> {
        self.services.keys().filter_map(|key| self.patience_ends(key)).min()
    }

    /// Those whose time to stop is over.
    pub(super) fn late_to_stop(&self) -> Vec<String> {
        let late = |key: &&String| self.patience_ends(key).is_some_and(|until| until <= self.now);
        self.services.keys().filter(late).cloned().collect()
    }

    fn stopping(&mut self) -> &mut Stopping {
        self.stopping.get_or_insert_default()
    }
}
