//! Which of two tools comes first, and how that is told. It must not know of a third.
//!
//! Measured figures waver, and each change of the order costs a prompt cache. So they decide only where the difference
//! is clear, and what was decided stands until the difference is nearly gone.

use std::time::Duration;

use manyhands_core::{QualifiedName, Rounded};

use super::criterion::Criterion;
use super::ranking::Measured;
use crate::metadata::{Cost, Metadata, Origin};

/// The least calls of each tool from which on figures decide: of fewer, one odd answer moves a rate by more than 10 %.
const MIN_CALLS: usize = 10;
/// How much sooner half of the answers have to come: less is in the noise of a shared network, and nobody notices less
/// than some tens of milliseconds in a turn of a model.
const CLEARLY_FASTER: Faster = Faster {
    percent: 25,
    by: Duration::from_millis(20),
};
/// How much sooner they still have to come for an order that there was to stand.
const STILL_FASTER: Faster = Faster {
    percent: 10,
    by: Duration::from_millis(5),
};
/// How much more of the calls have to be answered for one to come first, and to stay there.
const CLEARLY_SAFER: f64 = 0.05;
const STILL_SAFER: f64 = 0.02;
/// By how many standard errors rates have to differ, so that chance alone does it in one case of twenty.
const SURE: f64 = 2.0;

/// A tool of a group, with all that counts.
pub(super) struct Contender {
    pub(super) tool: QualifiedName,
    /// Its place as it is declared.
    pub(super) declared: usize,
    /// Its place in an earlier order.
    pub(super) earlier: Option<usize>,
    pub(super) arguments: Option<String>,
    pub(super) outage: Option<String>,
    measured: Option<Measured>,
    cost: Cost,
    /// The configuration's tags, in lower case.
    tags: Vec<String>,
}

impl Contender {
    pub(super) fn new(
        tool: QualifiedName,
        declared: usize,
        metadata: &Metadata,
        measured: Option<Measured>,
    ) -> Self {
        let tags = metadata.tags.iter();
        Self {
            tool,
            declared,
            earlier: None,
            arguments: None,
            outage: None,
            measured: measured.filter(|it| it.calls >= MIN_CALLS),
            cost: metadata.cost.as_ref().map_or(Cost::Medium, |it| it.value),
            tags: tags
                .filter(|it| it.origin == Origin::Config)
                .map(|it| it.value.to_lowercase())
                .collect(),
        }
    }

    /// Whether it comes before `other` by the first of `prefer` that decides, and by which; none where none does.
    pub(super) fn beats<'p>(
        &self,
        other: &Self,
        prefer: &'p [Criterion],
    ) -> Option<(bool, &'p Criterion)> {
        prefer.iter().find_map(|criterion| {
            if self.wins(other, criterion) {
                Some((true, criterion))
            } else {
                other.wins(self, criterion).then_some((false, criterion))
            }
        })
    }

    fn wins(&self, other: &Self, criterion: &Criterion) -> bool {
        match criterion {
            Criterion::Order => self.declared < other.declared,
            Criterion::Tag(tag) => self.has(tag) && !other.has(tag),
            Criterion::Cost => self.cost < other.cost,
            Criterion::Latency => self.is_faster(other),
            Criterion::Success => self.is_safer(other),
        }
    }

    fn has(&self, tag: &str) -> bool {
        self.tags.contains(&tag.to_lowercase())
    }

    /// Whether it came before the other already.
    fn led(&self, other: &Self) -> bool {
        let places = self.earlier.zip(other.earlier);
        places.is_some_and(|(own, other)| own < other)
    }

    fn is_faster(&self, other: &Self) -> bool {
        let Some((own, theirs)) = self.measured.zip(other.measured) else {
            return false;
        };
        let Some((own_p50, their_p50)) = own.p50.zip(theirs.p50) else {
            return false;
        };
        // Who is sooner most of the time, and much later at times, is not simply the faster one.
        let slowest = own.p95.zip(theirs.p95);
        let has_worse_days = slowest.is_some_and(|(own, theirs)| CLEARLY_FASTER.holds(theirs, own));
        let margin = if self.led(other) {
            STILL_FASTER
        } else {
            CLEARLY_FASTER
        };
        !has_worse_days && margin.holds(own_p50, their_p50)
    }

    fn is_safer(&self, other: &Self) -> bool {
        let Some((own, theirs)) = self.measured.zip(other.measured) else {
            return false;
        };
        let gain = rate(&own) - rate(&theirs);
        if self.led(other) {
            return gain >= STILL_SAFER;
        }
        gain >= CLEARLY_SAFER && gain > SURE * variance(&own, &theirs).sqrt()
    }

    /// What `criterion` sees in it beside the other.
    pub(super) fn tell(&self, other: &Self, criterion: &Criterion) -> String {
        let figures = self.measured.zip(other.measured);
        match criterion {
            Criterion::Order if self.declared < other.declared => "declared first".to_owned(),
            Criterion::Order => "declared later".to_owned(),
            Criterion::Tag(tag) if self.has(tag) => format!("it has the tag {tag}"),
            Criterion::Tag(tag) => format!("it lacks the tag {tag}"),
            Criterion::Cost => {
                let (own, theirs) = (word(self.cost), word(other.cost));
                format!("cost {own} against {theirs}")
            }
            Criterion::Latency => {
                let median = |it: Measured| Rounded(it.p50.unwrap_or_default());
                figures.map_or_else(String::new, |(own, theirs)| {
                    format!("median {} against {}", median(own), median(theirs))
                })
            }
            Criterion::Success => {
                let share = |it: Measured| format!("{:.0}% of {}", rate(&it) * 100.0, it.calls);
                figures.map_or_else(String::new, |(own, theirs)| {
                    format!("answered {} calls against {}", share(own), share(theirs))
                })
            }
        }
    }
}

/// By how much something has to be faster.
struct Faster {
    percent: u32,
    by: Duration,
}

impl Faster {
    fn holds(&self, own: Duration, theirs: Duration) -> bool {
        let gain = theirs.saturating_sub(own);
        gain >= self.by && gain >= theirs * self.percent / 100
    }
}

fn rate(of: &Measured) -> f64 {
    of.success_rate.clamp(0.0, 1.0)
}

/// The variance of the difference of two rates. One success and one failure are added to each, so that ten answers out
/// of ten are not taken for certainty.
fn variance(own: &Measured, theirs: &Measured) -> f64 {
    let of = |it: &Measured| {
        let calls = it.calls as f64;
        let rate = (rate(it) * calls + 1.0) / (calls + 2.0);
        rate * (1.0 - rate) / (calls + 2.0)
    };
    of(own) + of(theirs)
}

fn word(cost: Cost) -> &'static str {
    match cost {
        Cost::Low => "low",
        Cost::Medium => "medium",
        Cost::High => "high",
    }
}
