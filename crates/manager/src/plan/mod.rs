//! What has to be done for services to be as they shall be: a function of what is wanted and of what is there. Nothing is done here.
//!
//! The order of the steps: what is to go is stopped, with whoever needs it and runs, and removed; services are installed and changed, dependencies first; those
//! whose running program is affected are stopped, with whoever needs them and runs; and whatever was stopped and stays is started. So a change that is refused
//! finds nothing stopped for its sake.

mod graph;

use std::collections::{HashMap, HashSet};

use svckit_core::config::{Config2, NewService, ServiceConfig};
use svckit_core::definition::HostDefinition;
use svckit_core::kind::StartType;
use svckit_core::name::{Dependency, ServiceName};
use svckit_core::native::Configured;
use svckit_core::rights;
use svckit_core::status::ServiceState;

use crate::install::InstallPlan;
use crate::update::{difference, is_already, is_secured};
use graph::Graph;

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Goal<'a> {
    /// Services as they shall be, each once.
    pub desired: &'a [InstallPlan],
    /// Services that shall go; none of those that are desired.
    pub removed: &'a [ServiceName],
    /// Services that an earlier run was to restart and maybe did not.
    pub pending: &'a [ServiceName],
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What becomes of each desired service.
    pub fates: Vec<Fate>,
    /// The steps, in their order.
    pub steps: Vec<Step>,
}

/// What becomes of a desired service.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// It is there and as it shall be.
    Keep,
    /// It is there, and changed.
    Update {
        /// How it is.
        before: Box<Configured>,
        /// How it will be.
        after: Box<Configured>,
    },
    /// It is not there.
    Install,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A running service is stopped.
    Stop(ServiceName),
    /// A service is removed.
    Remove(ServiceName),
    /// The desired service of this number is installed.
    Install(usize),
    /// The desired service of this number is changed.
    Update(usize),
    /// A service that ran is started.
    Start(ServiceName),
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// Services would depend on each other.
    #[error("the services would depend on each other in a circle: {}", circle(.0))]
    Circle(Vec<ServiceName>),
    /// A service that stays needs one that shall go.
    #[error("service {:?} can't be removed: service {:?} depends on it", service.as_str(), by.as_str())]
    Needed {
        /// The one that shall go.
        service: ServiceName,
        /// The one that stays.
        by: ServiceName,
    },
}

/// A service that is there or will be.
struct Node<'a> {
    name: &'a ServiceName,
    before: Option<&'a Configured>,
    /// How it will be configured; absent: it goes.
    after: Option<&'a ServiceConfig>,
    /// The number of the desired service that is to be installed or changed.
    job: Option<usize>,
    /// Whether its running program is another than it shall be.
    is_affected: bool,
    is_pending: bool,
}

/// Plans how what is `present` becomes what is wanted.
pub fn plan(goal: &Goal<'_>, present: &[Configured]) -> Result<Plan, Obstacle> {
    let by_name: HashMap<String, &Configured> =
        present.iter().map(|one| (one.service.folded(), one)).collect();
    let before = |plan: &InstallPlan| by_name.get(&plan.service.name.folded()).copied();
    let fates: Vec<Fate> = goal.desired.iter().map(|plan| fate(plan, before(plan))).collect();
    if goal.removed.is_empty() && goal.pending.is_empty() && fates.iter().all(|fate| *fate == Fate::Keep) {
        return Ok(Plan { fates, steps: Vec::new() });
    }
    let steps = steps(&fates, &nodes(goal, &fates, present))?;
    Ok(Plan { fates, steps })
}

/// Whether a program would run differently: where its definition came from makes no difference.
pub fn runs_differently(
    before: (&ServiceConfig, Option<&HostDefinition>),
    after: (&ServiceConfig, Option<&HostDefinition>),
) -> bool {
    let plain = |definition: Option<&HostDefinition>| {
        definition.map(|definition| HostDefinition { source: None, ..definition.clone() })
    };
    before.0.service_type != after.0.service_type
        || !after.0.image_path.is_told_as(&before.0.image_path)
        || before.0.account != after.0.account
        || before.1 != after.1 && plain(before.1) != plain(after.1)
}

fn fate(plan: &InstallPlan, before: Option<&Configured>) -> Fate {
    let Some(before) = before else { return Fate::Install };
    let NewService { config: wanted, want_tag, password, .. } = &plan.service;
    let (change, changed) = difference(&before.config, wanted, *want_tag, password.as_ref());
    let optional = |value: &Config2| {
        let level = value.level();
        plan.config2.iter().find(|change| change.level() == level && !is_already(value, change))
    };
    let stored = before.security.as_ref().unwrap_or(&rights::SERVICE_SECURITY);
    let secured = plan.security.as_ref().filter(|wanted| !is_secured(stored, wanted));
    if changed.is_empty()
        && secured.is_none()
        && plan.definition == before.definition
        && before.optional.iter().all(|value| optional(value).is_none())
    {
        return Fate::Keep;
    }
    let account = if change.account.is_some() { &wanted.account } else { &before.config.account };
    let image_path = change.image_path.unwrap_or_else(|| before.config.image_path.clone());
    let config =
        ServiceConfig { tag: before.config.tag, account: account.clone(), image_path, ..wanted.clone() };
    let after = Configured {
        config,
        optional: before
            .optional
            .iter()
            .map(|value| optional(value).map_or(value.clone(), |change| value.clone().after(change.clone())))
            .collect(),
        security: secured
            .and_then(|wanted| stored.with(wanted.parts(), &wanted.mapped(&rights::SERVICE)))
            .or_else(|| before.security.clone()),
        definition: plan.definition.clone(),
        ..before.clone()
    };
    Fate::Update { before: Box::new(before.clone()), after: Box::new(after) }
}

/// Every service, first those that are there.
fn nodes<'a>(goal: &Goal<'a>, fates: &'a [Fate], present: &'a [Configured]) -> Vec<Node<'a>> {
    let removed: HashSet<String> = goal.removed.iter().map(ServiceName::folded).collect();
    let pending: HashSet<String> = goal.pending.iter().map(ServiceName::folded).collect();
    let desired: HashMap<String, usize> =
        goal.desired.iter().enumerate().map(|(index, plan)| (plan.service.name.folded(), index)).collect();
    let there = present.iter().map(|before| {
        let key = before.service.folded();
        let update = desired.get(&key).and_then(|index| match &fates[*index] {
            Fate::Update { after, .. } => Some((*index, &**after)),
            _ => None,
        });
        let is_pending = pending.contains(&key);
        let after = update.map_or(before, |(_, after)| after);
        let definitions = (before.definition.as_deref(), after.definition.as_deref());
        let differs = runs_differently((&before.config, definitions.0), (&after.config, definitions.1));
        Node {
            name: &before.service,
            before: Some(before),
            after: (!removed.contains(&key)).then_some(&after.config),
            job: update.map(|(index, _)| index),
            is_affected: is_pending || update.is_some() && differs,
            is_pending,
        }
    });
    let new = goal.desired.iter().zip(fates).enumerate().filter(|(_, (_, fate))| **fate == Fate::Install);
    let new = new.map(|(index, (plan, _))| Node {
        name: &plan.service.name,
        before: None,
        after: Some(&plan.service.config),
        job: Some(index),
        is_affected: false,
        is_pending: false,
    });
    there.chain(new).collect()
}

fn steps(fates: &[Fate], nodes: &[Node<'_>]) -> Result<Vec<Step>, Obstacle> {
    refuse_to_leave_alone(nodes)?;
    let mut list = List { nodes, steps: Vec::new(), stopped: HashSet::new() };
    list.removals();
    let graph = Graph::new(&nodes.iter().map(|node| (node.name, node.after)).collect::<Vec<_>>());
    let sorted = graph.sorted();
    let is_ours = |circle: &&Vec<usize>| circle.iter().any(|index| nodes[*index].job.is_some());
    if let Some(circle) = sorted.circles.iter().find(is_ours) {
        return Err(Obstacle::Circle(circle.iter().map(|index| nodes[*index].name.clone()).collect()));
    }
    list.steps.extend(sorted.order.iter().filter_map(|index| nodes[*index].job).map(|job| {
        match fates[job] {
            Fate::Install => Step::Install(job),
            _ => Step::Update(job),
        }
    }));
    list.restarts(&graph, &sorted.order);
    Ok(list.steps)
}

/// The steps so far.
struct List<'a> {
    nodes: &'a [Node<'a>],
    steps: Vec<Step>,
    stopped: HashSet<usize>,
}

impl List<'_> {
    /// What goes is stopped and removed, dependents first.
    fn removals(&mut self) {
        if self.nodes.iter().all(Node::stays) {
            return;
        }
        let configs = self.nodes.iter().map(|node| (node.name, node.before.map(|before| &before.config)));
        let configs: Vec<_> = configs.collect();
        let graph = Graph::new(&configs);
        let order = graph.sorted().order;
        let stops = graph.stops(&order, |index| self.nodes[index].runs(), |index| !self.nodes[index].stays());
        self.stop(&order, stops);
        let gone = order.iter().rev().map(|index| &self.nodes[*index]).filter(|node| !node.stays());
        self.steps.extend(gone.map(|node| Step::Remove(node.name.clone())));
    }

    /// Whose program is affected is stopped, and whatever was stopped is started again.
    fn restarts(&mut self, graph: &Graph, order: &[usize]) {
        let runs = |index: usize| {
            let node = &self.nodes[index];
            node.runs() && node.stays() && !self.stopped.contains(&index)
        };
        // What is disabled could not be started again: it goes on as it is.
        let told = |index: usize| self.nodes[index].is_affected && self.nodes[index].can_start();
        let stops = graph.stops(order, runs, told);
        self.stop(order, stops);
        let starts = order.iter().filter(|index| {
            let node = &self.nodes[**index];
            node.can_start() && (self.stopped.contains(*index) || node.is_pending && !node.runs())
        });
        let starts: Vec<_> = starts.map(|index| Step::Start(self.nodes[*index].name.clone())).collect();
        self.steps.extend(starts);
    }

    /// Stops these, dependents first.
    fn stop(&mut self, order: &[usize], stops: HashSet<usize>) {
        let in_order = order.iter().rev().filter(|index| stops.contains(*index));
        self.steps.extend(in_order.map(|index| Step::Stop(self.nodes[*index].name.clone())));
        self.stopped.extend(stops);
    }
}

impl Node<'_> {
    fn runs(&self) -> bool {
        self.before.is_some_and(|before| before.state != ServiceState::STOPPED)
    }

    fn stays(&self) -> bool {
        self.after.is_some()
    }

    fn can_start(&self) -> bool {
        self.after.is_some_and(|config| config.start_type != StartType::DISABLED)
    }
}

/// Nothing that stays may depend by name on what goes.
fn refuse_to_leave_alone(nodes: &[Node<'_>]) -> Result<(), Obstacle> {
    let gone: HashSet<String> =
        nodes.iter().filter(|node| node.after.is_none()).map(|node| node.name.folded()).collect();
    if gone.is_empty() {
        return Ok(());
    }
    for node in nodes {
        for dependency in node.after.into_iter().flat_map(|config| &config.dependencies) {
            if let Dependency::Service(name) = dependency
                && gone.contains(&name.folded())
            {
                return Err(Obstacle::Needed { service: name.clone(), by: node.name.clone() });
            }
        }
    }
    Ok(())
}

fn circle(names: &[ServiceName]) -> String {
    let names: Vec<_> = names.iter().chain(names.first()).map(ServiceName::as_str).collect();
    names.join(" -> ")
}

#[cfg(test)]
mod tests;
