//! How good a ranking is: recall at some ranks and nDCG at 5. It must not know how the ranking came about.

use std::collections::BTreeSet;

/// The ranks at which recall is taken.
pub(super) const RANKS: [usize; 4] = [1, 5, 10, 20];

/// What one ranking reaches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Grade {
    /// The share of the needs that are met at each of [`RANKS`], then at all of its places.
    recall: [f64; 5],
    ndcg: f64,
}

/// What many rankings reach.
pub(super) struct Grades(Vec<Grade>);

impl Grades {
    pub(super) fn of(grades: Vec<Grade>) -> Self {
        Self(grades)
    }

    /// The mean of each figure, over all rankings: recall at each rank, at all places, and nDCG at 5.
    pub(super) fn means(&self) -> [f64; 6] {
        std::array::from_fn(|figure| self.mean(|grade| grade.figure(figure)))
    }

    /// The standard error of recall at 10.
    pub(super) fn error(&self) -> f64 {
        let of = |grade: &Grade| grade.figure(2);
        let mean = self.mean(of);
        let variance = self.mean(|grade| (of(grade) - mean).powi(2));
        (variance / self.0.len().saturating_sub(1).max(1) as f64).sqrt()
    }

    fn mean(&self, of: impl Fn(&Grade) -> f64) -> f64 {
        self.0.iter().map(of).sum::<f64>() / self.0.len().max(1) as f64
    }
}

impl Grade {
    fn figure(&self, at: usize) -> f64 {
        self.recall.get(at).copied().unwrap_or(self.ndcg)
    }
}

pub(super) fn grade(ranked: &[String], labels: &[Vec<String>]) -> Grade {
    let recall = |places: usize| {
        let met = |group: &&Vec<String>| ranked.iter().take(places).any(|it| group.contains(it));
        labels.iter().filter(met).count() as f64 / labels.len().max(1) as f64
    };
    let [one, five, ten, twenty] = RANKS.map(recall);
    Grade {
        recall: [one, five, ten, twenty, recall(usize::MAX)],
        ndcg: ndcg(ranked, labels),
    }
}

/// Each need counts at the first tool that meets it, and a tool meets one need.
fn ndcg(ranked: &[String], labels: &[Vec<String>]) -> f64 {
    let worth = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
    let mut met = BTreeSet::new();
    let mut gained = 0.0;
    for (rank, name) in ranked.iter().take(5).enumerate() {
        let open = (0..)
            .zip(labels)
            .find(|(at, group)| !met.contains(at) && group.contains(name));
        if let Some((at, _)) = open {
            met.insert(at);
            gained += worth(rank);
        }
    }
    gained / (0..labels.len().min(5)).map(worth).sum::<f64>()
}
