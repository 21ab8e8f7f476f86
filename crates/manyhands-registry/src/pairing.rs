//! Which of many tools to compare with each other: only those that share a key, so that ten thousand of them take no
//! longer than reading them. It must not know what makes a key, nor who is alike.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// How many tools of the same key a tool is compared with.
const MAX_COMPARED: usize = 64;

/// Marks those of one group that are alike, each beside the other.
pub(crate) fn pair(
    group: &[usize],
    alike: &mut [BTreeSet<usize>],
    is_alike: impl Fn(usize, usize) -> bool,
) {
    for (at, one) in group.iter().enumerate() {
        for other in group.iter().skip(at + 1).take(MAX_COMPARED) {
            let known = alike.get(*one).is_some_and(|it| it.contains(other));
            if known || !is_alike(*one, *other) {
                continue;
            }
            for (a, b) in [(one, other), (other, one)] {
                if let Some(all) = alike.get_mut(*a) {
                    all.insert(*b);
                }
            }
        }
    }
}

/// Those that share a key, by key; who is alone is left out.
pub(crate) fn grouped(keys: impl Iterator<Item = Vec<u64>>) -> BTreeMap<u64, Vec<usize>> {
    let mut groups: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (at, keys) in keys.enumerate() {
        for key in keys {
            groups.entry(key).or_default().push(at);
        }
    }
    groups.retain(|_, group| group.len() > 1);
    groups
}

/// The same in every run, so that what is found is.
pub(crate) fn hash(value: impl std::hash::Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}
