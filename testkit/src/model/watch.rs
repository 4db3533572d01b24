//! Waiting for changes ([MS-SCMR] 3.1.4.43 to 3.1.4.45, and `NotifyServiceStatusChange` in the Win32 reference).

use std::collections::BTreeSet;

use super::{Model, Open, REMEMBERED, Seen, Status};

/// The events of a service: its states, and that it was marked for deletion.
const SERVICE: u32 = 0x27F;

/// The events of the set of services.
const SET: u32 = 0x180;

/// A registered wait.
#[derive(Debug, Clone)]
pub(super) struct Wait {
    mask: u32,
    progress: Progress,
}

#[derive(Debug, Clone)]
enum Progress {
    Armed,
    /// This happened, and nobody has asked yet; there is a status if it is about a service.
    Happened {
        what: u32,
        status: Option<Status>,
    },
    /// This step asked.
    Asked(usize),
    Over,
}

impl Model {
    pub(super) fn open_manager(&mut self, slot: usize) {
        self.close(slot);
        self.slots[slot] = Some(Open::new(None, 0xF_003F, self.steps));
        self.answer(self.steps, [0]);
    }

    /// Closes what is open in a slot, and ends the wait of that handle.
    pub(super) fn close(&mut self, slot: usize) -> bool {
        let Some(open) = self.slots[slot].take() else { return false };
        self.end_wait(open.wait);
        self.settle_deletions();
        true
    }

    fn end_wait(&mut self, wait: Option<Wait>) {
        if let Some(Wait { progress: Progress::Asked(step), .. }) = wait {
            self.answer(step, [1235]);
        }
    }

    /// Registers a wait: what is there already, and was not told through this handle, is told at once.
    pub(super) fn watch(&mut self, slot: usize, mask: u32) {
        let Some(open) = self.slots[slot].clone() else { return self.answer(self.steps, [6]) };
        let codes = self.refused_wait(&open, mask);
        if !codes.is_empty() {
            return self.answer(self.steps, codes);
        }
        let (progress, told) = match &open.service {
            Some(key) => {
                let (status, changes) = (self.status(key), self.services[key].changes);
                let what = 1 << (status.state - 1);
                if mask & what != 0 && open.told != Some(changes) {
                    (Progress::Happened { what, status: Some(status) }, Some(changes))
                } else {
                    (Progress::Armed, open.told)
                }
            }
            None => {
                let place = open.told.unwrap_or(self.place());
                if self.since(place).iter().any(|(what, _)| mask & what != 0) {
                    (Progress::Happened { what: 0, status: None }, Some(place))
                } else {
                    (Progress::Armed, Some(self.place()))
                }
            }
        };
        self.slots[slot] = Some(Open { told, wait: Some(Wait { mask, progress }), ..open });
        self.answer(self.steps, [0]);
    }

    fn refused_wait(&self, open: &Open, mask: u32) -> BTreeSet<u32> {
        let (right, events) = if open.service.is_some() { (0x4, SERVICE) } else { (0x4, SET) };
        let marked = open.service.as_ref().is_some_and(|key| self.services[key].marked);
        let mixed = mask & SERVICE != 0 && mask & SET != 0;
        let lags = open.service.is_none() && open.told.is_some_and(|place| self.lags(place));
        let all = [
            (open.access & right == 0, 5),
            (mask == 0 || mask & !(SERVICE | SET) != 0 || mixed, 87),
            (mask & events == 0, 6),
            (marked, 1072),
            (open.wait.is_some(), 1242),
            (lags, 1294),
        ];
        all.into_iter().filter(|(applies, _)| *applies).map(|(_, code)| code).collect()
    }

    /// Asks for the result of a wait, which can be done once.
    pub(super) fn ask(&mut self, slot: usize) {
        let step = self.steps;
        let Some(wait) = self.slots[slot].as_mut().and_then(|open| open.wait.as_mut()) else {
            return self.answer(step, [6]);
        };
        match std::mem::replace(&mut wait.progress, Progress::Over) {
            Progress::Armed => wait.progress = Progress::Asked(step),
            Progress::Happened { what, status } => self.tell_result(slot, step, what, status),
            asked => {
                wait.progress = asked;
                self.answer(step, [6]);
            }
        }
    }

    pub(super) fn unwatch(&mut self, slot: usize) {
        let wait = self.slots[slot].as_mut().and_then(|open| open.wait.take());
        let code = if wait.is_some() { 0 } else { 6 };
        self.end_wait(wait);
        self.answer(self.steps, [code]);
    }

    /// The state of a service has changed.
    pub(super) fn announce(&mut self, key: &str, status: Status) {
        self.get(key).changes += 1;
        self.happened(key, 1 << (status.state - 1), status);
    }

    /// Something happened to a service: those who wait for it are told, once.
    pub(super) fn happened(&mut self, key: &str, what: u32, status: Status) {
        let changes = self.services[key].changes;
        for slot in 0..self.slots.len() {
            let Some(open) = &mut self.slots[slot] else { continue };
            let Some(wait) = open.wait.as_mut().filter(|wait| wait.mask & what != 0) else { continue };
            if open.service.as_deref() != Some(key) || matches!(wait.progress, Progress::Over) {
                continue;
            }
            open.told = Some(changes);
            let status = Some(status);
            match std::mem::replace(&mut wait.progress, Progress::Over) {
                Progress::Asked(step) => self.tell_result(slot, step, what, status),
                Progress::Happened { what: before, .. } => {
                    wait.progress = Progress::Happened { what: before | what, status };
                }
                _ => wait.progress = Progress::Happened { what, status },
            }
        }
    }

    /// A service was created or deleted.
    pub(super) fn tell_of(&mut self, what: u32, name: String) {
        let name = if what == 0x80 { format!("/{name}") } else { name };
        self.news.push((what, name));
        let place = self.place();
        for slot in 0..self.slots.len() {
            let Some(open) = self.slots[slot].as_mut().filter(|open| open.service.is_none()) else {
                continue;
            };
            let Some(wait) = &mut open.wait else { continue };
            match (wait.mask & what != 0, wait.progress.clone()) {
                (true, Progress::Asked(step)) => {
                    wait.progress = Progress::Over;
                    self.tell_result(slot, step, 0, None);
                }
                (true, Progress::Armed) => wait.progress = Progress::Happened { what: 0, status: None },
                (false, Progress::Asked(_) | Progress::Armed) => open.told = Some(place),
                _ => {}
            }
        }
    }

    fn tell_result(&mut self, slot: usize, step: usize, mut what: u32, status: Option<Status>) {
        let mut names = Vec::new();
        if status.is_none() {
            let place = self.slots[slot].as_ref().and_then(|open| open.told).unwrap_or_default();
            if self.lags(place) {
                return self.answer(step, [1235]);
            }
            let mask =
                self.slots[slot].as_ref().and_then(|open| open.wait.as_ref()).map_or(0, |wait| wait.mask);
            for (kind, name) in self.since(place).iter().filter(|(kind, _)| mask & kind != 0) {
                what |= kind;
                names.push(name.clone());
            }
            let end = self.place();
            if let Some(open) = &mut self.slots[slot] {
                open.told = Some(end);
            }
        }
        self.seen.push(Seen::Notified { step, what, status, names });
        self.answer(step, [0]);
    }

    fn place(&self) -> u64 {
        self.news.len() as u64
    }

    fn since(&self, place: u64) -> &[(u32, String)] {
        usize::try_from(place).ok().and_then(|place| self.news.get(place..)).unwrap_or_default()
    }

    fn lags(&self, place: u64) -> bool {
        self.since(place).len() > REMEMBERED
    }
}

impl Open {
    pub(super) fn new(service: Option<String>, access: u32, since: usize) -> Self {
        Self { service, access, since, told: None, wait: None }
    }
}
