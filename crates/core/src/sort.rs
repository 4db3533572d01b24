//! Sorting in little code: the standard library's sort is compiled anew for every type and every order, some 4 KB each time, which is more than all the rest of most of
//! the functions that sort. Here places are sorted, and that is there once. For lists of people's length, not for millions.

use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Sorts by an order; what is equal stays as it is.
///
/// ```
/// let mut words = vec!["pear", "fig", "apple"];
/// svckit_core::sort::by(&mut words, |a, b| a.len().cmp(&b.len()));
/// assert_eq!(words, ["fig", "pear", "apple"]);
/// ```
pub fn by<T>(items: &mut Vec<T>, mut order: impl FnMut(&T, &T) -> Ordering) {
    let mut places: Vec<usize> = (0..items.len()).collect();
    arrange(&mut places, &mut |a, b| match (items.get(a), items.get(b)) {
        (Some(a), Some(b)) => order(a, b),
        _ => Ordering::Equal,
    });
    *items = arranged(std::mem::take(items), places);
}

/// What is at these places, in their order; each is taken once.
pub fn arranged<T>(items: Vec<T>, places: impl IntoIterator<Item = usize>) -> Vec<T> {
    let mut taken: Vec<Option<T>> = items.into_iter().map(Some).collect();
    places.into_iter().filter_map(|place| taken.get_mut(place)?.take()).collect()
}

/// Sorts by what is asked of each.
pub fn by_key<T, K: Ord>(items: &mut Vec<T>, mut key: impl FnMut(&T) -> K) {
    by(items, |a, b| key(a).cmp(&key(b)));
}

/// A map of entries, of which the last with a key counts. The standard library sorts them first.
pub fn map<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    for (key, value) in entries {
        map.insert(key, value);
    }
    map
}

#[inline(never)]
fn arrange(places: &mut [usize], order: &mut dyn FnMut(usize, usize) -> Ordering) {
    places.sort_by(|a, b| order(*a, *b));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_sorts_as_the_standard_library_does(pairs in prop::collection::vec((0_u8..8, any::<u16>()), 0..200)) {
            let (mut ours, mut theirs) = (pairs.clone(), pairs);
            by_key(&mut ours, |pair| pair.0);
            theirs.sort_by_key(|pair| pair.0);
            prop_assert_eq!(&ours, &theirs);
            by(&mut ours, |a, b| b.1.cmp(&a.1));
            theirs.sort_by_key(|pair| std::cmp::Reverse(pair.1));
            prop_assert_eq!(&ours, &theirs);
            prop_assert_eq!(map(ours), theirs.into_iter().collect());
        }
    }
}
