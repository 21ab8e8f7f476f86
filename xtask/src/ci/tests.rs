//! Tests of the tiers, the budgets and the summary, on steps that do nothing.

use std::collections::BTreeSet;

use super::steps::Skips;
use super::*;
use crate::commands::COMMANDS;

/// Commands that are no step: `ci` itself, and what people run to look at figures.
const NO_STEPS: &[&str] = &["ci", "bench"];

fn step(skips: Skips) -> Step {
    Step {
        name: "x",
        arguments: &[],
        tier: Tier::Fast,
        budget: Duration::from_secs(10),
        skips,
    }
}

fn outcome(name: &'static str, verdict: Verdict, millis: u64, budget: u64) -> Outcome {
    Outcome {
        name,
        verdict,
        took: Duration::from_millis(millis),
        budget: Duration::from_secs(budget),
    }
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

#[test]
fn the_tier_is_fast_unless_it_is_named() {
    for (typed, expected) in [
        (&[][..], Tier::Fast),
        (&["--tier", "full"], Tier::Full),
        (&["--tier=nightly"], Tier::Nightly),
    ] {
        assert_eq!(tier(&strings(typed)).unwrap(), expected, "{typed:?}");
    }
    for (typed, answer) in [
        (
            &["--tier", "ful"][..],
            "no tier `ful`; the nearest is `full`",
        ),
        (&["--tier"], "`ci` takes a tier, but got `--tier`"),
        (&["full"], "`ci` takes only `--tier TIER`, but got `full`"),
        (&["a", "b"], "`ci` takes only `--tier TIER`, but got `a b`"),
    ] {
        assert_eq!(tier(&strings(typed)).unwrap_err().to_string(), answer);
    }
}

#[test]
fn a_step_over_its_budget_fails_and_one_within_passes() {
    let judge = |result, seconds| judge(&step(Skips::Never), result, Duration::from_secs(seconds));
    assert_eq!(judge(Ok(()), 10), Verdict::Passed);
    assert_eq!(judge(Ok(()), 11), Verdict::OverBudget);
    assert_eq!(judge(Err(anyhow::anyhow!("no")), 1), Verdict::Failed);
    assert!(Verdict::OverBudget.is_failure() && Verdict::Failed.is_failure());
    assert!(!Verdict::Passed.is_failure());
}

#[test]
fn a_skip_counts_only_for_the_reasons_of_the_step() {
    let judge =
        |skips, why: &str| judge(&step(skips), Err(Skipped::new(why).into()), Duration::ZERO);
    let skipped = |why: &str| Verdict::Skipped(why.to_owned());
    let wrong = |why: &str| Verdict::MustNotSkip(why.to_owned());
    assert_eq!(judge(Skips::Any, "no npx"), skipped("no npx"));
    assert_eq!(judge(Skips::For("no net"), "no net"), skipped("no net"));
    assert_eq!(judge(Skips::For("no net"), "no npx"), wrong("no npx"));
    assert_eq!(judge(Skips::Never, "no net"), wrong("no net"));
    assert!(wrong("x").is_failure() && !skipped("x").is_failure());
}

#[test]
fn a_failed_step_is_an_outcome_and_a_step_without_a_command_fails() {
    let failed = run_step(&step(Skips::Never), || bail!("no"));
    assert_eq!((failed.name, failed.verdict), ("x", Verdict::Failed));
    let passed = run_step(&step(Skips::Never), || Ok(()));
    assert_eq!(passed.verdict, Verdict::Passed);
    let unknown = Step {
        name: "clipy",
        ..step(Skips::Any)
    };
    let error = command(&Shell::new().unwrap(), &unknown).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no command `clipy`; the nearest is `clippy`"
    );
}

#[test]
fn the_summary_is_a_table_with_both_figures_and_a_total() {
    let outcomes = [
        outcome("fmt", Verdict::Passed, 1_250, 60),
        outcome("clippy", Verdict::OverBudget, 612_340, 600),
        outcome("advisories", Verdict::Skipped("no net".into()), 0, 300),
        outcome("interop", Verdict::MustNotSkip("no npx".into()), 100, 900),
        outcome("doctest", Verdict::Failed, 61_000, 600),
    ];
    assert_eq!(
        summary(Tier::Full, &outcomes),
        "== summary of the tier `full` ==\n\
         fmt             1.2 s of    60 s  ok\n\
         clippy        612.3 s of   600 s  FAILED: it took 612.3 s, and its budget is 600 s\n\
         advisories      0.0 s of   300 s  skipped: no net\n\
         interop         0.1 s of   900 s  FAILED: must not be skipped, but was: no npx\n\
         doctest        61.0 s of   600 s  FAILED\n\
         total         674.7 s of  3600 s  FAILED: 3 of 5, 1 skipped\n"
    );
    assert_eq!(
        outcomes[2].line(),
        "advisories 0.0 s of 300 s: skipped: no net"
    );
    let error = conclude(Tier::Full, &outcomes).unwrap_err().to_string();
    assert_eq!(
        error,
        "3 of 5 steps failed: clippy, interop, doctest; run one alone with `cargo xtask clippy`"
    );
}

#[test]
fn a_skip_is_told_in_a_total_that_passes() {
    let outcomes = [
        outcome("fmt", Verdict::Passed, 0, 60),
        outcome("advisories", Verdict::Skipped("no net".into()), 0, 300),
    ];
    let table = summary(Tier::Full, &outcomes);
    assert!(table.ends_with("of  3600 s  ok, 1 skipped\n"), "{table}");
    assert!(conclude(Tier::Full, &outcomes).is_ok());
}

#[test]
fn a_tier_over_its_budget_fails_though_each_step_passed() {
    let outcomes = [outcome("test", Verdict::Passed, 2_100_500, 9_000)];
    assert_eq!(
        conclude(Tier::Fast, &outcomes).unwrap_err().to_string(),
        "the steps took 2100.5 s together, and the budget of the tier `fast` is 2100 s; \
         make one faster, or move it to a later tier"
    );
    assert!(
        summary(Tier::Fast, &outcomes)
            .ends_with("FAILED: it took 2100.5 s, and its budget is 2100 s\n")
    );
    assert!(conclude(Tier::Full, &outcomes).is_ok());
}

#[test]
fn each_command_is_a_step_and_each_step_a_command() {
    let steps: BTreeSet<&str> = STEPS.iter().map(|step| step.name).collect();
    let commands: BTreeSet<&str> = COMMANDS
        .iter()
        .map(|command| command.name)
        .filter(|name| !NO_STEPS.contains(name))
        .collect();
    assert_eq!(steps, commands);
}

#[test]
fn each_step_fits_into_its_tier_and_the_tiers_come_in_order() {
    assert!(STEPS.iter().all(|step| step.budget < step.tier.budget()));
    assert!(STEPS.is_sorted_by_key(|step| step.tier));
    let later: u64 = STEPS
        .iter()
        .filter(|step| step.tier == Tier::Nightly)
        .map(|step| step.budget.as_secs())
        .sum();
    assert!(Tier::Full.budget().as_secs() + later <= Tier::Nightly.budget().as_secs());
}

#[test]
fn the_generators_only_compare() {
    let codegen = STEPS.iter().find(|step| step.name == "codegen").unwrap();
    assert_eq!(codegen.arguments, ["--check"]);
}
