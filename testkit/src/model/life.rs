//! The life of services: starts, controls, ends and what follows from them.

use std::collections::BTreeSet;

use super::change::On;
use super::settings::Settings;
use super::{Model, PATIENCE, Report, Seen, Sent, Service};

/// Where a service is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Life {
    Stopped,
    /// A start was accepted and waits for what the service needs.
    Waiting,
    /// It waits for its process to connect.
    Launching {
        process: String,
    },
    /// A process has it; the status is the last one that it reported, with the time when it last made progress.
    Active {
        process: String,
        report: Report,
        progress: u64,
    },
}

/// A failure action that is to be taken.
#[derive(Debug, Clone)]
pub(super) struct Due {
    pub(super) kind: u32,
    pub(super) at: u64,
    /// Of what is due at the same moment, what was planned first comes first.
    order: usize,
}

/// How far a service is for one that needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Up,
    Pending,
    Down,
}

/// The status of a service that its process was told to run.
pub(super) const BEGINNING: Report = Report { state: 2, accepted: 0, exit: (0, 0), checkpoint: 0, hint: 2 };

impl Service {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            marked: false,
            life: Life::Stopped,
            exit: (1077, 0),
            attempted: true,
            hung: false,
            arguments: Vec::new(),
            starters: Vec::new(),
            failures: 0,
            failed: None,
            due: None,
            changes: 0,
        }
    }

    pub(super) fn state(&self) -> u32 {
        match &self.life {
            Life::Stopped | Life::Waiting => 1,
            Life::Launching { .. } => 2,
            Life::Active { report, .. } => report.state,
        }
    }

    pub(super) fn process(&self) -> Option<&str> {
        match &self.life {
            Life::Launching { process } | Life::Active { process, .. } => Some(process),
            _ => None,
        }
    }

    /// When it counts as hung if it makes no progress.
    pub(super) fn hangs_at(&self) -> Option<u64> {
        match &self.life {
            Life::Active { report, progress, .. } if report.state == 2 && !self.hung => {
                Some(progress + PATIENCE.max(u64::from(report.hint) * 1000))
            }
            _ => None,
        }
    }

    /// Whether it is on its way up.
    pub(super) fn is_rising(&self) -> bool {
        !self.hung && (self.state() == 2 || self.life == Life::Waiting)
    }

    fn standing(&self) -> Standing {
        match self.state() {
            _ if self.is_rising() => Standing::Pending,
            1..=3 => Standing::Down,
            _ => Standing::Up,
        }
    }
}

impl Model {
    pub(super) fn start(&mut self, open: &On, arguments: Vec<String>) {
        let mut codes = self.refused_start(&open.service);
        if open.access & 0x10 == 0 {
            codes.insert(5);
        }
        if !codes.is_empty() {
            return self.answer(self.steps, codes);
        }
        self.accept_start(&open.service, arguments);
        let step = self.steps;
        self.get(&open.service).starters.push(step);
    }

    /// What keeps a service from being started ([MS-SCMR] 3.1.4.19).
    fn refused_start(&self, key: &str) -> BTreeSet<u32> {
        let service = &self.services[key];
        let missing = |need: &String| {
            let found = self.stands_for(need);
            !need.starts_with('+') && found.first().is_none_or(|other| self.services[other].marked)
        };
        let all = [
            (service.marked, 1072),
            (service.settings.start == 4, 1058),
            (service.life != Life::Stopped, 1056),
            (service.settings.is_driver(), 193),
            (service.settings.needs.iter().any(missing), 1075),
            (self.stopping.is_some(), 1115),
        ];
        all.into_iter().filter(|(applies, _)| *applies).map(|(_, code)| code).collect()
    }

    /// Accepts a start, and that of all that the service needs and that doesn't run.
    pub(super) fn accept_start(&mut self, key: &str, arguments: Vec<String>) {
        let service = self.get(key);
        service.life = Life::Waiting;
        service.arguments = arguments;
        service.due = None;
        service.hung = false;
        let needs = service.settings.needs.clone();
        for other in needs.iter().flat_map(|need| self.stands_for(need)).collect::<Vec<_>>() {
            if self.services[&other].life == Life::Stopped {
                self.start_unasked(&other);
            }
        }
    }

    /// Starts a service for which nobody waits. Whether it was possible.
    pub(super) fn start_unasked(&mut self, key: &str) {
        if self.refused_start(key).is_empty() {
            self.accept_start(key, Vec::new());
        } else if self.services[key].life == Life::Stopped {
            self.get(key).attempted = true;
        }
    }

    /// Goes on with the starts that can go on.
    pub(super) fn settle_starts(&mut self) -> bool {
        let waiting: Vec<String> = self
            .services
            .iter()
            .filter(|(_, s)| s.life == Life::Waiting)
            .map(|(key, _)| key.clone())
            .collect();
        let mut moved = false;
        for key in waiting {
            let needs = self.services[&key].settings.needs.clone();
            let down = needs.iter().find(|need| self.need(need) == Standing::Down);
            if let Some(need) = down {
                let exists = need.starts_with('+') || !self.stands_for(need).is_empty();
                self.get(&key).attempted = true;
                self.start_failed(&key, if exists { 1068 } else { 1075 });
            } else if needs.iter().all(|need| self.need(need) == Standing::Up) {
                self.get(&key).attempted = true;
                self.launch(&key);
            } else {
                continue;
            }
            moved = true;
        }
        moved
    }

    /// How far the services are that a dependency stands for: of a group one is enough, after all were tried.
    fn need(&self, need: &str) -> Standing {
        let all: Vec<Standing> =
            self.stands_for(need).iter().map(|other| self.services[other].standing()).collect();
        [Standing::Pending, Standing::Up].into_iter().find(|one| all.contains(one)).unwrap_or(Standing::Down)
    }

    pub(super) fn start_failed(&mut self, key: &str, code: u32) {
        let service = self.get(key);
        let visible = service.state() != 1;
        service.life = Life::Stopped;
        service.exit = (code, 0);
        if visible {
            self.announce(key, self.status(key));
        }
        self.answer_starters(key, code);
    }

    pub(super) fn answer_starters(&mut self, key: &str, code: u32) {
        for step in std::mem::take(&mut self.get(key).starters) {
            self.answer(step, [code]);
        }
    }

    pub(super) fn expire_hangs(&mut self) {
        for service in self.services.values_mut() {
            service.hung |= service.hangs_at().is_some_and(|at| at <= self.now);
        }
    }

    /// Sends a control ([MS-SCMR] 3.1.4.2, and the table of `ControlService` in the Win32 reference).
    pub(super) fn control(&mut self, open: &On, control: u32) {
        let codes = self.refused_control(open, control);
        let Some(process) = self.services[&open.service].process().map(str::to_owned) else {
            return self.answer(self.steps, codes);
        };
        if !codes.is_empty() {
            return self.answer(self.steps, codes);
        }
        let service = open.service.clone();
        let name = self.services[&service].settings.name.clone();
        self.seen.push(Seen::Controlled { process: process.clone(), service: name, control });
        let step = self.steps;
        if let Some(process) = self.processes.get_mut(&process) {
            process.unanswered.push((service.clone(), Some(step)));
        }
        self.sent.push(Sent { step, process, service, control, until: self.now + PATIENCE });
    }

    fn refused_control(&self, open: &On, control: u32) -> BTreeSet<u32> {
        let (right, accept) = match control {
            1 => (0x20, 0x1),
            2 | 3 => (0x40, 0x2),
            4 => (0x80, 0),
            6 => (0x40, 0x8),
            7..=10 => (0x40, 0x10),
            128..=255 => (0x100, 0),
            _ => return BTreeSet::from([87]),
        };
        if open.access & right == 0 {
            return BTreeSet::from([5]);
        }
        if self.stopping.is_some() {
            return BTreeSet::from([1115]);
        }
        let service = &self.services[&open.service];
        let accepted = match &service.life {
            Life::Active { report, .. } => report.accepted,
            _ => 0,
        };
        let mut codes = BTreeSet::new();
        match service.state() {
            1 => codes.insert(1062),
            3 => codes.insert(1061),
            2 if control != 1 => codes.insert(1061),
            _ => accepted & accept != accept && codes.insert(1052),
        };
        if control == 1 && service.state() != 1 && self.has_running_dependents(&open.service) {
            codes.insert(1051);
        }
        codes
    }

    /// Whether a service runs that can't go on without this one: one that needs its group can if another one of the group runs.
    fn has_running_dependents(&self, key: &str) -> bool {
        let runs = |key: &String| self.services[key].state() != 1;
        self.services.values().filter(|service| service.state() != 1).any(|service| {
            service.settings.needs.iter().any(|need| {
                let all = self.stands_for(need);
                all.iter().any(|other| other == key) && !all.iter().any(|other| other != key && runs(other))
            })
        })
    }

    pub(super) fn expire_controls(&mut self) {
        let (over, open) =
            std::mem::take(&mut self.sent).into_iter().partition(|sent| sent.until <= self.now);
        self.sent = open;
        for sent in over {
            self.answer(sent.step, [1053]);
        }
    }

    /// A service has stopped by itself or with its process: counts a failure, and finds what is to be done about it.
    pub(super) fn ended(&mut self, key: &str, died: bool) {
        let (now, stopping) = (self.now, self.stopping.is_some());
        let order = self.plan();
        let service = self.get(key);
        let failed = service.settings.flag && service.exit != (0, 0);
        if stopping || (!died && !failed) {
            return;
        }
        let quiet = service.failed.map(|at| now.saturating_sub(at));
        let over =
            quiet.zip(service.settings.reset).is_some_and(|(quiet, reset)| quiet >= u64::from(reset) * 1000);
        service.failures = if over { 1 } else { service.failures + 1 };
        service.failed = Some(now);
        let actions = &service.settings.actions;
        let nth = usize::try_from(service.failures - 1).unwrap_or(usize::MAX);
        match actions.get(nth).or(actions.last()) {
            Some((kind, delay)) if *kind != 0 && !service.marked => {
                service.due = Some(Due { kind: *kind, at: now + u64::from(*delay) * 1000, order });
            }
            _ => {}
        }
    }

    /// Takes the failure actions that are due, and the delayed start: what was planned first comes first. The machine isn't restarted: no command is set for that.
    pub(super) fn expire_actions(&mut self) {
        let due = self.services.iter().filter_map(|(key, service)| {
            let due = service.due.as_ref()?;
            Some((due.at, due.order, Some(key.clone())))
        });
        let delayed = self.automatic.delayed_at().map(|at| (at, self.automatic.delayed_order(), None));
        let due: BTreeSet<_> = due.chain(delayed).filter(|(at, ..)| *at <= self.now).collect();
        for (_, _, key) in due {
            let Some(key) = key else {
                self.start_delayed();
                continue;
            };
            // One before may have started it.
            let service = self.get(&key);
            let Some(due) = service.due.take() else { continue };
            match due.kind {
                1 if service.life == Life::Stopped => self.start_unasked(&key),
                3 if !service.settings.command.is_empty() => {
                    let line = service.settings.command.replace("%1%", &service.failures.to_string());
                    let command = line.split(' ').map(str::to_owned).collect();
                    self.seen.push(Seen::Ran { command });
                }
                _ => {}
            }
        }
    }

    /// The place of what is planned now.
    pub(super) fn plan(&mut self) -> usize {
        self.planned += 1;
        self.planned
    }

    /// A successor finds the actions that are due in the order of the names.
    pub(super) fn forget_order(&mut self) {
        for due in self.services.values_mut().filter_map(|service| service.due.as_mut()) {
            due.order = 0;
        }
    }

    /// A service that is there.
    pub(super) fn get(&mut self, key: &str) -> &mut Service {
        self.services.get_mut(key).expect("it was found before")
    }
}
