//! How much alike two tools of different servers are, and in what. It must not know of a third, but for how common words
//! are among all.

use std::collections::{BTreeSet, HashMap};

use super::parameters::Correspondence;
use super::profile::Profile;
use crate::select::synonyms_of;

/// What counts how much of a score, 1 in all.
const NAME: f32 = 0.35;
const DESCRIPTION: f32 = 0.3;
const PARAMETERS: f32 = 0.35;
/// The share of rare words at which two descriptions are as alike as can be: two authors never say it in the same words.
const SAME: f32 = 0.3;
/// The least score: more than the same name with the same description has, since what takes other parameters does not stand
/// in.
const LEAST: f32 = 0.66;
/// What a name counts that says the same in other words, and one that leaves it to the description.
const IN_OTHER_WORDS: f32 = 0.75;
const BY_DESCRIPTION: f32 = 0.5;

/// How rare terms are in the descriptions of all tools.
pub(super) struct Rarity {
    counts: HashMap<String, f32>,
    all: f32,
}

impl Rarity {
    pub(super) fn new(profiles: &[Profile<'_>]) -> Self {
        let mut counts: HashMap<String, f32> = HashMap::new();
        for profile in profiles {
            for term in profile.terms.iter().collect::<BTreeSet<_>>() {
                match counts.get_mut(term) {
                    Some(count) => *count += 1.0,
                    None => _ = counts.insert(term.clone(), 1.0),
                }
            }
        }
        Self {
            counts,
            all: profiles.len() as f32,
        }
    }

    fn of(&self, term: &str) -> f32 {
        let count = self.counts.get(term).copied().unwrap_or(1.0);
        (1.0 + self.all / count).ln()
    }

    /// How much of what two descriptions say both say, by how rare it is.
    fn overlap(&self, one: &[String], other: &[String]) -> f32 {
        let (one, other): (BTreeSet<&String>, BTreeSet<&String>) =
            (one.iter().collect(), other.iter().collect());
        let sum = |it: &mut dyn Iterator<Item = &&String>| {
            it.map(|it| self.of(it)).fold(0.0, |a, b| a + b)
        };
        let (both, any) = (
            sum(&mut one.intersection(&other)),
            sum(&mut one.union(&other)),
        );
        if any > 0.0 { both / any } else { 0.0 }
    }
}

/// How much alike two tools are.
#[derive(Debug, Clone)]
pub(super) struct Likeness {
    pub(super) score: f32,
    /// What they have in common.
    pub(super) told: String,
}

impl Likeness {
    /// Both have the same verb. None where they are of one server, where one reads and the other does not, and where they are too different.
    pub(super) fn of(a: &Profile<'_>, b: &Profile<'_>, rarity: &Rarity) -> Option<Self> {
        if a.tool.name().server() == b.tool.name().server() || a.effect != b.effect {
            return None;
        }
        let (of_names, told) = names(a, b)?;
        let shared = rarity.overlap(&a.terms, &b.terms);
        let said = (shared / SAME).min(1.0);
        let of_texts = NAME * of_names + DESCRIPTION * said;
        if of_texts + PARAMETERS < LEAST {
            return None;
        }
        // Each has to stand in for the other.
        let there = Correspondence::new(&a.parameters, &b.parameters).filled();
        let back = Correspondence::new(&b.parameters, &a.parameters).filled();
        let score = of_texts + PARAMETERS * there.min(back);
        (score >= LEAST).then(|| Self {
            score,
            told: format!("{told}, descriptions share {:.0}%", shared * 100.0),
        })
    }
}

/// How far the names of two tools say that they act on the same.
fn names(a: &Profile<'_>, b: &Profile<'_>) -> Option<(f32, String)> {
    let verb = &a.verb;
    if a.objects.is_empty() || b.objects.is_empty() {
        let (named, other) = if a.objects.is_empty() { (b, a) } else { (a, b) };
        let is_said = |it: &String| says(&other.terms, it);
        return named
            .objects
            .iter()
            .all(is_said)
            .then(|| (BY_DESCRIPTION, format!("same verb {verb}")));
    }
    if a.objects == b.objects {
        return Some((1.0, format!("same verb and object, {}", a.words.join(" "))));
    }
    let covers = |one: &Profile<'_>, other: &Profile<'_>| {
        one.objects.iter().all(|it| says(&other.objects, it))
    };
    (covers(a, b) && covers(b, a)).then(|| {
        let (own, others) = (a.words.join(" "), b.words.join(" "));
        (IN_OTHER_WORDS, format!("same verb, {own} as {others}"))
    })
}

fn says(terms: &[String], wanted: &String) -> bool {
    terms.contains(wanted) || synonyms_of(wanted).iter().any(|it| terms.contains(it))
}
