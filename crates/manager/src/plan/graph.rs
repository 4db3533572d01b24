//! What services need, as far as a plan goes: an order for all of them, and who has to stop when another does.

use std::collections::{HashMap, HashSet};

use svckit_core::config::ServiceConfig;
use svckit_core::name::{Dependency, GroupName, ServiceName};

/// One dependency.
enum Need {
    Service(usize),
    /// At least one of these.
    Group(Vec<usize>),
}

/// Services by their numbers, with what each needs.
pub(super) struct Graph {
    needs: Vec<Vec<Need>>,
}

/// All services in an order.
pub(super) struct Sorted {
    /// Each after what it needs.
    pub(super) order: Vec<usize>,
    /// Circles, each on the next; their services are in the order all the same.
    pub(super) circles: Vec<Vec<usize>>,
}

impl Graph {
    /// The graph of services and their configurations; one without a configuration isn't there.
    pub(super) fn new(nodes: &[(&ServiceName, Option<&ServiceConfig>)]) -> Self {
        let mut names: HashMap<String, usize> = HashMap::new();
        let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, (name, config)) in nodes.iter().enumerate() {
            let Some(config) = config else { continue };
            names.insert(name.folded(), index);
            if let Some(group) = &config.load_order_group {
                groups.entry(group.folded()).or_default().push(index);
            }
        }
        let need = |dependency: &Dependency| match dependency {
            Dependency::Service(name) => names.get(&name.folded()).copied().map(Need::Service),
            Dependency::Group(group) => members(&groups, group).map(Need::Group),
        };
        let needs = nodes.iter().map(|(_, config)| {
            config.map(|config| config.dependencies.iter().filter_map(need).collect()).unwrap_or_default()
        });
        Self { needs: needs.collect() }
    }

    /// Dependencies first, else by number.
    pub(super) fn sorted(&self) -> Sorted {
        let mut sorted = Sorted { order: Vec::with_capacity(self.needs.len()), circles: Vec::new() };
        let (mut seen, mut on_path) = (HashSet::new(), HashSet::new());
        for start in 0..self.needs.len() {
            if !seen.insert(start) {
                continue;
            }
            // Depth first without recursion: a chain may be as long as there are services.
            on_path.insert(start);
            let mut path = vec![(start, self.next(start))];
            while let Some((node, rest)) = path.last_mut() {
                let Some(next) = rest.pop() else {
                    on_path.remove(node);
                    sorted.order.push(*node);
                    path.pop();
                    continue;
                };
                if on_path.contains(&next) {
                    let from = path.iter().position(|(node, _)| *node == next).unwrap_or(0);
                    sorted.circles.push(path[from..].iter().map(|(node, _)| *node).collect());
                } else if seen.insert(next) {
                    on_path.insert(next);
                    path.push((next, self.next(next)));
                }
            }
        }
        sorted
    }

    /// Which services have to stop: those that are told to, and those that run and lose what they need. `order` has dependencies first.
    pub(super) fn stops(
        &self,
        order: &[usize],
        runs: impl Fn(usize) -> bool,
        told: impl Fn(usize) -> bool,
    ) -> HashSet<usize> {
        let mut stops = HashSet::new();
        for &node in order {
            let loses = |need: &Need| match need {
                Need::Service(other) => stops.contains(other),
                Need::Group(members) => {
                    let mut running = members.iter().filter(|member| runs(**member)).peekable();
                    running.peek().is_some() && running.all(|member| stops.contains(member))
                }
            };
            if runs(node) && (told(node) || self.needs[node].iter().any(loses)) {
                stops.insert(node);
            }
        }
        stops
    }

    /// What a service needs, last first.
    fn next(&self, node: usize) -> Vec<usize> {
        let mut next = Vec::new();
        for need in self.needs[node].iter().rev() {
            match need {
                Need::Service(other) => next.push(*other),
                Need::Group(members) => next.extend(members.iter().rev()),
            }
        }
        next
    }
}

fn members(groups: &HashMap<String, Vec<usize>>, group: &GroupName) -> Option<Vec<usize>> {
    groups.get(&group.folded()).cloned()
}
