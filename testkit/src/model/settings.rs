//! What is stored of a service, and which of it goes together ([MS-SCMR] 3.1.4.11, 3.1.4.12, 3.1.4.35).

use std::collections::{BTreeMap, BTreeSet};

use super::{Model, NewService, Service, folded};

/// All that is stored of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) kind: u32,
    pub(super) start: u32,
    pub(super) error: u32,
    pub(super) group: Option<String>,
    pub(super) tag: u32,
    pub(super) needs: Vec<String>,
    pub(super) account: Option<String>,
    pub(super) display: String,
    pub(super) description: Option<String>,
    pub(super) reset: Option<u32>,
    pub(super) actions: Vec<(u32, u32)>,
    pub(super) command: String,
    pub(super) delayed: bool,
    pub(super) flag: bool,
    pub(super) sid: u32,
    pub(super) privileges: Vec<String>,
    pub(super) preshutdown: u32,
}

impl Settings {
    pub(super) fn new(name: &str, new: &NewService) -> Self {
        let system = (new.kind & 0x30 != 0).then_some("LocalSystem");
        Self {
            name: name.to_owned(),
            kind: new.kind,
            start: new.start,
            error: new.error,
            group: new.group.map(str::to_owned),
            tag: 0,
            needs: new.needs.iter().map(|need| (*need).to_owned()).collect(),
            account: new.account.or(system).map(str::to_owned),
            display: new.display.unwrap_or(name).to_owned(),
            description: None,
            reset: None,
            actions: Vec::new(),
            command: String::new(),
            delayed: false,
            flag: false,
            sid: 0,
            privileges: Vec::new(),
            preshutdown: 180,
        }
    }

    /// Services of type share are in one program, others have one of their own.
    pub(super) fn image(&self) -> String {
        if self.kind & 0x20 == 0 { format!("/bin/{}", folded(&self.name)) } else { "/bin/shared".to_owned() }
    }

    pub(super) fn is_driver(&self) -> bool {
        self.kind & 0xB != 0
    }

    pub(super) fn is_shared(&self) -> bool {
        self.kind & 0x20 != 0
    }

    fn is_in(&self, group: &str) -> bool {
        self.group.as_deref().is_some_and(|own| folded(own) == folded(group))
    }

    /// The codes for what is wrong with the basic configuration in itself.
    pub(super) fn mistakes(&self) -> BTreeSet<u32> {
        let mut codes = BTreeSet::new();
        let system = self.account.as_deref().is_none_or(|account| account == "LocalSystem");
        let kinds = if system { &[0x1, 0x2, 0x10, 0x20, 0x110, 0x120][..] } else { &[0x1, 0x2, 0x10, 0x20] };
        let starts = if self.is_driver() { 0..=4 } else { 2..=4 };
        let wrong = !kinds.contains(&self.kind) || !starts.contains(&self.start) || self.error > 3;
        if wrong || (self.delayed && self.group.is_some()) {
            codes.insert(87);
        }
        codes
    }
}

/// Whether this account is none of this machine.
pub(super) fn is_unknown(account: Option<&str>) -> bool {
    account.is_some_and(|account| account == "svckit-no-such-user")
}

impl Model {
    /// Whether a name is that of another service, as its name or its display name.
    pub(super) fn is_taken(&self, name: &str, but: &str) -> bool {
        let others = self.services.iter().filter(|(key, _)| *key != but);
        let mut names = others.flat_map(|(key, service)| [key.clone(), folded(&service.settings.display)]);
        names.any(|other| other == folded(name))
    }

    /// The lowest tag above zero that no service of the group has.
    pub(super) fn free_tag(&self, group: &str) -> u32 {
        let tags: BTreeSet<u32> =
            self.members(group).iter().map(|key| self.services[key].settings.tag).collect();
        (1..).find(|tag| !tags.contains(tag)).unwrap_or_default()
    }

    /// The services of a group.
    pub(super) fn members(&self, group: &str) -> Vec<String> {
        let all = self.services.iter().filter(|(_, service)| service.settings.is_in(group));
        all.map(|(key, _)| key.clone()).collect()
    }

    /// What one dependency stands for: the service, or the services of the group.
    pub(super) fn stands_for(&self, need: &str) -> Vec<String> {
        match need.strip_prefix('+') {
            Some(group) => self.members(group),
            None => [folded(need)].into_iter().filter(|key| self.services.contains_key(key)).collect(),
        }
    }

    /// The services that depend on this one directly, by name or through its group.
    pub(super) fn direct_dependents(&self, key: &str) -> BTreeSet<String> {
        let needs = |service: &Service| {
            service.settings.needs.iter().any(|need| self.stands_for(need).iter().any(|other| other == key))
        };
        self.services.iter().filter(|(_, service)| needs(service)).map(|(key, _)| key.clone()).collect()
    }

    /// Those that depend on it directly or through others.
    pub(super) fn dependents(&self, key: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![key.to_owned()];
        while let Some(next) = open.pop() {
            for dependent in self.direct_dependents(&next) {
                if dependent != key && found.insert(dependent.clone()) {
                    open.push(dependent);
                }
            }
        }
        found
    }

    /// Whether a service with these settings would come to depend on itself.
    pub(super) fn is_circular(&self, settings: &Settings) -> bool {
        let key = folded(&settings.name);
        let mut others: BTreeMap<String, Service> = self.services.clone();
        match others.get_mut(&key) {
            Some(service) => service.settings = settings.clone(),
            None => {
                others.insert(key.clone(), Service::new(settings.clone()));
            }
        }
        let after = Self { services: others, ..Self::default() };
        let (mut open, mut seen) = (vec![key.clone()], BTreeSet::new());
        while let Some(next) = open.pop() {
            let dependents = after.direct_dependents(&next);
            if dependents.contains(&key) {
                return true;
            }
            open.extend(dependents.into_iter().filter(|dependent| seen.insert(dependent.clone())));
        }
        false
    }
}
