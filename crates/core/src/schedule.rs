//! The same for many services: as many at a time as may be, each when what it has to wait for is over.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::name::ServiceName;
use crate::order::{Need, Order};

/// Who has to wait for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What a service needs comes before it: for a start.
    NeededFirst,
    /// A service comes before what it needs: for a stop.
    NeededLast,
    /// Nobody waits.
    Any,
}

/// What is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// To begin with this one; [`Schedule::over`] is to be told how it ended.
    Begin(usize),
    /// This one is left out, since the other one failed or was left out.
    LeaveOut {
        /// Which.
        item: usize,
        /// Whose fault it is.
        because: usize,
    },
}

/// Services for which the same is to be done. They are known by their places in the list that it was made of.
///
/// INVARIANT: `ready` holds exactly the items that are not begun and wait for nothing; `left` is how many others an item waits for.
#[derive(Debug, Clone)]
pub struct Schedule {
    items: Vec<Item>,
    ready: BTreeSet<usize>,
    under_way: usize,
    limit: usize,
}

#[derive(Debug, Clone, Default)]
struct Item {
    left: usize,
    begun: bool,
    /// Who waits for this one, and whether that is in vain if this one fails.
    followers: Vec<(usize, bool)>,
    because: Option<usize>,
}

impl Schedule {
    /// A schedule with at most so many under way at a time. `order` is what is known of them and of what they need; who isn't in it waits for nobody.
    ///
    /// A service that needs one of a group waits for all of it. Whether that is in vain when one of them fails only the service control manager can tell, so
    /// it is tried.
    pub fn new(order: &Order, items: &[ServiceName], direction: Direction, limit: usize) -> Self {
        let places: HashMap<String, usize> =
            items.iter().enumerate().map(|(place, name)| (name.folded(), place)).collect();
        let mut schedule = Self {
            items: vec![Item::default(); items.len()],
            ready: BTreeSet::new(),
            under_way: 0,
            limit: limit.max(1),
        };
        for (place, name) in items.iter().enumerate() {
            for (needed, by_name) in needed(order, name, &places) {
                match direction {
                    Direction::NeededFirst => schedule.follow(needed, place, by_name),
                    Direction::NeededLast => schedule.follow(place, needed, by_name),
                    Direction::Any => {}
                }
            }
        }
        schedule.ready = (0..items.len()).filter(|place| schedule.items[*place].left == 0).collect();
        schedule
    }

    fn follow(&mut self, first: usize, follower: usize, in_vain: bool) {
        self.items[first].followers.push((follower, in_vain));
        self.items[follower].left += 1;
    }

    /// What is next; `None` when one that is under way has to be over before, or when all are.
    pub fn advance(&mut self) -> Option<Next> {
        if self.ready.is_empty() && self.under_way == 0 {
            // They wait for each other in a circle: the service control manager knows what to do about that.
            self.ready.extend(self.items.iter().position(|item| !item.begun));
        }
        let is_left_out = |place: &&usize| self.items[**place].because.is_some();
        let item = match self.ready.iter().find(is_left_out) {
            Some(item) => *item,
            None if self.under_way == self.limit => return None,
            None => *self.ready.first()?,
        };
        self.ready.remove(&item);
        self.items[item].begun = true;
        if let Some(because) = self.items[item].because {
            self.release(item, false);
            return Some(Next::LeaveOut { item, because });
        }
        self.under_way += 1;
        Some(Next::Begin(item))
    }

    /// One that was begun is over.
    pub fn over(&mut self, item: usize, is_done: bool) {
        self.under_way -= 1;
        self.release(item, is_done);
    }

    fn release(&mut self, item: usize, is_done: bool) {
        for (follower, in_vain) in std::mem::take(&mut self.items[item].followers) {
            let other = &mut self.items[follower];
            other.left -= 1;
            if !is_done && in_vain {
                other.because.get_or_insert(item);
            }
            if other.left == 0 && !other.begun {
                self.ready.insert(follower);
            }
        }
    }
}

/// The items that a service needs, directly or through services that are none, and whether it needs just that one (and not one of a group).
fn needed(order: &Order, name: &ServiceName, places: &HashMap<String, usize>) -> HashMap<usize, bool> {
    let mut found: HashMap<usize, bool> = HashMap::new();
    let mut seen = HashSet::new();
    let mut rest = vec![(name.clone(), true)];
    let own = name.folded();
    while let Some((name, by_name)) = rest.pop() {
        for need in order.needs(&name) {
            let (names, by_name) = match need {
                Need::Service(name) | Need::Missing(name) => (vec![name], by_name),
                Need::Group(_, members) => (members, false),
            };
            for name in names {
                let key = name.folded();
                match places.get(&key) {
                    _ if key == own => {}
                    Some(place) => *found.entry(*place).or_insert(false) |= by_name,
                    None if seen.insert((key, by_name)) => rest.push((name, by_name)),
                    None => {}
                }
            }
        }
    }
    found
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
