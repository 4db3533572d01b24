//! The order in which services start and stop: dependencies, load order groups, tags, delayed automatic start.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::name::{Dependency, GroupName, ServiceName};

/// When a service is started without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Automatic {
    /// When a session begins.
    AtOnce,
    /// Some time after the others.
    Delayed,
    /// Not at all.
    No,
}

/// What the order depends on in a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Key name.
    pub name: ServiceName,
    /// What has to run before it.
    pub dependencies: Vec<Dependency>,
    /// Its load order group.
    pub group: Option<GroupName>,
    /// Its place in the group; zero: after those that have one.
    pub tag: u32,
    /// Whether it is started when a session begins.
    pub automatic: Automatic,
}

/// All services as far as their order goes.
///
/// INVARIANT: `groups` and `dependents` hold exactly what follows from `members`; no entry in them is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    members: BTreeMap<String, Member>,
    /// The keys of the members of each group.
    groups: BTreeMap<String, BTreeSet<String>>,
    /// The keys of those that depend on a service (by its key) or on a group (by its key with a `/` before it, which no name has).
    dependents: BTreeMap<String, BTreeSet<String>>,
}

/// Services that depend on each other in a circle: each on the next, the last on the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", describe(.0))]
pub struct Cycle(pub Vec<ServiceName>);

/// What one dependency comes down to at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// This service has to run.
    Service(ServiceName),
    /// No such service exists.
    Missing(ServiceName),
    /// At least one of these has to run after all were tried.
    Group(GroupName, Vec<ServiceName>),
}

/// How far a service is that another one needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It runs.
    Up,
    /// It is on its way.
    Pending,
    /// It does not run and is not on its way.
    Down,
}

/// Whether a service can be started now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// All that it needs runs.
    Ready,
    /// Something that it needs is on its way.
    Wait,
    /// Something that it needs does not run.
    Failed(Need),
}

/// Judges what a service needs: a failure is told at once, even while other things are on their way.
pub fn readiness(needs: &[Need], standing: impl Fn(&ServiceName) -> Standing) -> Readiness {
    let mut wait = false;
    for need in needs {
        let now = match need {
            Need::Missing(_) => Standing::Down,
            Need::Service(name) => standing(name),
            Need::Group(_, members) => {
                let all: Vec<Standing> = members.iter().map(&standing).collect();
                if all.contains(&Standing::Pending) {
                    Standing::Pending
                } else if all.contains(&Standing::Up) {
                    Standing::Up
                } else {
                    Standing::Down
                }
            }
        };
        match now {
            Standing::Up => {}
            Standing::Pending => wait = true,
            Standing::Down => return Readiness::Failed(need.clone()),
        }
    }
    if wait { Readiness::Wait } else { Readiness::Ready }
}

impl Order {
    /// Adds a service, or replaces the one of that name. Refused, and nothing changed, if it would depend on itself through others.
    pub fn insert(&mut self, member: Member) -> Result<(), Cycle> {
        let name = member.name.clone();
        let before = self.put(member);
        let Err(cycle) = self.check(&name) else { return Ok(()) };
        self.remove(&name);
        if let Some(before) = before {
            self.put(before);
        }
        Err(cycle)
    }

    /// Forgets a service.
    pub fn remove(&mut self, name: &ServiceName) -> Option<Member> {
        let key = name.folded();
        let member = self.members.remove(&key)?;
        if let Some(group) = &member.group {
            take(&mut self.groups, &group.folded(), &key);
        }
        for dependency in &member.dependencies {
            take(&mut self.dependents, &slot(dependency), &key);
        }
        Some(member)
    }

    /// What a service needs directly, as things stand; nothing for an unknown one.
    pub fn needs(&self, name: &ServiceName) -> Vec<Need> {
        let Some(member) = self.members.get(&name.folded()) else { return Vec::new() };
        member.dependencies.iter().map(|dependency| self.need(dependency)).collect()
    }

    /// Whether starting a service would go round in a circle.
    pub fn check(&self, name: &ServiceName) -> Result<(), Cycle> {
        let start = name.folded();
        // Depth first without recursion: a chain may be as long as there are services.
        let (mut done, mut on_path) = (HashSet::new(), HashSet::from([start.clone()]));
        let mut path = vec![(start.clone(), self.next(&start))];
        while let Some((key, rest)) = path.last_mut() {
            let Some(next) = rest.pop() else {
                on_path.remove(key.as_str());
                done.insert(std::mem::take(key));
                path.pop();
                continue;
            };
            if on_path.contains(&next) {
                let from = path.iter().position(|(key, _)| *key == next).unwrap_or(0);
                return Err(Cycle(self.names(path[from..].iter().map(|(key, _)| key))));
            }
            if !done.contains(&next) {
                on_path.insert(next.clone());
                let rest = self.next(&next);
                path.push((next, rest));
            }
        }
        Ok(())
    }

    /// All services that depend on this one, directly or not, by name or through its group, in the order in which they have to be stopped:
    /// each before what it depends on.
    pub fn dependents(&self, name: &ServiceName) -> Vec<ServiceName> {
        let start = name.folded();
        let mut finished = Vec::new();
        let mut seen = HashSet::from([start.clone()]);
        let mut path = vec![self.previous(&start)];
        let mut keys = vec![start];
        while let Some(rest) = path.last_mut() {
            match rest.pop() {
                Some(next) if seen.insert(next.clone()) => {
                    path.push(self.previous(&next));
                    keys.push(next);
                }
                Some(_) => {}
                None => {
                    path.pop();
                    finished.extend(keys.pop());
                }
            }
        }
        finished.pop();
        self.names(finished.iter())
    }

    /// An active service that keeps this one from being stopped. One that depends on its group is content while another member of the
    /// group is active.
    pub fn blocker(&self, name: &ServiceName, active: impl Fn(&ServiceName) -> bool) -> Option<ServiceName> {
        let key = name.folded();
        let by_name = self.dependents.get(&key).into_iter().flatten();
        let by_group = self.group_slot(&key).filter(|slot| {
            let members = self.groups.get(&slot[1..]).into_iter().flatten();
            !members.filter(|member| **member != key).any(|other| active(&self.members[other].name))
        });
        let by_group = by_group.and_then(|slot| self.dependents.get(&slot)).into_iter().flatten();
        by_name.chain(by_group).map(|key| &self.members[key].name).find(|name| active(name)).cloned()
    }

    /// The services that depend on this one directly, by name or through its group.
    pub fn direct_dependents(&self, name: &ServiceName) -> Vec<ServiceName> {
        let keys = self.previous(&name.folded());
        self.names(keys.iter())
    }

    /// The services to be started when a session begins, in phases: each phase begins when the one before came to rest.
    ///
    /// First the groups in the order of `groups`, then the other groups, then services without a group. In a group those with a tag
    /// come first, by tag.
    pub fn phases(&self, groups: &[GroupName]) -> Vec<Vec<ServiceName>> {
        let listed: Vec<String> = groups.iter().map(GroupName::folded).collect();
        let mut phases: BTreeMap<usize, Vec<&Member>> = BTreeMap::new();
        for member in self.members.values().filter(|member| member.automatic == Automatic::AtOnce) {
            let phase = match &member.group {
                None => listed.len() + 1,
                Some(group) => {
                    let group = group.folded();
                    listed.iter().position(|listed| *listed == group).unwrap_or(listed.len())
                }
            };
            phases.entry(phase).or_default().push(member);
        }
        let in_order = |mut members: Vec<&Member>| {
            members.sort_by_cached_key(|m| (m.group.clone(), m.tag == 0, m.tag));
            members.into_iter().map(|member| member.name.clone()).collect()
        };
        phases.into_values().map(in_order).collect()
    }

    /// The services to be started some time after the others.
    pub fn delayed(&self) -> Vec<ServiceName> {
        let delayed = self.members.values().filter(|member| member.automatic == Automatic::Delayed);
        delayed.map(|member| member.name.clone()).collect()
    }

    /// The members of a group.
    pub fn group(&self, group: &GroupName) -> Vec<ServiceName> {
        self.names(self.groups.get(&group.folded()).into_iter().flatten())
    }

    /// The lowest tag above zero that no member of the group has.
    pub fn free_tag(&self, group: &GroupName) -> u32 {
        let members = self.groups.get(&group.folded()).into_iter().flatten();
        let tags: BTreeSet<u32> = members.map(|key| self.members[key].tag).collect();
        (1..).find(|tag| !tags.contains(tag)).unwrap_or(u32::MAX)
    }

    fn put(&mut self, member: Member) -> Option<Member> {
        let before = self.remove(&member.name);
        let key = member.name.folded();
        if let Some(group) = &member.group {
            self.groups.entry(group.folded()).or_default().insert(key.clone());
        }
        for dependency in &member.dependencies {
            self.dependents.entry(slot(dependency)).or_default().insert(key.clone());
        }
        self.members.insert(key, member);
        before
    }

    fn need(&self, dependency: &Dependency) -> Need {
        match dependency {
            Dependency::Group(group) => Need::Group(group.clone(), self.group(group)),
            Dependency::Service(name) => match self.members.get(&name.folded()) {
                Some(member) => Need::Service(member.name.clone()),
                None => Need::Missing(name.clone()),
            },
        }
    }

    /// The keys of existing services that the one with this key depends on, last first.
    fn next(&self, key: &str) -> Vec<String> {
        let Some(member) = self.members.get(key) else { return Vec::new() };
        let mut keys = Vec::new();
        for dependency in member.dependencies.iter().rev() {
            match dependency {
                Dependency::Service(name) => keys.push(name.folded()),
                Dependency::Group(group) => {
                    keys.extend(self.groups.get(&group.folded()).into_iter().flatten().rev().cloned());
                }
            }
        }
        keys.retain(|key| self.members.contains_key(key));
        keys
    }

    /// The keys of the services that depend on the one with this key, by name or through its group.
    fn previous(&self, key: &str) -> Vec<String> {
        let mut keys: BTreeSet<&String> = self.dependents.get(key).into_iter().flatten().collect();
        if let Some(slot) = self.group_slot(key) {
            keys.extend(self.dependents.get(&slot).into_iter().flatten());
        }
        keys.into_iter().cloned().collect()
    }

    fn group_slot(&self, key: &str) -> Option<String> {
        Some(format!("/{}", self.members.get(key)?.group.as_ref()?.folded()))
    }

    fn names<'a>(&self, keys: impl Iterator<Item = &'a String>) -> Vec<ServiceName> {
        keys.filter_map(|key| self.members.get(key)).map(|member| member.name.clone()).collect()
    }
}

fn slot(dependency: &Dependency) -> String {
    match dependency {
        Dependency::Service(name) => name.folded(),
        Dependency::Group(group) => format!("/{}", group.folded()),
    }
}

fn take(index: &mut BTreeMap<String, BTreeSet<String>>, slot: &str, key: &str) {
    if let Some(keys) = index.get_mut(slot) {
        keys.remove(key);
        if keys.is_empty() {
            index.remove(slot);
        }
    }
}

fn describe(cycle: &[ServiceName]) -> String {
    let mut text = String::new();
    for name in cycle.iter().chain(cycle.first()) {
        if !text.is_empty() {
            text.push_str(" needs ");
        }
        text.push_str(&format!("{:?}", name.as_str()));
    }
    text
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
