//! Tests of the order against a model that looks at every pair of services.

use proptest::prelude::*;

use super::*;

fn name(index: usize) -> ServiceName {
    ServiceName::new(format!("s{index}")).unwrap()
}

fn group(index: usize) -> GroupName {
    GroupName::new(format!("g{index}")).unwrap()
}

fn member(text: &str, dependencies: &[&str], in_group: Option<usize>, tag: u32) -> Member {
    Member {
        name: ServiceName::new(text).unwrap(),
        dependencies: dependencies.iter().map(|text| Dependency::new(text).unwrap()).collect(),
        group: in_group.map(group),
        tag,
        automatic: Automatic::AtOnce,
    }
}

fn texts(names: &[ServiceName]) -> Vec<&str> {
    names.iter().map(ServiceName::as_str).collect()
}

#[test]
fn a_cycle_is_refused_and_named() {
    let mut order = Order::default();
    order.insert(member("db", &[], None, 0)).unwrap();
    order.insert(member("cache", &["DB"], None, 0)).unwrap();
    order.insert(member("web", &["cache"], None, 0)).unwrap();
    let before = order.clone();
    let cycle = order.insert(member("db", &["web"], None, 0)).unwrap_err();
    assert_eq!(cycle.to_string(), r#""db" needs "web" needs "cache" needs "db""#);
    assert_eq!(order, before);
    assert_eq!(order.insert(member("x", &["X"], None, 0)).unwrap_err().to_string(), r#""x" needs "x""#);
}

#[test]
fn a_cycle_through_a_group_is_one_too() {
    let mut order = Order::default();
    order.insert(member("app", &["+g1"], None, 0)).unwrap();
    let cycle = order.insert(member("net", &["app"], Some(1), 0)).unwrap_err();
    assert_eq!(texts(&cycle.0), ["net", "app"]);
}

#[test]
fn phases_follow_the_list_of_groups_then_tags() {
    let mut order = Order::default();
    for (text, in_group, tag) in [
        ("late", None, 0),
        ("b2", Some(2), 2),
        ("b0", Some(2), 0),
        ("b1", Some(2), 1),
        ("a", Some(1), 0),
        ("u", Some(7), 0),
    ] {
        order.insert(member(text, &[], in_group, tag)).unwrap();
    }
    order.insert(Member { automatic: Automatic::Delayed, ..member("slow", &[], None, 0) }).unwrap();
    order.insert(Member { automatic: Automatic::No, ..member("asked", &[], None, 0) }).unwrap();
    let phases = order.phases(&[group(2), group(5), group(1)]);
    let phases: Vec<Vec<&str>> = phases.iter().map(|phase| texts(phase)).collect();
    assert_eq!(phases, [vec!["b1", "b2", "b0"], vec!["a"], vec!["u"], vec!["late"]]);
    assert_eq!(texts(&order.delayed()), ["slow"]);
    assert_eq!(order.free_tag(&group(2)), 3);
}

#[test]
fn a_group_is_served_by_any_member_after_all_were_tried() {
    let mut order = Order::default();
    order.insert(member("s0", &[], Some(1), 0)).unwrap();
    order.insert(member("s1", &[], Some(1), 0)).unwrap();
    order.insert(member("app", &["+G1"], None, 0)).unwrap();
    let needs = order.needs(&ServiceName::new("app").unwrap());
    let judge = |first, second| readiness(&needs, |n| if *n == name(0) { first } else { second });
    assert_eq!(judge(Standing::Up, Standing::Pending), Readiness::Wait);
    assert_eq!(judge(Standing::Up, Standing::Down), Readiness::Ready);
    assert!(matches!(judge(Standing::Down, Standing::Down), Readiness::Failed(Need::Group(..))));
    let app = ServiceName::new("app").unwrap();
    assert_eq!(order.blocker(&name(0), |_| true), None, "the other member serves as well");
    assert_eq!(order.blocker(&name(0), |n| *n != name(1)), Some(app.clone()));
    assert_eq!(order.blocker(&name(0), |n| *n != app), None);
}

#[test]
fn a_chain_of_a_hundred_thousand_needs_no_stack() {
    let mut order = Order::default();
    for index in 0..100_000usize {
        let dependencies = index.checked_sub(1).map(|previous| Dependency::Service(name(previous)));
        let new = Member {
            name: name(index),
            dependencies: dependencies.into_iter().collect(),
            group: None,
            tag: 0,
            automatic: Automatic::No,
        };
        assert!(order.put(new).is_none());
    }
    assert_eq!(order.check(&name(99_999)), Ok(()));
    assert_eq!(order.dependents(&name(0)).len(), 99_999);
}

/// Services by number, each with the services and groups it depends on and its group.
#[derive(Debug, Clone)]
struct Model(Vec<(Vec<usize>, Vec<usize>, Option<usize>)>);

impl Model {
    fn direct(&self, from: usize, to: usize) -> bool {
        let (services, groups, _) = &self.0[from];
        services.contains(&to) || self.0[to].2.is_some_and(|group| groups.contains(&group))
    }

    /// `reach[a][b]`: a depends on b, directly or not (Warshall).
    fn reach(&self) -> Vec<Vec<bool>> {
        let count = self.0.len();
        let mut reach: Vec<Vec<bool>> =
            (0..count).map(|a| (0..count).map(|b| self.direct(a, b)).collect()).collect();
        for middle in 0..count {
            for a in 0..count {
                for b in 0..count {
                    reach[a][b] |= reach[a][middle] && reach[middle][b];
                }
            }
        }
        reach
    }

    fn member(&self, index: usize) -> Member {
        let (services, groups, own) = &self.0[index];
        let services = services.iter().map(|s| Dependency::Service(name(*s)));
        let groups = groups.iter().map(|g| Dependency::Group(group(*g)));
        Member {
            name: name(index),
            dependencies: services.chain(groups).collect(),
            group: own.map(group),
            tag: 0,
            automatic: Automatic::No,
        }
    }
}

fn model() -> impl Strategy<Value = Model> {
    (1usize..9).prop_flat_map(|count| {
        let service = (
            prop::collection::vec(0..count, 0..3),
            prop::collection::vec(0usize..2, 0..2),
            prop::option::weighted(0.3, 0usize..2),
        );
        prop::collection::vec(service, count).prop_map(Model)
    })
}

proptest! {
    #[test]
    fn order_agrees_with_the_model(model in model()) {
        let mut order = Order::default();
        for index in 0..model.0.len() {
            order.put(model.member(index));
        }
        let reach = model.reach();
        let count = model.0.len();
        for a in 0..count {
            let circular = (0..count).any(|b| (b == a || reach[a][b]) && reach[b][b]);
            match order.check(&name(a)) {
                Ok(()) => prop_assert!(!circular),
                Err(Cycle(names)) => {
                    prop_assert!(circular);
                    let at = |i: usize| (0..count).find(|n| name(*n) == names[i % names.len()]).unwrap();
                    for i in 0..names.len() {
                        prop_assert!(model.direct(at(i), at(i + 1)), "{:?}", names);
                    }
                }
            }
            let dependents = order.dependents(&name(a));
            let expected: BTreeSet<String> =
                (0..count).filter(|b| *b != a && reach[*b][a]).map(|b| name(b).folded()).collect();
            prop_assert_eq!(dependents.iter().map(ServiceName::folded).collect::<BTreeSet<_>>(), expected);
            if !(0..count).any(|b| reach[b][b]) {
                for (place, before) in dependents.iter().enumerate() {
                    for after in &dependents[place..] {
                        let of = |n: &ServiceName| (0..count).find(|i| name(*i) == *n).unwrap();
                        prop_assert!(!reach[of(after)][of(before)], "{:?} stops before {:?}", before, after);
                    }
                }
            }
        }
    }

    #[test]
    fn inserting_one_by_one_never_lets_a_cycle_in(model in model(), removed in any::<prop::sample::Index>()) {
        let mut order = Order::default();
        for index in 0..model.0.len() {
            let before = order.clone();
            if order.insert(model.member(index)).is_err() {
                prop_assert_eq!(&order, &before);
            }
        }
        for index in 0..model.0.len() {
            prop_assert_eq!(order.check(&name(index)), Ok(()));
        }
        let index = removed.index(model.0.len());
        order.remove(&name(index));
        let mut rebuilt = Order::default();
        for member in order.members.values() {
            rebuilt.put(member.clone());
        }
        prop_assert_eq!(order, rebuilt);
    }
}
