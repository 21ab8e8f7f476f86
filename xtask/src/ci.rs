//! `cargo xtask ci [--tier fast|full|nightly]`: the steps of a tier in order, a failed one not stopping the later
//! ones, so that one run shows all there is to mend. It must not know what a step checks.

mod steps;
mod summary;
mod table;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use xshell::Shell;

use crate::commands::{self, Usage, nearest};
use crate::skipped::Skipped;
use steps::{STEPS, Step, Tier};
use summary::{Outcome, Verdict, summary};

pub(crate) use table::table;

pub(crate) fn run(sh: &Shell, arguments: &[String]) -> Result<()> {
    let tier = tier(arguments)?;
    let outcomes: Vec<Outcome> = STEPS
        .iter()
        .filter(|step| step.tier <= tier)
        .map(|step| run_step(step, || command(sh, step)))
        .collect();
    print!("\n{}", summary(tier, &outcomes));
    conclude(tier, &outcomes)
}

/// The tier that the arguments name.
fn tier(arguments: &[String]) -> Result<Tier, Usage> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let name = match arguments.as_slice() {
        [] => return Ok(Tier::Fast),
        ["--tier", name] => name,
        [one] => one.strip_prefix("--tier=").ok_or_else(|| {
            let what = if *one == "--tier" {
                "a tier"
            } else {
                "only `--tier TIER`"
            };
            Usage(format!("`ci` takes {what}, but got `{one}`"))
        })?,
        _ => {
            let got = arguments.join(" ");
            return Err(Usage(format!(
                "`ci` takes only `--tier TIER`, but got `{got}`"
            )));
        }
    };
    Tier::ALL
        .into_iter()
        .find(|tier| tier.name() == name)
        .ok_or_else(|| {
            let nearest = nearest(name, Tier::ALL.iter().map(|tier| tier.name()));
            let nearest = nearest.unwrap_or_default();
            Usage(format!("no tier `{name}`; the nearest is `{nearest}`"))
        })
}

/// Runs the step as its command does. A step that has no command, or none yet, fails.
fn command(sh: &Shell, step: &Step) -> Result<()> {
    let arguments: Vec<String> = step.arguments.iter().map(ToString::to_string).collect();
    (commands::find(step.name)?.run)(sh, &arguments)
}

fn run_step(step: &Step, run: impl FnOnce() -> Result<()>) -> Outcome {
    println!("\n== {} ==", step.name);
    let start = Instant::now();
    let result = run();
    let took = start.elapsed();
    if let Err(error) = &result
        && !error.is::<Skipped>()
    {
        eprintln!("error: {error:#}");
    }
    let outcome = Outcome {
        name: step.name,
        verdict: judge(step, result, took),
        took,
        budget: step.budget,
    };
    println!("{}", outcome.line());
    outcome
}

/// What is to be said of a step's result: a skip counts only for the reasons that the step may have, and success only
/// within the budget. That a step hangs is for the machine it runs on to notice: nothing is ended here.
fn judge(step: &Step, result: Result<()>, took: Duration) -> Verdict {
    match result {
        Ok(()) if took > step.budget => Verdict::OverBudget,
        Ok(()) => Verdict::Passed,
        Err(error) => match error.downcast_ref::<Skipped>() {
            Some(skipped) if step.skips.allow(skipped.why()) => {
                Verdict::Skipped(skipped.why().to_owned())
            }
            Some(skipped) => Verdict::MustNotSkip(skipped.why().to_owned()),
            None => Verdict::Failed,
        },
    }
}

fn conclude(tier: Tier, outcomes: &[Outcome]) -> Result<()> {
    let failed: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| outcome.verdict.is_failure())
        .map(|outcome| outcome.name)
        .collect();
    if let Some(first) = failed.first() {
        bail!(
            "{} of {} steps failed: {}; run one alone with `cargo xtask {first}`",
            failed.len(),
            outcomes.len(),
            failed.join(", ")
        );
    }
    let took: Duration = outcomes.iter().map(|outcome| outcome.took).sum();
    if took > tier.budget() {
        bail!(
            "the steps took {:.1} s together, and the budget of the tier `{}` is {} s; \
             make one faster, or move it to a later tier",
            took.as_secs_f64(),
            tier.name(),
            tier.budget().as_secs()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
