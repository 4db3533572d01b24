//! The calls of clients ([MS-SCMR] 3.1.4).

use std::collections::BTreeSet;

use super::settings::{Settings, is_unknown};
use super::{Change, Change2, Input, Model, NewService, Open, SLOTS, Service, Step, folded};

/// `SERVICE_ALL_ACCESS`.
const ALL: u32 = 0xF_01FF;

/// `SERVICE_CHANGE_CONFIG`.
const CHANGE_CONFIG: u32 = 0x2;

/// The most slots that a connection has.
const HALF: usize = SLOTS / 2;

/// The service that a call is made on, and the rights of the handle.
pub(super) struct On {
    pub(super) service: String,
    pub(super) access: u32,
}

impl Model {
    pub(super) fn call(&mut self, step: &Step) {
        self.inputs.push(Input::Call);
        match step {
            Step::Create { slot, name, new } => self.create(*slot, name, new),
            Step::Open { slot, name, access } => self.open(*slot, name, *access),
            Step::OpenManager { slot } => self.open_manager(*slot),
            Step::Close { slot } => {
                let code = if self.close(*slot) { 0 } else { 6 };
                self.answer(self.steps, [code]);
            }
            Step::Disconnect { connection } => self.disconnect(*connection),
            Step::Watch { slot, mask } => self.watch(*slot, *mask),
            Step::Ask { slot } => self.ask(*slot),
            Step::Unwatch { slot } => self.unwatch(*slot),
            Step::Delete { slot } => self.on(*slot, Self::delete),
            Step::Start { slot, arguments } => {
                let arguments = (0..*arguments).map(|number| format!("argument {number}")).collect();
                self.on(*slot, |model, open| model.start(open, arguments));
            }
            Step::Control { slot, control } => self.on(*slot, |model, open| model.control(open, *control)),
            Step::Change { slot, change } => self.on(*slot, |model, open| model.change(open, change)),
            Step::Change2 { slot, change } => self.on(*slot, |model, open| model.change2(open, change)),
            _ => {}
        }
    }

    /// Does something with what is open in a slot; with a handle that isn't, it is the only thing that is told.
    fn on(&mut self, slot: usize, act: impl FnOnce(&mut Self, &On)) {
        match self.slots[slot].clone() {
            Some(Open { service: Some(service), access, .. }) => act(self, &On { service, access }),
            _ => self.answer(self.steps, [6]),
        }
    }

    /// A connection ends: its handles are closed in the order in which they were opened.
    fn disconnect(&mut self, connection: usize) {
        let mut slots: Vec<usize> = (connection * HALF..(connection + 1) * HALF).collect();
        slots.sort_by_key(|slot| self.slots[*slot].as_ref().map(|open| open.since));
        for slot in slots {
            self.close(slot);
        }
    }

    fn create(&mut self, slot: usize, name: &str, new: &NewService) {
        let key = folded(name);
        self.close(slot);
        let mut settings = Settings::new(name, new);
        let mut codes = settings.mistakes();
        codes.extend(refused_access(new.access));
        if new.tag && new.group.is_none() {
            codes.insert(87);
        }
        match self.services.get(&key) {
            Some(service) => {
                codes.insert(if service.marked { 1072 } else { 1073 });
            }
            None if self.is_circular(&settings) => {
                codes.insert(1059);
            }
            None => {}
        }
        if self.is_taken(name, &key) || self.is_taken(&settings.display, &key) {
            codes.insert(1078);
        }
        if self.stopping.is_some() {
            codes.insert(1115);
        }
        if is_unknown(new.account) && new.kind & 0x30 != 0 {
            codes.insert(1057);
        }
        if !codes.is_empty() {
            return self.answer(self.steps, codes);
        }
        if let Some(group) = new.group.filter(|_| new.tag) {
            settings.tag = self.free_tag(group);
        }
        self.services.insert(key.clone(), Service::new(settings));
        self.slots[slot] = Some(Open::new(Some(key), granted(new.access), self.steps));
        self.tell_of(0x80, name.to_owned());
        self.answer(self.steps, [0]);
    }

    fn open(&mut self, slot: usize, name: &str, access: u32) {
        let key = folded(name);
        self.close(slot);
        let mut codes: BTreeSet<u32> = refused_access(access).collect();
        if !self.services.contains_key(&key) {
            codes.insert(1060);
        }
        if codes.is_empty() {
            self.slots[slot] = Some(Open::new(Some(key), granted(access), self.steps));
            codes.insert(0);
        }
        self.answer(self.steps, codes);
    }

    fn delete(&mut self, open: &On) {
        let mut codes = self.refused_change(open, 0x1_0000);
        let service = self.get(&open.service);
        if codes.is_empty() {
            service.marked = true;
            service.settings.start = 4;
            service.due = None;
            codes.insert(0);
            let status = self.status(&open.service);
            self.happened(&open.service, 0x200, status);
        }
        self.answer(self.steps, codes);
    }

    /// What keeps a service from being changed.
    fn refused_change(&self, open: &On, right: u32) -> BTreeSet<u32> {
        let mut codes = BTreeSet::new();
        if open.access & right != right {
            codes.insert(5);
        }
        if self.services[&open.service].marked {
            codes.insert(1072);
        }
        if self.stopping.is_some() {
            codes.insert(1115);
        }
        codes
    }

    fn change(&mut self, open: &On, change: &Change) {
        let mut codes = self.refused_change(open, CHANGE_CONFIG);
        let mut settings = self.services[&open.service].settings.clone();
        let mut tag = false;
        match change {
            Change::Nothing => {}
            Change::Kind(kind) => settings.kind = *kind,
            Change::Start(start) => settings.start = *start,
            Change::Error(error) => settings.error = *error,
            Change::Group { group, tag: wanted } => {
                settings.group = group.map(str::to_owned);
                settings.tag = 0;
                tag = *wanted;
            }
            Change::Tag => tag = true,
            Change::Needs(needs) => settings.needs = needs.iter().map(|need| (*need).to_owned()).collect(),
            Change::Account(account) => settings.account = Some((*account).to_owned()),
            Change::Display(display) => settings.display = (*display).to_owned(),
        }
        codes.extend(settings.mistakes());
        if settings.is_driver() && !self.services[&open.service].settings.is_driver() {
            codes.insert(87);
        }
        if tag && settings.group.is_none() {
            codes.insert(87);
        }
        if self.is_taken(&settings.display, &open.service) {
            codes.insert(1078);
        }
        if self.is_circular(&settings) {
            codes.insert(1059);
        }
        if matches!(change, Change::Account(account) if is_unknown(Some(account)) && !settings.is_driver()) {
            codes.insert(1057);
        }
        if codes.is_empty() {
            if let Some(group) = settings.group.clone().filter(|_| tag) {
                // Its own place in the group is free for it only if it leaves the group and comes back.
                settings.tag = self.free_tag(&group);
            }
            self.get(&open.service).settings = settings;
            codes.insert(0);
        }
        self.answer(self.steps, codes);
    }

    fn change2(&mut self, open: &On, change: &Change2) {
        let restarts =
            matches!(change, Change2::Actions { actions, .. } if actions.iter().any(|(kind, _)| *kind == 1));
        let right = if restarts { CHANGE_CONFIG | 0x10 } else { CHANGE_CONFIG };
        let mut codes = self.refused_change(open, right);
        let mut settings = self.services[&open.service].settings.clone();
        let failure = matches!(change, Change2::Actions { .. } | Change2::Command(_));
        if failure && settings.is_driver() {
            codes.insert(1080);
        }
        match change {
            Change2::Description(text) => {
                settings.description = (!text.is_empty()).then(|| (*text).to_owned())
            }
            Change2::Actions { reset, actions } => {
                if actions.iter().any(|(kind, _)| *kind > 3) {
                    codes.insert(87);
                }
                settings.reset = reset.filter(|_| !actions.is_empty());
                settings.actions.clone_from(actions);
            }
            Change2::Command(command) => settings.command = (*command).to_owned(),
            Change2::Delayed(on) => settings.delayed = *on,
            Change2::Flag(on) => settings.flag = *on,
            Change2::Sid(kind) => {
                if ![0, 1, 3].contains(kind) {
                    codes.insert(87);
                }
                settings.sid = *kind;
            }
            Change2::Privileges(names) => {
                settings.privileges = names.iter().map(|name| (*name).to_owned()).collect();
            }
            Change2::Preshutdown(seconds) => settings.preshutdown = *seconds,
        }
        codes.extend(settings.mistakes());
        if codes.is_empty() {
            self.get(&open.service).settings = settings;
            codes.insert(0);
        }
        self.answer(self.steps, codes);
    }
}

/// The rights that a handle gets: those asked for; all, for as much as may be had.
fn granted(access: u32) -> u32 {
    if access & 0x200_0000 != 0 { ALL } else { access }
}

/// The codes for rights that nobody can have.
fn refused_access(access: u32) -> impl Iterator<Item = u32> {
    (access & !(ALL | 0x200_0000) != 0).then_some(5).into_iter()
}
