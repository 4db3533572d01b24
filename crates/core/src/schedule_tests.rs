use proptest::prelude::*;

use super::*;
use crate::name::{Dependency, GroupName};
use crate::order::{Automatic, Member};

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

/// Services as `NAME` or `NAME+GROUP`, and what each needs, such as `db +Data`.
fn order(services: &[(&str, &str)]) -> Order {
    let mut order = Order::default();
    for (service, needs) in services {
        let (service, group) =
            service.split_once('+').map_or((*service, None), |(one, two)| (one, Some(two)));
        let member = Member {
            name: name(service),
            dependencies: needs.split_whitespace().map(|need| Dependency::new(need).unwrap()).collect(),
            group: group.map(|group| GroupName::new(group).unwrap()),
            tag: 0,
            automatic: Automatic::No,
        };
        order.insert(member).unwrap();
    }
    order
}

/// Runs a schedule in which every one that is under way is over before the next look; what happened, in words.
fn run(order: &Order, names: &str, direction: Direction, limit: usize, failing: &[&str]) -> Vec<String> {
    let names: Vec<ServiceName> = names.split_whitespace().map(name).collect();
    let mut schedule = Schedule::new(order, &names, direction, limit);
    let mut told = Vec::new();
    loop {
        let (mut begun, mut round) = (Vec::new(), Vec::new());
        while let Some(next) = schedule.advance() {
            match next {
                Next::Begin(item) => {
                    begun.push(item);
                    round.push(names[item].to_string());
                }
                Next::LeaveOut { item, because } => {
                    told.push(format!("{} lacks {}", names[item], names[because]))
                }
            }
        }
        if begun.is_empty() {
            return told;
        }
        told.push(round.join(" "));
        for item in begun {
            schedule.over(item, !failing.contains(&names[item].as_str()));
        }
    }
}

fn diamond() -> Order {
    order(&[("top", "left right"), ("left", "base"), ("right", "base"), ("base", ""), ("other", "")])
}

#[test]
fn what_is_needed_comes_first_and_the_rest_at_the_same_time() {
    let all = "top right left base other";
    let up = run(&diamond(), all, Direction::NeededFirst, 9, &[]);
    assert_eq!(up, ["base other", "right left", "top"]);
    let down = run(&diamond(), all, Direction::NeededLast, 9, &[]);
    assert_eq!(down, ["top other", "right left", "base"]);
    assert_eq!(run(&diamond(), all, Direction::Any, 9, &[]), [all]);
}

#[test]
fn no_more_are_under_way_than_may_be() {
    let up = run(&diamond(), "top right left base other", Direction::NeededFirst, 1, &[]);
    assert_eq!(up, ["base", "right", "left", "top", "other"]);
    assert_eq!(run(&diamond(), "left other base", Direction::Any, 2, &[]), ["left other", "base"]);
    assert_eq!(run(&diamond(), "left base", Direction::Any, 0, &[]), ["left", "base"]);
}

#[test]
fn who_needs_one_that_failed_is_left_out_and_the_others_are_not() {
    let all = "top right left base other";
    assert_eq!(
        run(&diamond(), all, Direction::NeededFirst, 9, &["left"]),
        ["base other", "right left", "top lacks left"]
    );
    assert_eq!(
        run(&diamond(), all, Direction::NeededFirst, 9, &["base"]),
        ["base other", "right lacks base", "left lacks base", "top lacks right"]
    );
    assert_eq!(
        run(&diamond(), all, Direction::NeededLast, 9, &["left"]),
        ["top other", "right left", "base lacks left"]
    );
}

#[test]
fn the_order_goes_through_services_that_are_not_meant() {
    assert_eq!(run(&diamond(), "top base", Direction::NeededFirst, 9, &[]), ["base", "top"]);
    assert_eq!(run(&diamond(), "top base", Direction::NeededLast, 9, &[]), ["top", "base"]);
    assert_eq!(run(&diamond(), "top base", Direction::NeededFirst, 9, &["base"]), ["base", "top lacks base"]);
}

#[test]
fn one_of_a_group_is_enough_so_who_needs_it_is_tried() {
    let order = order(&[("web", "+Data"), ("a+Data", ""), ("b+Data", ""), ("c", "a +Data")]);
    assert_eq!(run(&order, "web a b", Direction::NeededFirst, 9, &["a"]), ["a b", "web"]);
    assert_eq!(run(&order, "web a b", Direction::NeededLast, 9, &["web"]), ["web", "a b"]);
    assert_eq!(run(&order, "c a b", Direction::NeededFirst, 9, &["a"]), ["a b", "c lacks a"]);
}

#[test]
fn names_that_nothing_is_known_of_wait_for_nobody() {
    let order = order(&[("web", "ghost")]);
    assert_eq!(run(&order, "web GHOST", Direction::NeededFirst, 9, &[]), ["GHOST", "web"]);
    assert_eq!(run(&Order::default(), "a b", Direction::NeededFirst, 9, &[]), ["a b"]);
}

proptest! {
    /// Whatever needs what, and whoever fails: everyone has a turn or is left out, once, after all that it has to wait for, and no more are under way than may be.
    #[test]
    fn everyone_has_a_turn(
        needs in prop::collection::vec(prop::collection::vec(0_usize..12, 0..3), 1..12),
        fails in prop::collection::vec(any::<bool>(), 12),
        picks in prop::collection::vec(0_usize..12, 12),
        limit in 1_usize..5,
        up in any::<bool>(),
    ) {
        let names: Vec<ServiceName> = (0..needs.len()).map(|place| name(&format!("s{place}"))).collect();
        let mut order = Order::default();
        for (place, needs) in needs.iter().enumerate() {
            let dependencies = needs.iter().filter(|need| **need < place).map(|need| Dependency::Service(name(&format!("s{need}"))));
            let dependencies = dependencies.collect();
            order.insert(Member { name: names[place].clone(), dependencies, group: None, tag: 0, automatic: Automatic::No }).unwrap();
        }
        let direction = if up { Direction::NeededFirst } else { Direction::NeededLast };
        let mut schedule = Schedule::new(&order, &names, direction, limit);
        let (mut over, mut failed, mut under_way) = (HashSet::new(), HashSet::new(), Vec::new());
        let mut picks = picks.into_iter().cycle();
        loop {
            while let Some(next) = schedule.advance() {
                let (Next::Begin(item) | Next::LeaveOut { item, .. }) = next;
                for other in 0..names.len() {
                    let (needer, needed) = if up { (item, other) } else { (other, item) };
                    if needed < needer && needs[needer].contains(&needed) {
                        prop_assert!(over.contains(&other), "{item} before {other}");
                    }
                }
                match next {
                    Next::Begin(_) => under_way.push(item),
                    Next::LeaveOut { because, .. } => {
                        prop_assert!(failed.contains(&because));
                        prop_assert!(over.insert(item));
                        failed.insert(item);
                    }
                }
                prop_assert!(under_way.len() <= limit);
            }
            if under_way.is_empty() {
                break;
            }
            let item = under_way.swap_remove(picks.next().unwrap() % under_way.len());
            prop_assert!(over.insert(item), "{item} twice");
            if fails[item] {
                failed.insert(item);
            }
            schedule.over(item, !fails[item]);
        }
        prop_assert_eq!(over.len(), names.len());
    }
}
