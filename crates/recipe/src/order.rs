//! The order of the services of one file.

use std::collections::HashMap;

use svckit_core::name::Dependency;

use crate::definition::{ServiceDefinition, Span};

/// A circle of dependencies.
#[derive(Debug)]
pub(crate) struct Cycle {
    /// The dependency that closes it.
    pub(crate) span: Span,
    /// The names along it; the first is also the last.
    pub(crate) names: Vec<String>,
}

/// The order in which dependencies come before the services that need them, else that of the file; or one circle.
/// What is not in the file is no matter.
pub(crate) fn order(services: &[ServiceDefinition]) -> Result<Vec<usize>, Cycle> {
    let edges = edges(services);
    let mut order = Vec::with_capacity(services.len());
    let mut done = vec![false; services.len()];
    // The path from a root to here, each with how many of its edges were followed. No recursion: a file may be long.
    let mut path: Vec<(usize, usize)> = Vec::new();
    let mut on_path = vec![false; services.len()];
    for root in 0..services.len() {
        if !done[root] {
            path.push((root, 0));
            on_path[root] = true;
        }
        while let Some((here, followed)) = path.last_mut() {
            let Some((next, span)) = edges[*here].get(*followed).copied() else {
                (done[*here], on_path[*here]) = (true, false);
                order.push(*here);
                path.pop();
                continue;
            };
            *followed += 1;
            if on_path[next] {
                let start = path.iter().position(|(index, _)| *index == next).unwrap_or(0);
                let along = path[start..].iter().map(|(index, _)| *index).chain([next]);
                return Err(Cycle {
                    span,
                    names: along.map(|index| services[index].name.to_string()).collect(),
                });
            }
            if !done[next] {
                path.push((next, 0));
                on_path[next] = true;
            }
        }
    }
    Ok(order)
}

/// For each service, which ones it needs. A member of a group may need the others of its group.
fn edges(services: &[ServiceDefinition]) -> Vec<Vec<(usize, Span)>> {
    let mut names = HashMap::new();
    let mut groups: HashMap<_, Vec<usize>> = HashMap::new();
    for (index, service) in services.iter().enumerate() {
        names.entry(&service.name).or_insert(index);
        if let Some(group) = &service.group {
            groups.entry(group).or_default().push(index);
        }
    }
    let targets = |from: usize, dependency: &Dependency| -> Vec<usize> {
        match dependency {
            Dependency::Service(name) => names.get(name).copied().into_iter().collect(),
            Dependency::Group(group) => {
                groups.get(group).into_iter().flatten().copied().filter(|member| *member != from).collect()
            }
        }
    };
    services
        .iter()
        .enumerate()
        .map(|(from, service)| {
            let spans = service.places.dependencies.iter().copied();
            let needed = service.dependencies.iter().zip(spans);
            needed
                .flat_map(|(dependency, span)| {
                    targets(from, dependency).into_iter().map(move |to| (to, span))
                })
                .collect()
        })
        .collect()
}
