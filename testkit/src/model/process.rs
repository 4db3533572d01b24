//! The processes of services, and the death of the service control manager.

use std::collections::BTreeSet;

use super::life::{BEGINNING, Life};
use super::{Input, Model, PATIENCE, Report, Seen, Status, Step, folded};

/// A process of services.
#[derive(Debug, Clone)]
pub(super) struct Process {
    /// Present once it was made.
    pid: Option<u32>,
    connected: bool,
    /// An earlier service control manager ordered it, and it has not connected to this one.
    inherited: bool,
    /// It was told to end: nothing comes into it any more.
    killed: bool,
    /// Until when it has to connect.
    until: Option<u64>,
    /// Services of type share of this image path may come into it.
    shared: Option<String>,
    /// The services that it has or is to have.
    services: BTreeSet<String>,
    /// The controls that it has not answered: the service, and the step that waits for it if one still does.
    pub(super) unanswered: Vec<(String, Option<usize>)>,
}

impl Process {
    pub(super) fn connects_until(&self) -> Option<u64> {
        self.until.filter(|_| !self.connected)
    }
}

impl Model {
    /// Gets a process for a service: one of its own, or the one that others share.
    pub(super) fn launch(&mut self, key: &str) {
        let image = self.services[key].settings.image();
        let shared = self.services[key].settings.is_shared().then(|| image.clone());
        let usable = |process: &Process| {
            shared.is_some() && process.shared == shared && !process.services.is_empty() && !process.killed
        };
        let found = self.processes.iter().find(|(_, process)| usable(process)).map(|(name, _)| name.clone());
        let name = found.unwrap_or_else(|| {
            let count = self.launched.entry(image.clone()).or_default();
            *count += 1;
            let name = format!("{image}#{count}");
            let process = Process {
                pid: None,
                connected: false,
                inherited: false,
                killed: false,
                until: Some(self.now + PATIENCE),
                shared,
                services: BTreeSet::new(),
                unanswered: Vec::new(),
            };
            self.processes.insert(name.clone(), process);
            self.seen.push(Seen::Launched { process: name.clone() });
            name
        });
        let service = self.get(key);
        let first = service.state() != 2;
        service.life = Life::Launching { process: name.clone() };
        if first {
            // Its process isn't known yet, even if it is one that is there.
            self.announce(key, Status { pid: 0, ..self.status(key) });
        }
        let Some(process) = self.processes.get_mut(&name) else { return };
        process.services.insert(key.to_owned());
        if process.connected {
            self.tell(key, &name);
        }
    }

    /// Tells a process to run a service; with this the start is answered.
    fn tell(&mut self, key: &str, process: &str) {
        let progress = self.now;
        let service = self.get(key);
        service.life = Life::Active { process: process.to_owned(), report: BEGINNING, progress };
        let (name, arguments) = (service.settings.name.clone(), service.arguments.clone());
        self.seen.push(Seen::Told { process: process.to_owned(), service: name, arguments });
        self.answer_starters(key, 0);
    }

    pub(super) fn pid(&self, process: &str) -> u32 {
        self.processes.get(process).and_then(|process| process.pid).unwrap_or_default()
    }

    /// Something happens to the process of a service, if that is possible.
    pub(super) fn process_step(&mut self, step: &Step) {
        let (Step::Made { name }
        | Step::NotMade { name, .. }
        | Step::Connect { name }
        | Step::Report { name, .. }
        | Step::Answer { name, .. }
        | Step::Die { name }) = step
        else {
            return;
        };
        let key = folded(name);
        let Some(id) = self.services.get(&key).and_then(|service| service.process()).map(str::to_owned)
        else {
            return;
        };
        let Some(process) = self.processes.get(&id) else { return };
        match (step, process.pid, process.connected) {
            (Step::Made { .. }, None, _) => {
                self.pids += 1;
                let pid = 1000 + self.pids;
                self.inputs.push(Input::Made { process: id.clone(), pid });
                self.process(&id).pid = Some(pid);
            }
            (Step::NotMade { code, .. }, None, _) => {
                self.inputs.push(Input::NotMade { process: id.clone(), code: *code });
                self.gone(&id, *code);
            }
            (Step::Connect { .. }, Some(pid), false) => {
                self.inputs.push(Input::Hello { process: id.clone(), pid, services: Vec::new() });
                self.connected(&id);
            }
            (Step::Report { report, .. }, _, true) => self.report(&id, &key, *report),
            (Step::Answer { code, .. }, _, true) => self.answered(&id, &key, *code),
            (Step::Die { .. }, Some(_), _) => {
                self.inputs.push(Input::Gone { process: id.clone() });
                if process.inherited { self.launch_again(&id) } else { self.gone(&id, self.lost()) }
            }
            _ => {}
        }
    }

    pub(super) fn run(&mut self, name: &'static str) {
        self.process_step(&Step::Made { name });
        self.process_step(&Step::Connect { name });
        let report = Report { state: 4, accepted: 0x1F, exit: (0, 0), checkpoint: 0, hint: 0 };
        self.process_step(&Step::Report { name, report });
    }

    fn process(&mut self, id: &str) -> &mut Process {
        self.processes.get_mut(id).expect("it was found before")
    }

    fn connected(&mut self, id: &str) {
        let process = self.process(id);
        process.connected = true;
        process.inherited = false;
        for key in self.process(id).services.clone() {
            if matches!(self.services[&key].life, Life::Launching { .. }) {
                self.tell(&key, id);
            }
        }
    }

    fn report(&mut self, id: &str, key: &str, report: Report) {
        let service = self.get(key);
        let Life::Active { report: last, progress, .. } = &service.life else { return };
        let (last, progress) = (*last, *progress);
        let name = service.settings.name.clone();
        self.inputs.push(Input::Report { process: id.to_owned(), service: name.clone(), report });
        let (now, service) = (self.now, self.get(key));
        match report.state {
            1 => {
                service.life = Life::Stopped;
                service.exit = exit(report);
                self.seen.push(Seen::Released { process: id.to_owned(), service: name });
                self.announce(key, self.status(key));
                self.ended(key, false);
                self.leave(id, key);
            }
            2..=7 => {
                let moved = (report.state, report.checkpoint) != (last.state, last.checkpoint);
                let progress = if moved { now } else { progress };
                service.hung &= report.state == 2;
                service.life = Life::Active { process: id.to_owned(), report, progress };
                if report.state != last.state {
                    self.announce(key, self.status(key));
                }
            }
            // None that a service can be in: it is not taken.
            _ => {}
        }
    }

    /// A service is over in its process, which ends when it has no other.
    fn leave(&mut self, id: &str, key: &str) {
        let process = self.process(id);
        process.services.remove(key);
        if process.services.is_empty() {
            self.inputs.push(Input::Gone { process: id.to_owned() });
            self.gone(id, 0);
        }
    }

    fn answered(&mut self, id: &str, key: &str, code: u32) {
        let process = self.process(id);
        let Some(place) = process.unanswered.iter().position(|(service, _)| service == key) else { return };
        let (_, step) = process.unanswered.remove(place);
        let name = self.services[key].settings.name.clone();
        self.inputs.push(Input::Answer { process: id.to_owned(), service: name, code });
        let waits = self.sent.iter().position(|sent| Some(sent.step) == step);
        if let Some(place) = waits {
            let sent = self.sent.remove(place);
            self.answer(sent.step, [code]);
        }
    }

    /// A process is gone: what it ran has died, what it was to run was not started.
    fn gone(&mut self, id: &str, code: u32) {
        let (gone, open) = std::mem::take(&mut self.sent).into_iter().partition(|sent| sent.process == id);
        self.sent = open;
        for sent in gone {
            // One that stopped before has done what it was told.
            let stopped = self.services.get(&sent.service).is_none_or(|service| service.state() == 1);
            self.answer(sent.step, [if stopped && sent.control == 1 { 0 } else { 1067 }]);
        }
        let Some(process) = self.processes.remove(id) else { return };
        for key in process.services {
            match self.services[&key].life {
                Life::Launching { .. } => self.start_failed(&key, code),
                Life::Active { .. } => {
                    let service = self.get(&key);
                    service.life = Life::Stopped;
                    service.exit = (1067, 0);
                    self.announce(&key, self.status(&key));
                    self.ended(&key, true);
                }
                _ => {}
            }
        }
    }

    /// Those that should have connected by now.
    pub(super) fn late_processes(&self) -> Vec<String> {
        let late = |process: &Process| process.connects_until().is_some_and(|until| until <= self.now);
        self.processes.iter().filter(|(_, process)| late(process)).map(|(id, _)| id.clone()).collect()
    }

    /// What they were to run was not started, and they are killed.
    pub(super) fn expire_processes(&mut self, late: &[String]) {
        for id in late {
            self.seen.push(Seen::Killed { process: id.clone() });
            self.process(id).killed = true;
            for key in self.process(id).services.clone() {
                self.process(id).services.remove(&key);
                self.start_failed(&key, 1053);
            }
        }
    }

    /// They are gone one after the other.
    pub(super) fn gone_late(&mut self, late: Vec<String>) {
        for id in late {
            self.tell_end(&id);
            self.gone(&id, 1053);
            self.settle();
        }
    }

    fn tell_end(&mut self, id: &str) {
        let made = self.processes.get(id).is_some_and(|process| process.pid.is_some());
        self.inputs.push(if made {
            Input::Gone { process: id.to_owned() }
        } else {
            // Nobody has made it; nobody will.
            Input::NotMade { process: id.to_owned(), code: 2 }
        });
    }

    /// A process was ended by force.
    pub(super) fn killed(&mut self, id: &str) {
        let Some(process) = self.processes.get(id) else { return };
        let code = match process.pid {
            None => 2,
            // What the predecessor ordered is known by its mark only: all that is left of it is ended.
            Some(_) if process.inherited => 1067,
            Some(_) => self.lost(),
        };
        self.tell_end(id);
        self.gone(id, code);
    }

    /// Why a start failed whose process was lost before it connected.
    fn lost(&self) -> u32 {
        if self.stopping.is_some() { 1115 } else { 1053 }
    }

    /// The service control manager is killed, and another one takes over.
    pub(super) fn kill(&mut self, dead: Option<&'static str>) {
        self.inputs.push(Input::Kill { boot: false });
        self.stopping = None;
        self.forget_clients();
        for service in self.services.values_mut() {
            service.hung = false;
            if service.life == Life::Waiting {
                service.life = Life::Stopped;
            }
        }
        self.forget_order();
        self.settle_deletions();
        let dead = dead.and_then(|name| self.services.get(&folded(name))?.process().map(str::to_owned));
        let ids: Vec<String> = self.processes.keys().cloned().collect();
        self.continue_automatic();
        for id in ids {
            self.taken_over(&id, dead.as_deref() == Some(&id));
        }
    }

    /// What becomes of a process under the next service control manager.
    fn taken_over(&mut self, id: &str, dead: bool) {
        let (pid, connected) = (self.process(id).pid, self.process(id).connected);
        let Some(pid) = pid.filter(|_| !dead) else {
            self.inputs.push(Input::Gone { process: id.to_owned() });
            return if connected { self.gone(id, 0) } else { self.launch_again(id) };
        };
        if !connected {
            // It has its time anew.
            let until = Some(self.now + PATIENCE);
            let process = self.process(id);
            process.until = until;
            process.inherited = true;
            return;
        }
        let mut services = Vec::new();
        let now = self.now;
        for key in self.process(id).services.clone() {
            let service = self.get(&key);
            if let Life::Active { report, progress, .. } = &mut service.life {
                *progress = now;
                services.push((service.settings.name.clone(), *report));
            }
        }
        self.inputs.push(Input::Hello { process: id.to_owned(), pid, services });
    }

    /// Nobody has acknowledged these starts, and nobody has carried them out: they begin again.
    fn launch_again(&mut self, id: &str) {
        if self.stopping.is_some() {
            return self.gone(id, 1115);
        }
        let Some(process) = self.processes.remove(id) else { return };
        for key in process.services {
            self.launch(&key);
        }
    }

    /// A new session begins, of the machine or after a clean end: nothing has run in it.
    pub(super) fn begin_session(&mut self) {
        self.stopping = None;
        self.forget_clients();
        self.processes.clear();
        for service in self.services.values_mut() {
            service.life = Life::Stopped;
            service.exit = (1077, 0);
            service.attempted = false;
            service.hung = false;
            service.failures = 0;
            service.failed = None;
            service.due = None;
        }
        self.settle_deletions();
        self.begin_automatic();
    }

    /// Handles and questions end with the service control manager.
    fn forget_clients(&mut self) {
        self.slots = Default::default();
        self.sent.clear();
        for process in self.processes.values_mut() {
            process.unanswered.iter_mut().for_each(|(_, step)| *step = None);
        }
        for service in self.services.values_mut() {
            service.starters.clear();
        }
    }
}

/// The exit codes as they are told: the second one counts only with 1066.
pub(super) fn exit(report: Report) -> (u32, u32) {
    if report.exit.0 == 1066 { report.exit } else { (report.exit.0, 0) }
}
