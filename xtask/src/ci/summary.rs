//! How a run reads at its end: one line for each step, the seconds used beside the seconds granted. It must not know
//! how a verdict comes about.

use std::time::Duration;

use super::steps::Tier;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    Failed,
    OverBudget,
    Skipped(String),
    /// Skipped for a reason that the step must not have.
    MustNotSkip(String),
}

impl Verdict {
    pub(super) fn is_failure(&self) -> bool {
        !matches!(self, Self::Passed | Self::Skipped(_))
    }
}

pub(super) struct Outcome {
    pub(super) name: &'static str,
    pub(super) verdict: Verdict,
    pub(super) took: Duration,
    pub(super) budget: Duration,
}

impl Outcome {
    /// `NAME 12.3 s of 60 s: ok`.
    pub(super) fn line(&self) -> String {
        let seconds = self.took.as_secs_f64();
        let budget = self.budget.as_secs();
        format!(
            "{} {seconds:.1} s of {budget} s: {}",
            self.name,
            self.said()
        )
    }

    /// The same as the row of a table.
    fn row(&self, width: usize) -> String {
        let seconds = self.took.as_secs_f64();
        let budget = self.budget.as_secs();
        let name = self.name;
        format!(
            "{name:<width$}  {seconds:>7.1} s of {budget:>5} s  {}",
            self.said()
        )
    }

    fn said(&self) -> String {
        match &self.verdict {
            Verdict::Passed => "ok".to_owned(),
            Verdict::Failed => "FAILED".to_owned(),
            Verdict::OverBudget => format!("FAILED: {}", over(self.took, self.budget)),
            Verdict::Skipped(why) => format!("skipped: {why}"),
            Verdict::MustNotSkip(why) => format!("FAILED: must not be skipped, but was: {why}"),
        }
    }
}

fn over(took: Duration, budget: Duration) -> String {
    let (seconds, budget) = (took.as_secs_f64(), budget.as_secs());
    format!("it took {seconds:.1} s, and its budget is {budget} s")
}

pub(super) fn summary(tier: Tier, outcomes: &[Outcome]) -> String {
    let names = outcomes.iter().map(|outcome| outcome.name.len());
    let width = names.max().unwrap_or_default().max("total".len());
    let mut lines = vec![format!("== summary of the tier `{}` ==", tier.name())];
    lines.extend(outcomes.iter().map(|outcome| outcome.row(width)));
    let took: Duration = outcomes.iter().map(|outcome| outcome.took).sum();
    let (seconds, budget) = (took.as_secs_f64(), tier.budget().as_secs());
    let said = total(tier, outcomes, took);
    lines.push(format!(
        "{:<width$}  {seconds:>7.1} s of {budget:>5} s  {said}",
        "total"
    ));
    lines.join("\n") + "\n"
}

/// The verdict of them all, which tells of what was skipped too.
fn total(tier: Tier, outcomes: &[Outcome], took: Duration) -> String {
    let count = |is: fn(&Verdict) -> bool| {
        outcomes
            .iter()
            .filter(|outcome| is(&outcome.verdict))
            .count()
    };
    let failed = count(Verdict::is_failure);
    let skipped = count(|verdict| matches!(verdict, Verdict::Skipped(_)));
    let mut said = match failed {
        0 if took > tier.budget() => format!("FAILED: {}", over(took, tier.budget())),
        0 => "ok".to_owned(),
        failed => format!("FAILED: {failed} of {}", outcomes.len()),
    };
    if skipped > 0 {
        said += &format!(", {skipped} skipped");
    }
    said
}
