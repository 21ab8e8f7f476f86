//! Tools that a model would mistake for one another: their names are made of the same words, or their descriptions nearly
//! are. Only tools that share a key are compared, so that ten thousand of them take no longer than reading them.

use std::collections::BTreeSet;

use manyhands_core::clip;

use super::words;
use crate::pairing::{grouped, hash, pair};
use crate::shard::ToolEntry;

/// How much of two descriptions' words must be in both, in percent, and how many words make a description.
const SAME: usize = 90;
const MIN_WORDS: usize = 5;
/// How many bytes of a description are compared.
const MAX_TEXT: usize = 4 * 1024;
/// How many keys a description has, of two hashes each. Two descriptions that share 90 % share one of six keys with a
/// probability of 99.995 %, and two that share 30 % with one of 43 %.
const KEYS: u64 = 6;

/// For each tool those that look like it, in their order.
pub(super) fn look_alikes<'t>(tools: &[&'t ToolEntry]) -> Vec<Vec<&'t ToolEntry>> {
    let described: Vec<Vec<u64>> = tools.iter().map(|it| description(it)).collect();
    let mut alike: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); tools.len()];
    let named = grouped(tools.iter().map(|it| vec![hash(name(it))]));
    for group in named.values() {
        pair(group, &mut alike, |_, _| true);
    }
    for group in grouped(described.iter().map(|it| keys(it))).values() {
        pair(group, &mut alike, |a, b| {
            let (Some(a), Some(b)) = (described.get(a), described.get(b)) else {
                return false;
            };
            is_same(a, b)
        });
    }
    let others = alike
        .iter()
        .map(|all| all.iter().filter_map(|it| tools.get(*it).copied()));
    others.map(Iterator::collect).collect()
}

/// A tool's name as its words, whatever their order, and without that of its server.
fn name(tool: &ToolEntry) -> Vec<String> {
    let name = tool.name();
    let mut all: Vec<String> = words(name.name()).collect();
    let server: Vec<String> = words(name.server().as_str()).collect();
    if all.iter().any(|it| !server.contains(it)) {
        all.retain(|it| !server.contains(it));
    }
    all.sort_unstable();
    all
}

/// The hashes of the words of what it does, in order; none where those are too few to judge by.
fn description(tool: &ToolEntry) -> Vec<u64> {
    let purpose = tool.metadata().purpose;
    let text = purpose.map(|it| it.value).unwrap_or_default();
    let mut all: Vec<u64> = words(&clip(&text, MAX_TEXT)).map(hash).collect();
    all.sort_unstable();
    all.dedup();
    if all.len() < MIN_WORDS {
        all.clear();
    }
    all
}

/// Keys of which descriptions share the more the more words they share (`MinHash` in bands of two).
fn keys(words: &[u64]) -> Vec<u64> {
    // Hashes already, so that little is needed to put them into another order.
    let least = |seed: u64| {
        let seed = hash(seed);
        let mixed = |word: &u64| {
            (word ^ seed)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(32)
        };
        words.iter().map(mixed).min()
    };
    let bands = (0..KEYS).filter_map(|band| Some((band, least(2 * band)?, least(2 * band + 1)?)));
    bands.map(hash).collect()
}

fn is_same(a: &[u64], b: &[u64]) -> bool {
    if a.len() * 100 < b.len() * SAME || b.len() * 100 < a.len() * SAME {
        return false;
    }
    let both = a.iter().filter(|it| b.binary_search(it).is_ok()).count();
    let any = a.len() + b.len() - both;
    both * 100 >= any * SAME
}
