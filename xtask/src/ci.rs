//! `cargo xtask ci`: every step in order, a failed one not stopping the later ones, so that one run shows all there
//! is to mend. It must not know what a step checks.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use xshell::Shell;

use crate::{cargo_steps, codegen, features, layers, owners, tidy};

struct Step {
    name: &'static str,
    run: fn(&Shell) -> Result<()>,
}

/// Cheap steps come first: they need no compiled workspace and name the plain mistakes within a second.
const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        run: cargo_steps::fmt,
    },
    Step {
        name: "tidy",
        run: tidy::run,
    },
    Step {
        name: "layers",
        run: layers::run,
    },
    Step {
        name: "owners",
        run: owners::run,
    },
    Step {
        name: "codegen",
        run: codegen::check,
    },
    Step {
        name: "clippy",
        run: cargo_steps::clippy,
    },
    Step {
        name: "docs",
        run: cargo_steps::docs,
    },
    Step {
        name: "test",
        run: cargo_steps::test,
    },
    Step {
        name: "doctest",
        run: cargo_steps::doctest,
    },
    Step {
        name: "features",
        run: features::run,
    },
];

struct Outcome {
    name: &'static str,
    passed: bool,
    took: Duration,
}

pub(crate) fn run(sh: &Shell) -> Result<()> {
    let outcomes = run_steps(sh, STEPS);
    print!("\n{}", summary(&outcomes));
    let failed: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| !outcome.passed)
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
    Ok(())
}

fn run_steps(sh: &Shell, steps: &[Step]) -> Vec<Outcome> {
    steps.iter().map(|step| run_step(sh, step)).collect()
}

fn run_step(sh: &Shell, step: &Step) -> Outcome {
    println!("\n== {} ==", step.name);
    let start = Instant::now();
    let result = (step.run)(sh);
    let outcome = Outcome {
        name: step.name,
        passed: result.is_ok(),
        took: start.elapsed(),
    };
    if let Err(error) = result {
        eprintln!("error: {error:#}");
    }
    println!("{}", outcome.line(0));
    outcome
}

fn summary(outcomes: &[Outcome]) -> String {
    let width = outcomes
        .iter()
        .map(|outcome| outcome.name.len())
        .max()
        .unwrap_or_default();
    let mut lines = vec!["== summary ==".to_owned()];
    lines.extend(outcomes.iter().map(|outcome| outcome.line(width)));
    let total = Outcome {
        name: "total",
        passed: outcomes.iter().all(|outcome| outcome.passed),
        took: outcomes.iter().map(|outcome| outcome.took).sum(),
    };
    lines.push(total.line(width));
    lines.join("\n") + "\n"
}

impl Outcome {
    /// `NAME ok 12.3 s`; with a width, aligned as the row of a table.
    fn line(&self, width: usize) -> String {
        let Outcome { name, passed, took } = self;
        let verdict = if *passed { "ok" } else { "FAILED" };
        let seconds = took.as_secs_f64();
        if width == 0 {
            format!("{name} {verdict} {seconds:.1} s")
        } else {
            format!("{name:<width$}  {verdict:<6}  {seconds:>7.1} s")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::commands::COMMANDS;

    #[test]
    fn a_failed_step_does_not_stop_the_later_ones() {
        let steps = [
            Step {
                name: "first",
                run: |_| Ok(()),
            },
            Step {
                name: "second",
                run: |_| bail!("no"),
            },
            Step {
                name: "third",
                run: |_| Ok(()),
            },
        ];
        let outcomes = run_steps(&Shell::new().unwrap(), &steps);
        let verdicts: Vec<_> = outcomes
            .iter()
            .map(|outcome| (outcome.name, outcome.passed))
            .collect();
        assert_eq!(
            verdicts,
            [("first", true), ("second", false), ("third", true)]
        );
    }

    #[test]
    fn the_summary_is_a_table_with_a_total() {
        let outcome = |name, passed, millis| Outcome {
            name,
            passed,
            took: Duration::from_millis(millis),
        };
        let outcomes = [
            outcome("fmt", true, 1_250),
            outcome("doctest", false, 61_000),
        ];
        assert_eq!(
            summary(&outcomes),
            "== summary ==\n\
             fmt      ok          1.2 s\n\
             doctest  FAILED     61.0 s\n\
             total    FAILED     62.2 s\n"
        );
        assert_eq!(outcomes[1].line(0), "doctest FAILED 61.0 s");
    }

    #[test]
    fn each_command_is_a_step_and_each_step_a_command() {
        let steps: BTreeSet<&str> = STEPS.iter().map(|step| step.name).collect();
        let commands: BTreeSet<&str> = COMMANDS
            .iter()
            .map(|command| command.name)
            .filter(|name| *name != "ci")
            .collect();
        assert_eq!(steps, commands);
    }
}
